//! A queue for requests of this process that collided on one row: each collision then costs one more round, not one for
//! every other request. Taken only after a first save met a newer generation; between processes the generation decides alone.

use tokio::sync::{Mutex, MutexGuard};
use waxseal_core::RowId;

const QUEUES: usize = 64;

pub(crate) struct Contention([Mutex<()>; QUEUES]);

impl Contention {
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| Mutex::new(())))
    }

    /// Waits until no other collided request of this process is saving this row (or one that shares its queue).
    pub(crate) async fn queue(&self, id: RowId) -> MutexGuard<'_, ()> {
        // The last byte of a row id is derived from a random secret.
        self.0[usize::from(id.as_bytes()[15]) % QUEUES].lock().await
    }
}
