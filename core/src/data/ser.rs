//! From Rust values to [`Value`]s, by serde. Nothing is kept that would come back as something else.

use alloc::{
    format,
    string::{String, ToString},
    vec::Vec,
};

use serde::{
    Serialize, Serializer,
    ser::{self, Impossible, SerializeMap as _},
};

use super::{Data, MAX_DEPTH, Pairs, Value, ValueError};

/// The value of any serializable thing.
///
/// Structs become maps; unit variants text; other variants a map of one entry; `None` and `()` nothing. Errors name what
/// cannot be kept: see [`ValueError`].
pub fn to_value<T: Serialize + ?Sized>(value: &T) -> Result<Value, ValueError> {
    value.serialize(ToValue { depth: MAX_DEPTH })
}

impl Serialize for Value {
    /// The plain form: what JSON and other self-describing formats expect.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(v) => serializer.serialize_bool(*v),
            Self::I64(v) => serializer.serialize_i64(*v),
            Self::U64(v) => serializer.serialize_u64(*v),
            Self::F64(v) => serializer.serialize_f64(*v),
            Self::Str(v) => serializer.serialize_str(v),
            Self::Bytes(v) => serializer.serialize_bytes(v),
            Self::Seq(v) => serializer.collect_seq(v),
            Self::Map(v) => v.serialize(serializer),
        }
    }
}

impl Serialize for Data {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.len()))?;
        for (key, value) in self.iter() {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

/// Serializes into a [`Value`]; `depth` is how many more levels may follow.
#[derive(Clone, Copy)]
struct ToValue {
    depth: usize,
}

impl ToValue {
    fn deeper(self) -> Result<Self, ValueError> {
        self.depth.checked_sub(1).map(|depth| Self { depth }).ok_or(ValueError::TooDeep)
    }
}

fn integer(value: impl TryInto<i64> + TryInto<u64> + Copy) -> Result<Value, ValueError> {
    if let Ok(signed) = value.try_into() {
        return Ok(Value::I64(signed));
    }
    value.try_into().map(Value::U64).map_err(|_| ValueError::IntegerTooLarge)
}

/// A map of one entry: how an enum's variant with contents is kept.
fn tagged(variant: &str, value: Value) -> Value {
    let mut map = Data::new();
    map.set(variant, value);
    Value::Map(map)
}

impl Serializer for ToValue {
    type Ok = Value;
    type Error = ValueError;
    type SerializeSeq = Elements;
    type SerializeTuple = Elements;
    type SerializeTupleStruct = Elements;
    type SerializeTupleVariant = Elements;
    type SerializeMap = Entries;
    type SerializeStruct = Entries;
    type SerializeStructVariant = Entries;

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

    fn serialize_i128(self, v: i128) -> Result<Value, ValueError> {
        integer(v)
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
        integer(v)
    }

    fn serialize_u128(self, v: u128) -> Result<Value, ValueError> {
        integer(v)
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
            Value::Null => Err(ValueError::NestedOption),
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
        Ok(tagged(variant, value.serialize(self.deeper()?)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Elements, ValueError> {
        Elements::new(self, None)
    }

    fn serialize_tuple(self, _: usize) -> Result<Elements, ValueError> {
        Elements::new(self, None)
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Elements, ValueError> {
        Elements::new(self, None)
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Elements, ValueError> {
        Elements::new(self.deeper()?, Some(variant))
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Entries, ValueError> {
        Entries::new(self, None)
    }

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Entries, ValueError> {
        Entries::new(self, None)
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Entries, ValueError> {
        Entries::new(self.deeper()?, Some(variant))
    }
}

/// A sequence, tuple or tuple variant in the making.
struct Elements {
    inner: ToValue,
    values: Vec<Value>,
    variant: Option<&'static str>,
}

impl Elements {
    fn new(outer: ToValue, variant: Option<&'static str>) -> Result<Self, ValueError> {
        Ok(Self { inner: outer.deeper()?, values: Vec::new(), variant })
    }

    fn push<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), ValueError> {
        self.values.push(value.serialize(self.inner)?);
        Ok(())
    }

    fn finish(self) -> Value {
        let value = Value::Seq(self.values);
        match self.variant {
            Some(variant) => tagged(variant, value),
            None => value,
        }
    }
}

/// A map, struct or struct variant in the making.
struct Entries {
    inner: ToValue,
    pairs: Pairs,
    key: String,
    variant: Option<&'static str>,
}

impl Entries {
    fn new(outer: ToValue, variant: Option<&'static str>) -> Result<Self, ValueError> {
        Ok(Self { inner: outer.deeper()?, pairs: Pairs::new(), key: String::new(), variant })
    }

    fn put<T: Serialize + ?Sized>(&mut self, key: String, value: &T) -> Result<(), ValueError> {
        self.pairs.push(key, value.serialize(self.inner)?);
        Ok(())
    }

    fn finish(self) -> Result<Value, ValueError> {
        let value = Value::Map(self.pairs.try_into_data().map_err(ValueError::DuplicateKey)?);
        Ok(match self.variant {
            Some(variant) => tagged(variant, value),
            None => value,
        })
    }
}

macro_rules! elements {
    ($($trait:ident :: $method:ident),*) => {$(
        impl ser::$trait for Elements {
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
        impl ser::$trait for Entries {
            type Ok = Value;
            type Error = ValueError;

            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<(), ValueError> {
                self.put(key.into(), value)
            }

            fn end(self) -> Result<Value, ValueError> {
                self.finish()
            }
        }
    )*};
}

fields!(SerializeStruct, SerializeStructVariant);

impl ser::SerializeMap for Entries {
    type Ok = Value;
    type Error = ValueError;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), ValueError> {
        self.key = key.serialize(ToKey)?;
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

/// Serializes a map's key into text.
struct ToKey;

macro_rules! keys {
    ($($method:ident: $type:ty),*) => {$(
        fn $method(self, v: $type) -> Result<String, ValueError> {
            Ok(v.to_string())
        }
    )*};
}

macro_rules! no_keys {
    ($($method:ident($($arg:ty),*) -> $ok:ty = $name:literal),* $(,)?) => {$(
        fn $method(self, $(_: $arg),*) -> Result<$ok, ValueError> {
            Err(ValueError::MapKey($name))
        }
    )*};
}

type Never = Impossible<String, ValueError>;

impl Serializer for ToKey {
    type Ok = String;
    type Error = ValueError;
    type SerializeSeq = Never;
    type SerializeTuple = Never;
    type SerializeTupleStruct = Never;
    type SerializeTupleVariant = Never;
    type SerializeMap = Never;
    type SerializeStruct = Never;
    type SerializeStructVariant = Never;

    keys!(
        serialize_bool: bool, serialize_i8: i8, serialize_i16: i16, serialize_i32: i32, serialize_i64: i64,
        serialize_i128: i128, serialize_u8: u8, serialize_u16: u16, serialize_u32: u32, serialize_u64: u64,
        serialize_u128: u128, serialize_char: char, serialize_str: &str
    );

    no_keys!(
        serialize_f32(f32) -> String = "float",
        serialize_f64(f64) -> String = "float",
        serialize_bytes(&[u8]) -> String = "bytes",
        serialize_none() -> String = "option",
        serialize_unit() -> String = "unit",
        serialize_unit_struct(&'static str) -> String = "unit struct",
        serialize_seq(Option<usize>) -> Never = "sequence",
        serialize_tuple(usize) -> Never = "tuple",
        serialize_tuple_struct(&'static str, usize) -> Never = "tuple struct",
        serialize_tuple_variant(&'static str, u32, &'static str, usize) -> Never = "tuple variant",
        serialize_map(Option<usize>) -> Never = "map",
        serialize_struct(&'static str, usize) -> Never = "struct",
        serialize_struct_variant(&'static str, u32, &'static str, usize) -> Never = "struct variant",
    );

    fn serialize_some<T: Serialize + ?Sized>(self, _: &T) -> Result<String, ValueError> {
        Err(ValueError::MapKey("option"))
    }

    fn serialize_unit_variant(self, _: &'static str, _: u32, variant: &'static str) -> Result<String, ValueError> {
        Ok(variant.into())
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
        Err(ValueError::MapKey("variant with a value"))
    }

    fn collect_str<T: core::fmt::Display + ?Sized>(self, value: &T) -> Result<String, ValueError> {
        Ok(format!("{value}"))
    }
}
