//! Edge keys: what a keyring gives to a worker so that it can open, and only open, what the application sealed.

use alloc::{string::String, vec::Vec};
use core::fmt;

use zeroize::Zeroizing;

use crate::{
    Data, KeyError, KeyId, OpenError, RowContext, RowError, Secret, Ticket, TicketError, Timestamp, encoding,
    envelope::{Subkeys, Use},
    key, row, ticket,
};

/// Each line of an export begins with one of these.
pub(crate) const COOKIES: &str = "waxseal-edge-v1.cookies.";
pub(crate) const ROWS: &str = "waxseal-edge-v1.rows.";

/// One key as far as it can open.
#[derive(Clone)]
pub(crate) struct OpeningKey {
    pub(crate) id: KeyId,
    pub(crate) cookie: Subkeys,
    pub(crate) row: Option<Subkeys>,
}

/// The keys with which a worker at the edge opens cookies, and rows where they were exported for that.
///
/// Never a root key. Today's subkeys are symmetric: who holds them could also make cookies, so keep them as secret as the
/// root keys; what they cannot do is written in SECURITY.md.
#[derive(Clone)]
pub struct EdgeKeys {
    keys: Vec<OpeningKey>,
}

impl EdgeKeys {
    pub(crate) fn new(keys: Vec<OpeningKey>) -> Result<Self, KeyError> {
        if keys.is_empty() {
            return Err(KeyError::Empty);
        }
        key::check_distinct(&keys.iter().map(|key| key.id).collect::<Vec<_>>())?;
        Ok(Self { keys })
    }

    /// From the text that [`Keyring::export_edge_keys`](crate::Keyring::export_edge_keys) gave: one key a line or
    /// separated by commas.
    pub fn from_text(text: &str) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for (index, entry) in key::entries(text).into_iter().enumerate() {
            let number = index.saturating_add(1);
            keys.push(parse(entry).ok_or(KeyError::NotAnEdgeKey { number })?);
        }
        Self::new(keys)
    }

    /// The ids of the keys, the primary first.
    pub fn key_ids(&self) -> impl Iterator<Item = KeyId> + '_ {
        self.keys.iter().map(|key| key.id)
    }

    /// Whether [`open_row`](Self::open_row) can work.
    pub fn open_rows(&self) -> bool {
        self.keys.iter().all(|key| key.row.is_some())
    }

    /// Opens the value of the cookie `name`.
    ///
    /// A ticket that comes back is authentic and within its lifetime at `now`. Whether its session was ended since, only the
    /// database can tell.
    pub fn open_ticket(&self, name: &str, value: &[u8], now: Timestamp) -> Result<Ticket, TicketError> {
        ticket::open(|id| self.subkeys(Use::Cookie, id), name, value, now)
    }

    /// Opens the data of a row with the secret from its ticket.
    pub fn open_row(&self, secret: &Secret, context: &RowContext<'_>, data: Vec<u8>) -> Result<Data, RowError> {
        row::open(|id| self.subkeys(Use::Row, id), secret, context, data)
    }

    /// One look-up by id: keys are never tried in turn.
    fn subkeys(&self, usage: Use, id: KeyId) -> Result<&Subkeys, OpenError> {
        let key = self.keys.iter().find(|key| key.id == id).ok_or(OpenError::UnknownKey(id))?;
        match usage {
            Use::Cookie => Ok(&key.cookie),
            Use::Row => key.row.as_ref().ok_or(OpenError::NoRowKeys),
        }
    }
}

impl fmt::Debug for EdgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.key_ids()).finish()
    }
}

/// One exported key: the prefix that names its reach, then base64url of key id and subkeys.
pub(crate) fn export(prefix: &str, id: KeyId, subkeys: &[Zeroizing<[u8; 32]>]) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(subkeys.len().saturating_mul(32).saturating_add(KeyId::LEN)));
    bytes.extend_from_slice(id.as_bytes());
    for subkey in subkeys {
        bytes.extend_from_slice(subkey.as_ref());
    }
    let text = Zeroizing::new(encoding::to_base64(&bytes));
    let mut line = Zeroizing::new(String::with_capacity(prefix.len().saturating_add(text.len())));
    line.push_str(prefix);
    line.push_str(&text);
    line
}

fn parse(entry: &str) -> Option<OpeningKey> {
    let (text, with_rows) = match (entry.strip_prefix(COOKIES), entry.strip_prefix(ROWS)) {
        (Some(text), _) => (text, false),
        (_, Some(text)) => (text, true),
        _ => return None,
    };
    let bytes = Zeroizing::new(encoding::from_base64(text.as_bytes())?);
    let (id, subkeys) = bytes.split_at_checked(KeyId::LEN)?;
    let mut subkeys = subkeys.chunks(32);
    let cookie = Subkeys::new(subkeys.next()?, subkeys.next()?)?;
    let row = if with_rows { Some(Subkeys::new(subkeys.next()?, subkeys.next()?)?) } else { None };
    if subkeys.next().is_some() {
        return None;
    }
    Some(OpeningKey { id: KeyId::from_slice(id)?, cookie, row })
}
