//! Takes over the session cookies of Plug and Phoenix.

use std::time::Duration;

use sea_orm::DatabaseConnection;
use waxseal::{
    Adopt, CookieOptions, Keyring, OldCookie, Sessions, SessionsBuilder, Timestamp,
    adopt::{
        AdoptCookie,
        plug::{OptionsError, PlugKeys, PlugReader},
    },
    sea_orm::SeaOrmStore,
};

/// Reads the session cookie: `signing_salt` and `encryption_salt` are in `endpoint.ex`.
pub fn session_reader(secret_key_base: &str) -> Result<PlugReader, OptionsError> {
    let keys = PlugKeys::new(secret_key_base);
    // Without `encryption_salt` in `endpoint.ex`: `PlugReader::signed_session(&keys, "fixture signing salt")`.
    PlugReader::encrypted_session(&keys, "fixture encryption salt", "fixture signing salt")
}

/// Takes over the sessions in the cookie `_shop_key`, until a day on which all old cookies have ended.
pub fn old_sessions(reader: PlugReader, until: Timestamp) -> impl Adopt {
    AdoptCookie::new(OldCookie::new("_shop_key"), move |value, now| {
        if now.has_reached(until) {
            return None;
        }
        Some(reader.read(value, now).ok()?.into_adopted()?.subject_from("user_id"))
    })
}

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Sessions that last as those of `Plug.Session` do by default: until the browser closes.
pub fn sessions(keyring: Keyring, db: DatabaseConnection, old: impl Adopt) -> SessionsBuilder {
    Sessions::builder(keyring, SeaOrmStore::new(db))
        .adopt(old)
        .cookie(CookieOptions::new().until_browser_closes())
        .idle_timeout(14 * DAY)
        .lifetime(60 * DAY)
}
