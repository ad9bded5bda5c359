// Opens session cookies and rows: the package's one class, around one instance of the module.

import { Edge as Module, __wbg_set_wasm } from "../build/waxseal_bg.js";
import { type Row, columns } from "./row.js";
import { type Data, Reader } from "./values.js";

export type { Bytes, Integer, Row } from "./row.js";
export type { Data, Value } from "./values.js";

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
  /** `stale` is not signed out: ask the origin or the database. */
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
  /** The id of the session's row, as a UUID. It opens nothing. */
  readonly rowId: string;
  /** The same as 16 bytes. */
  readonly rowIdBytes: Uint8Array;
  /** When the session was created, or last signed in; Unix seconds. */
  readonly createdUnixSeconds: number;
  /** When this ticket was issued; Unix seconds. */
  readonly issuedUnixSeconds: number;
  /** The idle expiry as it was then, a hint; Unix seconds. */
  readonly expiresUnixSeconds: number;
  /** When the session ends however much it is used; Unix seconds. */
  readonly deadlineUnixSeconds: number;
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
/** Of several cookies of one name the first few are tried: a sibling domain can plant one beside the real one. */
const MAX_CANDIDATES = 4;
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

let memory: WebAssembly.Memory;
let bytes = new Uint8Array();
let view = new DataView(bytes.buffer);

/** @internal Gives the package its instance; called once by the entry file of each platform. */
export function start(instance: WebAssembly.Instance): void {
  const exports = instance.exports as { memory: WebAssembly.Memory; __wbindgen_start(): void };
  __wbg_set_wasm(exports);
  exports.__wbindgen_start();
  memory = exports.memory;
}

/** The module's memory as it is now: growing replaces the buffer. */
function refresh(): void {
  if (bytes.buffer !== memory.buffer) {
    bytes = new Uint8Array(memory.buffer);
    view = new DataView(memory.buffer);
  }
}

/** A ticket with what only this package looks at: the cookie, with which its row opens, and the exact creation. */
class OpenTicket implements Ticket {
  readonly subject: string | null;
  readonly claims: Data;
  readonly rowId: string;
  readonly createdUnixSeconds: number;
  readonly issuedUnixSeconds: number;
  readonly expiresUnixSeconds: number;
  readonly deadlineUnixSeconds: number;
  readonly #rowIdBytes: Uint8Array;
  readonly #createdMs: number;
  readonly #lifetimeS: number;
  readonly #value: string;

  constructor(value: string, reader: Reader) {
    this.#value = value;
    this.#createdMs = reader.double();
    this.createdUnixSeconds = Math.floor(this.#createdMs / 1000);
    this.issuedUnixSeconds = reader.double();
    this.expiresUnixSeconds = reader.double();
    this.deadlineUnixSeconds = reader.double();
    this.#lifetimeS = reader.double();
    const id = (this.#rowIdBytes = reader.copy(16));
    let text = "";
    for (let at = 0; at < 16; at++) text += (at === 4 || at === 6 || at === 8 || at === 10 ? "-" : "") + HEX[id[at]!];
    this.rowId = text;
    reader.byte();
    const hasSubject = reader.byte() === 1;
    const subject = reader.text();
    this.subject = hasSubject ? subject : null;
    this.claims = reader.data();
  }

  get rowIdBytes(): Uint8Array {
    return this.#rowIdBytes.slice();
  }

  static of(ticket: Ticket): { value: string; createdMs: number; lifetimeS: number } {
    if (!(typeof ticket === "object" && ticket !== null && #value in ticket)) {
      throw new TypeError("waxseal: openRow needs the ticket that open gave, not a copy of it");
    }
    return { value: ticket.#value, createdMs: ticket.#createdMs, lifetimeS: ticket.#lifetimeS };
  }
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
  readonly #name: string;
  readonly #maxAge: number;
  readonly #now: () => number;

  /**
   * `keys` is the text that the application exports: for cookies alone, or for cookies and rows. Throws a `TypeError` that says
   * what to do where they, or the options, are not what they should be.
   */
  constructor(keys: string, options: Options) {
    const { maxAgeSeconds, cookieName = "__Host-session", now = Date.now } = options ?? {};
    if (typeof keys !== "string") throw new TypeError(`waxseal: the edge keys are ${typeof keys}, not text; is the secret set?`);
    if (!(typeof maxAgeSeconds === "number" && maxAgeSeconds >= 0)) {
      throw new TypeError("waxseal: maxAgeSeconds is not set: for how long may the worker decide by a ticket alone?");
    }
    if (typeof cookieName !== "string" || !/^[\w!#$%&'*+.^`|~-]{1,128}$/.test(cookieName)) {
      throw new TypeError("waxseal: cookieName cannot be a cookie's name");
    }
    this.#name = cookieName;
    this.#maxAge = maxAgeSeconds;
    this.#now = now;
    const name = new TextEncoder().encode(cookieName);
    const text = new TextEncoder().encode(keys);
    const at = this.#room(name.length + text.length);
    bytes.set(name, at);
    bytes.set(text, at + name.length);
    const loaded = this.#module.load(name.length);
    if (loaded < 0) throw new TypeError(`waxseal: ${KEY_ERRORS[loaded]}`);
    this.opensRows = loaded === 1;
  }

  /** Opens the session cookie of a `Cookie` header (`null` where there is none), synchronously and with no call anywhere. */
  open(cookieHeader: string | null | undefined): Opened {
    let refusal = 0;
    let tried = 0;
    if (cookieHeader) {
      const now = this.#now();
      for (const pair of cookieHeader.split(";")) {
        const value = this.#value(pair);
        if (value === undefined) continue;
        const code = this.#open(value, now);
        if (code > 0) return this.#ticket(value);
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
    const now = this.#now();
    if (!(now < times.expiresS * 1000)) return { ok: false, reason: "expired" };
    const at = this.#room(value.length + 8 + data.length);
    write(value, at);
    view.setBigUint64(at + value.length, BigInt.asUintN(64, generation));
    bytes.set(data, at + value.length + 8);
    const code = this.#module.open_row(value.length, now);
    if (code > 0) return { ok: true, data: this.#output((reader) => reader.data()) };
    if (code === NO_ROW_KEYS) throw new TypeError("waxseal: these edge keys open cookies only; export them with rows");
    return { ok: false, reason: REFUSALS[-code] as RowRefusal };
  }

  /** The value of a pair of the header, where it is ours. */
  #value(pair: string): string | undefined {
    const equals = pair.indexOf("=");
    if (equals < 0 || pair.slice(0, equals).trimStart() !== this.#name) return undefined;
    const value = pair.slice(equals + 1).trim();
    return value.length > 1 && value.startsWith('"') && value.endsWith('"') ? value.slice(1, -1) : value;
  }

  #open(value: string, now: number): number {
    if (value.length > MAX_VALUE_CHARS) return -1;
    write(value, this.#room(value.length));
    return this.#module.open(now, this.#maxAge);
  }

  #ticket(value: string): Opened {
    return this.#output((reader, at) => {
      const ticket = new OpenTicket(value, reader);
      return { ok: true, state: bytes[at + 56] === 1 ? "fresh" : "stale", ticket };
    });
  }

  /** Room for a call's input; its address. */
  #room(length: number): number {
    const at = this.#module.input(length);
    refresh();
    return at;
  }

  /** Reads the output of a call, which is wiped then. */
  #output<T>(read: (reader: Reader, at: number) => T): T {
    refresh();
    const at = this.#module.output();
    const result = read(new Reader(bytes, view, at), at);
    this.#module.wipe();
    return result;
  }
}

/** Writes a cookie's value, of which nothing beyond ASCII can be good: any such character becomes one that no ticket has. */
function write(value: string, at: number): void {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    bytes[at + index] = code < 128 ? code : 0;
  }
}
