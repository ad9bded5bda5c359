// Browsers and bundlers: the module is fetched once from the same directory as this file, before the importing module runs.

import * as glue from "../build/waxseal_bg.js";
import { start } from "./edge.js";

const imports = { "./waxseal_bg.js": glue as WebAssembly.ModuleImports };
const response = await fetch(new URL("./waxseal.wasm", import.meta.url));
if (!response.ok) throw new Error(`waxseal: ${response.url} was not found (${response.status}); serve waxseal.wasm beside this file`);
start((await WebAssembly.instantiate(await response.arrayBuffer(), imports)).instance);

export * from "./index.js";
