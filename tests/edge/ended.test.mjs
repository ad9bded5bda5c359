// A sign-out at the origin counts at the edge: the Poem example on PostgreSQL, the edge worker of examples/ in workerd with the feed of
// ended sessions, and Chromium as two devices.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { application, counting, database } from "./application.mjs";
import { bundle } from "./bundle.mjs";
import { launch } from "../browser/chromium.mjs";
import { waxseal } from "../target.mjs";

/** How often the worker fetches the feed, and how old it may be to prove anything; seconds. */
const REFRESH = 2;
const MAX_AGE = 6;
/** Where the application serves the feed. */
const FEED = "/ended-sessions";
/** For the calls themselves, and for the second that the application keeps a feed. */
const SLACK_MS = 2_500;


let db, app, proxy, miniflare, url, browser;

before(async () => {
  const keys = waxseal(["keygen"]);
  db = await database();
  // No touch issues a cookie again while this runs.
  app = await application(db, { WAXSEAL_KEYS: keys, WAXSEAL_TOUCH_INTERVAL: "300" });
  proxy = await counting(app);
  miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    compatibilityFlags: ["nodejs_compat"],
    modules: await bundle(fileURLToPath(new URL("../../examples/edge-worker/src/worker.ts", import.meta.url))),
    hyperdrives: { HYPERDRIVE: db.url },
    bindings: {
      ORIGIN: proxy.url,
      COOKIE_NAME: "session",
      MAX_AGE_SECONDS: "570",
      FEED_URL: proxy.url + FEED,
      FEED_REFRESH_SECONDS: String(REFRESH),
      FEED_MAX_AGE_SECONDS: String(MAX_AGE),
      WAXSEAL_EDGE_KEYS: waxseal(["edge-keys", "rows"], keys),
    },
  });
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

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** What reached the application, without the feed's own fetches, and the icon that a browser asks for by itself. */
const reached = () => proxy.paths.filter((path) => path !== FEED && path !== "/favicon.ico");

/** A browser profile of its own, signed in at `at`. */
async function device(at, user) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(at);
  await page.fill("input[name=user]", user);
  await Promise.all([page.waitForNavigation(), page.click("form[action='/sign-in'] button")]);
  return {
    page,
    /** What the edge answers, and which of the application's paths that took. */
    async asks(path) {
      const before = reached().length;
      const response = await page.goto(url + path);
      return { status: response.status(), ...JSON.parse(await response.text()), took: reached().slice(before) };
    },
  };
}

const atTheEdge = ({ status, from, subject, took }) => ({ status, from, subject, took });
const known = { status: 200, from: "edge", subject: "grace", took: [] };
const refused = { status: 401, error: "Sign in first.", took: [] };

test("two devices: a sign-out at the origin counts at the edge, and an origin that is away lets nobody in", async () => {
  const [a, b] = [await device(app.url, "grace"), await device(url, "grace")];
  // Cookies are of a host, whatever its port: the same profile is signed in at the origin and at the edge.
  for (const one of [a, b]) assert.deepEqual(atTheEdge(await one.asks("/edge/whoami")), known);

  // A signs B out, at the origin itself.
  await a.page.goto(app.url);
  await Promise.all([a.page.waitForNavigation(), a.page.click("form[action='/devices/others/sign-out'] button")]);
  const signedOut = Date.now();
  assert.match(await a.page.content(), /Signed out 1 other device/);
  const asked = reached().length;
  let answers = 0;
  for (let answer; answer?.status !== 401; answers++) {
    answer = await b.asks("/edge/whoami");
    if (answer.status === 401) assert.deepEqual(answer, refused);
    else assert.deepEqual(atTheEdge(answer), known);
    assert.ok(Date.now() - signedOut < REFRESH * 1000 + SLACK_MS, "the edge has not heard of the sign-out");
    await pause(100);
  }
  console.log(`B was refused ${((Date.now() - signedOut) / 1000).toFixed(1)} s after the sign-out, at question ${answers}`);
  // Also where the application would have refused it, and for good: the application is not asked.
  for (const path of ["/whoami", "/devices", "/edge/data", "/edge/whoami"]) assert.deepEqual(await b.asks(path), refused);
  assert.deepEqual(atTheEdge(await a.asks("/edge/whoami")), known, "the device that is signed in stays so");
  assert.deepEqual(reached().slice(asked), [], "the application was not asked");
  assert.ok(proxy.paths.includes(FEED));

  // The origin is stopped. What the feed proved, the edge answers until the feed is too old; then it asks, and nobody answers.
  await app.stop();
  const stopped = Date.now();
  let proved = 0;
  for (let answer; answer?.status !== 503; ) {
    answer = await a.asks("/edge/whoami");
    if (answer.status === 503) {
      assert.deepEqual(answer, { status: 503, error: "Try again in a moment.", took: ["/whoami"] });
    } else {
      assert.deepEqual(atTheEdge(answer), known);
      proved++;
    }
    assert.ok(Date.now() - stopped < MAX_AGE * 1000 + SLACK_MS, "the edge answers by a feed that is too old");
    await pause(100);
  }
  console.log(`${proved} answers by the feed there was, and then 503, ${((Date.now() - stopped) / 1000).toFixed(1)} s after the origin's end`);
  for (let n = 0; n < 5; n++) {
    assert.equal((await a.asks("/edge/whoami")).status, 503);
    // Its end is known, however old the feed is.
    assert.deepEqual(await b.asks("/edge/whoami"), refused);
    const response = await fetch(`${url}/edge/whoami`, { headers: { cookie: "session=AAAA" } });
    assert.deepEqual([response.status, response.headers.get("set-cookie")], [401, null]);
    await pause(200);
  }
});
