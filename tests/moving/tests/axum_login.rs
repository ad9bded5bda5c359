//! From axum-login over tower-sessions, on SQLite and on PostgreSQL. The cookie has a name, a path and a domain of its own.

#![allow(missing_docs, clippy::unwrap_used)]

use waxseal::{
    Keyring, MemoryStore, RootKey, Sessions,
    testing::{TestClock, signed_in},
};
use waxseal_moving::{
    apps::axum_login::{adopt, after, before, users::Users},
    browser::Browser,
    db::{Db, count},
    people::{Move, Old, everybody_stays_signed_in},
    shop::NOBODY,
    site::{App, Request},
};

async fn from_axum_login(db: Db, table: &'static str) {
    let (keyring, clock) = (Keyring::new([RootKey::generate().unwrap()]).unwrap(), TestClock::new());
    let (connection, users) = (db.connection.clone(), Users::default());
    let before = App::axum(before::app(connection.clone(), users.clone()).await);
    let sessions = adopt::sessions(keyring, connection.clone(), users.clone()).clock(clock.clone()).build().unwrap();
    let after = App::axum(after::app(sessions.clone(), users));
    let old = Old::Rows(table);
    everybody_stays_signed_in(Move { before, after, sessions, clock, db: connection, cookie: "shop.sid", old }).await;
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_sqlite() {
    from_axum_login(Db::sqlite().await, "tower_sessions").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgres() {
    let Some(db) = Db::postgres("axum_login").await else { return };
    from_axum_login(db, "tower_sessions.session").await;
}

/// As with axum-login, a new password ends the sessions from before it.
#[tokio::test]
async fn a_session_from_before_a_new_password_is_over() {
    let (db, users) = (Db::sqlite().await, Users::default());
    let before = App::axum(before::app(db.connection.clone(), users.clone()).await);
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let sessions = adopt::sessions(keyring, db.connection.clone(), users.clone()).build().unwrap();
    let after = App::axum(after::app(sessions, users.clone()));
    let browser = Browser::default();
    let sign_in = before.answer(Request { path: "/shop/sign-in?user=7".into(), cookies: String::new() }).await;
    sign_in.set_cookies.iter().for_each(|set| browser.keep(set, "/shop/sign-in"));
    users.new_passwords();
    let page = Request { path: "/shop/page".into(), cookies: browser.header("/shop/page") };
    assert!(page.cookies.starts_with("shop.sid="));
    assert_eq!(after.answer(page).await.body, NOBODY);
    assert_eq!(count(&db.connection, "tower_sessions").await, 1, "it is left alone");
    db.close().await;
}

/// What replaces `login_required!`, `permission_required!` and `session_auth_hash`.
#[tokio::test]
async fn the_guards_of_the_new_application() {
    let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let sessions = Sessions::builder(keyring, MemoryStore::new()).build().unwrap();
    let app = App::axum(after::app(sessions.clone(), Users::default()));
    let status = async |path: &str, cookies: &str| {
        app.answer(Request { path: path.into(), cookies: cookies.into() }).await.status
    };
    let (here, elsewhere) = (signed_in(&sessions, "7").await.unwrap(), signed_in(&sessions, "7").await.unwrap());
    let (here, elsewhere) = (here.to_str().unwrap(), elsewhere.to_str().unwrap());
    assert_eq!(status("/shop/buy?item=1", "").await, 303, "to the sign-in");
    assert_eq!(status("/shop/buy?item=1", elsewhere).await, 200);
    assert_eq!(status("/shop/new-password", here).await, 200);
    assert_eq!(status("/shop/buy?item=1", elsewhere).await, 303, "the other session has ended");
    assert_eq!(sessions.list("7").await.unwrap().len(), 1);
    let guest = signed_in(&sessions, "0").await.unwrap();
    assert_eq!(status("/shop/buy?item=1", guest.to_str().unwrap()).await, 403, "may not buy");
}
