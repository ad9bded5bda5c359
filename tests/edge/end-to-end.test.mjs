// The whole way in one run: the Poem example on PostgreSQL, the edge worker of examples/ in workerd before it, and Chromium.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { application, counting, database } from "./application.mjs";
import { bundle } from "./bundle.mjs";
import { launch } from "../browser/chromium.mjs";
import { waxseal } from "../target.mjs";

const MAX_AGE_SECONDS = 6;
const [first, second] = [waxseal(["keygen"]), waxseal(["keygen"])];
const settings = { WAXSEAL_TOUCH_INTERVAL: "1", WAXSEAL_IDLE_TIMEOUT: "600" };

let db, app, proxy, miniflare, options, url, browser;

before(async () => {
  db = await database();
  app = await application(db, { ...settings, WAXSEAL_KEYS: first });
  // The application may be started again elsewhere: the proxy asks where it is.
  proxy = await counting({ get url() { return app.url; } });
  const modules = await bundle(fileURLToPath(new URL("../../examples/edge-worker/src/worker.ts", import.meta.url)));
  options = {
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["nodejs_compat"],
    modules,
    hyperdrives: { HYPERDRIVE: db.url },
    bindings: worker(first),
  };
  miniflare = new Miniflare(options);
  url = (await miniflare.ready).origin;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  await miniflare?.dispose();
  proxy?.close();
  await app?.stop();
  await db?.drop();
});

function worker(keys, maxAge = MAX_AGE_SECONDS) {
  const edgeKeys = waxseal(["edge-keys", "rows"], keys);
  return { ORIGIN: proxy.url, COOKIE_NAME: "session", MAX_AGE_SECONDS: String(maxAge), WAXSEAL_EDGE_KEYS: edgeKeys };
}

const get = (path, cookie) => fetch(url + path, { headers: cookie ? { cookie } : {}, redirect: "manual" });
const json = async (path, cookie) => {
  const response = await get(path, cookie);
  return { status: response.status, ...(await response.json()) };
};

/** Signs in without a browser; the cookie. */
async function signIn(at, user) {
  const body = new URLSearchParams({ user });
  const response = await fetch(`${at}/sign-in`, { method: "POST", body });
  assert.equal(response.status, 200);
  const [cookie] = response.headers.getSetCookie();
  return { cookie: cookie.split(";")[0], line: cookie };
}

/** Calls until the answer is what is waited for. */
async function until(what, call, good) {
  for (const end = Date.now() + 30_000; ; ) {
    const answer = await call();
    if (good(answer)) return answer;
    assert.ok(Date.now() < end, `${what}: ${JSON.stringify(answer)}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

const keyId = (cookie) => Buffer.from(cookie.split("=")[1], "base64url").subarray(1, 5).toString("hex");

test("what is forged, expired or absent is refused at the edge, and the application is not asked", async () => {
  const { cookie } = await signIn(url, "mallory");
  const short = await application(db, { WAXSEAL_KEYS: first, WAXSEAL_LIFETIME: "2", WAXSEAL_IDLE_TIMEOUT: "2", WAXSEAL_TOUCH_INTERVAL: "1" });
  const expired = await signIn(short.url, "mallory");
  await short.stop();
  const anonymous = (await fetch(`${url}/visits`, { method: "POST" })).headers.getSetCookie()[0].split(";")[0];
  await until("expired", () => get("/edge/whoami", expired.cookie), ({ status }) => status === 401);
  const foreign = `session=${"A".repeat(200)}`;
  const asked = proxy.paths.length;
  const changed = `${cookie.slice(0, -30)}${cookie.at(-30) === "A" ? "B" : "A"}${cookie.slice(-29)}`;
  for (const bad of [undefined, "a=b", "session=", "session=x", foreign, changed, expired.cookie, anonymous]) {
    for (const path of ["/edge/whoami", "/edge/data", "/whoami", "/devices", "/devices/others/sign-out"]) {
      const response = await get(path, bad);
      assert.equal(response.status, 401, `${path} with ${bad}`);
      assert.equal(response.headers.get("set-cookie"), null);
      assert.deepEqual(await response.json(), { error: "Sign in first." });
    }
  }
  assert.equal(proxy.paths.length, asked, `the application was asked for ${proxy.paths.slice(asked)}`);
  assert.equal((await json("/whoami", cookie)).user, "mallory");
  assert.equal(proxy.paths.length, asked + 1);
});

test("Set-Cookie passes through the worker as it is", async () => {
  const seen = proxy.cookies.length;
  const { line } = await signIn(url, "ada");
  assert.deepEqual(proxy.cookies.slice(seen), [line]);
});

test("the edge answers from the ticket and from the row", async () => {
  const { cookie } = await signIn(url, "ada");
  await fetch(`${url}/data/big`, { method: "PUT", headers: { cookie }, body: JSON.stringify({ n: [1, -2.5, null, "zoë ☃"], deep: { a: true } }) });
  const asked = proxy.paths.length;
  const ticket = await json("/edge/whoami", cookie);
  assert.deepEqual({ ...ticket, secondsLeft: undefined }, { status: 200, from: "edge", subject: "ada", claims: { role: "member" }, secondsLeft: undefined });
  assert.ok(ticket.secondsLeft > 590 && ticket.secondsLeft <= 600, `${ticket.secondsLeft}`);
  const row = await json("/edge/data", cookie);
  assert.equal(row.subject, "ada");
  assert.deepEqual(row.data["data.big"], { n: [1, -2.5, null, "zoë ☃"], deep: { a: true } });
  assert.equal(proxy.paths.length, asked);
});

test("a stale ticket goes to the application instead of being refused", async () => {
  const { cookie } = await signIn(url, "ada");
  const asked = proxy.paths.length;
  await until("stale", () => json("/edge/whoami", cookie), (answer) => {
    assert.equal(answer.status, 200);
    return answer.from !== "edge" && answer.user === "ada";
  });
  assert.deepEqual(proxy.paths.slice(asked), ["/whoami"]);
});

test("a browser: the touch, another device's sign-out, and a rotation of the keys", async () => {
  const device = async () => {
    const context = await browser.newContext();
    const page = await context.newPage();
    const read = async (path) => {
      const response = await page.goto(url + path);
      const type = response.headers()["content-type"];
      return { status: response.status(), ...(type === "application/json" && JSON.parse(await response.text())) };
    };
    const signIn = async () => {
      await page.goto(url);
      await page.fill("input[name=user]", "grace");
      await Promise.all([page.waitForNavigation(), page.click("form[action='/sign-in'] button")]);
    };
    const cookie = async () => `session=${(await context.cookies(url)).find(({ name }) => name === "session").value}`;
    return { page, read, signIn, cookie };
  };
  const one = await device();
  assert.equal((await one.read("/edge/whoami")).status, 401);
  await one.signIn();
  await one.page.fill("input[name=item]", "wax");
  await Promise.all([one.page.waitForNavigation(), one.page.click("form[action='/list'] button")]);
  assert.match(await one.page.content(), /wax/);

  // The edge's answer is the ticket's: it stands until a touch issues the cookie again.
  assert.deepEqual((await one.read("/edge/data")).data["shopping-list"], { items: ["wax"] });
  const before = await until("time goes by", () => one.read("/edge/whoami"), ({ secondsLeft }) => secondsLeft < 599);
  const issued = await one.cookie();
  await one.page.goto(url);
  assert.notEqual(await one.cookie(), issued);
  const touched = await one.read("/edge/whoami");
  assert.deepEqual([touched.from, touched.subject, touched.claims], ["edge", "grace", { role: "member" }]);
  assert.ok(touched.secondsLeft > before.secondsLeft, `${touched.secondsLeft} after ${before.secondsLeft}`);

  // Another device signs this one out: the database knows at once, the snapshot only at its own bound.
  const two = await device();
  await two.signIn();
  await one.page.goto(url);
  const fresh = Date.now();
  await two.page.goto(url);
  await Promise.all([two.page.waitForNavigation(), two.page.click("form[action='/devices/others/sign-out'] button")]);
  assert.deepEqual(await one.read("/edge/data"), { status: 401, error: "Sign in first." });
  assert.equal((await one.read("/edge/whoami")).from, "edge");
  await until("the snapshot's bound", () => one.read("/edge/whoami"), ({ status }) => status === 401);
  // At most a second of rounding, and the calls themselves, beyond the bound.
  assert.ok(Date.now() - fresh < (MAX_AGE_SECONDS + 3) * 1000);

  // New keys: first at the edge (it opens both), then in the application.
  await miniflare.setOptions({ ...options, bindings: worker(`${second},${first}`) });
  url = (await miniflare.ready).origin;
  const old = await two.cookie();
  assert.equal((await two.read("/edge/data")).subject, "grace");
  await app.stop();
  app = await application(db, { ...settings, WAXSEAL_KEYS: `${second},${first}` });
  assert.equal((await two.read("/edge/data")).subject, "grace");
  const home = await until("the new key", async () => {
    await two.page.goto(url);
    return two.cookie();
  }, (cookie) => keyId(cookie) !== keyId(old));
  assert.notEqual(home, old);
  assert.deepEqual([(await two.read("/edge/whoami")).from, (await two.read("/edge/data")).subject], ["edge", "grace"]);
  assert.match((await two.page.goto(url), await two.page.content()), /grace/);
});

test("a database that fails is 503 at the edge, and nobody is signed out", async () => {
  const { cookie } = await signIn(url, "ada");
  // Not its server stopped: Miniflare's stand-in for Hyperdrive does not outlive that.
  await db.sql`ALTER TABLE waxseal_sessions RENAME TO away`;
  const response = await get("/edge/data", cookie);
  assert.deepEqual([response.status, response.headers.get("set-cookie")], [503, null]);
  assert.equal((await json("/edge/whoami", cookie)).from, "edge");
  await db.sql`ALTER TABLE away RENAME TO waxseal_sessions`;
  assert.equal((await json("/edge/data", cookie)).subject, "ada");
});

test("a row through Hyperdrive that is older than its ticket is 503 at the edge, and nobody is signed out", async () => {
  const { cookie } = await signIn(url, "ada");
  await fetch(`${url}/data/n`, { method: "PUT", headers: { cookie }, body: "1" });
  const [before] = await db.sql`SELECT * FROM waxseal_sessions WHERE subject = 'ada' AND generation > 1 ORDER BY created_at DESC LIMIT 1`;
  // A request later than the touch interval issues the cookie again, with the generation that it knows.
  const touched = await until("the touch", async () => {
    const response = await fetch(`${url}/data/n`, { method: "PUT", headers: { cookie }, body: "2" });
    return response.headers.getSetCookie()[0]?.split(";")[0];
  }, (cookie) => cookie);
  assert.equal((await json("/edge/data", touched)).data["data.n"], 2);
  const [now] = await db.sql`SELECT * FROM waxseal_sessions WHERE id = ${before.id}`;
  // A backup is restored.
  await db.sql`UPDATE waxseal_sessions SET generation = ${before.generation}, data = ${before.data} WHERE id = ${before.id}`;
  assert.deepEqual(await json("/edge/data", touched), { status: 503, error: "Try again in a moment." });
  assert.equal((await json("/edge/data", cookie)).data["data.n"], 1, "an older ticket cannot know");
  await db.sql`UPDATE waxseal_sessions SET generation = ${now.generation}, data = ${now.data} WHERE id = ${before.id}`;
  assert.equal((await json("/edge/data", touched)).data["data.n"], 2);
});
