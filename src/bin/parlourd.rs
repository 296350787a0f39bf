//! The server: arguments, configuration, and then the loop.

use parlour::config::{Action, arguments};
use parlour::net::Server;
use std::io::Write;
use std::process::ExitCode;

/// The operator's mistake: nothing has happened, and the words say what to change.
const MISTAKE: u8 = 2;

fn main() -> ExitCode {
    let filter = env_logger::Env::default().default_filter_or("info");
    env_logger::Builder::from_env(filter)
        .format_target(false)
        .init();
    let config = match arguments(std::env::args_os()) {
        Ok(Action::Run(config)) => *config,
        Ok(Action::Print(text)) => return print(&text),
        Err(mistake) => return fail(MISTAKE, &mistake.to_string()),
    };
    let server = match Server::start(config) {
        Ok(server) => server,
        Err(mistake) => return fail(MISTAKE, &mistake.to_string()),
    };
    eprintln!("{}", server.banner());
    // Whoever started us may wait for this line, or may not care to read it.
    let _ = writeln!(std::io::stdout(), "{}", server.ready_line());
    let _ = std::io::stdout().flush();
    match server.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error.to_string()),
    }
}

fn print(text: &str) -> ExitCode {
    // A reader that closed early, such as head, has what it wanted.
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
    ExitCode::SUCCESS
}

fn fail(code: u8, words: &str) -> ExitCode {
    eprintln!("parlourd: {words}");
    ExitCode::from(code)
}
