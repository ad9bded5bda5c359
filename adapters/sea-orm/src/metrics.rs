//! What the store and the sweeper count (feature `metrics`): see `docs/operating.md`.

/// The database rolled a statement back, and it is tried again.
pub(crate) fn tried_again() {
    #[cfg(feature = "metrics")]
    metrics::counter!("waxseal_store_retries_total").increment(1);
}

/// The sweeper deleted expired rows.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
pub(crate) fn swept(rows: u64) {
    #[cfg(feature = "metrics")]
    metrics::counter!("waxseal_swept_rows_total").increment(rows);
}
