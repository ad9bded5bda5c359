//! A cookie of about 120 characters: sign, verify, seal and open, beside the raw primitives, cookie-rs' jars and jsonwebtoken.
//!
//! `cargo bench -p waxseal-core --bench ticket`; ratios inside one run hold, absolute times drift from run to run.

#![allow(missing_docs, clippy::unwrap_used)]

use std::hint::black_box;

use aes_gcm::{
    Aes256Gcm, KeyInit,
    aead::{self, AeadInOut},
};
use cookie::{Cookie, CookieJar, Key};
use divan::Bencher;
use hmac::{Hmac, Mac};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use waxseal_core::{Data, Keyring, Nonce, Protection, RootKey, Secret, Ticket, Timeouts, Timestamp};

const NAME: &str = "__Host-session";

fn main() {
    divan::main();
}

fn now() -> Timestamp {
    Timestamp::from_unix_seconds(1_790_000_000)
}

fn keyring() -> Keyring {
    Keyring::new([RootKey::generate().unwrap()]).unwrap()
}

fn ticket() -> Ticket {
    let terms = Timeouts::default().terms();
    Ticket::issue(Secret::random().unwrap(), now(), terms, None, Data::new()).unwrap().at_generation(1)
}

fn nonce() -> Nonce {
    Nonce::random().unwrap()
}

/// What the jars keep: as many bytes as the ticket's plaintext, as the text that a jar takes.
fn payload() -> String {
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMN".into()
}

fn write(bencher: Bencher<'_, '_>, protection: Protection) {
    let (keyring, ticket) = (keyring(), ticket());
    bencher.with_inputs(nonce).bench_values(|nonce| keyring.write_ticket(black_box(&ticket), NAME, protection, nonce));
}

fn open(bencher: Bencher<'_, '_>, protection: Protection) {
    let (keyring, ticket) = (keyring(), ticket());
    let text = keyring.write_ticket(&ticket, NAME, protection, nonce()).unwrap();
    assert!((110..=130).contains(&text.len()), "{}", text.len());
    bencher.bench(|| keyring.open_ticket(NAME, black_box(text.as_bytes()), now()).unwrap());
}

#[divan::bench(sample_size = 1000)]
fn a_waxseal_open_sealed(bencher: Bencher<'_, '_>) {
    open(bencher, Protection::Sealed);
}

#[divan::bench(sample_size = 1000)]
fn b_waxseal_verify_signed(bencher: Bencher<'_, '_>) {
    open(bencher, Protection::Signed);
}

#[divan::bench(sample_size = 1000)]
fn c_waxseal_seal(bencher: Bencher<'_, '_>) {
    write(bencher, Protection::Sealed);
}

#[divan::bench(sample_size = 1000)]
fn d_waxseal_sign(bencher: Bencher<'_, '_>) {
    write(bencher, Protection::Signed);
}

/// The cookie's value, as a request brings it.
fn jar_value(add: impl FnOnce(&mut CookieJar)) -> String {
    let mut jar = CookieJar::new();
    add(&mut jar);
    jar.get(NAME).unwrap().value().to_owned()
}

/// What an application does with a request's cookie: into a jar, and out of its private or signed view.
fn request_jar(value: &str) -> CookieJar {
    let mut jar = CookieJar::new();
    jar.add_original(Cookie::new(NAME, value.to_owned()));
    jar
}

#[divan::bench(sample_size = 1000)]
fn e_cookie_rs_private_open(bencher: Bencher<'_, '_>) {
    let key = Key::generate();
    let value = jar_value(|jar| jar.private_mut(&key).add((NAME, payload())));
    bencher.bench(|| request_jar(black_box(&value)).private(&key).get(NAME).unwrap());
}

#[divan::bench(sample_size = 1000)]
fn f_cookie_rs_signed_verify(bencher: Bencher<'_, '_>) {
    let key = Key::generate();
    let value = jar_value(|jar| jar.signed_mut(&key).add((NAME, payload())));
    bencher.bench(|| request_jar(black_box(&value)).signed(&key).get(NAME).unwrap());
}

#[divan::bench(sample_size = 1000)]
fn g_cookie_rs_private_seal(bencher: Bencher<'_, '_>) {
    let key = Key::generate();
    bencher.bench(|| {
        let mut jar = CookieJar::new();
        jar.private_mut(&key).add((NAME, black_box(payload())));
        jar
    });
}

#[divan::bench(sample_size = 1000)]
fn h_cookie_rs_signed_sign(bencher: Bencher<'_, '_>) {
    let key = Key::generate();
    bencher.bench(|| {
        let mut jar = CookieJar::new();
        jar.signed_mut(&key).add((NAME, black_box(payload())));
        jar
    });
}

#[derive(Serialize, Deserialize)]
struct Claims {
    sub: String,
    exp: u64,
}

#[divan::bench(sample_size = 1000)]
fn i_jsonwebtoken_hs256_verify(bencher: Bencher<'_, '_>) {
    let claims = Claims { sub: "ada".into(), exp: 4_000_000_000 };
    let token = jsonwebtoken::encode(&Header::default(), &claims, &EncodingKey::from_secret(&[7; 32])).unwrap();
    let (key, validation) = (DecodingKey::from_secret(&[7; 32]), Validation::default());
    bencher.bench(|| jsonwebtoken::decode::<Claims>(black_box(&token), &key, &validation).unwrap());
}

#[divan::bench(sample_size = 1000)]
fn j_jsonwebtoken_hs256_sign(bencher: Bencher<'_, '_>) {
    let claims = Claims { sub: "ada".into(), exp: 4_000_000_000 };
    let key = EncodingKey::from_secret(&[7; 32]);
    bencher.bench(|| jsonwebtoken::encode(&Header::default(), black_box(&claims), &key).unwrap());
}

#[divan::bench(sample_size = 1000)]
fn k_raw_hmac_sha256_of_90_bytes(bencher: Bencher<'_, '_>) {
    let mac = Hmac::<Sha256>::new_from_slice(&[7; 32]).unwrap();
    bencher.bench(|| {
        let mut mac = mac.clone();
        mac.update(black_box(&[1; 90]));
        mac.finalize().into_bytes()
    });
}

#[divan::bench(sample_size = 1000)]
fn l_raw_aes_256_gcm_seal_of_50_bytes_with_key_schedule(bencher: Bencher<'_, '_>) {
    bencher.bench(|| {
        let cipher = Aes256Gcm::new_from_slice(black_box(&[7; 32])).unwrap();
        let mut bytes = [1; 50];
        cipher
            .encrypt_inout_detached(&aead::Nonce::<Aes256Gcm>::default(), b"aad", bytes.as_mut_slice().into())
            .unwrap()
    });
}
