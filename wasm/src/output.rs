//! How values are written for JavaScript: a tag, then little-endian numbers of a fixed width; texts all together in front, so that
//! JavaScript decodes them in one call and cuts them by their lengths in UTF-16. Reading this takes less time there than parsing
//! JSON, or than being handed objects one property at a time. The reader is `npm/src/memory.ts`.

use alloc::vec::Vec;

use waxseal_core::{Data, Value};

use crate::buffer;

/// The integers up to which a double is exact: JavaScript's `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE: u64 = (1 << 53) - 1;

/// The output of a call: the length of the texts (4 bytes), the texts, and the values.
#[derive(Default)]
pub(crate) struct Output {
    values: Vec<u8>,
    bytes: Vec<u8>,
}

impl Output {
    /// Begins anew.
    #[inline(never)]
    pub(crate) fn begin(&mut self) {
        self.wipe();
        self.bytes.extend_from_slice(&[0; 4]);
    }

    /// Puts the values behind the texts.
    #[inline(never)]
    pub(crate) fn end(&mut self) {
        let texts = (self.bytes.len() as u32).saturating_sub(4);
        if let Some(length) = self.bytes.first_chunk_mut() {
            *length = texts.to_le_bytes();
        }
        self.bytes.extend_from_slice(&self.values);
        buffer::wipe(&mut self.values);
    }

    #[inline(never)]
    pub(crate) fn wipe(&mut self) {
        buffer::wipe(&mut self.bytes);
        buffer::wipe(&mut self.values);
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn byte(&mut self, byte: u8) {
        self.values.push(byte);
    }

    pub(crate) fn double(&mut self, number: f64) {
        self.values.extend_from_slice(&number.to_le_bytes());
    }

    pub(crate) fn text(&mut self, text: &str) {
        let units = if text.is_ascii() { text.len() } else { text.encode_utf16().count() };
        self.length(units);
        self.bytes.extend_from_slice(text.as_bytes());
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.values.extend_from_slice(bytes);
    }

    pub(crate) fn data(&mut self, data: &Data) {
        self.length(data.len());
        for (key, value) in data.iter() {
            self.text(key);
            self.value(value);
        }
    }

    /// A core's value lies at most 32 levels deep, so this recursion ends.
    fn value(&mut self, value: &Value) {
        match value {
            Value::Null => self.byte(0),
            Value::Bool(v) => self.byte(1 + u8::from(*v)),
            Value::I64(v) if v.unsigned_abs() <= MAX_SAFE => self.tagged(3, (*v as f64).to_bits()),
            Value::I64(v) => self.tagged(4, v.cast_unsigned()),
            Value::U64(v) => self.tagged(5, *v),
            Value::F64(v) => self.tagged(3, v.to_bits()),
            Value::Str(v) => {
                self.byte(6);
                self.text(v);
            }
            Value::Bytes(v) => {
                self.byte(7);
                self.length(v.len());
                self.raw(v);
            }
            Value::Seq(v) => {
                self.byte(8);
                self.length(v.len());
                v.iter().for_each(|value| self.value(value));
            }
            Value::Map(v) => {
                self.byte(9);
                self.data(v);
            }
        }
    }

    fn tagged(&mut self, tag: u8, bits: u64) {
        self.byte(tag);
        self.raw(&bits.to_le_bytes());
    }

    /// What was opened is shorter than wasm's 4 GiB of memory, so that its lengths fit.
    #[inline(never)]
    fn length(&mut self, length: usize) {
        self.raw(&(length as u32).to_le_bytes());
    }
}
