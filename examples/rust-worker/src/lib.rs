//! A Cloudflare Worker in Rust that opens session cookies: it needs `waxseal-core`, and no package of npm's.
//!
//! `cargo build -p waxseal-example-rust-worker --target wasm32-unknown-unknown` compiles it; `npx worker-build` packages it for
//! wrangler. Its settings are `WAXSEAL_EDGE_KEYS`, a secret (`waxseal edge-keys cookies`), and the variables `COOKIE_NAME` and
//! `FEED_URL`: where the application serves its feed of ended sessions. With the feed, a sign-out counts here within seconds;
//! without it, within `MAX_AGE_S`.

#![forbid(unsafe_code)]

mod feed;

use std::rc::Rc;

use waxseal_core::{EdgeKeys, Freshness, Standing, Ticket, TicketError, Timestamp};
use worker::{Context, Date, Env, Error, Fetch, Request, Response, Result, event};

/// How old a ticket may be, in seconds, to be believed without asking the application.
const MAX_AGE_S: u64 = 300;

#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    if request.path() != "/edge/whoami" {
        return Fetch::Request(request).send().await;
    }
    // Preparing the keys costs microseconds; to save them, keep the keys in a `thread_local`.
    let keys = EdgeKeys::from_text(&env.secret("WAXSEAL_EDGE_KEYS")?.to_string())
        .map_err(|error| Error::RustError(error.to_string()))?;
    let name = env.var("COOKIE_NAME")?.to_string();
    let now = Timestamp::from_unix_ms(Date::now().as_millis());
    let header = request.headers().get("cookie")?.unwrap_or_default();
    let ticket = match open(&keys, &name, &header, now) {
        Presented::Ticket(ticket) => ticket,
        Presented::AskTheApplication => return Fetch::Request(request).send().await,
        Presented::Nobody => return Response::error("Sign in first.", 401),
    };
    let standing = match env.var("FEED_URL") {
        Ok(url) => {
            feed::refresh(&context, url.to_string(), name, Rc::new(keys), now);
            feed::standing(&ticket, now)
        }
        // Without the feed, a ticket is believed for as long as it is fresh.
        Err(_) => Standing::NotEnded,
    };
    match (standing, ticket.freshness(now, MAX_AGE_S)) {
        (Standing::Ended, _) => Response::error("Sign in first.", 401),
        (Standing::NotEnded, Freshness::Fresh) => answer(&ticket),
        // Not signed out, but not proved: the application knows, and issues the ticket anew.
        _ => Fetch::Request(request).send().await,
    }
}

/// What the cookies say.
enum Presented {
    /// One ticket that is authentic and has not expired.
    Ticket(Ticket),
    /// Several, or one that may be part of another cookie's value, or one of a key that has not reached this worker yet: only the
    /// application can tell.
    AskTheApplication,
    Nobody,
}

fn open(keys: &EdgeKeys, name: &str, header: &str, now: Timestamp) -> Presented {
    let mut asks = false;
    let mut authentic = |header: &str| -> Vec<(String, Ticket)> {
        let opened = candidates(header, name).filter_map(|value| match keys.open_ticket(name, value.as_bytes(), now) {
            Ok(ticket) => Some((value.to_owned(), ticket)),
            Err(TicketError::Expired) => None,
            Err(refused) => {
                asks |= matches!(refused, TicketError::UnknownKey(_));
                worker::console_warn!("a session cookie was refused: {refused}");
                None
            }
        });
        let mut opened: Vec<_> = opened.collect();
        opened.dedup_by(|a, b| a.0 == b.0);
        opened
    };
    let mut tickets = authentic(header);
    // A runtime may have joined several header lines with commas.
    let as_lines = header.contains(", ").then(|| authentic(&header.replace(", ", "; ")));
    let is_sure = tickets.len() == 1 && as_lines.as_ref().is_none_or(|joined| joined.len() == 1);
    if let (true, Some((_, ticket))) = (is_sure, tickets.pop()) {
        return Presented::Ticket(ticket);
    }
    if asks || !tickets.is_empty() || as_lines.is_some_and(|joined| !joined.is_empty()) {
        Presented::AskTheApplication
    } else {
        Presented::Nobody
    }
}

/// The values of the first few cookies of this name, found as the application finds them: only `;` separates cookies (a sibling
/// domain could set one to `x, __Host-session=…`), and only spaces and tabs around them are left off.
fn candidates<'a>(header: &'a str, name: &'a str) -> impl Iterator<Item = &'a str> {
    let values = header.split(';').filter_map(move |pair| {
        let value = pair.trim_matches([' ', '\t']).strip_prefix(name)?.strip_prefix('=')?;
        Some(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
    });
    values.take(64)
}

fn answer(ticket: &Ticket) -> Result<Response> {
    match ticket.subject() {
        Some(subject) => Response::ok(format!("{subject}, until {} at the latest\n", ticket.deadline().unix_seconds())),
        None => Response::error("Sign in first.", 401),
    }
}
