// A worker in front of an application with waxseal sessions: answers at the edge what a ticket or its row can answer, refuses what is
// not signed in, and hands everything else to the application.

import { Edge, EndedFeed, type Opened, type OpenedRow, jsonReplacer } from "waxseal";
import { type Databases, load } from "./row.js";

interface Env extends Databases {
  /** The application behind this worker. */
  ORIGIN: string;
  /** The session cookie's name. */
  COOKIE_NAME: string;
  /** How old a ticket may be, in seconds, to be accepted without asking the application. */
  MAX_AGE_SECONDS: string;
  /** Where the application serves its feed of ended sessions. Without it, a ticket alone is believed. */
  FEED_URL?: string;
  /** How often the feed is fetched, and how old it may be to prove anything; seconds. */
  FEED_REFRESH_SECONDS?: string;
  FEED_MAX_AGE_SECONDS?: string;
  /** Edge keys for rows: `waxseal edge-keys rows`. */
  WAXSEAL_EDGE_KEYS: string;
}

/** Paths of the application that are for signed-in users only. */
const PROTECTED = ["/whoami", "/devices"];

/** Made once: it prepares the keys. */
let edge: Edge | undefined;
let feed: EndedFeed | undefined;
/** The failure of the feed that was logged last. */
let told = 0;

export default {
  async fetch(request, env, context) {
    edge ??= new Edge(env.WAXSEAL_EDGE_KEYS, { maxAgeSeconds: Number(env.MAX_AGE_SECONDS), cookieName: env.COOKIE_NAME });
    const session = edge.open(request.headers.get("cookie"), await ended(edge, env, context));
    const { pathname } = new URL(request.url);

    if (pathname === "/edge/whoami") return whoami(request, env, session);
    if (pathname === "/edge/data") return data(edge, env, context, session);
    const isProtected = PROTECTED.some((path) => pathname === path || pathname.startsWith(`${path}/`));
    if (isProtected && !subject(session) && !isForApplication(session)) return refused();
    return application(request, env, pathname);
  },
} satisfies ExportedHandler<Env>;

/** The feed of ended sessions, fresh enough or not: `open` knows what it proves. */
async function ended(edge: Edge, env: Env, context: ExecutionContext): Promise<EndedFeed | undefined> {
  if (!env.FEED_URL) return undefined;
  const seconds = { refreshSeconds: Number(env.FEED_REFRESH_SECONDS ?? 5), maxAgeSeconds: Number(env.FEED_MAX_AGE_SECONDS ?? 30) };
  feed ??= new EndedFeed({ edge, url: env.FEED_URL, ...seconds });
  await feed.refresh(context);
  if (feed.failure && feed.failure.atUnixMs !== told) {
    told = feed.failure.atUnixMs;
    console.error(`the feed of ended sessions: ${feed.failure.reason}: ${feed.failure.detail}`);
  }
  return feed;
}

/** Answered from the ticket alone, without a call anywhere. */
function whoami(request: Request, env: Env, session: Opened): Promise<Response> | Response {
  if (isForApplication(session)) return application(request, env, "/whoami");
  if (!session.ok || !subject(session)) return refused();
  // Stale does not mean signed out: the application decides, and issues a new ticket.
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
  // The keys have not reached this worker yet: that is no sign-out.
  if (isForApplication(session)) return unavailable();
  if (!session.ok || !subject(session)) return refused();
  const open = async (freshness: "any" | "primary"): Promise<OpenedRow> =>
    edge.openRow(session.ticket, await load(env, context, session.ticket, freshness));
  let opened: OpenedRow;
  try {
    opened = await open("any");
    // A copy that lags may have an older row than its ticket's, none yet, or one from before the latest use.
    if (!opened.ok && ["behind", "ended", "expired"].includes(opened.reason)) opened = await open("primary");
  } catch (error) {
    // A database that fails is no sign-out.
    console.error("the session's row could not be read:", error);
    return unavailable();
  }
  if (!opened.ok && opened.reason === "behind") {
    // Nor is this: the database is a backup, or is behind as a whole.
    console.error(`the database is behind: the row of session ${session.ticket.rowId} is older than its ticket`);
    return unavailable();
  }
  if (!opened.ok && opened.reason === "unknown-key") return unavailable();
  if (!opened.ok) {
    console.warn(`the row of session ${session.ticket.rowId} did not open: ${opened.reason}`);
    return refused();
  }
  return answer(200, { from: "edge", subject: session.ticket.subject, data: opened.data });
}

/** The application's response, unchanged, with its `Set-Cookie`. If the application does not answer: 503, which signs nobody out. */
async function application(request: Request, env: Env, path: string): Promise<Response> {
  const { search } = new URL(request.url);
  try {
    return await fetch(new Request(new URL(path + search, env.ORIGIN), request), { redirect: "manual" });
  } catch (error) {
    console.error("the application does not answer:", error);
    return unavailable();
  }
}

/** Whose session it is; `undefined` if the cookie was refused (clients do not learn why) or nobody is signed in. */
function subject(session: Opened): string | undefined {
  return session.ok ? (session.ticket.subject ?? undefined) : undefined;
}

/** Whether the cookie was made with a key that has not reached this worker: it signs nobody out. */
function isForApplication(session: Opened): boolean {
  return !session.ok && session.reason === "unknown-key";
}

function refused(): Response {
  return answer(401, { error: "Sign in first." });
}

function unavailable(): Response {
  return answer(503, { error: "Try again in a moment." });
}

function answer(status: number, body: unknown): Response {
  const json = JSON.stringify(body, jsonReplacer);
  const headers = { "content-type": "application/json", "cache-control": "no-store", vary: "Cookie" };
  return new Response(json, { status, headers });
}
