//! A store for tower-sessions: for applications that keep their handlers and change only the store.

use std::collections::HashMap;

use serde_json::Value as Json;
use time::OffsetDateTime;
use waxseal_http::{Data, Hosted, SessionError, Timestamp};

fn data(entries: &HashMap<String, Json>) -> Result<Data, SessionError> {
    let mut data = Data::new();
    for (key, value) in entries {
        data.insert(key, value)?;
    }
    Ok(data)
}

fn timestamp(time: OffsetDateTime) -> Timestamp {
    Timestamp::from_unix_seconds(time.unix_timestamp().try_into().unwrap_or(0))
}

fn entries(hosted: &Hosted) -> Result<HashMap<String, Json>, serde_json::Error> {
    hosted.data.iter().map(|(key, value)| Ok((key.to_owned(), serde_json::to_value(value)?))).collect()
}

fn expiry(hosted: &Hosted) -> Option<OffsetDateTime> {
    OffsetDateTime::from_unix_timestamp(hosted.expires_at.unix_seconds().try_into().ok()?).ok()
}

macro_rules! store {
    ($version:ident, $core:ident, $name:literal) => {
        #[doc = concat!("For `", $name, "`.")]
        pub(crate) mod $version {
            use async_trait::async_trait;
            use waxseal_http::{HostedSessions, Outcome};
            use $core::{
                ExpiredDeletion, SessionStore,
                session::{Id, Record},
                session_store::{Error, Result},
            };

            #[doc = concat!("A store for `", $name, "`: ids hashed, rows encrypted, expiry decided by the core.")]
            ///
            /// Saves never insert: a session that was deleted or cycled while a request ran is not brought back. The request's
            /// changes are dropped, with a `tracing` event and without a 500. Saving an equal record moves its expiry at most
            /// once per touch interval. The lifetime of the [`Sessions`](waxseal_http::Sessions) bounds a session whatever expiry
            /// the layer sets: choose it to fit.
            ///
            /// The trait cannot express the following:
            ///
            /// - **R8**: a record is saved as a whole, and of two requests at once the later one's record wins. `update` on a
            ///   `Session` of waxseal loses nothing.
            /// - **R9** and **R14**: the layer decides the response, and cannot discard changes.
            /// - **R12**: a cycled id is a deletion and a creation, not one transaction.
            /// - R1 and R11: the cookie is the layer's. Every id that it receives costs a SELECT, and a save two statements.
            /// - R13 and R16 are up to the layer.
            /// - There is no list of devices, because a record has no subject, and an edge cannot open the layer's cookie.
            ///
            /// For these use [`SessionLayer`](crate::SessionLayer).
            #[derive(Clone, Debug)]
            pub struct TowerSessionsStore(HostedSessions);

            impl TowerSessionsStore {
                /// Uses the store, keys, timeouts and bounds of `sessions`, but not their cookie.
                pub fn new(sessions: HostedSessions) -> Self {
                    Self(sessions)
                }
            }

            fn backend(error: waxseal_http::SessionError) -> Error {
                Error::Backend(error.to_string())
            }

            fn key(id: &Id) -> [u8; 16] {
                id.0.to_be_bytes()
            }

            #[async_trait]
            impl SessionStore for TowerSessionsStore {
                async fn create(&self, record: &mut Record) -> Result<()> {
                    let data = super::data(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
                    let expires_at = super::timestamp(record.expiry_date);
                    // An id that is in use is replaced, as the trait requires.
                    while !self.0.create(&key(&record.id), &data, Some(expires_at)).await.map_err(backend)? {
                        record.id = Id::default();
                    }
                    Ok(())
                }

                async fn save(&self, record: &Record) -> Result<()> {
                    let data = super::data(&record.data).map_err(|error| Error::Encode(error.to_string()))?;
                    let expires_at = super::timestamp(record.expiry_date);
                    match self.0.save(&key(&record.id), &data, Some(expires_at)).await.map_err(backend)? {
                        Outcome::Gone => tracing::warn!("session ended while a request ran: its changes were dropped"),
                        _ => {}
                    }
                    Ok(())
                }

                async fn load(&self, id: &Id) -> Result<Option<Record>> {
                    let Some(hosted) = self.0.load(&key(id)).await.map_err(backend)? else { return Ok(None) };
                    let data = super::entries(&hosted).map_err(|error| Error::Decode(error.to_string()))?;
                    let expiry_date =
                        super::expiry(&hosted).ok_or_else(|| Error::Decode("the expiry is no date".into()))?;
                    Ok(Some(Record { id: *id, data, expiry_date }))
                }

                async fn delete(&self, id: &Id) -> Result<()> {
                    self.0.delete(&key(id)).await.map(drop).map_err(backend)
                }
            }

            #[async_trait]
            impl ExpiredDeletion for TowerSessionsStore {
                async fn delete_expired(&self) -> Result<()> {
                    self.0.delete_expired().await.map(drop).map_err(backend)
                }
            }
        }
    };
}

#[cfg(feature = "tower-sessions-014")]
store!(v0_14, tower_sessions_core_014, "tower-sessions-core 0.14");
#[cfg(feature = "tower-sessions-015")]
store!(v0_15, tower_sessions_core_015, "tower-sessions-core 0.15");
