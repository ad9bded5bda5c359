//! The keyring: root keys of which the first seals and all open, so that keys can be rotated without signing anybody out.

use alloc::{string::String, vec::Vec};
use core::fmt;

use zeroize::Zeroizing;

use crate::{
    Data, EdgeKeys, Feed, KeyError, KeyId, Nonce, OpenError, Protection, RootKey, RowContext, RowError, SealError,
    Secret, Ticket, TicketError, Timestamp,
    edge::{self, OpeningKey},
    feed, key, row,
    subkeys::{RowKeys, info},
    ticket,
};

/// The application's root keys. The first, the *primary*, encrypts new data. The others are *accepted*: they only decrypt.
///
/// To rotate: put a new key first and keep the old one behind it. Cookies move to the new key at their next touch and rows at
/// their next save. Drop the old key once the longest lifetime has passed.
#[derive(Clone)]
pub struct Keyring {
    roots: Vec<RootKey>,
    opening: EdgeKeys,
    primary: OpeningKey,
    /// The primary's row keys, without the `Option` of [`OpeningKey`].
    primary_row: RowKeys,
}

impl Keyring {
    /// A keyring of these root keys, the primary first. An error if the list is empty or has duplicates.
    pub fn new(roots: impl IntoIterator<Item = RootKey>) -> Result<Self, KeyError> {
        let roots: Vec<RootKey> = roots.into_iter().collect();
        let keys = roots.iter().map(OpeningKey::of).collect::<Option<Vec<_>>>().ok_or(KeyError::Empty)?;
        let primary = keys.first().cloned().ok_or(KeyError::Empty)?;
        let primary_row = primary.row.clone().ok_or(KeyError::Empty)?;
        Ok(Self { roots, opening: EdgeKeys::new(keys)?, primary, primary_row })
    }

    /// Reads root keys from text: 32 bytes each in base64url, one per line or separated by commas, the primary first. A `label:`
    /// before a key and `#` comments are allowed.
    ///
    /// ```
    /// use waxseal_core::{Keyring, RootKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let (new, old) = (RootKey::generate()?, RootKey::generate()?);
    /// let keyring = Keyring::from_text(&format!("2026-11:{}\n2026-05:{}", *new.to_text(), *old.to_text()))?;
    /// assert_eq!(keyring.primary_id(), new.id());
    /// assert!(Keyring::from_text("hunter2").is_err());
    /// # Ok(())
    /// # }
    /// ```
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut roots = Vec::new();
        for (index, entry) in key::entries(text).into_iter().enumerate() {
            roots.push(RootKey::parse(entry, index.saturating_add(1))?);
        }
        Self::new(roots)
    }

    /// The id of the key that seals.
    pub fn primary_id(&self) -> KeyId {
        self.primary.id
    }

    /// The ids of all keys, the primary first.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.opening.key_ids()
    }

    /// The edge keys as text, one key per line. They open cookies and, if `rows` is true, rows.
    pub fn export_edge_keys(&self, rows: bool) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.roots.len().saturating_mul(320)));
        for root in &self.roots {
            if !text.is_empty() {
                text.push('\n');
            }
            text.push_str(&edge::export(root, rows));
        }
        text
    }

    /// Protects `ticket` as the value of the cookie `name`: base64url text. The nonce must never have been used before.
    pub fn write_ticket(
        &self,
        ticket: &Ticket,
        name: &str,
        protection: Protection,
        nonce: Nonce,
    ) -> Result<String, SealError> {
        ticket::write(&self.primary.cookie, self.primary.id, ticket, name, protection, nonce)
    }

    /// Opens the value of the cookie `name`; see [`EdgeKeys::open_ticket`].
    pub fn open_ticket(&self, name: &str, value: &[u8], now: Timestamp) -> Result<Ticket, TicketError> {
        self.opening.open_ticket(name, value, now)
    }

    /// Protects `data` as the bytes that a row stores. The nonce must never have been used before.
    pub fn write_row(
        &self,
        secret: &Secret,
        context: &RowContext<'_>,
        data: &Data,
        protection: Protection,
        nonce: Nonce,
    ) -> Result<Vec<u8>, SealError> {
        row::write(&self.primary_row.of(secret), self.primary.id, context, data, protection, nonce)
    }

    /// Signs the feed of ended sessions: the bytes that a worker fetches. `name` is the name of the application's cookie.
    ///
    /// ```
    /// use waxseal_core::{EdgeKeys, Feed, Keyring, RootKey, RowId, Timestamp};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keyring = Keyring::new([RootKey::generate()?])?;
    /// let (since, as_of) = (Timestamp::from_unix_seconds(1_790_000_000), Timestamp::from_unix_seconds(1_790_000_600));
    /// let ended = [RowId::from_bytes([7; 16])];
    /// let bytes = keyring.write_feed(&Feed::new(since, as_of, ended), "__Host-session")?;
    ///
    /// let edge = EdgeKeys::from_text(&keyring.export_edge_keys(false))?;
    /// assert!(edge.open_feed("__Host-session", bytes)?.contains(&ended[0]));
    /// # Ok(())
    /// # }
    /// ```
    pub fn write_feed(&self, feed: &Feed, name: &str) -> Result<Vec<u8>, SealError> {
        feed::write(&self.primary.feed, self.primary.id, feed, name)
    }

    /// Opens a feed of ended sessions; see [`EdgeKeys::open_feed`].
    pub fn open_feed(&self, name: &str, bytes: Vec<u8>) -> Result<Feed, OpenError> {
        self.opening.open_feed(name, bytes)
    }

    /// The secret of the session that replaces another system's session. `key` identifies the old session there.
    ///
    /// It is derived from the primary key, so that two requests that present the same old session at once make one new session.
    /// Without the root key nobody can compute it: it is as good as a random one. `None` if the derivation fails, which does not
    /// happen.
    pub fn adoption_secret(&self, key: &[u8]) -> Option<Secret> {
        let prk = self.roots.first()?.subkey(info::ADOPT);
        let mut secret = [0; 32];
        hkdf::Hkdf::<sha2::Sha256>::from_prk(prk.as_ref()).ok()?.expand(key, &mut secret).ok()?;
        Some(Secret::from_bytes(secret))
    }

    /// Opens the row behind a ticket; see [`EdgeKeys::open_row`].
    pub fn open_row(&self, ticket: &Ticket, generation: u64, data: Vec<u8>) -> Result<Data, RowError> {
        self.opening.open_row(ticket, generation, data)
    }

    /// Opens a row **however old it is**; see [`EdgeKeys::open_row_of_any_generation`].
    pub fn open_row_of_any_generation(
        &self,
        secret: &Secret,
        context: &RowContext<'_>,
        data: Vec<u8>,
    ) -> Result<Data, RowError> {
        self.opening.open_row_of_any_generation(secret, context, data)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keyring({:?})", self.opening)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use core::slice;

    #[test]
    fn an_empty_list_and_duplicates_are_refused() {
        let key = RootKey::generate().unwrap();
        assert_eq!(Keyring::new([]).unwrap_err(), KeyError::Empty);
        assert_eq!(Keyring::from_text(" \n# nothing\n,").unwrap_err(), KeyError::Empty);
        let twice = Keyring::new([RootKey::generate().unwrap(), key.clone(), key]);
        assert_eq!(twice.unwrap_err(), KeyError::Duplicate { first: 2, second: 3 });
    }

    #[test]
    fn edge_keys_open_what_the_keyring_sealed_and_say_what_they_cannot() {
        let (new, old) = (RootKey::generate().unwrap(), RootKey::generate().unwrap());
        let before = Keyring::new(slice::from_ref(&old).iter().cloned()).unwrap();
        let keyring = Keyring::new([new, old]).unwrap();
        let now = Timestamp::from_unix_seconds(1_000_000);
        let terms = crate::Timeouts::default().terms();
        let ticket = Ticket::issue(Secret::random().unwrap(), now, terms, None, Data::new()).unwrap().at_generation(1);
        let context = ticket.row_context(1);
        let cookies = EdgeKeys::from_text(&keyring.export_edge_keys(false)).unwrap();
        let rows = EdgeKeys::from_text(&keyring.export_edge_keys(true)).unwrap();
        assert!(!cookies.open_rows() && rows.open_rows());
        for sealer in [&before, &keyring] {
            for protection in [Protection::Sealed, Protection::Signed] {
                let cookie = sealer.write_ticket(&ticket, "s", protection, Nonce::random().unwrap()).unwrap();
                assert!(cookies.open_ticket("s", cookie.as_bytes(), now).is_ok());
                let data = sealer
                    .write_row(ticket.secret(), &context, &Data::new(), protection, Nonce::random().unwrap())
                    .unwrap();
                assert_eq!(rows.open_row(&ticket, 1, data.clone()).unwrap(), Data::new());
                assert_eq!(cookies.open_row(&ticket, 1, data).unwrap_err(), RowError::Envelope(OpenError::NoRowKeys));
            }
        }
    }

    #[test]
    fn damaged_edge_keys_and_root_keys_are_refused() {
        let root = RootKey::generate().unwrap();
        let text = Keyring::new([root.clone()]).unwrap().export_edge_keys(true);
        for bad in [&text[..text.len() - 3], "waxseal-edge-v1.cookies.AAAA", &*root.to_text()] {
            assert_eq!(EdgeKeys::from_text(bad).unwrap_err(), KeyError::NotAnEdgeKey { number: 1 });
        }
        assert!(EdgeKeys::from_text("").is_err());
    }
}
