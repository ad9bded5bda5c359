//! The check of where a request comes from, in each framework, over real sockets.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use axum::routing::post;
use poem::EndpointExt;
use salvo::prelude::*;
use waxseal_guides::recipes::guards::{axum_guard, poem_guard, salvo_guard};

use crate::socket::{exchange, listen};

type Calls = Arc<AtomicUsize>;

#[poem::handler]
fn poem_count(calls: poem::web::Data<&Calls>) {
    calls.fetch_add(1, Ordering::SeqCst);
}

#[handler]
async fn salvo_count(depot: &mut Depot) {
    depot.get_typed::<Calls>().unwrap().fetch_add(1, Ordering::SeqCst);
}

/// The status line of the answer to a POST.
async fn send(address: SocketAddr, headers: &str) -> String {
    let answer = exchange(address, "POST / HTTP/1.1", headers, "").await;
    answer.lines().next().unwrap_or_default().to_owned()
}

async fn check(address: SocketAddr, calls: Calls) {
    for forged in
        ["sec-fetch-site: cross-site\r\n", "sec-fetch-site: same-site\r\n", "origin: https://evil.example\r\n"]
    {
        assert_eq!(send(address, forged).await, "HTTP/1.1 403 Forbidden", "{forged}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 0, "the handler must not run");
    for own in ["sec-fetch-site: same-origin\r\n", "origin: https://shop.example\r\n", ""] {
        assert_eq!(send(address, own).await, "HTTP/1.1 200 OK", "{own}");
    }
    assert_eq!(calls.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn poem_refuses_requests_of_other_sites() {
    let (calls, (listener, address)) = (Calls::default(), listen().await);
    let app = poem_guard::app(poem::Route::new().at("/", poem::post(poem_count))).data(calls.clone());
    let acceptor = poem::listener::TcpAcceptor::from_tokio(listener).unwrap();
    tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(app));
    check(address, calls).await;
}

#[tokio::test]
async fn salvo_refuses_requests_of_other_sites() {
    let (calls, (listener, address)) = (Calls::default(), listen().await);
    let router =
        Router::new().hoop(affix_state::inject(calls.clone())).push(salvo_guard::app(Router::new().post(salvo_count)));
    let acceptor = salvo::conn::tcp::TcpAcceptor::try_from(listener).unwrap();
    tokio::spawn(Server::new(acceptor).serve(router));
    check(address, calls).await;
}

#[tokio::test]
async fn axum_refuses_requests_of_other_sites() {
    let (calls, (listener, address)) = (Calls::default(), listen().await);
    let counted = calls.clone();
    let count = post(async move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let app = axum_guard::app(axum::Router::new().route("/", count));
    tokio::spawn(async move { axum::serve(listener, app).await });
    check(address, calls).await;
}
