//! Poem with `ServerSession`.

pub mod adopt;
pub mod after;
pub mod before;
pub mod store_alone;
