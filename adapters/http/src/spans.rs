//! Spans of the session layer, at the level `DEBUG`. Fields have the names of OpenTelemetry's conventions, if there is one.
//!
//! `waxseal.load` and `waxseal.save` cover what a request waits for; inside them, `waxseal.store` covers each call of the store.

use tracing::{Span, debug_span, field::Empty};

use crate::{Outcome, Session, SessionError, session::Behind};

/// Loading a request's session.
pub(crate) fn load() -> Span {
    debug_span!("waxseal.load", "waxseal.row_id" = Empty, "waxseal.session" = Empty, "error.type" = Empty)
}

/// Saving what a request recorded, with the waits for its turn.
pub(crate) fn save() -> Span {
    debug_span!("waxseal.save", "waxseal.row_id" = Empty, "waxseal.outcome" = Empty, "error.type" = Empty)
}

/// A call of the store.
pub(crate) fn store(call: &'static str) -> Span {
    debug_span!("waxseal.store", "otel.kind" = "client", "db.operation.name" = call)
}

/// Records which session was loaded and its state, or the error.
pub(crate) fn loaded(span: &Span, session: &Session, result: &Result<(), SessionError>) {
    if span.is_disabled() {
        return;
    }
    let found = match session.state().behind {
        Behind::Live(_) => "live",
        Behind::Gone => "ended",
        Behind::Nothing | Behind::Unread => "none",
    };
    record(span, session, "waxseal.session", found, result.as_ref().err());
}

/// Records which session was saved and the outcome, or the error.
pub(crate) fn saved(span: &Span, session: &Session, result: &Result<Outcome, SessionError>) {
    if span.is_disabled() {
        return;
    }
    let outcome = result.as_ref().map_or("", Outcome::name);
    record(span, session, "waxseal.outcome", outcome, result.as_ref().err());
}

fn record(span: &Span, session: &Session, field: &'static str, value: &str, error: Option<&SessionError>) {
    if let Some(id) = session.row_id() {
        span.record("waxseal.row_id", id.to_string());
    }
    match error {
        None => span.record(field, value),
        Some(error) => span.record("error.type", error.status().as_u16()),
    };
}
