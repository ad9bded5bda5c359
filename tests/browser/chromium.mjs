// Debian's Chromium, headless, by playwright-core.

import { existsSync } from "node:fs";
import { chromium } from "playwright-core";

const executablePath = process.env.CHROMIUM ?? "/usr/bin/chromium";

/** Whether there is no browser here; `cargo xtask test` says so, and fails for it in CI. */
export const missing = !existsSync(executablePath);

const FLAGS = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
const options = { executablePath, args: FLAGS.split(" ") };

export function launch() {
  return chromium.launch(options);
}

/** A browser whose profile is kept in a folder: closed and launched again, it has the cookies that it had. */
export function launchWithProfile(folder, contextOptions) {
  return chromium.launchPersistentContext(folder, { ...options, ...contextOptions });
}
