//! Edge keys: the keys that a keyring exports for a worker, which can then open what the application sealed, and nothing more.

use alloc::{string::String, vec::Vec};
use core::fmt;

use zeroize::Zeroizing;

use crate::{
    Data, Feed, KeyError, KeyId, OpenError, RootKey, RowContext, RowError, Secret, Ticket, TicketError, Timestamp,
    encoding, feed, key, row,
    subkeys::{self, CookieKeys, FeedKeys, RowKeys, info},
    ticket,
};

/// Each line of an export begins with one of these.
const COOKIES: &str = "waxseal-edge-v1.cookies.";
const ROWS: &str = "waxseal-edge-v1.rows.";

/// The subkeys of an export, in its order; an export for cookies has only the first three.
const EXPORTED: [&[u8]; 5] = [info::COOKIE_SEAL, info::COOKIE_SIGN, info::FEED_SIGN, info::ROW_SEAL, info::ROW_SIGN];
const EXPORTED_FOR_COOKIES: usize = 3;

/// The part of one key that opens.
#[derive(Clone)]
pub(crate) struct OpeningKey {
    pub(crate) id: KeyId,
    pub(crate) cookie: CookieKeys,
    pub(crate) feed: FeedKeys,
    pub(crate) row: Option<RowKeys>,
}

impl OpeningKey {
    pub(crate) fn of(root: &RootKey) -> Option<Self> {
        Some(Self {
            id: root.id(),
            cookie: CookieKeys::new(&root.subkey(info::COOKIE_SEAL), &root.subkey(info::COOKIE_SIGN))?,
            feed: FeedKeys::new(&root.subkey(info::FEED_SIGN))?,
            row: Some(RowKeys::new(&root.subkey(info::ROW_SEAL), &root.subkey(info::ROW_SIGN))?),
        })
    }
}

/// The keys with which a worker at the edge opens cookies and, if they were exported for it, rows.
///
/// A root key is never among them. The subkeys are symmetric: whoever holds them could also make cookies, so keep them as secret
/// as the root keys. SECURITY.md lists what they cannot do.
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

    /// Reads the text that [`Keyring::export_edge_keys`](crate::Keyring::export_edge_keys) returned: one key per line, or
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

    /// Whether the keys can open rows with [`open_row`](Self::open_row).
    pub fn open_rows(&self) -> bool {
        self.keys.iter().all(|key| key.row.is_some())
    }

    /// Opens the value of the cookie `name`.
    ///
    /// The returned ticket is authentic and within its lifetime at `now`. Only the database can tell whether its session has
    /// ended since.
    pub fn open_ticket(&self, name: &str, value: &[u8], now: Timestamp) -> Result<Ticket, TicketError> {
        ticket::open(|id| Ok(&self.key(id)?.cookie), name, value, now)
    }

    /// Opens the data of the row behind `ticket`. `generation` is the row's generation in the database.
    ///
    /// A row that is older than the ticket is [`RowError::Behind`]: a replica that lags, a restored backup, or an old row that
    /// somebody put back.
    pub fn open_row(&self, ticket: &Ticket, generation: u64, data: Vec<u8>) -> Result<Data, RowError> {
        if ticket.is_stateless() {
            return Err(RowError::Stateless);
        }
        if generation < ticket.generation() {
            return Err(RowError::Behind { row: generation, ticket: ticket.generation() });
        }
        self.open_row_of_any_generation(ticket.secret(), &ticket.row_context(generation), data)
    }

    /// Opens the data of a row with the session secret, **however old the row is**: without a ticket, there is no way to tell
    /// whether it is outdated. Prefer [`open_row`](Self::open_row).
    pub fn open_row_of_any_generation(
        &self,
        secret: &Secret,
        context: &RowContext<'_>,
        data: Vec<u8>,
    ) -> Result<Data, RowError> {
        let keys = |id| Ok(self.key(id)?.row.as_ref().ok_or(OpenError::NoRowKeys)?.of(secret));
        row::open(keys, context, data)
    }

    /// Opens the feed of ended sessions of the application whose cookie is `name`.
    ///
    /// The returned feed is authentic. [`Feed::standing`] checks its age; [`Feed::as_of`] tells whether it is newer than another
    /// one.
    pub fn open_feed(&self, name: &str, bytes: Vec<u8>) -> Result<Feed, OpenError> {
        feed::open(|id| Ok(&self.key(id)?.feed), name, bytes)
    }

    /// One look-up by id: keys are never tried in turn.
    fn key(&self, id: KeyId) -> Result<&OpeningKey, OpenError> {
        self.keys.iter().find(|key| key.id == id).ok_or(OpenError::UnknownKey(id))
    }
}

impl fmt::Debug for EdgeKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.key_ids()).finish()
    }
}

/// One exported key: the prefix that names its scope, then base64url of the key id and the subkeys.
pub(crate) fn export(root: &RootKey, rows: bool) -> Zeroizing<String> {
    let (prefix, count) = if rows { (ROWS, EXPORTED.len()) } else { (COOKIES, EXPORTED_FOR_COOKIES) };
    let mut bytes = Zeroizing::new(Vec::with_capacity(KeyId::LEN.saturating_add(count.saturating_mul(subkeys::LEN))));
    bytes.extend_from_slice(root.id().as_bytes());
    for info in EXPORTED.iter().take(count) {
        bytes.extend_from_slice(root.subkey(info).as_ref());
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
    let (subkeys, []) = subkeys.as_chunks() else { return None };
    let (cookie, feed, row) = match (subkeys, with_rows) {
        ([seal, sign, feed], false) => (CookieKeys::new(seal, sign)?, FeedKeys::new(feed)?, None),
        ([seal, sign, feed, row_seal, row_sign], true) => {
            (CookieKeys::new(seal, sign)?, FeedKeys::new(feed)?, Some(RowKeys::new(row_seal, row_sign)?))
        }
        _ => return None,
    };
    Some(OpeningKey { id: KeyId::from_slice(id)?, cookie, feed, row })
}
