//! The vectors of rows: those that open, and those that are refused with another context.

use serde_json::json;
use waxseal_core::{Data, Keyring, Nonce, OpenError, Protection, RowContext, RowError, Secret};

use crate::{
    bytes, compare,
    derive::explain,
    hex,
    inputs::{all_kinds, fixed_tickets, protection_name, secret_of, typed_data},
    root,
};

#[test]
fn rows() {
    let keyring = Keyring::new([root(1)]).unwrap();
    let mut accepted = Vec::new();
    let mut refused = Vec::new();
    for (index, (what, ticket)) in fixed_tickets().into_iter().filter(|(_, t)| !t.is_stateless()).enumerate() {
        for protection in [Protection::Sealed, Protection::Signed] {
            let generation = ticket.generation();
            let context = ticket.row_context(generation);
            let data = if index == 0 { Data::new() } else { all_kinds() };
            let nonce = Nonce::from_bytes(bytes(&format!("row nonce {index}")));
            let row = keyring.write_row(ticket.secret(), &context, &data, protection, nonce).unwrap();
            assert_eq!(keyring.open_row(&ticket, generation, row.clone()).unwrap(), data);

            let (created, lifetime) = (context.created_at.unix_ms().to_be_bytes(), context.lifetime_s.to_be_bytes());
            let pieces: [&[u8]; 6] = [
                context.row_id.as_bytes(),
                &generation.to_be_bytes(),
                &created,
                &lifetime,
                context.subject.unwrap_or_default().as_bytes(),
                &[u8::from(context.subject.is_some())],
            ];
            let json = |context: &RowContext<'_>, secret: [u8; 32], row: &[u8]| {
                json!({
                    "root": 0, "secret": hex(&secret), "row_id": context.row_id.to_string(), "generation": context.generation,
                    "created_ms": context.created_at.unix_ms(), "lifetime_s": context.lifetime_s, "subject": context.subject,
                    "row": hex(row),
                })
            };
            let mut entry = json(&context, secret_of(what), &row);
            entry["protection"] = json!(protection_name(protection));
            entry["data"] = typed_data(&data);
            entry["envelope"] = explain(&row, "row", &bytes::<32>("root 1"), Some(&secret_of(what)), &pieces);
            accepted.push(entry);
            if what != "signed-in" {
                continue;
            }
            let newer = ticket.clone().at_generation(3);
            let behind = RowError::Behind { row: 2, ticket: 3 };
            assert_eq!(keyring.open_row(&newer, generation, row.clone()).unwrap_err(), behind);
            let mut entry = json(&context, secret_of(what), &row);
            entry["ticket_generation"] = json!(3);
            entry["reason"] = json!("behind");
            entry["why"] = json!("older than its ticket");
            refused.push(entry);

            let other_id = waxseal_core::RowId::derive(&Secret::from_bytes(bytes("other")), context.created_at);
            let mut flipped = row.clone();
            *flipped.last_mut().unwrap() ^= 1;
            let secret = secret_of(what);
            let cases = [
                (RowContext { row_id: other_id, ..context }, secret, &row, "another row id"),
                (RowContext { generation: 3, ..context }, secret, &row, "another generation"),
                (
                    RowContext { created_at: context.created_at.plus_seconds(9), ..context },
                    secret,
                    &row,
                    "another creation time",
                ),
                (RowContext { lifetime_s: 28_801, ..context }, secret, &row, "another lifetime"),
                (RowContext { subject: Some("eve"), ..context }, secret, &row, "another subject"),
                (RowContext { subject: None, ..context }, secret, &row, "no subject"),
                (context, bytes("other"), &row, "another secret"),
                (context, secret, &flipped, "one bit of the tag"),
            ];
            for (context, secret, row, why) in cases {
                let secret_key = Secret::from_bytes(secret);
                let error = keyring.open_row_of_any_generation(&secret_key, &context, row.clone()).unwrap_err();
                assert_eq!(error, RowError::Envelope(OpenError::Forged), "{why}");
                let mut entry = json(&context, secret, row);
                entry["reason"] = json!("forged");
                entry["why"] = json!(why);
                refused.push(entry);
            }
        }
    }
    compare("rows.json", &json!({ "accepted": accepted, "refused": refused }));
}
