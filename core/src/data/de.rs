//! From [`Value`]s back to Rust values, by serde.

use serde::{
    Deserialize, Deserializer,
    de::{
        self, DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, VariantAccess, Visitor,
        value::MapDeserializer, value::SeqDeserializer,
    },
    forward_to_deserialize_any,
};

use super::{
    Data, Mismatch, Value, ValueError,
    key::{FromKey, KeyMode, has_typed_keys},
};

/// Reads a `T` from a value. An error if the value is not a `T`.
///
/// Every value that [`to_value`](crate::to_value) made from a `T` can be read back as a `T`.
pub fn from_value<T: DeserializeOwned>(value: &Value) -> Result<T, ValueError> {
    let read = |keys| T::deserialize(FromValue { value, keys });
    read(KeyMode::Text).or_else(|error| match has_typed_keys(value) {
        true => read(KeyMode::Typed).map_err(|_| error),
        false => Err(error),
    })
}

/// Reads from a value by reference.
#[derive(Clone, Copy)]
struct FromValue<'de> {
    value: &'de Value,
    keys: KeyMode,
}

impl<'de> IntoDeserializer<'de, ValueError> for FromValue<'de> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> FromValue<'de> {
    /// The same for another value, with keys shown in the same mode.
    const fn with(self, value: &'de Value) -> Self {
        Self { value, ..self }
    }

    /// Visits a map, and in it first the entry `first`, if there is one.
    fn visit_map<V: Visitor<'de>>(
        self,
        data: &'de Data,
        first: Option<&str>,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        let first = first.and_then(|key| data.entry(key));
        let rest = data.iter().filter(|(key, _)| first.is_none_or(|(first, _)| first != *key));
        let entries = first.into_iter().chain(rest);
        let mut map =
            MapDeserializer::new(entries.map(|(text, value)| (FromKey { text, mode: self.keys }, self.with(value))));
        let value = visitor.visit_map(&mut map)?;
        map.end()?;
        Ok(value)
    }

    fn visit_seq<V: Visitor<'de>>(self, values: &'de [Value], visitor: V) -> Result<V::Value, ValueError> {
        let mut seq = SeqDeserializer::new(values.iter().map(|value| self.with(value)));
        let value = visitor.visit_seq(&mut seq)?;
        seq.end()?;
        Ok(value)
    }
}

impl<'de> Deserializer<'de> for FromValue<'de> {
    type Error = ValueError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Null => visitor.visit_unit(),
            Value::Bool(v) => visitor.visit_bool(*v),
            Value::I64(v) => visitor.visit_i64(*v),
            Value::U64(v) => visitor.visit_u64(*v),
            Value::F64(v) => visitor.visit_f64(*v),
            Value::Str(v) => visitor.visit_borrowed_str(v),
            Value::Bytes(v) => visitor.visit_borrowed_bytes(v),
            Value::Seq(v) => self.visit_seq(v, visitor),
            Value::Map(v) => self.visit_map(v, None, visitor),
        }
    }

    fn deserialize_i128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::I64(v) => visitor.visit_i128((*v).into()),
            Value::U64(v) => visitor.visit_i128((*v).into()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_u128<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::I64(v) => match u128::try_from(*v) {
                Ok(v) => visitor.visit_u128(v),
                Err(_) => visitor.visit_i64(*v),
            },
            Value::U64(v) => visitor.visit_u128((*v).into()),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_newtype_struct(self)
    }

    /// Also reads bytes as a sequence: a `Vec<u8>` without `serde_bytes` can read what one with it wrote.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Bytes(bytes) => visitor.visit_seq(SeqDeserializer::new(bytes.iter().copied())),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    /// Visits the first field first. In an adjacently tagged enum it is the tag; once serde knows the tag, it reads the content
    /// as the right type.
    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Map(map) => self.visit_map(map, fields.first().copied(), visitor),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ValueError> {
        visitor.visit_unit()
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ValueError> {
        match self.value {
            Value::Str(variant) => visitor.visit_enum(variant.as_str().into_deserializer()),
            Value::Map(map) => match (map.iter().next(), map.len()) {
                (Some((variant, value)), 1) => visitor.visit_enum(Variant { variant, content: self.with(value) }),
                _ => Err(Mismatch::NotAVariant.into()),
            },
            _ => self.deserialize_any(visitor),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf unit unit_struct map identifier
    }
}

/// An enum's variant with contents: a map of one entry.
struct Variant<'de> {
    variant: &'de str,
    content: FromValue<'de>,
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = ValueError;
    type Variant = FromValue<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, FromValue<'de>), ValueError> {
        let deserializer: de::value::StrDeserializer<'_, ValueError> = self.variant.into_deserializer();
        Ok((seed.deserialize(deserializer)?, self.content))
    }
}

impl<'de> VariantAccess<'de> for FromValue<'de> {
    type Error = ValueError;

    fn unit_variant(self) -> Result<(), ValueError> {
        <()>::deserialize(self)
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ValueError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_seq(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], visitor: V) -> Result<V::Value, ValueError> {
        self.deserialize_any(visitor)
    }
}
