// What the package offers, on every platform.

export { Edge } from "./edge.js";
export { EndedFeed } from "./feed.js";
export { jsonReplacer } from "./json.js";
export type { Bytes, Data, Integer, Opened, OpenedRow, Options, Row, RowId, RowRefusal, Ticket, TicketRefusal, Value } from "./edge.js";
export type { EndedFeedOptions, FeedCache, FeedFailure, WaitUntil } from "./feed.js";
