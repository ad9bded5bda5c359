//! The application as its users have it: a process, a socket, a database.

#![allow(missing_docs, clippy::unwrap_used)]

use waxseal_blackbox::{self as script, Db};

const BINARY: &str = env!("CARGO_BIN_EXE_waxseal-example-salvo");

macro_rules! on_every_database {
    ($($test:ident)*) => {
        $(mod $test {
            use super::*;

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                script::$test(BINARY, Db::Sqlite).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                script::$test(BINARY, Db::Postgres).await;
            }

            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn mariadb() {
                script::$test(BINARY, Db::MariaDb).await;
            }
        })*
    };
}

on_every_database! {
    story
    two_hundred_visits_at_once
    a_slow_request_does_not_undo_a_sign_out
    sessions_outlive_a_restart
}

#[tokio::test]
async fn a_bad_configuration_is_refused() {
    script::a_bad_configuration_is_refused(BINARY).await;
}
