//! The sign-in form, in each framework, over real sockets.

use std::net::SocketAddr;

use axum::routing::{get, post};
use poem::EndpointExt;
use salvo::prelude::{Router, Server, Writer, affix_state};
use sea_orm::DatabaseConnection;
use waxseal::{
    Sessions, axum as for_axum, poem as for_poem, salvo as for_salvo, sea_orm::SeaOrmStore, testing::TestClock,
};
use waxseal_guides::recipes::{
    passwords::hash_password,
    sign_in::{axum_handler, poem_handler, salvo_handler},
};

use crate::{
    browser::builder,
    database::OwnDatabase,
    socket::{exchange, listen},
};

const FORM: &str = "content-type: application/x-www-form-urlencoded\r\n";

#[poem::handler]
fn poem_who(user: for_poem::SignedIn) -> String {
    user.subject
}

#[salvo::handler]
async fn salvo_who(user: for_salvo::SignedIn) -> String {
    user.subject
}

async fn poem(db: DatabaseConnection, sessions: Sessions) -> SocketAddr {
    let (listener, address) = listen().await;
    let routes = poem::Route::new().at("/", poem::get(poem_who)).at("/sign-in", poem::post(poem_handler::sign_in));
    let app = routes.data(db).with(for_poem::SessionMiddleware::new(sessions));
    let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).unwrap();
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(app));
    address
}

async fn salvo(db: DatabaseConnection, sessions: Sessions) -> SocketAddr {
    let (listener, address) = listen().await;
    let router = Router::new()
        .hoop(affix_state::inject(db))
        .hoop(for_salvo::SessionHoop::new(sessions))
        .get(salvo_who)
        .push(Router::with_path("sign-in").post(salvo_handler::sign_in));
    let acceptor = salvo::conn::tcp::TcpAcceptor::try_from(listener).unwrap();
    tokio::spawn(Server::new(acceptor).serve(router));
    address
}

async fn axum(db: DatabaseConnection, sessions: Sessions) -> SocketAddr {
    let (listener, address) = listen().await;
    let who = get(async |user: for_axum::SignedIn| user.subject);
    let routes = axum::Router::new().route("/", who).route("/sign-in", post(axum_handler::sign_in));
    let app = routes.with_state(db).layer(for_axum::SessionLayer::new(sessions));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn the_right_password_signs_in_and_a_wrong_one_does_not() {
    let database = OwnDatabase::sqlite("ada", &hash_password("correct horse").unwrap()).await;
    let db = database.db.clone();
    let sessions = builder(SeaOrmStore::new(db.clone()), &TestClock::new()).build().unwrap();
    let addresses = [
        poem(db.clone(), sessions.clone()).await,
        salvo(db.clone(), sessions.clone()).await,
        axum(db, sessions.clone()).await,
    ];
    for (address, framework) in addresses.into_iter().zip(["Poem", "Salvo", "axum"]) {
        for wrong in ["name=ada&password=wrong", "name=bob&password=correct+horse", "name=&password="] {
            let answer = exchange(address, "POST /sign-in HTTP/1.1", FORM, wrong).await;
            assert!(answer.starts_with("HTTP/1.1 401"), "{framework}: {answer}");
            assert!(!answer.contains("set-cookie"), "{framework}: {answer}");
        }
        let answer = exchange(address, "POST /sign-in HTTP/1.1", FORM, "name=ada&password=correct+horse").await;
        assert!(answer.starts_with("HTTP/1.1 303"), "{framework}: {answer}");
        let set = answer.lines().find_map(|line| line.strip_prefix("set-cookie: ")).expect("a cookie");
        assert!(set.starts_with("__Host-session=") && set.contains("; Secure"), "{framework}: {set}");
        let cookie = format!("cookie: {}\r\n", set.split(';').next().unwrap());
        let page = exchange(address, "GET / HTTP/1.1", &cookie, "").await;
        assert!(page.starts_with("HTTP/1.1 200") && page.ends_with('1'), "{framework}: {page}");
    }
    assert_eq!(sessions.list("1").await.unwrap().len(), 3);
}
