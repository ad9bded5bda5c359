// Keeps the feed of ended sessions up to date: fetches it, lets the module verify it, and remembers what failed.

import { Edge } from "./edge.js";

/** How a worker keeps the feed of ended sessions up to date. */
export interface EndedFeedOptions {
  /** The edge that verifies and uses the feed. An edge has one feed. */
  edge: Edge;
  /** The address at which the application serves the feed. */
  url: string | URL;
  /** How often, in seconds, the feed is fetched while requests arrive. Default: 5. */
  refreshSeconds?: number;
  /** How old, in seconds, the feed may be to prove that a session has not ended. With an older feed, tickets are `stale`. Default: 30. */
  maxAgeSeconds?: number;
  /** How long, in seconds, a fetch may take, and how long a request may wait for it. Default: 5. */
  timeoutSeconds?: number;
  /** Headers of the fetch, such as an `Authorization`. */
  headers?: Record<string, string>;
  /** Default: the global `fetch`. */
  fetch?: (url: string, init: RequestInit) => Promise<Response>;
  /**
   * The cache through which the workers of one location share the feed. Default: `caches.default`, if it exists (Cloudflare);
   * `null` for none. A cached feed is verified like one from the application.
   */
  cache?: FeedCache | null;
}

/** What failed when the feed was last fetched. */
export interface FeedFailure {
  reason:
    /** No answer, or none in time. */
    | "unreachable"
    /** An answer other than 200 or 304. */
    | "status"
    /** Over 8 MiB. */
    | "too-large"
    /** Not a feed of this format. */
    | "malformed"
    /** Signed with a key that this worker does not have: another application's feed, or newer keys. */
    | "unknown-key"
    /** Its tag is wrong: forged, damaged, or made for a cookie of another name. */
    | "forged"
    /** Made more than five minutes in the future: a clock is wrong, here or at the application. */
    | "not-yet-valid"
    /** Older than the feed that this worker has. */
    | "older"
    /** It arrived, but is too old to prove anything: a cache on the way keeps it for too long, or a clock is wrong. */
    | "outdated";
  /** The platform's error text, or the status. */
  detail: string;
  /** When it was seen; Unix milliseconds. */
  atUnixMs: number;
  /** How many fetches have failed, one after another. */
  times: number;
}

/** The part of the Cache API that the feed needs. */
export interface FeedCache {
  match(url: string): Promise<Response | undefined>;
  put(url: string, response: Response): Promise<unknown>;
}

/** The part that is needed of the third argument of a Worker's `fetch` handler. */
export interface WaitUntil {
  waitUntil(promise: Promise<unknown>): void;
}

/** The longest feed of the format: 2^20 sessions. */
const MAX_BYTES = 54 + 8 * 2 ** 20;
/** The longest pause after failures. */
const MAX_PAUSE_MS = 60_000;

const REASONS: Record<number, FeedFailure["reason"]> = {
  [-1]: "malformed",
  [-2]: "unknown-key",
  [-3]: "forged",
  [-5]: "not-yet-valid",
  [-13]: "older",
};

class Failed extends Error {
  constructor(readonly reason: FeedFailure["reason"], detail: unknown = reason) {
    super(String(detail));
  }
}

/**
 * The sessions that ended recently, according to the application. With it, a sign-out takes effect at the edge within seconds,
 * without a database. Make one per worker, outside its handler, and call {@link refresh} before `open` in every request.
 *
 * ```js
 * const edge = new Edge(env.WAXSEAL_EDGE_KEYS, { maxAgeSeconds: 570 });
 * const feed = new EndedFeed({ edge, url: "https://app.example/ended-sessions", refreshSeconds: 5, maxAgeSeconds: 30 });
 * // For each request:
 * await feed.refresh(context);
 * const session = edge.open(request.headers.get("cookie"), feed);
 * ```
 */
export class EndedFeed {
  readonly #edge: Edge;
  readonly #url: string;
  readonly #refreshMs: number;
  readonly #maxAgeS: number;
  readonly #timeoutMs: number;
  readonly #headers: Record<string, string>;
  readonly #fetch: EndedFeedOptions["fetch"];
  readonly #cache: EndedFeedOptions["cache"];
  /** The feed's ETag, and the time of its arrival. */
  #etag: string | null = null;
  #arrivedMs = 0;
  /** The fetch under way; when the last one began, and when the next one may begin. */
  #running: Promise<void> | undefined;
  #begunMs = 0;
  #nextMs = 0;
  #failure: FeedFailure | null = null;

  constructor(options: EndedFeedOptions) {
    const { edge, url, refreshSeconds = 5, maxAgeSeconds = 30, timeoutSeconds = 5, headers = {}, fetch, cache } = options ?? {};
    if (!(edge instanceof Edge)) throw new TypeError("waxseal: set edge to the Edge that verifies this feed and opens cookies with it");
    for (const [name, value] of Object.entries({ refreshSeconds, maxAgeSeconds, timeoutSeconds })) {
      if (!(Number.isFinite(value) && value > 0)) throw new TypeError(`waxseal: ${name} must be a number of seconds greater than 0`);
    }
    if (maxAgeSeconds < refreshSeconds) throw new TypeError("waxseal: the feed's maxAgeSeconds must not be less than its refreshSeconds");
    this.#url = new URL(url).href;
    this.#edge = edge;
    this.#refreshMs = refreshSeconds * 1000;
    this.#maxAgeS = maxAgeSeconds;
    this.#timeoutMs = timeoutSeconds * 1000;
    this.#headers = headers;
    this.#fetch = fetch;
    this.#cache = cache;
    Edge.attach(edge, this);
  }

  /** The time for which the feed is true, by the application's database; Unix milliseconds. `null` if there is no feed yet. */
  get asOfUnixMs(): number | null {
    return Edge.module(this.#edge).feed_as_of() || null;
  }

  /** How many sessions the feed names. */
  get size(): number {
    return Edge.module(this.#edge).feed_len();
  }

  /** What failed when the feed was last fetched; `null` if nothing did. Log it and raise an alert. */
  get failure(): FeedFailure | null {
    return this.#failure;
  }

  /**
   * Fetches the feed if that is due: one fetch for all requests that arrive in the meantime. It waits for the fetch only if the
   * present feed proves nothing. A failed fetch does not reject: without a feed, `open` answers `stale`, and {@link failure}
   * tells why. Throws a `TypeError`, as `open` does, if the clock is wrong.
   *
   * `context` keeps a Worker running after its response (`waitUntil`); leave it out on other platforms.
   */
  async refresh(context?: WaitUntil): Promise<void> {
    const now = Edge.clock(this.#edge);
    const since = now - this.#begunMs;
    // A Worker's fetch may never settle: it is cancelled with the request that began it. The clock may have been set back.
    const lost = since < 0 || since > 2 * this.#timeoutMs;
    if (this.#running ? lost : now >= this.#nextMs || since < 0) this.#begin(now, context);
    if (!this.#running || this.#isUsable(now)) return;
    await within(this.#timeoutMs, this.#running);
  }

  /** @internal The present time by the feed's clock, and the feed's limit. A clock here that is behind does not make the feed look newer. */
  presentFor(edge: Edge, now: number): [now: number, maxAgeS: number] {
    if (edge !== this.#edge) throw new TypeError("waxseal: this feed belongs to another Edge; pass a feed to the Edge that it was made with");
    const asOf = this.asOfUnixMs ?? 0;
    return [Math.max(now, asOf + now - this.#arrivedMs), this.#maxAgeS];
  }

  #isUsable(now: number): boolean {
    const asOf = this.asOfUnixMs;
    return asOf !== null && this.presentFor(this.#edge, now)[0] - asOf <= this.#maxAgeS * 1000;
  }

  #begin(now: number, context: WaitUntil | undefined): void {
    this.#begunMs = now;
    const running: Promise<void> = this.#load(now, context)
      .then(
        (made) => {
          this.#failure = null;
          this.#nextMs = made + this.#refreshMs;
        },
        (error: unknown) => {
          const { reason, message } = error instanceof Failed ? error : new Failed("unreachable", error);
          const times = (this.#failure?.times ?? 0) + 1;
          this.#failure = { reason, detail: message, atUnixMs: now, times };
          // The application answers: there is nothing to spare it.
          const doublings = reason === "outdated" ? 0 : times - 1;
          const pause = Math.min(this.#refreshMs * 2 ** doublings, Math.max(MAX_PAUSE_MS, this.#refreshMs));
          this.#nextMs = now + pause;
        },
      )
      .then(() => {
        if (this.#running === running) this.#running = undefined;
      });
    this.#running = running;
    context?.waitUntil(running);
  }

  /** Loads the feed. Returns the time from which the next one is due: for a feed from another worker, counted from when it was made. */
  async #load(now: number, context: WaitUntil | undefined): Promise<number> {
    const cache = this.#cache === undefined ? (globalThis.caches as { default?: FeedCache } | undefined)?.default : this.#cache;
    const shared = cache && (await within(this.#timeoutMs, this.#shared(cache)));
    // A feed that another worker has just fetched. A problem with it is not a failure: the application is asked.
    if (shared && this.#take(shared.body, now) > 0 && now - this.asOfUnixMs! < this.#refreshMs) {
      this.#etag = shared.etag;
      return Math.min(now, this.asOfUnixMs!);
    }
    const headers: Record<string, string> = { ...this.#headers };
    if (this.#etag) headers["if-none-match"] = this.#etag;
    const init: RequestInit = { headers, redirect: "manual", signal: AbortSignal.timeout(this.#timeoutMs) };
    const response = await (this.#fetch ?? globalThis.fetch)(this.#url, init);
    if (response.status === 304 && this.#etag) return this.#checked(now);
    if (response.status !== 200) {
      await response.body?.cancel();
      throw new Failed("status", response.status);
    }
    const body = await read(response);
    const code = this.#take(body, now);
    if (code < 0) throw new Failed(REASONS[code]!);
    this.#etag = response.headers.get("etag");
    if (cache && code > 0) {
      const kept = { "cache-control": `max-age=${Math.ceil(this.#refreshMs / 1000)}`, ...(this.#etag && { etag: this.#etag }) };
      const put = cache.put(this.#url, new Response(body, { headers: kept })).catch(() => undefined);
      context?.waitUntil(put);
    }
    return this.#checked(now);
  }

  /** The present time. Throws if the feed that has just arrived proves nothing. */
  #checked(now: number): number {
    if (this.#isUsable(now)) return now;
    const ageS = Math.round((this.presentFor(this.#edge, now)[0] - this.asOfUnixMs!) / 1000);
    throw new Failed("outdated", `the feed is ${ageS} seconds old`);
  }

  /** The feed that another worker has put into the cache. */
  async #shared(cache: FeedCache): Promise<{ body: Uint8Array<ArrayBuffer>; etag: string | null } | undefined> {
    const cached = await cache.match(this.#url);
    return cached && { body: await read(cached), etag: cached.headers.get("etag") };
  }

  #take(body: Uint8Array<ArrayBuffer>, now: number): number {
    const code = Edge.takeFeed(this.#edge, body, now);
    if (code > 0) this.#arrivedMs = now;
    return code;
  }
}

/** The result, or `undefined` if it fails or does not come in time. */
async function within<T>(ms: number, result: Promise<T>): Promise<T | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<undefined>((resolve) => (timer = setTimeout(resolve, ms)));
  const first = await Promise.race([result.catch(() => undefined), late]);
  clearTimeout(timer);
  return first;
}

/** The body. No more of it is kept than a feed can have. */
async function read(response: Response): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  const reader = response.body?.getReader();
  for (let next = await reader?.read(); next?.value; next = await reader?.read()) {
    chunks.push(next.value);
    if ((length += next.value.length) > MAX_BYTES) {
      await reader?.cancel();
      throw new Failed("too-large");
    }
  }
  const body = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk, at);
    at += chunk.length;
  }
  return body;
}
