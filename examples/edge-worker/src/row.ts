// Reads a session's row: from D1 where it is bound, or else from PostgreSQL through Hyperdrive.

import postgres from "postgres";
import type { Row, Ticket } from "waxseal";

export interface Databases {
  /** The application's database, a PostgreSQL. */
  HYPERDRIVE?: Hyperdrive;
  /** The application's sessions in D1. */
  DB?: D1Database;
}

/** How new the answer must be: any copy of the database will do, or only its primary. */
export type Freshness = "any" | "primary";

/** The row behind a ticket; `undefined` if there is none, or if it has expired. */
export function load(env: Databases, context: ExecutionContext, ticket: Ticket, freshness: Freshness): Promise<Row | undefined> {
  if (env.DB) return fromD1(env.DB, ticket, freshness);
  if (env.HYPERDRIVE) return fromPostgres(env.HYPERDRIVE, context, ticket);
  throw new Error("neither DB nor HYPERDRIVE is bound");
}

/** D1 answers from the copy that is nearest, unless it is asked for the primary. */
async function fromD1(database: D1Database, ticket: Ticket, freshness: Freshness): Promise<Row | undefined> {
  const session = database.withSession(freshness === "primary" ? "first-primary" : "first-unconstrained");
  const statement = session.prepare(
    "SELECT generation, subject, created_at, lifetime_s, expires_at, data FROM waxseal_sessions WHERE id = ? AND expires_at > unixepoch()",
  );
  return (await statement.bind(ticket.rowIdBytes).first<Row>()) ?? undefined;
}

/** The `now()` in the query keeps Hyperdrive from answering out of its cache: a cached row would outlive its session. */
async function fromPostgres(hyperdrive: Hyperdrive, context: ExecutionContext, ticket: Ticket): Promise<Row | undefined> {
  const sql = postgres(hyperdrive.connectionString, { max: 1, fetch_types: false, connect_timeout: 5 });
  try {
    const rows = await sql<Row[]>`
      SELECT generation, subject, created_at, lifetime_s, expires_at, data FROM waxseal_sessions
      WHERE id = ${ticket.rowId} AND expires_at > extract(epoch from now())`;
    return rows[0];
  } finally {
    context.waitUntil(sql.end());
  }
}
