// The Poem example on a PostgreSQL database of its own, and a proxy before it that counts what reaches it.

import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import postgres from "postgres";
import { start } from "../browser/application.mjs";

/** A database for one run; its URL with a password, which Hyperdrive insists on. */
export async function database() {
  const server = new URL(process.env.WAXSEAL_TEST_POSTGRES_URL);
  server.password ||= "unused";
  const sql = postgres(server.href, { max: 1, onnotice: () => {} });
  const name = `waxseal_edge_${process.pid}_${Date.now()}`;
  await sql.unsafe(`CREATE DATABASE ${name}`);
  const url = new URL(server);
  url.pathname = `/${name}`;
  const own = postgres(url.href, { max: 1, onnotice: () => {} });
  return {
    url: url.href,
    sql: own,
    async drop() {
      await own.end();
      await sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`);
      await sql.end();
    },
  };
}

/** The Poem example on that database. */
export function application(database, settings) {
  return start("poem", { DATABASE_URL: database.url, ...settings });
}

/** Hands requests on to `target.url`, and keeps their paths and the cookies that were set. It hangs up where nobody is there. */
export async function counting(target) {
  const seen = { paths: [], cookies: [] };
  const server = createServer((incoming, outgoing) => {
    seen.paths.push(incoming.url);
    const { method, headers } = incoming;
    const onward = forward(target.url + incoming.url, { method, headers }, (response) => {
      seen.cookies.push(...(response.headers["set-cookie"] ?? []));
      outgoing.writeHead(response.statusCode, response.rawHeaders);
      response.pipe(outgoing);
    });
    onward.on("error", () => outgoing.destroy());
    incoming.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { ...seen, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}
