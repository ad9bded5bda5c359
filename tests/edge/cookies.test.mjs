// The package finds the cookies of a header as the application does: the vectors are what `Cookies::candidates` in Rust answered.

import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import { vectors } from "./package/vectors.mjs";

const entryPoints = [fileURLToPath(new URL("../../wasm/npm/src/cookies.ts", import.meta.url))];
const { outputFiles } = await build({ entryPoints, format: "esm", write: false });
const { find, valueAt } = await import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString("base64")}`);

function candidates(header, name) {
  const found = [];
  for (let at = find(header, `${name}=`, 0); at >= 0; at = find(header, `${name}=`, at)) found.push(valueAt(header, at));
  return found.slice(0, 64);
}

test("hostile headers have the same candidates here and in the application", () => {
  const { name, headers } = vectors().cookieHeaders;
  assert.ok(headers.length >= 300);
  for (const { header, candidates: expected } of headers) assert.deepEqual(candidates(header, name), expected, JSON.stringify(header));
});

test("a comma is no separator: a sibling domain's cookie cannot pass for a __Host- one", () => {
  assert.deepEqual(candidates("a=x, __Host-session=planted; b=1", "__Host-session"), []);
  assert.deepEqual(candidates("a=x,__Host-session=planted; __Host-session=own", "__Host-session"), ["own"]);
});

test("a long header costs by its length", () => {
  for (const piece of ["s=", "s= ", "s=;", " ", ";", "s", "=s", "s=\" "]) {
    const time = (length) => {
      const header = piece.repeat(length / piece.length);
      const start = performance.now();
      candidates(header, "s");
      return performance.now() - start;
    };
    time(1e5);
    assert.ok(time(1e6) < 2000, piece);
  }
});
