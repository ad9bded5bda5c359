//! A client of the engine, and what runs a test on every database.

use http::{HeaderMap, HeaderValue, StatusCode, header};
use waxseal_http::{Keyring, RootKey, Session, SessionError, Sessions};

pub fn keyring() -> Keyring {
    Keyring::new([RootKey::generate().unwrap()]).unwrap()
}

/// A client that keeps its cookie and speaks to the engine.
#[derive(Clone)]
pub struct Client {
    pub sessions: Sessions,
    pub headers: HeaderMap,
}

impl Client {
    pub fn new(sessions: &Sessions) -> Self {
        Self { sessions: sessions.clone(), headers: HeaderMap::new() }
    }

    pub async fn request<R>(
        &mut self,
        handler: impl AsyncFnOnce(&Session) -> Result<R, SessionError>,
    ) -> Result<R, SessionError> {
        let session = self.sessions.open(&self.headers);
        let result = handler(&session).await?;
        let mut response = HeaderMap::new();
        let _ = self.sessions.commit(&session, StatusCode::OK, &mut response).await?;
        if let Some(set) = response.get(header::SET_COOKIE) {
            let pair = set.to_str().unwrap().split(';').next().unwrap();
            self.headers.insert(header::COOKIE, HeaderValue::from_str(pair).unwrap());
        }
        Ok(result)
    }

    pub async fn sign_in(&mut self, subject: &str) -> Result<(), SessionError> {
        self.request(async |session| session.sign_in(subject)).await
    }

    pub async fn sign_out(&mut self) -> Result<(), SessionError> {
        self.request(async |session| {
            session.sign_out();
            Ok(())
        })
        .await
    }

    pub async fn subject(&mut self) -> Result<Option<String>, SessionError> {
        self.request(async |session| session.subject().await).await
    }
}

#[macro_export]
macro_rules! on_every_database {
    ($($test:ident)*) => {
        $(mod $test {
            use super::*;
            $crate::on_every_database!(@one $test, sqlite: Sqlite, postgres: Postgres, mariadb: MariaDb);
        })*
    };
    (@one $test:ident, $($name:ident: $kind:ident),*) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                use $crate::{Bench, Framework, StoreKind};
                let name = concat!(stringify!($name), "_", stringify!($test));
                let Some(bench) = Bench::open(StoreKind::$kind, Framework::Engine, name).await else { return };
                super::$test(bench.db().unwrap()).await;
                bench.close().await;
            }
        )*
    };
}
