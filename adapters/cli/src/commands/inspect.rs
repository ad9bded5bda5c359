//! Explains a cookie: its times, its key, and whether its row opens. The cookie comes from standard input, because it is a
//! secret.

use std::io::{self, Read};

use serde_json::{Value, json};
use waxseal_core::{Data, RowError, Ticket, TicketError, Timestamp};
use waxseal_http::{Clock, Found, SystemClock};
use zeroize::Zeroizing;

use super::by_key;
use crate::{
    arguments::Settings,
    failure::Failure,
    report::{Report, table},
    settings::now,
    when,
};

/// The longest input that is read, in bytes.
const LONGEST: u64 = 64 * 1024;

pub(super) async fn cookie(settings: &Settings, show_values: bool) -> Result<Report, Failure> {
    let mut input = Zeroizing::new(String::new());
    io::stdin().take(LONGEST).read_to_string(&mut input).map_err(Failure::Input)?;
    let value = value_of(&input, &settings.cookie);
    let store = if settings.has_database()? { Some(settings.store().await?) } else { None };
    let now = match &store {
        Some(store) => now(store).await?,
        None => SystemClock.now(),
    };
    let keyring = settings.keyring()?;
    let key = key_id(value);
    let mut lines = vec![("key", key.clone().unwrap_or_else(|| "unreadable".into()))];
    let ticket = match keyring.open_ticket(&settings.cookie, value.as_bytes(), now) {
        Ok(ticket) => ticket,
        Err(reason) => {
            lines.push(("state", explained(&reason, &settings.cookie)));
            let json = json!({ "key": key, "authentic": false, "reason": reason.to_string() });
            return Ok(Report::new(shown(&lines), json).failed_if(true));
        }
    };
    lines.extend(described(&ticket, now));
    let mut json = json!({
        "key": key, "authentic": true, "row_id": ticket.row_id().to_string(), "subject": ticket.subject(),
        "created_at": when::at(ticket.created_at()), "issued_at": when::at(ticket.issued_at()),
        "expires_at": when::at(ticket.expires_at()), "deadline": when::at(ticket.deadline()),
        "generation": ticket.generation(), "persistent": ticket.is_persistent(), "stateless": ticket.is_stateless(),
    });
    if show_values {
        lines.push(("claims", format!("{:?}", entries(ticket.claims()))));
        json["claims"] = json!(entries(ticket.claims()));
    }
    if let (Some(store), false) = (store, ticket.is_stateless()) {
        let found = store.on(store.connection()).load(ticket.row_id()).await?;
        let (state, data) = row_state(&keyring, &ticket, found, now);
        json["row"] = json!(state);
        lines.push(("row", state));
        if let (true, Some(data)) = (show_values, data) {
            lines.push(("data", format!("{:?}", entries(&data))));
            json["data"] = json!(entries(&data));
        }
    }
    Ok(Report::new(shown(&lines), json))
}

/// The cookie's value in the pasted text: the value alone, `name=value`, or a whole `Cookie` or `Set-Cookie` header.
fn value_of<'a>(input: &'a str, name: &str) -> &'a str {
    let parts = input.trim().split(';').map(str::trim);
    let named = |part: &'a str| {
        let part = part.strip_prefix("Cookie:").or_else(|| part.strip_prefix("Set-Cookie:")).unwrap_or(part).trim();
        part.strip_prefix(name).and_then(|rest| rest.strip_prefix('='))
    };
    parts.clone().find_map(named).unwrap_or_else(|| input.trim())
}

/// The key id in the first bytes of a cookie, whether it is authentic or not.
fn key_id(value: &str) -> Option<String> {
    let bytes = base64_simd::URL_SAFE_NO_PAD.decode_to_vec(value.get(..8)?).ok()?;
    bytes.get(1..5).map(by_key::hex)
}

fn explained(reason: &TicketError, cookie: &str) -> String {
    match reason {
        TicketError::Forged => {
            format!("{reason}: damaged, or made for a cookie of another name than {cookie:?} (--cookie)")
        }
        TicketError::UnknownKey(_) => format!("{reason}: give the key in WAXSEAL_KEYS, or the user must sign in again"),
        _ => reason.to_string(),
    }
}

fn described(ticket: &Ticket, now: Timestamp) -> Vec<(&'static str, String)> {
    let left = |end: Timestamp| match end.seconds_since(now) {
        0 => format!("{} (over)", when::at(end)),
        seconds => format!("{} (in {})", when::at(end), when::span(seconds)),
    };
    vec![
        ("state", "authentic".into()),
        ("row id", ticket.row_id().to_string()),
        ("subject", ticket.subject().unwrap_or("nobody").into()),
        ("created", when::at(ticket.created_at())),
        ("issued", when::at(ticket.issued_at())),
        ("idle expiry when issued", left(ticket.expires_at())),
        ("ends in any case", left(ticket.deadline())),
        ("idle timeout", when::span(ticket.idle_s())),
        ("generation", ticket.generation().to_string()),
        ("kept when the browser closes", if ticket.is_persistent() { "yes" } else { "no" }.into()),
    ]
}

fn row_state(
    keyring: &waxseal_core::Keyring,
    ticket: &Ticket,
    found: Option<Found>,
    now: Timestamp,
) -> (String, Option<Data>) {
    let row = match found {
        None => return ("there is none: swept, deleted, or in another table (--table)".into(), None),
        Some(Found::Ended(at)) => {
            return (format!("ended at {}: signed out, revoked or renewed", when::at(at)), None);
        }
        Some(Found::Session(row)) => row,
    };
    if row.is_expired(now) {
        return (format!("expired at {}", when::at(row.expires_at.min(row.deadline()))), None);
    }
    let times = format!("last seen {}, expires {}", when::at(row.seen_at), when::at(row.expires_at));
    match keyring.open_row(ticket, row.generation, row.data) {
        Ok(data) => {
            let keys: Vec<&str> = data.keys().collect();
            (
                format!("live, {times}, generation {}, {} keys: {}", row.generation, keys.len(), keys.join(", ")),
                Some(data),
            )
        }
        Err(error @ RowError::Behind { .. }) => {
            (format!("{error}: a restored backup, or a replica that is behind"), None)
        }
        Err(error) => (format!("does not open: {error}"), None),
    }
}

fn entries(data: &Data) -> Value {
    let entry = |key: &str| data.get::<Value>(key).ok().flatten().unwrap_or_else(|| json!("(not JSON)"));
    Value::Object(data.keys().map(|key| (key.to_owned(), entry(key))).collect())
}

fn shown(lines: &[(&str, String)]) -> String {
    let rows: Vec<Vec<String>> = lines.iter().map(|(name, value)| vec![(*name).into(), value.clone()]).collect();
    table(&["cookie", ""], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_found_in_what_people_paste() {
        for input in ["abc", " abc\n", "s=abc", "Cookie: a=1; s=abc; b=2", "Set-Cookie: s=abc; Path=/; Secure"] {
            assert_eq!(value_of(input, "s"), "abc", "{input}");
        }
    }
}
