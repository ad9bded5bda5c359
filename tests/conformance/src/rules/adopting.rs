//! Moving in: sessions that another system has made become sessions of ours.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use http::{HeaderMap, HeaderValue, header};
use serde_json::json;
use waxseal_core::Data;
use waxseal_http::{Adopt, AdoptError, Adopted, OldCookie, Timestamp};

use super::{get, insert, sign_in};
use crate::{App, Bench, Browser, Response, Step, Step::*};

/// Another system: its sessions by their ids.
#[derive(Clone, Default)]
struct OldSystem {
    sessions: Arc<Mutex<HashMap<String, Adopted>>>,
    /// How many were made. No id is used twice: the mark of the first one would end the second.
    made: Arc<AtomicU32>,
    down: Arc<AtomicBool>,
}

impl OldSystem {
    fn sign_in(&self, subject: Option<&str>, expires_at: Option<Timestamp>) -> String {
        let mut data = Data::new();
        data.insert("cart", &[1, 2]).unwrap();
        let id = format!("id{}", self.made.fetch_add(1, Ordering::SeqCst));
        let session = Adopted { subject: subject.map(String::from), data, created_at: None, expires_at };
        self.sessions.lock().unwrap().insert(id.clone(), session);
        id
    }
}

#[async_trait]
impl Adopt for OldSystem {
    fn key(&self, headers: &HeaderMap) -> Option<Vec<u8>> {
        let cookies = headers.get(header::COOKIE)?.to_str().ok()?;
        cookies.split("; ").find_map(|pair| pair.strip_prefix("old=")).map(|id| id.as_bytes().to_vec())
    }

    async fn load(&self, key: &[u8], _: Timestamp) -> Result<Option<Adopted>, AdoptError> {
        if self.down.load(Ordering::SeqCst) {
            return Err("the old database is away".into());
        }
        Ok(self.sessions.lock().unwrap().get(std::str::from_utf8(key)?).cloned())
    }

    async fn retire(&self, key: &[u8]) -> Result<(), AdoptError> {
        self.sessions.lock().unwrap().remove(std::str::from_utf8(key)?);
        Ok(())
    }

    fn cookies(&self) -> Vec<OldCookie> {
        vec![OldCookie::new("old")]
    }
}

async fn app(bench: &Bench, old: &OldSystem) -> App {
    let old = old.clone();
    bench.app_with(|builder| builder.adopt(old)).await
}

/// The first request of a browser that comes with the old system's cookie.
async fn first(app: &App, id: &str, steps: &[Step]) -> Response {
    app.browser().raw(&[HeaderValue::try_from(format!("old={id}")).unwrap()], steps).await
}

/// The browser afterwards, with our cookie.
fn then(app: &App, response: &Response) -> Browser {
    assert_eq!(response.status, 200);
    let mut browser = app.browser();
    let name = format!("{}=", app.sessions.cookie_name());
    let value = response.set_cookies().into_iter().find_map(|set| set.strip_prefix(&name));
    browser.cookie = value.map(|value| value.split(';').next().unwrap().to_owned());
    browser
}

pub async fn another_systems_session_is_adopted(bench: &Bench) {
    let old = OldSystem::default();
    let app = app(bench, &old).await;
    let id = old.sign_in(Some("ada"), None);
    bench.probe.take_calls();
    let unread = first(&app, &id, &[]).await;
    assert_eq!((unread.set_cookies().len(), bench.probe.take_calls().total()), (0, 0), "nobody asked for the session");
    let adopted = first(&app, &id, &[Subject, get("cart"), insert("n", 1)]).await;
    assert_eq!(adopted.results[..2], [json!("ada"), json!([1, 2])]);
    let set = adopted.set_cookies();
    assert_eq!(set.len(), 2, "{set:?}");
    assert!(set[1].starts_with("old=") && set[1].contains("Max-Age=0") && set[1].contains("Path=/"), "{set:?}");
    assert!(old.sessions.lock().unwrap().is_empty(), "the old session is retired");
    let mut browser = then(&app, &adopted);
    assert_eq!(browser.run(&[Subject, get("cart"), get("n")]).await, [json!("ada"), json!([1, 2]), json!(1)]);
    // The answer may have been lost: for a moment the old cookie leads to the same session, then nowhere.
    assert_eq!(first(&app, &id, &[Subject, get("n")]).await.results, [json!("ada"), json!(1)]);
    bench.advance(11);
    assert_eq!(first(&app, &id, &[Subject]).await.results, [json!(null)]);
    assert_eq!(browser.run(&[Subject]).await, [json!("ada")]);
}

pub async fn an_adoption_happens_once(bench: &Bench) {
    let old = OldSystem::default();
    let app = app(bench, &old).await;
    let id = old.sign_in(Some("ada"), None);
    let together: Vec<_> = (0..8)
        .map(|_| {
            let (app, id) = (app.clone(), id.clone());
            tokio::spawn(async move {
                let response = first(&app, &id, &[Increment("n".into())]).await;
                then(&app, &response)
            })
        })
        .collect();
    let mut browsers = Vec::new();
    for browser in together {
        browsers.push(browser.await.unwrap());
    }
    for browser in &mut browsers {
        assert_eq!(browser.run(&[Subject, get("n")]).await, [json!("ada"), json!(8)], "one session, no change lost");
    }
}

pub async fn what_is_not_live_in_the_old_system_is_nobody(bench: &Bench) {
    let old = OldSystem::default();
    let app = app(bench, &old).await;
    let expired = old.sign_in(Some("ada"), Some(bench.now()));
    for id in [&expired, "unknown"] {
        let nobody = first(&app, id, &[Subject]).await;
        assert_eq!((nobody.set_cookies().len(), &nobody.results), (0, &vec![json!(null)]));
    }
    // The old end binds the new session.
    let short = old.sign_in(Some("ada"), Some(bench.now().plus_seconds(100)));
    let mut browser = then(&app, &first(&app, &short, &[insert("n", 1)]).await);
    bench.advance(99);
    assert_eq!(browser.run(&[Subject]).await, [json!("ada")]);
    bench.advance(1);
    assert_eq!(browser.run(&[Subject]).await, [json!(null)]);
    // All of a user's sessions were ended before this one was seen here.
    let id = old.sign_in(Some("bob"), None);
    bench.sessions().revoke_all("bob").await.unwrap();
    assert_eq!(first(&app, &id, &[Subject]).await.results, [json!(null)]);
}

pub async fn an_old_system_that_fails_is_a_503(bench: &Bench) {
    let old = OldSystem::default();
    let app = app(bench, &old).await;
    let id = old.sign_in(Some("ada"), None);
    old.down.store(true, Ordering::SeqCst);
    let failed = first(&app, &id, &[Subject]).await;
    assert_eq!((failed.status.as_u16(), failed.set_cookies().len()), (503, 0));
    old.down.store(false, Ordering::SeqCst);
    assert_eq!(first(&app, &id, &[Subject]).await.results, [json!("ada")]);
}

pub async fn a_sign_out_ends_the_old_session_too(bench: &Bench) {
    let old = OldSystem::default();
    let app = app(bench, &old).await;
    let id = old.sign_in(Some("ada"), None);
    let out = first(&app, &id, &[SignOut]).await;
    assert!(out.set_cookies().iter().any(|set| set.starts_with("old=")), "{:?}", out.set_cookies());
    assert!(old.sessions.lock().unwrap().is_empty());
    assert_eq!(first(&app, &id, &[Subject]).await.results, [json!(null)], "at once");
    // Also one that lies beside ours: a late answer of the old application may have set it.
    let ours = then(&app, &first(&app, &old.sign_in(Some("ada"), None), &[Subject]).await);
    let beside = old.sign_in(Some("ada"), None);
    let cookies = format!("{}={}; old={beside}", app.sessions.cookie_name(), ours.cookie.unwrap());
    let out = app.browser().raw(&[HeaderValue::try_from(cookies).unwrap()], &[SignOut]).await;
    assert!(out.set_cookies().iter().any(|set| set.starts_with("old=")), "{:?}", out.set_cookies());
    assert_eq!(first(&app, &beside, &[Subject]).await.results, [json!(null)]);
    // Another user signs in on the adopted session: the first one's data are not theirs.
    let id = old.sign_in(Some("ada"), None);
    let response = first(&app, &id, &[sign_in("bob")]).await;
    assert_eq!(then(&app, &response).run(&[get("cart"), Subject]).await, [json!(null), json!("bob")]);
    // A session without a user is adopted as it is.
    let id = old.sign_in(None, None);
    assert_eq!(first(&app, &id, &[Subject, get("cart")]).await.results, [json!(null), json!([1, 2])]);
}
