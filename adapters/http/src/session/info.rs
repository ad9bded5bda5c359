//! Information about a session: its times, and its entry in a list of devices.

use waxseal_core::{RowId, Timestamp};

use crate::{Row, engine::Engine};

/// When a session was created and when it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// When it was created, or last signed in.
    pub created_at: Timestamp,
    /// When it was last used, as recorded by touches.
    pub last_seen_at: Timestamp,
    /// When it ends if it is not used again.
    pub expires_at: Timestamp,
    /// When it ends however much it is used.
    pub deadline: Timestamp,
}

/// One of a subject's sessions, for a list of devices. Its id gives no access to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionInfo {
    /// The row's id. [`Session::revoke`](crate::Session::revoke) takes it.
    pub id: RowId,
    /// The device's name, if one was set.
    pub label: Option<String>,
    /// Its times.
    pub times: Times,
    /// Whether it is the session that made the request.
    pub is_current: bool,
}

impl SessionInfo {
    pub(crate) fn new(engine: &Engine, row: Row, current: Option<RowId>) -> Self {
        Self {
            id: row.id,
            times: Times {
                created_at: row.created_at,
                last_seen_at: row.seen_at,
                expires_at: engine.expires_at(&row),
                deadline: engine.deadline(&row),
            },
            label: row.label,
            is_current: current == Some(row.id),
        }
    }
}
