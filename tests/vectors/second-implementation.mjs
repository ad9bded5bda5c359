// A second implementation of core/FORMAT.md, written from that page alone, run on the vectors: `node tests/vectors/second-implementation.mjs`.
// It shows that the page is complete. It is no library: nothing in it is constant-time or zeroized.
//
// XAES-256-GCM is composed of WebCrypto's AES-CBC and AES-GCM, as C2SP's page shows, so that no code is shared with the core.

import assert from "node:assert/strict";
import { createHash, createHmac, hkdfSync } from "node:crypto";
import { readFileSync } from "node:fs";

const { subtle } = globalThis.crypto;

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

/** AES-256 of one block: the first block of CBC under a zero IV. The second is padding, and is cut off. */
async function block(key, input) {
  const aes = await subtle.importKey("raw", key, "AES-CBC", false, ["encrypt"]);
  return Buffer.from(await subtle.encrypt({ name: "AES-CBC", iv: Buffer.alloc(16) }, aes, input)).subarray(0, 16);
}

const xor = (a, b) => Buffer.from(a.map((byte, at) => byte ^ b[at]));

async function derivedKey(key, nonce) {
  const l = await block(key, Buffer.alloc(16));
  const k1 = Buffer.from(l.map((byte, at) => (byte << 1) | ((l[at + 1] ?? 0) >> 7)));
  if (l[0] >> 7) k1[15] ^= 0x87;
  const half = (n) => block(key, xor(concat(Buffer.from([0, n]), text("X"), Buffer.from([0]), nonce.subarray(0, 12)), k1));
  return concat(await half(1), await half(2));
}

async function xaes(key, nonce, aad, sealed) {
  const gcm = await subtle.importKey("raw", await derivedKey(key, nonce), "AES-GCM", false, ["decrypt"]);
  try {
    return Buffer.from(await subtle.decrypt({ name: "AES-GCM", iv: nonce.subarray(12), additionalData: aad }, gcm, sealed));
  } catch {
    return refuse("forged");
  }
}

/** Opens an envelope; a row's needs the session secret. */
async function open(roots, use, bytes, context, secret) {
  const [header, tagLength] = { 1: [29, 16], 2: [5, 32] }[bytes[0]] ?? refuse("malformed");
  if (bytes.length < header + tagLength) refuse("malformed");
  const id = bytes.subarray(1, 5);
  const root = roots.find((root) => derive(root, "key-id", 4).equals(id)) ?? refuse("unknown-key");
  const first = bytes.subarray(0, header);
  if (bytes[0] === 2) {
    const payload = bytes.subarray(header, bytes.length - tagLength);
    const pieces = [first, ...context, ...(use === "row" ? [secret] : []), payload];
    const tag = bytes.subarray(bytes.length - tagLength);
    return hmac(derive(root, `${use}-sign`, 32), pae(pieces)).equals(tag) ? payload : refuse("forged");
  }
  const subkey = derive(root, `${use}-seal`, 32);
  // HKDF-Expand to one block.
  const key = use === "row" ? hmac(subkey, text("row"), Buffer.from([0]), secret, Buffer.from([1])) : subkey;
  return xaes(key, bytes.subarray(5, 29), pae([first, ...context]), bytes.subarray(header));
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
      if (byte >= 128) continue;
      // A last byte of 0 says nothing: the varint is longer than it must be.
      if (value >> 64n || (byte === 0 && shift > 0n)) refuse("malformed");
      return value;
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

async function openTicket(roots, name, value, now) {
  if (value.length > 4096) refuse("malformed");
  const reader = new Reader(await open(roots, "cookie", base64(value), [text(name)]));
  const secret = reader.take(32).toString("hex");
  const [created_ms, issued_after_s, expires_after_s, lifetime_s, idle_s, generation] = Array.from({ length: 6 }, () => reader.varint());
  const persistent = reader.bit();
  const subject = reader.bit() ? reader.string() : null;
  const claims = reader.end(reader.map(0));
  if (expires_after_s > lifetime_s) refuse("malformed");
  const created_s = created_ms / 1000n;
  if (BigInt(now) >= created_s + lifetime_s) refuse("expired");
  if (created_s + issued_after_s > BigInt(now) + 300n) refuse("not-yet-valid");
  const numbers = { created_ms, issued_after_s, expires_after_s, lifetime_s, idle_s, generation };
  const fields = Object.fromEntries(Object.entries(numbers).map(([field, number]) => [field, Number(number)]));
  return { secret, ...fields, persistent, subject, claims };
}

function rowId(secret, created_ms) {
  const hash = createHash("sha256").update(concat(text("waxseal/v1/row-id"), secret, be64(created_ms))).digest();
  const h = BigInt(`0x${hash.subarray(0, 10).toString("hex")}`) >> 6n;
  const id = (BigInt(created_ms) << 80n) | (7n << 76n) | ((h >> 62n) << 64n) | (2n << 62n) | (h & ((1n << 62n) - 1n));
  return id.toString(16).padStart(32, "0").replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}

/** `ticket_generation` is that of the row's ticket, where a vector names it. */
async function openRow(roots, v) {
  if (v.generation < (v.ticket_generation ?? 1)) refuse("behind");
  const context = [
    unhex(v.row_id.replaceAll("-", "")), be64(v.generation), be64(v.created_ms), be64(v.lifetime_s),
    text(v.subject ?? ""), Buffer.from([v.subject === null ? 0 : 1]),
  ];
  return decodeData(await open(roots, "row", unhex(v.row), context, unhex(v.secret)));
}

/** A feed: a signed envelope alone. Its marks are hexadecimal text, which sorts as the bytes do. */
async function openFeed(roots, name, bytes) {
  if (bytes[0] !== 2) refuse("malformed");
  const payload = await open(roots, "feed", bytes, [text(name)]);
  if (payload.length < 17 || payload[0] !== 1 || payload.length % 8 !== 1) refuse("malformed");
  const [since_ms, as_of_ms] = [payload.readBigUInt64BE(1), payload.readBigUInt64BE(9)];
  const marks = Array.from({ length: (payload.length - 17) / 8 }, (_, n) => payload.subarray(17 + 8 * n, 25 + 8 * n).toString("hex"));
  if (since_ms > as_of_ms || marks.some((mark, n) => n > 0 && marks[n - 1] >= mark)) refuse("malformed");
  return { since_ms: Number(since_ms), as_of_ms: Number(as_of_ms), marks };
}

function standing({ since_ms, as_of_ms, marks }, { row_id, generation, issued_s, now_ms, max_age_s }) {
  if (marks.includes(row_id.replaceAll("-", "").slice(16))) return "ended";
  const young = now_ms - as_of_ms <= max_age_s * 1000 && as_of_ms - now_ms <= 300_000;
  return young && generation > 0 && since_ms + 30_000 <= issued_s * 1000 ? "not-ended" : "unproved";
}

let passed = 0;
const check = async (f) => { await f(); passed++; };
const refused = (f, reason, why) => check(() => assert.rejects(async () => f(), (error) => error instanceof Refused && error.message === reason, why));

const { keys } = read("keys.json");
const roots = keys.map((key) => unhex(key.root));
for (const key of keys) await check(() => {
  const root = base64(key.text);
  assert.equal(root.toString("hex"), key.root);
  const id = derive(root, "key-id", 4);
  assert.equal(id.toString("hex"), key.key_id);
  const subkeys = ["cookie-seal", "cookie-sign", "feed-sign", "row-seal", "row-sign"].map((info) => derive(root, info, 32));
  assert.deepEqual(subkeys.map((subkey) => subkey.toString("hex")), Object.values(key.subkeys));
  assert.equal(key.edge_cookies, `waxseal-edge-v1.cookies.${concat(id, ...subkeys.slice(0, 3)).toString("base64url")}`);
  assert.equal(key.edge_rows, `waxseal-edge-v1.rows.${concat(id, ...subkeys).toString("base64url")}`);
});

const data = read("data.json");
for (const v of data.accepted) await check(() => assert.deepEqual(decodeData(unhex(v.encoded)), v.data));
for (const v of data.refused) await refused(() => decodeData(unhex(v.encoded)), "malformed", v.why);

const tickets = read("tickets.json");
for (const v of tickets.accepted) await check(async () => {
  const { name, protection, root, cookie_name, cookie, envelope, row_id, ...fields } = v;
  const issued = Math.floor(v.created_ms / 1000) + v.issued_after_s;
  assert.deepEqual(await openTicket(roots, cookie_name, cookie, issued), fields);
  assert.equal(rowId(unhex(v.secret), v.created_ms), row_id);
});
for (const v of tickets.refused) await refused(() => openTicket(roots, v.cookie_name, v.cookie, v.now_s), v.reason, v.why);

const rows = read("rows.json");
for (const v of rows.accepted) await check(async () => assert.deepEqual(await openRow(roots, v), v.data));
for (const v of rows.refused) await refused(() => openRow(roots, v), v.reason, v.why);

const feeds = read("feeds.json");
for (const v of feeds.accepted) await check(async () => {
  const { since_ms, as_of_ms, marks } = v;
  const feed = await openFeed(roots, v.cookie_name, unhex(v.feed));
  assert.deepEqual(feed, { since_ms, as_of_ms, marks });
  for (const s of v.standings) assert.equal(standing(feed, s), s.standing, v.name);
});
for (const v of feeds.refused) await refused(() => openFeed(roots, v.cookie_name, unhex(v.feed)), v.reason, v.why);

for (const { protection, envelope } of [...tickets.accepted, ...rows.accepted]) {
  if (protection !== "sealed") continue;
  await check(async () => assert.equal((await derivedKey(unhex(envelope.xaes_key), unhex(envelope.nonce))).toString("hex"), envelope.derived_key));
}

console.log(`${passed} passed, 0 failed`);
