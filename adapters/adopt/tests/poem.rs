//! What Poem's sessions write is read.

#![allow(missing_docs, clippy::unwrap_used)]

use std::{collections::BTreeMap, sync::Mutex, time::Duration};

use poem::{
    EndpointExt, Response, Route, get, handler,
    http::header::SET_COOKIE,
    session::{CookieConfig, CookieSession, ServerSession, Session, SessionStorage},
    test::TestClient,
    web::cookie::CookieKey as PoemKey,
};
use waxseal_adopt::{
    CookieKey, ReadError,
    poem::{PoemCookie, read_entries},
};
use waxseal_core::Timestamp;

#[handler]
fn index(session: &Session) -> &'static str {
    session.set("user_id", 42);
    session.set("cart", serde_json::json!({"items": ["ä; b", 1.5, null]}));
    "ok"
}

/// The value of the cookie that a response sets.
fn cookie_value(response: &Response) -> String {
    let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
    cookie.split(';').next().unwrap().split_once('=').unwrap().1.to_owned()
}

async fn cookie_session(config: CookieConfig) -> String {
    let app = Route::new().at("/", get(index)).with(CookieSession::new(config.name("sid")));
    cookie_value(&TestClient::new(app).get("/").send().await.0)
}

#[tokio::test]
async fn cookie_sessions_are_read() {
    let bytes: Vec<u8> = (0..64).collect();
    let ours = CookieKey::from(&bytes);
    let other = CookieKey::from(&[7; 64]);
    let readers = [
        (CookieConfig::signed(PoemKey::from(&bytes)), PoemCookie::signed("sid", ours.clone())),
        (CookieConfig::private(PoemKey::from(&bytes)), PoemCookie::private("sid", other.clone()).or_key(ours)),
    ];
    for (config, reader) in readers {
        let value = cookie_session(config).await;
        let adopted = reader.read(&value).unwrap().subject_from("user_id").ends_at(Timestamp::from_unix_seconds(9));
        assert_eq!(adopted.subject.as_deref(), Some("42"));
        assert_eq!(adopted.expires_at, Some(Timestamp::from_unix_seconds(9)));
        assert_eq!(
            serde_json::to_value(adopted.data.value("cart")).unwrap(),
            serde_json::json!({"items": ["ä; b", 1.5, null]})
        );
        for hostile in ["", ";", "%", &value[1..], &value[..value.len() - 1], &format!("{value}; x=y")] {
            assert_eq!(reader.read(hostile), Err(ReadError::NotAuthentic), "{hostile}");
        }
        for stranger in
            [PoemCookie::signed("sid", other.clone()), PoemCookie::private("sid", CookieKey::from(&[8; 64]))]
        {
            assert_eq!(stranger.read(&value), Err(ReadError::NotAuthentic));
        }
    }
}

#[tokio::test]
async fn plain_cookies_prove_nothing() {
    let value = cookie_session(CookieConfig::new()).await;
    let reader = PoemCookie::plain("sid");
    assert_eq!(reader.read(&value), Err(ReadError::NotAuthentic));
    assert_eq!(reader.read_unprotected(&value).unwrap().data.get::<i64>("user_id").unwrap(), Some(42));
    for form in ["", "[]", "%7B", "nonsense"] {
        assert_eq!(reader.read_unprotected(form), Err(ReadError::Form), "{form}");
    }
}

/// Keeps what a `ServerSession` wrote, as JSON.
#[derive(Default)]
struct Storage(Mutex<Option<(String, String)>>);

impl SessionStorage for &'static Storage {
    async fn load_session<'a>(&'a self, _: &'a str) -> poem::Result<Option<BTreeMap<String, serde_json::Value>>> {
        Ok(None)
    }

    async fn update_session<'a>(
        &'a self,
        id: &'a str,
        entries: &'a BTreeMap<String, serde_json::Value>,
        _: Option<Duration>,
    ) -> poem::Result<()> {
        *self.0.lock().unwrap() = Some((id.to_owned(), serde_json::to_string(entries).unwrap()));
        Ok(())
    }

    async fn remove_session<'a>(&'a self, _: &'a str) -> poem::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn server_sessions_are_read() {
    let key = CookieKey::from(&[3; 64]);
    let readers = [
        (CookieConfig::new(), PoemCookie::plain("sid")),
        (CookieConfig::signed(PoemKey::from(&[3; 64])), PoemCookie::signed("sid", key.clone())),
        (CookieConfig::private(PoemKey::from(&[3; 64])), PoemCookie::private("sid", key)),
    ];
    for (config, reader) in readers {
        let storage: &Storage = Box::leak(Box::default());
        let app = Route::new().at("/", get(index)).with(ServerSession::new(config.name("sid"), storage));
        let value = cookie_value(&TestClient::new(app).get("/").send().await.0);
        let (id, json) = storage.0.lock().unwrap().clone().unwrap();
        assert_eq!(reader.session_id(&value), Ok(id.clone()));

        let end = Timestamp::from_unix_seconds(1000);
        let adopted = read_entries(&id, json.as_bytes(), Some(end), Timestamp::default()).unwrap();
        assert_eq!(adopted.data.get::<i64>("user_id").unwrap(), Some(42));
        assert_eq!((adopted.retire, adopted.expires_at), (Some(id.clone()), Some(end)));
        assert_eq!(read_entries(&id, json.as_bytes(), Some(end), end), Err(ReadError::Expired));
        assert!(read_entries(&id, json.as_bytes(), None, end).is_ok());
        assert_eq!(read_entries(&id, b"{", None, end), Err(ReadError::Form));
    }
    for hostile in ["", "a b", "a'b", "%00", &"a".repeat(129)] {
        assert_eq!(PoemCookie::plain("sid").session_id(hostile), Err(ReadError::NotAuthentic), "{hostile}");
    }
}

proptest::proptest! {
    #[test]
    fn floats_are_read_exactly(number in proptest::num::f64::NORMAL) {
        let json = serde_json::json!({ "x": number }).to_string();
        let adopted = read_entries("id", json.as_bytes(), None, Timestamp::default()).unwrap();
        assert_eq!(adopted.data.get::<f64>("x").unwrap(), Some(number));
    }
}
