//! One session in every framework and at the edge.

use crate::{Bench, Step::*};
use serde_json::Value as Json;
use serde_json::json;
use waxseal_core::EdgeKeys;

/// A cookie that one framework's application issued is good in the others, on the same database and keys, and at the edge.
pub async fn a_cookie_is_good_in_every_framework_and_at_the_edge(bench: &Bench) {
    let apps = bench.apps_of_every_framework().await;
    let edge = EdgeKeys::from_text(&bench.keyring().export_edge_keys(true)).unwrap();
    for issuer in &apps {
        let mut browser = issuer.browser();
        browser.run(&[SignIn("ada".into()), Insert("role".into(), json!("admin"))]).await;
        for (n, app) in (1..).zip(&apps) {
            let mut browser = browser.at(app);
            browser.run(&[Increment("n".into())]).await;
            assert_eq!(browser.run(&[Subject, Get("n".into())]).await, [json!("ada"), json!(n)]);
        }
        let (name, value) = (issuer.sessions.cookie_name(), browser.cookie.clone().unwrap());
        let ticket = edge.open_ticket(name, value.as_bytes(), bench.now()).unwrap();
        assert_eq!((ticket.subject(), ticket.claims().get("role").unwrap()), (Some("ada"), Some("admin".to_owned())));
        let row = bench.row(&ticket.row_id().to_string()).await.unwrap();
        let data = edge.open_row(&ticket, row.generation, row.data).unwrap();
        assert_eq!(data.get("n").unwrap(), Some(apps.len()));
        // Ended in one, it is ended in all.
        browser.at(&apps[apps.len() - 1]).run(&[SignOut]).await;
        for app in &apps {
            assert_eq!(browser.at(app).run(&[Subject]).await, [Json::Null]);
        }
    }
}
