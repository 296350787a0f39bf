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
mod between_hosts;
mod capture;
mod checking;
mod crowds;
mod docs;
mod doors;
mod durability;
mod durability_disk;
mod harness;
mod line_door;
mod line_input;
mod other_client;
mod packages;
mod partings;
mod protocol;
mod reconnecting;
mod sanctions;
mod screens;
mod scripting;
mod sealed_client;
mod secrets;
mod startup;
mod stopping;
mod suites;
mod terminal;
mod typing;
mod wire_tap;
