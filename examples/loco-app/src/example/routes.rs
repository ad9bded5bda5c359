//! The routes of all examples: what each extracts from the request, and which action it calls.

use std::convert::Infallible;

use axum::{
    body::Bytes,
    extract::{
        DefaultBodyLimit, Request,
        ws::{CloseFrame, Message, WebSocketUpgrade},
    },
    http::HeaderMap,
    middleware::{Next, from_fn},
    response::{Sse, sse},
};
use futures_util::{Stream, StreamExt};
use loco_rs::prelude::*;
use waxseal::axum::{Session, SessionError, SignedIn};
use waxseal_example_shared::{
    Answer,
    actions::{self, Item, SignInForm, Slow},
    live,
};

use super::Shared;
use crate::error::AppError;

type Result<T = Response, E = AppError> = std::result::Result<T, E>;

pub(crate) fn routes() -> Routes {
    Routes::new()
        .add("/", get(home))
        .add("/sign-in", post(sign_in))
        .add("/sign-out", post(sign_out))
        .add("/whoami", get(whoami))
        .add("/visits", post(visits))
        .add("/list", post(add_item))
        .add("/list/remove", post(remove_item))
        .add("/data/{key}", get(read_data).put(write_data).delete(delete_data))
        .add("/devices", get(devices))
        .add("/devices/others/sign-out", post(sign_out_others))
        .add("/devices/{id}", delete(revoke))
        .add("/devices/{id}/sign-out", post(revoke))
        .add("/plain", get(actions::plain()))
        .add("/fail", get(fail))
        .add("/slow", get(slow))
        .add("/events", get(events))
        .add("/socket", get(socket))
        .layer(DefaultBodyLimit::max(actions::MAX_BODY_BYTES))
        .layer(from_fn(same_site_only))
}

async fn same_site_only(request: Request, next: Next) -> Response {
    match actions::refuse_other_sites(request.method(), request.headers()) {
        Some(refused) => respond(refused),
        None => next.run(request).await,
    }
}

fn respond(answer: Answer) -> Response {
    (answer.status, answer.headers, answer.body).into_response()
}

fn answered(result: Result<Answer, waxseal::engine::SessionError>) -> Result {
    Ok(respond(result.map_err(SessionError::from)?))
}

async fn home(SharedStore(shared): SharedStore<Shared>, session: Session) -> Result {
    answered(actions::home(&shared.0, &session).await)
}

async fn sign_in(
    SharedStore(shared): SharedStore<Shared>,
    session: Session,
    headers: HeaderMap,
    Form(form): Form<SignInForm>,
) -> Result {
    answered(actions::sign_in(&shared.0, &session, &headers, &form))
}

async fn sign_out(session: Session, headers: HeaderMap) -> Response {
    respond(actions::sign_out(&session, &headers))
}

async fn whoami(SignedIn { subject, session }: SignedIn) -> Result {
    answered(actions::whoami(&subject, &session).await)
}

async fn visits(session: Session, headers: HeaderMap) -> Result {
    answered(actions::visits(&session, &headers).await)
}

async fn add_item(signed_in: SignedIn, headers: HeaderMap, Form(form): Form<Item>) -> Result {
    answered(actions::add_item(&signed_in.session, &headers, &form))
}

async fn remove_item(signed_in: SignedIn, headers: HeaderMap, Form(form): Form<Item>) -> Result {
    answered(actions::remove_item(&signed_in.session, &headers, form))
}

async fn read_data(session: Session, Path(key): Path<String>) -> Result {
    answered(actions::read_data(&session, &key).await)
}

async fn write_data(session: Session, Path(key): Path<String>, body: Bytes) -> Result {
    answered(actions::write_data(&session, &key, &body).await)
}

async fn delete_data(session: Session, Path(key): Path<String>) -> Response {
    respond(actions::delete_data(&session, &key))
}

async fn devices(signed_in: SignedIn) -> Result {
    answered(actions::devices(&signed_in.session).await)
}

async fn sign_out_others(signed_in: SignedIn, headers: HeaderMap) -> Result {
    answered(actions::sign_out_others(&signed_in.session, &headers).await)
}

async fn revoke(signed_in: SignedIn, headers: HeaderMap, Path(id): Path<String>) -> Result {
    answered(actions::revoke(&signed_in.session, &headers, &id).await)
}

async fn fail(session: Session) -> Result {
    answered(actions::fail(&session))
}

async fn slow(session: Session, Query(slow): Query<Slow>) -> Result {
    answered(actions::slow(&session, &slow).await)
}

async fn events(signed_in: SignedIn) -> Sse<impl Stream<Item = std::result::Result<sse::Event, Infallible>>> {
    let live = live::events(&signed_in.session);
    Sse::new(live.map(|live::Event { name, data }| Ok(sse::Event::default().event(name).data(data))))
}

async fn socket(signed_in: SignedIn, upgrade: WebSocketUpgrade) -> Response {
    let is_data = |message: &Message| matches!(message, Message::Text(_) | Message::Binary(_));
    let close = |code, reason: &'static str| Message::Close(Some(CloseFrame { code, reason: reason.into() }));
    upgrade
        .max_message_size(live::MAX_MESSAGE_BYTES)
        .on_upgrade(move |opened| live::echo((*signed_in.session).clone(), opened, is_data, close))
}
