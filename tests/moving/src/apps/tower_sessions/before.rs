//! The shop on tower-sessions, with all of its defaults.

use axum::{Router, extract::Query, routing::get};
use sea_orm::DatabaseConnection;
use tower_sessions::{Session, SessionManagerLayer};

use crate::{
    shop::{self, Buy, CART, PROFILE, Profile, SignIn, USER_ID},
    stores::tower_sessions::SqlStore,
};

type Result<T> = std::result::Result<T, tower_sessions::session::Error>;

pub async fn app(db: DatabaseConnection) -> Router {
    Router::new()
        .route("/shop/sign-in", get(async |session, query| text(sign_in(session, query).await)))
        .route("/shop/buy", get(async |session, query| text(buy(session, query).await)))
        .route("/shop/page", get(async |session| text(page(session).await)))
        .layer(SessionManagerLayer::new(SqlStore::new(db).await))
}

fn text(result: Result<String>) -> std::result::Result<String, (http::StatusCode, String)> {
    result.map_err(|error| (http::StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

async fn sign_in(session: Session, Query(SignIn { user }): Query<SignIn>) -> Result<String> {
    session.cycle_id().await?;
    session.insert(USER_ID, user).await?;
    session.insert(PROFILE, Profile::of(user)).await?;
    Ok("welcome".into())
}

async fn buy(session: Session, Query(Buy { item }): Query<Buy>) -> Result<String> {
    let cart = session.get(CART).await?;
    session.insert(CART, shop::with(item, cart)).await?;
    Ok("bought".into())
}

async fn page(session: Session) -> Result<String> {
    let user: Option<u32> = session.get(USER_ID).await?;
    Ok(shop::page(user, session.get(CART).await?, session.get(PROFILE).await?))
}
