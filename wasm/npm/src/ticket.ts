// An opened ticket: what the application put into it, and what is needed to open its row.

import { Edge as Module } from "../build/waxseal_bg.js";
import { type Data, input, readByte, readBytes, readData, readDouble, readFrom, readText, wipeStack } from "./memory.js";

/**
 * An opened ticket. It is authentic and within its lifetime. It says what was true when it was issued; only the database can
 * tell whether its session has ended since.
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
  /** When the session ends, however much it is used; Unix seconds. */
  readonly deadlineUnixSeconds: number;
  /** The session's own idle timeout, in seconds. */
  readonly idleTimeoutSeconds: number;
  /** Whether the cookie outlives the browser: it has a `Max-Age`. */
  readonly persistent: boolean;
  /**
   * The generation of the session's row when this ticket was issued. Each save raises it by one, so the row is at least as new. 0
   * if the application has no store: there is no row. A number is enough: no session is saved 2^53 times.
   */
  readonly generation: number;
  /** The id of the session's row as a UUID, computed when it is first read. It is safe to log: it gives no access to the session. */
  readonly rowId: string;
  /** The same as 16 bytes. */
  readonly rowIdBytes: Uint8Array;
}

/** @internal A ticket with the fields that only this package uses: the cookie, which opens the row, and the exact creation time. */
export class OpenTicket implements Ticket {
  readonly createdUnixSeconds: number;
  readonly issuedUnixSeconds: number;
  readonly expiresUnixSeconds: number;
  readonly deadlineUnixSeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly generation: number;
  readonly persistent: boolean;
  readonly subject: string | null;
  readonly claims: Data;
  readonly #module: Module;
  readonly #value: string;
  readonly #openedMs: number;
  readonly #createdMs: number;
  readonly #lifetimeS: number;
  #id: Uint8Array | undefined;

  /** Reads the module's output, except for the ticket's freshness, which precedes its subject. */
  constructor(module: Module, value: string, openedMs: number, fresh: { is: boolean }) {
    this.#module = module;
    this.#value = value;
    this.#openedMs = openedMs;
    this.#createdMs = readDouble();
    this.createdUnixSeconds = Math.floor(this.#createdMs / 1000);
    this.issuedUnixSeconds = readDouble();
    this.expiresUnixSeconds = readDouble();
    this.deadlineUnixSeconds = readDouble();
    this.#lifetimeS = readDouble();
    this.idleTimeoutSeconds = readDouble();
    this.generation = readDouble();
    this.persistent = readByte() === 1;
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
      // The time at which it was opened: the ticket keeps its id, whatever the time is now.
      this.#module.row_id(this.#openedMs);
      wipeStack();
      readFrom(this.#module.output());
      this.#id = readBytes(16);
    }
    return this.#id.slice();
  }

  static of(ticket: Ticket): { value: string; openedMs: number; createdMs: number; lifetimeS: number } {
    if (!(typeof ticket === "object" && ticket !== null && #value in ticket)) {
      throw new TypeError("waxseal: openRow needs the ticket object that open returned, not a copy of it");
    }
    return { value: ticket.#value, openedMs: ticket.#openedMs, createdMs: ticket.#createdMs, lifetimeS: ticket.#lifetimeS };
  }
}
// Minified, the class would have another name.
Object.defineProperty(OpenTicket, "name", { value: "Ticket" });
