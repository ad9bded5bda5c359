// A large row leaves nothing behind: the next calls cost what they cost before, and its contents are wiped.

import { memories } from "./package/capture.mjs";
import assert from "node:assert/strict";
import { test } from "node:test";
import { be64, concat, includes, utf8 } from "./package/bytes.mjs";
import { signer, text, varint } from "./package/signer.mjs";
import { vectors } from "./package/vectors.mjs";

const { Edge } = await import("waxseal");
const NAME = "__Host-session";
const CREATED = 1_790_000_000_000;
const MIB = 1024 * 1024;

test("after a row of 15 MiB, opening a cookie takes at most three times as long as before, and so does a small row", async () => {
  const { edge, ticket, open, row } = await session();
  const small = await row([1, ...text("a"), 0]);
  const operations = { open, openRow: () => assert.ok(edge.openRow(ticket, small).ok) };
  const before = Object.entries(operations).map(([name, operation]) => [name, median(operation)]);
  const marks = [utf8.encode("text that was in the row"), utf8.encode("bytes that were in the row")];
  const large = await row(concat([2], text("bytes"), [6], varint(8 * MIB), marks[1], new Uint8Array(8 * MIB - marks[1].length), text("text"), [5], varint(7 * MIB), marks[0], new Uint8Array(7 * MIB - marks[0].length).fill(97)));
  const opened = edge.openRow(ticket, large);
  assert.deepEqual([opened.ok, opened.data?.text.length, opened.data?.bytes.length], [true, 7 * MIB, 8 * MIB]);
  for (const mark of marks) assert.ok(!memories.some((memory) => includes(new Uint8Array(memory.buffer), mark)), "left in memory");
  for (const [name, time] of before) {
    const after = median(operations[name]);
    assert.ok(after <= 3 * time, `${name}: ${after} µs after the row, ${time} before`);
  }
});

test("nor does a long list of edge keys, or a refused row", async () => {
  const { edge, ticket, open, row } = await session();
  const before = median(open);
  assert.throws(() => new Edge("x".repeat(15 * MIB), { maxAgeSeconds: 60 }), TypeError);
  const refused = await row([0]);
  refused.data = concat(refused.data.slice(0, 5), new Uint8Array(15 * MIB));
  assert.deepEqual(edge.openRow(ticket, refused), { ok: false, reason: "forged" });
  const after = median(open);
  assert.ok(after <= 3 * before, `${after} µs, ${before} before`);
});

/** A session of its own instance, and rows of it with whatever data. */
async function session() {
  const [key] = vectors().keys.keys;
  const edge = new Edge(key.edge_rows, { maxAgeSeconds: 60, now: () => CREATED });
  const { ticket: sign, row: signRow } = await signer(key);
  const cookie = `${NAME}=${await sign(NAME, [0], { created: CREATED })}`;
  const open = () => {
    const opened = edge.open(cookie);
    assert.ok(opened.ok);
    return opened.ticket;
  };
  const ticket = open();
  const row = async (data) => {
    const times = { created_at: CREATED, lifetime_s: 3600, expires_at: CREATED / 1000 + 60 };
    const context = [ticket.rowIdBytes, be64(1), be64(CREATED), be64(3600), utf8.encode(ticket.subject), [1], new Uint8Array(32).fill(7)];
    return { generation: 1, subject: ticket.subject, ...times, data: await signRow(context, data) };
  };
  return { edge, ticket, open, row };
}

/** The median of batches; microseconds a call. */
function median(operation) {
  const times = Array.from({ length: 15 }, () => {
    const start = performance.now();
    for (let n = 0; n < 200; n++) operation();
    return (performance.now() - start) * 5;
  });
  return times.toSorted((a, b) => a - b)[7];
}
