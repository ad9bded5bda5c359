//! Subjects: the ids of the users whose sessions these are.

/// The longest subject, in bytes.
pub const MAX_SUBJECT_BYTES: usize = 255;

/// Why a subject was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SubjectError {
    /// It is empty. Leave the subject out for a session that belongs to nobody.
    #[error("the subject is empty")]
    Empty,
    /// It is longer than [`MAX_SUBJECT_BYTES`].
    #[error("the subject is {0} bytes long; at most {MAX_SUBJECT_BYTES} are allowed: use a user id, not a document")]
    TooLong(usize),
    /// It begins or ends with white space, or has a control character: databases compare and store those differently.
    #[error("the subject begins or ends with white space or has a control character; use a plain user id")]
    Unclean,
}

/// Checks that `subject` is valid: 1 to 255 bytes, no control characters, no white space at its beginning or end.
pub fn check_subject(subject: &str) -> Result<(), SubjectError> {
    if subject.is_empty() {
        Err(SubjectError::Empty)
    } else if subject.len() > MAX_SUBJECT_BYTES {
        Err(SubjectError::TooLong(subject.len()))
    } else if subject.trim().len() != subject.len() || subject.chars().any(char::is_control) {
        Err(SubjectError::Unclean)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subjects_that_databases_would_confuse_are_refused() {
        assert_eq!(check_subject(""), Err(SubjectError::Empty));
        assert_eq!(check_subject(&"x".repeat(256)), Err(SubjectError::TooLong(256)));
        for unclean in ["ada ", " ada", "a\0da", "a\nda"] {
            assert_eq!(check_subject(unclean), Err(SubjectError::Unclean));
        }
        assert_eq!(check_subject(&"é".repeat(127)), Ok(()));
    }
}
