//! Parlour: an encrypted chat server for very many connections.
//!
//! Modules in import order; each may import only those above it, and [`tidy`](self) checks it.

pub mod limits;

pub mod buffer;
pub mod chat;
pub mod crypto;
pub mod wire;

#[cfg(feature = "client")]
pub mod client;
