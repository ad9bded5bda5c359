// What the package must answer, on every runtime the same: the vectors of tests/vectors, and hostile inputs. Nothing here is of one
// runtime. Throws at the first wrong answer; gives all answers, so that the runtimes can be compared with each other.

import { base64, base64url, canonical, data, hex, includes, unhex, utf8 } from "./bytes.mjs";
import { checkFeeds } from "./feed-checks.mjs";
import { signer, text, varint } from "./signer.mjs";

/** As Node's `Buffer`: bytes whose text is not their numbers. Not every runtime has that one. */
class LikeBuffer extends Uint8Array {
  toString() {
    return new TextDecoder().decode(this);
  }
}

export async function check(waxseal, vectors, memories, { rounds }) {
  const { Edge } = waxseal;
  const { tickets, rows, keys, cookieHeaders } = vectors;
  const answers = [];
  const same = (what, found, expected) => {
    const [a, b] = [canonical(found), canonical(expected)];
    if (a !== b) throw new Error(`${what}: ${a}, expected ${b}`);
    answers.push(`${what}: ${a}`);
  };
  const throws = (what, call, text) => {
    try {
      call();
    } catch (error) {
      if (!(error instanceof TypeError && error.message.includes(text))) throw new Error(`${what}: ${error}`);
      answers.push(`${what}: ${error.message}`);
      return;
    }
    throw new Error(`${what}: no error, expected ${text}`);
  };
  const rowKeys = keys.keys.map((key) => key.edge_rows).join("\n");
  const cookieKeys = keys.keys.map((key) => key.edge_cookies).join(",");
  const at = (seconds, options = {}) => new Edge(rowKeys, { maxAgeSeconds: 60, now: () => seconds * 1000, ...options });
  const fields = (opened) => (opened.ok ? { state: opened.state, ...opened.ticket, rowId: opened.ticket.rowId, rowIdBytes: opened.ticket.rowIdBytes } : opened.reason);
  const reason = (opened) => (opened.ok ? "ok" : opened.reason);

  const laterId = (vector, header) => {
    let now = vector.created_ms + vector.issued_after_s * 1000;
    const opened = new Edge(rowKeys, { maxAgeSeconds: 60, now: () => now, cookieName: vector.cookie_name }).open(header);
    now += 1e12;
    return opened.ticket.rowId;
  };

  // The vectors of tickets.
  for (const vector of tickets.accepted) {
    const created = Math.floor(vector.created_ms / 1000);
    const issued = created + vector.issued_after_s;
    const expected = {
      subject: vector.subject,
      claims: data(vector.claims),
      createdUnixSeconds: created,
      issuedUnixSeconds: issued,
      expiresUnixSeconds: created + vector.expires_after_s,
      deadlineUnixSeconds: created + vector.lifetime_s,
      idleTimeoutSeconds: vector.idle_s,
      persistent: vector.persistent,
      generation: vector.generation,
      rowId: vector.row_id,
      rowIdBytes: unhex(vector.row_id.replaceAll("-", "")),
    };
    const header = `theme=dark; ${vector.cookie_name}=${vector.cookie}; other=1`;
    const what = `${vector.protection} ${vector.name}`;
    const options = { cookieName: vector.cookie_name };
    same(what, fields(at(issued, options).open(header)), { state: "fresh", ...expected });
    same(`${what}, cookie keys`, fields(new Edge(cookieKeys, { maxAgeSeconds: 60, now: () => issued * 1000, ...options }).open(header)), { state: "fresh", ...expected });
    same(`${what}, 61 s later`, fields(at(issued + 61, options).open(header)), { state: "stale", ...expected });
    if (vector.expires_after_s < vector.lifetime_s) {
      const idle = at(created + vector.expires_after_s, { ...options, maxAgeSeconds: 1e9 });
      same(`${what}, past its idle expiry`, fields(idle.open(header)), { state: "stale", ...expected });
    }
    same(`${what}, its row id at any later time`, laterId(vector, header), vector.row_id);
    same(`${what}, five minutes early`, reason(at(issued - 300, { ...options, maxAgeSeconds: 0 }).open(header)), "ok");
    same(`${what}, a second earlier`, reason(at(issued - 301, options).open(header)), "not-yet-valid");
    same(`${what}, at its end`, reason(at(created + vector.lifetime_s, options).open(header)), "expired");
  }
  for (const vector of tickets.refused) {
    const edge = at(vector.now_s, { cookieName: vector.cookie_name });
    same(`refused ticket: ${vector.why}`, reason(edge.open(`${vector.cookie_name}=${vector.cookie}`)), vector.reason);
  }

  await checkFeeds(waxseal, vectors, same);

  // The vectors of rows, with the cookies of the same secrets.
  const cookieOf = (fields) => tickets.accepted.find((ticket) => Object.entries(fields).every(([field, value]) => ticket[field] === value));
  const issuedAt = (ticket) => Math.floor(ticket.created_ms / 1000) + ticket.issued_after_s;
  const columnsOf = (vector) => ({
    id: unhex(vector.row_id.replaceAll("-", "")),
    generation: vector.generation,
    subject: vector.subject,
    created_at: vector.created_ms,
    lifetime_s: vector.lifetime_s,
    expires_at: Math.floor(vector.created_ms / 1000) + vector.lifetime_s,
    data: unhex(vector.row),
  });
  const opened = (edge, ticket) => {
    const result = edge.open(`${ticket.cookie_name}=${ticket.cookie}`);
    if (!result.ok) throw new Error(result.reason);
    return result.ticket;
  };
  for (const vector of rows.accepted) {
    for (const protection of ["sealed", "signed"]) {
      const ticket = cookieOf({ secret: vector.secret, protection, generation: vector.generation });
      const edge = at(issuedAt(ticket));
      const row = columnsOf(vector);
      const what = `${vector.protection} row of ${ticket.name}, ${protection} cookie`;
      const good = { ok: true, data: data(vector.data) };
      const session = opened(edge, ticket);
      same(what, edge.openRow(session, row), good);
      // As drivers and JSON APIs hand it over.
      const { id, data: bytes, ...rest } = row;
      same(`${what}, without its id`, edge.openRow(session, { ...rest, data: bytes }), good);
      same(`${what}, D1`, edge.openRow(session, { ...rest, id: [...id], data: [...bytes] }), good);
      same(`${what}, ArrayBuffer`, edge.openRow(session, { ...rest, data: bytes.buffer }), good);
      same(`${what}, base64`, edge.openRow(session, { ...rest, id: vector.row_id, data: base64(bytes) }), good);
      const id16 = { uuid: vector.row_id, "UUID in capitals": vector.row_id.toUpperCase(), "32 digits": hex(id), "PostgreSQL text": `\\x${hex(id)}`, base64: base64(id), "base64 without padding": base64(id).slice(0, 22), base64url: base64url(id) };
      for (const [form, value] of Object.entries({ ...id16, ArrayBuffer: id.buffer, Buffer: LikeBuffer.from(id), "Buffer JSON": { type: "Buffer", data: [...id] } })) {
        same(`${what}, id as ${form}`, edge.openRow(session, { ...row, id: value }), good);
      }
      for (const form of ["uuid", "32 digits", "PostgreSQL text", "base64"]) {
        const another = id16[form].replace(/[1-9a-f](?=[^x]*$)/, (digit) => (digit === "1" ? "2" : "1"));
        same(`${what}, another id as ${form}`, edge.openRow(session, { ...row, id: another }), { ok: false, reason: "another-session" });
      }
      for (const bad of ["", "x", hex(id).slice(1), `${hex(id)}0`, `{${vector.row_id}}`, vector.row_id.replace("-", ""), `\\x${hex(id).slice(2)}`, "☃".repeat(22)]) {
        throws(`${what}, id ${bad}`, () => edge.openRow(session, { ...row, id: bad }), "column id must be bytes");
      }
      same(`${what}, base64url`, edge.openRow(session, { ...rest, data: base64url(bytes) }), good);
      same(`${what}, PostgreSQL text`, edge.openRow(session, { ...rest, data: `\\x${hex(bytes)}` }), good);
      same(`${what}, a Buffer's JSON`, edge.openRow(session, { ...rest, data: { type: "Buffer", data: [...bytes] } }), good);
      const texts = { generation: String(row.generation), created_at: String(row.created_at), lifetime_s: String(row.lifetime_s), expires_at: String(row.expires_at) };
      same(`${what}, integers as text`, edge.openRow(session, { ...row, ...texts }), good);
      const camel = { createdAt: BigInt(row.created_at), lifetimeS: row.lifetime_s, expiresAt: BigInt(row.expires_at) };
      same(`${what}, camel case and BigInt`, edge.openRow(session, { generation: BigInt(row.generation), subject: row.subject, data: bytes, ...camel }), good);
      // What is no longer there, or not his.
      same(`${what}, not found`, edge.openRow(session, null), { ok: false, reason: "ended" });
      same(`${what}, not found`, edge.openRow(session, undefined), { ok: false, reason: "ended" });
      for (const nothing of [[], null, ""]) {
        same(`${what}, ended`, edge.openRow(session, { ...row, generation: 0, data: nothing }), { ok: false, reason: "ended" });
      }
      same(`${what}, expired`, edge.openRow(session, { ...row, expires_at: Math.floor(vector.created_ms / 1000) }), { ok: false, reason: "expired" });
      // Older than its ticket, and expired as of then: said to be behind, not expired.
      if (row.generation > 1) same(`${what}, behind`, edge.openRow(session, { ...row, generation: row.generation - 1, expires_at: 0 }), { ok: false, reason: "behind" });
      same(`${what}, negative`, edge.openRow(session, { ...row, generation: -1 }), { ok: false, reason: "forged" });
      same(`${what}, empty`, edge.openRow(session, { ...row, data: [] }), { ok: false, reason: "malformed" });
      same(`${what}, far too large`, edge.openRow(session, { ...row, data: new Uint8Array(2 ** 24 + 1) }), { ok: false, reason: "malformed" });
      const flipped = bytes.map((byte, index) => (index === bytes.length - 1 ? byte ^ 1 : byte));
      same(`${what}, one bit`, edge.openRow(session, { ...row, data: flipped }), { ok: false, reason: "forged" });
      const other = bytes.map((byte, index) => (index === 2 ? byte ^ 1 : byte));
      same(`${what}, another key`, edge.openRow(session, { ...row, data: other }), { ok: false, reason: "unknown-key" });
      throws(`${what}, no data`, () => edge.openRow(session, { ...row, data: undefined }), "no column data");
      throws(`${what}, no lifetime`, () => edge.openRow(session, { ...row, lifetime_s: undefined }), "no column lifetime_s");
      throws(`${what}, no subject`, () => edge.openRow(session, { ...row, subject: undefined }), "add it to the SELECT");
      throws(`${what}, an unsafe integer`, () => edge.openRow(session, { ...row, generation: 2 ** 60 }), "must be an integer");
      throws(`${what}, no number`, () => edge.openRow(session, { ...row, created_at: Number.NaN }), "must be an integer");
      throws(`${what}, no bytes`, () => edge.openRow(session, { ...row, data: 7 }), "must be bytes");
      throws(`${what}, no base64`, () => edge.openRow(session, { ...row, data: "☃" }), "must be bytes");
      throws(`${what}, a copied ticket`, () => edge.openRow({ ...session }, row), "not a copy");
      const cookiesOnly = new Edge(cookieKeys, { maxAgeSeconds: 60, now: () => issuedAt(ticket) * 1000 });
      throws(`${what}, cookie keys`, () => cookiesOnly.openRow(opened(cookiesOnly, ticket), row), "open only cookies");
    }
  }
  for (const vector of rows.refused) {
    const ticket = cookieOf({ secret: vector.secret, protection: "sealed", generation: vector.ticket_generation ?? 2 });
    if (!ticket) continue; // "another secret": that no cookie has; the row of another session stands for it below
    const edge = at(Math.floor(vector.created_ms / 1000));
    const foreign = /another row id|creation|lifetime|subject/.test(vector.why);
    same(`refused row: ${vector.why}`, edge.openRow(opened(edge, ticket), columnsOf(vector)), { ok: false, reason: foreign ? "another-session" : vector.reason });
  }
  {
    const { secret } = rows.accepted.find((row) => row.generation === 3);
    const [older, newer] = [2, 3].map((generation) => columnsOf(rows.accepted.find((row) => row.secret === secret && row.generation === generation)));
    const edge = at(1_790_000_000);
    same("a row that was saved since the ticket", edge.openRow(opened(edge, cookieOf({ secret, generation: 2 })), newer).ok, true);
    same("a row that was saved before it", edge.openRow(opened(edge, cookieOf({ secret, generation: 3 })), older), { ok: false, reason: "behind" });
    same("the same under a newer number", edge.openRow(opened(edge, cookieOf({ secret, generation: 3 })), { ...older, generation: 3 }), { ok: false, reason: "forged" });
    const stateless = opened(edge, cookieOf({ secret, generation: 0 }));
    same("a stateless ticket has no row", [edge.openRow(stateless, newer), edge.openRow(stateless, null)], [{ ok: false, reason: "another-session" }, { ok: false, reason: "ended" }]);
    let now = 1_790_000_000_123;
    const back = new Edge(rowKeys, { maxAgeSeconds: 60, now: () => now });
    const session = opened(back, cookieOf({ secret, generation: 2 }));
    now -= 3_600_000;
    same("a clock that was set back", back.openRow(session, newer).ok, true);
  }
  const [mine, yours] = [...new Set(rows.accepted.map((row) => row.secret))];
  {
    const edge = at(1_790_000_000);
    const row = columnsOf(rows.accepted.find((row) => row.secret === yours));
    same("the row of another session", edge.openRow(opened(edge, cookieOf({ secret: mine, protection: "sealed" })), row), { ok: false, reason: "another-session" });
    // A database that lies about all that it can lie about still opens nothing.
    const { created_ms, lifetime_s, subject } = cookieOf({ secret: mine, protection: "sealed" });
    const lie = { generation: row.generation, data: row.data, created_at: created_ms, lifetime_s, subject, expires_at: row.expires_at };
    same("the same, disguised", edge.openRow(opened(edge, cookieOf({ secret: mine, protection: "sealed" })), lie), { ok: false, reason: "forged" });
  }

  // Headers: whose cookie is it, and how many.
  const key = keys.keys[0];
  const { ticket } = await signer(key);
  const now = 1_790_000_000;
  const edge = at(now);
  const good = tickets.accepted.find((ticket) => ticket.name === "signed-in" && ticket.protection === "sealed");
  const { cookie } = good;
  const bad = `${cookie.slice(0, 60)}${cookie[60] === "A" ? "B" : "A"}${cookie.slice(61)}`;
  const name = "__Host-session";
  const junk = `${name}=x; `;
  const headers = {
    "no header": [null, "absent"],
    "an undefined header": [undefined, "absent"],
    "an empty header": ["", "absent"],
    "other cookies": ["a=b; c=d", "absent"],
    "another case": [`__host-session=${cookie}`, "absent"],
    "a longer name": [`x${name}=${cookie}; ${name}x=${cookie}`, "absent"],
    "in another cookie's value": [`a=${name}=${cookie}`, "absent"],
    "a name without a value": [name, "absent"],
    "an empty value": [`${name}=`, "malformed"],
    "no spaces": [`a=b;${name}=${cookie};c=d`, "ok"],
    "many spaces": [`a=b ; \t ${name}=${cookie}  ; c=d`, "ok"],
    "quotes": [`${name}="${cookie}"`, "ok"],
    "one quote": [`${name}="${cookie}`, "malformed"],
    "a planted one before it": [`${name}=${bad}; ${name}=${cookie}`, "ok"],
    "a planted one behind it": [`${name}=${cookie}; ${name}=${bad}`, "ok"],
    "three planted before it": [junk.repeat(3) + `${name}=${cookie}`, "ok"],
    "sixty-three planted before it": [junk.repeat(63) + `${name}=${cookie}`, "ok"],
    "sixty-four planted before it": [junk.repeat(64) + `${name}=${cookie}`, "malformed"],
    "the nearest of two refusals": [`${name}=x; ${name}=${bad}`, "forged"],
    "characters that are none of a cookie's": [`${name}=${cookie}☃`, "malformed"],
    "half a surrogate pair": [`${name}=\ud800`, "malformed"],
    "nothing but a surrogate in the middle": [`${name}=${cookie.slice(0, 50)}\udc00${cookie.slice(51)}`, "malformed"],
    "a null character": [`${name}=${cookie}\0`, "malformed"],
    "a new line": [`${name}=${cookie.slice(0, 9)}\n${cookie.slice(9)}`, "malformed"],
    "padding": [`${name}=${cookie}=`, "malformed"],
    "standard base64": [`${name}=${cookie.replaceAll("-", "+").replaceAll("_", "/")}+/`, "malformed"],
    "4096 characters": [`${name}=${"A".repeat(4096)}`, "malformed"],
    "4097 characters": [`${name}=${"A".repeat(4097)}`, "malformed"],
    "ten million characters": [`${name}=${"A".repeat(1e7)}`, "malformed"],
    "half a million cookies": [junk.repeat(5e5), "malformed"],
    "half a million names": [`${name} `.repeat(5e5), "absent"],
  };
  for (const [what, [header, expected]] of Object.entries(headers)) same(`header: ${what}`, reason(edge.open(header)), expected);
  // As the application finds them: GOOD stands for a cookie that opens.
  const odd = at(now, { cookieName: cookieHeaders.name });
  const real = await ticket(cookieHeaders.name, [0], { created: now * 1000 });
  for (const { header, candidates } of cookieHeaders.headers) {
    const expected = candidates.length === 0 ? "absent" : candidates.includes("GOOD") ? "ok" : "malformed";
    // Lines that a runtime has joined are looked at too, below.
    if (expected !== "ok" && header.includes(", ")) continue;
    same(`header: ${JSON.stringify(header)}`, reason(odd.open(header.replaceAll("GOOD", real))), expected);
  }
  // Two authentic tickets: somebody may have planted one, and which of them lives only the application knows.
  const another = tickets.accepted.find((ticket) => ticket.name === "anonymous" && ticket.protection === "sealed").cookie;
  const twice = (...values) => {
    const { ok, state, ticket } = edge.open(values.map((value) => `${name}=${value}`).join("; "));
    return [ok, state, ticket?.subject];
  };
  const stateOf = (header) => edge.open(header).state;
  same("lines that a runtime has joined", stateOf(`a=1, ${name}=${cookie}`), "stale");
  same("the first of joined lines", stateOf(`${name}=${cookie}, b=2`), "stale");
  same("a part of another cookie's value is for the application to judge", stateOf(`a=x, ${name}=${cookie}; b=1`), "stale");
  same("joined lines beside the real cookie", stateOf(`a=x, y; ${name}=${cookie}`), "fresh");
  same("two tickets", twice(cookie, another), [true, "stale", "ada@example.com"]);
  same("two tickets the other way round", twice(another, bad, cookie), [true, "stale", null]);
  same("two tickets far apart", twice(cookie, "x", "y", "z", bad, another), [true, "stale", "ada@example.com"]);
  same("the same ticket twice", twice(cookie, cookie), [true, "fresh", "ada@example.com"]);
  same("a ticket and a forgery", twice(cookie, bad, "x"), [true, "fresh", "ada@example.com"]);
  const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const refusals = {};
  for (let index = 0; index < cookie.length; index++) {
    for (const character of alphabet) {
      if (character === cookie[index]) continue;
      const answer = reason(edge.open(`${name}=${cookie.slice(0, index)}${character}${cookie.slice(index + 1)}`));
      refusals[answer] = (refusals[answer] ?? 0) + 1;
    }
    const cut = reason(edge.open(`${name}=${cookie.slice(0, index)}`));
    if (cut === "ok") throw new Error(`cut at ${index}: opened`);
  }
  if (refusals.ok) throw new Error("a changed cookie opened");
  same("every change of one character", refusals, refusals);
  same("the untouched cookie, afterwards", reason(edge.open(`${name}=${cookie}`)), "ok");

  // Contents that only a holder of the keys can make: authentic, and still decoded with care.
  const made = async (claims, times) => {
    const result = edge.open(`${name}=${await ticket(name, claims, { created: now * 1000, ...times })}`);
    return result.ok ? result.ticket.claims : result.reason;
  };
  const own = await made([3, ...text("__proto__"), 8, 1, ...text("admin"), 1, 1, ...text("constructor"), 5, ...text("c"), ...text("toString"), 5, ...text("t")]);
  same("a claim named __proto__ is a claim", [Object.hasOwn(own, "__proto__"), own.__proto__, own.admin, {}.admin], [true, { admin: true }, undefined, undefined]);
  same("so are constructor and toString", [own.constructor, own.toString], ["c", "t"]);
  const copies = { assign: Object.assign({}, own), spread: { ...own }, clone: structuredClone(own), json: JSON.parse(JSON.stringify(own)), entries: Object.fromEntries(Object.entries(own)) };
  for (const [how, copy] of Object.entries(copies)) {
    same(`copied by ${how}`, [Object.getPrototypeOf(copy) === Object.prototype, copy, copy.admin], [true, { constructor: "c", toString: "t" }, undefined]);
  }
  const none = await made([1, ...text("map"), 8, 0]);
  for (const object of [none, none.map]) {
    const inherited = [...Object.getOwnPropertyNames(Object.prototype), "admin"].filter((member) => object[member] !== undefined);
    same("nothing is inherited", [inherited, Object.getPrototypeOf(object)], [[], null]);
  }
  same("text with surrogate pairs", await made([2, ...text("a"), 5, ...text("😀é\u0000x"), ...text("b"), 5, ...text("\ufeff¿")]), { a: "😀é\u0000x", b: "\ufeff¿" });
  const extremes = [["least", "-9223372036854775808"], ["minus", "-9007199254740992"], ["safe", "-9007199254740991"], ["zero", "0"]];
  const zigzag = (number) => varint(BigInt.asUintN(64, (BigInt(number) << 1n) ^ (BigInt(number) >> 63n)));
  same("the edges of integers", await made([extremes.length, ...extremes.flatMap(([label, number]) => [...text(label), 2, ...zigzag(number)])]), { least: -(2n ** 63n), minus: -(2n ** 53n), safe: -(2 ** 53 - 1), zero: 0 });
  const double = (number) => [...new Uint8Array(new Float64Array([number]).buffer)];
  same("doubles", await made([4, ...text("a"), 4, ...double(-0), ...text("b"), 4, ...double(Infinity), ...text("c"), 4, ...double(NaN), ...text("d"), 4, ...double(5e-324)]), { a: -0, b: Infinity, c: NaN, d: 5e-324 });
  same("32 levels", canonical(await made([1, ...text("a"), ...new Array(32).fill([7, 1]).flat(), 0])).length, '{"a":null}'.length + 64);
  const nested = (levels) => [1, ...text("a"), ...Array.from({ length: levels }, () => [8, 1, ...text("a")]).flat(), 0];
  same("32 levels of maps", canonical(await made(nested(32))), `${'{"a":'.repeat(33)}null${"}".repeat(33)}`);
  for (const [what, claims] of Object.entries({
    "33 levels of maps": nested(33),
    "33 levels": [1, ...text("a"), ...new Array(33).fill([7, 1]).flat(), 0],
    "a length that is not there": [1, ...text("a"), 5, ...varint(2n ** 62n)],
    "four billion entries": varint(2 ** 32 - 1),
    "an unknown tag": [1, ...text("a"), 9],
    "text that is not UTF-8": [1, ...text("a"), 5, 2, 0xc3, 0x28],
    "keys out of order": [2, ...text("b"), 0, ...text("a"), 0],
    "bytes behind the end": [0, 0],
    "nothing": [],
  })) same(`authentic claims: ${what}`, await made(claims), "malformed");
  const far = 2n ** 64n - 1n;
  same("a ticket from the end of time", await made([0], { created: far }), "not-yet-valid");
  same("a lifetime without end", typeof (await made([0], { lifetime: far })), "object");
  same("an idle expiry behind the lifetime", await made([0], { expires: 3601 }), "malformed");

  // Keys and options.
  const options = { maxAgeSeconds: 60 };
  throws("no keys", () => new Edge("", options), "there is no edge key");
  throws("blank keys", () => new Edge(" \n,", options), "there is no edge key");
  throws("undefined keys", () => new Edge(undefined, options), "is the secret set?");
  throws("a root key", () => new Edge(key.text, options), "root keys do not belong");
  throws("a key twice", () => new Edge(`${key.edge_rows},${key.edge_rows}`, options), "twice");
  throws("half a key", () => new Edge(key.edge_rows.slice(0, -3), options), "not an edge key");
  throws("a key with something before it", () => new Edge(`☃${key.edge_rows}`, options), "not an edge key");
  throws("no options", () => new Edge(rowKeys), "set maxAgeSeconds");
  throws("no age", () => new Edge(rowKeys, {}), "set maxAgeSeconds");
  throws("a negative age", () => new Edge(rowKeys, { maxAgeSeconds: -1 }), "maxAgeSeconds");
  throws("an age without end", () => new Edge(rowKeys, { maxAgeSeconds: Infinity }), "maxAgeSeconds");
  throws("an age of text", () => new Edge(rowKeys, { maxAgeSeconds: "60" }), "maxAgeSeconds");
  throws("a cookie's name with a space", () => new Edge(rowKeys, { ...options, cookieName: "a b" }), "cookieName");
  // A clock in seconds, or of a Worker's global scope, would let every ticket live.
  for (const time of [0, NaN, undefined, "1790000000000", 1_790_000_000, -1, Infinity]) {
    throws(`a clock that says ${time}`, () => new Edge(rowKeys, { ...options, now: () => time }).open(`${name}=${cookie}`), "Unix milliseconds");
  }
  same("row keys open rows", [at(now).opensRows, new Edge(cookieKeys, options).opensRows], [true, false]);
  same("the other key alone", reason(new Edge(keys.keys[1 - good.root].edge_rows, { ...options, now: () => now * 1000 }).open(`${name}=${cookie}`)), "unknown-key");
  same("age 0 is fresh in its first second", at(now, { maxAgeSeconds: 0 }).open(`${name}=${cookie}`).state, "fresh");

  // What is left in the module's memory: neither the cookie's secret nor what was in it, opened or refused.
  const contents = opened(edge, good);
  const vector = rows.accepted.find((row) => row.secret === good.secret && row.protection === "sealed");
  if (!edge.openRow(contents, columnsOf(vector)).ok || contents.rowId !== good.row_id) throw new Error("not opened");
  const secrets = { "the session secret": unhex(good.secret), "the cookie's value": utf8.encode(cookie), "the subject": utf8.encode(good.subject), "the row's key": unhex(vector.envelope.xaes_key), "the key derived of it": unhex(vector.envelope.derived_key), "the row's contents": unhex(vector.envelope.plaintext).slice(2) };
  const left = Object.keys(secrets).filter((what) => memories.some((memory) => includes(new Uint8Array(memory.buffer), secrets[what])));
  same("left in memory", left, []);

  // No leak: as many verifications as an instance lives through, good ones, bad ones and rows.
  const pages = () => memories.map((memory) => memory.buffer.byteLength);
  for (let round = 0; round < 1000; round++) edge.open(`${name}=${cookie}`);
  const before = pages();
  const row = columnsOf(vector);
  for (let round = 0; round < rounds; round++) {
    const result = edge.open(round % 4 === 3 ? `${name}=${bad}` : `${name}=${cookie}`);
    if (result.ok !== (round % 4 !== 3)) throw new Error(`round ${round}: ${reason(result)}`);
    if (round % 16 === 0 && !edge.openRow(result.ticket, row).ok) throw new Error(`round ${round}: row`);
  }
  const after = pages();
  if (canonical(before) !== canonical(after)) throw new Error(`leak: ${before} bytes of memory before, ${after} after`);
  if (after.length === 0) throw new Error("no memory was seen");
  return { answers, memory: after };
}
