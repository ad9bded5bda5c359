// Cloudflare Workers: the module is imported already compiled and needs no asynchronous start.

import module from "waxseal/waxseal.wasm";
import * as glue from "../build/waxseal_bg.js";
import { start } from "./edge.js";

start(new WebAssembly.Instance(module, { "./waxseal_bg.js": glue as WebAssembly.ModuleImports }));

export * from "./index.js";
