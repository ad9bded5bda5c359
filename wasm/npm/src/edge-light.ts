// Vercel's edge runtime, which Next.js has for its middleware: `?module` gives the module compiled.

import module from "./waxseal.wasm?module";
import * as glue from "../build/waxseal_bg.js";
import { start } from "./edge.js";

start(new WebAssembly.Instance(module, { "./waxseal_bg.js": glue as WebAssembly.ModuleImports }));

export * from "./index.js";
