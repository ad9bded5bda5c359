//! The routes: what each extracts from the request, and which action it calls.

use std::sync::Arc;

use futures_util::StreamExt;
use poem::{
    Body, Endpoint, IntoResponse, Request, Response, Result, Route, delete, get, handler,
    http::HeaderMap,
    post,
    web::{
        Data, Form, Path, Query,
        sse::{Event, SSE},
        websocket::{Message, WebSocket, WebSocketConfig},
    },
};
use waxseal_example_shared::{
    Answer, Config,
    actions::{self, Item, SignInForm, Slow},
    live,
};
use waxseal_poem::{Session, SessionError, SignedIn};

pub(crate) fn routes() -> Route {
    Route::new()
        .at("/", get(home))
        .at("/sign-in", post(sign_in))
        .at("/sign-out", post(sign_out))
        .at("/whoami", get(whoami))
        .at("/visits", post(visits))
        .at("/list", post(add_item))
        .at("/list/remove", post(remove_item))
        .at("/data/:key", get(read_data).put(write_data).delete(delete_data))
        .at("/devices", get(devices))
        .at("/devices/others/sign-out", post(sign_out_others))
        .at("/devices/:id", delete(revoke))
        .at("/devices/:id/sign-out", post(revoke))
        .at("/plain", get(plain))
        .at("/fail", get(fail))
        .at("/slow", get(slow))
        .at("/events", get(events))
        .at("/socket", get(socket))
}

pub(crate) async fn same_site_only<E: Endpoint>(next: Arc<E>, request: Request) -> Result<Response> {
    match actions::refuse_other_sites(request.method(), request.headers()) {
        Some(refused) => Ok(respond(refused)),
        None => next.call(request).await.map(IntoResponse::into_response),
    }
}

fn respond(answer: Answer) -> Response {
    let mut response = Response::builder().status(answer.status).body(answer.body);
    response.headers_mut().extend(answer.headers);
    response
}

fn answered(result: Result<Answer, waxseal_poem::waxseal_http::SessionError>) -> Result<Response> {
    Ok(respond(result.map_err(SessionError)?))
}

#[handler]
async fn home(Data(config): Data<&Arc<Config>>, session: Session) -> Result<Response> {
    answered(actions::home(config, &session).await)
}

#[handler]
async fn sign_in(
    Data(config): Data<&Arc<Config>>,
    session: Session,
    headers: &HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result<Response> {
    answered(actions::sign_in(config, &session, headers, &form))
}

#[handler]
async fn sign_out(session: Session, headers: &HeaderMap) -> Response {
    respond(actions::sign_out(&session, headers))
}

#[handler]
async fn whoami(SignedIn { subject, session }: SignedIn) -> Result<Response> {
    answered(actions::whoami(&subject, &session).await)
}

#[handler]
async fn visits(session: Session, headers: &HeaderMap) -> Result<Response> {
    answered(actions::visits(&session, headers).await)
}

#[handler]
async fn add_item(signed_in: SignedIn, headers: &HeaderMap, Form(form): Form<Item>) -> Result<Response> {
    answered(actions::add_item(&signed_in.session, headers, &form))
}

#[handler]
async fn remove_item(signed_in: SignedIn, headers: &HeaderMap, Form(form): Form<Item>) -> Result<Response> {
    answered(actions::remove_item(&signed_in.session, headers, form))
}

#[handler]
async fn read_data(session: Session, Path(key): Path<String>) -> Result<Response> {
    answered(actions::read_data(&session, &key).await)
}

#[handler]
async fn write_data(session: Session, Path(key): Path<String>, body: Body) -> Result<Response> {
    let body = body.into_bytes_limit(actions::MAX_BODY_BYTES).await?;
    answered(actions::write_data(&session, &key, &body).await)
}

#[handler]
async fn delete_data(session: Session, Path(key): Path<String>) -> Response {
    respond(actions::delete_data(&session, &key))
}

#[handler]
async fn devices(signed_in: SignedIn) -> Result<Response> {
    answered(actions::devices(&signed_in.session).await)
}

#[handler]
async fn sign_out_others(signed_in: SignedIn, headers: &HeaderMap) -> Result<Response> {
    answered(actions::sign_out_others(&signed_in.session, headers).await)
}

#[handler]
async fn revoke(signed_in: SignedIn, headers: &HeaderMap, Path(id): Path<String>) -> Result<Response> {
    answered(actions::revoke(&signed_in.session, headers, &id).await)
}

#[handler]
fn plain() -> &'static str {
    actions::plain()
}

#[handler]
async fn fail(session: Session) -> Result<Response> {
    answered(actions::fail(&session))
}

#[handler]
async fn slow(session: Session, Query(slow): Query<Slow>) -> Result<Response> {
    answered(actions::slow(&session, &slow).await)
}

#[handler]
async fn events(signed_in: SignedIn) -> SSE {
    let live = live::events(&signed_in.session);
    SSE::new(live.map(|live::Event { name, data }| Event::message(data).event_type(name)))
}

#[handler]
async fn socket(signed_in: SignedIn, upgrade: WebSocket) -> Response {
    let is_data = |message: &Message| matches!(message, Message::Text(_) | Message::Binary(_));
    let close = |code: u16, reason: &'static str| Message::close_with(code, reason);
    upgrade
        .config(WebSocketConfig::default().max_message_size(Some(live::MAX_MESSAGE_BYTES)))
        .on_upgrade(move |opened| live::echo((*signed_in.session).clone(), opened, is_data, close))
        .into_response()
}
