// Debian's Chromium, headless, by playwright-core.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether there is no browser here; `cargo xtask test` says so, and fails for it in CI. */
export const missing = !existsSync(executablePath);

const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

export function launch() {
  return chromium.launch({ executablePath, args: FLAGS.split(" ") });
}
