//! Why a session of another system was refused.

/// Why the session of another system was refused. Plug's readers have their own error, which says more.
///
/// The text shows neither a key nor a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// None of the reader's keys made the cookie, or it was changed.
    #[error("the cookie was not made with any of the keys, or it was changed")]
    NotAuthentic,
    /// The session cannot be read: it does not have the expected form.
    #[error("the session does not have the expected form")]
    Form,
    /// The row belongs to another session than the requested one.
    #[error("the row belongs to another session")]
    OtherSession,
    /// The session has expired.
    #[error("the session has expired")]
    Expired,
}
