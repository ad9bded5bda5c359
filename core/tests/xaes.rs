//! XAES-256-GCM as C2SP publishes it, and what the envelope built on it refuses.
//!
//! The vectors are those of <https://c2sp.org/XAES-256-GCM>.

#![allow(missing_docs, clippy::unwrap_used)]

use shake::{
    Shake128,
    digest::{ExtendableOutput, Update, XofReader},
};
use waxseal_core::{
    Data, EdgeKeys, Keyring, Nonce, OpenError, Protection, RootKey, RowContext, RowError, RowId, Secret, Ticket,
    TicketError, Timeouts, Timestamp,
};
use xaes_256_gcm::{
    Xaes256Gcm,
    aead::{Aead, KeyInit, Payload},
};

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn seal(key: &[u8; 32], nonce: &[u8; 24], msg: &[u8], aad: &[u8]) -> Vec<u8> {
    Xaes256Gcm::new(key.into()).encrypt(nonce.into(), Payload { msg, aad }).unwrap()
}

#[test]
fn both_single_vectors_of_c2sp() {
    let nonce = b"ABCDEFGHIJKLMNOPQRSTUVWX";
    for (key, aad, expected) in [
        (1, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"),
        (3, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"),
    ] {
        assert_eq!(hex(&seal(&[key; 32], nonce, b"XAES-256-GCM", aad.as_bytes())), expected);
    }
}

#[test]
fn the_accumulated_vector_of_c2sp_over_10_000_iterations() {
    let mut source = Shake128::default().finalize_xof();
    let mut accumulated = Shake128::default();
    let read = |source: &mut dyn XofReader| {
        let mut len = [0];
        source.read(&mut len);
        let mut bytes = vec![0; len[0].into()];
        source.read(&mut bytes);
        bytes
    };
    for _ in 0..10_000 {
        let (mut key, mut nonce) = ([0; 32], [0; 24]);
        source.read(&mut key);
        source.read(&mut nonce);
        let plaintext = read(&mut source);
        let aad = read(&mut source);
        let ciphertext = seal(&key, &nonce, &plaintext, &aad);
        let payload = Payload { msg: &ciphertext, aad: &aad };
        assert_eq!(Xaes256Gcm::new(&key.into()).decrypt(&nonce.into(), payload).unwrap(), plaintext);
        accumulated.update(&ciphertext);
    }
    let mut digest = [0; 32];
    accumulated.finalize_xof().read(&mut digest);
    assert_eq!(hex(&digest), "e6b9edf2df6cec60c8cbd864e2211b597fb69a529160cd040d56c0c210081939");
}

// --- What the envelope refuses ------------------------------------------------------------------------------------------------

struct Sealed {
    keyring: Keyring,
    ticket: Ticket,
    now: Timestamp,
}

impl Sealed {
    fn new() -> Self {
        let now = Timestamp::from_unix_seconds(1_790_000_000);
        let terms = Timeouts::default().terms();
        let ticket = Ticket::issue(Secret::from_bytes([7; 32]), now, terms, Some("ada"), Data::new()).unwrap();
        Self { keyring: Keyring::new([RootKey::generate().unwrap()]).unwrap(), ticket: ticket.at_generation(2), now }
    }

    fn cookie(&self) -> Vec<u8> {
        let nonce = Nonce::random().unwrap();
        let text = self.keyring.write_ticket(&self.ticket, "s", Protection::Sealed, nonce).unwrap();
        base64_simd::URL_SAFE_NO_PAD.decode_to_vec(text).unwrap()
    }

    /// Opens with the keyring and at the edge, which must agree.
    fn open(&self, name: &str, envelope: &[u8]) -> Result<(), TicketError> {
        let text = base64_simd::URL_SAFE_NO_PAD.encode_to_string(envelope);
        let edge = EdgeKeys::from_text(&self.keyring.export_edge_keys(false)).unwrap();
        let opened = self.keyring.open_ticket(name, text.as_bytes(), self.now).map(drop);
        assert_eq!(opened, edge.open_ticket(name, text.as_bytes(), self.now).map(drop));
        opened
    }

    fn row(&self, generation: u64) -> Vec<u8> {
        let mut data = Data::new();
        data.insert("basket", &["bread", "salt"]).unwrap();
        let context = self.ticket.row_context(generation);
        let nonce = Nonce::random().unwrap();
        self.keyring.write_row(self.ticket.secret(), &context, &data, Protection::Sealed, nonce).unwrap()
    }
}

#[test]
fn every_byte_of_the_header_counts() {
    let sealed = Sealed::new();
    let envelope = sealed.cookie();
    assert_eq!(sealed.open("s", &envelope), Ok(()));
    for index in 0..29 {
        for changed in [envelope[index] ^ 0x80, envelope[index].wrapping_add(1), !envelope[index]] {
            let mut bytes = envelope.clone();
            bytes[index] = changed;
            let error = sealed.open("s", &bytes).unwrap_err();
            let fits = match (index, changed) {
                // The other kind: as a signed envelope its tag does not fit.
                (0, 2) => error == TicketError::Forged,
                (0, _) => error == TicketError::Malformed,
                (1..5, _) => matches!(error, TicketError::UnknownKey(_)),
                _ => error == TicketError::Forged,
            };
            assert!(fits, "byte {index} as {changed}: {error}");
        }
    }
}

#[test]
fn truncations_extensions_and_changed_tags_are_refused() {
    let sealed = Sealed::new();
    let (envelope, other) = (sealed.cookie(), sealed.cookie());
    for len in 0..envelope.len() {
        let expected = if len < 29 + 16 { TicketError::Malformed } else { TicketError::Forged };
        assert_eq!(sealed.open("s", &envelope[..len]), Err(expected), "{len}");
    }
    assert_eq!(sealed.open("s", &[&envelope[..], &[0]].concat()), Err(TicketError::Forged));
    let end = envelope.len() - 16;
    for tag in [[0; 16], [0xff; 16], other[end..].try_into().unwrap()] {
        assert_eq!(sealed.open("s", &[&envelope[..end], &tag].concat()), Err(TicketError::Forged));
    }
    for index in end..envelope.len() {
        for bit in 0..8 {
            let mut bytes = envelope.clone();
            bytes[index] ^= 1 << bit;
            assert_eq!(sealed.open("s", &bytes), Err(TicketError::Forged));
        }
    }
    // One envelope's ciphertext under another's nonce.
    assert_eq!(sealed.open("s", &[&other[..29], &envelope[29..]].concat()), Err(TicketError::Forged));
}

#[test]
fn another_name_another_row_and_another_generation_are_refused() {
    let sealed = Sealed::new();
    assert_eq!(sealed.open("t", &sealed.cookie()), Err(TicketError::Forged));

    let (keyring, ticket) = (&sealed.keyring, &sealed.ticket);
    let row = sealed.row(2);
    let forged = RowError::Envelope(OpenError::Forged);
    assert!(keyring.open_row(ticket, 2, row.clone()).is_ok());
    assert_eq!(keyring.open_row(ticket, 3, row.clone()).unwrap_err(), forged, "an old row with a newer generation");
    assert_eq!(keyring.open_row(ticket, 1, sealed.row(1)).unwrap_err(), RowError::Behind { row: 1, ticket: 2 });
    let stateless = ticket.clone().at_generation(0);
    assert_eq!(keyring.open_row(&stateless, 2, row.clone()).unwrap_err(), RowError::Stateless);

    let context = ticket.row_context(2);
    let other = RowContext { row_id: RowId::derive(&Secret::from_bytes([8; 32]), context.created_at), ..context };
    assert_eq!(keyring.open_row_of_any_generation(ticket.secret(), &other, row).unwrap_err(), forged);
}

#[test]
fn a_cookie_is_no_row_and_a_row_is_no_cookie() {
    let sealed = Sealed::new();
    assert_eq!(sealed.open("s", &sealed.row(2)), Err(TicketError::Forged));
    let forged = RowError::Envelope(OpenError::Forged);
    assert_eq!(sealed.keyring.open_row(&sealed.ticket, 2, sealed.cookie()).unwrap_err(), forged);
}
