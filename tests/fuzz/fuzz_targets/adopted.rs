//! Hostile cookies and rows of tower-sessions, Poem and salvo-session.
#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use waxseal_adopt::{
    CookieKey, ReadError,
    poem::{self, PoemCookie},
    salvo::{self, SalvoCookie},
    tower_sessions::{self, TowerSessionsCookie},
};
use waxseal_core::Timestamp;

/// No input was made with this key.
static KEY: LazyLock<CookieKey> = LazyLock::new(|| CookieKey::from(&[7; 64]));

fuzz_target!(|bytes: &[u8]| {
    let now = Timestamp::default();
    let _ = tower_sessions::read_record("", bytes, now);
    let _ = poem::read_entries("", bytes, None, now);
    let _ = salvo::read_row("", bytes, now);
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let refused = Some(ReadError::NotAuthentic);
    assert_eq!(TowerSessionsCookie::signed("id", KEY.clone()).session_id(text).err(), refused);
    assert_eq!(TowerSessionsCookie::private("id", KEY.clone()).session_id(text).err(), refused);
    assert_eq!(PoemCookie::signed("id", KEY.clone()).read(text).err(), refused);
    assert_eq!(PoemCookie::private("id", KEY.clone()).read(text).err(), refused);
    assert_eq!(SalvoCookie::new(KEY.clone()).read(text, now).err(), refused);
    let _ = TowerSessionsCookie::plain("id").session_id(text);
    let _ = PoemCookie::plain("id").read_unprotected(text);
    let _ = PoemCookie::plain("id").session_id(text);
});
