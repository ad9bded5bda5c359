// A feed of 100,000 ended sessions, signed with the key that edge keys contain.

import { be64, concat, le64, utf8 } from "../package/bytes.mjs";

export const ENDED = 100_000;

export async function feed(edgeKeys, name) {
  const text = edgeKeys.split(".").at(-1).replaceAll("-", "+").replaceAll("_", "/");
  const key = Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));
  const now = Date.now();
  const marks = new DataView(new ArrayBuffer(8 * ENDED));
  for (let n = 0; n < ENDED; n++) marks.setBigUint64(8 * n, BigInt(n) * (2n ** 64n / BigInt(ENDED)));
  const head = concat([2], key.subarray(0, 4));
  const payload = concat([1], be64(now - 600_000), be64(now), new Uint8Array(marks.buffer));
  const pieces = [head, utf8.encode(name), payload];
  const mac = await crypto.subtle.importKey("raw", key.subarray(68, 100), { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const pae = concat(le64(pieces.length), ...pieces.flatMap((piece) => [le64(piece.length), piece]));
  return concat(head, payload, new Uint8Array(await crypto.subtle.sign("HMAC", mac, pae)));
}
