//! axum, over a socket.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Json, State},
    response::{IntoResponse, Redirect, Response},
    routing::post,
};
use http::StatusCode;
use tokio::net::TcpListener;
use waxseal_http::{RequestHead, Sessions};
use waxseal_tower::{MaybeSignedIn, Session, SessionError, SessionLayer, SignedIn, SubjectSessions};

use crate::{
    Gates, Step,
    frameworks::{Failures, RETRY_AFTER, Socket, own_page},
    interpret,
};

async fn run(
    session: Session,
    State(gates): State<Gates>,
    Json(steps): Json<Vec<Step>>,
) -> Result<Response, SessionError> {
    let reply = interpret(&session, &steps, &gates).await?;
    let status = StatusCode::from_u16(reply.status).unwrap();
    if reply.failed {
        return Ok(status.into_response());
    }
    let mut response = (status, serde_json::to_vec(&reply.results).unwrap()).into_response();
    reply.write_headers(response.headers_mut());
    Ok(response)
}

fn who(signed_in: Option<SignedIn>) -> String {
    signed_in.map_or_else(|| "nobody".into(), |signed_in| signed_in.subject)
}

async fn guarded(signed_in: SignedIn) -> String {
    signed_in.subject
}

async fn maybe(MaybeSignedIn(signed_in): MaybeSignedIn) -> String {
    who(signed_in)
}

async fn optional(signed_in: Option<SignedIn>) -> String {
    who(signed_in)
}

async fn result(signed_in: Result<SignedIn, SessionError>) -> String {
    who(signed_in.ok())
}

async fn end_adas(_: SignedIn, sessions: SubjectSessions) -> Result<String, SessionError> {
    Ok(sessions.revoke_all("ada").await?.to_string())
}

fn page(error: &waxseal_http::SessionError, request: &RequestHead) -> Response {
    match error.status() {
        StatusCode::UNAUTHORIZED => Redirect::to("/sign-in").into_response(),
        _ => ([("retry-after", RETRY_AFTER)], own_page(error, request)).into_response(),
    }
}

pub async fn start(sessions: Sessions, gates: Gates, failures: Failures) -> Socket {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let routes = Router::new()
        .route("/", post(run))
        .route("/signed-in", post(guarded))
        .route("/maybe", post(maybe))
        .route("/optional", post(optional))
        .route("/result", post(result))
        .route("/end-adas", post(end_adas))
        .layer(DefaultBodyLimit::disable());
    let layer = SessionLayer::new(sessions);
    let app = match failures {
        Failures::Plain => routes.layer(layer),
        Failures::OwnPages => routes.layer(layer.on_error(page)),
    };
    let app = app.with_state(gates);
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Socket::new(address, server)
}
