// Makes dist/ from src/ and from what wasm-bindgen left in build/; `cargo xtask wasm` runs it. Prints the sizes, and fails over the
// bounds.

import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { build } from "esbuild";

const MAX_WASM = 31 * 1024;
const MAX_SCRIPT = 6 * 1024;
/** The module and the script beside it, or the script that has the module in it. */
const MAX_ENTRY = 35 * 1024;

// What engines know since 2022. Not `--all-features`: they refuse such a module.
const FEATURES = "bulk-memory bulk-memory-opt nontrapping-float-to-int sign-ext mutable-globals multivalue reference-types simd";

process.chdir(fileURLToPath(new URL(".", import.meta.url)));
const run = (tool, ...args) => execFileSync(process.execPath, [`node_modules/${tool}`, ...args], { stdio: "inherit" });

rmSync("dist", { recursive: true, force: true });
mkdirSync("dist");
const features = FEATURES.split(" ").map((feature) => `--enable-${feature}`);
const strip = ["--strip-debug", "--strip-producers"];
run("binaryen/bin/wasm-opt", "build/waxseal_bg.wasm", "-o", "dist/waxseal.wasm", "-O3", ...features, ...strip);

const module = readFileSync("dist/waxseal.wasm");
const params = { [constants.BROTLI_PARAM_QUALITY]: 11, [constants.BROTLI_PARAM_SIZE_HINT]: module.length };
const WASM_BROTLI = JSON.stringify(brotliCompressSync(module, { params }).toString("base64"));
const WASM = JSON.stringify(module.toString("base64"));

const PLATFORMS = ["workerd", "edge-light", "node", "web", "inline"];
for (const platform of PLATFORMS) {
  await build({
    entryPoints: [`src/${platform}.ts`],
    outfile: `dist/${platform}.js`,
    absWorkingDir: process.cwd(),
    bundle: true,
    format: "esm",
    target: "es2022",
    minify: true,
    external: ["*.wasm", "*.wasm?module", "node:buffer", "node:zlib"],
    define: { WASM, WASM_BROTLI },
    legalComments: "none",
    logLevel: "warning",
  });
}

run("typescript/bin/tsc", "-p", ".");
// An entry file's declarations are those of the index.
for (const file of readdirSync("dist")) if (PLATFORMS.includes(file.replace(/\.d\.ts$/, ""))) rmSync(`dist/${file}`);

const gzipped = (file) => gzipSync(readFileSync(`dist/${file}`), { level: 9 }).length;
const wasm = gzipped("waxseal.wasm");
const script = Math.max(...["workerd.js", "edge-light.js", "web.js"].map(gzipped));
const entry = Math.max(wasm + script, gzipped("node.js"));
console.log(`gzipped: waxseal.wasm ${wasm} bytes (at most ${MAX_WASM}), the script beside it ${script} (at most ${MAX_SCRIPT}), together \
${wasm + script}; node.js ${gzipped("node.js")} (both at most ${MAX_ENTRY}), inline.js ${gzipped("inline.js")}`);
if (wasm > MAX_WASM || script > MAX_SCRIPT || entry > MAX_ENTRY) throw new Error("the package has grown over its bounds");
