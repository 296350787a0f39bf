//! The bundled client's program: arguments in, exit code out.

use std::process::ExitCode;

use clap::Parser;
use parlour::client::exit::{Exit, report};
use parlour::client::{self, arguments::Arguments};

fn main() -> ExitCode {
    #[cfg(feature = "keylog")]
    if let Err(error) = parlour::keylog::begin(report) {
        report(&error.to_string());
        return Exit::Usage.into();
    }
    match Arguments::try_parse() {
        Ok(arguments) => client::run(&arguments).into(),
        // What was asked for is no mistake: help, or the version.
        Err(asked) if asked.exit_code() == 0 => asked.exit(),
        Err(mistake) => {
            let words = mistake.render().to_string();
            report(words.trim_start_matches("error: ").trim_end());
            Exit::Usage.into()
        }
    }
}
