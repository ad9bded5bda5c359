// The types of what the build makes: wasm-bindgen's glue, and the module as a Worker imports it.

declare module "*/waxseal_bg.js" {
  export class Edge {
    input(len: number): number;
    output(): number;
    wipe(): void;
    load(nameLen: number): number;
    open(nowMs: number, maxAgeS: number): number;
    row_id(nowMs: number): number;
    open_row(valueLen: number, nowMs: number): number;
  }
  export function __wbg_set_wasm(exports: object): void;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "node:fs" {
  export function readFileSync(path: URL): Uint8Array<ArrayBuffer>;
}
