//! Recorded changes: a session's writes are kept as operations and can be applied again to newer data, so that two
//! requests that change different keys both land.

use alloc::{string::String, sync::Arc, vec::Vec};
use core::fmt;

use serde::{Serialize, de::DeserializeOwned};

use crate::{Data, Value, ValueError, from_value, to_value};

/// Computes a key's next value from its current one. Runs once for each attempt to save.
pub type UpdateFn = Arc<dyn Fn(Option<Value>) -> Result<Value, ValueError> + Send + Sync>;

/// Receives the removed value at each attempt to save.
pub type TakeFn = Arc<dyn Fn(Option<Value>) + Send + Sync>;

#[derive(Clone)]
enum Change {
    Set(String, Value),
    Remove(String),
    Clear,
    Update(String, UpdateFn),
    Take(String, TakeFn),
}

/// From this many consecutive values on, they are sorted in together.
const MANY: usize = 16;

impl Change {
    const fn is_set(&self) -> bool {
        matches!(self, Self::Set(..))
    }

    fn as_set(&self) -> Option<(&str, &Value)> {
        match self {
            Self::Set(key, value) => Some((key, value)),
            _ => None,
        }
    }

    fn apply(&self, data: &mut Data) -> Result<(), ValueError> {
        match self {
            Self::Set(key, value) => {
                data.set(key, value.clone());
            }
            Self::Remove(key) => {
                data.remove(key);
            }
            Self::Clear => data.clear(),
            Self::Update(key, f) => {
                let value = f(data.value(key).cloned()).map_err(|error| error.for_key(key))?;
                data.set(key, value);
            }
            Self::Take(key, f) => f(data.remove(key)),
        }
        Ok(())
    }
}

/// Changes in the order in which they were recorded.
#[derive(Clone, Default)]
pub struct Changes(Vec<Change>);

impl Changes {
    /// No changes.
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Records that `key` gets `value`.
    pub fn insert<T: Serialize + ?Sized>(&mut self, key: &str, value: &T) -> Result<(), ValueError> {
        let value = to_value(value).map_err(|error| error.for_key(key))?;
        self.0.push(Change::Set(key.into(), value));
        Ok(())
    }

    /// Records that `key` is removed.
    pub fn remove(&mut self, key: &str) {
        self.0.push(Change::Remove(key.into()));
    }

    /// Records that every key is removed.
    pub fn clear(&mut self) {
        // Earlier changes stay in the list: a save that is under way counts them.
        self.0.push(Change::Clear);
    }

    /// Records that `key` is set to `f(value)`, where `value` is its value at the time of the save, or `None` if it has none.
    ///
    /// `f` runs again if the save meets newer data, so it must depend only on its argument.
    pub fn update<T, U>(&mut self, key: &str, f: impl Fn(Option<T>) -> U + Send + Sync + 'static)
    where
        T: DeserializeOwned,
        U: Serialize,
    {
        let f: UpdateFn = Arc::new(move |value| to_value(&f(value.as_ref().map(from_value).transpose()?)));
        self.0.push(Change::Update(key.into(), f));
    }

    /// Like [`update`](Self::update), but `f` works on the stored [`Value`] itself.
    pub fn update_value(&mut self, key: &str, f: UpdateFn) {
        self.0.push(Change::Update(key.into(), f));
    }

    /// Records that `key` is removed. `f` receives its value at each attempt to save: the last call has the value that was
    /// removed.
    pub fn take(&mut self, key: &str, f: TakeFn) {
        self.0.push(Change::Take(key.into(), f));
    }

    /// Applies, in order, every change that can be applied to `data`. Returns the errors of the others.
    pub fn apply_what_fits(&self, data: &mut Data) -> Vec<ValueError> {
        let mut errors = Vec::new();
        for run in self.0.chunk_by(|a, b| a.is_set() && b.is_set()) {
            // Inserted one by one, many new keys would each move the later ones.
            if run.len() >= MANY {
                data.set_all(run.iter().filter_map(Change::as_set));
            } else {
                errors.extend(run.iter().filter_map(|change| change.apply(data).err()));
            }
        }
        errors
    }

    /// Applies all changes to `data`, in order. Stops at the first error: `data` then has only the changes before it.
    pub fn apply(&self, data: &mut Data) -> Result<(), ValueError> {
        self.0.iter().try_for_each(|change| change.apply(data))
    }

    /// How many changes there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Forgets all changes.
    pub fn forget(&mut self) {
        self.0.clear();
    }

    /// Forgets the first `count` changes: those that a save has written.
    pub fn forget_first(&mut self, count: usize) {
        self.0.drain(..count.min(self.0.len()));
    }

    /// Records all of `later` after these.
    pub fn append(&mut self, mut later: Changes) {
        self.0.append(&mut later.0);
    }
}

impl fmt::Debug for Changes {
    /// Shows the keys, never the values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for change in &self.0 {
            match change {
                Change::Set(key, _) => list.entry(&format_args!("set {key:?}")),
                Change::Remove(key) => list.entry(&format_args!("remove {key:?}")),
                Change::Clear => list.entry(&format_args!("clear")),
                Change::Update(key, _) => list.entry(&format_args!("update {key:?}")),
                Change::Take(key, _) => list.entry(&format_args!("take {key:?}")),
            };
        }
        list.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_of_different_keys_merge_onto_newer_data() {
        let mut newer = Data::new();
        newer.insert("theirs", &1).unwrap();
        newer.insert("count", &5).unwrap();
        let mut changes = Changes::new();
        changes.insert("mine", &"x").unwrap();
        changes.update("count", |n: Option<u64>| n.unwrap_or(0) + 1);
        changes.remove("gone");
        changes.apply(&mut newer).unwrap();
        assert_eq!(newer.get::<u64>("count").unwrap(), Some(6));
        assert_eq!(newer.get::<u64>("theirs").unwrap(), Some(1));
        assert_eq!(newer.get::<String>("mine").unwrap().as_deref(), Some("x"));
    }

    #[test]
    fn clear_undoes_what_was_recorded_before_it() {
        let mut changes = Changes::new();
        changes.insert("a", &1).unwrap();
        changes.clear();
        changes.insert("b", &2).unwrap();
        assert_eq!(changes.len(), 3, "the list only grows while a save may be counting it");
        let mut data = Data::new();
        data.insert("old", &0).unwrap();
        changes.apply(&mut data).unwrap();
        assert_eq!(data.keys().collect::<Vec<_>>(), ["b"]);
    }

    #[test]
    fn many_values_that_are_set_together_are_those_that_are_set_one_by_one() {
        let mut changes = Changes::new();
        let mut one_by_one = Data::new();
        one_by_one.insert("key 7", &"old").unwrap();
        let mut together = one_by_one.clone();
        for n in 0..1000_u32 {
            let key = alloc::format!("key {}", n * 7919 % 500);
            changes.insert(&key, &n).unwrap();
            one_by_one.insert(&key, &n).unwrap();
        }
        changes.remove("key 3");
        one_by_one.remove("key 3");
        assert!(changes.apply_what_fits(&mut together).is_empty());
        assert_eq!(together, one_by_one);
    }

    #[test]
    fn an_update_of_a_value_of_another_type_is_an_error() {
        let mut data = Data::new();
        data.insert("count", &"many").unwrap();
        let mut changes = Changes::new();
        changes.update("count", |n: Option<u64>| n);
        assert!(changes.apply(&mut data).is_err());
    }

    #[test]
    fn debug_shows_no_values() {
        let mut changes = Changes::new();
        changes.insert("pin", &"hunter2").unwrap();
        assert_eq!(alloc::format!("{changes:?}"), "[set \"pin\"]");
    }
}
