//! The servers on axum: bare, with tower-sessions, and with axum_session.

use std::net::TcpListener;

use axum::{Router, routing::get};
use axum_session::{SessionConfig, SessionLayer, SessionStore};
use axum_session_sqlx::SessionPgPool;
use tower_sessions::SessionManagerLayer;
use tower_sessions_sqlx_store::PostgresStore;

use waxseal_peers::make_schema;

use super::Server;

mod tower {
    use tower_sessions::Session;

    pub(super) async fn read(session: Session) -> String {
        session.get::<u64>("n").await.unwrap().unwrap_or(0).to_string()
    }

    pub(super) async fn write(session: Session) -> String {
        let n = session.get::<u64>("n").await.unwrap().unwrap_or(0) + 1;
        session.insert("n", n).await.unwrap();
        n.to_string()
    }
}

mod axum_session_s {
    use axum_session::Session;
    use axum_session_sqlx::SessionPgPool;

    pub(super) async fn read(session: Session<SessionPgPool>) -> String {
        session.get::<u64>("n").unwrap_or(0).to_string()
    }

    pub(super) async fn write(session: Session<SessionPgPool>) -> String {
        let n = session.get::<u64>("n").unwrap_or(0) + 1;
        session.set("n", n);
        n.to_string()
    }
}

impl Server {
    pub(crate) fn bare_axum() -> Self {
        Self::start_axum("bare axum", async || {
            Router::new().route("/read", get(async || "1")).route("/write", get(async || "1"))
        })
    }

    pub(crate) fn tower_sessions(url: &str) -> Self {
        let url = url.to_owned();
        Self::start_axum("tower-sessions, sqlx on PostgreSQL", async move || {
            make_schema(&url, "peers_tower_sessions").await;
            let options = url.parse::<tower_sessions_sqlx_store::sqlx::postgres::PgConnectOptions>().unwrap();
            let pool = tower_sessions_sqlx_store::sqlx::postgres::PgPoolOptions::new().max_connections(8);
            let pool = pool.connect_with(options.options([("search_path", "peers_tower_sessions")])).await.unwrap();
            let store = PostgresStore::new(pool).with_schema_name("peers_tower_sessions").unwrap();
            store.migrate().await.unwrap();
            Router::new()
                .route("/read", get(tower::read))
                .route("/write", get(tower::write))
                .layer(SessionManagerLayer::new(store).with_secure(false))
        })
    }

    /// It answers reads from its memory and, as it is set up by default, knows nothing of what other nodes do.
    pub(crate) fn axum_session(url: &str) -> Self {
        let url = url.to_owned();
        Self::start_axum("axum_session, cached, sqlx on PostgreSQL", async move || {
            make_schema(&url, "peers_axum_session").await;
            let options = url.parse::<sqlx::postgres::PgConnectOptions>().unwrap();
            let pool = sqlx::postgres::PgPoolOptions::new().max_connections(8);
            let pool = pool.connect_with(options.options([("search_path", "peers_axum_session")])).await.unwrap();
            let config = SessionConfig::default().with_table_name("sessions").with_secure(false);
            let store = SessionStore::<SessionPgPool>::new(Some(pool.into()), config).await.unwrap();
            Router::new()
                .route("/read", get(axum_session_s::read))
                .route("/write", get(axum_session_s::write))
                .layer(SessionLayer::new(store))
        })
    }

    fn start_axum(name: &'static str, app: impl AsyncFnOnce() -> Router + Send + 'static) -> Self {
        Self::serve(name, None, async move |listener: TcpListener| {
            let app = app().await.route("/plain", get(async || "ok"));
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        })
    }
}
