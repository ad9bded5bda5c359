//! What must happen when a server vanishes.

use std::time::{Duration, Instant};

use waxseal_conformance::Client;

use crate::Proxy;

impl Proxy {
    /// Makes the server vanish without a word, while `browser` reads in many tabs: the pool must come back by itself within `bound`.
    /// `browser` is signed in as `ada`.
    pub async fn vanish(&self, browser: &mut Client, bound: Duration) {
        let reading = || {
            let mut reader = browser.clone();
            tokio::spawn(async move { reader.subject().await })
        };
        for reader in (0..16).map(|_| reading()).collect::<Vec<_>>() {
            reader.await.unwrap().unwrap();
        }
        self.silence_present();
        let under_way: Vec<_> = (0..16).map(|_| reading()).collect();
        let from = Instant::now();
        while browser.subject().await.is_err() {
            assert!(from.elapsed() < bound, "no good read within {bound:?}");
        }
        println!("good reads again {:?} after the server vanished", from.elapsed());
        for reader in under_way {
            let _ = reader.await.unwrap();
        }
        assert_eq!(browser.subject().await.unwrap().as_deref(), Some("ada"));
    }
}
