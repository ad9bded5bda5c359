// Vercel's edge runtime, which Next.js uses for its middleware: `?module` imports the compiled module.

import module from "./waxseal.wasm?module";
import * as glue from "../build/waxseal_bg.js";
import { start } from "./edge.js";

start(new WebAssembly.Instance(module, { "./waxseal_bg.js": glue as WebAssembly.ModuleImports }));

export * from "./index.js";
