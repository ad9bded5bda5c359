// The peers' tokens over the same claims; waxseal's cookies come from the core, by `cargo xtask bench edge`.

import { sealData } from "iron-session";
import { EncryptJWT, SignJWT } from "jose";

const base64 = (bytes) => Buffer.from(bytes).toString("base64");

export async function fixtures(waxseal) {
  const { claims } = waxseal;
  const key = crypto.getRandomValues(new Uint8Array(32));
  const password = base64(crypto.getRandomValues(new Uint8Array(32)));
  const text = Buffer.from(JSON.stringify(claims));
  const iv = crypto.getRandomValues(new Uint8Array(12));
  const aes = await crypto.subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const mac = await crypto.subtle.importKey("raw", key, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  const sealed = await crypto.subtle.encrypt({ name: "AES-GCM", iv }, aes, text);
  const tag = await crypto.subtle.sign("HMAC", mac, text);
  const cookie = (...parts) => `theme=dark; session=${Buffer.concat(parts.map((part) => Buffer.from(part))).toString("base64url")}`;
  const jwt = (maker, header) => maker.setProtectedHeader(header).setSubject("ada@example.com").setIssuedAt().setExpirationTime("8h");
  return {
    waxseal,
    jose: {
      key: base64(key),
      jwe: await jwt(new EncryptJWT(claims), { alg: "dir", enc: "A256GCM" }).encrypt(key),
      jws: await jwt(new SignJWT(claims), { alg: "HS256" }).sign(key),
    },
    iron: { password, seal: await sealData(claims, { password }) },
    gcm: { key: base64(key), iv: base64(iv), sealed: base64(sealed), cookie: cookie(iv, sealed) },
    hmac: { key: base64(key), text: base64(text), tag: base64(tag), cookie: cookie(tag, text) },
  };
}
