//! The shop on axum-login. Who is signed in is `AuthSession`'s, the rest is in the session.

use std::collections::HashSet;

use axum::{Router, extract::Query, routing::get};
use axum_login::{
    AuthManagerLayerBuilder, AuthSession, AuthUser, AuthnBackend, AuthzBackend, UserId, permission_required,
};
use sea_orm::{DatabaseConnection, DbErr};
use tower_sessions::{Expiry, Session, SessionManagerLayer};

use super::users::{User, Users};
use crate::{
    shop::{self, Buy, CART, PROFILE, Profile, SignIn},
    stores::tower_sessions::SqlStore,
};

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password_hash.as_bytes()
    }
}

impl AuthnBackend for Users {
    type User = User;
    type Credentials = i64;
    type Error = DbErr;

    async fn authenticate(&self, id: i64) -> Result<Option<User>, DbErr> {
        self.find(id).await
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, DbErr> {
        self.find(*id).await
    }
}

impl AuthzBackend for Users {
    type Permission = String;

    async fn get_user_permissions(&self, user: &User) -> Result<HashSet<String>, DbErr> {
        Ok(user.permissions.clone())
    }
}

pub async fn app(db: DatabaseConnection, users: Users) -> Router {
    let sessions = SessionManagerLayer::new(SqlStore::new(db).await)
        .with_name("shop.sid")
        .with_path("/shop")
        .with_domain("example.com")
        .with_expiry(Expiry::OnInactivity(time::Duration::days(7)));
    Router::new()
        .route("/shop/buy", get(buy))
        .route_layer(permission_required!(Users, "buy"))
        .route("/shop/sign-in", get(sign_in))
        .route("/shop/page", get(page))
        .layer(AuthManagerLayerBuilder::new(users, sessions).build())
}

async fn sign_in(mut auth: AuthSession<Users>, Query(SignIn { user }): Query<SignIn>) -> &'static str {
    let user = auth.authenticate(user.into()).await.unwrap().unwrap();
    auth.login(&user).await.unwrap();
    auth.session.insert(PROFILE, Profile::of(user.id.try_into().unwrap())).await.unwrap();
    "welcome"
}

async fn buy(session: Session, Query(Buy { item }): Query<Buy>) -> &'static str {
    let cart = session.get(CART).await.unwrap();
    session.insert(CART, shop::with(item, cart)).await.unwrap();
    "bought"
}

async fn page(auth: AuthSession<Users>) -> String {
    let user = auth.user.map(|user| user.id);
    shop::page(user, auth.session.get(CART).await.unwrap(), auth.session.get(PROFILE).await.unwrap())
}
