//! What salvo-session and saysion write is read.

#![allow(missing_docs, clippy::unwrap_used)]

use std::time::Duration;

use salvo::{prelude::*, session::SessionHandler, test::TestClient};
use salvo_session::{CookieStore, MemoryStore, Session as SaysionSession, SessionStore};
use waxseal_adopt::{
    CookieKey, ReadError,
    salvo::{SalvoCookie, read_row},
};
use waxseal_core::Timestamp;

const SECRET: &[u8; 64] = b"a secret of salvo-session, which must have sixty-four bytes.....";

#[handler]
fn index(depot: &mut Depot) -> String {
    let session = depot.session_mut().unwrap();
    session.insert("user_id", 42).unwrap();
    session.insert("cart", serde_json::json!(["ä", 1.5, null])).unwrap();
    session.insert_raw("raw", "not JSON".into());
    // As saysion's tables keep it.
    serde_json::to_string(session).unwrap()
}

/// The cookie's value, and the session as JSON.
async fn respond(store: impl SessionStore + Send + Sync + 'static) -> (String, String) {
    let handler = SessionHandler::builder(store, SECRET).session_ttl(Some(Duration::from_secs(3600))).build().unwrap();
    let service = Service::new(Router::new().hoop(handler).get(index));
    let mut response = TestClient::get("http://localhost/").send(&service).await;
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    let value = cookie.split(';').next().unwrap().split_once('=').unwrap().1.to_owned();
    (value, salvo::test::ResponseExt::take_string(&mut response).await.unwrap())
}

fn check(adopted: &waxseal_adopt::Adopted) {
    let data = &adopted.data;
    assert_eq!(data.get::<i64>("user_id").unwrap(), Some(42));
    assert_eq!(serde_json::to_value(data.value("cart")).unwrap(), serde_json::json!(["ä", 1.5, null]));
    assert_eq!(data.get::<String>("raw").unwrap().as_deref(), Some("not JSON"));
    let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!(adopted.expires_at.unwrap().unix_seconds().abs_diff(now + 3600) < 60);
}

#[tokio::test]
async fn rows_are_read() {
    let (value, json) = respond(MemoryStore::new()).await;
    let reader = SalvoCookie::new(CookieKey::from(SECRET));
    let id = reader.row_id(&value).unwrap();
    let adopted = read_row(&id, json.as_bytes(), Timestamp::default()).unwrap();
    check(&adopted);
    assert_eq!(adopted.retire, Some(id.clone()));

    assert_eq!(read_row("other", json.as_bytes(), Timestamp::default()), Err(ReadError::OtherSession));
    assert_eq!(read_row(&id, json.as_bytes(), adopted.expires_at.unwrap()), Err(ReadError::Expired));
    assert_eq!(read_row(&id, b"{}", Timestamp::default()), Err(ReadError::Form));

    let other = SalvoCookie::new(CookieKey::from(&[1; 64]));
    assert_eq!(other.row_id(&value), Err(ReadError::NotAuthentic));
    assert_eq!(other.or_key(CookieKey::from(SECRET)).row_id(&value), Ok(id));
    for hostile in ["", ";", "%", &"é".repeat(40), &value[1..], &value[..value.len() - 1], &value[..44]] {
        assert_eq!(reader.row_id(hostile), Err(ReadError::NotAuthentic), "{hostile}");
        assert_eq!(reader.read(hostile, Timestamp::default()), Err(ReadError::NotAuthentic), "{hostile}");
    }
}

#[tokio::test]
async fn the_cookie_store_is_read() {
    let (value, _) = respond(CookieStore::new()).await;
    let reader = SalvoCookie::new(CookieKey::from(SECRET));
    let adopted = reader.read(&value, Timestamp::default()).unwrap();
    check(&adopted);
    assert_eq!(adopted.retire, None);
    assert_eq!(reader.read(&value, adopted.expires_at.unwrap()), Err(ReadError::Expired));
}

#[test]
fn a_session_without_an_end_has_none() {
    let session = SaysionSession::new();
    let json = serde_json::to_string(&session).unwrap();
    let adopted = read_row(session.id(), json.as_bytes(), Timestamp::from_unix_seconds(u64::MAX)).unwrap();
    assert_eq!((adopted.expires_at, adopted.data.is_empty()), (None, true));
}
