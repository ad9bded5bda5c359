// The package as npm packs it, installed into an empty project outside the repository: the README's workers under Miniflare, and its
// server in plain Node, as they are printed there.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { Miniflare, Response } from "miniflare";
import { Edge } from "waxseal";
import { bundle } from "./bundle.mjs";
import { vectors } from "./package/vectors.mjs";
import { code, folder, keyText, project as newProject, signedIn as newSession } from "./project.mjs";

const signedIn = vectors().tickets.accepted.find((ticket) => ticket.name === "signed-in");
const cookie = `${signedIn.cookie_name}=${signedIn.cookie}`;

let whole, project;
before(() => {
  whole = newProject();
  project = whole.path;
  const unexpected = whole.files.filter((path) => !/^(dist\/|package\.json$|README\.md$|LICENSE-)/.test(path));
  assert.deepEqual(unexpected, []);
  assert.ok(whole.files.includes("LICENSE-MIT") && whole.files.includes("dist/index.d.ts"));
});
after(() => whole.remove());

test("the README's worker has fifteen lines, and works under Miniflare", async () => {
  const source = code("worker.js");
  assert.ok(source.trimEnd().split("\n").length <= 16, source);
  whole.write("worker.js", source);
  const asked = [];
  const miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    modules: await bundle(join(project, "worker.js"), { absWorkingDir: project }),
    bindings: { WAXSEAL_EDGE_KEYS: keyText },
    outboundService(request) {
      asked.push(new URL(request.url).pathname);
      return new Response("the application");
    },
  });
  try {
    const get = async (path, headers = {}) => {
      const response = await miniflare.dispatchFetch(`https://shop.example${path}`, { headers });
      return [response.status, await response.text()];
    };
    assert.deepEqual(await get("/account"), [401, "Sign in first.\n"]);
    assert.deepEqual(await get("/account", { cookie: cookie.slice(0, -1) }), [401, "Sign in first.\n"]);
    // The vector's ticket has expired since.
    assert.deepEqual(await get("/account", { cookie }), [401, "Sign in first.\n"]);
    assert.deepEqual(asked, []);
    assert.deepEqual(await get("/", { cookie }), [200, "the application"]);
    assert.deepEqual(asked, ["/"]);
  } finally {
    await miniflare.dispose();
  }
});

test("the README's worker answers for who is signed in", async () => {
  // Its clock is Date.now, so the vector is opened at the time at which it was issued.
  const clock = `const now = ${signedIn.created_ms};\nDate.now = () => now;\n`;
  whole.write("then.js", code("worker.js").replace("let edge;", `${clock}let edge;`));
  const modules = await bundle(join(project, "then.js"), { absWorkingDir: project });
  const miniflare = new Miniflare({ compatibilityDate: "2026-04-01", modules, bindings: { WAXSEAL_EDGE_KEYS: keyText } });
  try {
    const response = await miniflare.dispatchFetch("https://shop.example/account", { headers: { cookie } });
    assert.deepEqual(JSON.parse(await response.text()), { user: "ada@example.com", claims: { plan: 3, role: "admin" } });
  } finally {
    await miniflare.dispose();
  }
});

test("the README's worker with a feed: signed out on another device, refused within the interval, and nobody is let in without it", async () => {
  whole.write("feed-worker.js", code("feed-worker.js").replace("refreshSeconds: 5, maxAgeSeconds: 30", "refreshSeconds: 1, maxAgeSeconds: 2"));
  const [one, two] = [await newSession(), await newSession()];
  const started = Date.now();
  const application = { paths: [], ended: [], up: true };
  const miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    modules: await bundle(join(project, "feed-worker.js"), { absWorkingDir: project }),
    bindings: { WAXSEAL_EDGE_KEYS: keyText, FEED_URL: "https://app.example/ended" },
    async outboundService(request) {
      const { pathname } = new URL(request.url);
      application.paths.push(pathname);
      if (!application.up) return new Response("down", { status: 503 });
      if (pathname !== "/ended") return new Response("the application");
      return new Response(await one.feed(started - 60_000, Date.now(), application.ended));
    },
  });
  const asked = () => application.paths.filter((path) => path !== "/ended").length;
  try {
    const get = async ({ cookie }) => {
      const response = await miniflare.dispatchFetch("https://shop.example/account", { headers: { cookie } });
      return [response.status, await response.text()];
    };
    const until = async (session, status) => {
      for (const start = Date.now(); ; await new Promise((resolve) => setTimeout(resolve, 50))) {
        const [found] = await get(session);
        if (found === status) return Date.now() - start;
        assert.ok(Date.now() - start < 10_000, `${found}, not ${status}`);
      }
    };
    const first = await Promise.all(Array.from({ length: 20 }, () => get(one)));
    assert.deepEqual(new Set(first.map(String)), new Set([`200,{"user":"${one.user}"}`]));
    assert.deepEqual(application.paths, ["/ended"], "one fetch, and the application is not asked");
    const ids = [one, two].map(({ cookie }) => new Edge(keyText, { maxAgeSeconds: 60 }).open(cookie).ticket.rowIdBytes.slice(8));
    assert.equal((await get(two))[0], 200);
    application.ended = [ids[1]];
    assert.ok((await until(two, 401)) < 3000, "within the interval");
    assert.equal((await get(one))[0], 200);
    assert.equal(asked(), 0);
    application.up = false;
    await until(one, 503);
    assert.ok(asked() > 0, "what cannot be proved goes to the application");
    assert.equal((await get(two))[0], 401);
    application.up = true;
    await until(one, 200);
  } finally {
    await miniflare.dispose();
  }
});

test("the README's server works in plain Node", async () => {
  whole.write("server.mjs", code("server.mjs"));
  const env = { ...process.env, WAXSEAL_EDGE_KEYS: keyText, PORT: "0" };
  const child = spawn(process.execPath, ["server.mjs"], { cwd: project, env, stdio: ["ignore", "pipe", "inherit"] });
  try {
    const [url] = await once(createInterface(child.stdout), "line");
    const response = await fetch(url, { headers: { cookie } });
    assert.deepEqual([response.status, await response.text()], [401, "Sign in first.\n"]);
    assert.equal((await fetch(url)).status, 401);
  } finally {
    child.kill();
  }
});

test("it is typed: the README's calls compile, and a refused ticket cannot be read", () => {
  const types = `import { Edge, EndedFeed, type FeedFailure, type Ticket, type Value, jsonReplacer } from "waxseal";
import { Edge as Same } from "waxseal/inline";
new Same("", { maxAgeSeconds: 1 });
const edge = new Edge("", { maxAgeSeconds: 1 });
const session = edge.open(null);
// @ts-expect-error a refusal has no ticket
session.ticket;
if (session.ok) { const ticket: Ticket = session.ticket; ticket.subject?.length; const row = edge.openRow(ticket, null); if (!row.ok) row.reason satisfies string; }
if (session.ok) {
  const { claims } = session.ticket;
  const values: (Value | undefined)[] = [claims.role, claims.constructor, claims.toString, claims["__proto__"]];
  // @ts-expect-error nothing is inherited
  claims.toString();
  // @ts-expect-error a claim may be missing
  const role: Value = claims.role;
}
const feed = new EndedFeed({ edge, url: "https://app.example/ended" });
async () => { await feed.refresh({ waitUntil() {} }); const opened = edge.open(null, feed); if (!opened.ok && opened.reason === "ended") feed.failure satisfies FeedFailure | null; };
JSON.stringify({ n: 1n }, jsonReplacer);
// @ts-expect-error a feed needs its edge
new EndedFeed({ url: "https://app.example/ended" });
// @ts-expect-error a ticket cannot be made up
edge.openRow({ subject: "eve" }, null);
`;
  whole.write("types.ts", types);
  const tsc = join(folder, "node_modules/typescript/bin/tsc");
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "types.ts"];
  execFileSync(process.execPath, [tsc, ...flags], { cwd: project, stdio: "inherit" });
});
