//! What happened to a request's session.

/// What happened to a request's session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
#[must_use = "`Gone` means that nothing was saved: the session had ended"]
pub enum Outcome {
    /// The session was not used.
    Unused,
    /// It was read, or changed to the values that it already had.
    Unchanged,
    /// It was read, and its idle expiry moved.
    Touched,
    /// A new session was made.
    Created,
    /// Changed data were saved.
    Saved,
    /// It was renewed or signed in, and its changes were saved.
    Renewed,
    /// It was ended.
    Destroyed,
    /// The response did not commit: changes, sign-in or renewal were dropped, and the old cookie stays valid.
    Discarded,
    /// Another request ended or renewed the session while this one ran. The changes were dropped, and the session stays ended.
    Gone,
}

impl Outcome {
    /// Whether what was recorded is kept. `false` if it was dropped.
    pub const fn is_kept(self) -> bool {
        !matches!(self, Self::Discarded | Self::Gone)
    }

    /// Its name in metrics and spans.
    pub(crate) const fn name(&self) -> &'static str {
        match self {
            Self::Unused => "unused",
            Self::Unchanged => "unchanged",
            Self::Touched => "touched",
            Self::Created => "created",
            Self::Saved => "saved",
            Self::Renewed => "renewed",
            Self::Destroyed => "ended",
            Self::Discarded => "discarded",
            Self::Gone => "gone",
        }
    }
}
