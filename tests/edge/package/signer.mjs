// Makes signed cookies and rows with whatever contents, as only a holder of the keys can.

import { base64url, be64, concat, le64, unhex, utf8 } from "./bytes.mjs";

export function varint(number) {
  const bytes = [];
  for (let rest = BigInt(number); ; rest >>= 7n) {
    if (rest < 128n) return [...bytes, Number(rest)];
    bytes.push(Number(rest & 127n) | 128);
  }
}

export const text = (string) => [...varint(utf8.encode(string).length), ...utf8.encode(string)];

/** Signs with a key of the vectors. */
export async function signer(key) {
  const head = concat([2], unhex(key.key_id));
  const sign = async (use, context, payload) => {
    const secret = unhex(key.subkeys[`${use}-sign`]);
    const mac = await crypto.subtle.importKey("raw", secret, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
    const pieces = [head, ...context, payload];
    const pae = concat(le64(pieces.length), ...pieces.flatMap((piece) => [le64(piece.length), piece]));
    return concat(head, payload, new Uint8Array(await crypto.subtle.sign("HMAC", mac, pae)));
  };
  return {
    /** A cookie's value. */
    async ticket(name, claims, { created, issued = 0, expires = 60, lifetime = 3600, idle = 60, generation = 1 }) {
      const numbers = [created, issued, expires, lifetime, idle, generation].flatMap(varint);
      const contents = concat(new Uint8Array(32).fill(7), numbers, [1], [1, ...text("zoë ☃")], claims);
      return base64url(await sign("cookie", [utf8.encode(name)], contents));
    },
    /** A feed of ended sessions: of the 8 bytes of each, in their order. */
    feed: (name, since, asOf, marks) => sign("feed", [utf8.encode(name)], concat([1], be64(since), be64(asOf), ...marks)),
    /** A row's data; `context` is everything that they are bound to. */
    row: (context, data) => sign("row", context, data),
  };
}
