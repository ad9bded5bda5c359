//! One self-describing value.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::Data;

/// A self-describing value, as it is kept and as an edge reads it.
///
/// Integers have one spelling: `I64` where it fits, `U64` above. Equality is by representation: a NaN equals itself, so
/// that setting an equal value again is no change.
#[derive(Clone)]
pub enum Value {
    /// Nothing: `None`, `()`.
    Null,
    /// True or false.
    Bool(bool),
    /// An integer from `i64::MIN` to `i64::MAX`.
    I64(i64),
    /// An integer over `i64::MAX`.
    U64(u64),
    /// A floating-point number.
    F64(f64),
    /// Text.
    Str(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A sequence.
    Seq(Vec<Value>),
    /// A map with text keys.
    Map(Data),
}

impl PartialEq for Value {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Null, Self::Null) => true,
            (Self::Bool(a), Self::Bool(b)) => a == b,
            (Self::I64(a), Self::I64(b)) => a == b,
            (Self::U64(a), Self::U64(b)) => a == b,
            (Self::F64(a), Self::F64(b)) => a.to_bits() == b.to_bits(),
            (Self::Str(a), Self::Str(b)) => a == b,
            (Self::Bytes(a), Self::Bytes(b)) => a == b,
            (Self::Seq(a), Self::Seq(b)) => a == b,
            (Self::Map(a), Self::Map(b)) => a == b,
            _ => false,
        }
    }
}

impl Eq for Value {}

impl fmt::Debug for Value {
    /// The kind, not the value: what a session holds does not belong into logs. Serialize it to see it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Null => "Null",
            Self::Bool(_) => "Bool",
            Self::I64(_) => "I64",
            Self::U64(_) => "U64",
            Self::F64(_) => "F64",
            Self::Str(_) => "Str",
            Self::Bytes(_) => "Bytes",
            Self::Seq(_) => "Seq",
            Self::Map(map) => return fmt::Debug::fmt(map, f),
        })
    }
}
