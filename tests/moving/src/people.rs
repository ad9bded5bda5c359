//! The move: a hundred people are signed in on the old application, which is replaced while they use it.

use std::{sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;
use tokio::{sync::Barrier, task::JoinSet};
use waxseal::{Sessions, testing::TestClock};

use crate::{
    browser::Browser,
    db, log,
    shop::{NOBODY, Page, Profile},
    site::{App, Reply, Request, Site},
};

/// How many people there are.
const PEOPLE: u32 = 100;

/// How many requests of one person run at once.
const AT_ONCE: u32 = 3;

/// How many rounds of requests everybody sends after the move.
const ROUNDS_AFTER: u32 = 2;

/// Where the old system kept its sessions.
pub enum Old {
    /// In this table of the same database.
    Rows(&'static str),
    /// In the cookie, which every write replaces.
    Cookie,
}

/// A move of the shop.
pub struct Move {
    pub before: App,
    pub after: App,
    /// Those of the new application.
    pub sessions: Sessions,
    pub clock: TestClock,
    /// Their database.
    pub db: DatabaseConnection,
    /// The name of the old cookie.
    pub cookie: &'static str,
    pub old: Old,
}

/// One person, with their browser.
struct Person {
    user: u32,
    browser: Browser,
    site: Arc<Site>,
}

impl Person {
    async fn visit(&self, path: &str) -> Reply {
        let path = format!("/shop/{path}");
        let reply = self.site.answer(Request { cookies: self.browser.header(&path), path: path.clone() }).await;
        for set in &reply.set_cookies {
            self.browser.keep(set, &path);
        }
        assert_eq!(reply.status, 200, "user {}, {path}: {reply:?}", self.user);
        reply
    }

    /// The cart, as the page shows it to the person who is signed in.
    async fn cart(&self) -> Vec<u32> {
        let body = self.visit("page").await.body;
        assert_ne!(body, NOBODY, "user {} was signed out", self.user);
        let page: Page = serde_json::from_str(&body).unwrap();
        assert_eq!((page.user, page.profile), (self.user.to_string(), Profile::of(self.user)));
        let mut cart = page.cart;
        cart.sort_unstable();
        cart
    }

    async fn buy(&self, item: u32) {
        assert_eq!(self.visit(&format!("buy?item={item}")).await.body, "bought", "user {}", self.user);
    }
}

/// Everybody stays signed in, with their data. No request fails, and nothing is left of the old sessions.
pub async fn everybody_stays_signed_in(moving: Move) {
    log::start();
    let site = Arc::new(Site::new(moving.before.clone()));
    let people: Vec<_> =
        (1..=PEOPLE).map(|user| Arc::new(Person { user, browser: Browser::default(), site: site.clone() })).collect();
    for_each(&people, |person| async move {
        assert_eq!(person.visit(&format!("sign-in?user={}", person.user)).await.body, "welcome");
        person.buy(0).await;
        assert_eq!(person.cart().await, [0]);
        let kept = person.browser.kept();
        assert_eq!(kept.len(), 1, "{kept:?}");
    })
    .await;
    if let Old::Rows(table) = moving.old {
        assert_eq!(db::count(&moving.db, table).await, i64::from(PEOPLE));
    }

    let begun = Arc::new(Barrier::new(people.len() + 1));
    let mut running = JoinSet::new();
    for person in people.clone() {
        let (begun, writes) = (begun.clone(), matches!(moving.old, Old::Rows(..)));
        running.spawn(goes_on(person, writes, begun));
    }
    begun.wait().await;
    // Every person has requests under way.
    tokio::time::sleep(Duration::from_millis(5)).await;
    site.replace(moving.after.clone()).await;
    let mut before = Vec::new();
    while let Some(old_cookies) = running.join_next().await {
        before.push(old_cookies.unwrap());
    }
    assert_eq!(before.len(), people.len());
    let (answered_before, under_way, answered_after) = site.requests();
    println!("{answered_before} requests before the move, {under_way} under way at it, {answered_after} after it");
    assert!(under_way > 0, "no request ran while the application was replaced");

    nothing_is_left(&moving, &people).await;
    sign_outs_hold(&people, &before).await;
    old_cookies_lead_nowhere(&moving, &before).await;
}

/// Sends requests, several at once, until the move is over and for some rounds more. Returns the old cookies.
///
/// A write on an old system replaces all data, so one at a time is sent there. Where the cookie holds the data, a write and a
/// request beside it see different sessions on the old system, so that only reads are sent until the move is over.
async fn goes_on(person: Arc<Person>, writes: bool, begun: Arc<Barrier>) -> (u32, String) {
    let old_cookies = person.browser.header("/shop/page");
    let (mut bought, mut rounds, mut rounds_after) = (vec![0], 0, 0);
    while rounds_after < ROUNDS_AFTER {
        let has_moved = person.site.has_moved();
        let items = u32::try_from(bought.len()).unwrap()..;
        let mut round = JoinSet::new();
        for (at, item) in (0..AT_ONCE).zip(items) {
            let (person, is_write) = (person.clone(), has_moved || writes && at == 0);
            round.spawn(async move {
                if is_write {
                    person.buy(item).await;
                } else {
                    person.cart().await;
                }
                is_write.then_some(item)
            });
        }
        rounds += 1;
        if rounds == 1 {
            begun.wait().await;
        }
        bought.extend(round.join_all().await.into_iter().flatten());
        rounds_after += u32::from(has_moved);
    }
    bought.sort_unstable();
    assert_eq!(person.cart().await, bought, "user {}", person.user);
    (person.user, old_cookies)
}

/// The old cookies and rows are gone. Everybody has one session of ours, of whose adoption the log tells.
async fn nothing_is_left(moving: &Move, people: &[Arc<Person>]) {
    for person in people {
        let kept = person.browser.kept();
        let names: Vec<_> = kept.iter().map(|cookie| cookie.name.as_str()).collect();
        assert_eq!(names, [moving.sessions.cookie_name()], "user {}", person.user);
    }
    if let Old::Rows(table) = moving.old {
        assert_eq!(db::count(&moving.db, table).await, 0);
    }
    // The query of docs/moving.md.
    let adoptions = "waxseal_sessions WHERE generation = 2 AND length(data) = 0";
    assert_eq!(db::count(&moving.db, adoptions).await, i64::from(PEOPLE));
    let adopted = log::adopted();
    for person in people {
        let list = moving.sessions.list(&person.user.to_string()).await.unwrap();
        assert_eq!(list.len(), 1, "user {}: {list:?}", person.user);
        assert!(adopted.contains(&list[0].id.to_string()), "not in the log: user {}", person.user);
    }
    assert_eq!(log::errors(), [""; 0]);
}

/// The cookies from before the move sign nobody in, once the requests that were sent with them are answered.
async fn old_cookies_lead_nowhere(moving: &Move, before: &[(u32, String)]) {
    moving.clock.advance(Duration::from_secs(11));
    for (user, cookies) in before {
        assert!(cookies.contains(moving.cookie), "{cookies}");
        let reply = moving.after.answer(Request { path: "/shop/page".into(), cookies: cookies.clone() }).await;
        assert_eq!((reply.status, reply.body.as_str()), (200, NOBODY), "user {user}");
        assert!(!reply.set_cookies.iter().any(|set| set.starts_with(moving.sessions.cookie_name())), "{reply:?}");
    }
}

/// Whoever signs out is signed out: by the new cookie, and at once by the old one.
async fn sign_outs_hold(people: &[Arc<Person>], before: &[(u32, String)]) {
    for person in people.iter().take(10) {
        let new = person.browser.header("/shop/page");
        assert_eq!(person.visit("sign-out").await.body, "bye");
        let (_, old) = before.iter().find(|(user, _)| *user == person.user).unwrap();
        for cookies in ["", &new, old, &format!("{new}; {old}")] {
            let request = Request { path: "/shop/page".into(), cookies: cookies.into() };
            assert_eq!(person.site.answer(request).await.body, NOBODY, "user {}", person.user);
        }
    }
    // The others are signed in still.
    for_each(&people[10..], |person| async move {
        person.cart().await;
    })
    .await;
}

/// Does this for all of them at the same time.
async fn for_each<F: Future<Output = ()> + Send + 'static>(people: &[Arc<Person>], act: impl Fn(Arc<Person>) -> F) {
    let mut running: JoinSet<()> = people.iter().cloned().map(act).collect();
    while let Some(done) = running.join_next().await {
        done.unwrap();
    }
}
