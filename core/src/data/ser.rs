//! From Rust values to [`Value`]s, by serde. Values that would come back as something else are refused.

use alloc::{string::String, vec::Vec};

use serde::{Serialize, Serializer, ser};

use super::{
    Data, MAX_DEPTH, Pairs, Refusal, Value, ValueError,
    key::{KeysSeen, ToKey},
};

/// The name of the struct as which `serde_json::value::RawValue` is serialized.
const RAW_JSON: &str = "$serde_json::private::RawValue";

/// Serializes a Rust value into a [`Value`].
///
/// A struct becomes a map; a unit variant becomes text; any other variant becomes a map with one entry; `None` and `()` become
/// [`Value::Null`]. Map keys become text.
///
/// [`from_value`](crate::from_value) can read every accepted value back as the same type. Values that it could not read back are
/// refused: [`Refusal`] lists the reasons. Two of them need an explanation:
///
/// - Serde cannot read 128-bit integers in the content of internally tagged and untagged enums, or in flattened fields. They are
///   refused everywhere, because a serializer cannot know how its output will be read.
/// - In the same content serde expects an integer key as an integer, but keys are stored as text. If text fails, `from_value`
///   tries again and gives every key that looks like an integer or a boolean as one. This needs a value in which all such keys
///   are of the same kind: a `HashMap<u32, _>` next to a `HashMap<String, _>` is refused if the latter has a key such as `"5"`.
///
/// Some types accept keys of any kind, or hide a failed attempt: a flattened `Option` that contains a map with integer keys, or an
/// untagged enum with a map with integer keys in one variant, and a later variant that also accepts the value (because it has text keys,
/// or ignores the field). They are read as from JSON, where integer keys are text: use a tagged enum for such types.
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, ValueError> {
    let seen = KeysSeen::default();
    let value = value.serialize(ToValue { depth: MAX_DEPTH, seen: &seen })?;
    seen.check()?;
    Ok(value)
}

/// Serializes into a [`Value`]; `depth` is how many more levels may follow.
#[derive(Clone, Copy)]
struct ToValue<'a> {
    depth: usize,
    seen: &'a KeysSeen,
}

impl ToValue<'_> {
    fn deeper(self) -> Result<Self, ValueError> {
        let depth = self.depth.checked_sub(1).ok_or(Refusal::TooDeep)?;
        Ok(Self { depth, ..self })
    }

    /// A map of one entry: how an enum's variant with contents is kept.
    fn tagged(self, variant: &str, value: Value) -> Value {
        self.seen.text(variant);
        let mut map = Data::new();
        map.set(variant, value);
        Value::Map(map)
    }
}

impl<'a> Serializer for ToValue<'a> {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Elements<'a>;
    type SerializeTuple = Elements<'a>;
    type SerializeTupleStruct = Elements<'a>;
    type SerializeTupleVariant = Elements<'a>;
    type SerializeMap = Entries<'a>;
    type SerializeStruct = Entries<'a>;
    type SerializeStructVariant = Entries<'a>;

    fn serialize_bool(self, v: bool) -> Result<Value, ValueError> {
        Ok(Value::Bool(v))
    }

    fn serialize_i8(self, v: i8) -> Result<Value, ValueError> {
        Ok(Value::I64(v.into()))
    }

    fn serialize_i16(self, v: i16) -> Result<Value, ValueError> {
        Ok(Value::I64(v.into()))
    }

    fn serialize_i32(self, v: i32) -> Result<Value, ValueError> {
        Ok(Value::I64(v.into()))
    }

    fn serialize_i64(self, v: i64) -> Result<Value, ValueError> {
        Ok(Value::I64(v))
    }

    fn serialize_i128(self, _: i128) -> Result<Value, ValueError> {
        Err(Refusal::Integer128.into())
    }

    fn serialize_u8(self, v: u8) -> Result<Value, ValueError> {
        Ok(Value::I64(v.into()))
    }

    fn serialize_u16(self, v: u16) -> Result<Value, ValueError> {
        Ok(Value::I64(v.into()))
    }

    fn serialize_u32(self, v: u32) -> Result<Value, ValueError> {
        Ok(Value::I64(v.into()))
    }

    fn serialize_u64(self, v: u64) -> Result<Value, ValueError> {
        Ok(i64::try_from(v).map_or(Value::U64(v), Value::I64))
    }

    fn serialize_u128(self, _: u128) -> Result<Value, ValueError> {
        Err(Refusal::Integer128.into())
    }

    fn serialize_f32(self, v: f32) -> Result<Value, ValueError> {
        Ok(Value::F64(v.into()))
    }

    fn serialize_f64(self, v: f64) -> Result<Value, ValueError> {
        Ok(Value::F64(v))
    }

    fn serialize_char(self, v: char) -> Result<Value, ValueError> {
        Ok(Value::Str(v.into()))
    }

    fn serialize_str(self, v: &str) -> Result<Value, ValueError> {
        Ok(Value::Str(v.into()))
    }

    fn serialize_bytes(self, v: &[u8]) -> Result<Value, ValueError> {
        Ok(Value::Bytes(v.into()))
    }

    fn serialize_none(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, ValueError> {
        match value.serialize(self)? {
            Value::Null => Err(Refusal::NestedOption.into()),
            value => Ok(value),
        }
    }

    fn serialize_unit(self) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, _: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Null)
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<Value, ValueError> {
        Ok(Value::Str(variant.into()))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _: &'static str, value: &T) -> Result<Value, ValueError> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, ValueError> {
        Ok(self.tagged(variant, value.serialize(self.deeper()?)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements<'a>, ValueError> {
        Elements::new(self, None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements<'a>, ValueError> {
        Elements::new(self, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements<'a>, ValueError> {
        Elements::new(self, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Elements<'a>, ValueError> {
        Elements::new(self.deeper()?, Some(variant))
    }

    fn serialize_map(self, len: Option<usize>) -> Result<Entries<'a>, ValueError> {
        Ok(Entries { sized: len.is_some(), ..Entries::new(self, None)? })
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Entries<'a>, ValueError> {
        if name == RAW_JSON {
            return Err(Refusal::RawJson.into());
        }
        Entries::new(self, None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries<'a>, ValueError> {
        Entries::new(self.deeper()?, Some(variant))
    }
}

/// A sequence, tuple or tuple variant in the making.
struct Elements<'a> {
    inner: ToValue<'a>,
    values: Vec<Value>,
    variant: Option<&'static str>,
}

impl<'a> Elements<'a> {
    fn new(outer: ToValue<'a>, variant: Option<&'static str>) -> Result<Self, ValueError> {
        Ok(Self { inner: outer.deeper()?, values: Vec::new(), variant })
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.values.push(value.serialize(self.inner)?);
        Ok(())
    }

    fn finish(self) -> Value {
        let value = Value::Seq(self.values);
        match self.variant {
            Some(variant) => self.inner.tagged(variant, value),
            None => value,
        }
    }
}

/// A map, struct or struct variant in the making.
struct Entries<'a> {
    inner: ToValue<'a>,
    pairs: Pairs,
    key: String,
    variant: Option<&'static str>,
    /// Whether its length was given.
    sized: bool,
}

impl<'a> Entries<'a> {
    fn new(outer: ToValue<'a>, variant: Option<&'static str>) -> Result<Self, ValueError> {
        Ok(Self { inner: outer.deeper()?, pairs: Pairs::new(), key: String::new(), variant, sized: true })
    }

    fn put<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), ValueError> {
        self.pairs.push(key, value.serialize(self.inner)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, ValueError> {
        let value = Value::Map(self.pairs.try_into_data().ok_or(Refusal::DuplicateKey)?);
        Ok(match self.variant {
            Some(variant) => self.inner.tagged(variant, value),
            None => value,
        })
    }
}

macro_rules! elements {
    ($($trait:ident :: $method:ident),*) => {$(
        impl ser::$trait for Elements<'_> {
            type Ok = Value;
            type Error = ValueError;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
                self.push(value)
            }

            fn end(self) -> Result<Value, ValueError> {
                Ok(self.finish())
            }
        }
    )*};
}

elements!(
    SerializeSeq::serialize_element,
    SerializeTuple::serialize_element,
    SerializeTupleStruct::serialize_field,
    SerializeTupleVariant::serialize_field
);

macro_rules! fields {
    ($($trait:ident),*) => {$(
        impl ser::$trait for Entries<'_> {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), ValueError> {
                self.inner.seen.text(key);
                self.put(key.into(), value)
            }

            fn end(self) -> Result<Value, ValueError> {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Entries<'_> {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = key.serialize(ToKey { seen: self.inner.seen, sized: self.sized })?;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        let key = core::mem::take(&mut self.key);
        self.put(key, value)
    }

    fn end(self) -> Result<Value, ValueError> {
        self.finish()
    }
}
