//! An application on two nodes of a cluster: a browser that goes from one to the other.

use std::time::{Duration, Instant};

use crate::{Application, Client};

const ROUNDS: u32 = 20;

/// The application on two nodes of a Galera cluster, one of which lags: for the `tests/` of an example application, which depends on
/// `waxseal-clusters`.
#[macro_export]
macro_rules! on_galera {
    ($binary:expr) => {
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn a_lagging_node_loses_nothing() {
            let Some(cluster) = ::waxseal_clusters::Galera::start().await else { return };
            let application = $crate::OnTwoNodes::start($binary, [cluster.url(0), cluster.url(2)]).await;
            let lagging = cluster.lag(2).await;
            application.nothing_is_lost().await;
            lagging.abort();
            application.stop().await;
        }
    };
}

/// Two processes of the application, each on a node of its own.
pub struct OnTwoNodes {
    one: Application,
    other: Application,
}

impl OnTwoNodes {
    pub async fn start(binary: &str, urls: [&str; 2]) -> Self {
        let one = Application::start_on(binary, urls[0]).await;
        // The table has arrived at the other node.
        tokio::time::sleep(Duration::from_secs(1)).await;
        let other = one.start_beside_on(urls[1]).await;
        Self { one, other }
    }

    /// Each user signs in at one node, and is served by the other at once: no change is lost, no cookie replaced, every sign-out kept,
    /// and no answer is a 5xx.
    pub async fn nothing_is_lost(&self) {
        for round in 0..ROUNDS {
            let user = format!("user-{round}");
            let mut browser = self.one.client();
            assert!(browser.form("/sign-in", &format!("user={user}")).await.status.as_u16() < 400);
            for visit in 1..=4 {
                let node = if visit % 2 == 1 { &self.other } else { &self.one };
                browser = node.adopt(browser);
                let answer = browser.post("/visits").await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert_eq!(answer.json()["visits"], visit, "round {round}");
            }
            assert_eq!(browser.get("/whoami").await.json()["user"], user);
            let copy = browser.clone();
            browser = self.other.adopt(browser);
            assert!(browser.post("/sign-out").await.status.as_u16() < 400);
            for node in [&self.other, &self.one] {
                is_signed_out(&mut node.adopt(copy.clone())).await;
            }
        }
    }

    pub async fn stop(self) {
        self.other.stop().await;
        self.one.stop().await;
    }
}

/// A node knows of a sign-out when it has applied it.
async fn is_signed_out(copy: &mut Client) {
    let from = Instant::now();
    while copy.get("/whoami").await.status != 401 {
        assert!(from.elapsed() < Duration::from_secs(2), "the sign-out was lost");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
