// Bundles a worker as wrangler does, for Miniflare: one script, and the wasm module that it imports beside it.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename } from "node:path";
import { build } from "esbuild";

/** Miniflare's `modules` for a worker's entry file; `external` modules are the caller's to add. */
export async function bundle(entryPoint, { external = [], absWorkingDir } = {}) {
  const wasm = new Map();
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    absWorkingDir,
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    conditions: ["workerd", "worker", "browser"],
    external: ["node:*", "cloudflare:*", ...external],
    logLevel: "warning",
    plugins: [
      {
        name: "wasm",
        setup({ onResolve }) {
          onResolve({ filter: /\.wasm$/ }, ({ path, resolveDir }) => {
            const file = createRequire(`${resolveDir}/`).resolve(path);
            wasm.set(`./${basename(path)}`, readFileSync(file));
            return { path: `./${basename(path)}`, external: true };
          });
        },
      },
    ],
  });
  const modules = [{ type: "ESModule", path: "worker.mjs", contents: outputFiles[0].text }];
  for (const [path, contents] of wasm) modules.push({ type: "CompiledWasm", path: path.slice(2), contents });
  return modules;
}
