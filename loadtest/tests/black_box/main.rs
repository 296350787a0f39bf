//! The load test as its users run it: against a real server, and against one that does wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod faults;
mod figures;
mod files;
mod irc;
mod smoke;
mod stalls;
