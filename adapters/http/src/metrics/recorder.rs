//! Counts with the application's recorder, by the `metrics` crate.

use std::time::Duration;

use metrics::{Unit, counter, describe_counter, describe_gauge, describe_histogram, gauge, histogram};

type Labels<'a> = &'a [(&'static str, &'static str)];

pub(super) fn describe_count(name: &'static str, what: &'static str) {
    describe_counter!(name, Unit::Count, what);
}

pub(super) fn describe_time(name: &'static str, what: &'static str) {
    describe_histogram!(name, Unit::Seconds, what);
}

pub(super) fn describe_level(name: &'static str, what: &'static str) {
    describe_gauge!(name, what);
}

pub(super) fn count(name: &'static str, labels: Labels<'_>) {
    counter!(name, labels).increment(1);
}

pub(super) fn time(name: &'static str, labels: Labels<'_>, took: Duration) {
    histogram!(name, labels).record(took);
}

pub(super) fn level(name: &'static str, value: f64) {
    gauge!(name).set(value);
}
