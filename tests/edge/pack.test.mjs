// The package as npm packs it, installed into an empty project outside the repository: the README's worker under Miniflare, and its
// server in plain Node, as they are printed there.

import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Miniflare, Response } from "miniflare";
import { bundle } from "./bundle.mjs";
import { vectors } from "./package/vectors.mjs";

const folder = fileURLToPath(new URL("../../wasm/npm", import.meta.url));
const readme = readFileSync(join(folder, "README.md"), "utf8");
const code = (name) => readme.match(new RegExp(`\`\`\`js ${name}\n([^]*?)\`\`\``))[1];
const { tickets, keys } = vectors();
const signedIn = tickets.accepted.find((ticket) => ticket.name === "signed-in");
const cookie = `${signedIn.cookie_name}=${signedIn.cookie}`;
const keyText = keys.keys.map((key) => key.edge_cookies).join(",");

let project;
before(() => {
  project = mkdtempSync(join(tmpdir(), "waxseal-pack-"));
  const npm = (cwd, ...args) => execFileSync("npm", [...args, "--silent", "--no-audit", "--no-fund"], { cwd, encoding: "utf8" });
  const [{ filename, files }] = JSON.parse(npm(folder, "pack", "--json", "--pack-destination", project));
  const unexpected = files.map(({ path }) => path).filter((path) => !/^(dist\/|package\.json$|README\.md$|LICENSE-)/.test(path));
  assert.deepEqual(unexpected, []);
  assert.ok(files.some(({ path }) => path === "LICENSE-MIT") && files.some(({ path }) => path === "dist/index.d.ts"));
  writeFileSync(join(project, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
  npm(project, "install", "--offline", join(project, filename));
});
after(() => rmSync(project, { recursive: true, force: true }));

test("the README's worker has fifteen lines, and works under Miniflare", async () => {
  const source = code("worker.js");
  assert.ok(source.trimEnd().split("\n").length <= 16, source);
  writeFileSync(join(project, "worker.js"), source);
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
  writeFileSync(join(project, "then.js"), code("worker.js").replace("let edge;", `${clock}let edge;`));
  const modules = await bundle(join(project, "then.js"), { absWorkingDir: project });
  const miniflare = new Miniflare({ compatibilityDate: "2026-04-01", modules, bindings: { WAXSEAL_EDGE_KEYS: keyText } });
  try {
    const response = await miniflare.dispatchFetch("https://shop.example/account", { headers: { cookie } });
    assert.deepEqual(await response.json(), { user: "ada@example.com", plan: 3, role: "admin" });
  } finally {
    await miniflare.dispose();
  }
});

test("the README's server works in plain Node", async () => {
  writeFileSync(join(project, "server.mjs"), code("server.mjs"));
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
  const types = `import { Edge, type Ticket, type Value } from "waxseal";
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
// @ts-expect-error a ticket cannot be made up
edge.openRow({ subject: "eve" }, null);
`;
  writeFileSync(join(project, "types.ts"), types);
  const tsc = join(folder, "node_modules/typescript/bin/tsc");
  const flags = ["--noEmit", "--strict", "--module", "nodenext", "--target", "es2022", "types.ts"];
  execFileSync(process.execPath, [tsc, ...flags], { cwd: project, stdio: "inherit" });
});
