//! An adapter for hyper itself, in twenty lines: what `docs/adapters.md` explains. `cargo run -p waxseal-http --example bare_hyper`

#![forbid(unsafe_code)]

use std::{convert::Infallible, error::Error, future::Future};

use http_body_util::Full;
use hyper::{
    Request, Response,
    body::{Bytes, Incoming},
    server::conn::http1,
    service::service_fn,
};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use waxseal_http::{CookieOptions, Keyring, MemoryStore, RootKey, Session, SessionError, Sessions};

type Body = Full<Bytes>;

// --- The adapter ---------------------------------------------------------------------------------------------------------

async fn with_session<F>(
    sessions: Sessions,
    request: Request<Incoming>,
    handler: impl FnOnce(Request<Incoming>, Session) -> F,
) -> Response<Body>
where
    F: Future<Output = Result<Response<Body>, SessionError>>,
{
    let session = sessions.open(request.headers());
    let mut response = handler(request, session.clone()).await.unwrap_or_else(|error| failed(&error));
    let status = response.status();
    if let Err(error) = sessions.commit(&session, status, response.headers_mut()).await {
        // Nothing was saved, so the handler's response must not go out.
        response = failed(&error);
        sessions.write_headers(&session, response.headers_mut());
    }
    response
}

fn failed(error: &SessionError) -> Response<Body> {
    let mut response = Response::new(Body::from(error.public_message()));
    *response.status_mut() = error.status();
    response
}

// --- An application ------------------------------------------------------------------------------------------------------

async fn visits(_: Request<Incoming>, session: Session) -> Result<Response<Body>, SessionError> {
    session.update("visits", |n: Option<u64>| n.unwrap_or(0) + 1)?;
    let visits = session.get::<u64>("visits").await?.unwrap_or(0);
    Ok(Response::new(Body::from(format!("visit {visits}\n"))))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let keyring = Keyring::new([RootKey::generate()?])?;
    let sessions = Sessions::builder(keyring, MemoryStore::new())
        .cookie(CookieOptions::insecure_for_plain_http_development())
        .build()?;
    let listener = TcpListener::bind(std::env::var("ADDRESS").as_deref().unwrap_or("127.0.0.1:3000")).await?;
    println!("listening on http://{}", listener.local_addr()?);
    loop {
        let (stream, _) = listener.accept().await?;
        let sessions = sessions.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| {
                let sessions = sessions.clone();
                async move { Ok::<_, Infallible>(with_session(sessions, request, visits).await) }
            });
            if let Err(error) = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await {
                eprintln!("a connection failed: {error}");
            }
        });
    }
}
