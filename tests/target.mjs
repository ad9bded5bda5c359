// What the tests run from Cargo's target folder: CARGO_TARGET_DIR, or `target` at the top of the workspace.

import { execFileSync } from "node:child_process";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("..", import.meta.url));

/** A path in the target folder. */
export const inTarget = (path) => resolve(top, process.env.CARGO_TARGET_DIR ?? "target", path);

/** What the command `waxseal` prints, with these keys. */
export const waxseal = (args, keys = "") =>
  execFileSync(inTarget("debug/waxseal"), args, { encoding: "utf8", env: { ...process.env, WAXSEAL_KEYS: keys } }).trim();
