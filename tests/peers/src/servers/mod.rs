//! The servers under test: each on a thread of its own, with the same three handlers.

mod on_axum;

use std::{net::TcpListener as StdListener, sync::mpsc, thread};

use poem::{
    Endpoint, EndpointExt, IntoEndpoint, Route, get, handler,
    listener::TcpAcceptor,
    session::{CookieConfig, MemoryStorage, ServerSession},
};
use tempfile::TempDir;
use tokio::runtime::Builder;
use waxseal_http::{Cached, CookieOptions, Keyring, MemoryStore, RootKey, Sessions, Store};
use waxseal_peers::{postgres, sqlite};
use waxseal_poem::SessionMiddleware;
use waxseal_sea_orm::{Table, install_notices};

pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) address: String,
    /// The server thread, as the kernel numbers it.
    pub(crate) thread: String,
    /// It keeps its sessions in memory, or has none.
    pub(crate) has_no_database: bool,
    _folder: Option<TempDir>,
}

#[handler]
fn plain() -> &'static str {
    "ok"
}

mod bare {
    use poem::handler;

    #[handler]
    pub(crate) fn nothing() -> &'static str {
        "1"
    }
}

mod stock {
    use poem::{handler, session::Session};

    #[handler]
    pub(crate) fn read(session: &Session) -> String {
        session.get::<u64>("n").unwrap_or(0).to_string()
    }

    #[handler]
    pub(crate) fn write(session: &Session) -> String {
        let n = session.get::<u64>("n").unwrap_or(0) + 1;
        session.set("n", n);
        n.to_string()
    }
}

mod ours {
    use poem::handler;
    use waxseal_poem::Session;

    #[handler]
    pub(crate) async fn read(session: Session) -> poem::Result<String> {
        Ok(session.get::<u64>("n").await?.unwrap_or(0).to_string())
    }

    #[handler]
    pub(crate) async fn write(session: Session) -> poem::Result<String> {
        session.update("n", |n: Option<u64>| n.unwrap_or(0) + 1)?;
        Ok(session.get::<u64>("n").await?.unwrap_or(0).to_string())
    }
}

impl Server {
    pub(crate) fn bare() -> Self {
        Self::start("bare Poem", None, async || {
            Route::new().at("/plain", get(plain)).at("/read", get(bare::nothing)).at("/write", get(bare::nothing))
        })
    }

    pub(crate) fn poem_memory() -> Self {
        Self::start("Poem's ServerSession, memory", None, async || {
            let session = ServerSession::new(CookieConfig::default().secure(false), MemoryStorage::default());
            Route::new()
                .at("/plain", get(plain))
                .at("/read", get(stock::read))
                .at("/write", get(stock::write))
                .with(session)
        })
    }

    pub(crate) fn waxseal_memory() -> Self {
        Self::start("waxseal, MemoryStore", None, async || waxseal(MemoryStore::new()))
    }

    /// Nearly every session that is made pushes out another one.
    pub(crate) fn waxseal_memory_full() -> Self {
        Self::start("waxseal, MemoryStore for 10,000", None, async || waxseal(MemoryStore::with_capacity(10_000)))
    }

    pub(crate) fn waxseal_sqlite() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        Self::start("waxseal, SeaORM SQLite", Some(folder), async move || waxseal(sqlite(&path).await))
    }

    pub(crate) fn waxseal_postgres(url: &str) -> Self {
        let url = url.to_owned();
        Self::start("waxseal, SeaORM PostgreSQL", None, async move || waxseal(postgres(&url, "waxseal_peers").await))
    }

    /// With a cache that is notified of every change, and therefore with the triggers.
    pub(crate) fn waxseal_cached(url: &str) -> Self {
        let url = url.to_owned();
        Self::start("waxseal, Cached on PostgreSQL", None, async move || {
            let store = postgres(&url, "waxseal_peers_cached").await;
            install_notices(store.connection(), &Table::default()).await.unwrap();
            let notices = store.notices().unwrap();
            waxseal(Cached::notified(store, notices))
        })
    }

    /// With a cache for one process, which needs no notices, and therefore without triggers.
    pub(crate) fn waxseal_alone(url: &str) -> Self {
        let url = url.to_owned();
        Self::start("waxseal, Cached for one process, PostgreSQL", None, async move || {
            waxseal(Cached::for_a_single_process(postgres(&url, "waxseal_peers_alone").await))
        })
    }

    fn start<E: IntoEndpoint<Endpoint: 'static>>(
        name: &'static str,
        folder: Option<TempDir>,
        app: impl AsyncFnOnce() -> E + Send + 'static,
    ) -> Self {
        let serve = async move |listener| {
            let acceptor = TcpAcceptor::from_std(listener).unwrap();
            poem::Server::new_with_acceptor(acceptor).run(app().await).await.unwrap();
        };
        Self::serve(name, folder, serve)
    }

    /// A server on a thread of its own.
    fn serve(
        name: &'static str,
        folder: Option<TempDir>,
        serve: impl AsyncFnOnce(StdListener) + Send + 'static,
    ) -> Self {
        let listener = StdListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (sender, receiver) = mpsc::channel();
        thread::spawn(move || {
            let thread = std::fs::read_link("/proc/thread-self").unwrap();
            sender.send(thread.file_name().unwrap().to_str().unwrap().to_owned()).unwrap();
            Builder::new_current_thread().enable_all().build().unwrap().block_on(serve(listener));
        });
        let thread = receiver.recv().unwrap();
        let has_no_database = !name.contains("SQL");
        Self { name, address, thread, has_no_database, _folder: folder }
    }
}

fn waxseal(store: impl Store) -> impl Endpoint {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let cookie = CookieOptions::insecure_for_plain_http_development();
    let sessions = Sessions::builder(keyring, store).cookie(cookie).build().unwrap();
    Route::new()
        .at("/plain", get(plain))
        .at("/read", get(ours::read))
        .at("/write", get(ours::write))
        .with(SessionMiddleware::new(sessions))
}
