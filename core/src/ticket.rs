//! The ticket: what the cookie carries.

use alloc::string::String;

use serde::{Deserialize, Serialize};

use crate::{
    Data, KeyId, OpenError, Protection, RowContext, RowId, Salt, SealError, Secret, Timeouts, Timestamp,
    data::{WireData, WireDataOwned},
    encoding,
    envelope::{self, Binding, MAX_NAME_BYTES, Subkeys, Use},
};

/// The longest subject, in bytes.
pub const MAX_SUBJECT_BYTES: usize = 255;

/// A cookie value is refused unread beyond this many characters: browsers keep 4096 bytes with name and attributes
/// (RFC 6265bis, 5.6).
const MAX_VALUE_CHARS: usize = 4096;

/// What the cookie carries: the session secret, its times, whose session it is, and a few claims.
///
/// One that was opened is authentic and within its lifetime: there is no way to hold a forged or expired one. It does not say
/// that its session was not ended since; only the row does.
#[derive(Clone, Debug)]
pub struct Ticket {
    secret: Secret,
    created_at: Timestamp,
    issued_after_s: u64,
    expires_after_s: u64,
    lifetime_s: u64,
    subject: Option<String>,
    claims: Data,
}

/// Whether an edge may decide by a ticket alone. Stale is not signed out: ask the origin or the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Freshness {
    /// Young enough for the worker's own bound, and before the idle expiry it was issued with.
    Fresh,
    /// Older than the bound, or past the idle expiry known when it was issued.
    Stale,
}

/// Why a cookie gave no ticket. The client never learns which.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TicketError {
    /// Not a ticket of this format.
    #[error("malformed")]
    Malformed,
    /// Made with a key that this key set does not hold.
    #[error("made with the unknown key {0}")]
    UnknownKey(KeyId),
    /// The tag does not fit: forged, damaged, or made for a cookie of another name.
    #[error("forged")]
    Forged,
    /// Authentic, but past its lifetime.
    #[error("expired")]
    Expired,
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

/// Why a subject was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// It is empty: leave it out for a session that is nobody's.
    #[error("the subject is empty")]
    Empty,
    /// It is longer than [`MAX_SUBJECT_BYTES`].
    #[error("the subject is {0} bytes long; at most {MAX_SUBJECT_BYTES} are allowed: use a user id, not a document")]
    TooLong(usize),
    /// It begins or ends with white space or has a control character, which databases compare and keep differently.
    #[error("the subject begins or ends with white space or has a control character; use a plain user id")]
    Unclean,
}

/// Whether `subject` can be one: 1 to 255 bytes, no control characters, no white space around it.
pub fn check_subject(subject: &str) -> Result<(), SubjectError> {
    if subject.is_empty() {
        Err(SubjectError::Empty)
    } else if subject.len() > MAX_SUBJECT_BYTES {
        Err(SubjectError::TooLong(subject.len()))
    } else if subject.trim().len() != subject.len() || subject.chars().any(char::is_control) {
        Err(SubjectError::Unclean)
    } else {
        Ok(())
    }
}

impl Ticket {
    /// A new ticket: created and issued `now`.
    pub fn issue(
        secret: Secret,
        now: Timestamp,
        timeouts: &Timeouts,
        subject: Option<&str>,
        claims: Data,
    ) -> Result<Self, SubjectError> {
        subject.map(check_subject).transpose()?;
        Ok(Self {
            secret,
            created_at: now,
            issued_after_s: 0,
            expires_after_s: timeouts.idle_s().min(timeouts.lifetime_s()),
            lifetime_s: timeouts.lifetime_s(),
            subject: subject.map(String::from),
            claims,
        })
    }

    /// The same session under a new secret: creation time, lifetime and subject stay, the row id changes.
    #[must_use]
    pub fn renewed(&self, secret: Secret, now: Timestamp, timeouts: &Timeouts, claims: Data) -> Self {
        let renewed = Self { secret, ..self.clone() };
        renewed.reissued(now, timeouts.expires_at(now, self.deadline()), claims)
    }

    /// The same ticket issued again, with the idle expiry and claims of now.
    #[must_use]
    pub fn reissued(&self, now: Timestamp, expires_at: Timestamp, claims: Data) -> Self {
        Self {
            issued_after_s: now.seconds_since(self.created_at).min(self.lifetime_s),
            expires_after_s: expires_at.seconds_since(self.created_at).min(self.lifetime_s),
            claims,
            ..self.clone()
        }
    }

    /// The session secret.
    pub const fn secret(&self) -> &Secret {
        &self.secret
    }

    /// When the session was created; renewal keeps it, sign-in sets it anew.
    pub const fn created_at(&self) -> Timestamp {
        self.created_at
    }

    /// When this copy was issued.
    pub const fn issued_at(&self) -> Timestamp {
        self.created_at.plus_seconds(self.issued_after_s)
    }

    /// The idle expiry when this copy was issued: a hint. Where there is a row, the row's is the truth.
    pub const fn expires_at(&self) -> Timestamp {
        self.created_at.plus_seconds(self.expires_after_s)
    }

    /// When the session ends whatever happens.
    pub const fn deadline(&self) -> Timestamp {
        self.created_at.plus_seconds(self.lifetime_s)
    }

    /// The lifetime, in seconds.
    pub const fn lifetime_s(&self) -> u64 {
        self.lifetime_s
    }

    /// Whose session it was when this copy was issued; nobody's before sign-in.
    pub fn subject(&self) -> Option<&str> {
        self.subject.as_deref()
    }

    /// The claims copied in when this copy was issued.
    pub const fn claims(&self) -> &Data {
        &self.claims
    }

    /// The id of the row behind this ticket.
    pub fn row_id(&self) -> RowId {
        RowId::derive(&self.secret, self.created_at)
    }

    /// What the row behind this ticket is bound to, at `generation`.
    pub fn row_context(&self, generation: u64) -> RowContext<'_> {
        RowContext {
            row_id: self.row_id(),
            generation,
            created_at: self.created_at,
            lifetime_s: self.lifetime_s,
            subject: self.subject(),
        }
    }

    /// Whether the idle expiry known when it was issued has come. Where there is no row (stateless mode), that ends it.
    pub fn idle_expired(&self, now: Timestamp) -> bool {
        now.has_reached(self.expires_at())
    }

    /// Whether an edge may decide by it alone: issued at most `max_age_s` seconds ago and not idle-expired.
    pub fn freshness(&self, now: Timestamp, max_age_s: u64) -> Freshness {
        if self.idle_expired(now) || now.seconds_since(self.issued_at()) > max_age_s {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }
}

/// What follows the secret, in postcard.
#[derive(Serialize)]
struct Wire<'a> {
    created_ms: u64,
    issued_after_s: u64,
    expires_after_s: u64,
    lifetime_s: u64,
    subject: Option<&'a str>,
    claims: WireData<'a>,
}

#[derive(Deserialize)]
struct WireOwned {
    created_ms: u64,
    issued_after_s: u64,
    expires_after_s: u64,
    lifetime_s: u64,
    subject: Option<String>,
    claims: WireDataOwned,
}

pub(crate) fn write(
    keys: &Subkeys,
    id: KeyId,
    ticket: &Ticket,
    name: &str,
    protection: Protection,
    salt: &Salt,
) -> Result<String, SealError> {
    if name.len() > MAX_NAME_BYTES {
        return Err(SealError::NameTooLong);
    }
    let wire = Wire {
        created_ms: ticket.created_at.unix_ms(),
        issued_after_s: ticket.issued_after_s,
        expires_after_s: ticket.expires_after_s,
        lifetime_s: ticket.lifetime_s,
        subject: ticket.subject(),
        claims: ticket.claims.wire(),
    };
    let secret = ticket.secret.as_bytes();
    let len = encoding::postcard_size(&wire).map_err(|_| SealError::Encoding)?.saturating_add(secret.len());
    let binding = Binding { usage: Use::Cookie, mix: None, context: &[name.as_bytes()] };
    let bytes = envelope::close(keys, id, binding, protection, salt, len, |buffer| {
        buffer.extend_from_slice(secret);
        encoding::postcard_append(&wire, buffer)
    })?;
    Ok(encoding::to_base64(&zeroize::Zeroizing::new(bytes)))
}

pub(crate) fn open<'k>(
    subkeys: impl FnOnce(KeyId) -> Result<&'k Subkeys, OpenError>,
    name: &str,
    value: &[u8],
    now: Timestamp,
) -> Result<Ticket, TicketError> {
    if value.len() > MAX_VALUE_CHARS || name.len() > MAX_NAME_BYTES {
        return Err(TicketError::Malformed);
    }
    let bytes = encoding::from_base64(value).ok_or(TicketError::Malformed)?;
    let binding = Binding { usage: Use::Cookie, mix: None, context: &[name.as_bytes()] };
    let contents = envelope::open(subkeys, binding, bytes)?;
    let ticket = decode(contents.as_slice()).ok_or(TicketError::Malformed)?;
    if now.has_reached(ticket.deadline()) {
        return Err(TicketError::Expired);
    }
    Ok(ticket)
}

fn decode(bytes: &[u8]) -> Option<Ticket> {
    let (secret, rest) = bytes.split_first_chunk::<32>()?;
    let (wire, rest) = postcard::take_from_bytes::<WireOwned>(rest).ok()?;
    let ticket = Ticket {
        secret: Secret::from_bytes(*secret),
        created_at: Timestamp::from_unix_ms(wire.created_ms),
        issued_after_s: wire.issued_after_s,
        expires_after_s: wire.expires_after_s,
        lifetime_s: wire.lifetime_s,
        subject: wire.subject,
        claims: wire.claims.0,
    };
    let subject_fits = ticket.subject().is_none_or(|subject| check_subject(subject).is_ok());
    (rest.is_empty() && ticket.expires_after_s <= ticket.lifetime_s && subject_fits).then_some(ticket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Keyring, RootKey};

    fn ticket() -> Ticket {
        let mut claims = Data::new();
        claims.insert("role", &"admin").unwrap();
        let now = Timestamp::from_unix_ms(1_790_000_000_123);
        Ticket::issue(Secret::from_bytes([7; 32]), now, &Timeouts::default(), Some("ada"), claims).unwrap()
    }

    #[test]
    fn times_are_seconds_after_creation() {
        let ticket = ticket();
        let created = ticket.created_at();
        assert_eq!(ticket.expires_at(), created.plus_seconds(1800));
        assert_eq!(ticket.deadline(), created.plus_seconds(28_800));
        let later = created.plus_seconds(28_000);
        let touched = ticket.reissued(later, Timeouts::default().expires_at(later, ticket.deadline()), Data::new());
        assert_eq!((touched.issued_at(), touched.expires_at()), (later, ticket.deadline()));
        assert_eq!(touched.row_id(), ticket.row_id());
        let renewed = ticket.renewed(Secret::from_bytes([8; 32]), later, &Timeouts::default(), Data::new());
        assert_ne!(renewed.row_id(), ticket.row_id());
        assert_eq!((renewed.deadline(), renewed.subject()), (ticket.deadline(), Some("ada")));
    }

    #[test]
    fn expired_at_equality_and_stale_before() {
        let keyring = Keyring::new([RootKey::generate().unwrap()]).unwrap();
        let ticket = ticket();
        let value = keyring.write_ticket(&ticket, "s", Protection::Sealed, Salt::random().unwrap()).unwrap();
        let open = |after| keyring.open_ticket("s", value.as_bytes(), ticket.created_at().plus_seconds(after));
        assert!(open(28_799).is_ok());
        assert_eq!(open(28_800).unwrap_err(), TicketError::Expired);
        let at = |after| ticket.freshness(ticket.created_at().plus_seconds(after), 300);
        assert_eq!([at(0), at(300), at(301)], [Freshness::Fresh, Freshness::Fresh, Freshness::Stale]);
        let bound = |after| ticket.freshness(ticket.created_at().plus_seconds(after), u64::MAX);
        assert_eq!([bound(1799), bound(1800)], [Freshness::Fresh, Freshness::Stale]);
    }

    #[test]
    fn a_huge_lifetime_saturates() {
        let mut ticket = ticket();
        ticket.lifetime_s = u64::MAX;
        ticket.expires_after_s = u64::MAX;
        assert!(!ticket.idle_expired(Timestamp::from_unix_ms(u64::MAX - 1000)));
        assert!(ticket.deadline() >= ticket.created_at());
    }

    #[test]
    fn subjects_that_databases_would_confuse_are_refused() {
        assert_eq!(check_subject(""), Err(SubjectError::Empty));
        assert_eq!(check_subject(&"x".repeat(256)), Err(SubjectError::TooLong(256)));
        for unclean in ["ada ", " ada", "a\0da", "a\nda"] {
            assert_eq!(check_subject(unclean), Err(SubjectError::Unclean));
        }
        assert_eq!(check_subject(&"é".repeat(127)), Ok(()));
    }
}
