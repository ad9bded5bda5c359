//! Plug and Phoenix: who a user of an Elixir application is.
//!
//! [`PlugReader`] reads cookies and tokens. It needs no database. [`PlugRows`] reads the rows of a database store that protects
//! its data in the way of Plug's cookie store. [`decode_term`] reads Erlang's external term format alone.

mod keys;
mod reader;
mod rows;
mod term;
mod token;

pub use keys::{Digest, OptionsError, PlugKeys};
pub use reader::{Opened, PlugReader, ReadError};
pub use rows::{PlugRow, PlugRows, is_row_id};
pub use term::{TermError, decode_term};
pub use token::Algorithm;
