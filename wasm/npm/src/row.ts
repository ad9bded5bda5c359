// A session's row as database drivers and JSON APIs return it, converted to one form.

/** An integer as drivers return it: a number, a BigInt, or decimal text (as `pg` and `postgres` do for `bigint`). */
export type Integer = number | bigint | string;

/**
 * Bytes as drivers return them: a `Uint8Array` or Node's `Buffer` (`pg`, `postgres`), an array of numbers (D1), an `ArrayBuffer`,
 * a Buffer's JSON (`{ type: "Buffer", data: [...] }`), base64 or base64url text (JSON APIs), or PostgreSQL's `\x...` text.
 */
export type Bytes = Uint8Array | ArrayBuffer | readonly number[] | { readonly type: "Buffer"; readonly data: readonly number[] } | string;

/**
 * The 16 bytes of a row's id, as bytes in any form or as text in one of these forms: a UUID with hyphens (PostgreSQL), 32
 * hexadecimal digits with or without `\x` before them, or base64 or base64url (22 characters, or 24 with padding).
 */
export type RowId = Bytes;

/**
 * The columns of the session table that are needed to open a row, with the names that they have in the table or in camel case:
 *
 * ```sql
 * SELECT generation, subject, created_at, lifetime_s, expires_at, data FROM waxseal_sessions WHERE id = $1
 * ```
 *
 * If the application has chosen another name for its table (`SeaOrmStore::with_table`), use that name.
 */
export type Row = {
  /** The row's id. May be left out: a row of another session does not open in any case. */
  id?: RowId | null;
  generation: Integer;
  subject: string | null;
  data: Bytes;
} & (
  | { created_at: Integer; lifetime_s: Integer; expires_at: Integer }
  | { createdAt: Integer; lifetimeS: Integer; expiresAt: Integer }
);

/** A row, converted to one form. */
export interface Columns {
  id: Uint8Array | undefined;
  generation: bigint;
  subject: string | null;
  createdMs: number;
  lifetimeS: number;
  expiresS: number;
  /** Read only when it is needed: a tombstone's may be anything. */
  data: () => Uint8Array;
}

export function columns(row: Row): Columns {
  const column = (name: string, other = name): unknown => {
    const value = (row as Record<string, unknown>)[name] ?? (row as Record<string, unknown>)[other];
    if (value === undefined) throw new TypeError(`waxseal: the row has no column ${name}; add it to the SELECT`);
    return value;
  };
  const subject = (row as Record<string, unknown>)["subject"];
  if (subject !== null && typeof subject !== "string") {
    throw new TypeError("waxseal: the row's column subject must be text or null; add it to the SELECT");
  }
  return {
    id: row.id == null ? undefined : bytes("id", row.id, idText),
    generation: integer("generation", column("generation")),
    subject,
    createdMs: Number(integer("created_at", column("created_at", "createdAt"))),
    lifetimeS: Number(integer("lifetime_s", column("lifetime_s", "lifetimeS"))),
    expiresS: Number(integer("expires_at", column("expires_at", "expiresAt"))),
    data: () => bytes("data", column("data"), dataText),
  };
}

function integer(name: string, value: unknown): bigint {
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return BigInt(value);
  if (typeof value === "string" && /^-?\d{1,19}$/.test(value)) return BigInt(value);
  throw new TypeError(`waxseal: the row's column ${name} must be an integer: a number, a BigInt or decimal text`);
}

function bytes(name: string, value: unknown, fromText: (text: string) => Uint8Array | undefined): Uint8Array {
  // Not `instanceof`: bytes may come from another realm, such as a `vm` context.
  if (ArrayBuffer.isView(value)) return new Uint8Array(value.buffer as ArrayBuffer, value.byteOffset, value.byteLength);
  if (Object.prototype.toString.call(value) === "[object ArrayBuffer]") return new Uint8Array(value as ArrayBuffer);
  if (Array.isArray(value)) return Uint8Array.from(value as number[]);
  if (typeof value === "string") {
    const found = fromText(value);
    if (found) return found;
  }
  const buffer = value as { type?: unknown; data?: unknown };
  if (buffer?.type === "Buffer" && Array.isArray(buffer.data)) return Uint8Array.from(buffer.data as number[]);
  throw new TypeError(`waxseal: the row's column ${name} must be bytes: a Uint8Array, an array of numbers, or text`);
}

function dataText(text: string): Uint8Array | undefined {
  return text.startsWith("\\x") ? hex(text.slice(2)) : base64(text);
}

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i;

/** No two forms have the same length, so none can be mistaken for another. */
function idText(text: string): Uint8Array | undefined {
  if (UUID.test(text)) return hex(text.replaceAll("-", ""));
  if (text.length === 32) return hex(text);
  if (text.length === 34 && text.startsWith("\\x")) return hex(text.slice(2));
  return text.length === 22 || text.length === 24 ? base64(text) : undefined;
}

function hex(text: string): Uint8Array | undefined {
  if (text.length % 2 || /[^\da-f]/i.test(text)) return undefined;
  return Uint8Array.from({ length: text.length / 2 }, (_, index) => parseInt(text.slice(2 * index, 2 * index + 2), 16));
}

function base64(text: string): Uint8Array | undefined {
  try {
    return Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (byte) => byte.charCodeAt(0));
  } catch {
    return undefined;
  }
}
