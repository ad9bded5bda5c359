// Opens session cookies and rows: the package's one class, around one instance of the module.

import { Edge as Module, __wbg_set_wasm } from "../build/waxseal_bg.js";
import {
  type Data,
  readByte,
  readBytes,
  readData,
  readDouble,
  readFrom,
  readText,
  setMemory,
  wipeStack,
  writeAscii,
  writeBytes,
  writeUint64,
} from "./memory.js";
import { type Row, columns } from "./row.js";

export type { Data, Value } from "./memory.js";
export type { Bytes, Integer, Row } from "./row.js";

/** How a worker opens tickets. */
export interface Options {
  /**
   * How old, in seconds, a ticket may be for the worker to decide by it alone; an older one is `stale`. It bounds for how long a
   * session that was ended meanwhile still passes at the edge. The application issues a ticket again at each touch (every minute
   * of use, unless set otherwise), so 300 is a fair choice; 0 sends nearly every request to the origin.
   */
  maxAgeSeconds: number;
  /** The session cookie's name, as the application sets it. Default: `__Host-session`. */
  cookieName?: string;
  /** The time in Unix milliseconds. Default: `Date.now`. */
  now?: () => number;
}

/** Why there is no ticket. Tell clients none of it but that they are not signed in. */
export type TicketRefusal =
  /** There is no cookie of that name. */
  | "absent"
  /** The cookie is not a ticket of this format. */
  | "malformed"
  /** It was made with a key that this worker was not given. */
  | "unknown-key"
  /** Its tag does not fit: forged, damaged, or made for a cookie of another name. */
  | "forged"
  /** It is authentic, but past its lifetime. */
  | "expired";

/** What {@link Edge.open} found. */
export type Opened =
  /** `stale` is not signed out: ask the origin or the database. Of two authentic tickets the first is given, as `stale`. */
  | { ok: true; state: "fresh" | "stale"; ticket: Ticket }
  | { ok: false; reason: TicketRefusal };

/** Why a row did not open. */
export type RowRefusal =
  /** There is no such row, or it says that the session was ended: signed out, revoked or renewed. */
  | "ended"
  /** The row's idle expiry, or the session's lifetime, has come. */
  | "expired"
  /** The row belongs to another session. */
  | "another-session"
  /** Its data were changed, or moved here from another row. */
  | "forged"
  /** Its data were sealed with a key that this worker was not given. */
  | "unknown-key"
  /** Its data are not of this format. */
  | "malformed";

/** What {@link Edge.openRow} found. */
export type OpenedRow = { ok: true; data: Data } | { ok: false; reason: RowRefusal };

/**
 * An authentic ticket within its lifetime: there is no way to get another one. It says what was true when it was issued; that its
 * session was not ended since, only the database can tell.
 */
export interface Ticket {
  /** Whose session it was when the ticket was issued; `null` before sign-in. */
  readonly subject: string | null;
  /** The few values that the application copies into its tickets. */
  readonly claims: Data;
  /** When the session was created, or last signed in; Unix seconds. */
  readonly createdUnixSeconds: number;
  /** When this ticket was issued; Unix seconds. */
  readonly issuedUnixSeconds: number;
  /** The idle expiry as it was then, a hint; Unix seconds. */
  readonly expiresUnixSeconds: number;
  /** When the session ends however much it is used; Unix seconds. */
  readonly deadlineUnixSeconds: number;
  /** The id of the session's row, as a UUID, computed when it is asked for. It opens nothing. */
  readonly rowId: string;
  /** The same as 16 bytes. */
  readonly rowIdBytes: Uint8Array;
}

const REFUSALS = ["", "malformed", "unknown-key", "forged", "expired"] as const;
const NO_ROW_KEYS = -5;
const KEY_ERRORS: Record<number, string> = {
  [-6]: "there is no edge key; export them with `Keyring::export_edge_keys` or `cargo xtask edge-keys`",
  [-7]: "an edge key is there twice",
  [-8]: "this is no edge key; they begin with `waxseal-edge-v1.` (root keys do not belong at the edge)",
};

/** Browsers keep 4096 bytes of a cookie; a longer value was not set by the application. */
const MAX_VALUE_CHARS = 4096;
/** How many cookies of one name are tried: a sibling domain can plant some beside the real one, and must not crowd it out. */
const MAX_CANDIDATES = 64;
/** Browsers keep far less of a session, and so does the application. */
const MAX_ROW_BYTES = 16 * 1024 * 1024;
/** Unix milliseconds of the year 2001, and the last that a `Date` can hold. */
const MIN_CLOCK = 1e12;
const MAX_CLOCK = 8.64e15;

/** @internal Gives the package its instance; called once by the entry file of each platform. */
export function start(instance: WebAssembly.Instance): void {
  const exports = instance.exports as { memory: WebAssembly.Memory; __wbindgen_start(): void };
  __wbg_set_wasm(exports);
  exports.__wbindgen_start();
  setMemory(exports.memory);
}

/** Writes a call's input, ASCII text alone; its length. */
function input(module: Module, text: string): void {
  writeAscii(text, module.input(text.length));
}

/** A ticket with what only this package looks at: the cookie, with which its row opens, and the exact creation. */
class OpenTicket implements Ticket {
  readonly createdUnixSeconds: number;
  readonly issuedUnixSeconds: number;
  readonly expiresUnixSeconds: number;
  readonly deadlineUnixSeconds: number;
  readonly subject: string | null;
  readonly claims: Data;
  readonly #module: Module;
  readonly #value: string;
  readonly #createdMs: number;
  readonly #lifetimeS: number;
  #id: Uint8Array | undefined;

  /** Reads what the module has written, but for the ticket's freshness, which comes before its subject. */
  constructor(module: Module, value: string, fresh: { is: boolean }) {
    this.#module = module;
    this.#value = value;
    this.#createdMs = readDouble();
    this.createdUnixSeconds = Math.floor(this.#createdMs / 1000);
    this.issuedUnixSeconds = readDouble();
    this.expiresUnixSeconds = readDouble();
    this.deadlineUnixSeconds = readDouble();
    this.#lifetimeS = readDouble();
    fresh.is = readByte() === 1;
    const hasSubject = readByte() === 1;
    const subject = readText();
    this.subject = hasSubject ? subject : null;
    this.claims = readData();
  }

  get rowId(): string {
    const hex = Array.from(this.rowIdBytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  get rowIdBytes(): Uint8Array {
    if (!this.#id) {
      input(this.#module, this.#value);
      // As of its creation: a ticket that has been opened keeps its id, whatever the time.
      this.#module.row_id(this.#createdMs);
      wipeStack();
      readFrom(this.#module.output());
      this.#id = readBytes(16);
    }
    return this.#id.slice();
  }

  static of(ticket: Ticket): { value: string; createdMs: number; lifetimeS: number } {
    if (!(typeof ticket === "object" && ticket !== null && #value in ticket)) {
      throw new TypeError("waxseal: openRow needs the ticket that open gave, not a copy of it");
    }
    return { value: ticket.#value, createdMs: ticket.#createdMs, lifetimeS: ticket.#lifetimeS };
  }
}
// Minified, the class would show under another name.
Object.defineProperty(OpenTicket, "name", { value: "Ticket" });

const SEMICOLON = 59;

function isSpace(code: number): boolean {
  return code === 32 || code === 9;
}

/** The value of a pair, from `at` on: without the spaces and quotes around it. */
function valueAt(header: string, at: number): string {
  const semicolon = header.indexOf(";", at);
  const value = header.slice(at, semicolon < 0 ? header.length : semicolon).trim();
  return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
}

/**
 * Opens the session cookies of one application, and the rows behind them. Make one for a worker, outside its handler: it prepares
 * the keys. It opens only; tickets are issued by the application.
 *
 * ```js
 * const edge = new Edge(env.WAXSEAL_EDGE_KEYS, { maxAgeSeconds: 300 });
 * const session = edge.open(request.headers.get("cookie"));
 * if (session.ok) console.log(session.state, session.ticket.subject);
 * ```
 */
export class Edge {
  /** Whether the keys open rows too. */
  readonly opensRows: boolean;
  readonly #module = new Module();
  /** `name=`. */
  readonly #pair: string;
  readonly #maxAge: number;
  readonly #now: () => number;

  /**
   * `keys` is the text that the application exports: for cookies alone, or for cookies and rows. Throws a `TypeError` that says
   * what to do where they, or the options, are not what they should be.
   */
  constructor(keys: string, options: Options) {
    const { maxAgeSeconds, cookieName = "__Host-session", now = Date.now } = options ?? {};
    if (typeof keys !== "string") throw new TypeError(`waxseal: the edge keys are ${typeof keys}, not text; is the secret set?`);
    if (!(Number.isFinite(maxAgeSeconds) && maxAgeSeconds >= 0)) {
      throw new TypeError("waxseal: maxAgeSeconds is not set: for how long may the worker decide by a ticket alone?");
    }
    if (typeof cookieName !== "string" || !/^[\w!#$%&'*+.^`|~-]{1,128}$/.test(cookieName)) {
      throw new TypeError("waxseal: cookieName cannot be a cookie's name");
    }
    this.#pair = `${cookieName}=`;
    this.#maxAge = maxAgeSeconds;
    this.#now = now;
    input(this.#module, cookieName + keys);
    const loaded = this.#module.load(cookieName.length);
    wipeStack();
    if (loaded < 0) throw new TypeError(`waxseal: ${KEY_ERRORS[loaded]}`);
    this.opensRows = loaded === 1;
  }

  /** Opens the session cookie of a `Cookie` header (`null` where there is none), synchronously and with no call anywhere. */
  open(cookieHeader: string | null | undefined): Opened {
    let refusal = 0;
    let tried = 0;
    if (cookieHeader) {
      const now = this.#clock();
      for (let at = this.#find(cookieHeader, 0); at >= 0; at = this.#find(cookieHeader, at)) {
        const value = valueAt(cookieHeader, at);
        const code = this.#open(value, now);
        if (code > 0) return this.#ticket(value, cookieHeader, at, now);
        // Of several refusals the one that was nearest to a ticket.
        refusal = Math.min(refusal, code);
        if (++tried === MAX_CANDIDATES) break;
      }
    }
    return { ok: false, reason: tried === 0 ? "absent" : (REFUSALS[-refusal] as TicketRefusal) };
  }

  /**
   * Opens the row behind a ticket, as the database driver gives it; `null` and `undefined` are a row that was not found. A row that
   * does not belong to the ticket's session is refused with the reason. Throws a `TypeError` where the keys open cookies only, or
   * where a column is missing.
   */
  openRow(ticket: Ticket, row: Row | null | undefined): OpenedRow {
    const { value, createdMs, lifetimeS } = OpenTicket.of(ticket);
    if (!this.opensRows) throw new TypeError("waxseal: these edge keys open cookies only; export them with rows");
    if (row == null) return { ok: false, reason: "ended" };
    const { id, generation, subject, data, ...times } = columns(row);
    // Generation 0 marks a session that was ended; the application keeps it for some minutes.
    if (generation === 0n) return { ok: false, reason: "ended" };
    const own = ticket.rowIdBytes;
    const another =
      (id && !(id.length === 16 && id.every((byte, at) => byte === own[at]))) ||
      times.createdMs !== createdMs ||
      times.lifetimeS !== lifetimeS ||
      subject !== ticket.subject;
    if (another) return { ok: false, reason: "another-session" };
    const now = this.#clock();
    if (!(now < times.expiresS * 1000)) return { ok: false, reason: "expired" };
    if (data.length > MAX_ROW_BYTES) return { ok: false, reason: "malformed" };
    const at = this.#module.input(value.length + 8 + data.length);
    writeAscii(value, at);
    writeUint64(generation, at + value.length);
    writeBytes(data, at + value.length + 8);
    const code = this.#module.open_row(value.length, now);
    wipeStack();
    if (code > 0) {
      readFrom(this.#module.output());
      const opened = readData();
      this.#module.wipe();
      return { ok: true, data: opened };
    }
    if (code === NO_ROW_KEYS) throw new TypeError("waxseal: these edge keys open cookies only; export them with rows");
    return { ok: false, reason: REFUSALS[-code] as RowRefusal };
  }

  /** The time. A clock in seconds, or one that stands at 0 (a Worker's, outside its handlers), would let every ticket live. */
  #clock(): number {
    const now = this.#now();
    if (typeof now === "number" && now >= MIN_CLOCK && now <= MAX_CLOCK) return now;
    throw new TypeError(`waxseal: it is not ${now} Unix milliseconds; in a Worker, open cookies inside the handler`);
  }

  /** Where the next value of our cookie begins, or -1. */
  #find(header: string, from: number): number {
    for (let at = header.indexOf(this.#pair, from); at >= 0; at = header.indexOf(this.#pair, at + 1)) {
      let before = at - 1;
      while (isSpace(header.charCodeAt(before))) before--;
      // Else it is the end of another cookie's name, or stands in its value.
      if (before < 0 || header.charCodeAt(before) === SEMICOLON) return at + this.#pair.length;
    }
    return -1;
  }

  #open(value: string, now: number): number {
    if (value.length > MAX_VALUE_CHARS) return -1;
    input(this.#module, value);
    const code = this.#module.open(now, this.#maxAge);
    wipeStack();
    return code;
  }

  #ticket(value: string, header: string, at: number, now: number): Opened {
    readFrom(this.#module.output());
    const fresh = { is: false };
    const ticket = new OpenTicket(this.#module, value, fresh);
    this.#module.wipe();
    return { ok: true, state: fresh.is && !this.#hasAnother(value, header, at, now) ? "fresh" : "stale", ticket };
  }

  /** Whether another authentic ticket follows: which of them lives, only the application can tell. */
  #hasAnother(value: string, header: string, from: number, now: number): boolean {
    let tried = 1;
    for (let at = this.#find(header, from); at >= 0 && tried < MAX_CANDIDATES; at = this.#find(header, at), tried++) {
      const other = valueAt(header, at);
      if (other !== value && this.#open(other, now) > 0) {
        this.#module.wipe();
        return true;
      }
    }
    return false;
  }
}
