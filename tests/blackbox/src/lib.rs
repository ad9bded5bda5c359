//! A script that drives an example application over a real socket, as its users do: the same for every framework.

#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::unwrap_used)]

mod application;
mod client;
mod cluster;
mod events;
mod live;
mod remember;
mod socket;

use http::{Method, StatusCode, header};
use serde_json::{Value as Json, json};

pub use application::{Application, Db};
pub use client::{Answer, Client};
pub use cluster::OnTwoNodes;
pub use live::{live_routes_end_on_another_node, live_routes_end_with_the_session};
pub use remember::{remember_me, remember_me_as_configured};

/// A person's way through the application, and a tool's.
pub async fn story(binary: &str, db: Db) {
    let Some(app) = Application::start(binary, db, "story", &[]).await else { return };
    let mut laptop = app.client().user_agent("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0");

    // Nobody yet.
    assert_eq!(laptop.get("/whoami").await.status, 401);
    assert_eq!(laptop.get("/devices").await.status, 401);
    assert_eq!(laptop.get("/plain").await.text(), "plain");
    let page = laptop.get("/").await;
    assert!(page.text().contains("action=\"/sign-in\""));
    assert_eq!(laptop.cookie, None, "a visitor who only looks gets no cookie and no row");
    for bad in ["user=", "user=%20%20", &format!("user={}", "x".repeat(65)), "user=a%00b", "nobody=1"] {
        let refused = laptop.form("/sign-in", bad).await;
        assert!(refused.status.is_client_error(), "{bad}: {}", refused.status);
    }
    assert_eq!(laptop.cookie, None);

    // Sign in, and count.
    let signed_in = laptop.form("/sign-in", "user=ada").await;
    assert_eq!((signed_in.status, signed_in.json()), (StatusCode::OK, json!({ "user": "ada" })));
    assert_eq!(signed_in.headers[header::CACHE_CONTROL], "no-store");
    let whoami = laptop.get("/whoami").await.json();
    assert_eq!((&whoami["user"], &whoami["visits"]), (&json!("ada"), &json!(0)));
    assert_eq!(whoami["expires_at"].as_u64().unwrap() - whoami["created_at"].as_u64().unwrap(), 1800);
    for n in 1..=3 {
        assert_eq!(laptop.post("/visits").await.json(), json!({ "visits": n }));
    }

    // The feed for workers at the edge.
    let feed = laptop.get("/ended-sessions").await;
    assert_eq!(
        (feed.status, &feed.headers[header::CACHE_CONTROL]),
        (StatusCode::OK, &"public, max-age=1".parse().unwrap())
    );
    assert_eq!(feed.headers[header::CONTENT_TYPE], "application/octet-stream");
    assert!(feed.headers.contains_key(header::ETAG) && !feed.headers.contains_key(header::SET_COOKIE));

    // Data.
    let value = json!({ "name": "naïve ☃", "list": [1, -2, 3.5, null, true], "big": 9_007_199_254_740_993u64 });
    assert_eq!(laptop.get("/data/k").await.status, 404);
    assert_eq!(laptop.put("/data/k", &value.to_string()).await.status, 204);
    assert_eq!(laptop.get("/data/k").await.json(), value);
    assert_eq!(laptop.put("/data/k", "{not json").await.status, 400);
    let large = laptop.put("/data/large", &format!("\"{}\"", "x".repeat(70_000))).await;
    assert_eq!(large.status, 413);
    assert!(large.text().contains("65536"), "says the bound: {}", large.text());
    assert_eq!(laptop.get("/data/k").await.json(), value, "nothing is lost");
    assert_eq!(laptop.delete("/data/k").await.status, 204);
    assert_eq!(laptop.get("/data/k").await.status, 404);

    // A failing request changes nothing.
    assert_eq!(laptop.get("/fail").await.status, 500);
    assert_eq!(laptop.get("/whoami").await.json()["visits"], 3);

    // Another site's form is refused.
    let mut forged = laptop.clone();
    forged.headers.push((header::HeaderName::from_static("sec-fetch-site"), "cross-site".into()));
    assert_eq!(forged.post("/sign-out").await.status, 403);

    // Devices.
    let mut phone = app.client().user_agent("Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) Safari/604.1");
    phone.form("/sign-in", "user=ada").await;
    let mut stranger = app.client();
    stranger.form("/sign-in", "user=Ada").await;
    let devices = laptop.get("/devices").await.json();
    let labels: Vec<&Json> = devices.as_array().unwrap().iter().map(|device| &device["label"]).collect();
    assert!(labels.contains(&&json!("Firefox on Linux")) && labels.contains(&&json!("Safari on iPhone")), "{devices}");
    assert_eq!(labels.len(), 2);
    let id_of = |devices: &Json, current: bool| {
        let device = devices.as_array().unwrap().iter().find(|device| device["current"] == current).unwrap();
        device["id"].as_str().unwrap().to_owned()
    };
    assert_eq!(laptop.delete("/devices/not-an-id").await.status, 400);
    let strangers = id_of(&stranger.get("/devices").await.json(), true);
    assert_eq!(laptop.delete(&format!("/devices/{strangers}")).await.status, 404);
    assert_eq!(stranger.get("/whoami").await.status, 200);
    assert_eq!(laptop.delete(&format!("/devices/{}", id_of(&devices, false))).await.status, 200);
    assert_eq!(phone.get("/whoami").await.status, 401);
    phone.form("/sign-in", "user=ada").await;
    assert_eq!(laptop.post("/devices/others/sign-out").await.json(), json!({ "signed_out": 1 }));
    assert_eq!(phone.get("/whoami").await.status, 401);

    // The same by the page's forms, without JavaScript.
    let mut browser = laptop.clone();
    browser.headers.push((header::ACCEPT, "text/html,application/xhtml+xml".into()));
    let answer = browser.form("/list", "item=Bread+%3Cb%3E").await;
    assert_eq!((answer.status, &answer.headers[header::LOCATION]), (StatusCode::SEE_OTHER, &"/".parse().unwrap()));
    let page = browser.get("/").await;
    assert!(page.text().contains("Bread &lt;b&gt;") && !page.text().contains("Bread <b>"), "escaped");
    assert_eq!(
        page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap().split(';').next(),
        Some("default-src 'none'")
    );
    browser.form("/list/remove", "item=Bread+%3Cb%3E&index=0").await;
    assert!(!browser.get("/").await.text().contains("Bread &lt;"));

    // Renewal at sign-in: the old cookie is dead at once. Sign-out: dead, and removed.
    let old = laptop.clone();
    laptop.form("/sign-in", "user=ada").await;
    assert_ne!(laptop.cookie, old.cookie);
    assert_eq!(old.clone().get("/whoami").await.status, 401);
    assert_eq!(laptop.get("/whoami").await.json()["visits"], 3, "the same user's data stay");
    let signed_out = laptop.clone();
    assert!(laptop.post("/sign-out").await.headers[header::SET_COOKIE].to_str().unwrap().contains("Max-Age=0"));
    assert_eq!(laptop.cookie, None);
    assert_eq!(signed_out.clone().get("/whoami").await.status, 401);

    app.stop().await;
}

/// R8: 200 visits at once are 200.
pub async fn two_hundred_visits_at_once(binary: &str, db: Db) {
    let Some(app) = Application::start(binary, db, "visits", &[]).await else { return };
    let mut client = app.client();
    client.form("/sign-in", "user=ada").await;
    let requests: Vec<_> = (0..200)
        .map(|_| {
            let mut client = client.clone();
            tokio::spawn(async move {
                let answer = client.post("/visits").await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                answer.json()["visits"].as_u64().unwrap()
            })
        })
        .collect();
    let mut counts = Vec::new();
    for request in requests {
        counts.push(request.await.unwrap());
    }
    counts.sort_unstable();
    assert_eq!(counts, (1..=200).collect::<Vec<_>>(), "each got the count that it saved");
    assert_eq!(client.get("/whoami").await.json()["visits"], 200);
    app.stop().await;
}

/// R7: a request that ends after the sign-out does not bring the session back.
pub async fn a_slow_request_does_not_undo_a_sign_out(binary: &str, db: Db) {
    let Some(app) = Application::start(binary, db, "slow", &[]).await else { return };
    let mut client = app.client();
    client.form("/sign-in", "user=ada").await;
    let before = client.clone();
    let slow = {
        let mut client = client.clone();
        tokio::spawn(async move { client.get("/slow?ms=1200").await })
    };
    // Until the slow request has read its session.
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    client.post("/sign-out").await;
    let answer = slow.await.unwrap();
    assert_eq!((answer.status, answer.json()), (StatusCode::OK, json!({ "user": "ada" })), "it had begun signed in");
    assert!(!answer.headers.contains_key(header::SET_COOKIE));
    assert_eq!(before.clone().get("/whoami").await.status, 401);
    app.stop().await;
}

/// Sessions outlive the process; the key that the first run made is kept.
pub async fn sessions_outlive_a_restart(binary: &str, db: Db) {
    let Some(app) = Application::start(binary, db, "restart", &[]).await else { return };
    let mut client = app.client();
    client.form("/sign-in", "user=ada").await;
    client.post("/visits").await;
    let app = app.restart().await;
    let mut client = app.adopt(client);
    assert_eq!(client.get("/whoami").await.json()["visits"], 1);
    app.stop().await;
}

/// What is wrong in the environment is said at the start, with what to do.
pub async fn a_bad_configuration_is_refused(binary: &str) {
    for (name, value, says) in [
        ("WAXSEAL_KEYS", "hunter2", "openssl rand"),
        ("WAXSEAL_KEYS", "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "does not look random"),
        ("WAXSEAL_KEYS", "", "there is no key"),
        ("PORT", "http", "a port from 0 to 65535"),
        ("WAXSEAL_IDLE_TIMEOUT", "30m", "a number of seconds"),
        ("WAXSEAL_IDLE_TIMEOUT", "0", "at least one second"),
        ("WAXSEAL_REMEMBER", "0", "from 1 to 34560000 (400 days)"),
        ("WAXSEAL_REMEMBER", "34560001", "from 1 to 34560000 (400 days)"),
        ("DATABASE_URL", "oracle://x", "oracle"),
    ] {
        let (status, output) = Application::fails_to_start(binary, name, value).await;
        assert!(!status.success() && output.contains(says), "{name}={value}: {status} {output}");
        assert!(!output.contains("panicked"), "{output}");
    }
}

/// For a request without a method of its own.
impl Client {
    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "", "").await
    }

    pub async fn post(&mut self, path: &str) -> Answer {
        self.send(Method::POST, path, "", "").await
    }

    pub async fn form(&mut self, path: &str, form: &str) -> Answer {
        self.send(Method::POST, path, "application/x-www-form-urlencoded", form).await
    }

    pub async fn put(&mut self, path: &str, json: &str) -> Answer {
        self.send(Method::PUT, path, "application/json", json).await
    }

    pub async fn delete(&mut self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "", "").await
    }
}

/// The whole script as tests, on every database: for the `tests/` of an example application.
#[macro_export]
macro_rules! black_box {
    ($binary:expr) => {
        $crate::black_box! { @on_every_database $binary;
            story
            two_hundred_visits_at_once
            a_slow_request_does_not_undo_a_sign_out
            sessions_outlive_a_restart
            remember_me
            live_routes_end_with_the_session
        }

        #[tokio::test]
        async fn a_bad_configuration_is_refused() {
            $crate::a_bad_configuration_is_refused($binary).await;
        }

        #[tokio::test]
        async fn remember_me_as_configured() {
            $crate::remember_me_as_configured($binary).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn live_routes_end_on_another_node() {
            $crate::live_routes_end_on_another_node($binary).await;
        }
    };
    (@on_every_database $binary:expr; $($test:ident)*) => {
        $(mod $test {
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                $crate::$test($binary, $crate::Db::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                $crate::$test($binary, $crate::Db::Postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                $crate::$test($binary, $crate::Db::MariaDb).await;
            }
        })*
    };
}
