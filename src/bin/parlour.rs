//! The bundled client's program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use parlour::client::{self, arguments::Arguments};

fn main() -> ExitCode {
    client::run(&Arguments::parse()).into()
}
