// Starts an example application.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:http";

import { inTarget } from "../target.mjs";

/** Starts the application of a framework ("poem", "salvo", "axum"); `stop` ends it as Ctrl-C does. */
export async function start(framework, settings, cwd) {
  const binary = inTarget(`debug/waxseal-example-${framework}`);
  const port = await freePort();
  const env = { ...process.env, PORT: String(port), RUST_LOG: "warn", ...settings };
  const child = spawn(binary, { cwd, env, stdio: ["ignore", "inherit", "inherit"] });
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

async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}
