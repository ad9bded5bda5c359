//! An application under test: one store, one framework, one clock.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use sea_orm::DatabaseConnection;
use waxseal_core::{Keyring, RootKey};
use waxseal_http::{Found, Row, RowId, Sessions, SessionsBuilder, TOMBSTONE_S, Timestamp};

use crate::{
    Browser, Gates, Probe,
    frameworks::{self, Agent, Failures},
    stores::TestStore,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoreKind {
    Memory,
    Sqlite,
    Postgres,
    MariaDb,
    /// The store in memory behind a cache.
    CachedMemory,
    /// PostgreSQL behind a cache that hears its notices.
    CachedPostgres,
    /// SQLite as primary and as its own replica.
    Replicated,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framework {
    /// `Sessions::open` and `Sessions::commit` by hand.
    Engine,
    /// `waxseal-poem`, over a socket.
    Poem,
    /// `waxseal-salvo`, over a socket.
    Salvo,
    /// `waxseal-tower` under axum, over a socket.
    Axum,
}

/// Where a test runs: a store and a framework, and a clock that it moves.
pub struct Bench {
    pub framework: Framework,
    pub key: RootKey,
    pub probe: Probe,
    clock: Arc<AtomicU64>,
    test_store: TestStore,
}

impl Bench {
    /// Nothing (and a line that says so) where the machine has no such database.
    pub async fn open(kind: StoreKind, framework: Framework, test: &str) -> Option<Self> {
        let Some(test_store) = TestStore::open(kind, test).await else {
            println!("left out: {kind:?} is not set up on this machine");
            return None;
        };
        Some(Self {
            framework,
            key: RootKey::generate().unwrap(),
            probe: Probe::new(test_store.store.clone()),
            clock: Arc::new(AtomicU64::new(1_790_000_000_250)),
            test_store,
        })
    }

    pub async fn close(self) {
        drop(self.probe);
        self.test_store.close().await;
    }

    /// The database connection, where the store has one.
    pub fn db(&self) -> Option<&DatabaseConnection> {
        self.test_store.db.as_ref()
    }

    pub fn keyring(&self) -> Keyring {
        Keyring::new([self.key.clone()]).unwrap()
    }

    pub fn now(&self) -> Timestamp {
        Timestamp::from_unix_ms(self.clock.load(Ordering::SeqCst))
    }

    pub fn advance(&self, seconds: u64) {
        self.clock.fetch_add(seconds * 1000, Ordering::SeqCst);
    }

    /// The same, for what happens while a request is under way.
    pub fn advancing(&self) -> impl Fn(u64) + Send + Sync + 'static {
        let clock = self.clock.clone();
        move |seconds| {
            clock.fetch_add(seconds * 1000, Ordering::SeqCst);
        }
    }

    pub fn advance_ms(&self, milliseconds: u64) {
        self.clock.fetch_add(milliseconds, Ordering::SeqCst);
    }

    /// The time, as a clock tells it that is ahead by so many seconds.
    pub fn clock_ahead(&self, seconds: i64) -> impl Fn() -> Timestamp + Send + Sync + 'static {
        let clock = self.clock.clone();
        move || Timestamp::from_unix_ms(clock.load(Ordering::SeqCst).saturating_add_signed(seconds * 1000))
    }

    fn timed(&self, builder: SessionsBuilder) -> SessionsBuilder {
        let clock = self.clock.clone();
        builder.clock(move || Timestamp::from_unix_ms(clock.load(Ordering::SeqCst)))
    }

    /// An application with the default options.
    pub async fn app(&self) -> App {
        self.app_with(|builder| builder).await
    }

    pub async fn app_with(&self, options: impl FnOnce(SessionsBuilder) -> SessionsBuilder) -> App {
        self.app_with_keys(self.keyring(), options).await
    }

    /// An application whose failures have pages of their own. Nothing where there is no framework to have them.
    pub async fn app_with_own_pages(&self) -> Option<App> {
        if self.framework == Framework::Engine {
            return None;
        }
        let sessions = self.sessions();
        Some(App::start_with(self.framework, self.keyring(), sessions, Failures::OwnPages).await)
    }

    pub async fn app_with_keys(
        &self,
        keyring: Keyring,
        options: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
    ) -> App {
        let builder = self.timed(Sessions::builder(keyring.clone(), self.probe.clone()));
        App::start(self.framework, keyring, options(builder).build().unwrap()).await
    }

    /// The engine alone.
    pub fn sessions(&self) -> Sessions {
        self.timed(Sessions::builder(self.keyring(), self.probe.clone())).build().unwrap()
    }

    /// The same application on every framework.
    pub async fn apps_of_every_framework(&self) -> Vec<App> {
        let mut apps = Vec::new();
        for framework in [Framework::Poem, Framework::Salvo, Framework::Axum, Framework::Engine] {
            let sessions = self.timed(Sessions::builder(self.keyring(), self.probe.clone()).claims(["role"]));
            apps.push(App::start(framework, self.keyring(), sessions.build().unwrap()).await);
        }
        apps
    }

    pub async fn stateless_app(&self) -> App {
        let keyring = self.keyring();
        let sessions = self.timed(Sessions::stateless(keyring.clone())).build().unwrap();
        App::start(self.framework, keyring, sessions).await
    }

    /// The row of a session, as the store has it.
    pub async fn row(&self, id: &str) -> Option<Row> {
        self.probe
            .store()
            .load(waxseal_http::Wanted::newest(id.parse::<RowId>().unwrap()))
            .await
            .unwrap()
            .and_then(Found::session)
    }

    /// Puts back a row as it was in a backup.
    pub async fn restore(&self, row: Row) {
        let store = self.probe.store();
        store.end_many(&[row.id], self.now()).await.unwrap();
        store.delete_expired(self.now().plus_seconds(TOMBSTONE_S), 1000).await.unwrap();
        store.insert(row).await.unwrap();
    }
}

/// A running application.
#[derive(Clone)]
pub struct App {
    pub sessions: Sessions,
    pub keyring: Keyring,
    pub gates: Gates,
    pub(crate) agent: Arc<dyn Agent>,
}

impl App {
    async fn start(framework: Framework, keyring: Keyring, sessions: Sessions) -> Self {
        Self::start_with(framework, keyring, sessions, Failures::Plain).await
    }

    async fn start_with(framework: Framework, keyring: Keyring, sessions: Sessions, failures: Failures) -> Self {
        let gates = Gates::default();
        let agent: Arc<dyn Agent> = match framework {
            Framework::Engine => Arc::new(frameworks::engine::Engine::new(sessions.clone(), gates.clone())),
            Framework::Salvo => Arc::new(frameworks::salvo::start(sessions.clone(), gates.clone(), failures).await),
            Framework::Axum => Arc::new(frameworks::axum::start(sessions.clone(), gates.clone(), failures).await),
            Framework::Poem => Arc::new(frameworks::poem::start(sessions.clone(), gates.clone(), failures).await),
        };
        Self { sessions, keyring, gates, agent }
    }

    pub fn browser(&self) -> Browser {
        Browser::new(self.clone())
    }
}
