//! axum, over a socket.

use axum::{
    Router,
    extract::{DefaultBodyLimit, Json, State},
    response::{IntoResponse, Response},
    routing::post,
};
use http::StatusCode;
use tokio::net::TcpListener;
use waxseal_http::Sessions;
use waxseal_tower::{Session, SessionError, SessionLayer};

use crate::{Gates, Step, frameworks::Socket, interpret};

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

pub async fn start(sessions: Sessions, gates: Gates) -> Socket {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let app = Router::new()
        .route("/", post(run))
        .layer(DefaultBodyLimit::disable())
        .layer(SessionLayer::new(sessions))
        .with_state(gates);
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    Socket::new(address, server)
}
