// The checks inside a browser: the page's script, served beside the package as it is, without a bundler.

import { memories } from "./capture.mjs";
import { check } from "./checks.mjs";

const waxseal = await import("waxseal");
globalThis.run = (vectors, rounds) => check(waxseal, vectors, memories, { rounds });
