//! The application on two nodes of a Galera cluster, one of which lags.

#![allow(missing_docs)]

use waxseal_blackbox::OnTwoNodes;
use waxseal_clusters::Galera;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lagging_node_loses_nothing() {
    let Some(cluster) = Galera::start().await else { return };
    let binary = env!("CARGO_BIN_EXE_waxseal-example-salvo");
    let application = OnTwoNodes::start(binary, [cluster.url(0), cluster.url(2)]).await;
    let lagging = cluster.lag(2).await;
    application.nothing_is_lost().await;
    lagging.abort();
    application.stop().await;
}
