//! The bundled client: encrypted, at a keyboard or in a pipe.
//!
//! Read in this order: [`session`] is the protocol side and knows nothing but bytes and time,
//! [`link`] gives it a socket and connects again, [`trust`] decides whom to talk to, and the two
//! fronts, [`pipe`] and [`terminal`], show the [`news`] and take what the user says.

pub mod address;
pub mod arguments;
pub mod backoff;
pub mod channel;
pub mod check;
pub mod clock;
pub mod confine;
pub mod conversation;
pub mod declined;
pub mod exit;
pub mod folder;
pub mod input;
pub mod json;
pub mod link;
pub mod news;
pub mod password_file;
pub mod pins;
pub mod pipe;
pub mod safe;
pub mod session;
pub mod settings;
pub mod terminal;
pub mod time;
pub mod trust;
pub mod words;

use std::io::{IsTerminal, Write};

use self::address::Address;
use self::arguments::{Arguments, Task};
use self::clock::random_bytes;
use self::conversation::Wish;
use self::exit::{Exit, report};
use self::folder::StateFolder;
use self::link::{Link, Retry};
use self::password_file::PasswordFile;
use self::pins::Pins;
use self::session::Session;
use self::settings::Settings;
use self::terminal::style::Ability;
use self::time::Zone;
use self::trust::Trust;

/// Does what the command line asks for.
pub fn run(arguments: &Arguments) -> Exit {
    if let Some(text) = arguments.printed() {
        // A reader that closed early, such as head, has what it wanted.
        let _ = std::io::stdout().write_all(text.as_bytes());
        return Exit::Done;
    }
    let done = match &arguments.task {
        Some(Task::Check { address }) => check(address, arguments),
        Some(Task::Forget { address }) => forget(address),
        None => talk(arguments),
    };
    done.unwrap_or_else(|(exit, why)| {
        report(&why);
        exit
    })
}

/// An exit that needs words.
type Failure = (Exit, String);

fn forget(address: &str) -> Result<Exit, Failure> {
    let usage = |why: String| (Exit::Usage, why);
    let address = Address::parse(address, None).map_err(|error| usage(error.to_string()))?;
    let folder = StateFolder::find().map_err(|error| usage(error.to_string()))?;
    match Pins::of(&folder).forget(&address) {
        Ok(true) => {
            println!("The key of {address} is forgotten; the next connection asks for it.");
            Ok(Exit::Done)
        }
        Ok(false) => Err((Exit::Lost, format!("{address} was not known"))),
        Err(error) => Err((Exit::Lost, error.to_string())),
    }
}

fn check(address: &str, arguments: &Arguments) -> Result<Exit, Failure> {
    let address =
        Address::parse(address, None).map_err(|error| (Exit::Usage, error.to_string()))?;
    let trust = Trust::new(address, StateFolder::find().ok(), None, false);
    Ok(check::check(&trust, arguments.suite))
}

fn talk(arguments: &Arguments) -> Result<Exit, Failure> {
    let is_terminal = std::io::stdin().is_terminal() && std::io::stdout().is_terminal();
    let at_keyboard = is_terminal && !arguments.json;
    let address = arguments
        .destination()
        .map_err(|error| (Exit::Usage, error.to_string()))?;
    let settings = Settings::read().map_err(|why| (Exit::Usage, why))?;
    if arguments.name.or(settings.name).is_none() && !at_keyboard {
        let why = "a name is needed when the input is not a terminal: --name NAME";
        return Err((Exit::Usage, why.to_owned()));
    }
    let password = arguments
        .password_file
        .as_deref()
        .map(PasswordFile::read)
        .transpose()
        .map_err(|why| (Exit::Usage, why))?;
    let trust = Trust::new(
        address.clone(),
        StateFolder::find().ok(),
        arguments.identity.clone(),
        arguments.accept_new,
    );
    let wish = Wish {
        name: arguments.name.or(settings.name),
        room: arguments.room.or(settings.room),
    };
    let key_seed = u64::from_be_bytes(random_bytes());
    let session = Session::new(wish, arguments.suite, key_seed, arguments.trace);
    let retry = match arguments.retry {
        Some(limit) => Retry::For(limit),
        None if at_keyboard => Retry::OnceConnected,
        None => Retry::Never,
    };
    let failed = |error: std::io::Error| (Exit::Lost, error.to_string());
    let link = Link::new(address, session, retry).map_err(failed)?;
    if at_keyboard {
        let zone = match arguments.utc || settings.utc {
            true => Zone::utc(),
            false => Zone::local(),
        };
        let manner = terminal::Manner {
            ability: ability(arguments, &settings),
            zone,
            settings,
        };
        terminal::run(link, &trust, password, manner).map_err(failed)
    } else {
        let manner = pipe::Manner {
            form: match (arguments.json, arguments.text) {
                (true, _) => pipe::Form::Json,
                (false, true) => pipe::Form::Text,
                (false, false) => pipe::Form::Words,
            },
            listen: arguments.listen,
        };
        pipe::run(link, &trust, password, manner).map_err(failed)
    }
}

/// What may be written to the terminal beside characters.
fn ability(arguments: &Arguments, settings: &Settings) -> Ability {
    let is_set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|term| term.is_empty() || term == "dumb");
    if is_dumb {
        return Ability::Nothing;
    }
    match arguments.no_color || settings.no_color || is_set("NO_COLOR").is_some() {
        true => Ability::Weights,
        false => Ability::Colours,
    }
}
