// Node, Deno and Bun: the module is read from the package's folder, synchronously.

import { readFileSync } from "node:fs";
import * as glue from "../build/waxseal_bg.js";
import { start } from "./edge.js";

const module = new WebAssembly.Module(readFileSync(new URL("./waxseal.wasm", import.meta.url)));
start(new WebAssembly.Instance(module, { "./waxseal_bg.js": glue as WebAssembly.ModuleImports }));

export * from "./index.js";
