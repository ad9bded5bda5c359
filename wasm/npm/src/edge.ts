// Opens session cookies and rows: the package's one class, around one instance of the module.

import { Edge as Module, __wbg_set_wasm } from "../build/waxseal_bg.js";
import { find, valueAt } from "./cookies.js";
import type { EndedFeed } from "./feed.js";
import { type Data, input, readData, readFrom, readToEnd, setMemory, wipeStack, writeAscii, writeBytes, writeUint64 } from "./memory.js";
import { type Row, columns } from "./row.js";
import { OpenTicket, type Ticket } from "./ticket.js";

export type { Data, Value } from "./memory.js";
export type { Bytes, Integer, Row, RowId } from "./row.js";
export type { Ticket } from "./ticket.js";

/** How a worker opens tickets. */
export interface Options {
  /**
   * How old, in seconds, a ticket may be for the worker to decide on it alone; an older one is `stale`. This limits how long a
   * session that has ended is still accepted at the edge. The application issues a ticket again at each touch (every minute of
   * use by default), so 300 is a reasonable choice; 0 sends nearly every request to the origin.
   */
  maxAgeSeconds: number;
  /** The session cookie's name, as the application sets it. Default: `__Host-session`. */
  cookieName?: string;
  /** The time in Unix milliseconds. Default: `Date.now`. */
  now?: () => number;
}

/** Why there is no ticket. Tell clients only that they are not signed in. */
export type TicketRefusal =
  /** There is no cookie with that name. */
  | "absent"
  /** The cookie is not a ticket of this format. */
  | "malformed"
  /** It was made with a key that this worker does not have. */
  | "unknown-key"
  /** Its tag is wrong: forged, damaged, or made for a cookie of another name. */
  | "forged"
  /** It is authentic, but past its lifetime. */
  | "expired"
  /** It is authentic, but was issued more than five minutes in the future: a clock is wrong, here or at the application. */
  | "not-yet-valid"
  /** The feed of ended sessions names it: the session was signed out, revoked or renewed. */
  | "ended";

/** What {@link Edge.open} found. */
export type Opened =
  /**
   * `stale` does not mean signed out: ask the origin or the database. If the header has two authentic tickets, the result is the
   * first one, as `stale`.
   */
  | { ok: true; state: "fresh" | "stale"; ticket: Ticket }
  | { ok: false; reason: TicketRefusal };

/** Why a row was not opened. */
export type RowRefusal =
  /**
   * There is no such row, or it records that the session was ended: signed out, revoked or renewed. A replica may not have a new row
   * yet: before you sign the user out, read the primary.
   */
  | "ended"
  /** The row's idle expiry, or the end of the session's lifetime, has passed. A replica may not have the latest use: as above. */
  | "expired"
  /** The row belongs to another session, or the ticket has no row because its application has no store. */
  | "another-session"
  /**
   * The row is older than its ticket: a replica that lags, a restored backup, or an old row that somebody put back. This signs
   * nobody out: read the row from the primary, or pass the request to the application.
   */
  | "behind"
  /** Its data were changed, or moved here from another row. */
  | "forged"
  /** Its data were sealed with a key that this worker does not have. */
  | "unknown-key"
  /** Its data are not of this format. */
  | "malformed";

/** What {@link Edge.openRow} found. */
export type OpenedRow = { ok: true; data: Data } | { ok: false; reason: RowRefusal };

const REFUSALS: Record<number, TicketRefusal | RowRefusal> = {
  [-1]: "malformed",
  [-2]: "unknown-key",
  [-3]: "forged",
  [-4]: "expired",
  [-5]: "not-yet-valid",
  [-6]: "behind",
  [-7]: "another-session",
  [-12]: "ended",
};
const UNKNOWN_KEY = -2;
const ENDED = -12;
const KEY_ERRORS: Record<number, string> = {
  [-9]: "there is no edge key; export edge keys with `Keyring::export_edge_keys` or `waxseal edge-keys`",
  [-10]: "an edge key is listed twice",
  [-11]: "this is not an edge key: edge keys begin with `waxseal-edge-v1.` (root keys do not belong at the edge)",
};

/** Browsers keep 4096 bytes of a cookie; a longer value was not set by the application. */
const MAX_VALUE_CHARS = 4096;
/** How many cookies of one name are tried: a sibling domain can plant some beside the real one, and they must not crowd it out. */
const MAX_CANDIDATES = 64;
/** The application stores far less in a row: 64 KiB by default. */
const MAX_ROW_BYTES = 16 * 1024 * 1024;
/** Unix milliseconds of the year 2001, and the last that a `Date` can hold. */
const MIN_CLOCK = 1e12;
const MAX_CLOCK = 8.64e15;

/** The time, the time by the feed's clock, and the feed's bound in seconds. */
type Present = readonly [now: number, feedNow: number, feedMaxAge: number];

/** @internal Gives the package its instance; called once by the entry file of each platform. */
export function start(instance: WebAssembly.Instance): void {
  const exports = instance.exports as { memory: WebAssembly.Memory; __wbindgen_start(): void };
  __wbg_set_wasm(exports);
  exports.__wbindgen_start();
  setMemory(exports.memory);
}

/**
 * Opens the session cookies of one application, and the rows behind them. Make one per worker, outside its handler, because it
 * prepares the keys. It only opens; the application issues the tickets.
 *
 * ```js
 * const edge = new Edge(env.WAXSEAL_EDGE_KEYS, { maxAgeSeconds: 300 });
 * const session = edge.open(request.headers.get("cookie"));
 * if (session.ok) console.log(session.state, session.ticket.subject);
 * ```
 */
export class Edge {
  /** Whether the keys also open rows. */
  readonly opensRows: boolean;
  readonly #module = new Module();
  /** `name=`. */
  readonly #pair: string;
  readonly #maxAge: number;
  readonly #now: () => number;
  #feed: EndedFeed | undefined;

  /**
   * `keys` is the text that the application exports: for cookies only, or for cookies and rows. Throws a `TypeError` that says
   * what to do if the keys or the options are not valid.
   */
  constructor(keys: string, options: Options) {
    const { maxAgeSeconds, cookieName = "__Host-session", now = Date.now } = options ?? {};
    if (typeof keys !== "string") throw new TypeError(`waxseal: the edge keys must be text, not ${typeof keys}; is the secret set?`);
    if (!(Number.isFinite(maxAgeSeconds) && maxAgeSeconds >= 0)) {
      throw new TypeError("waxseal: set maxAgeSeconds to a number of seconds, 0 or more: how old a ticket may be for the worker to decide on it alone");
    }
    if (typeof cookieName !== "string" || !/^[\w!#$%&'*+.^`|~-]{1,128}$/.test(cookieName)) {
      throw new TypeError("waxseal: cookieName is not a valid cookie name (1 to 128 token characters)");
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

  /**
   * Opens the session cookie in a `Cookie` header (`null` if there is none), synchronously and without any request.
   *
   * With a feed of ended sessions, a session that the feed names is refused as `ended`. A ticket is then `fresh` only if the feed
   * proves that its session had not ended. It stays `stale` if the feed is older than its limit, does not reach back to the
   * ticket's issue, or has not arrived yet.
   */
  open(cookieHeader: string | null | undefined, feed?: EndedFeed): Opened {
    if (!cookieHeader) return { ok: false, reason: "absent" };
    const now = this.#clock();
    // A time of -1 leaves out the feed.
    const at: Present = [now, ...(feed === undefined ? ([-1, 0] as const) : feed.presentFor(this, now))];
    const opened = this.#first(cookieHeader, at);
    if (!cookieHeader.includes(", ")) return opened;
    // A runtime may have joined several header lines. A cookie that is found only in this reading may also be part of another
    // cookie's value, which a sibling domain can set: the application, which sees the lines, decides.
    const joined = this.#first(cookieHeader.replaceAll(", ", "; "), at);
    if (!opened.ok) {
      if (joined.ok) return { ...joined, state: "stale" };
      return joined.reason === "unknown-key" ? joined : opened;
    }
    const isSure = joined.ok && joined.state === "fresh" && OpenTicket.of(joined.ticket).value === OpenTicket.of(opened.ticket).value;
    return isSure ? opened : { ...opened, state: "stale" };
  }

  /** The first authentic ticket of a header. */
  #first(header: string, present: Present): Opened {
    let refusal = 0;
    let tried = 0;
    let hasEnded = false;
    let isUnknown = false;
    for (let at = find(header, this.#pair, 0); at >= 0; at = find(header, this.#pair, at)) {
      const value = valueAt(header, at);
      const code = this.#open(value, present);
      tried++;
      if (code > 0) {
        const ticket = this.#ticket(value, present[0]);
        const alone = !hasEnded && !this.#hasAnother(value, header, at, tried, present);
        return { ok: true, state: ticket.fresh && alone ? "fresh" : "stale", ticket: ticket.ticket };
      }
      hasEnded ||= code === ENDED;
      isUnknown ||= code === UNKNOWN_KEY;
      // Of several refusals, report the one that came closest to a ticket; but what this worker has no key for may be the user's.
      refusal = isUnknown ? UNKNOWN_KEY : Math.min(refusal, code);
      if (tried === MAX_CANDIDATES) break;
    }
    return { ok: false, reason: tried === 0 ? "absent" : (REFUSALS[refusal] as TicketRefusal) };
  }

  /**
   * Opens the row behind a ticket, as the database driver returns it; `null` and `undefined` mean that no row was found. A row
   * that does not belong to the ticket's session is refused with the reason. Throws a `TypeError` if the keys open only cookies,
   * or if a column is missing.
   */
  openRow(ticket: Ticket, row: Row | null | undefined): OpenedRow {
    const { value, openedMs, createdMs, lifetimeS } = OpenTicket.of(ticket);
    if (!this.opensRows) throw new TypeError("waxseal: these edge keys open only cookies; export edge keys for cookies and rows");
    if (row == null) return { ok: false, reason: "ended" };
    const { id, generation, subject, data: column, ...times } = columns(row);
    // Generation 0 marks a session that was ended; the application keeps it for some minutes.
    if (generation === 0n) return { ok: false, reason: "ended" };
    const another =
      ticket.generation === 0 ||
      (id && !isSame(id, ticket.rowIdBytes)) ||
      times.createdMs !== createdMs ||
      times.lifetimeS !== lifetimeS ||
      subject !== ticket.subject;
    if (another) return { ok: false, reason: "another-session" };
    // Checked before the expiry, which is as old as the row.
    if (generation > 0n && generation < BigInt(ticket.generation)) return { ok: false, reason: "behind" };
    // A clock that was set back must not make the ticket one from the future.
    const now = Math.max(this.#clock(), openedMs);
    if (!(now < times.expiresS * 1000)) return { ok: false, reason: "expired" };
    const data = column();
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
      readToEnd(this.#module);
      return { ok: true, data: opened };
    }
    return { ok: false, reason: REFUSALS[code] as RowRefusal };
  }

  /** The time. With a clock in seconds, or one that stands at 0 (a Worker's, outside its handlers), no ticket would ever expire. */
  #clock(): number {
    const now = this.#now();
    if (typeof now === "number" && now >= MIN_CLOCK && now <= MAX_CLOCK) return now;
    throw new TypeError(`waxseal: the clock returned ${now}, which is not the present in Unix milliseconds; in a Worker, open cookies inside the handler`);
  }

  /** @internal Gives an edge its feed. */
  static attach(edge: Edge, feed: EndedFeed): void {
    if (edge.#feed) throw new TypeError("waxseal: this Edge already has a feed; make one per worker, outside its handler");
    edge.#feed = feed;
  }

  /** @internal */
  static clock(edge: Edge): number {
    return edge.#clock();
  }

  /** @internal */
  static module(edge: Edge): Module {
    return edge.#module;
  }

  /** @internal Lets the module verify and accept a feed. Above 0 if it is newer than the previous one, below 0 if it was refused. */
  static takeFeed(edge: Edge, body: Uint8Array, now: number): number {
    writeBytes(body, edge.#module.input(body.length));
    const code = edge.#module.take_feed(now);
    wipeStack();
    return code;
  }

  #open(value: string, [now, feedNow, feedMaxAge]: Present): number {
    if (value.length > MAX_VALUE_CHARS) return -1;
    input(this.#module, value);
    const code = this.#module.open(now, this.#maxAge, feedNow, feedMaxAge);
    wipeStack();
    return code;
  }

  #ticket(value: string, now: number): { ticket: OpenTicket; fresh: boolean } {
    readFrom(this.#module.output());
    const fresh = { is: false };
    const ticket = new OpenTicket(this.#module, value, now, fresh);
    readToEnd(this.#module);
    return { ticket, fresh: fresh.is };
  }

  /** Whether another authentic ticket follows: only the application can tell which of them is live. */
  #hasAnother(value: string, header: string, from: number, tried: number, present: Present): boolean {
    for (let at = find(header, this.#pair, from); at >= 0 && tried < MAX_CANDIDATES; at = find(header, this.#pair, at), tried++) {
      const other = valueAt(header, at);
      if (other === value) continue;
      const code = this.#open(other, present);
      if (code > 0) this.#module.wipe();
      if (code > 0 || code === ENDED) return true;
    }
    return false;
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
