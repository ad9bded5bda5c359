// `cargo xtask bench edge`: waxseal beside its peers, in Node and in workerd, one interleaved run. Reads waxseal's cookies from
// standard input; prints a table.

import { readFileSync } from "node:fs";
import { cpus } from "node:os";
import { text } from "node:stream/consumers";
import { build } from "esbuild";
import { Miniflare } from "miniflare";
import { fixtures } from "./fixtures.mjs";
import { ENDED, feed } from "./feed.mjs";
import { VERIFY, batch, operations } from "./operations.mjs";

const ROUNDS = 9;
const COLD = 7;
const dist = (file) => readFileSync(new URL(`../../../wasm/npm/dist/${file}`, import.meta.url));
const median = (numbers) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];

const all = await fixtures(JSON.parse(await text(process.stdin)));
const { outputFiles } = await build({
  entryPoints: [new URL("worker.mjs", import.meta.url).pathname],
  bundle: true,
  write: false,
  format: "esm",
  conditions: ["workerd", "worker", "browser"],
  external: ["*.wasm", "node:*", "./cold-*"],
  logLevel: "warning",
});
const module = (path, type, contents) => ({ path, type, contents });
const miniflare = new Miniflare({
  compatibilityDate: "2026-04-01",
  compatibilityFlags: ["nodejs_compat"],
  bindings: { FIXTURES: all },
  modulesRoot: "/",
  modules: [
    module("/worker.mjs", "ESModule", outputFiles[0].text),
    module("/waxseal/waxseal.wasm", "CompiledWasm", dist("waxseal.wasm")),
    ...Array.from({ length: COLD }, (_, n) => module(`/cold-${n}.js`, "ESModule", dist("workerd.js").toString())),
  ],
});
const workerd = async (body) => {
  const response = await miniflare.dispatchFetch("http://localhost/", { method: "POST", body: JSON.stringify(body) });
  if (!response.ok) throw new Error(await response.text());
  return response.json();
};
const node = await operations(await import("waxseal"), all);
const runtimes = { Node: (name, count) => batch(node[name], count), workerd: (name, count) => workerd({ name, count }) };

const times = {};
for (let round = -2; round < ROUNDS; round++) {
  for (const name of Object.keys(node)) {
    for (const [runtime, run] of Object.entries(runtimes)) {
      const count = name === VERIFY ? 20 : name.startsWith("waxseal") ? 20_000 : name === "iron-session" ? 400 : 2000;
      const time = await run(name, count);
      // The first rounds warm up.
      if (round >= 0) (times[`${runtime}: ${name}`] ??= []).push(time);
    }
  }
}
const cold = { Node: [], workerd: [] };
for (let n = 0; n < COLD; n++) {
  const start = performance.now();
  const copy = await import(new URL(`../../../wasm/npm/dist/node.js?${n}`, import.meta.url));
  new copy.Edge(all.waxseal.edgeKeys, { maxAgeSeconds: 300 }).open(all.waxseal.sealed);
  cold.Node.push(performance.now() - start);
  cold.workerd.push(await workerd({ cold: n }));
}
await miniflare.dispose();

const time = (runtime, name) => median(times[`${runtime}: ${name}`]);
const lines = Object.keys(node).filter((name) => name !== VERIFY).map((name) => {
  const cells = ["Node", "workerd"].flatMap((runtime) => {
    const own = time(runtime, name);
    return [own.toFixed(1), (own / time(runtime, "waxseal, sealed")).toFixed(1), (own / time(runtime, "waxseal, signed")).toFixed(1)];
  });
  return `| ${name} | ${cells.join(" | ")} |`;
});
console.log(`${new Date().toISOString().slice(0, 10)}, ${cpus()[0].model} (${cpus().length} cores), Node ${process.version}; microseconds an operation, medians of one interleaved run\n`);
console.log("| | Node | ÷ sealed | ÷ signed | workerd | ÷ sealed | ÷ signed |\n|---|--:|--:|--:|--:|--:|--:|");
console.log(lines.join("\n"));
const ms = (runtime) => `${Math.max(...cold[runtime]).toFixed(1)} ms`;
console.log(`\nFrom instantiation to the first opened cookie, the slowest of ${COLD}: Node ${ms("Node")}, workerd ${ms("workerd")}.`);

const bytes = (await feed(all.waxseal.edgeKeys, "__Host-session")).length;
const runtimesOf = (value) => ["Node", "workerd"].map((runtime) => `${value(runtime)} in ${runtime}`).join(", ");
const targets = [];
console.log(`\nA feed of ${ENDED} ended sessions has ${bytes} bytes. Verified in ${runtimesOf((runtime) => `${(time(runtime, VERIFY) / 1000).toFixed(1)} ms`)}.`);
for (const runtime of ["Node", "workerd"]) {
  for (const protection of ["sealed", "signed"]) {
    const lookUp = time(runtime, `waxseal, ${protection}, with a feed`) - time(runtime, `waxseal, ${protection}`);
    targets.push(`${lookUp <= 2 ? "reached " : "MISSED  "} ${runtime}: a look-up in the feed, ${protection}, row id and all ${lookUp.toFixed(2)} µs, at most 2`);
  }
}
for (const runtime of ["Node", "workerd"]) {
  const atLeast = (what, name, over, factor) => {
    const ratio = time(runtime, name) / time(runtime, over);
    targets.push(`${ratio >= factor ? "reached " : "MISSED  "} ${runtime}: ${what} ${ratio.toFixed(2)}, at least ${factor}`);
  };
  atLeast("jose JWE / sealed", "jose, dir + A256GCM", "waxseal, sealed", runtime === "Node" ? 10 : 1.7);
  atLeast("iron-session / sealed", "iron-session", "waxseal, sealed", 10);
  atLeast("jose HS256 / signed", "jose, HS256", "waxseal, signed", 4);
  atLeast("WebCrypto AES-GCM / sealed", "WebCrypto, AES-256-GCM alone", "waxseal, sealed", 1);
  atLeast("WebCrypto HMAC / signed", "WebCrypto, HMAC-SHA256 alone", "waxseal, signed", 1);
  const slowest = Math.max(...cold[runtime]);
  targets.push(`${slowest < 5 ? "reached " : "MISSED  "} ${runtime}: first verification ${slowest.toFixed(1)} ms, under 5`);
}
console.log(`\n${targets.join("\n")}`);
