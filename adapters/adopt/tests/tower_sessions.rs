//! What tower-sessions 0.14 and 0.15 and axum-login write is read.

#![allow(missing_docs, clippy::unwrap_used)]

use std::convert::Infallible;

use http::{Request, Response, header::SET_COOKIE};
use tower::{Layer, ServiceExt, service_fn};
use tower_sessions_015::{
    MemoryStore, Session, SessionManagerLayer,
    cookie::Key,
    session::{Id, Record},
};
use waxseal_adopt::{
    CookieKey, ReadError,
    tower_sessions::{AXUM_LOGIN_KEY, AxumLogin, TowerSessionsCookie, read_record},
};
use waxseal_core::{Data, Timestamp, Value};

/// The cookie that the layer sets, and the id of the session.
macro_rules! cookie_of {
    ($layer:expr) => {{
        let service = service_fn(async |request: Request<()>| {
            let session = request.extensions().get::<Session>().unwrap();
            session.insert("language", "de").await.unwrap();
            session.save().await.unwrap();
            Ok::<_, Infallible>(Response::new(session.id().unwrap().to_string()))
        });
        let response = $layer.layer(service).oneshot(Request::new(())).await.unwrap();
        let cookie = response.headers()[SET_COOKIE].to_str().unwrap();
        let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
        assert_eq!(name, "id");
        (value.to_owned(), response.into_body())
    }};
}

#[tokio::test]
async fn cookies_name_the_session() {
    let bytes: Vec<u8> = (0..64).collect();
    let (key, ours) = (Key::from(&bytes), CookieKey::from(&bytes));
    let other = CookieKey::derive_from(b"another key of at least thirty-two bytes");
    let layer = SessionManagerLayer::new(MemoryStore::default());

    let (value, id) = cookie_of!(layer.clone());
    let plain = TowerSessionsCookie::plain("id");
    assert_eq!(plain.session_id(&value), Ok(id));

    let (value, id) = cookie_of!(layer.clone().with_signed(key.clone()));
    let signed = TowerSessionsCookie::signed("id", other.clone());
    assert_eq!(signed.session_id(&value), Err(ReadError::NotAuthentic));
    assert_eq!(signed.or_key(ours.clone()).session_id(&value), Ok(id));
    assert_eq!(plain.session_id(&value), Err(ReadError::NotAuthentic));

    let (value, id) = cookie_of!(layer.with_private(key));
    let private = TowerSessionsCookie::private("id", ours.clone());
    assert_eq!(private.session_id(&value), Ok(id));
    assert_eq!(private.session_id(&value[1..]), Err(ReadError::NotAuthentic));
    assert_eq!(TowerSessionsCookie::private("id", other).session_id(&value), Err(ReadError::NotAuthentic));
    assert_eq!(TowerSessionsCookie::private("sid", ours).session_id(&value), Err(ReadError::NotAuthentic), "its name");

    for hostile in ["", ";", "=", "%", "%00", "a;b", "AAAAAAAAAAAAAAAAAAAAA", "AAAAAAAAAAAAAAAAAAAAAB", "é"] {
        for reader in [&plain, &private] {
            assert_eq!(reader.session_id(hostile), Err(ReadError::NotAuthentic), "{hostile}");
        }
    }
}

/// A record as the sqlx store writes it.
fn record(data: &[(&str, serde_json::Value)], unix: i64) -> (String, Vec<u8>) {
    let record = Record {
        id: Id::default(),
        data: data.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect(),
        expiry_date: time::OffsetDateTime::from_unix_timestamp(unix).unwrap(),
    };
    (record.id.to_string(), rmp_serde::to_vec(&record).unwrap())
}

#[test]
fn records_are_read_until_they_expire() {
    let json =
        serde_json::json!({"items": [{"sku": "a-1", "n": 2, "price": 1.5}], "note": null, "big": u64::MAX, "neg": -5});
    let (id, bytes) = record(&[("cart", json.clone()), ("language", "de".into())], 1_790_000_000);
    let end = Timestamp::from_unix_seconds(1_790_000_000);
    let adopted = read_record(&id, &bytes, Timestamp::from_unix_ms(1_789_999_999_999)).unwrap();
    assert_eq!(adopted.expires_at, Some(end));
    assert_eq!(adopted.retire, Some(id.clone()));
    assert_eq!(adopted.subject, None);
    assert_eq!(adopted.data.get::<String>("language").unwrap().as_deref(), Some("de"));
    assert_eq!(serde_json::to_value(adopted.data.value("cart")).unwrap(), json);

    assert_eq!(read_record(&id, &bytes, end), Err(ReadError::Expired));
    assert_eq!(read_record(&Id::default().to_string(), &bytes, end), Err(ReadError::OtherSession));
    for cut in 0..bytes.len() {
        assert_eq!(read_record(&id, &bytes[..cut], end), Err(ReadError::Form), "{cut}");
    }
}

#[test]
fn every_date_is_read() {
    for unix in (0..200).map(|index| index * 86_400 * 97 + index * 3571) {
        let (id, bytes) = record(&[], unix);
        let adopted = read_record(&id, &bytes, Timestamp::default());
        let expected = Timestamp::from_unix_seconds(unix.try_into().unwrap());
        match adopted {
            Ok(adopted) => assert_eq!(adopted.expires_at, Some(expected)),
            Err(error) => assert_eq!((error, unix), (ReadError::Expired, 0)),
        }
    }
}

proptest::proptest! {
    #[test]
    fn no_record_panics(bytes in proptest::collection::vec(proptest::num::u8::ANY, 0..100)) {
        let _ = read_record("", &bytes, Timestamp::default());
    }
}

mod login {
    use std::convert::Infallible;

    use axum_login::{AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, UserId};
    use tower_sessions_014::{MemoryStore, SessionManagerLayer};

    use super::*;

    #[derive(Clone, Debug)]
    struct User;

    impl AuthUser for User {
        type Id = i64;

        fn id(&self) -> i64 {
            42
        }

        fn session_auth_hash(&self) -> &[u8] {
            b"hash of the password"
        }
    }

    #[derive(Clone)]
    struct Backend;

    impl AuthnBackend for Backend {
        type User = User;
        type Credentials = ();
        type Error = Infallible;

        async fn authenticate(&self, (): ()) -> Result<Option<User>, Infallible> {
            Ok(Some(User))
        }

        async fn get_user(&self, _: &UserId<Self>) -> Result<Option<User>, Infallible> {
            Ok(Some(User))
        }
    }

    #[tokio::test]
    async fn the_user_of_axum_login_is_the_subject() {
        let service = service_fn(async |request: Request<()>| {
            let mut login = request.extensions().get::<AuthSession<Backend>>().unwrap().clone();
            login.login(&User).await.unwrap();
            let session = request.extensions().get::<tower_sessions_014::Session>().unwrap();
            let value = session.get_value(AXUM_LOGIN_KEY).await.unwrap().unwrap();
            Ok::<_, Infallible>(Response::new(value.to_string()))
        });
        let sessions = SessionManagerLayer::new(MemoryStore::default());
        let layer = AuthManagerLayerBuilder::new(Backend, sessions).build();
        let response = layer.layer(service).oneshot(Request::new(())).await.unwrap();
        let login: serde_json::Value = serde_json::from_str(response.body()).unwrap();

        let (id, bytes) = record(&[(AXUM_LOGIN_KEY, login)], 1_790_000_000);
        let adopted = read_record(&id, &bytes, Timestamp::default()).unwrap();
        assert_eq!(adopted.subject.as_deref(), Some("42"));
        let login = AxumLogin::from_data(&adopted.data, AXUM_LOGIN_KEY).unwrap();
        assert_eq!(login.user_id, Value::I64(42));
        assert_eq!(login.auth_hash.as_ref().unwrap().as_bytes(), b"hash of the password");
        assert!(!format!("{login:?}").contains("42"));
    }

    #[test]
    fn nobody_is_signed_in_without_an_id() {
        for login in [serde_json::json!({"user_id": null, "auth_hash": null}), serde_json::json!({}), 1.into()] {
            let mut data = Data::new();
            data.insert("data", &login).unwrap();
            assert_eq!(AxumLogin::from_data(&data, "data"), None);
        }
        let mut data = Data::new();
        data.insert("data", &serde_json::json!({"user_id": "ada", "auth_hash": null})).unwrap();
        let login = AxumLogin::from_data(&data, "data").unwrap();
        assert_eq!((login.subject().as_deref(), login.auth_hash), (Some("ada"), None));
    }
}
