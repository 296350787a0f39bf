//! The bundled client's program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use parlour::client::{self, arguments::Arguments};

fn main() -> ExitCode {
    #[cfg(feature = "keylog")]
    if let Err(error) = parlour::keylog::begin(client::exit::report) {
        client::exit::report(&error.to_string());
        return client::exit::Exit::Usage.into();
    }
    client::run(&Arguments::parse()).into()
}
