// Claims and data as JSON.

/**
 * For `JSON.stringify(claims, jsonReplacer)`: integers beyond 2^53, which are BigInts and would make it throw, become decimal text, and
 * bytes become arrays of numbers.
 */
export function jsonReplacer(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  return value instanceof Uint8Array ? Array.from(value) : value;
}
