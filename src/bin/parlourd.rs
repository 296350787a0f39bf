//! The server: arguments, configuration, and then the loop.

use parlour::admin::{self, First};
use parlour::config::{Action, Config, Mistake, arguments};
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
    #[cfg(feature = "keylog")]
    if let Err(error) = parlour::keylog::begin(|words| log::warn!("{words}")) {
        return fail(MISTAKE, &error.to_string());
    }
    let done = match arguments(std::env::args_os()) {
        Ok(Action::Run(config)) => run(*config),
        Ok(Action::Print(text)) => print(&text),
        Ok(Action::Administer(folder, task)) => {
            admin::run(&folder, task).and_then(|text| print(&text))
        }
        Err(mistake) => Err(mistake),
    };
    done.unwrap_or_else(|mistake| fail(MISTAKE, &mistake.to_string()))
}

fn run(config: Config) -> Result<ExitCode, Mistake> {
    let mut server = Server::start(config.clone())?;
    let mut words = None;
    if server.lacks_admin() {
        match admin::first_password(&config, || server.was_asked_to_stop())? {
            First::Admin(hash, said) => {
                server.make_admin(hash);
                words = said;
            }
            First::NoAdmin => {}
            First::Cancelled => return Ok(ExitCode::SUCCESS),
        }
    }
    eprintln!("{}", server.banner());
    if let Some(words) = words {
        eprintln!("{words}");
    }
    // Whoever started us may wait for this line, or may not care to read it.
    let _ = writeln!(std::io::stdout(), "{}", server.ready_line());
    let _ = std::io::stdout().flush();
    Ok(match server.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(1, &error.to_string()),
    })
}

fn print(text: &str) -> Result<ExitCode, Mistake> {
    let text = text.trim_end();
    if !text.is_empty() {
        // A reader that closed early, such as head, has what it wanted.
        let _ = writeln!(std::io::stdout(), "{text}");
    }
    Ok(ExitCode::SUCCESS)
}

fn fail(code: u8, words: &str) -> ExitCode {
    eprintln!("parlourd: {words}");
    ExitCode::from(code)
}
