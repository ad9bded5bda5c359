// Makes dist/ from src/ and from what wasm-bindgen left in build/; `cargo xtask wasm` runs it. Prints the sizes, and fails over the
// bounds.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const MAX_WASM = 31 * 1024;
const MAX_SCRIPT = 5 * 1024;

// What engines know since 2022. Not `--all-features`: they refuse such a module.
const FEATURES = "bulk-memory bulk-memory-opt nontrapping-float-to-int sign-ext mutable-globals multivalue reference-types simd";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
const run = (tool, ...args) => execFileSync(process.execPath, [`node_modules/${tool}`, ...args], { stdio: "inherit" });

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist");
const features = FEATURES.split(" ").map((feature) => `--enable-${feature}`);
const strip = ["--strip-debug", "--strip-producers"];
run("binaryen/bin/wasm-opt", "build/waxseal_bg.wasm", "-o", "dist/waxseal.wasm", "-O3", ...features, ...strip);

for (const platform of ["workerd", "node", "web"]) {
  await build({
    entryPoints: [`src/${platform}.ts`],
    outfile: `dist/${platform}.js`,
    absWorkingDir: process.cwd(),
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    external: ["*.wasm", "node:fs"],
    legalComments: "none",
    logLevel: "warning",
  });
}

run("typescript/bin/tsc", "-p", ".");
// An entry file's declarations are those of the index.
for (const file of readdirSync("dist")) if (/^(workerd|node|web)\.d\.ts$/.test(file)) rmSync(`dist/${file}`);

const gzipped = (file) => gzipSync(readFileSync(`dist/${file}`), { level: 9 }).length;
const wasm = gzipped("waxseal.wasm");
const scripts = ["workerd.js", "node.js", "web.js"].map(gzipped);
const script = Math.max(...scripts);
console.log(`gzipped: waxseal.wasm ${wasm} bytes (at most ${MAX_WASM}), the script beside it ${script} (at most ${MAX_SCRIPT})`);
if (wasm > MAX_WASM || script > MAX_SCRIPT) throw new Error("the package has grown over its bounds");
