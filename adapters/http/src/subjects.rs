//! Ending a subject's sessions so that no sign-in that is under way is missed.
//!
//! If a password was checked before the subject's sessions were ended, and the sign-in is saved afterwards, the new session must
//! not survive: the password may be the old one. So ending first leaves a mark under an id that is derived from the subject, and
//! then ends the sessions that are there. A sign-in looks for the mark after it was saved. Whichever comes first, the other one
//! sees it.

use sha2::{Digest, Sha256};
use waxseal_core::{RowId, Timestamp};

use crate::{Found, SessionError, Store, StoreError, Wanted, Which, engine::Engine, store::no_sessions_id};

/// The id of a subject's mark.
fn mark(subject: &str) -> RowId {
    id_of(b"waxseal/v1/subject-ended", subject)
}

/// The id of the row that sign-ins of a subject lock, if its sessions are limited.
pub(crate) fn lock(subject: &str) -> RowId {
    id_of(b"waxseal/v1/subject-lock\0", subject)
}

/// The id of the row that remembers that another system's session was adopted.
pub(crate) fn adopted(key: &[u8]) -> RowId {
    id_of(b"waxseal/v1/adopted\0", key)
}

/// An id that is derived from a subject or a key.
fn id_of(purpose: &[u8], of: impl AsRef<[u8]>) -> RowId {
    let hash = Sha256::new().chain_update(purpose).chain_update(of).finalize();
    no_sessions_id(hash.iter().take(16).fold(0u128, |bits, byte| (bits << 8) | u128::from(*byte)))
}

impl Engine {
    /// Ends one session of a subject. `false` if the subject has no such session.
    pub(crate) async fn end_one(&self, subject: &str, id: RowId) -> Result<bool, SessionError> {
        let store = self.store("ending a session")?;
        let ended = store.delete_by_subject(subject, Which::Only(id), self.now()).await? > 0;
        self.watchers.wake(id);
        Ok(ended)
    }

    /// Ends the subject's sessions that `which` selects, and refuses its sign-ins that began before `now`. Returns how many
    /// ended.
    pub(crate) async fn end_subject(&self, subject: &str, which: Which) -> Result<u64, SessionError> {
        let store = self.store("ending sessions")?;
        let now = self.now();
        store.end_many(&[mark(subject)], now).await?;
        let ended = store.delete_by_subject(subject, which, now).await;
        self.watchers.wake_subject(subject);
        Ok(ended?)
    }
}

/// Whether the subject's sessions were ended since `opened_at`.
pub(crate) async fn ended_since(store: &dyn Store, subject: &str, opened_at: Timestamp) -> Result<bool, StoreError> {
    Ok(matches!(store.load(Wanted::newest(mark(subject))).await?, Some(Found::Ended(at)) if at >= opened_at))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_no_sessions_id() {
        let text = mark("ada").to_string();
        assert_eq!(text.as_bytes()[14], b'8', "{text}");
        assert_ne!(mark("ada"), mark("Ada"));
    }
}
