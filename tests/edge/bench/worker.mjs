// The operations inside workerd: one batch a request, so that the runner can interleave the runtimes.

import * as waxseal from "waxseal";
import { batch, operations } from "./operations.mjs";

let all;

export default {
  async fetch(request, env) {
    all ??= await operations(waxseal, env.FIXTURES);
    const { name, count, cold } = await request.json();
    if (cold !== undefined) {
      // A copy of the package that nobody has imported yet: it is instantiated here.
      const { edgeKeys, sealed } = env.FIXTURES.waxseal;
      const module = ["./cold-", cold, ".js"].join("");
      const start = performance.now();
      const copy = await import(module);
      const opened = new copy.Edge(edgeKeys, { maxAgeSeconds: 300 }).open(sealed);
      return Response.json(opened.ok && performance.now() - start);
    }
    return Response.json(await batch(all[name], count));
  },
};
