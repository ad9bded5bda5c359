//! Takes over the sessions of Poem's `CookieSession`.

use std::time::Duration;

use sea_orm::DatabaseConnection;
use waxseal::{
    Adopt, Keyring, OldCookie, Sessions, SessionsBuilder, Timestamp,
    adopt::{AdoptCookie, CookieKey, poem::PoemCookie},
    sea_orm::SeaOrmStore,
};

/// Takes over the sessions that `CookieSession` made, until a day on which all old cookies have ended.
pub fn old_sessions(key: &[u8], until: Timestamp) -> impl Adopt {
    let cookie = PoemCookie::private("shop", CookieKey::from(key)); // or `signed`, as `CookieConfig` was
    let old = OldCookie { path: "/shop".into(), domain: Some("example.com".into()), ..OldCookie::new("shop") };
    AdoptCookie::new(old, move |value, now| {
        if now.has_reached(until) {
            return None;
        }
        let adopted = cookie.read(std::str::from_utf8(value).ok()?).ok()?;
        Some(adopted.subject_from("user_id")) // where your application keeps who is signed in
    })
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sessions that last as those of `CookieConfig::max_age(Duration::from_secs(7 * 24 * 3600))` did.
pub fn sessions(keyring: Keyring, db: DatabaseConnection, key: &[u8], until: Timestamp) -> SessionsBuilder {
    Sessions::builder(keyring, SeaOrmStore::new(db))
        .adopt(old_sessions(key, until))
        .idle_timeout(7 * DAY)
        .lifetime(90 * DAY)
}
