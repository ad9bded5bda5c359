//! The rules of `docs/rules.md`, each test named by the rule's number, in a file for each group of rules.

mod adopting;
mod clock;
mod commit;
mod cookies;
mod devices;
mod ended;
mod expiry;
mod failures;
mod handles;
mod limits;
mod live;
mod renewal;
mod saving;
mod secrecy;
mod session;
mod stores;
mod terms;
mod together;
mod touching;

use crate::{App, Bench, Browser, Step, Step::*};
use http::HeaderValue;
use serde_json::Value as Json;
use waxseal_core::{Data, Keyring, Nonce, Protection, RootKey, Secret, Ticket};
use waxseal_http::Timestamp;

pub use adopting::*;
pub use clock::*;
pub use commit::*;
pub use cookies::*;
pub use devices::*;
pub use ended::*;
pub use expiry::*;
pub use failures::*;
pub use handles::*;
pub use limits::*;
pub use live::*;
pub use renewal::*;
pub use saving::*;
pub use secrecy::*;
pub use session::*;
pub use stores::*;
pub use terms::*;
pub use together::*;
pub use touching::*;

pub(crate) fn s(text: &str) -> String {
    text.into()
}

pub(crate) fn insert(key: &str, value: impl Into<Json>) -> Step {
    Insert(s(key), value.into())
}

pub(crate) fn get(key: &str) -> Step {
    Get(s(key))
}

pub(crate) fn sign_in(subject: &str) -> Step {
    SignIn(s(subject))
}

/// A browser with a signed-in session that holds `a = 1`.
pub(crate) async fn signed_in(app: &App, subject: &str) -> Browser {
    let mut browser = app.browser();
    browser.run(&[sign_in(subject), insert("a", 1)]).await;
    browser
}

pub(crate) async fn id(browser: &mut Browser) -> String {
    browser.run(&[Id]).await[0].as_str().unwrap().into()
}

pub(crate) async fn is_dead(browser: &Browser) -> bool {
    browser.peek(&[IsNew]).await.results == [true]
}

pub(crate) fn cookie(app: &App, value: &[u8]) -> HeaderValue {
    HeaderValue::from_bytes(&[app.sessions.cookie_name().as_bytes(), b"=", value].concat()).unwrap()
}

/// A cookie value of this ticket, made with this keyring.
pub(crate) fn sealed(keyring: &Keyring, app: &App, ticket: &Ticket) -> String {
    keyring.write_ticket(ticket, app.sessions.cookie_name(), Protection::Sealed, Nonce::random().unwrap()).unwrap()
}

pub(crate) fn ticket_at(app: &App, created: Timestamp) -> Ticket {
    let terms = app.sessions.timeouts().terms();
    let ticket = Ticket::issue(Secret::random().unwrap(), created, terms, Some("eve"), Data::new());
    ticket.unwrap().at_generation(1)
}

/// Values that are no ticket of this application at `now`, each with why.
pub(crate) fn bad_cookies(bench: &Bench, app: &App, good: &str) -> Vec<(&'static str, Vec<u8>)> {
    let mut flipped = good.as_bytes().to_vec();
    let middle = flipped.len() / 2;
    flipped[middle] = if flipped[middle] == b'A' { b'B' } else { b'A' };
    let foreign = Keyring::new([RootKey::generate().unwrap()]).unwrap();
    let old = Timestamp::from_unix_seconds(bench.now().unix_seconds() - 9 * 3600);
    let other_name = app
        .keyring
        .write_ticket(&ticket_at(app, bench.now()), "other", Protection::Sealed, Nonce::random().unwrap())
        .unwrap();
    vec![
        ("empty", b"".to_vec()),
        ("words", b"ATTACKER".to_vec()),
        ("not base64", b"%%%%====".to_vec()),
        ("not UTF-8", b"\xff\xfe\xc3".to_vec()),
        ("multi-byte at every offset", "é".repeat(60).into_bytes()),
        ("huge", vec![b'A'; 6000]),
        ("truncated", good.as_bytes()[..good.len() - 1].to_vec()),
        ("one character changed", flipped),
        ("another keyring", sealed(&foreign, app, &ticket_at(app, bench.now())).into_bytes()),
        ("another cookie's", other_name.into_bytes()),
        (
            "issued in the future",
            sealed(&app.keyring, app, &ticket_at(app, bench.now().plus_seconds(301))).into_bytes(),
        ),
        ("expired", sealed(&app.keyring, app, &ticket_at(app, old)).into_bytes()),
    ]
}

pub(crate) async fn browser_results(app: &App, cookies: &[HeaderValue], steps: &[Step]) -> Vec<Json> {
    app.browser().raw(cookies, steps).await.results
}
