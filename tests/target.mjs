// Cargo's target folder: CARGO_TARGET_DIR, or `target` at the top of the workspace.

import { resolve } from "node:path";
import { fileURLToPath } from "node:url";

const top = fileURLToPath(new URL("..", import.meta.url));

/** A path in the target folder. */
export const inTarget = (path) => resolve(top, process.env.CARGO_TARGET_DIR ?? "target", path);
