// What is measured, on every runtime the same: opening a session's ~100 bytes of claims.

import { unsealData } from "iron-session";
import { feed as makeFeed } from "./feed.mjs";
import { jwtDecrypt, jwtVerify } from "jose";

/** Of 100,000 ended sessions. */
export const VERIFY = "the feed's verification";

/** The operations by their names, from fixtures. */
export async function operations({ Edge, EndedFeed }, fixtures) {
  const bytes = (text) => Uint8Array.from(atob(text), (byte) => byte.charCodeAt(0));
  const { waxseal, jose, iron, gcm, hmac } = fixtures;
  const edge = new Edge(waxseal.edgeKeys, { maxAgeSeconds: 300 });
  const secret = bytes(jose.key);
  const aes = await crypto.subtle.importKey("raw", bytes(gcm.key), "AES-GCM", false, ["decrypt"]);
  const mac = await crypto.subtle.importKey("raw", bytes(hmac.key), { name: "HMAC", hash: "SHA-256" }, false, ["verify"]);
  const [iv, sealed, tag, text] = [bytes(gcm.iv), bytes(gcm.sealed), bytes(hmac.tag), bytes(hmac.text)];
  const open = (cookie) => {
    const opened = edge.open(cookie);
    if (!opened.ok || opened.ticket.claims.role !== "admin") throw new Error(`not opened: ${opened.reason}`);
  };
  const fed = new Edge(waxseal.edgeKeys, { maxAgeSeconds: 300 });
  const document = await makeFeed(waxseal.edgeKeys, "__Host-session");
  const hour = { refreshSeconds: 3600, maxAgeSeconds: 3600 };
  const feed = new EndedFeed({ edge: fed, url: "https://app.example/ended", fetch: async () => new Response(document), cache: null, ...hour });
  await feed.refresh();
  const openFed = (cookie) => {
    const opened = fed.open(cookie, feed);
    if (!opened.ok || opened.state !== "fresh") throw new Error(`not proved: ${opened.reason ?? feed.failure?.reason}`);
  };
  const decoder = new TextDecoder();
  const base64url = (text) => bytes(text.replaceAll("-", "+").replaceAll("_", "/"));
  const cookie = (header) => header.slice(header.indexOf("session=") + 8);
  const json = (content) => JSON.parse(decoder.decode(content));
  // What an application would write itself: a cookie of nonce and ciphertext, or of text and tag.
  const openGcm = async (header) => {
    const value = base64url(cookie(header));
    return json(await crypto.subtle.decrypt({ name: "AES-GCM", iv: value.subarray(0, 12) }, aes, value.subarray(12)));
  };
  const openHmac = async (header) => {
    const value = base64url(cookie(header));
    if (!(await crypto.subtle.verify("HMAC", mac, value.subarray(0, 32), value.subarray(32)))) throw new Error("forged");
    return json(value.subarray(32));
  };
  const all = {
    "waxseal, sealed": () => open(waxseal.sealed),
    "waxseal, signed": () => open(waxseal.signed),
    "waxseal, sealed, with a feed": () => openFed(waxseal.sealed),
    "waxseal, signed, with a feed": () => openFed(waxseal.signed),
    [VERIFY]: () => Edge.takeFeed(fed, document, Date.now()),
    "WebCrypto, AES-256-GCM alone": () => crypto.subtle.decrypt({ name: "AES-GCM", iv }, aes, sealed),
    "WebCrypto, HMAC-SHA256 alone": () => crypto.subtle.verify("HMAC", mac, tag, text),
    "WebCrypto, a cookie of AES-256-GCM by hand": () => openGcm(gcm.cookie),
    "WebCrypto, a cookie of HMAC-SHA256 by hand": () => openHmac(hmac.cookie),
    "jose, dir + A256GCM": () => jwtDecrypt(jose.jwe, secret),
    "jose, HS256": () => jwtVerify(jose.jws, secret),
    "iron-session": () => unsealData(iron.seal, { password: iron.password }),
  };
  // What does not work is not measured.
  if ((await jwtDecrypt(jose.jwe, secret)).payload.role !== "admin") throw new Error("jose, JWE");
  if ((await unsealData(iron.seal, { password: iron.password })).role !== "admin") throw new Error("iron-session");
  for (const opened of [await openGcm(gcm.cookie), await openHmac(hmac.cookie)]) {
    if (opened.role !== "admin") throw new Error("WebCrypto by hand");
  }
  if (!(await crypto.subtle.verify("HMAC", mac, tag, text))) throw new Error("HMAC");
  return all;
}

/** The microseconds that one call takes, over a batch. */
export async function batch(operation, count) {
  const start = performance.now();
  for (let n = 0; n < count; n++) {
    const result = operation();
    if (result instanceof Promise) await result;
  }
  return ((performance.now() - start) * 1000) / count;
}
