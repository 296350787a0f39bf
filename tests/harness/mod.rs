//! What all black-box tests share: programs started and ended, conversations with deadlines, a tap
//! on the wire.
//!
//! Nothing sleeps in the hope that something has happened by then: every wait is for a line, an
//! end or an exit, and fails after [`DEADLINE`] with all that was said. Every server has its own
//! ports and its own folder, so tests run beside each other.

pub(crate) mod client;
pub(crate) mod clock;
pub(crate) mod conversation;
pub(crate) mod disk;
pub(crate) mod house;
pub(crate) mod network;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod server;
pub(crate) mod terminal;
pub(crate) mod tools;

use std::time::Duration;

pub(crate) use client::Home;
pub(crate) use conversation::Conversation;
pub(crate) use disk::SmallDisk;
pub(crate) use program::Program;
pub(crate) use proxy::Proxy;
pub(crate) use server::Server;
pub(crate) use terminal::Terminal;

/// How long anything may take; generous, since machines that run tests are busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// How long a silence must last to count as one.
pub(crate) const SILENCE: Duration = Duration::from_millis(400);
