// The example worker on D1: the Poem example keeps its sessions in SQLite by `waxseal-sea-orm`, and D1 holds copies of that table, as a
// replica does, which may lag.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { counting } from "./application.mjs";
import { bundle } from "./bundle.mjs";
import { start } from "../browser/application.mjs";
import { waxseal } from "../target.mjs";

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const key = waxseal(["keygen"]);
const folder = mkdtempSync(join(tmpdir(), "waxseal-d1-"));
const file = join(folder, "sessions.sqlite");

let app, proxy, miniflare, url, d1;

before(async () => {
  app = await start("poem", { DATABASE_URL: `sqlite://${file}?mode=rwc`, WAXSEAL_KEYS: key, WAXSEAL_TOUCH_INTERVAL: "1", WAXSEAL_IDLE_TIMEOUT: "600" });
  proxy = await counting(app);
  miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["nodejs_compat"],
    modules: await bundle(path("../../examples/edge-worker/src/worker.ts")),
    d1Databases: ["DB"],
    bindings: { ORIGIN: proxy.url, COOKIE_NAME: "session", MAX_AGE_SECONDS: "300", WAXSEAL_EDGE_KEYS: waxseal(["edge-keys", "rows"], key) },
  });
  url = (await miniflare.ready).origin;
  d1 = await miniflare.getD1Database("DB");
  for (const sql of dump().schema) await d1.prepare(sql).run();
});

after(async () => {
  await miniflare?.dispose();
  proxy?.close();
  await app?.stop();
  rmSync(folder, { recursive: true, force: true });
});

function dump() {
  return JSON.parse(execFileSync(path("node_modules/.bin/bun"), [path("dump.mjs"), file], { encoding: "utf8" }));
}

/** Brings D1 up to the application's database. */
async function replicate() {
  const inserts = dump().rows.map((row) => {
    const columns = row.map(([column]) => column);
    const values = row.map(([, value]) => (value?.hex === undefined ? value : new Uint8Array(Buffer.from(value.hex, "hex"))));
    return d1.prepare(`INSERT INTO waxseal_sessions (${columns}) VALUES (${columns.map(() => "?")})`).bind(...values);
  });
  await d1.batch([d1.prepare("DELETE FROM waxseal_sessions"), ...inserts]);
}

async function signIn(user) {
  const response = await fetch(`${url}/sign-in`, { method: "POST", body: new URLSearchParams({ user }) });
  assert.equal(response.status, 200);
  return issued(response);
}
const issued = (response) => response.headers.getSetCookie()[0]?.split(";")[0];
const put = (cookie, body) => fetch(`${url}/data/big`, { method: "PUT", headers: { cookie }, body: JSON.stringify(body) });
const data = async (cookie) => {
  const response = await fetch(`${url}/edge/data`, { headers: { cookie } });
  return { status: response.status, ...(await response.json()) };
};

test("the edge answers from the row in D1, and the application is not asked", async () => {
  const cookie = await signIn("ada");
  await put(cookie, { n: [1, -2.5, null, "zoë ☃"], deep: { a: true } });
  await replicate();
  const asked = proxy.paths.length;
  const row = await data(cookie);
  assert.deepEqual([row.status, row.subject, row.data["data.big"]], [200, "ada", { n: [1, -2.5, null, "zoë ☃"], deep: { a: true } }]);
  assert.equal(proxy.paths.length, asked);
});

test("a row in D1 that is older than its ticket is no answer, and signs nobody out", async () => {
  const first = await signIn("grace");
  await replicate();
  assert.equal((await data(first)).status, 200);
  // A change by a request that also issues the cookie again: the ticket knows of the new generation.
  await new Promise((resolve) => setTimeout(resolve, 2100));
  const cookie = issued(await put(first, "newer"));
  assert.ok(cookie && cookie !== first);
  assert.deepEqual(await data(cookie), { status: 503, error: "Try again in a moment." });
  await replicate();
  assert.equal((await data(cookie)).data["data.big"], "newer");
  assert.equal((await data(first)).data["data.big"], "newer", "a row may be newer than its ticket");
});

test("a session that was ended elsewhere is refused as soon as D1 knows", async () => {
  const [one, two] = [await signIn("eve"), await signIn("eve")];
  await replicate();
  assert.equal((await data(one)).status, 200);
  const response = await fetch(`${url}/devices/others/sign-out`, { method: "POST", headers: { cookie: two }, redirect: "manual" });
  assert.ok(response.status < 400, `${response.status}`);
  await replicate();
  assert.deepEqual(await data(one), { status: 401, error: "Sign in first." });
  assert.equal((await data(two)).status, 200);
});

test("a D1 that fails is 503, and nobody is signed out", async () => {
  const cookie = await signIn("ada");
  await replicate();
  await d1.prepare("ALTER TABLE waxseal_sessions RENAME TO away").run();
  assert.equal((await data(cookie)).status, 503);
  await d1.prepare("ALTER TABLE away RENAME TO waxseal_sessions").run();
  assert.equal((await data(cookie)).subject, "ada");
});
