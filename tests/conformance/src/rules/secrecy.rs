//! What the database gives away, and what it can forge: rules R5, R6 and R15.

use super::{cookie, get, id, insert, is_dead, sign_in, signed_in};
use crate::{Bench, Step::*};
use serde_json::json;
use waxseal_core::{Keyring, Protection, RootKey, Secret};

pub async fn r05_a_stolen_database_reads_nothing(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = app.browser();
    browser.run(&[sign_in("ada"), insert("word", "plover-xyzzy")]).await;
    let row_id = id(&mut browser).await;
    let row = bench.row(&row_id).await.unwrap();
    let contains = |needle: &[u8]| row.data.windows(needle.len()).any(|window| window == needle);
    assert!(!contains(b"plover") && !contains(b"word"));
    // The id opens no session.
    let forged = browser.raw(&[cookie(&app, row_id.as_bytes())], &[IsNew]).await;
    assert_eq!(forged.results, [true]);
    // With every key, but without the secret that is only in the cookie, nothing opens.
    let ticket = browser.ticket(bench.now());
    let context = ticket.row_context(row.generation);
    assert!(app.keyring.open_row(&ticket, row.generation, row.data.clone()).is_ok());
    let guess = Secret::random().unwrap();
    assert!(app.keyring.open_row_of_any_generation(&guess, &context, row.data.clone()).is_err());
}

/// Both protections: a signed row is readable, but the same changes are refused.
pub async fn r06_a_row_that_was_moved_or_changed_is_no_session(bench: &Bench) {
    for protection in [Protection::Sealed, Protection::Signed] {
        let app = bench.app_with(|builder| builder.row_protection(protection)).await;
        let mut other = signed_in(&app, "eve").await;
        let other_row = {
            let id = id(&mut other).await;
            bench.row(&id).await.unwrap()
        };
        let browser = signed_in(&app, "ada").await;
        let falsifications: Vec<(&str, crate::probe::Falsify)> = vec![
            ("another id", {
                let row = other_row.clone();
                Box::new(move |mine| *mine = row.clone())
            }),
            ("another's data", {
                let row = other_row.clone();
                Box::new(move |mine| mine.data = row.data.clone())
            }),
            ("another user", Box::new(|mine| mine.subject = Some("admin".into()))),
            ("no user", Box::new(|mine| mine.subject = None)),
            ("another generation", Box::new(|mine| mine.generation += 1)),
            ("a longer lifetime", Box::new(|mine| mine.lifetime_s += 1)),
            ("another creation", Box::new(|mine| mine.created_at = mine.created_at.plus_seconds(1))),
            ("a flipped bit", Box::new(|mine| *mine.data.last_mut().unwrap() ^= 1)),
            ("no data", Box::new(|mine| mine.data.clear())),
        ];
        for (what, falsify) in falsifications {
            bench.probe.falsify(falsify);
            let response = browser.peek(&[IsNew, get("a"), Subject]).await;
            assert_eq!(response.results, [json!(true), json!(null), json!(null)], "{what}");
            assert_eq!(response.set_cookies(), [""; 0], "{what}: its life is not extended");
        }
        bench.probe.stop_falsifying();
        assert_eq!(browser.peek(&[get("a")]).await.results, [1]);
    }
}

/// Elsewhere old keys are accepted for ever and nothing is sealed anew.
pub async fn r15_keys_rotate_without_a_logout(bench: &Bench) {
    let app = bench.app().await;
    let mut browser = signed_in(&app, "ada").await;
    let mut reader = signed_in(&app, "bob").await;
    let new = RootKey::generate().unwrap();
    let both = Keyring::new([new.clone(), bench.key.clone()]).unwrap();
    let rotating = bench.app_with_keys(both, |builder| builder).await;
    let mut browser_now = browser.at(&rotating);
    assert_eq!(browser_now.run(&[get("a"), Subject]).await, [json!(1), json!("ada")]);
    bench.advance(60);
    browser_now.run(&[insert("a", 2)]).await;
    let mut reader_now = reader.at(&rotating);
    reader_now.run(&[get("a")]).await;
    let rotated = bench.app_with_keys(Keyring::new([new]).unwrap(), |builder| builder).await;
    assert_eq!(
        browser_now.at(&rotated).run(&[get("a"), Subject]).await,
        [json!(2), json!("ada")],
        "re-sealed by touch and save"
    );
    reader_now.at(&rotated).ticket(bench.now());
    assert_eq!(
        reader_now.at(&rotated).peek(&[Subject]).await.status,
        503,
        "its row was never saved again: accept the old key for a lifetime"
    );
    assert!(is_dead(&browser.at(&rotated)).await && is_dead(&reader.at(&rotated)).await);
    // Kept by the old application's key as well.
    browser.run(&[]).await;
    reader.run(&[get("a")]).await;
}

/// Seen: a rotation in one step, node by node, signed everyone out for good.
pub async fn r15_a_node_without_the_new_key_ends_nothing(bench: &Bench) {
    let new = RootKey::generate().unwrap();
    let both = Keyring::new([new.clone(), bench.key.clone()]).unwrap();
    let (behind, ahead) = (bench.app().await, bench.app_with_keys(both, |builder| builder).await);
    // A row that the new node has saved, with a cookie that the old node opens.
    let browser = signed_in(&behind, "ada").await;
    browser.at(&ahead).peek(&[insert("a", 2)]).await;
    let response = browser.peek(&[insert("b", 1), Subject]).await;
    assert_eq!((response.status.as_u16(), response.set_cookies().len()), (503, 0));
    assert_eq!(browser.at(&ahead).peek(&[get("a"), Subject]).await.results, [json!(2), json!("ada")]);
    // A cookie that the old node cannot open: a write does not replace it, a sign-in does.
    let mut newer = signed_in(&ahead, "bob").await;
    let at_old_node = newer.at(&behind).peek(&[insert("b", 1), Subject]).await;
    assert_eq!((at_old_node.set_cookies().len(), &at_old_node.results[1]), (0, &json!(null)));
    assert_eq!(newer.run(&[get("a"), Subject]).await, [json!(1), json!("bob")]);
    assert_eq!(newer.at(&behind).peek(&[sign_in("bob")]).await.set_cookies().len(), 1);
}
