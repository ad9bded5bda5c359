//! A session's data: a map from names to self-describing values, with typed access through serde.

mod de;
mod error;
mod key;
mod plain;
mod ser;
mod value;
mod wire;

use alloc::{string::String, vec::Vec};
use core::fmt;

use serde::{Serialize, de::DeserializeOwned};

pub use de::from_value;
pub use error::{Mismatch, Refusal, ValueError, ValueKind};
pub use ser::to_value;
pub use value::Value;
pub use wire::DecodeError;
pub(crate) use wire::{WireData, WireDataOwned};

/// The maximum nesting depth of values. It bounds the recursion of the encoder and the decoder.
pub(crate) const MAX_DEPTH: usize = 32;

/// A session's data, ordered by key.
///
/// A sorted vector: sessions have few keys, and a vector is decoded, compared and copied in one pass. Data that arrive as a
/// whole, and so may have many keys, are sorted once (`Pairs`).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Data(Vec<(String, Value)>);

/// The entries of a map in the order in which they arrive.
pub(crate) struct Pairs(Vec<(String, Value)>);

impl Pairs {
    pub(crate) const fn new() -> Self {
        Self(Vec::new())
    }

    pub(crate) fn push(&mut self, key: String, value: Value) {
        self.0.push((key, value));
    }

    /// The data, or `None` if a key appears twice.
    pub(crate) fn try_into_data(self) -> Option<Data> {
        let mut pairs = self.0;
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        let distinct = pairs.is_sorted_by(|(a, _), (b, _)| a < b);
        distinct.then_some(Data(pairs))
    }

    /// The data. If a key appears more than once, its last value counts, as in JSON.
    pub(crate) fn into_data(self) -> Data {
        let mut pairs = self.0;
        // A stable sort: entries with equal keys keep their order.
        pairs.sort_by(|(a, _), (b, _)| a.cmp(b));
        pairs.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                core::mem::swap(later, earlier);
            }
            same
        });
        Data(pairs)
    }
}

impl Data {
    /// Empty data.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// The value of `key` as a `T`, or `None` if the key is absent. An error if the value is not a `T`.
    pub fn get<T: DeserializeOwned>(&self, key: &str) -> Result<Option<T>, ValueError> {
        self.value(key).map(from_value).transpose().map_err(|error| error.for_key(key))
    }

    /// The stored value of `key`.
    pub fn value(&self, key: &str) -> Option<&Value> {
        self.entry(key).map(|(_, value)| value)
    }

    pub(crate) fn entry(&self, key: &str) -> Option<(&str, &Value)> {
        let at = self.find(key).ok()?;
        self.0.get(at).map(|(key, value)| (key.as_str(), value))
    }

    /// Where `key` is, or where it would be inserted.
    fn find(&self, key: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|(other, _)| other.as_str().cmp(key))
    }

    /// Sets `key`. Returns whether that changed anything. [`to_value`] says which values are refused.
    pub fn insert<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<bool, ValueError> {
        let value = to_value(value).map_err(|error| error.for_key(key))?;
        Ok(self.set(key, value))
    }

    /// Sets a value that [`to_value`] or the decoder made, and that is therefore not nested too deep.
    pub(crate) fn set(&mut self, key: &str, value: Value) -> bool {
        let at = self.find(key);
        match at.map(|at| self.0.get_mut(at)) {
            Ok(Some((_, present))) if *present == value => false,
            Ok(Some((_, present))) => {
                *present = value;
                true
            }
            Ok(None) => false,
            Err(at) => {
                self.0.insert(at, (key.into(), value));
                true
            }
        }
    }

    /// Sets many values. If a key appears more than once, its last value counts.
    pub(crate) fn set_all<'a>(&mut self, values: impl Iterator<Item = (&'a str, &'a Value)>) {
        let mut pairs = Pairs(core::mem::take(&mut self.0));
        values.for_each(|(key, value)| pairs.push(key.into(), value.clone()));
        *self = pairs.into_data();
    }

    /// Adds an entry after all others. `false` if its key does not sort after theirs.
    pub(crate) fn push(&mut self, key: String, value: Value) -> bool {
        let after = self.0.last().is_none_or(|(last, _)| *last < key);
        if after {
            self.0.push((key, value));
        }
        after
    }

    /// Removes `key` and returns its value.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        self.find(key).ok().map(|at| self.0.remove(at).1)
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
        self.iter().map(|(key, _)| key)
    }

    /// The keys and values, in order of the keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A copy with only those of these keys that are present.
    #[must_use]
    pub fn only<'a>(&self, keys: impl IntoIterator<Item = &'a str>) -> Self {
        let mut picked = Self::new();
        for key in keys {
            if let Some(value) = self.value(key) {
                picked.set(key, value.clone());
            }
        }
        picked
    }
}

impl fmt::Debug for Data {
    /// Shows the keys and the kinds of the values: session contents do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests;
