// The package gives the same answers in Node, Deno, Bun, workerd and Chromium: one set of checks, run in each.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createServer } from "node:http";
import { readFile } from "node:fs/promises";
import { before, test } from "node:test";
import { promisify } from "node:util";
import { Miniflare } from "miniflare";
import { bundle } from "./bundle.mjs";
import { launch, missing } from "../browser/chromium.mjs";
import { vectors } from "./package/vectors.mjs";

// As many verifications as show a leak; in Node the full million.
const MILLION = 1_000_000;
const ROUNDS = 100_000;
const here = new URL(".", import.meta.url);
const run = promisify(execFile);
const bin = (name) => new URL(`node_modules/.bin/${name}`, here).pathname;
const printed = async (program, ...args) => {
  const { stdout } = await run(program, args, { cwd: new URL("package", here), maxBuffer: 1 << 26 });
  return JSON.parse(stdout.trim().split("\n").at(-1));
};

let expected;
before(async () => {
  expected = await printed(process.execPath, "run.mjs", String(MILLION));
});

test("Node, over a million verifications in one instance", () => {
  assert.ok(expected.answers.length > 300, `${expected.answers.length} answers`);
});

for (const [name, ...args] of [["deno", "run", "--allow-read"], ["bun"]]) {
  test(name, async () => {
    const found = await printed(bin(name), ...args, "run.mjs", String(ROUNDS));
    assert.deepEqual(found.answers, expected.answers);
  });
}

test("workerd", async () => {
  const modules = await bundle(new URL("package/worker.mjs", here).pathname);
  const miniflare = new Miniflare({ compatibilityDate: "2026-04-01", modules });
  try {
    const body = JSON.stringify({ vectors: vectors(), rounds: ROUNDS });
    const response = await miniflare.dispatchFetch("http://localhost/", { method: "POST", body });
    assert.equal(response.status, 200, await response.clone().text());
    assert.deepEqual((await response.json()).answers, expected.answers);
  } finally {
    await miniflare.dispose();
  }
});

test("Chromium, without a bundler", { skip: missing }, async () => {
  const page = `<!doctype html><script type="importmap">{"imports":{"waxseal":"/dist/web.js"}}</script><script type="module" src="/page.mjs"></script>`;
  const folders = { "/dist/": new URL("../../wasm/npm/dist/", here), "/": new URL("package/", here) };
  const types = { js: "text/javascript", mjs: "text/javascript", wasm: "application/wasm" };
  const server = createServer(async ({ url }, response) => {
    if (url === "/") return response.setHeader("content-type", "text/html").end(page);
    const folder = Object.keys(folders).find((prefix) => url.startsWith(prefix));
    try {
      const content = await readFile(new URL(url.slice(folder.length), folders[folder]));
      response.setHeader("content-type", types[url.split(".").at(-1)] ?? "text/plain").end(content);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launch();
  try {
    const tab = await browser.newPage();
    await tab.goto(`http://127.0.0.1:${server.address().port}/`);
    await tab.waitForFunction(() => globalThis.run);
    const found = await tab.evaluate(([vectors, rounds]) => globalThis.run(vectors, rounds), [vectors(), ROUNDS]);
    assert.deepEqual(found.answers, expected.answers);
  } finally {
    await browser.close();
    server.close();
  }
});
