// examples/rust-worker in workerd: `cargo xtask test` has compiled it for wasm32, and made JavaScript of it in target/rust-worker.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { Miniflare, Response } from "miniflare";
import { bundle } from "./bundle.mjs";
import { unhex } from "./package/bytes.mjs";
import { signer } from "./package/signer.mjs";
import { vectors } from "./package/vectors.mjs";
import { inTarget } from "../target.mjs";

const folder = inTarget("rust-worker") + "/";
const { tickets, keys } = vectors();
const ticket = tickets.accepted.find(({ name }) => name === "signed-in");
const cookie = `a=b; ${ticket.cookie_name}=${ticket.cookie}`;
const issued = ticket.created_ms;
const known = [200, "ada@example.com, until 1790028800 at the latest\n"];
const asked = [200, "the application"];
const refused = 401;

// What worker-build writes around a module; the clock is that of the vector.
writeFileSync(`${folder}worker.mjs`, `
  import module from "./waxseal_bg.wasm";
  import * as glue from "./waxseal_bg.js";
  const { exports } = new WebAssembly.Instance(module, { "./waxseal_bg.js": glue });
  glue.__wbg_set_wasm(exports);
  exports.__wbindgen_start();
  const Real = Date;
  export default { fetch(request, env, context) {
    const now = Number(request.headers.get("x-now")) || Real.now();
    globalThis.Date = class extends Real { constructor() { super(now); } };
    return glue.fetch(request, env, context);
  } };`);
const modules = await bundle(`${folder}worker.mjs`);

/** The worker before an application, and how to ask it. */
async function worker(bindings, application, use) {
  const miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    modules,
    bindings: { COOKIE_NAME: ticket.cookie_name, WAXSEAL_EDGE_KEYS: keys.keys.map((key) => key.edge_cookies).join(","), ...bindings },
    outboundService: application,
  });
  try {
    await use(async (path, cookie, now) => {
      const headers = { "x-now": String(now ?? ""), ...(cookie && { cookie }) };
      const response = await miniflare.dispatchFetch(`http://localhost${path}`, { headers });
      return [response.status, await response.text()];
    });
  } finally {
    await miniflare.dispose();
  }
}

test("a worker in Rust opens cookies with the core alone", () =>
  worker({}, () => new Response("the application"), async (get) => {
    assert.deepEqual(await get("/"), asked);
    assert.deepEqual(await get("/edge/whoami", cookie, issued), known);
    assert.deepEqual(await get("/edge/whoami", cookie, issued + 301_000), asked);
    for (const [bad, now] of [[undefined, issued], ["a=b", issued], [cookie, issued + 28_800_000], [cookie.slice(0, -1), issued], [cookie]]) {
      assert.equal((await get("/edge/whoami", bad, now))[0], refused, `${bad} at ${now}`);
    }
  }));

test("with the feed of ended sessions, a worker in Rust refuses a session that was ended", async () => {
  const { feed } = await signer(keys.keys[0]);
  const mark = unhex(ticket.row_id.replaceAll("-", "")).subarray(8);
  const made = (asOf, ...marks) => feed(ticket.cookie_name, issued - 60_000, asOf, marks);
  // What the application serves now; nothing where it is down.
  let served;
  let fetches = 0;
  const application = async ({ url }) => {
    if (new URL(url).pathname !== "/ended-sessions") return new Response("the application");
    fetches += 1;
    return served ? new Response(served) : new Response("down", { status: 503 });
  };
  await worker({ FEED_URL: "http://app.example/ended-sessions" }, application, async (get) => {
    const whoami = (now) => get("/edge/whoami", cookie, now);
    /** The answer after the fetch that a request at this time begins: no request waits for it. */
    const fetched = async (now) => {
      const before = fetches;
      await whoami(now);
      assert.equal(fetches, before + 1);
      await new Promise((resolve) => setTimeout(resolve, 200));
      return whoami(now);
    };
    // No feed yet, and then one that is forged: nothing is proved.
    assert.deepEqual(await fetched(issued), asked);
    served = await made(issued + 6_000);
    served[served.length - 1] ^= 1;
    assert.deepEqual(await fetched(issued + 6_000), asked);
    // A feed that does not name the session proves that it goes on, for 30 seconds.
    served = await made(issued + 12_000);
    assert.deepEqual(await fetched(issued + 12_000), known);
    served = undefined;
    assert.deepEqual(await fetched(issued + 42_000), known);
    assert.deepEqual(await fetched(issued + 48_000), asked);
    // The clock here is behind the application's by a minute: the feed ages all the same.
    served = await made(issued + 120_000);
    assert.deepEqual(await fetched(issued + 60_000), known);
    served = undefined;
    assert.deepEqual(await fetched(issued + 90_000), known);
    assert.deepEqual(await fetched(issued + 96_000), asked);
    // A feed that names it ends it, for good; one that is older is not believed.
    served = await made(issued + 125_000, mark);
    assert.equal((await fetched(issued + 125_000))[0], refused);
    served = await made(issued + 121_000);
    assert.equal((await fetched(issued + 131_000))[0], refused);
    served = undefined;
    assert.equal((await fetched(issued + 250_000))[0], refused);
    // One fetch for all requests of five seconds.
    const before = fetches;
    await Promise.all([1, 2, 3, 4, 5].map((second) => whoami(issued + 250_000 + 999 * second)));
    assert.equal(fetches, before);
  });
});
