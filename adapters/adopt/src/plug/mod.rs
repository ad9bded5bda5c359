//! Plug and Phoenix: reads who is signed in to an Elixir application.
//!
//! [`PlugReader`] reads cookies and tokens, without a database. [`PlugRows`] reads the rows of a database store that protects its
//! data like Plug's cookie store. [`decode_term`] only decodes Erlang's external term format.

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
