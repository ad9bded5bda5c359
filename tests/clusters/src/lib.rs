//! Real clusters and a pooler, started by the tests on ports and folders of their own, from the machine's packages.
//!
//! Where a package is missing, the test says that it was left out; in CI it fails.

#![forbid(unsafe_code)]
#![allow(missing_docs, clippy::unwrap_used)]

mod galera;
mod pgbouncer;
mod postgres;
mod proxy;
mod server;
mod vanishing;

pub use galera::Galera;
pub use pgbouncer::{PgBouncer, Pooling};
pub use postgres::{Postgres, PostgresAlone, PostgresPair};
pub use proxy::{Fault, Proxy};
pub use server::{free_ports, is_there};
