//! Why a command failed, and what to do.

use std::path::PathBuf;

/// A command's failure. No text shows a key, a cookie or a value.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("no database: set DATABASE_URL, or name a file that holds the URL with --database-url-file")]
    NoDatabase,
    #[error("no keys: set WAXSEAL_KEYS, or name a file that holds them with --keys-file; `waxseal keygen` makes one")]
    NoKeys,
    #[error("{}: {error}", path.display())]
    File { path: PathBuf, error: std::io::Error },
    #[error("the keys are not valid: {0}")]
    Keys(#[from] waxseal_core::KeyError),
    #[error("{}: {reason}", path.display())]
    KeyFile { path: PathBuf, reason: String },
    #[error("the database: {0}")]
    Database(#[from] sea_orm::DbErr),
    #[error("{0}")]
    Session(#[from] waxseal_http::SessionError),
    #[error("{0}")]
    Store(#[from] waxseal_http::StoreError),
    #[error("{0}")]
    Table(#[from] waxseal_sea_orm::TableNameError),
    #[error("{0}")]
    Config(#[from] waxseal_http::ConfigError),
    #[error("the operating system gave no random bytes: {0}")]
    Random(#[from] waxseal_core::RandomError),
    #[error("standard input: {0}")]
    Input(std::io::Error),
    #[error("{0}")]
    Other(String),
}
