//! Keys of maps: every key is stored as text, and read as the requested type.
//!
//! Serde reads the content of untagged and internally tagged enums, and flattened fields, without knowing their types, and
//! does not turn text into integers later. Such content needs its integer keys as integers. The text alone does not tell
//! whether a key was an integer, so reading tries text first ([`KeyMode`]), and writing refuses what neither mode can read
//! ([`KeysSeen`]).

use alloc::{
    format,
    string::{String, ToString},
};
use core::cell::Cell;

use serde::{
    Deserializer, Serialize, Serializer,
    de::{Error as _, IntoDeserializer, Unexpected, Visitor},
    forward_to_deserialize_any,
    ser::Impossible,
};

use super::{Refusal, Value, ValueError};

/// A key that may have been an integer or a boolean, from its text.
#[derive(Debug, PartialEq)]
enum Typed {
    Bool(bool),
    I64(i64),
    U64(u64),
}

impl Typed {
    /// Accepts only the canonical text, which the serializer below writes: not `+5`, `05` or `-0`.
    fn parse(text: &str) -> Option<Self> {
        match text {
            "true" => return Some(Self::Bool(true)),
            "false" => return Some(Self::Bool(false)),
            "0" => return Some(Self::I64(0)),
            _ => {}
        }
        // Text that `parse` accepts is canonical if its first digit, after an optional minus, is not 0.
        let digits = text.strip_prefix('-').unwrap_or(text);
        if !matches!(digits.bytes().next(), Some(b'1'..=b'9')) {
            return None;
        }
        text.parse().map(Self::I64).ok().or_else(|| text.parse().map(Self::U64).ok())
    }
}

/// How map keys are shown to a type that does not say what it expects.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum KeyMode {
    /// All keys as text.
    Text,
    /// Keys that look like integers or booleans as integers or booleans.
    Typed,
}

/// Whether the value has a map key that the two modes show differently.
pub(super) fn has_typed_keys(value: &Value) -> bool {
    match value {
        Value::Seq(values) => values.iter().any(has_typed_keys),
        Value::Map(map) => map.iter().any(|(key, value)| Typed::parse(key).is_some() || has_typed_keys(value)),
        _ => false,
    }
}

/// The map keys that were met while one value was written.
#[derive(Default)]
pub(super) struct KeysSeen {
    typed: Cell<bool>,
    look_typed: Cell<bool>,
}

impl KeysSeen {
    /// Takes note of a key that is text by its type: of a map, a field, a variant.
    pub(super) fn text(&self, key: &str) {
        if Typed::parse(key).is_some() {
            self.look_typed.set(true);
        }
    }

    /// Refuses a value that cannot be read in a single mode: a type may ask for all of it without saying what it expects.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        if self.typed.get() && self.look_typed.get() { Err(Refusal::AmbiguousKeys) } else { Ok(()) }
    }
}

/// Serializes a map's key into text.
#[derive(Clone, Copy)]
pub(super) struct ToKey<'a> {
    pub(super) seen: &'a KeysSeen,
    /// Whether the map's length was given. A struct with a flattened map gives none.
    pub(super) sized: bool,
}

impl ToKey<'_> {
    fn typed(self, text: String) -> Result<String, ValueError> {
        if !self.sized {
            return Err(Refusal::FlattenedKey.into());
        }
        self.seen.typed.set(true);
        Ok(text)
    }

    fn text(self, text: String) -> String {
        self.seen.text(&text);
        text
    }
}

macro_rules! typed_keys {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, v: $type) -> Result<String, ValueError> {
            self.typed(v.to_string())
        }
    )*};
}

macro_rules! refused_keys {
    ($($method:ident($($arg:ty),*) -> $ok:ty = $refusal:expr),* $(,)?) => {$(
        fn $method(self, $(_: $arg),*) -> Result<$ok, ValueError> {
            Err($refusal.into())
        }
    )*};
}

type Never = Impossible<String, ValueError>;

impl Serializer for ToKey<'_> {
    type Ok = String;
    type Error = ValueError;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    typed_keys!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64
    );

    refused_keys!(
        serialize_i128(i128) -> String = Refusal::Integer128,
        serialize_u128(u128) -> String = Refusal::Integer128,
        serialize_f32(f32) -> String = Refusal::MapKey("float"),
        serialize_f64(f64) -> String = Refusal::MapKey("float"),
        serialize_bytes(&[u8]) -> String = Refusal::MapKey("bytes"),
        serialize_none() -> String = Refusal::MapKey("option"),
        serialize_unit() -> String = Refusal::MapKey("unit"),
        serialize_unit_struct(&'static str) -> String = Refusal::MapKey("unit struct"),
        serialize_seq(Option<usize>) -> Never = Refusal::MapKey("sequence"),
        serialize_tuple(usize) -> Never = Refusal::MapKey("tuple"),
        serialize_tuple_struct(&'static str, usize) -> Never = Refusal::MapKey("tuple struct"),
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never = Refusal::MapKey("tuple variant"),
        serialize_map(Option<usize>) -> Never = Refusal::MapKey("map"),
        serialize_struct(&'static str, usize) -> Never = Refusal::MapKey("struct"),
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never = Refusal::MapKey("struct variant"),
    );

    fn serialize_char(self, v: char) -> Result<String, ValueError> {
        Ok(self.text(v.into()))
    }

    fn serialize_str(self, v: &str) -> Result<String, ValueError> {
        Ok(self.text(v.into()))
    }

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<String, ValueError> {
        Err(Refusal::MapKey("option").into())
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, ValueError> {
        Ok(self.text(variant.into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<String, ValueError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<String, ValueError> {
        Err(Refusal::MapKey("variant with a value").into())
    }

    fn collect_str<T: core::fmt::Display + ?Sized>(self, value: &T) -> Result<String, ValueError> {
        Ok(self.text(format!("{value}")))
    }
}

/// Reads a map's key from its text.
#[derive(Clone, Copy)]
pub(super) struct FromKey<'de> {
    pub(super) text: &'de str,
    pub(super) mode: KeyMode,
}

impl<'de> IntoDeserializer<'de, ValueError> for FromKey<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

macro_rules! parsed_keys {
    ($($method:ident => $visit:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            match self.text.parse() {
                Ok(value) => visitor.$visit(value),
                Err(_) => Err(ValueError::invalid_type(Unexpected::Str(self.text), &visitor)),
            }
        }
    )*};
}

macro_rules! text_keys {
    ($($method:ident),*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
            visitor.visit_borrowed_str(self.text)
        }
    )*};
}

impl<'de> Deserializer<'de> for FromKey<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        let typed = if self.mode == KeyMode::Typed { Typed::parse(self.text) } else { None };
        match typed {
            None => visitor.visit_borrowed_str(self.text),
            Some(Typed::Bool(v)) => visitor.visit_bool(v),
            Some(Typed::I64(v)) => visitor.visit_i64(v),
            Some(Typed::U64(v)) => visitor.visit_u64(v),
        }
    }

    parsed_keys!(
        deserialize_bool => visit_bool, deserialize_i8 => visit_i8, deserialize_i16 => visit_i16,
        deserialize_i32 => visit_i32, deserialize_i64 => visit_i64, deserialize_i128 => visit_i128,
        deserialize_u8 => visit_u8, deserialize_u16 => visit_u16, deserialize_u32 => visit_u32,
        deserialize_u64 => visit_u64, deserialize_u128 => visit_u128
    );

    // A type that asks for these knows that its key is text.
    text_keys!(deserialize_char, deserialize_str, deserialize_string, deserialize_identifier, deserialize_ignored_any);

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        visitor.visit_enum(self.text.into_deserializer())
    }

    forward_to_deserialize_any! {
        f32 f64 bytes byte_buf option unit unit_struct seq tuple tuple_struct map struct
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_text_looks_like_an_integer() {
        for (text, typed) in [
            ("0", Some(Typed::I64(0))),
            ("-1", Some(Typed::I64(-1))),
            ("-9223372036854775808", Some(Typed::I64(i64::MIN))),
            ("9223372036854775808", Some(Typed::U64(1 << 63))),
            ("18446744073709551616", None),
            ("true", Some(Typed::Bool(true))),
            ("false", Some(Typed::Bool(false))),
            ("", None),
            ("-", None),
            ("-0", None),
            ("+5", None),
            ("05", None),
            ("5x", None),
            ("--5", None),
            ("True", None),
        ] {
            assert_eq!(Typed::parse(text), typed, "{text}");
        }
    }
}
