// Run by Bun, which reads SQLite: prints the session table of a database file, as JSON.

import { Database } from "bun:sqlite";

const database = new Database(process.argv[2], { readonly: true });
const schema = database.query("SELECT sql FROM sqlite_master WHERE tbl_name = 'waxseal_sessions' AND sql IS NOT NULL").all();
const rows = database.query("SELECT * FROM waxseal_sessions").all();
const plain = (value) => (value instanceof Uint8Array ? { hex: Buffer.from(value).toString("hex") } : value);
console.log(JSON.stringify({ schema: schema.map(({ sql }) => sql), rows: rows.map((row) => Object.entries(row).map(([column, value]) => [column, plain(value)])) }));
