//! The tests that see Parlour from outside: real programs, real sockets, port 0.
//!
//! One binary, modules by theme. Nothing here looks inside the server; what is checked is what
//! people, scripts and other programs rely on.
#![allow(
    clippy::unwrap_used,
    reason = "everything here is a test, its shared parts included"
)]

mod accounts;
mod administration;
mod crowds;
mod docs;
mod doors;
mod harness;
mod line_door;
mod line_input;
mod packages;
mod partings;
mod protocol;
mod reconnecting;
mod screens;
mod scripting;
mod sealed_client;
mod startup;
mod stopping;
mod suites;
mod terminal;
mod typing;
mod wire_tap;
