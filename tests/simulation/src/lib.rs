//! The engine, unchanged, on several simulated nodes over a simulated database, in simulated time.
//!
//! Every choice is drawn from one seed, so that a failure repeats itself exactly. Browsers sign in and out, click twice and give up; nodes
//! crash and their clocks are wrong; statements are lost before and after they took effect. A simple model knows what every response
//! promised, and checks after every step that it holds. Deliberate faults show that the checks find what they should.

#![forbid(unsafe_code)]
#![allow(missing_docs, reason = "names say it; this crate is for tests alone")]

mod application;
mod browser;
mod chance;
mod cluster;
mod database;
mod faults;
mod feed;
mod lagging;
mod model;
mod network;
mod node;
mod operators;
mod run;
mod settings;
mod trace;
mod weather;
mod world;

pub use faults::{FAULTS, Fault};
pub use model::Violation;
pub use run::{Report, run};
