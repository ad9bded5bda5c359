// Any platform that compiles WebAssembly from bytes: the module is part of this file, which imports nothing.

import * as glue from "../build/waxseal_bg.js";
import { bytes } from "./base64.js";
import { start } from "./edge.js";

const module = new WebAssembly.Module(bytes(WASM));
start(new WebAssembly.Instance(module, { "./waxseal_bg.js": glue as WebAssembly.ModuleImports }));

export * from "./index.js";
