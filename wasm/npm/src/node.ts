// Node, Deno and Bun: the module is a part of this file, compressed, so that bundlers have no second file to copy.

import { brotliDecompressSync } from "node:zlib";
import * as glue from "../build/waxseal_bg.js";
import { bytes } from "./base64.js";
import { start } from "./edge.js";

const module = new WebAssembly.Module(brotliDecompressSync(bytes(WASM_BROTLI)));
start(new WebAssembly.Instance(module, { "./waxseal_bg.js": glue as WebAssembly.ModuleImports }));

export * from "./index.js";
