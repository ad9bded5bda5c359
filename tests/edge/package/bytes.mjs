// Bytes and values as the vectors write them, and as the checks compare them.

export const utf8 = new TextEncoder();
export const unhex = (text) => Uint8Array.from(text.match(/../g) ?? [], (byte) => parseInt(byte, 16));
export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
export const base64 = (bytes) => btoa(String.fromCharCode(...bytes));
export const base64url = (bytes) => base64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  parts.reduce((at, part) => (whole.set(part, at), at + part.length), 0);
  return whole;
}
export const le64 = (number) => Uint8Array.from({ length: 8 }, (_, at) => Number((BigInt(number) >> BigInt(8 * at)) & 255n));
export const be64 = (number) => le64(number).reverse();

/** A value as the vectors write it, as the package gives it. */
function plain(value) {
  const [[kind, content]] = Object.entries(value);
  switch (kind) {
    case "i64":
    case "u64":
      return Number.isSafeInteger(Number(content)) ? Number(content) : BigInt(content);
    case "f64":
      return new DataView(unhex(content).buffer).getFloat64(0);
    case "bytes":
      return unhex(content);
    case "seq":
      return content.map(plain);
    case "map":
      return data(content);
    default:
      return content;
  }
}

export function data(entries) {
  return Object.fromEntries(Object.entries(entries).map(([key, value]) => [key, plain(value)]));
}

/** Text in which two answers are alike only if they are: types that JSON does not know are named. */
export function canonical(value) {
  if (typeof value === "bigint") return `${value}n`;
  if (value instanceof Uint8Array) return `bytes:${hex(value)}`;
  if (Array.isArray(value)) return `[${value.map(canonical)}]`;
  if (value === null || typeof value !== "object") return Object.is(value, -0) ? "-0" : (JSON.stringify(value) ?? String(value));
  const fields = Object.getOwnPropertyNames(value).sort();
  return `{${fields.map((field) => `${JSON.stringify(field)}:${canonical(value[field])}`)}}`;
}

/** Whether `haystack` has the bytes of `needle` somewhere. */
export function includes(haystack, needle) {
  for (let at = haystack.indexOf(needle[0]); at >= 0; at = haystack.indexOf(needle[0], at + 1)) {
    let length = 1;
    while (length < needle.length && haystack[at + length] === needle[length]) length++;
    if (length === needle.length) return true;
  }
  return false;
}
