//! Where keys and database come from: the environment, or files.

use std::{env, fs, path::Path, time::Duration};

use sea_orm::{ConnectOptions, Database, DatabaseConnection};
use waxseal_core::{Keyring, RootKey};
use waxseal_http::{Clock, Sessions, Store, SystemClock, Timestamp};
use waxseal_sea_orm::{SeaOrmStore, Table};
use zeroize::Zeroizing;

use crate::{arguments::Settings, failure::Failure};

impl Settings {
    pub(crate) fn table(&self) -> Result<Table, Failure> {
        Ok(Table::new(&self.table)?)
    }

    /// The text of the keys, if there is any.
    pub(crate) fn keys_text(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match &self.keys_file {
            Some(path) => read(path).map(Some),
            None => Ok(env::var("WAXSEAL_KEYS").ok().map(Zeroizing::new)),
        }
    }

    pub(crate) fn keyring(&self) -> Result<Keyring, Failure> {
        let text = self.keys_text()?.ok_or(Failure::NoKeys)?;
        Ok(Keyring::from_text(&text)?)
    }

    fn database_url(&self) -> Result<Option<Zeroizing<String>>, Failure> {
        match &self.database_url_file {
            Some(path) => Ok(Some(Zeroizing::new(read(path)?.trim().to_owned()))),
            None => Ok(env::var("DATABASE_URL").ok().filter(|url| !url.is_empty()).map(Zeroizing::new)),
        }
    }

    /// Whether a database is set.
    pub(crate) fn has_database(&self) -> Result<bool, Failure> {
        Ok(self.database_url()?.is_some())
    }

    pub(crate) async fn database(&self) -> Result<DatabaseConnection, Failure> {
        let url = self.database_url()?.ok_or(Failure::NoDatabase)?;
        let mut options = ConnectOptions::new(url.as_str());
        options
            .max_connections(2)
            .acquire_timeout(Duration::from_secs(10))
            .sqlx_logging(false)
            .map_sqlx_sqlite_opts(|options| options.busy_timeout(Duration::from_secs(15)));
        Ok(Database::connect(options).await?)
    }

    pub(crate) async fn store(&self) -> Result<SeaOrmStore, Failure> {
        Ok(SeaOrmStore::new(self.database().await?).with_table(&self.table()?))
    }
}

/// Sessions on a store, to list and end them. This needs no keys: the keyring is a random one.
pub(crate) fn sessions(store: SeaOrmStore) -> Result<Sessions, Failure> {
    // The application's maxima are not known here: rows are shown as they are.
    let long = Duration::from_secs(10 * 365 * 24 * 3600);
    let keyring = Keyring::new([RootKey::generate()?])?;
    Ok(Sessions::builder(keyring, store).max_lifetime(long).max_idle_timeout(long).build()?)
}

/// The time by the database's clock, if it has one.
pub(crate) async fn now(store: &SeaOrmStore) -> Result<Timestamp, Failure> {
    Ok(store.now().await?.unwrap_or_else(|| SystemClock.now()))
}

pub(crate) fn read(path: &Path) -> Result<Zeroizing<String>, Failure> {
    fs::read_to_string(path).map(Zeroizing::new).map_err(|error| Failure::File { path: path.into(), error })
}
