// Node, Deno and Bun: the module is part of this file, compressed, so that bundlers have no second file to copy.

import { Buffer } from "node:buffer";
import { brotliDecompressSync } from "node:zlib";
import * as glue from "../build/waxseal_bg.js";
import { start } from "./edge.js";

const module = new WebAssembly.Module(brotliDecompressSync(Buffer.from(WASM_BROTLI, "base64")));
start(new WebAssembly.Instance(module, { "./waxseal_bg.js": glue as WebAssembly.ModuleImports }));

export * from "./index.js";
