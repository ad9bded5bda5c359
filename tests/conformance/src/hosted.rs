//! What the drop-in stores promise, on every store: `HostedSessions`.

use waxseal_http::{Data, Found, Hosted, HostedSessions, MemoryStore, Outcome, Sessions, TOMBSTONE_S, Timestamp};

use crate::Bench;

const ID: &[u8] = b"an id that the host has made of 256 random bits";

async fn hosted(bench: &Bench) -> HostedSessions {
    HostedSessions::new(bench.app().await.sessions).unwrap()
}

fn data(count: u64) -> Data {
    let mut data = Data::new();
    data.insert("count", &count).unwrap();
    data.insert("word", "plaintext-marker").unwrap();
    data
}

fn count(hosted: &Option<Hosted>) -> Option<u64> {
    hosted.as_ref().map(|hosted| hosted.data.get("count").unwrap().unwrap())
}

/// The rows of a store that the engine's own list does not show: those without a subject, by their hashed id.
async fn row_data(bench: &Bench, sessions: &HostedSessions) -> Vec<u8> {
    // The bytes that a host's id gives are seen by the probe alone.
    bench.probe.take_calls();
    let seen = std::sync::Arc::new(std::sync::Mutex::new(Vec::new()));
    let copy = seen.clone();
    bench.probe.falsify(move |row| *copy.lock().unwrap() = row.data.clone());
    sessions.load(ID).await.unwrap();
    bench.probe.stop_falsifying();
    seen.lock().unwrap().clone()
}

pub async fn hosted_sessions_come_back_as_they_went(bench: &Bench) {
    let sessions = hosted(bench).await;
    assert!(sessions.load(ID).await.unwrap().is_none());
    assert!(sessions.create(ID, &data(1), None).await.unwrap());
    let loaded = sessions.load(ID).await.unwrap();
    assert_eq!(count(&loaded), Some(1));
    assert_eq!(loaded.unwrap().expires_at, bench.now().plus_seconds(1800));
    assert!(!sessions.create(ID, &data(9), None).await.unwrap(), "never overwritten");
    assert_eq!(sessions.save(ID, &data(2), None).await.unwrap(), Outcome::Saved);
    assert_eq!(sessions.put(ID, &data(3), None).await.unwrap(), Outcome::Saved);
    assert_eq!(count(&sessions.load(ID).await.unwrap()), Some(3));
    assert_eq!(sessions.put(b"another id", &data(4), None).await.unwrap(), Outcome::Created);
    assert_eq!(count(&sessions.load(ID).await.unwrap()), Some(3));
    assert!(sessions.load(b"an id nobody made").await.unwrap().is_none());
    let sealed = row_data(bench, &sessions).await;
    assert!(!sealed.is_empty());
    assert!(!sealed.windows(16).any(|window| window == b"plaintext-marker"), "rows are encrypted");
}

/// R7: what was ended is not brought back, though a host cannot say whether a save is of a new session.
pub async fn hosted_saves_never_bring_a_session_back(bench: &Bench) {
    let sessions = hosted(bench).await;
    assert_eq!(sessions.save(ID, &data(1), None).await.unwrap(), Outcome::Gone, "saves never insert");
    assert!(sessions.load(ID).await.unwrap().is_none());
    sessions.create(ID, &data(1), None).await.unwrap();
    assert!(sessions.delete(ID).await.unwrap());
    assert!(!sessions.delete(ID).await.unwrap());
    assert_eq!(sessions.save(ID, &data(2), None).await.unwrap(), Outcome::Gone);
    assert_eq!(sessions.put(ID, &data(2), None).await.unwrap(), Outcome::Gone);
    assert!(!sessions.create(ID, &data(2), None).await.unwrap());
    assert!(sessions.load(ID).await.unwrap().is_none());
    bench.advance(TOMBSTONE_S);
    sessions.delete_expired().await.unwrap();
    assert_eq!(sessions.save(ID, &data(2), None).await.unwrap(), Outcome::Gone);
}

/// R3: the core decides expiry: what the host asked for, and the lifetime.
pub async fn hosted_sessions_expire(bench: &Bench) {
    let sessions = hosted(bench).await;
    let start = bench.now();
    sessions.create(ID, &data(1), Some(start.plus_seconds(100))).await.unwrap();
    bench.advance(99);
    assert!(sessions.load(ID).await.unwrap().is_some());
    bench.advance(1);
    assert!(sessions.load(ID).await.unwrap().is_none(), "at equality");
    assert_eq!(sessions.save(ID, &data(2), None).await.unwrap(), Outcome::Gone);
    assert_eq!(sessions.put(ID, &data(2), None).await.unwrap(), Outcome::Gone);

    let other = b"one that is used for longer than a lifetime";
    let far = bench.now().plus_seconds(1 << 40);
    sessions.create(other, &data(1), Some(far)).await.unwrap();
    assert_eq!(sessions.load(other).await.unwrap().unwrap().expires_at, bench.now().plus_seconds(8 * 3600));
    for n in 0..8 {
        assert_eq!(count(&sessions.load(other).await.unwrap()), Some(n + 1));
        bench.advance(3599);
        assert_eq!(sessions.save(other, &data(n + 2), Some(far)).await.unwrap(), Outcome::Saved);
    }
    bench.advance(8);
    assert!(sessions.load(other).await.unwrap().is_none(), "however much it is used");
}

/// R10: equal data are not written, and the expiry moves once in an interval; but at once where it comes sooner.
pub async fn hosted_touches_are_throttled(bench: &Bench) {
    let sessions = hosted(bench).await;
    let in_an_hour = |now: Timestamp| Some(now.plus_seconds(3600));
    sessions.create(ID, &data(1), in_an_hour(bench.now())).await.unwrap();
    for _ in 0..5 {
        bench.advance(10);
        assert_eq!(sessions.save(ID, &data(1), in_an_hour(bench.now())).await.unwrap(), Outcome::Unchanged);
    }
    bench.advance(10);
    assert_eq!(sessions.save(ID, &data(1), in_an_hour(bench.now())).await.unwrap(), Outcome::Touched);
    assert_eq!(sessions.load(ID).await.unwrap().unwrap().expires_at, bench.now().plus_seconds(3600));
    let soon = bench.now().plus_seconds(5);
    assert_eq!(sessions.save(ID, &data(1), Some(soon)).await.unwrap(), Outcome::Saved);
    bench.advance(5);
    assert!(sessions.load(ID).await.unwrap().is_none());
}

/// With a touch interval of 0, saves within one second do not wait for the next.
pub async fn hosted_touches_of_one_second(bench: &Bench) {
    let app = bench.app_with(|builder| builder.touch_interval(std::time::Duration::ZERO)).await;
    let sessions = HostedSessions::new(app.sessions).unwrap();
    sessions.create(ID, &data(1), None).await.unwrap();
    assert_eq!(sessions.save(ID, &data(1), None).await.unwrap(), Outcome::Unchanged);
    bench.advance(1);
    assert_eq!(sessions.save(ID, &data(1), None).await.unwrap(), Outcome::Touched);
    assert_eq!(sessions.save(ID, &data(1), None).await.unwrap(), Outcome::Unchanged);
}

/// Saves at once: each lands as a whole, none fails, and none is half another's.
pub async fn hosted_saves_at_once_all_land(bench: &Bench) {
    let sessions = hosted(bench).await;
    sessions.create(ID, &data(0), None).await.unwrap();
    let saves = (1..=20).map(|n| {
        let sessions = sessions.clone();
        tokio::spawn(async move { sessions.save(ID, &data(n), None).await.unwrap() })
    });
    for save in saves.collect::<Vec<_>>() {
        assert_eq!(save.await.unwrap(), Outcome::Saved);
    }
    assert!((1..=20).contains(&count(&sessions.load(ID).await.unwrap()).unwrap()));
}

/// R6: a row that was moved or changed is no session, and its id is not taken over.
pub async fn hosted_rows_that_were_changed_are_no_session(bench: &Bench) {
    let sessions = hosted(bench).await;
    sessions.create(ID, &data(1), None).await.unwrap();
    let falsehoods: [fn(&mut waxseal_http::Row); 5] = [
        |row| row.generation += 1,
        |row| row.lifetime_s += 1,
        |row| row.created_at = row.created_at.plus_seconds(1),
        |row| row.subject = Some("eve".into()),
        |row| row.data[40] ^= 1,
    ];
    for falsehood in falsehoods {
        bench.probe.falsify(falsehood);
        assert!(sessions.load(ID).await.unwrap().is_none());
        assert_eq!(sessions.put(ID, &data(2), None).await.unwrap(), Outcome::Gone);
    }
    bench.probe.stop_falsifying();
    assert_eq!(count(&sessions.load(ID).await.unwrap()), Some(1));
}

/// R9, R17: a failing store is an error, and what is too large is refused before anything is written.
pub async fn hosted_failures_lose_nothing(bench: &Bench) {
    let sessions = hosted(bench).await;
    sessions.create(ID, &data(1), None).await.unwrap();
    bench.probe.set_down(true);
    assert!(sessions.load(ID).await.is_err());
    assert!(sessions.save(ID, &data(2), None).await.is_err());
    assert!(sessions.delete(ID).await.is_err());
    bench.probe.set_down(false);
    let mut large = data(3);
    large.insert("large", &"x".repeat(70_000)).unwrap();
    assert!(sessions.save(ID, &large, None).await.is_err());
    assert_eq!(count(&sessions.load(ID).await.unwrap()), Some(1));
    bench.probe.set_answers_lost(true);
    assert!(sessions.create(b"whose answer is lost", &data(5), None).await.unwrap());
    bench.probe.set_answers_lost(false);
    assert_eq!(count(&sessions.load(b"whose answer is lost").await.unwrap()), Some(5));
    assert!(HostedSessions::new(bench.stateless_app().await.sessions).is_err());
}

/// They share the table with sessions of our own, and neither is taken for the other.
pub async fn hosted_sessions_share_the_table(bench: &Bench) {
    let sessions = hosted(bench).await;
    sessions.create(ID, &data(1), None).await.unwrap();
    let app = bench.app().await;
    let mut browser = app.browser();
    browser.run(&[crate::Step::SignIn("ada".into())]).await;
    assert_eq!(app.sessions.revoke_all("ada").await.unwrap(), 1);
    assert_eq!(count(&sessions.load(ID).await.unwrap()), Some(1));
    bench.advance(1800);
    assert_eq!(
        sessions.delete_expired().await.unwrap(),
        3,
        "both, and the mark that no sign-in of the user is to come late"
    );

    let memory = Sessions::builder(bench.keyring(), MemoryStore::new()).build().unwrap();
    assert!(HostedSessions::new(memory).unwrap().load(ID).await.unwrap().is_none());
    let id = "0196a5e0-0000-7000-8000-000000000000".parse().unwrap();
    assert_eq!(
        bench.probe.store().load(waxseal_http::Wanted::newest(id)).await.unwrap().and_then(Found::session),
        None
    );
}
