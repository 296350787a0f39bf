//! The tests that see Parlour from outside: real programs, real sockets, port 0.
//!
//! One binary, modules by theme. Nothing here looks inside the server; what is checked is what
//! people, scripts and other programs rely on.
#![allow(
    clippy::unwrap_used,
    reason = "everything here is a test, its shared parts included"
)]

mod packages;
