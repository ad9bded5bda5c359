//! What can go wrong with a session, and the response's status for it.

use http::StatusCode;
use waxseal_core::{SealError, SubjectError, TimeoutsError, ValueError};

use crate::StoreError;

/// A session could not be read or saved. A refused cookie is not one of these: it is an empty session.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SessionError {
    /// The store failed. This signs nobody out: the same cookie works as soon as the store does.
    #[error("the session store failed: {0}")]
    Store(#[from] StoreError),
    /// Other requests kept changing the session: each of many attempts to save met newer data.
    #[error(
        "other requests changed the session at each of {attempts} attempts to save it; send fewer changes of one session at once"
    )]
    Contended {
        /// How many attempts were made.
        attempts: u32,
    },
    /// The request has waited too long in total for its session: for the database, or for other requests.
    #[error("the session was waited for longer than {} s in all", after.as_secs_f32())]
    TimedOut {
        /// The bound, [`max_wait`](crate::SessionsBuilder::max_wait).
        after: std::time::Duration,
    },
    /// It could not be found out whether the request presents a session of another system, or that session could not be taken
    /// over.
    #[error("a session of another system could not be adopted: {0}")]
    Adoption(#[source] crate::AdoptError),
    /// Too many requests use the same session at once.
    #[error("too many requests use the same session; try again, and send fewer at once")]
    Crowded,
    /// The session's row was made with a key that this node does not hold. This does not end the session: it works again when
    /// this node has the key.
    #[error(
        "the session was saved with the key {0}, which this node does not hold; give every node all keys before any node uses a new key as its primary"
    )]
    UnknownKey(waxseal_core::KeyId),
    /// All sessions of the subject were ended while this sign-in was under way: the password may have been changed. Nobody is
    /// signed in.
    #[error("all sessions of this user were ended while the sign-in was under way; sign in again")]
    SignInOvertaken,
    /// A clone of the handle asked for a new cookie (a sign-in, a renewal, a new session) after the response was committed. A
    /// cookie can no longer be sent then.
    #[error(
        "the response was already committed, so no cookie can be sent for a new or renewed session; sign in or renew before the response is committed"
    )]
    TooLate,
    /// The task that saved ended early: the runtime is shutting down, or an update closure panicked.
    #[error("saving the session was interrupted")]
    Interrupted,
    /// The operating system gave no random bytes.
    #[error("the operating system gave no random bytes for a new session")]
    Random,
    /// A value cannot be kept, or is not of the type that was requested.
    #[error("{0}")]
    Value(#[from] ValueError),
    /// The subject given to `sign_in` was refused.
    #[error("sign-in: {0}")]
    Subject(#[from] SubjectError),
    /// The times given to `sign_in_with` are over the configured maxima.
    #[error("sign-in: {0}")]
    Terms(#[from] TimeoutsError),
    /// The session's data are over the configured maximum size. Nothing was written.
    #[error(
        "the session's data take up {bytes} bytes, more than the maximum of {max}; keep large values in their own tables and only an id in the session, or raise `max_data_bytes`"
    )]
    DataTooLarge {
        /// Their encoded size, in bytes.
        bytes: usize,
        /// The maximum, in bytes.
        max: usize,
    },
    /// The cookie would be larger than browsers keep (RFC 6265bis, 5.6). Nothing was written.
    #[error(
        "the session cookie would be {bytes} bytes with its name and attributes, more than the {max} that browsers keep; copy fewer claims, or keep the data in a store"
    )]
    CookieTooLarge {
        /// Its size, in bytes.
        bytes: usize,
        /// The maximum, in bytes.
        max: usize,
    },
    /// The ticket, row or feed could not be encoded.
    #[error("sealing the session: {0}")]
    Seal(#[from] SealError),
    /// The call needs a row in a store, and these sessions are stateless.
    #[error("{0} needs a session store, and these sessions are stateless")]
    Stateless(&'static str),
    /// The route is not behind the adapter's middleware.
    #[error("this route has no session: put the session middleware around it")]
    NotInstalled,
    /// The subject has as many sessions as
    /// [`max_sessions_per_subject`](crate::SessionsBuilder::max_sessions_per_subject) allows. Nobody is signed in.
    #[error("the user already has {max} sessions, the maximum; sign out on another device first")]
    TooManySessions {
        /// The bound.
        max: u32,
    },
    /// More sessions ended within the window than a feed may name. Workers then have to ask the application.
    #[error("more than {max} sessions ended within the feed's window; shorten the window")]
    FeedTooLarge {
        /// The bound.
        max: u32,
    },
    /// The call needs a signed-in session.
    #[error("nobody is signed in")]
    NotSignedIn,
}

impl SessionError {
    /// The status of the response for this error: 503 if trying again later can help, 401 if nobody is signed in, 403 if the user
    /// has too many sessions, 500 if the application has to be fixed.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Store(_)
            | Self::Contended { .. }
            | Self::TimedOut { .. }
            | Self::Adoption(_)
            | Self::Crowded
            | Self::UnknownKey(_)
            | Self::Interrupted
            | Self::FeedTooLarge { .. }
            | Self::Random => StatusCode::SERVICE_UNAVAILABLE,
            Self::NotSignedIn | Self::SignInOvertaken => StatusCode::UNAUTHORIZED,
            Self::TooManySessions { .. } => StatusCode::FORBIDDEN,
            _ => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// A text for clients, without details of the store, the keys or the data.
    pub fn public_message(&self) -> &'static str {
        match self.status() {
            _ if matches!(self, Self::NotInstalled) => {
                "This route has no session: put the session middleware around it."
            }
            // Not "nothing was changed": the answer to a statement that took effect can get lost.
            StatusCode::SERVICE_UNAVAILABLE => "The session could not be reached. Please try again.",
            StatusCode::UNAUTHORIZED => "Please sign in.",
            StatusCode::FORBIDDEN => "You are signed in on too many devices. Please sign out on one of them first.",
            _ if matches!(self, Self::Value(_)) => "A value of the session could not be used.",
            _ => "The session could not be saved.",
        }
    }
}
