// Where people deploy: the packed package in an empty project, in each bundler and runtime of the README's table, as its README says.
// The frameworks are installed beside the projects, in frameworks/.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Miniflare } from "miniflare";
import { bundle } from "./bundle.mjs";
import { code, keyText, opener, project as newProject, signedIn } from "./project.mjs";
import { launch, missing } from "../browser/chromium.mjs";

const here = fileURLToPath(new URL("frameworks", import.meta.url));
const bin = (name, from = ".") => fileURLToPath(new URL(`${from}/node_modules/.bin/${name}`, import.meta.url));
const wrangler = bin("wrangler", "../../examples/edge-worker");
const { answers } = opener("waxseal");

let project;
before(() => {
  project = newProject(here);
  for (const [name, from] of [["open.js", "waxseal"], ["open-inline.js", "waxseal/inline"]]) {
    project.write(name, opener(from).source);
    project.write(`print-${name}`, `import { open } from "./${name}";\nconsole.log(JSON.stringify(open()));\n`);
  }
  project.write("worker.js", `import { open } from "./open.js";\nexport default { fetch: () => Response.json(open()) };\n`);
});
after(() => project?.remove());

const printed = (program, ...args) => JSON.parse(project.run(program, ...args).trim().split("\n").at(-1));
const opensInNode = (file) => assert.deepEqual(printed(process.execPath, file), answers);

/** What a bundled worker answers: the folder has its script and the module. */
async function workerd(modules, path = "/", headers = {}, bindings = {}) {
  const miniflare = new Miniflare({ compatibilityDate: "2026-04-01", modules, bindings });
  try {
    const response = await miniflare.dispatchFetch(`http://localhost${path}`, { headers });
    return { status: response.status, body: await response.text() };
  } finally {
    await miniflare.dispose();
  }
}

for (const [name, ...args] of [["node"], ["deno", "run"], ["bun"]]) {
  test(`${name}, without a bundler`, () => {
    for (const file of ["print-open.js", "print-open-inline.js"]) {
      assert.deepEqual(printed(name === "node" ? process.execPath : bin(name), ...args, file), answers, file);
    }
  });
}

for (const entry of ["open", "open-inline"]) {
  for (const [format, extension] of [["esm", "mjs"], ["cjs", "cjs"]]) {
    test(`esbuild, --platform=node --format=${format}: ${entry}`, () => {
      const out = `dist/esbuild/${entry}.${extension}`;
      project.run(bin("esbuild"), `print-${entry}.js`, "--bundle", "--platform=node", `--format=${format}`, `--outfile=${out}`);
      opensInNode(out);
    });
  }

  test(`Vite SSR with noExternal: ${entry}`, () => {
    project.write("vite.node.js", `export default { build: { ssr: "print-${entry}.js", outDir: "dist/vite-${entry}" }, ssr: { noExternal: true } };`);
    project.run(bin("vite", "frameworks"), "build", "-c", "vite.node.js");
    opensInNode(`dist/vite-${entry}/print-${entry}.js`);
  });

  test(`webpack for Node: ${entry}`, () => {
    const out = `dist/webpack-${entry}`;
    project.run(bin("webpack", "frameworks"), "--mode", "production", "--target", "node", "--entry", `./print-${entry}.js`, "-o", out);
    // It writes CommonJS, but the project says that its files are modules.
    project.write(`${out}/package.json`, '{ "type": "commonjs" }');
    opensInNode(`${out}/main.js`);
  });
}

/** What wrangler would upload. */
function uploaded(main) {
  const out = join(project.path, "dist/wrangler", main.replaceAll("/", "-"));
  project.run(wrangler, "deploy", main, "--dry-run", "--outdir", out, "--compatibility-date", "2026-04-01", "--name", "test");
  return readdirSync(out)
    .filter((file) => /\.(js|wasm)$/.test(file))
    .map((path) => ({ type: path.endsWith(".js") ? "ESModule" : "CompiledWasm", path, contents: readFileSync(join(out, path)) }))
    .sort((a, b) => b.type.localeCompare(a.type));
}

test("wrangler's bundle in workerd", async () => {
  assert.deepEqual(JSON.parse((await workerd(uploaded("worker.js"))).body), answers);
});

test("Vite with the conditions workerd and worker, then wrangler", async () => {
  project.write("vite.config.js", code("vite.config.js"));
  project.run(bin("vite", "frameworks"), "build", "--outDir", "dist/vite-workerd");
  assert.deepEqual(JSON.parse((await workerd(uploaded("dist/vite-workerd/worker.js"))).body), answers);
});

test("Hono, in Node and in workerd", async () => {
  project.write("hono.js", code("hono.js"));
  const { cookie, user } = await signedIn();
  const call = `import app from "./hono.js";
process.env.WAXSEAL_EDGE_KEYS = ${JSON.stringify(keyText)};
const get = async (headers) => { const r = await app.request("/account/name", { headers }); return [r.status, await r.text()]; };
console.log(JSON.stringify([await get({}), await get({ cookie: ${JSON.stringify(cookie)} })]));\n`;
  project.write("hono-node.js", call);
  const expected = [[401, "Sign in first.\n"], [200, JSON.stringify({ state: "fresh", user })]];
  assert.deepEqual(printed(process.execPath, "hono-node.js"), expected);
  const modules = await bundle(join(project.path, "hono.js"), { absWorkingDir: project.path });
  const found = [];
  for (const headers of [{}, { cookie }]) {
    const { status, body } = await workerd(modules, "/account/name", headers, { WAXSEAL_EDGE_KEYS: keyText });
    found.push([status, body]);
  }
  assert.deepEqual(found, expected);
});

// With webpack, Next.js 16.4 sometimes loses the manifest of an edge route, waxseal or not: its edge is the middleware there.
for (const [bundler, routes] of [["--turbopack", ["edge", "node"]], ["--webpack", ["node"]]]) {
  test(`Next.js, next build ${bundler} and next start: middleware, and routes on ${routes.join(" and ")}`, async () => {
    for (const folder of [".next", "app"]) rmSync(join(project.path, folder), { recursive: true, force: true });
    project.write("middleware.js", code("middleware.js"));
    project.write("next.config.mjs", `export default { turbopack: { root: ${JSON.stringify(here)} } };`);
    for (const path of [...routes, "account/name"]) mkdirSync(join(project.path, "app", path), { recursive: true });
    project.write("app/layout.js", "export default ({ children }) => <html><body>{children}</body></html>;\n");
    for (const path of routes) {
      const runtime = path === "node" ? "nodejs" : path;
      project.write(`app/${path}/route.js`, `import { open } from "../../open.js";\nexport const dynamic = "force-dynamic";\nexport const runtime = "${runtime}";\nexport const GET = () => Response.json(open());\n`);
    }
    project.write("app/account/name/route.js", `export const dynamic = "force-dynamic";\nexport const GET = () => new Response("the application");\n`);
    const next = createRequire(join(here, "/")).resolve("next/dist/bin/next");
    project.run(process.execPath, next, "build", bundler);
    const port = await freePort();
    const env = { ...process.env, WAXSEAL_EDGE_KEYS: keyText, NEXT_TELEMETRY_DISABLED: "1" };
    const server = spawn(process.execPath, [next, "start", "-p", String(port), "-H", "127.0.0.1"], { cwd: project.path, env, stdio: "ignore" });
    try {
      const get = async (path, headers = {}) => {
        const response = await fetch(`http://127.0.0.1:${port}${path}`, { headers });
        return [response.status, await response.text()];
      };
      for (const end = Date.now() + 30_000; ; await new Promise((resolve) => setTimeout(resolve, 100))) {
        if (await get("/node").catch(() => undefined)) break;
        assert.ok(Date.now() < end, "next start");
      }
      for (const path of routes) assert.deepEqual(JSON.parse((await get(`/${path}`))[1]), answers, path);
      const { cookie } = await signedIn();
      assert.deepEqual(await get("/account/name"), [401, "Sign in first.\n"]);
      assert.deepEqual(await get("/account/name", { cookie: `${cookie.slice(0, -1)}!` }), [401, "Sign in first.\n"]);
      assert.deepEqual(await get("/account/name", { cookie }), [200, "the application"]);
    } finally {
      server.kill();
    }
  });
}

test("webpack for browsers' engines, no bundler, and a classic script, in Chromium", { skip: missing }, async () => {
  const out = "dist/web";
  project.write("page.js", `import { open } from "./open.js";\nglobalThis.answers = open();\n`);
  project.write("page-inline.js", `import { open } from "./open-inline.js";\nglobalThis.answers = open();\n`);
  project.run(bin("webpack", "frameworks"), "--mode", "production", "--target", "web", "--entry", "./page.js", "-o", out, "--output-public-path", `/${out}/`);
  project.run(bin("esbuild"), "page-inline.js", "--bundle", "--format=iife", "--outfile=dist/classic.js");
  const pages = {
    "/webpack": `<script src="/${out}/main.js"></script>`,
    "/none": `<script type="importmap">{"imports":{"waxseal":"/node_modules/waxseal/dist/web.js"}}</script><script type="module" src="/page.js"></script>`,
    "/classic": `<script src="/dist/classic.js"></script>`,
  };
  const types = { js: "text/javascript", wasm: "application/wasm" };
  const server = createServer(({ url }, response) => {
    if (pages[url]) return response.setHeader("content-type", "text/html").end(`<!doctype html>${pages[url]}`);
    try {
      response.setHeader("content-type", types[url.split(".").at(-1)] ?? "text/plain").end(readFileSync(join(project.path, url)));
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await launch();
  try {
    for (const path of Object.keys(pages)) {
      const tab = await browser.newPage();
      await tab.goto(`http://127.0.0.1:${server.address().port}${path}`);
      await tab.waitForFunction(() => globalThis.answers, undefined, { timeout: 20_000 });
      assert.deepEqual(await tab.evaluate(() => globalThis.answers), answers, path);
    }
  } finally {
    await browser.close();
    server.close();
  }
});

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return port;
}
