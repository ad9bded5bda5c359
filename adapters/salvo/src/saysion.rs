//! Access to the contents of a `saysion::Session`: it has no method that returns its keys, but it can be serialised.

use std::collections::BTreeMap;

use salvo_session::Session;
use serde_json::Value as Json;
#[cfg(feature = "saysion")]
use waxseal_http::Data;
use waxseal_http::{Refusal, SessionError, ValueError};

/// Its entries, each as JSON text.
pub(crate) fn entries(session: &Session) -> Result<BTreeMap<String, String>, serde_json::Error> {
    let mut serialised = serde_json::to_value(session)?;
    serde_json::from_value(serialised.get_mut("data").map_or(Json::Null, Json::take))
}

/// One entry as a value of ours. Text that is not JSON (`insert_raw` accepts any) is refused: it would come back as something
/// else.
pub(crate) fn value(key: &str, text: &str) -> Result<Json, SessionError> {
    // Not the JSON error, which may quote the text.
    serde_json::from_str(text).map_err(|_| ValueError::from(Refusal::Serialize).for_key(key).into())
}

/// Entries as they are stored.
#[cfg(feature = "saysion")]
pub(crate) fn data(entries: &BTreeMap<String, String>) -> Result<Data, SessionError> {
    let mut data = Data::new();
    for (key, text) in entries {
        data.insert(key, &value(key, text)?)?;
    }
    Ok(data)
}
