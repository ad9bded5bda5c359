//! The users: an application's own, as its backend of axum-login finds them.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

/// One of the application's users.
#[derive(Clone, Debug)]
pub struct User {
    pub id: i64,
    pub password_hash: String,
    pub permissions: HashSet<String>,
}

/// Where the users are, and how often they were given new passwords.
#[derive(Clone, Debug, Default)]
pub struct Users(Arc<AtomicU32>);

impl Users {
    /// The user of this id. Here, everybody exists.
    pub async fn find(&self, id: i64) -> Result<Option<User>, sea_orm::DbErr> {
        // User 0 may not buy.
        let permissions = if id == 0 { HashSet::new() } else { HashSet::from(["buy".to_owned()]) };
        let password_hash = format!("$argon2id$…${id}${}", self.0.load(Ordering::SeqCst));
        Ok(Some(User { id, password_hash, permissions }))
    }

    /// Gives everybody a new password.
    pub fn new_passwords(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
