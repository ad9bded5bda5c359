// examples/rust-worker in workerd: `cargo xtask test` has compiled it for wasm32, and made JavaScript of it in target/rust-worker.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { Miniflare, Response } from "miniflare";
import { bundle } from "./bundle.mjs";
import { vectors } from "./package/vectors.mjs";

const folder = fileURLToPath(new URL("../../target/rust-worker/", import.meta.url));
const { tickets, keys } = vectors();

test("a worker in Rust opens cookies with the core alone", async () => {
  const ticket = tickets.accepted.find(({ name }) => name === "signed-in");
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
  const miniflare = new Miniflare({
    compatibilityDate: "2026-04-01",
    modules: await bundle(`${folder}worker.mjs`),
    bindings: { COOKIE_NAME: ticket.cookie_name, WAXSEAL_EDGE_KEYS: keys.keys.map((key) => key.edge_cookies).join(",") },
    outboundService: () => new Response("the application"),
  });
  try {
    const get = async (path, cookie, now) => {
      const headers = { "x-now": String(now ?? ""), ...(cookie && { cookie }) };
      const response = await miniflare.dispatchFetch(`http://localhost${path}`, { headers });
      return [response.status, await response.text()];
    };
    const cookie = `a=b; ${ticket.cookie_name}=${ticket.cookie}`;
    const issued = ticket.created_ms;
    assert.deepEqual(await get("/"), [200, "the application"]);
    assert.deepEqual(await get("/edge/whoami", cookie, issued), [200, "ada@example.com, until 1790028800 at the latest\n"]);
    assert.deepEqual(await get("/edge/whoami", cookie, issued + 301_000), [200, "the application"]);
    for (const [bad, now] of [[undefined, issued], ["a=b", issued], [cookie, issued + 28_800_000], [cookie.slice(0, -1), issued], [cookie]]) {
      assert.equal((await get("/edge/whoami", bad, now))[0], 401, `${bad} at ${now}`);
    }
  } finally {
    await miniflare.dispose();
  }
});
