//! Why a value cannot be kept or read. No error holds or shows any part of the value itself.

use alloc::{
    borrow::ToOwned,
    string::{String, ToString},
};
use core::{fmt, mem::size_of_val};

use serde::de::{Expected, Unexpected};

/// Why a Rust value cannot be kept in a session, or why a kept value cannot be read as the requested type.
///
/// The text names the session key and types. It never shows a value, so it is safe to log.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueError {
    /// The value cannot be kept. Nothing was changed.
    #[error("{} cannot be kept: {refusal}", Named(.key))]
    Refused {
        /// The session key, if the value belongs to one.
        key: Option<String>,
        /// The reason.
        refusal: Refusal,
    },
    /// The kept value is not of the requested type.
    #[error("{} is not of the requested type: {mismatch}", Named(.key))]
    Mismatch {
        /// The session key, if the value belongs to one.
        key: Option<String>,
        /// The difference.
        mismatch: Mismatch,
    },
}

impl ValueError {
    /// The session key of the value. `None` for errors of [`to_value`](crate::to_value) and [`from_value`](crate::from_value),
    /// which do not know it.
    pub fn key(&self) -> Option<&str> {
        match self {
            Self::Refused { key, .. } | Self::Mismatch { key, .. } => key.as_deref(),
        }
    }

    /// Adds the session key, unless the error has one.
    #[must_use]
    pub fn for_key(mut self, name: &str) -> Self {
        match &mut self {
            Self::Refused { key, .. } | Self::Mismatch { key, .. } => {
                key.get_or_insert_with(|| name.to_owned());
            }
        }
        self
    }
}

/// Why a value cannot be kept: it could not be read back as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// An `i128` or `u128`, of any size: serde cannot read one inside an untagged or internally tagged enum.
    #[error("it contains an integer of 128 bits; store it as text or bytes")]
    Integer128,
    /// A map key that is not text, an integer, a boolean or a character.
    #[error("a map has keys of type {0}; use text or integers as keys, or a sequence of pairs")]
    MapKey(&'static str),
    /// Two keys of one map have the same text.
    #[error("two keys of a map have the same text")]
    DuplicateKey,
    /// Integer or boolean keys in a flattened map, or in any map of unknown length: serde reads flattened keys as text.
    #[error(
        "a flattened map, or one of unknown length, has integer or boolean keys; use text keys, or do not flatten it"
    )]
    FlattenedKey,
    /// The value has integer or boolean map keys and, elsewhere, a text key or field name that looks like one, such as `"5"`.
    #[error(
        "it has integer or boolean map keys, and also text keys that look like integers or booleans; use one type of map key, or keep the maps under two session keys"
    )]
    AmbiguousKeys,
    /// `Some` of a value that is stored as nothing, and so would be read back as `None`.
    #[error("Some(None) and Some(()) cannot be distinguished from None when read back; use an enum")]
    NestedOption,
    /// A `serde_json::value::RawValue`: only serde_json itself can read one.
    #[error("it contains a serde_json RawValue; store a serde_json::Value, or the text")]
    RawJson,
    /// The value is nested too deep.
    #[error("it is nested deeper than {} levels", super::MAX_DEPTH)]
    TooDeep,
    /// The type's own `Serialize` returned an error. Its text is dropped, because it may quote the value.
    #[error("its type's own Serialize returned an error")]
    Serialize,
}

impl From<Refusal> for ValueError {
    fn from(refusal: Refusal) -> Self {
        Self::Refused { key: None, refusal }
    }
}

/// How a kept value differs from the type that was asked for.
///
/// `expected` is the type's own description. It is `None` if it could contain a part of the value.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Mismatch {
    /// The value is of another kind.
    #[error("{}found {found}", Expecting(.expected))]
    Kind {
        /// What the type expects.
        expected: Option<String>,
        /// The kind of the value.
        found: ValueKind,
    },
    /// The kind is right, but the type does not accept this value: an integer is out of range, for example.
    #[error("{}found {found} with an unsuitable value", Expecting(.expected))]
    Value {
        /// What the type expects.
        expected: Option<String>,
        /// The kind of the value.
        found: ValueKind,
    },
    /// A sequence or map has too many or too few elements.
    #[error("{}found a different number of elements", Expecting(.expected))]
    Length {
        /// What the type expects.
        expected: Option<String>,
    },
    /// An enum has no variant of this name.
    #[error("found an unknown variant of an enum, expected {}", OneOf(.expected))]
    UnknownVariant {
        /// The names of the variants.
        expected: &'static [&'static str],
    },
    /// A struct has no field of this name, and does not ignore unknown ones.
    #[error("found an unknown field, expected {}", OneOf(.expected))]
    UnknownField {
        /// The names of the fields.
        expected: &'static [&'static str],
    },
    /// An enum was requested. A variant with content is stored as a map with one entry; this map has more or fewer.
    #[error("expected an enum, found a map that does not have exactly one entry")]
    NotAVariant,
    /// A field is missing.
    #[error("the field `{0}` is missing")]
    MissingField(&'static str),
    /// A field appears twice, under its name and an alias.
    #[error("the field `{0}` appears twice")]
    DuplicateField(&'static str),
    /// The type's own `Deserialize` returned an error, or no variant of an untagged enum fits. The text is dropped, because
    /// it may quote the value.
    #[error("its type's own Deserialize returned an error")]
    Deserialize,
}

impl From<Mismatch> for ValueError {
    fn from(mismatch: Mismatch) -> Self {
        Self::Mismatch { key: None, mismatch }
    }
}

/// The kind of a value, without the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ValueKind {
    /// `None` or `()`.
    #[error("nothing")]
    Nothing,
    /// A boolean.
    #[error("a boolean")]
    Boolean,
    /// An integer.
    #[error("an integer")]
    Integer,
    /// A floating-point number.
    #[error("a float")]
    Float,
    /// Text or a character.
    #[error("text")]
    Text,
    /// Bytes.
    #[error("bytes")]
    Bytes,
    /// A sequence.
    #[error("a sequence")]
    Sequence,
    /// A map.
    #[error("a map")]
    Map,
    /// A variant of an enum.
    #[error("a variant of an enum")]
    Variant,
    /// Anything else that a type's own `Deserialize` reports.
    #[error("something else")]
    Other,
}

impl From<Unexpected<'_>> for ValueKind {
    fn from(found: Unexpected<'_>) -> Self {
        match found {
            Unexpected::Unit | Unexpected::Option => Self::Nothing,
            Unexpected::Bool(_) => Self::Boolean,
            Unexpected::Unsigned(_) | Unexpected::Signed(_) => Self::Integer,
            Unexpected::Float(_) => Self::Float,
            Unexpected::Char(_) | Unexpected::Str(_) => Self::Text,
            Unexpected::Bytes(_) => Self::Bytes,
            Unexpected::Seq => Self::Sequence,
            Unexpected::Map => Self::Map,
            Unexpected::Enum
            | Unexpected::UnitVariant
            | Unexpected::NewtypeVariant
            | Unexpected::TupleVariant
            | Unexpected::StructVariant => Self::Variant,
            Unexpected::NewtypeStruct | Unexpected::Other(_) => Self::Other,
        }
    }
}

/// The description of a type, if it cannot contain data: an `Expected` of size zero was not made from a value.
fn description(expected: &dyn Expected) -> Option<String> {
    (size_of_val(expected) == 0).then(|| expected.to_string())
}

impl serde::ser::Error for ValueError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Refusal::Serialize.into()
    }
}

impl serde::de::Error for ValueError {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Mismatch::Deserialize.into()
    }

    fn invalid_type(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Mismatch::Kind { expected: description(expected), found: found.into() }.into()
    }

    fn invalid_value(found: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Mismatch::Value { expected: description(expected), found: found.into() }.into()
    }

    fn invalid_length(_: usize, expected: &dyn Expected) -> Self {
        Mismatch::Length { expected: description(expected) }.into()
    }

    fn unknown_variant(_: &str, expected: &'static [&'static str]) -> Self {
        Mismatch::UnknownVariant { expected }.into()
    }

    fn unknown_field(_: &str, expected: &'static [&'static str]) -> Self {
        Mismatch::UnknownField { expected }.into()
    }

    fn missing_field(field: &'static str) -> Self {
        Mismatch::MissingField(field).into()
    }

    fn duplicate_field(field: &'static str) -> Self {
        Mismatch::DuplicateField(field).into()
    }
}

/// The subject of an error's text.
struct Named<'a>(&'a Option<String>);

impl fmt::Display for Named<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(key) => write!(f, "the session value {key:?}"),
            None => f.write_str("the value"),
        }
    }
}

/// What is known about the expected type, as the start of a text.
struct Expecting<'a>(&'a Option<String>);

impl fmt::Display for Expecting<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |expected| write!(f, "expected {expected}, "))
    }
}

/// The names that a type knows.
struct OneOf<'a>(&'a [&'static str]);

impl fmt::Display for OneOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut names = self.0.iter();
        match names.next() {
            Some(first) => write!(f, "`{first}`")?,
            None => return f.write_str("none"),
        }
        names.try_for_each(|name| write!(f, ", `{name}`"))
    }
}
