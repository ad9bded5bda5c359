//! Passwords.

use waxseal_guides::recipes::passwords::{check_password, hash_password};

#[tokio::test]
async fn only_the_right_password_of_a_user_is_right() {
    let hash = hash_password("correct horse").unwrap();
    assert_ne!(hash, hash_password("correct horse").unwrap(), "each hash has a salt of its own");
    assert!(check_password("correct horse".into(), Some(hash.clone())).await);
    assert!(!check_password("wrong horse".into(), Some(hash)).await);
    assert!(!check_password("correct horse".into(), Some("not a hash".into())).await);
    assert!(!check_password("correct horse".into(), None).await);
    assert!(!check_password("nobody has this password".into(), None).await);
}
