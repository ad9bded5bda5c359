//! Takes over the sessions of salvo-session's `CookieStore`.

use std::time::Duration;

use sea_orm::DatabaseConnection;
use waxseal::{
    Adopt, Keyring, OldCookie, Sessions, SessionsBuilder,
    adopt::{AdoptCookie, CookieKey, salvo::SalvoCookie},
    sea_orm::SeaOrmStore,
};

/// Takes over the sessions that salvo-session kept in the cookie.
pub fn old_sessions(secret: &[u8]) -> impl Adopt {
    let cookie = SalvoCookie::new(CookieKey::from(secret)); // the secret of `SessionHandler::builder`
    let old = OldCookie { path: "/shop".into(), domain: Some("example.com".into()), ..OldCookie::new("shop") };
    AdoptCookie::new(old, move |value, now| {
        let adopted = cookie.read(std::str::from_utf8(value).ok()?, now).ok()?;
        let mut adopted = adopted.subject_from("user_id"); // where your application keeps who is signed in
        adopted.expires_at = None; // the idle timeout begins anew, as it does at every use
        Some(adopted)
    })
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sessions that last as those of salvo-session did by default: for a day after the last use.
pub fn sessions(keyring: Keyring, db: DatabaseConnection, secret: &[u8]) -> SessionsBuilder {
    Sessions::builder(keyring, SeaOrmStore::new(db)).adopt(old_sessions(secret)).idle_timeout(DAY).lifetime(90 * DAY)
}
