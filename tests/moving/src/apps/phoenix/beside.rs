//! A service beside a Phoenix application, which only needs to know who a user is.

use axum::{Router, extract::State, routing::get};
use http::{HeaderMap, StatusCode, header};
use waxseal::{
    Clock, SystemClock,
    adopt::{
        plug::{OptionsError, PlugKeys, PlugReader},
        subject_of,
    },
    engine::cookie_values,
};

/// What reads the texts of the Phoenix application. The keys are derived once, here.
#[derive(Clone)]
pub struct Phoenix {
    session: PlugReader,
    token: PlugReader,
}

impl Phoenix {
    pub fn new(secret_key_base: &str) -> Result<Self, OptionsError> {
        let keys = PlugKeys::new(secret_key_base);
        Ok(Self {
            session: PlugReader::encrypted_session(&keys, "fixture encryption salt", "fixture signing salt")?,
            token: PlugReader::signed_token(&keys, "user auth")?, // the salt of `Phoenix.Token.sign`
        })
    }

    /// The user in the session cookie `_shop_key`.
    pub fn session_user(&self, headers: &HeaderMap) -> Option<String> {
        cookie_values(headers, "_shop_key").iter().find_map(|value| {
            let session = self.session.read(value, SystemClock.now()).ok()?.into_data()?;
            session.value("user_id").and_then(subject_of)
        })
    }

    /// The user in a `Phoenix.Token`, where an API's client sends it. It expires as the token says, or by `max_age`.
    pub fn token_user(&self, headers: &HeaderMap, clock: &impl Clock) -> Option<String> {
        let token = headers.get(header::AUTHORIZATION)?.as_bytes().strip_prefix(b"Bearer ")?;
        subject_of(&self.token.read(token, clock.now()).ok()?.value)
    }
}

async fn whoami(State(phoenix): State<Phoenix>, headers: HeaderMap) -> Result<String, StatusCode> {
    phoenix.session_user(&headers).ok_or(StatusCode::UNAUTHORIZED)
}

pub fn service(phoenix: Phoenix) -> Router {
    Router::new().route("/whoami", get(whoami)).with_state(phoenix)
}
