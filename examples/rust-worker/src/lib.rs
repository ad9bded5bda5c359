//! A Cloudflare Worker in Rust that opens session cookies: it needs `waxseal-core`, and no package of npm's.
//!
//! `cargo build -p waxseal-example-rust-worker --target wasm32-unknown-unknown` compiles it; `npx worker-build` makes of it what
//! wrangler takes. Its settings are `WAXSEAL_EDGE_KEYS`, a secret (`waxseal edge-keys cookies`), and the variables `COOKIE_NAME` and
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
    // Preparing the keys costs microseconds; an application that counts them keeps them in a `thread_local`.
    let keys = EdgeKeys::from_text(&env.secret("WAXSEAL_EDGE_KEYS")?.to_string())
        .map_err(|error| Error::RustError(error.to_string()))?;
    let name = env.var("COOKIE_NAME")?.to_string();
    let now = Timestamp::from_unix_ms(Date::now().as_millis());
    let header = request.headers().get("cookie")?.unwrap_or_default();
    let Some(ticket) = open(&keys, &name, &header, now) else {
        return Response::error("Sign in first.", 401);
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

/// The first cookie of the name that is authentic and in time; of those that are not, why goes to the log, never to the client.
fn open(keys: &EdgeKeys, name: &str, header: &str, now: Timestamp) -> Option<Ticket> {
    candidates(header, name).find_map(|value| match keys.open_ticket(name, value.as_bytes(), now) {
        Ok(ticket) => Some(ticket),
        Err(TicketError::Expired) => None,
        Err(refused) => {
            worker::console_warn!("a session cookie was refused: {refused}");
            None
        }
    })
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
