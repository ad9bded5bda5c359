//! The engine by hand: what an adapter does, over header maps alone.

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use waxseal_http::{SessionError, Sessions};

use crate::{
    Gates, Step,
    frameworks::{Agent, Raw},
    interpret,
};

pub struct Engine {
    sessions: Sessions,
    gates: Gates,
}

impl Engine {
    pub fn new(sessions: Sessions, gates: Gates) -> Self {
        Self { sessions, gates }
    }
}

#[async_trait]
impl Agent for Engine {
    async fn visit(&self, _: &[HeaderValue], _: &str) -> Option<Raw> {
        None
    }

    async fn send(&self, cookies: &[HeaderValue], steps: &[Step]) -> Raw {
        let mut request = HeaderMap::new();
        for cookie in cookies {
            request.append(header::COOKIE, cookie.clone());
        }
        let session = self.sessions.open(&request);
        let failure = |error: &SessionError| (error.status(), error.public_message().as_bytes().to_vec());
        let mut headers = HeaderMap::new();
        let (status, body) = match interpret(&session, steps, &self.gates).await {
            Ok(reply) => {
                reply.write_headers(&mut headers);
                (StatusCode::from_u16(reply.status).unwrap(), serde_json::to_vec(&reply.results).unwrap())
            }
            Err(error) => failure(&error),
        };
        match self.sessions.commit(&session, status, &mut headers).await {
            Ok(_) => (status, headers, body),
            Err(error) => {
                let mut headers = HeaderMap::new();
                self.sessions.write_headers(&session, &mut headers);
                let (status, body) = failure(&error);
                (status, headers, body)
            }
        }
    }
}
