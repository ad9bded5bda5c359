// The types of the build's output: wasm-bindgen's glue, and the module as a Worker imports it.

declare module "*/waxseal_bg.js" {
  export class Edge {
    input(len: number): number;
    output(): number;
    wipe(): void;
    load(nameLen: number): number;
    open(nowMs: number, maxAgeS: number, feedNowMs: number, feedMaxAgeS: number): number;
    take_feed(nowMs: number): number;
    feed_as_of(): number;
    feed_len(): number;
    row_id(nowMs: number): number;
    open_row(valueLen: number, nowMs: number): number;
  }
  export function __wbg_set_wasm(exports: object): void;
}

declare module "*.wasm" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "*.wasm?module" {
  const module: WebAssembly.Module;
  export default module;
}

declare module "node:buffer" {
  export const Buffer: { from(text: string, encoding: "base64"): Uint8Array };
}

declare module "node:zlib" {
  export function brotliDecompressSync(compressed: Uint8Array): Uint8Array<ArrayBuffer>;
}

/** The module in base64, and the same compressed by Brotli; the build puts them in. */
declare const WASM: string;
declare const WASM_BROTLI: string;
