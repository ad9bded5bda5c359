//! Poem, over a socket.

use poem::{
    EndpointExt, Error, IntoResponse, Response, Route, Server, handler,
    http::StatusCode,
    listener::{Acceptor, Listener, TcpListener},
    post,
    web::{Data, Json, Redirect},
};
use waxseal_http::{RequestHead, Sessions};
use waxseal_poem::{MaybeSignedIn, Session, SessionError, SessionMiddleware, SignedIn, SubjectSessions};

use crate::{
    Gates, Step,
    frameworks::{Failures, RETRY_AFTER, Socket, own_page},
    interpret,
};

#[handler]
async fn run(
    session: Session,
    Json(steps): Json<Vec<Step>>,
    Data(gates): Data<&Gates>,
) -> poem::Result<poem::Response> {
    let reply = interpret(&session, &steps, gates).await.map_err(SessionError)?;
    let status = StatusCode::from_u16(reply.status).unwrap();
    if reply.failed {
        return Err(Error::from_status(status));
    }
    let mut response = poem::Response::builder().status(status).body(serde_json::to_vec(&reply.results).unwrap());
    reply.write_headers(response.headers_mut());
    Ok(response)
}

fn who(signed_in: Option<SignedIn>) -> String {
    signed_in.map_or_else(|| "nobody".into(), |signed_in| signed_in.subject)
}

#[handler]
fn guarded(signed_in: SignedIn) -> String {
    signed_in.subject
}

#[handler]
fn maybe(MaybeSignedIn(signed_in): MaybeSignedIn) -> String {
    who(signed_in)
}

#[handler]
fn optional(signed_in: Option<SignedIn>) -> String {
    who(signed_in)
}

#[handler]
fn result(signed_in: poem::Result<SignedIn>) -> String {
    who(signed_in.ok())
}

#[handler]
async fn end_adas(_: SignedIn, sessions: SubjectSessions) -> poem::Result<String> {
    Ok(sessions.revoke_all("ada").await?.to_string())
}

fn page(error: &waxseal_http::SessionError, request: &RequestHead) -> Response {
    match error.status() {
        StatusCode::UNAUTHORIZED => Redirect::see_other("/sign-in").into_response(),
        _ => own_page(error, request).with_header("retry-after", RETRY_AFTER).into_response(),
    }
}

pub async fn start(sessions: Sessions, gates: Gates, failures: Failures) -> Socket {
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = acceptor.local_addr()[0].as_socket_addr().unwrap().to_string();
    let routes = Route::new()
        .at("/", post(run))
        .at("/signed-in", post(guarded))
        .at("/maybe", post(maybe))
        .at("/optional", post(optional))
        .at("/result", post(result))
        .at("/end-adas", post(end_adas));
    let middleware = match failures {
        Failures::Plain => SessionMiddleware::new(sessions),
        Failures::OwnPages => SessionMiddleware::new(sessions).on_error(page),
    };
    let app = routes.with(middleware).data(gates);
    let server = tokio::spawn(async move {
        Server::new_with_acceptor(acceptor).run(app).await.unwrap();
    });
    Socket::new(address, server)
}
