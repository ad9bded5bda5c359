// The Poem example on a PostgreSQL database of its own, and a proxy before it that counts what reaches it.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request as forward } from "node:http";
import { fileURLToPath } from "node:url";
import postgres from "postgres";

const binary = fileURLToPath(new URL("../../target/debug/waxseal-example-poem", import.meta.url));

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

/** Starts the application; `stop` ends it as Ctrl-C does. */
export async function application(database, settings) {
  const port = await freePort();
  const env = { ...process.env, DATABASE_URL: database.url, PORT: String(port), RUST_LOG: "warn", ...settings };
  const child = spawn(binary, { env, stdio: ["ignore", "inherit", "inherit"] });
  const url = `http://127.0.0.1:${port}`;
  for (let tries = 0; ; tries++) {
    if (child.exitCode !== null || tries > 600) throw new Error("the application did not start");
    const up = await fetch(`${url}/plain`).then(({ ok }) => ok, () => false);
    if (up) break;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return {
    url,
    async stop() {
      child.kill("SIGINT");
      if (child.exitCode === null) await once(child, "exit");
    },
  };
}

/** Hands requests on to `target.url`, and keeps their paths and the cookies that were set. */
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
    onward.on("error", () => outgoing.writeHead(502).end());
    incoming.pipe(onward);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { ...seen, url: `http://127.0.0.1:${server.address().port}`, close: () => server.close() };
}

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
