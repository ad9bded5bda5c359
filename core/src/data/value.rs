//! One self-describing value.

use alloc::{string::String, vec::Vec};
use core::fmt;

use super::Data;

/// A self-describing value, as it is stored and as an edge reads it.
///
/// Every integer has one representation: `I64` if it fits, else `U64`. Floats are equal if their bits are equal: a NaN equals
/// itself, so setting an equal value again is no change.
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
    /// Shows the kind, not the value: session contents do not belong in logs. Serialize the value to see it.
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
