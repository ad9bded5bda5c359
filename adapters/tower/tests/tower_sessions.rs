//! tower-sessions with its documented usage, and axum-login with its own, on a store of ours: only the line that makes the store is
//! another.

#![allow(missing_docs, clippy::unwrap_used)]
#![cfg(all(feature = "tower-sessions-014", feature = "tower-sessions-015"))]

use axum::{Router, body::Body};
use http::{Request, Response, StatusCode, header};
use tower::ServiceExt;
use waxseal_tower::{HostedSessions, Keyring, MemoryStore, RootKey, Sessions};

fn hosted() -> HostedSessions {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    HostedSessions::new(Sessions::builder(keyring, MemoryStore::new()).build().unwrap()).unwrap()
}

struct Visitor {
    app: Router,
    cookie: Option<String>,
}

impl Visitor {
    fn new(app: Router) -> Self {
        Self { app, cookie: None }
    }

    async fn send(&mut self, method: &str, path: &str, form: &'static str) -> (StatusCode, String) {
        let mut request = Request::builder().method(method).uri(path);
        request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response: Response<Body> = self.app.clone().oneshot(request.body(Body::from(form)).unwrap()).await.unwrap();
        if let Some(cookie) = response.headers().get(header::SET_COOKIE) {
            self.cookie = cookie.to_str().unwrap().split(';').next().map(String::from);
        }
        let status = response.status();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    async fn get(&mut self, path: &str) -> (StatusCode, String) {
        self.send("GET", path, "").await
    }
}

macro_rules! documented_example {
    ($version:ident, $tower_sessions:ident, $store:ident) => {
        mod $version {
            use $tower_sessions::{Expiry, Session, SessionManagerLayer, SessionStore};
            use axum::{Router, response::IntoResponse, routing::get};
            use serde::{Deserialize, Serialize};
            use time::Duration;
            use waxseal_tower::$store;

            const COUNTER_KEY: &str = "counter";

            #[derive(Default, Deserialize, Serialize)]
            struct Counter(usize);

            async fn handler(session: Session) -> impl IntoResponse {
                let counter: Counter = session.get(COUNTER_KEY).await.unwrap().unwrap_or_default();
                session.insert(COUNTER_KEY, counter.0 + 1).await.unwrap();
                format!("Current count: {}", counter.0)
            }

            async fn cycle(session: Session) {
                session.cycle_id().await.unwrap();
            }

            async fn flush(session: Session) {
                session.flush().await.unwrap();
            }

            #[tokio::test]
            async fn the_documented_example_runs() {
                let session_store = $store::new(super::hosted());
                let session_layer = SessionManagerLayer::new(session_store)
                    .with_secure(false)
                    .with_expiry(Expiry::OnInactivity(Duration::seconds(100)));
                let app = Router::new()
                    .route("/", get(handler))
                    .route("/cycle", get(cycle))
                    .route("/flush", get(flush))
                    .layer(session_layer);

                let mut visitor = super::Visitor::new(app);
                for n in 0..3 {
                    assert_eq!(visitor.get("/").await.1, format!("Current count: {n}"));
                }
                let before = visitor.cookie.clone();
                visitor.get("/cycle").await;
                assert_ne!(visitor.cookie, before);
                assert_eq!(visitor.get("/").await.1, "Current count: 3", "a cycled id keeps the data");
                let cycled = std::mem::replace(&mut visitor.cookie, before);
                assert_eq!(visitor.get("/").await.1, "Current count: 0", "the old id is dead");
                visitor.cookie = cycled.clone();
                visitor.get("/flush").await;
                visitor.cookie = cycled;
                assert_eq!(visitor.get("/").await.1, "Current count: 0");
            }

            /// A session that was flushed while a request ran must not come back.
            #[tokio::test]
            async fn a_late_save_does_not_bring_a_session_back() {
                let store = std::sync::Arc::new($store::new(super::hosted()));
                let early = Session::new(None, store.clone(), None);
                early.insert("user", "ada").await.unwrap();
                early.save().await.unwrap();
                let id = early.id().unwrap();

                let slow = Session::new(Some(id), store.clone(), None);
                assert_eq!(slow.get::<String>("user").await.unwrap().as_deref(), Some("ada"));
                Session::new(Some(id), store.clone(), None).flush().await.unwrap();
                slow.insert("late", true).await.unwrap();
                slow.save().await.unwrap();
                assert!(store.load(&id).await.unwrap().is_none());
            }

            #[tokio::test]
            async fn a_taken_id_is_replaced_and_records_come_back() {
                let store = $store::new(super::hosted());
                let expiry_date = time::OffsetDateTime::now_utc() + Duration::hours(1);
                let mut first = $tower_sessions::session::Record {
                    id: Default::default(),
                    data: [("k".to_owned(), serde_json::json!({ "n": [1, -2.5, null] }))].into(),
                    expiry_date,
                };
                store.create(&mut first).await.unwrap();
                let mut second = $tower_sessions::session::Record { data: Default::default(), ..first.clone() };
                store.create(&mut second).await.unwrap();
                assert_ne!(first.id, second.id);
                let loaded = store.load(&first.id).await.unwrap().unwrap();
                assert_eq!((loaded.id, &loaded.data), (first.id, &first.data));
                assert_eq!(loaded.expiry_date.unix_timestamp(), expiry_date.unix_timestamp());
                store.delete(&first.id).await.unwrap();
                assert!(store.load(&first.id).await.unwrap().is_none());
                assert!(store.load(&second.id).await.unwrap().is_some());
                $tower_sessions::ExpiredDeletion::delete_expired(&store).await.unwrap();
            }
        }
    };
}

documented_example!(v0_14, tower_sessions_014, TowerSessionsStore014);
documented_example!(v0_15, tower_sessions_015, TowerSessionsStore015);

mod axum_login_example {
    //! The application of axum-login's documentation, with a form for its credentials.

    use std::collections::HashMap;

    use axum::{
        Form, Router,
        http::StatusCode,
        response::{IntoResponse, Redirect},
        routing::{get, post},
    };
    use axum_login::{
        AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId, login_required, tower_sessions::SessionManagerLayer,
    };
    use waxseal_tower::TowerSessionsStore014;

    #[derive(Debug, Clone)]
    struct User {
        id: i64,
        pw_hash: Vec<u8>,
    }

    impl AuthUser for User {
        type Id = i64;

        fn id(&self) -> Self::Id {
            self.id
        }

        fn session_auth_hash(&self) -> &[u8] {
            &self.pw_hash
        }
    }

    #[derive(Clone, Default)]
    struct Backend {
        users: HashMap<i64, User>,
    }

    #[derive(Clone, serde::Deserialize)]
    struct Credentials {
        user_id: i64,
    }

    impl AuthnBackend for Backend {
        type User = User;
        type Credentials = Credentials;
        type Error = std::convert::Infallible;

        async fn authenticate(
            &self,
            Credentials { user_id }: Self::Credentials,
        ) -> Result<Option<Self::User>, Self::Error> {
            Ok(self.users.get(&user_id).cloned())
        }

        async fn get_user(&self, user_id: &UserId<Self>) -> Result<Option<Self::User>, Self::Error> {
            Ok(self.users.get(user_id).cloned())
        }
    }

    type AuthSession = axum_login::AuthSession<Backend>;

    async fn login(mut auth_session: AuthSession, Form(creds): Form<Credentials>) -> impl IntoResponse {
        let user = match auth_session.authenticate(creds.clone()).await {
            Ok(Some(user)) => user,
            Ok(None) => return StatusCode::UNAUTHORIZED.into_response(),
            Err(_) => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        };
        if auth_session.login(&user).await.is_err() {
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
        Redirect::to("/protected").into_response()
    }

    async fn logout(mut auth_session: AuthSession) -> impl IntoResponse {
        match auth_session.logout().await {
            Ok(_) => StatusCode::OK,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    async fn protected(auth_session: AuthSession) -> String {
        auth_session.user.map_or_else(String::new, |user| format!("user {}", user.id))
    }

    #[tokio::test]
    async fn it_signs_in_and_out() {
        // The one line that is another.
        let session_store = TowerSessionsStore014::new(super::hosted());
        let session_layer = SessionManagerLayer::new(session_store).with_secure(false);
        let backend = Backend { users: [(7, User { id: 7, pw_hash: b"hash".to_vec() })].into() };
        let auth_layer = AuthManagerLayerBuilder::new(backend, session_layer).build();
        let app = Router::new()
            .route("/protected", get(protected))
            .route_layer(login_required!(Backend, login_url = "/login"))
            .route("/login", post(login))
            .route("/logout", post(logout))
            .layer(auth_layer);

        let mut visitor = super::Visitor::new(app);
        assert_eq!(visitor.get("/protected").await.0, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(visitor.send("POST", "/login", "user_id=8").await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(visitor.send("POST", "/login", "user_id=7").await.0, StatusCode::SEE_OTHER);
        assert_eq!(visitor.get("/protected").await, (StatusCode::OK, "user 7".into()));
        let signed_in = visitor.cookie.clone();
        assert_eq!(visitor.send("POST", "/logout", "").await.0, StatusCode::OK);
        visitor.cookie = signed_in;
        assert_eq!(visitor.get("/protected").await.0, StatusCode::TEMPORARY_REDIRECT);
    }
}
