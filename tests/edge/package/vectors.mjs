// The vectors of the core.

import { readFileSync } from "node:fs";

export function vectors() {
  const read = (file) => JSON.parse(readFileSync(new URL(`../../vectors/${file}.json`, import.meta.url), "utf8"));
  return { tickets: read("tickets"), rows: read("rows"), feeds: read("feeds"), keys: read("keys"), cookieHeaders: read("cookie-headers") };
}
