// A worker in front of an application with waxseal sessions: answers at the edge what a ticket or its row can answer, refuses what is
// not signed in, and hands everything else to the application.

import postgres from "postgres";
import { Edge, type Opened, type Row, type Ticket } from "waxseal";

interface Env {
  /** The application behind this worker. */
  ORIGIN: string;
  /** The session cookie's name. */
  COOKIE_NAME: string;
  /** For how long a ticket is good without asking the application; seconds. */
  MAX_AGE_SECONDS: string;
  /** Edge keys for rows: `cargo xtask edge-keys rows`. */
  WAXSEAL_EDGE_KEYS: string;
  /** The application's database. */
  HYPERDRIVE: Hyperdrive;
}

/** Paths of the application that are for signed-in users only. */
const PROTECTED = ["/whoami", "/devices"];

/** Made once: it prepares the keys. */
let edge: Edge | undefined;

export default {
  async fetch(request, env, context) {
    edge ??= new Edge(env.WAXSEAL_EDGE_KEYS, { maxAgeSeconds: Number(env.MAX_AGE_SECONDS), cookieName: env.COOKIE_NAME });
    const session = edge.open(request.headers.get("cookie"));
    const { pathname } = new URL(request.url);

    if (pathname === "/edge/whoami") return whoami(request, env, session);
    if (pathname === "/edge/data") return data(edge, env, context, session);
    if (PROTECTED.some((path) => pathname === path || pathname.startsWith(`${path}/`)) && !subject(session)) return refused();
    return application(request, env, pathname);
  },
} satisfies ExportedHandler<Env>;

/** Answered from the ticket alone, without a call anywhere. */
function whoami(request: Request, env: Env, session: Opened): Promise<Response> | Response {
  if (!session.ok || !subject(session)) return refused();
  // Stale is not signed out: the application knows, and issues the ticket anew.
  if (session.state === "stale") return application(request, env, "/whoami");
  const { ticket } = session;
  return answer(200, {
    from: "edge",
    subject: ticket.subject,
    claims: ticket.claims,
    secondsLeft: Math.max(0, ticket.expiresUnixSeconds - Math.floor(Date.now() / 1000)),
  });
}

/** Answered from the session's row: the database knows whether it was ended, so a stale ticket is as good as a fresh one. */
async function data(edge: Edge, env: Env, context: ExecutionContext, session: Opened): Promise<Response> {
  if (!session.ok || !subject(session)) return refused();
  let row: Row | undefined;
  try {
    row = await load(env, context, session.ticket);
  } catch (error) {
    // A database that fails is no sign-out.
    console.error("the session's row could not be read:", error);
    return answer(503, { error: "Try again in a moment." });
  }
  const opened = edge.openRow(session.ticket, row);
  if (!opened.ok && opened.reason === "behind") {
    // Nor is a row that is older than the ticket: this is a replica that lags, or a backup. Where there is a primary, ask it here.
    console.error(`the database is behind: the row of session ${session.ticket.rowId} is older than its ticket`);
    return answer(503, { error: "Try again in a moment." });
  }
  if (!opened.ok) {
    console.warn(`the row of session ${session.ticket.rowId} did not open: ${opened.reason}`);
    return refused();
  }
  return answer(200, { from: "edge", subject: session.ticket.subject, data: opened.data });
}

async function load(env: Env, context: ExecutionContext, ticket: Ticket): Promise<Row | undefined> {
  const sql = postgres(env.HYPERDRIVE.connectionString, { max: 1, fetch_types: false, connect_timeout: 5 });
  try {
    // now() is why Hyperdrive asks the database each time: a cached row would outlive its session.
    const rows = await sql<Row[]>`
      SELECT generation, subject, created_at, lifetime_s, expires_at, data FROM waxseal_sessions
      WHERE id = ${ticket.rowId} AND expires_at > extract(epoch from now())`;
    return rows[0];
  } finally {
    context.waitUntil(sql.end());
  }
}

/** The application's answer, as it is: `Set-Cookie` and all. */
function application(request: Request, env: Env, path: string): Promise<Response> {
  const { search } = new URL(request.url);
  return fetch(new Request(new URL(path + search, env.ORIGIN), request), { redirect: "manual" });
}

/** Whose session it is; `undefined` where the cookie was refused (for whatever reason: clients do not learn it) or nobody signed in. */
function subject(session: Opened): string | undefined {
  return session.ok ? (session.ticket.subject ?? undefined) : undefined;
}

function refused(): Response {
  return answer(401, { error: "Sign in first." });
}

function answer(status: number, body: unknown): Response {
  const json = JSON.stringify(body, (_, value: unknown) => {
    if (typeof value === "bigint") return String(value);
    return value instanceof Uint8Array ? Array.from(value) : value;
  });
  const headers = { "content-type": "application/json", "cache-control": "no-store", vary: "Cookie" };
  return new Response(json, { status, headers });
}
