//! A row of about 300 bytes: seal and open, beside the raw primitives.
//!
//! `cargo bench -p waxseal-core --bench row`

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{self, AeadInOut},
};
use divan::Bencher;
use hmac::{Hmac, Mac};
use sha2::Sha256;
use waxseal_core::{Data, Keyring, Nonce, Protection, RootKey, Secret, Ticket, Timeouts, Timestamp};

fn main() {
    divan::main();
}

fn keyring() -> Keyring {
    Keyring::new([RootKey::generate().unwrap()]).unwrap()
}

fn ticket() -> Ticket {
    let now = Timestamp::from_unix_seconds(1_790_000_000);
    let terms = Timeouts::default().terms();
    Ticket::issue(Secret::random().unwrap(), now, terms, Some("ada"), Data::new()).unwrap().at_generation(1)
}

fn nonce() -> Nonce {
    Nonce::random().unwrap()
}

/// 300 bytes of ordinary data.
fn data() -> Data {
    let mut data = Data::new();
    data.insert("visits", &42).unwrap();
    data.insert("locale", "de-CH").unwrap();
    for n in 0..5 {
        data.insert(&format!("item-{n}"), &"x".repeat(44)).unwrap();
    }
    assert!((280..=320).contains(&data.encoded_len()), "{}", data.encoded_len());
    data
}

fn seal(bencher: Bencher<'_, '_>, protection: Protection) {
    let (keyring, ticket, data) = (keyring(), ticket(), data());
    let context = ticket.row_context(1);
    bencher.with_inputs(nonce).bench_values(|nonce| {
        keyring.write_row(ticket.secret(), &context, black_box(&data), protection, nonce).unwrap()
    });
}

fn open(bencher: Bencher<'_, '_>, protection: Protection) {
    let (keyring, ticket) = (keyring(), ticket());
    // The application has derived the row's id already: it has looked the row up by it.
    let context = ticket.row_context(1);
    let row = keyring.write_row(ticket.secret(), &context, &data(), protection, nonce()).unwrap();
    bencher
        .with_inputs(|| row.clone())
        .bench_values(|row| keyring.open_row_of_any_generation(ticket.secret(), &context, black_box(row)).unwrap());
}

#[divan::bench(sample_size = 1000)]
fn a_waxseal_open_sealed(bencher: Bencher<'_, '_>) {
    open(bencher, Protection::Sealed);
}

#[divan::bench(sample_size = 1000)]
fn b_waxseal_open_signed(bencher: Bencher<'_, '_>) {
    open(bencher, Protection::Signed);
}

#[divan::bench(sample_size = 1000)]
fn c_waxseal_seal(bencher: Bencher<'_, '_>) {
    seal(bencher, Protection::Sealed);
}

#[divan::bench(sample_size = 1000)]
fn d_waxseal_sign(bencher: Bencher<'_, '_>) {
    seal(bencher, Protection::Signed);
}

#[divan::bench(sample_size = 1000)]
fn e_decode_alone(bencher: Bencher<'_, '_>) {
    let bytes = data().encode();
    bencher.bench(|| Data::decode(black_box(&bytes)).unwrap());
}

#[divan::bench(sample_size = 1000)]
fn f_raw_aes_256_gcm_seal_of_300_bytes_with_key_schedule(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let cipher = Aes256Gcm::new_from_slice(black_box(&[7; 32])).unwrap();
        let mut bytes = [1; 300];
        cipher
            .encrypt_inout_detached(&aead::Nonce::<Aes256Gcm>::default(), b"aad", bytes.as_mut_slice().into())
            .unwrap()
    });
}

#[divan::bench(sample_size = 1000)]
fn g_raw_hmac_sha256_of_300_bytes(bencher: Bencher<'_, '_>) {
    let mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    bencher.bench(|| {
        let mut mac = mac.clone();
        mac.update(black_box(&[1; 300]));
        mac.finalize().into_bytes()
    });
}
