// The vectors of the feed of ended sessions: what an edge with a feed answers, on every runtime the same.

import { unhex } from "./bytes.mjs";

export async function checkFeeds({ Edge, EndedFeed }, { feeds, tickets, keys }, same) {
  const text = keys.keys.map((key) => key.edge_cookies).join(",");
  const fed = (vector, now) => {
    const clock = { now };
    const edge = new Edge(text, { maxAgeSeconds: 1e9, cookieName: vector.cookie_name, now: () => clock.now });
    const fetch = async () => new Response(unhex(vector.feed));
    const feed = new EndedFeed({ edge, url: "https://app.example/ended", maxAgeSeconds: 10, fetch, cache: null });
    return { clock, edge, feed };
  };
  for (const vector of feeds.accepted) {
    const { clock, edge, feed } = fed(vector, vector.as_of_ms);
    await feed.refresh();
    same(`feed ${vector.name}`, [feed.asOfUnixMs, feed.size, feed.failure], [vector.as_of_ms, vector.marks.length, null]);
    for (const { row_id, generation, issued_s, now_ms, standing } of vector.standings) {
      const { cookie } = tickets.accepted.find((ticket) => ticket.row_id === row_id && ticket.generation === generation && Math.floor(ticket.created_ms / 1000) + ticket.issued_after_s === issued_s);
      clock.now = now_ms;
      const opened = edge.open(`${vector.cookie_name}=${cookie}`, feed);
      const expected = { ended: "ended", "not-ended": "fresh", unproved: "stale" }[standing];
      same(`feed ${vector.name}: generation ${generation} at ${now_ms}`, opened.ok ? opened.state : opened.reason, expected);
    }
  }
  for (const vector of feeds.refused) {
    const { feed } = fed(vector, feeds.accepted[0].as_of_ms);
    await feed.refresh();
    same(`refused feed: ${vector.why}`, [feed.asOfUnixMs, feed.failure.reason, feed.failure.times], [null, vector.reason, 1]);
  }
}
