// Claims and data as JSON.

/**
 * For `JSON.stringify(claims, jsonReplacer)`. Integers beyond 2^53 are BigInts, which would make it throw: they become decimal
 * text. Bytes become arrays of numbers.
 */
export function jsonReplacer(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? Array.from(value) : value;
}
