//! Salvo, over a socket.

use salvo::{
    Listener, Request, Response, Router, Scribe, Server, Writer,
    conn::{Acceptor, TcpListener},
    handler,
    http::{HeaderValue, StatusCode, StatusError, cookie::Cookie},
    writing::Redirect,
};
use waxseal_http::{RequestHead, Sessions};
use waxseal_salvo::{MaybeSignedIn, Session, SessionError, SessionHoop, SignedIn, SubjectSessions};

use crate::{
    Gates, Step,
    frameworks::{Failures, RETRY_AFTER, Socket, own_page},
    interpret,
};

struct Run(Gates);

#[handler]
impl Run {
    async fn handle(
        &self,
        session: Session,
        req: &mut Request,
        res: &mut Response,
    ) -> Result<Result<(), StatusError>, SessionError> {
        let steps: Vec<Step> = req.parse_json_with_max_size(1 << 20).await.unwrap();
        let mut reply = interpret(&session, &steps, &self.0).await?;
        let status = StatusCode::from_u16(reply.status).unwrap();
        res.status_code(status);
        if reply.failed {
            // There is none of a redirection: then the status is all.
            return Ok(StatusError::from_code(status).map_or(Ok(()), Err));
        }
        for name in std::mem::take(&mut reply.cookies) {
            res.add_cookie(Cookie::new(name, "own"));
        }
        reply.write_headers(res.headers_mut());
        res.write_body(serde_json::to_vec(&reply.results).unwrap()).unwrap();
        Ok(Ok(()))
    }
}

#[handler]
async fn guarded(signed_in: SignedIn) -> String {
    signed_in.subject
}

#[handler]
async fn maybe(signed_in: MaybeSignedIn) -> String {
    signed_in.0.map_or_else(|| "nobody".into(), |signed_in| signed_in.subject)
}

#[handler]
async fn end_adas(_who: SignedIn, sessions: SubjectSessions) -> Result<String, SessionError> {
    Ok(sessions.revoke_all("ada").await?.to_string())
}

enum Page {
    SignIn,
    Own(String),
}

impl Scribe for Page {
    fn render(self, res: &mut Response) {
        match self {
            Self::SignIn => res.render(Redirect::other("/sign-in")),
            Self::Own(text) => {
                res.headers_mut().insert("retry-after", HeaderValue::from_static(RETRY_AFTER));
                res.render(text);
            }
        }
    }
}

fn page(error: &waxseal_http::SessionError, request: &RequestHead) -> Page {
    match error.status() {
        StatusCode::UNAUTHORIZED => Page::SignIn,
        _ => Page::Own(own_page(error, request)),
    }
}

pub async fn start(sessions: Sessions, gates: Gates, failures: Failures) -> Socket {
    let acceptor = TcpListener::new("127.0.0.1:0").bind().await;
    let address = acceptor.holdings()[0].local_addr.clone().into_std().unwrap().to_string();
    let hoop = match failures {
        Failures::Plain => SessionHoop::new(sessions),
        Failures::OwnPages => SessionHoop::new(sessions).on_error(page),
    };
    let router = Router::new()
        .hoop(hoop)
        .post(Run(gates))
        .push(Router::with_path("signed-in").post(guarded))
        .push(Router::with_path("maybe").post(maybe))
        .push(Router::with_path("optional").post(maybe))
        .push(Router::with_path("result").post(maybe))
        .push(Router::with_path("end-adas").post(end_adas));
    let server = tokio::spawn(async move { Server::new(acceptor).serve(router).await });
    Socket::new(address, server)
}
