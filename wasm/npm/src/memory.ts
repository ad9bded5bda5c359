// The module's memory: writes the input of a call, and reads the values that the call returns (`wasm/src/output.rs`).

import type { Edge as Module } from "../build/waxseal_bg.js";

/** A value of a session in JavaScript. Integers beyond 2^53 are BigInts, bytes are Uint8Arrays. */
export type Value = null | boolean | number | bigint | string | Uint8Array | Value[] | Data;

/**
 * A session's data, a ticket's claims, or a map inside them: an object without a prototype. It has only what the application set,
 * so that `claims.constructor` and `claims.toString` are `undefined` too, unless the application set them.
 *
 * A key `__proto__`, if the application set one, can be read but is not enumerable: copies (`Object.assign`, `{ ...claims }`,
 * `structuredClone`) and JSON leave it out, because assigning it to an ordinary object would change that object's prototype.
 */
export type Data = { [key: string]: Value | undefined } & { [inherited in keyof Object]?: Value };

/** The module's stack: the first bytes of its memory, as many as `xtask/src/wasm.rs` has the linker give it. */
const STACK = 16 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { ignoreBOM: true });

let memory: WebAssembly.Memory;
let bytes = new Uint8Array();
let view = new DataView(bytes.buffer);
/** Where the next value is read. */
let at = 0;
/** The texts of the output, and where the next one begins. */
let texts = "";
let cut = 0;

export function setMemory(exported: WebAssembly.Memory): void {
  memory = exported;
}

/** The memory as it is now: growing replaces the buffer. */
function refresh(): void {
  if (bytes.buffer !== memory.buffer) {
    bytes = new Uint8Array(memory.buffer);
    view = new DataView(memory.buffer);
  }
}

/**
 * Writes ASCII text of `text.length` bytes. A valid cookie value has only such characters: a text with any other one is written
 * as bytes that no ticket has.
 */
export function writeAscii(text: string, to: number): void {
  refresh();
  const room = bytes.subarray(to, to + text.length);
  if (encoder.encodeInto(text, room).read !== text.length) room.fill(0);
}

export function writeBytes(content: Uint8Array, to: number): void {
  refresh();
  bytes.set(content, to);
}

export function writeUint64(number: bigint, to: number): void {
  refresh();
  view.setBigUint64(to, BigInt.asUintN(64, number));
}

/** @internal Writes a call's input, ASCII text alone. */
export function input(module: Module, text: string): void {
  writeAscii(text, module.input(text.length));
}

/** Wipes what a call left on the module's stack, such as keys and contents. Nothing there is in use between calls. */
export function wipeStack(): void {
  refresh();
  bytes.fill(0, 0, STACK);
}

/** Begins to read an output at its address. */
export function readFrom(address: number): void {
  refresh();
  at = address;
  const length = readLength();
  texts = length === 0 ? "" : decoder.decode(bytes.subarray(at, at + length));
  cut = 0;
  at += length;
}

/** @internal Ends reading: wipes the output and releases its texts. */
export function readToEnd(module: Module): void {
  texts = "";
  module.wipe();
}

export function readByte(): number {
  return bytes[at++]!;
}

export function readDouble(): number {
  at += 8;
  return view.getFloat64(at - 8, true);
}

/** The next `length` bytes, copied. */
export function readBytes(length: number): Uint8Array {
  return bytes.slice(at, (at += length));
}

function readLength(): number {
  at += 4;
  return view.getUint32(at - 4, true);
}

export function readText(): string {
  const start = cut;
  cut += readLength();
  return texts.slice(start, cut);
}

export function readData(): Data {
  const data = Object.create(null) as Data;
  for (let count = readLength(); count > 0; count--) {
    const key = readText();
    const value = readValue();
    // Not enumerable: copied into an ordinary object, this key would set that object's prototype.
    if (key === "__proto__") Object.defineProperty(data, key, { value, configurable: true, writable: true });
    else data[key] = value;
  }
  return data;
}

/** A loop, because `Array.from` with a function takes several times as long. */
function readValues(): Value[] {
  const values: Value[] = [];
  for (let count = readLength(); count > 0; count--) values.push(readValue());
  return values;
}

function readValue(): Value {
  const tag = readByte();
  switch (tag) {
    case 0:
      return null;
    case 1:
    case 2:
      return tag === 2;
    case 3:
      return readDouble();
    case 4:
      at += 8;
      return view.getBigInt64(at - 8, true);
    case 5:
      at += 8;
      return view.getBigUint64(at - 8, true);
    case 6:
      return readText();
    case 7:
      return readBytes(readLength());
    case 8:
      return readValues();
    default:
      return readData();
  }
}
