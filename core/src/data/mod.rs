//! A session's data: a map from names to self-describing values, with typed access through serde.

mod de;
mod ser;
mod value;
mod wire;

use alloc::{collections::BTreeMap, string::String};
use core::fmt;

use serde::{Serialize, de::DeserializeOwned};

pub use de::from_value;
pub use ser::to_value;
pub use value::{Value, ValueError};
pub use wire::DecodeError;
pub(crate) use wire::{WireData, WireDataOwned};

/// How deep values may lie in each other; bounds the recursion of encoder and decoder.
pub(crate) const MAX_DEPTH: usize = 32;

/// A session's data, ordered by key.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Data(BTreeMap<String, Value>);

impl Data {
    /// No data.
    pub const fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// The value of `key` as a `T`, or nothing where the key is absent. An error where the value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        self.0.get(key).map(from_value).transpose()
    }

    /// The value of `key` as it is.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    /// Sets `key`; tells whether that changed anything.
    pub fn insert<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<bool, ValueError> {
        let value = to_value(value)?;
        Ok(self.set(key, value))
    }

    /// Sets a value that [`to_value`] or the decoder made, and so is not too deep.
    pub(crate) fn set(&mut self, key: &str, value: Value) -> bool {
        match self.0.get_mut(key) {
            Some(present) if *present == value => false,
            Some(present) => {
                *present = value;
                true
            }
            None => {
                self.0.insert(key.into(), value);
                true
            }
        }
    }

    /// Removes `key` and gives back its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.0.remove(key)
    }

    /// Removes every key.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether there are no keys.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The keys and values, in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A copy with only these keys, where they are present.
    #[must_use]
    pub fn only<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let pick = |key: &str| self.0.get_key_value(key).map(|(key, value)| (key.clone(), value.clone()));
        Self(keys.into_iter().filter_map(pick).collect())
    }
}

impl fmt::Debug for Data {
    /// The keys and their values' kinds: what a session holds does not belong into logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
