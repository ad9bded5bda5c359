//! Data in postcard: how a ticket's claims and a row's data are encoded, and decoded from hostile bytes.
//!
//! The decoder grows a collection only by elements that it has read, and stops at a fixed depth. So its allocations are bounded
//! by the length of the input, whatever lengths the input claims.

use alloc::{string::String, vec::Vec};
use core::{fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{DeserializeSeed, EnumAccess, Error, MapAccess, SeqAccess, VariantAccess, Visitor},
    ser::{SerializeMap, SerializeSeq},
};

use super::{Data, MAX_DEPTH, Value};
use crate::encoding;

/// The bytes are not encoded data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not encoded session data of this version")]
pub struct DecodeError;

impl Data {
    /// The encoding: `postcard map<string, Value>`, keys in ascending order of their bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.encoded_len());
        // Writing into a vector does not fail, nor does the serializer below.
        let written = encoding::postcard_append(&self.wire(), &mut bytes);
        debug_assert!(written.is_ok());
        bytes
    }

    /// How many bytes [`encode`](Self::encode) gives.
    pub fn encoded_len(&self) -> usize {
        encoding::postcard_size(&self.wire()).unwrap_or_default()
    }

    /// Decodes the output of [`encode`](Self::encode). Any input is safe: allocations and recursion are bounded.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        encoding::postcard_read::<WireDataOwned>(bytes).map(|data| data.0).ok_or(DecodeError)
    }

    pub(crate) const fn wire(&self) -> WireData<'_> {
        WireData(self)
    }
}

/// [`Data`] in its wire form. `Data` itself serializes in the plain form that users see.
#[derive(Clone, Copy)]
pub(crate) struct WireData<'a>(&'a Data);

impl Serialize for WireData<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (key, value) in self.0.iter() {
            map.serialize_entry(key, &WireValue(value))?;
        }
        map.end()
    }
}

const NAME: &str = "Value";
const VARIANTS: &[&str] = &["Null", "Bool", "I64", "U64", "F64", "Str", "Bytes", "Seq", "Map"];

struct WireValue<'a>(&'a Value);

impl Serialize for WireValue<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null => s.serialize_unit_variant(NAME, 0, "Null"),
            Value::Bool(v) => s.serialize_newtype_variant(NAME, 1, "Bool", v),
            Value::I64(v) => s.serialize_newtype_variant(NAME, 2, "I64", v),
            Value::U64(v) => s.serialize_newtype_variant(NAME, 3, "U64", v),
            Value::F64(v) => s.serialize_newtype_variant(NAME, 4, "F64", v),
            Value::Str(v) => s.serialize_newtype_variant(NAME, 5, "Str", v),
            Value::Bytes(v) => s.serialize_newtype_variant(NAME, 6, "Bytes", &WireBytes(v)),
            Value::Seq(v) => s.serialize_newtype_variant(NAME, 7, "Seq", &WireSeq(v)),
            Value::Map(v) => s.serialize_newtype_variant(NAME, 8, "Map", &v.wire()),
        }
    }
}

struct WireBytes<'a>(&'a [u8]);

impl Serialize for WireBytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

struct WireSeq<'a>(&'a [Value]);

impl Serialize for WireSeq<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut seq = serializer.serialize_seq(Some(self.0.len()))?;
        for value in self.0 {
            seq.serialize_element(&WireValue(value))?;
        }
        seq.end()
    }
}

/// Data decoded from the wire's form.
pub(crate) struct WireDataOwned(pub(crate) Data);

impl<'de> Deserialize<'de> for WireDataOwned {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        DataSeed { depth: MAX_DEPTH }.deserialize(deserializer).map(Self)
    }
}

/// Decodes a map; `depth` is how many more levels may follow.
struct DataSeed {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for DataSeed {
    type Value = Data;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Data, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for DataSeed {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map in ascending order of its keys")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Data, A::Error> {
        let mut data = Data::new();
        while let Some(key) = map.next_key::<String>()? {
            let value = map.next_value_seed(ValueSeed { depth: self.depth })?;
            // Each map has one encoding: no key twice, none out of order.
            if !data.push(key, value) {
                return Err(A::Error::custom("keys out of order"));
            }
        }
        Ok(data)
    }
}

struct ValueSeed {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for ValueSeed {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_enum(NAME, VARIANTS, self)
    }
}

impl<'de> Visitor<'de> for ValueSeed {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tagged value")
    }

    fn visit_enum<A: EnumAccess<'de>>(self, data: A) -> Result<Value, A::Error> {
        let (tag, variant) = data.variant_seed(PhantomData::<u32>)?;
        let deeper = || self.depth.checked_sub(1).ok_or_else(|| A::Error::custom("nested too deep"));
        match tag {
            0 => variant.unit_variant().map(|()| Value::Null),
            1 => variant.newtype_variant().map(Value::Bool),
            2 => variant.newtype_variant().map(Value::I64),
            3 => match variant.newtype_variant()? {
                fits if i64::try_from(fits).is_ok() => Err(A::Error::custom("an integer with two spellings")),
                greater => Ok(Value::U64(greater)),
            },
            4 => variant.newtype_variant().map(Value::F64),
            5 => variant.newtype_variant().map(Value::Str),
            6 => variant.newtype_variant_seed(BytesSeed).map(Value::Bytes),
            7 => variant.newtype_variant_seed(SeqSeed { depth: deeper()? }).map(Value::Seq),
            8 => variant.newtype_variant_seed(DataSeed { depth: deeper()? }).map(Value::Map),
            _ => Err(A::Error::custom("an unknown kind of value")),
        }
    }
}

struct BytesSeed;

impl<'de> DeserializeSeed<'de> for BytesSeed {
    type Value = Vec<u8>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<u8>, D::Error> {
        deserializer.deserialize_bytes(self)
    }
}

impl Visitor<'_> for BytesSeed {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("bytes")
    }

    fn visit_bytes<E: Error>(self, bytes: &[u8]) -> Result<Vec<u8>, E> {
        Ok(bytes.to_vec())
    }
}

struct SeqSeed {
    depth: usize,
}

impl<'de> DeserializeSeed<'de> for SeqSeed {
    type Value = Vec<Value>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Value>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for SeqSeed {
    type Value = Vec<Value>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<Value>, A::Error> {
        // No capacity from the claimed length: it cannot be trusted.
        let mut values = Vec::new();
        while let Some(value) = seq.next_element_seed(ValueSeed { depth: self.depth })? {
            values.push(value);
        }
        Ok(values)
    }
}
