//! What a reader has found out about a session of another system.

use std::fmt;

use waxseal_core::{Data, Timestamp, Value, check_subject};

/// A session of another system, ready to become one of ours.
///
/// `Debug` shows neither the user nor any value.
#[derive(Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Adopted {
    /// The user who is signed in. `None` if nobody is.
    pub subject: Option<String>,
    /// The session's data.
    pub data: Data,
    /// When the session began, if the other system recorded it.
    pub created_at: Option<Timestamp>,
    /// When the session ends, if the other system recorded it.
    pub expires_at: Option<Timestamp>,
    /// The id under which the other system keeps the session. Delete that row to end the old session.
    pub retire: Option<String>,
}

impl Adopted {
    /// A session with this data, without any other information.
    #[must_use]
    pub fn new(data: Data) -> Self {
        Self { data, ..Self::default() }
    }

    /// Sets the user from the data: the text or the integer under `key`. See [`subject_of`].
    #[must_use]
    pub fn subject_from(mut self, key: &str) -> Self {
        self.subject = self.data.value(key).and_then(subject_of);
        self
    }

    /// Sets the end of the session, if the other system's configuration defines it and the session itself does not.
    ///
    /// Give a fixed time, for example the day of the move plus the application's `max_age`. A time that is counted from now would
    /// move on with each request: a copy of the old cookie could be adopted again after the end of the first adoption.
    #[must_use]
    pub fn ends_at(mut self, end: Timestamp) -> Self {
        self.expires_at = Some(self.expires_at.map_or(end, |known| known.min(end)));
        self
    }
}

impl fmt::Debug for Adopted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adopted")
            .field("signed_in", &self.subject.is_some())
            .field("data", &self.data)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .field("has_id", &self.retire.is_some())
            .finish()
    }
}

/// A user id as a subject: text as it is, integers in decimal. `None` for any other value, and for text that is not a valid
/// subject (see [`check_subject`]).
pub fn subject_of(value: &Value) -> Option<String> {
    let subject = match value {
        Value::Str(text) => text.clone(),
        Value::I64(number) => number.to_string(),
        Value::U64(number) => number.to_string(),
        _ => return None,
    };
    check_subject(&subject).is_ok().then_some(subject)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_and_clean_text_are_subjects() {
        assert_eq!(subject_of(&Value::I64(42)).as_deref(), Some("42"));
        assert_eq!(subject_of(&Value::U64(u64::MAX)).as_deref(), Some("18446744073709551615"));
        assert_eq!(subject_of(&Value::Str("ada".into())).as_deref(), Some("ada"));
        for other in [Value::Null, Value::Bool(true), Value::Str(String::new()), Value::Str(" ada".into())] {
            assert_eq!(subject_of(&other), None);
        }
    }

    #[test]
    fn debug_shows_no_user_and_no_id() {
        let mut data = Data::new();
        data.insert("user_id", "ada").unwrap();
        let adopted = Adopted { retire: Some("s3cret".into()), ..Adopted::new(data).subject_from("user_id") };
        let text = format!("{adopted:?}");
        assert!(!text.contains("ada") && !text.contains("s3cret"), "{text}");
    }
}
