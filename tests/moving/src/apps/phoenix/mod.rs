//! Phoenix: its sessions as ours, and a service beside it that reads them. What they read was made by plug_crypto itself.

pub mod beside;
pub mod cookie;
pub mod gen_auth;
pub mod rows;
