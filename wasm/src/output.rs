//! How values are written for JavaScript: a tag, then little-endian numbers of a fixed width and lengths of 4 bytes, which
//! JavaScript reads faster than it would parse text or take objects apart. The reader is `npm/src/values.ts`.

use alloc::vec::Vec;

use waxseal_core::{Data, Value};

/// The integers up to which a double is exact: JavaScript's `Number.MAX_SAFE_INTEGER`.
const MAX_SAFE: u64 = (1 << 53) - 1;

pub(crate) fn data(output: &mut Vec<u8>, data: &Data) {
    len(output, data.len());
    for (key, value) in data.iter() {
        bytes(output, key.as_bytes());
        self::value(output, value);
    }
}

/// A core's value lies at most 32 levels deep, so this recursion ends.
fn value(output: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Null => output.push(0),
        Value::Bool(false) => output.push(1),
        Value::Bool(true) => output.push(2),
        Value::I64(number) if number.unsigned_abs() <= MAX_SAFE => double(output, *number as f64),
        Value::I64(number) => {
            output.push(4);
            output.extend_from_slice(&number.to_le_bytes());
        }
        Value::U64(number) => {
            output.push(5);
            output.extend_from_slice(&number.to_le_bytes());
        }
        Value::F64(number) => double(output, *number),
        Value::Str(text) => {
            output.push(6);
            bytes(output, text.as_bytes());
        }
        Value::Bytes(content) => {
            output.push(7);
            bytes(output, content);
        }
        Value::Seq(values) => {
            output.push(8);
            len(output, values.len());
            for value in values {
                self::value(output, value);
            }
        }
        Value::Map(map) => {
            output.push(9);
            data(output, map);
        }
    }
}

fn double(output: &mut Vec<u8>, number: f64) {
    output.push(3);
    output.extend_from_slice(&number.to_le_bytes());
}

pub(crate) fn bytes(output: &mut Vec<u8>, bytes: &[u8]) {
    len(output, bytes.len());
    output.extend_from_slice(bytes);
}

/// What was opened is shorter than wasm's 4 GiB of memory, so that its lengths fit.
fn len(output: &mut Vec<u8>, len: usize) {
    output.extend_from_slice(&(len as u32).to_le_bytes());
}
