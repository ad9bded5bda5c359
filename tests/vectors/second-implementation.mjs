// A second implementation of core/FORMAT.md, written from that page alone, run on the vectors: `node tests/vectors/second-implementation.mjs`.
// It shows that the page is complete. It is no library: nothing in it is constant-time or zeroized.

import assert from "node:assert/strict";
import { createDecipheriv, createHash, createHmac, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";

const read = (file) => JSON.parse(readFileSync(new URL(file, import.meta.url)));
const unhex = (text) => Buffer.from(text, "hex");
const text = (string) => Buffer.from(string, "utf8");
const concat = (...parts) => Buffer.concat(parts);
const hmac = (key, ...parts) => createHmac("sha256", key).update(concat(...parts)).digest();
const be64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64BE(BigInt(n)); return b; };
const le64 = (n) => { const b = Buffer.alloc(8); b.writeBigUInt64LE(BigInt(n)); return b; };
const pae = (pieces) => concat(le64(pieces.length), ...pieces.flatMap((piece) => [le64(piece.length), piece]));
const derive = (root, info, length) => Buffer.from(hkdfSync("sha256", root, "waxseal/v1", info, length));

class Refused extends Error {}
const refuse = (reason) => { throw new Refused(reason); };

function base64(string) {
  const bytes = Buffer.from(string, "base64url");
  return bytes.toString("base64url") === string ? bytes : refuse("malformed");
}

function open(roots, use, bytes, context, mix) {
  const [header, tagLength] = { 1: [29, 16], 2: [5, 32] }[bytes[0]] ?? refuse("malformed");
  if (bytes.length < header + tagLength) refuse("malformed");
  const id = bytes.subarray(1, 5);
  const root = roots.find((root) => derive(root, "key-id", 4).equals(id)) ?? refuse("unknown-key");
  const body = bytes.subarray(header, bytes.length - tagLength);
  const tag = bytes.subarray(bytes.length - tagLength);
  const first = bytes.subarray(0, header);
  if (bytes[0] === 2) {
    const pieces = [first, ...context, ...(mix ? [mix] : []), body];
    return hmac(derive(root, `${use}-sign`, 32), pae(pieces)).equals(tag) ? body : refuse("forged");
  }
  const info = concat(text(`${use}-seal`), Buffer.from([0]), id, bytes.subarray(5, 29), mix ?? Buffer.alloc(0));
  const key = hmac(derive(root, `${use}-seal`, 32), info, Buffer.from([1]));
  const cipher = createDecipheriv("aes-256-gcm", key, Buffer.alloc(12), { authTagLength: 16 });
  cipher.setAAD(pae([first, ...context])).setAuthTag(tag);
  try {
    return concat(cipher.update(body), cipher.final());
  } catch {
    return refuse("forged");
  }
}

class Reader {
  constructor(bytes) { this.bytes = bytes; this.at = 0; }
  take(n) {
    if (this.at + n > this.bytes.length) refuse("malformed");
    return this.bytes.subarray(this.at, (this.at += n));
  }
  varint() {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0];
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
    return refuse("malformed");
  }
  string() {
    const bytes = this.take(Number(this.varint()));
    try { return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes); } catch { return refuse("malformed"); }
  }
  bit() { const [byte] = this.take(1); return byte < 2 ? byte === 1 : refuse("malformed"); }
  map(depth) {
    const data = {};
    let last;
    for (let count = this.varint(); count > 0n; count--) {
      const key = this.string();
      if (last !== undefined && Buffer.compare(text(last), text(key)) >= 0) refuse("malformed");
      Object.defineProperty(data, key, { value: this.value(depth), enumerable: true });
      last = key;
    }
    return data;
  }
  value(depth) {
    const tag = Number(this.varint());
    if (tag >= 7 && depth === 32) refuse("malformed");
    switch (tag) {
      case 0: return { null: null };
      case 1: return { bool: this.bit() };
      case 2: { const n = this.varint(); return { i64: String((n >> 1n) ^ -(n & 1n)) }; }
      case 3: { const n = this.varint(); return n >= 1n << 63n ? { u64: String(n) } : refuse("malformed"); }
      case 4: return { f64: Buffer.from(this.take(8)).reverse().toString("hex") };
      case 5: return { str: this.string() };
      case 6: return { bytes: this.take(Number(this.varint())).toString("hex") };
      case 7: {
        const seq = [];
        for (let count = this.varint(); count > 0n; count--) seq.push(this.value(depth + 1));
        return { seq };
      }
      case 8: return { map: this.map(depth + 1) };
      default: return refuse("malformed");
    }
  }
  end(value) { return this.at === this.bytes.length ? value : refuse("malformed"); }
}

const decodeData = (bytes) => { const reader = new Reader(bytes); return reader.end(reader.map(0)); };

function openTicket(roots, name, value, now) {
  if (value.length > 4096) refuse("malformed");
  const reader = new Reader(open(roots, "cookie", base64(value), [text(name)]));
  const secret = reader.take(32);
  const [created_ms, issued_after_s, expires_after_s, lifetime_s] = [1, 2, 3, 4].map(() => Number(reader.varint()));
  const subject = reader.bit() ? reader.string() : null;
  const claims = reader.end(reader.map(0));
  if (expires_after_s > lifetime_s) refuse("malformed");
  if (now >= Math.floor(created_ms / 1000) + lifetime_s) refuse("expired");
  return { secret: secret.toString("hex"), created_ms, issued_after_s, expires_after_s, lifetime_s, subject, claims };
}

function rowId(secret, created_ms) {
  const hash = createHash("sha256").update(concat(text("waxseal/v1/row-id"), secret, be64(created_ms))).digest();
  const h = BigInt(`0x${hash.subarray(0, 10).toString("hex")}`) >> 6n;
  const id = (BigInt(created_ms) << 80n) | (7n << 76n) | ((h >> 62n) << 64n) | (2n << 62n) | (h & ((1n << 62n) - 1n));
  return id.toString(16).padStart(32, "0").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

const openRow = (roots, v) => decodeData(open(roots, "row", unhex(v.row), [
  unhex(v.row_id.replaceAll("-", "")), be64(v.generation), be64(v.created_ms), be64(v.lifetime_s),
  text(v.subject ?? ""), Buffer.from([v.subject === null ? 0 : 1]),
], unhex(v.secret)));

let passed = 0;
const check = (f) => { f(); passed++; };
const refused = (f, reason, why) => check(() => assert.throws(f, (error) => error instanceof Refused && error.message === reason, why));

const { keys } = read("keys.json");
const roots = keys.map((key) => unhex(key.root));
for (const key of keys) check(() => {
  const root = base64(key.text);
  assert.equal(root.toString("hex"), key.root);
  const id = derive(root, "key-id", 4);
  assert.equal(id.toString("hex"), key.key_id);
  const subkeys = ["cookie-seal", "cookie-sign", "row-seal", "row-sign"].map((info) => derive(root, info, 32));
  assert.deepEqual(subkeys.map((subkey) => subkey.toString("hex")), Object.values(key.subkeys));
  assert.equal(key.edge_cookies, `waxseal-edge-v1.cookies.${concat(id, ...subkeys.slice(0, 2)).toString("base64url")}`);
  assert.equal(key.edge_rows, `waxseal-edge-v1.rows.${concat(id, ...subkeys).toString("base64url")}`);
});

const data = read("data.json");
for (const v of data.accepted) check(() => assert.deepEqual(decodeData(unhex(v.encoded)), v.data));
for (const v of data.refused) refused(() => decodeData(unhex(v.encoded)), "malformed", v.why);

const tickets = read("tickets.json");
for (const v of tickets.accepted) check(() => {
  const { name, protection, root, cookie_name, cookie, envelope, row_id, ...fields } = v;
  assert.deepEqual(openTicket(roots, cookie_name, cookie, Math.floor(v.created_ms / 1000)), fields);
  assert.equal(rowId(unhex(v.secret), v.created_ms), row_id);
});
for (const v of tickets.refused) refused(() => openTicket(roots, v.cookie_name, v.cookie, v.now_s), v.reason, v.why);

const rows = read("rows.json");
for (const v of rows.accepted) check(() => assert.deepEqual(openRow(roots, v), v.data));
for (const v of rows.refused) refused(() => openRow(roots, v), v.reason, v.why);

console.log(`${passed} passed, 0 failed`);
