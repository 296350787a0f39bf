//! The shell: the one loop, its sockets, its clock, its workers.
//!
//! Everything impure is here. The loop is a fixed sequence of phases (see `server`); each phase has
//! a file. The shell decides nothing about the chat: it turns bytes into inputs, hands them to
//! [`crate::chat`], and carries out the effects that come back.

mod accept;
mod activity;
mod admission;
mod clock;
mod connection;
mod counters;
mod deadlines;
mod effects;
mod figures;
mod files;
mod handshakes;
mod identity;
mod inbound;
#[cfg(debug_assertions)]
mod invariants;
mod lines;
mod listener;
mod metrics;
mod operators;
mod outbound;
mod passwords;
mod phases;
mod random;
mod reload;
mod server;
mod service;
mod settings;
mod side_door;
mod spool;
mod start;
mod stop;
mod turns;
mod wake;
mod workers;

pub use server::{Server, ServerError};
