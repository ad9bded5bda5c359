//! The ticket: what the cookie carries.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::{
    Data, KeyId, Nonce, OpenError, Protection, RowContext, RowId, SealError, Secret, Terms, Timestamp,
    data::{WireData, WireDataOwned},
    encoding,
    envelope::{self, Keys, MAX_NAME_BYTES},
    subject::{SubjectError, check_subject},
};

/// A longer cookie value is refused unread, in characters: browsers keep 4096 bytes with name and attributes (RFC 6265bis, 5.6).
const MAX_VALUE_CHARS: usize = 4096;

/// A ticket issued further in the future than this is refused, in seconds: no clock in working order is off by more.
const MAX_AHEAD_S: u64 = 5 * 60;

/// The generation of a ticket without a row.
const STATELESS: u64 = 0;

/// What the cookie carries: the session secret, its times, whose session it is, the generation of its row, and a few claims.
///
/// An opened ticket is authentic and within its lifetime: a forged or expired one is never returned. It does not prove that its
/// session has not ended since; only the row does.
#[derive(Clone, Debug)]
pub struct Ticket {
    secret: Secret,
    created_at: Timestamp,
    issued_after_s: u64,
    expires_after_s: u64,
    terms: Terms,
    generation: u64,
    subject: Option<String>,
    claims: Data,
}

/// Whether an edge may decide on a ticket alone. Stale does not mean signed out: ask the origin or the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// Within the worker's own age limit, and before the idle expiry that it was issued with.
    Fresh,
    /// Older than the age limit, or past the idle expiry that it was issued with.
    Stale,
}

/// Why a cookie was refused. The client never learns the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// Not a ticket of this format.
    #[error("malformed")]
    Malformed,
    /// Made with a key that this key set does not hold.
    #[error("made with the unknown key {0}")]
    UnknownKey(KeyId),
    /// The tag is wrong: forged, damaged, or made for a cookie of another name.
    #[error("forged")]
    Forged,
    /// Authentic, but past its lifetime.
    #[error("expired")]
    Expired,
    /// Authentic, but issued more than five minutes in the future: a clock is wrong, here or where it was issued.
    #[error("issued in the future; compare the clocks of the machines")]
    NotYetValid,
}

impl From<OpenError> for TicketError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::UnknownKey(id) => Self::UnknownKey(id),
            OpenError::Forged => Self::Forged,
            OpenError::Malformed | OpenError::NoRowKeys => Self::Malformed,
        }
    }
}

impl Ticket {
    /// A new ticket: created and issued `now`. It is stateless until it [gets a generation](Self::at_generation).
    pub fn issue(
        secret: Secret,
        now: Timestamp,
        terms: Terms,
        subject: Option<&str>,
        claims: Data,
    ) -> Result<Self, SubjectError> {
        subject.map(check_subject).transpose()?;
        Ok(Self {
            secret,
            created_at: now,
            issued_after_s: 0,
            expires_after_s: terms.idle_s.min(terms.lifetime_s),
            terms,
            generation: STATELESS,
            subject: subject.map(String::from),
            claims,
        })
    }

    /// The same ticket for a row of this generation; 0 makes it stateless.
    #[must_use]
    pub fn at_generation(self, generation: u64) -> Self {
        Self { generation, ..self }
    }

    /// The same session with a new secret: creation time, terms and subject stay; the row id changes.
    #[must_use]
    pub fn renewed(&self, secret: Secret, now: Timestamp, expires_at: Timestamp, claims: Data) -> Self {
        Self { secret, ..self.reissued(now, expires_at, claims) }
    }

    /// The same ticket, issued again `now` with a new idle expiry and new claims.
    #[must_use]
    pub fn reissued(&self, now: Timestamp, expires_at: Timestamp, claims: Data) -> Self {
        let lifetime_s = self.terms.lifetime_s;
        Self {
            issued_after_s: now.seconds_since(self.created_at).min(lifetime_s),
            expires_after_s: expires_at.seconds_since(self.created_at).min(lifetime_s),
            claims,
            ..self.clone()
        }
    }

    /// The session secret.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// When the session was created. A renewal keeps this time; a sign-in resets it.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When this copy was issued.
    pub const fn issued_at(&self) -> Timestamp {
        self.created_at.plus_seconds(self.issued_after_s)
    }

    /// The idle expiry when this copy was issued: a hint. If there is a row, the row's expiry counts.
    pub const fn expires_at(&self) -> Timestamp {
        self.created_at.plus_seconds(self.expires_after_s)
    }

    /// When the session ends, however much it is used.
    pub const fn deadline(&self) -> Timestamp {
        self.created_at.plus_seconds(self.terms.lifetime_s)
    }

    /// The session's own idle timeout, lifetime and persistence.
    pub const fn terms(&self) -> Terms {
        self.terms
    }

    /// The lifetime, in seconds.
    pub const fn lifetime_s(&self) -> u64 {
        self.terms.lifetime_s
    }

    /// The session's own idle timeout, in seconds.
    pub const fn idle_s(&self) -> u64 {
        self.terms.idle_s
    }

    /// Whether the cookie outlives the browser: it has a `Max-Age`.
    pub const fn is_persistent(&self) -> bool {
        self.terms.persistent
    }

    /// The generation of the row when this copy was issued: the row is at least as new as this. 0 if there is no row.
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether there is no row: the claims are then all the data.
    pub const fn is_stateless(&self) -> bool {
        self.generation == STATELESS
    }

    /// Whose session it was when this copy was issued. `None` before sign-in.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The claims that were copied in when this copy was issued.
    pub const fn claims(&self) -> &Data {
        &self.claims
    }

    /// The id of the row behind this ticket.
    pub fn row_id(&self) -> RowId {
        RowId::derive(&self.secret, self.created_at)
    }

    /// What the row behind this ticket is bound to at `generation`.
    pub fn row_context(&self, generation: u64) -> RowContext<'_> {
        RowContext {
            row_id: self.row_id(),
            generation,
            created_at: self.created_at,
            lifetime_s: self.terms.lifetime_s,
            subject: self.subject(),
        }
    }

    /// Whether the idle expiry that it was issued with has passed. Without a row (stateless mode), the session has then ended.
    pub fn idle_expired(&self, now: Timestamp) -> bool {
        now.has_reached(self.expires_at())
    }

    /// Whether an edge may decide on it alone: it was issued at most `max_age_s` seconds ago and its idle expiry has not passed.
    pub fn freshness(&self, now: Timestamp, max_age_s: u64) -> Freshness {
        if self.idle_expired(now) || now.seconds_since(self.issued_at()) > max_age_s {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }
}

/// The part of a ticket after the secret, in postcard.
#[derive(Serialize)]
struct Wire<'a> {
    created_ms: u64,
    issued_after_s: u64,
    expires_after_s: u64,
    lifetime_s: u64,
    idle_s: u64,
    generation: u64,
    persistent: bool,
    subject: Option<&'a str>,
    claims: WireData<'a>,
}

#[derive(Deserialize)]
struct WireOwned {
    created_ms: u64,
    issued_after_s: u64,
    expires_after_s: u64,
    lifetime_s: u64,
    idle_s: u64,
    generation: u64,
    persistent: bool,
    subject: Option<String>,
    claims: WireDataOwned,
}

pub(crate) fn write(
    keys: &impl Keys,
    id: KeyId,
    ticket: &Ticket,
    name: &str,
    protection: Protection,
    nonce: Nonce,
) -> Result<String, SealError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(SealError::NameTooLong);
    }
    let wire = Wire {
        created_ms: ticket.created_at.unix_ms(),
        issued_after_s: ticket.issued_after_s,
        expires_after_s: ticket.expires_after_s,
        lifetime_s: ticket.terms.lifetime_s,
        idle_s: ticket.terms.idle_s,
        generation: ticket.generation,
        persistent: ticket.terms.persistent,
        subject: ticket.subject(),
        claims: ticket.claims.wire(),
    };
    let secret = ticket.secret.as_bytes();
    let len = encoding::postcard_size(&wire).map_err(|_| SealError::Encoding)?.saturating_add(secret.len());
    let bytes = envelope::close(keys, id, &[name.as_bytes()], protection, nonce, len, |buffer| {
        buffer.extend_from_slice(secret);
        encoding::postcard_append(&wire, buffer)
    })?;
    Ok(encoding::to_base64(&zeroize::Zeroizing::new(bytes)))
}

pub(crate) fn open<K: Keys>(
    keys: impl FnOnce(KeyId) -> Result<K, OpenError>,
    name: &str,
    value: &[u8],
    now: Timestamp,
) -> Result<Ticket, TicketError> {
    if value.len() > MAX_VALUE_CHARS || name.len() > MAX_NAME_BYTES {
        return Err(TicketError::Malformed);
    }
    let bytes = encoding::from_base64(value).ok_or(TicketError::Malformed)?;
    let contents = envelope::open(keys, &[name.as_bytes()], bytes)?;
    decode(contents.as_slice(), now)
}

/// The ticket is made once, at the end: a secret that is moved about leaves copies behind.
#[inline]
fn decode(bytes: &[u8], now: Timestamp) -> Result<Ticket, TicketError> {
    let (secret, encoded) = bytes.split_first_chunk::<32>().ok_or(TicketError::Malformed)?;
    let read: WireOwned = encoding::postcard_read(encoded).ok_or(TicketError::Malformed)?;
    let subject_fits = read.subject.as_deref().is_none_or(|subject| check_subject(subject).is_ok());
    if read.expires_after_s > read.lifetime_s || !subject_fits {
        return Err(TicketError::Malformed);
    }
    let created_at = Timestamp::from_unix_ms(read.created_ms);
    if now.has_reached(created_at.plus_seconds(read.lifetime_s)) {
        return Err(TicketError::Expired);
    }
    if created_at.plus_seconds(read.issued_after_s).seconds_since(now) > MAX_AHEAD_S {
        return Err(TicketError::NotYetValid);
    }
    Ok(Ticket {
        secret: Secret::from_bytes(*secret),
        created_at,
        issued_after_s: read.issued_after_s,
        expires_after_s: read.expires_after_s,
        terms: Terms { idle_s: read.idle_s, lifetime_s: read.lifetime_s, persistent: read.persistent },
        generation: read.generation,
        subject: read.subject,
        claims: read.claims.0,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, RootKey, Timeouts};

    fn ticket() -> Ticket {
        let mut claims = Data::new();
        claims.insert("role", &"admin").unwrap();
        let now = Timestamp::from_unix_ms(1_790_000_000_123);
        Ticket::issue(Secret::from_bytes([7; 32]), now, Timeouts::default().terms(), Some("ada"), claims).unwrap()
    }

    #[test]
    fn times_are_seconds_after_creation() {
        let ticket = ticket();
        let created = ticket.created_at();
        assert_eq!(ticket.expires_at(), created.plus_seconds(1800));
        assert_eq!(ticket.deadline(), created.plus_seconds(28_800));
        let later = created.plus_seconds(28_000);
        let expires_at = Timeouts::default().expires_at(later, ticket.idle_s(), ticket.deadline());
        let touched = ticket.reissued(later, expires_at, Data::new());
        assert_eq!((touched.issued_at(), touched.expires_at()), (later, ticket.deadline()));
        assert_eq!(touched.row_id(), ticket.row_id());
        let renewed = ticket.renewed(Secret::from_bytes([8; 32]), later, expires_at, Data::new());
        assert_ne!(renewed.row_id(), ticket.row_id());
        assert_eq!((renewed.deadline(), renewed.subject()), (ticket.deadline(), Some("ada")));
    }

    #[test]
    fn expired_at_equality_and_stale_before() {
        let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
        let ticket = ticket();
        let value = keyring.write_ticket(&ticket, "s", Protection::Sealed, Nonce::random().unwrap()).unwrap();
        let open = |after| keyring.open_ticket("s", value.as_bytes(), ticket.created_at().plus_seconds(after));
        assert!(open(28_799).is_ok());
        assert_eq!(open(28_800).unwrap_err(), TicketError::Expired);
        let at = |after| ticket.freshness(ticket.created_at().plus_seconds(after), 300);
        assert_eq!([at(0), at(300), at(301)], [Freshness::Fresh, Freshness::Fresh, Freshness::Stale]);
        let bound = |after| ticket.freshness(ticket.created_at().plus_seconds(after), u64::MAX);
        assert_eq!([bound(1799), bound(1800)], [Freshness::Fresh, Freshness::Stale]);
    }

    #[test]
    fn a_ticket_from_the_future_is_refused() {
        let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
        let ticket = ticket();
        let value = keyring.write_ticket(&ticket, "s", Protection::Sealed, Nonce::random().unwrap()).unwrap();
        let created_s = ticket.created_at().unix_seconds();
        let open =
            |before| keyring.open_ticket("s", value.as_bytes(), Timestamp::from_unix_seconds(created_s - before));
        assert!(open(300).is_ok());
        assert_eq!(open(301).unwrap_err(), TicketError::NotYetValid);
        assert_eq!(open(created_s).unwrap_err(), TicketError::NotYetValid, "a clock that stands at 1970");
    }

    #[test]
    fn a_huge_lifetime_saturates() {
        let mut ticket = ticket();
        ticket.terms.lifetime_s = u64::MAX;
        ticket.expires_after_s = u64::MAX;
        assert!(!ticket.idle_expired(Timestamp::from_unix_ms(u64::MAX - 1000)));
        assert!(ticket.deadline() >= ticket.created_at());
    }
}
