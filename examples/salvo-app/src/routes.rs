//! The routes: what each extracts from the request, and which action it calls.

use std::{convert::Infallible, sync::Arc};

use futures_util::StreamExt;
use salvo::{
    FlowCtrl, Request, Response, Router, Writer, handler,
    http::{ParseError, StatusError},
    sse::{self, SseEvent},
    websocket::{Message, WebSocketUpgrade},
};
use waxseal_example_shared::{
    Answer, Config,
    actions::{self, Item, SignInForm, Slow},
    live,
};
use waxseal_salvo::{Session, SessionError, SignedIn};

type Result<T = (), E = SessionError> = std::result::Result<T, E>;

pub(crate) fn routes(config: Arc<Config>) -> Router {
    Router::new()
        .get(Home(config.clone()))
        .push(Router::with_path("sign-in").post(SignIn(config)))
        .push(Router::with_path("sign-out").post(sign_out))
        .push(Router::with_path("whoami").get(whoami))
        .push(Router::with_path("visits").post(visits))
        .push(Router::with_path("list").post(add_item))
        .push(Router::with_path("list/remove").post(remove_item))
        .push(Router::with_path("data/{key}").get(read_data).put(write_data).delete(delete_data))
        .push(Router::with_path("devices").get(devices))
        .push(Router::with_path("devices/others/sign-out").post(sign_out_others))
        .push(Router::with_path("devices/{id}").delete(revoke))
        .push(Router::with_path("devices/{id}/sign-out").post(revoke))
        .push(Router::with_path("plain").get(plain))
        .push(Router::with_path("fail").get(fail))
        .push(Router::with_path("slow").get(slow))
        .push(Router::with_path("events").get(events))
        .push(Router::with_path("socket").get(socket))
}

#[handler]
pub(crate) async fn same_site_only(req: &mut Request, res: &mut Response, ctrl: &mut FlowCtrl) {
    if let Some(refused) = actions::refuse_other_sites(req.method(), req.headers()) {
        respond(res, refused);
        ctrl.skip_rest();
    }
}

fn respond(res: &mut Response, answer: Answer) {
    res.status_code(answer.status);
    res.headers_mut().extend(answer.headers);
    if !answer.body.is_empty() {
        res.body(answer.body);
    }
}

fn answered(res: &mut Response, result: Result<Answer, waxseal_salvo::waxseal_http::SessionError>) -> Result {
    respond(res, result?);
    Ok(())
}

fn param(req: &Request, name: &str) -> String {
    req.param(name).unwrap_or_default()
}

struct Home(Arc<Config>);

#[handler]
impl Home {
    async fn handle(&self, session: Session, res: &mut Response) -> Result {
        answered(res, actions::home(&self.0, &session).await)
    }
}

struct SignIn(Arc<Config>);

#[handler]
impl SignIn {
    async fn handle(&self, session: Session, req: &mut Request, res: &mut Response) -> Result<Result, ParseError> {
        let form: SignInForm = req.parse_form().await?;
        Ok(answered(res, actions::sign_in(&self.0, &session, req.headers(), &form)))
    }
}

#[handler]
async fn sign_out(session: Session, req: &mut Request, res: &mut Response) {
    respond(res, actions::sign_out(&session, req.headers()));
}

#[handler]
async fn whoami(signed_in: SignedIn, res: &mut Response) -> Result {
    answered(res, actions::whoami(&signed_in.subject, &signed_in.session).await)
}

#[handler]
async fn visits(session: Session, req: &mut Request, res: &mut Response) -> Result {
    answered(res, actions::visits(&session, req.headers()).await)
}

#[handler]
async fn add_item(signed_in: SignedIn, req: &mut Request, res: &mut Response) -> Result<Result, ParseError> {
    let form: Item = req.parse_form().await?;
    Ok(answered(res, actions::add_item(&signed_in.session, req.headers(), &form)))
}

#[handler]
async fn remove_item(signed_in: SignedIn, req: &mut Request, res: &mut Response) -> Result<Result, ParseError> {
    let form: Item = req.parse_form().await?;
    Ok(answered(res, actions::remove_item(&signed_in.session, req.headers(), form)))
}

#[handler]
async fn read_data(session: Session, req: &mut Request, res: &mut Response) -> Result {
    answered(res, actions::read_data(&session, &param(req, "key")).await)
}

#[handler]
async fn write_data(session: Session, req: &mut Request, res: &mut Response) -> Result<Result, ParseError> {
    let body = req.payload_with_max_size(actions::MAX_BODY_BYTES).await?.clone();
    Ok(answered(res, actions::write_data(&session, &param(req, "key"), &body).await))
}

#[handler]
async fn delete_data(session: Session, req: &mut Request, res: &mut Response) {
    respond(res, actions::delete_data(&session, &param(req, "key")));
}

#[handler]
async fn devices(signed_in: SignedIn, res: &mut Response) -> Result {
    answered(res, actions::devices(&signed_in.session).await)
}

#[handler]
async fn sign_out_others(signed_in: SignedIn, req: &mut Request, res: &mut Response) -> Result {
    answered(res, actions::sign_out_others(&signed_in.session, req.headers()).await)
}

#[handler]
async fn revoke(signed_in: SignedIn, req: &mut Request, res: &mut Response) -> Result {
    answered(res, actions::revoke(&signed_in.session, req.headers(), &param(req, "id")).await)
}

#[handler]
fn plain() -> &'static str {
    actions::plain()
}

#[handler]
async fn fail(session: Session, res: &mut Response) -> Result {
    answered(res, actions::fail(&session))
}

#[handler]
async fn slow(session: Session, req: &mut Request, res: &mut Response) -> Result<Result, ParseError> {
    let query: Slow = req.parse_queries()?;
    Ok(answered(res, actions::slow(&session, &query).await))
}

#[handler]
async fn events(signed_in: SignedIn, res: &mut Response) {
    let live = live::events(&signed_in.session);
    let stream = live.map(|live::Event { name, data }| Ok::<_, Infallible>(SseEvent::default().name(name).text(data)));
    sse::stream(res, stream);
}

#[handler]
async fn socket(signed_in: SignedIn, req: &mut Request, res: &mut Response) -> Result<(), StatusError> {
    let is_data = |message: &Message| message.is_text() || message.is_binary();
    let close = |code: u16, reason: &'static str| Message::close_with(code, reason);
    WebSocketUpgrade::new()
        .max_message_size(live::MAX_MESSAGE_BYTES)
        .upgrade(req, res, move |opened| live::echo((*signed_in.session).clone(), opened, is_data, close))
        .await
}
