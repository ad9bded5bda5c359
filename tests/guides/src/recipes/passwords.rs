//! Passwords, hashed with Argon2id.

// --- on the page ---
use std::sync::LazyLock;

use argon2::{Argon2, PasswordHasher, PasswordVerifier, password_hash};

/// The hash to keep in the user's row, with a salt of its own.
pub fn hash_password(password: &str) -> Result<String, password_hash::Error> {
    Ok(Argon2::default().hash_password(password.as_bytes())?.to_string())
}

/// Whether the password is right. Pass `None` if there is no such user; the check then takes just as long.
pub async fn check_password(password: String, hash: Option<String>) -> bool {
    static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_password("nobody has this password").ok());
    let check = move || {
        let is_user = hash.is_some();
        let hash = hash.or_else(|| NOBODY.clone()).unwrap_or_default();
        Argon2::default().verify_password(password.as_bytes(), hash.as_str()).is_ok() && is_user
    };
    // Hashing takes tens of milliseconds of CPU. On a thread of its own, it does not hold up other requests.
    tokio::task::spawn_blocking(check).await.unwrap_or(false)
}
