// The checks in Node, Deno and Bun: `<runtime> run.mjs <rounds>` prints the answers as JSON.

import { memories } from "./capture.mjs";
import { check } from "./checks.mjs";
import { vectors } from "./vectors.mjs";

const waxseal = await import("waxseal");
console.log(JSON.stringify(await check(waxseal, vectors(), memories, { rounds: Number(process.argv[2]) })));
