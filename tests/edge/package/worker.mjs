// The checks inside workerd.

import { memories } from "./capture.mjs";
import * as waxseal from "waxseal";
import { check } from "./checks.mjs";

export default {
  async fetch(request) {
    const { vectors, rounds } = await request.json();
    return Response.json(await check(waxseal, vectors, memories, { rounds }));
  },
};
