// An empty project with the package as npm packs it: what its tests write into it is what a reader of its README would write.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { signer } from "./package/signer.mjs";
import { vectors } from "./package/vectors.mjs";

/** The package's own folder. */
export const folder = fileURLToPath(new URL("../../wasm/npm", import.meta.url));
const readme = readFileSync(join(folder, "README.md"), "utf8");
const { tickets, keys } = vectors();
export const keyText = keys.keys.map((key) => key.edge_cookies).join(",");

/** The README's code of that name. */
export const code = (name) => readme.match(new RegExp(`\`\`\`js ${name.replace(".", "\\.")}\n([^]*?)\`\`\``))[1];

/** A `Cookie` header of somebody who signed in just now, and the mark of the session in a feed. */
export async function signedIn() {
  const sign = await signer(keys.keys[0]);
  const cookie = `__Host-session=${await sign.ticket("__Host-session", [0], { created: Date.now(), expires: 600, lifetime: 3600 })}`;
  return { cookie, user: "zoë ☃", feed: (since, asOf, marks) => sign.feed("__Host-session", since, asOf, marks) };
}

/** A project below `parent`, where modules that it does not have are looked for. */
export function project(parent = tmpdir()) {
  const path = mkdtempSync(join(parent, "waxseal-project-"));
  const npm = (cwd, ...args) => execFileSync("npm", [...args, "--silent", "--no-audit", "--no-fund"], { cwd, encoding: "utf8" });
  const [{ filename, files }] = JSON.parse(npm(folder, "pack", "--json", "--pack-destination", path));
  writeFileSync(join(path, "package.json"), '{ "name": "empty", "private": true, "type": "module" }');
  npm(path, "install", "--offline", join(path, filename));
  return {
    path,
    files: files.map(({ path }) => path),
    write: (name, content) => writeFileSync(join(path, name), content),
    run: (program, ...args) => execFileSync(program, args, { cwd: path, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, NEXT_TELEMETRY_DISABLED: "1", WRANGLER_SEND_METRICS: "false", CLOUDFLARE_CF_FETCH_ENABLED: "false" } }),
    remove: () => rmSync(path, { recursive: true, force: true }),
  };
}

/** A module that opens the vectors of tickets: `answers` is what it must give. */
export function opener(from) {
  const cases = [
    ...tickets.accepted.map((v) => [v.cookie_name, v.cookie, Math.floor(v.created_ms / 1000) + v.issued_after_s, `fresh ${v.subject} ${v.row_id} ${Object.keys(v.claims)}`]),
    ...tickets.refused.map((v) => [v.cookie_name, v.cookie, v.now_s, v.reason]),
  ];
  const source = `import { Edge } from ${JSON.stringify(from)};
const keys = ${JSON.stringify(keyText)};
const cases = ${JSON.stringify(cases.map((row) => row.slice(0, 3)))};
export const open = () => cases.map(([cookieName, cookie, seconds]) => {
  const edge = new Edge(keys, { maxAgeSeconds: 60, cookieName, now: () => seconds * 1000 });
  const { ok, state, ticket, reason } = edge.open(cookieName + "=" + cookie);
  return ok ? state + " " + ticket.subject + " " + ticket.rowId + " " + Object.keys(ticket.claims) : reason;
});
`;
  return { source, answers: cases.map((row) => row[3]) };
}
