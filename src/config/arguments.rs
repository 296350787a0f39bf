//! The flags of `parlourd`, and the order in which the sources of configuration are read.

use super::{Config, Mistake, line_door, sealed_door};
use clap::Parser;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// An encrypted chat server. Without arguments it just works.
#[derive(Parser)]
#[command(name = "parlourd", version, about, max_term_width = 100)]
struct Arguments {
    /// Where encrypted clients connect: HOST:PORT, PORT (0 picks one) or off [default: port 4747]
    #[arg(long, value_name = "ADDR")]
    sealed: Option<String>,
    /// Where netcat connects, in plain text: as above; beyond this machine only as
    /// insecure:HOST:PORT [default: port 4748 of this machine]
    #[arg(long, value_name = "ADDR")]
    line: Option<String>,
    /// The data folder [default: $PARLOUR_DATA, $STATE_DIRECTORY, ./parlour-data if it exists, else
    /// $XDG_DATA_HOME/parlour]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Keep nothing; with --data the folder's server key is used, and nothing else written
    #[arg(long)]
    ephemeral: bool,
    /// The configuration file [default: parlour.toml in the data folder]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Check the configuration, show what is in force, and end
    #[arg(long)]
    check_config: bool,
    /// Print every key of the configuration file with its default, and end
    #[arg(long)]
    print_config: bool,
    /// Print every limit and what happens at it, and end
    #[arg(long)]
    limits: bool,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Run the server.
    Run(Box<Config>),
    /// Print this on standard output and end well.
    Print(String),
}

/// Reads the command line, the environment and the configuration file.
///
/// # Errors
///
/// A [`Mistake`] when any of them is wrong.
pub fn arguments(words: impl IntoIterator<Item = OsString>) -> Result<Action, Mistake> {
    let arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) if error.exit_code() == 0 => {
            return Ok(Action::Print(error.render().to_string()));
        }
        Err(error) => {
            let text = error.render().to_string();
            return Err(Mistake(
                text.trim_start_matches("error: ").trim_end().to_owned(),
            ));
        }
    };
    if arguments.print_config {
        return Ok(Action::Print(super::effective(&Config::default())));
    }
    let config = assemble(&arguments)?;
    if arguments.limits {
        return Ok(Action::Print(super::limits_table(&config)));
    }
    if arguments.check_config {
        return Ok(Action::Print(super::effective(&config)));
    }
    Ok(Action::Run(Box::new(config)))
}

fn assemble(arguments: &Arguments) -> Result<Config, Mistake> {
    let mut config = Config {
        ephemeral: arguments.ephemeral,
        ..Config::default()
    };
    config.data = match (&arguments.data, arguments.ephemeral) {
        (Some(data), _) => Some(data.clone()),
        (None, true) => None,
        (None, false) => Some(default_data_folder()?),
    };
    let in_folder = config.data.as_deref().map(|data| data.join("parlour.toml"));
    if let Some(file) = &arguments.config {
        config.read_file(file)?;
    } else if let Some(file) = in_folder.filter(|file| file.exists()) {
        config.read_file(&file)?;
    }
    if let Some(door) = &arguments.sealed {
        config.sealed = sealed_door(door).map_err(|mistake| of_flag("--sealed", &mistake))?;
    }
    if let Some(door) = &arguments.line {
        config.line = line_door(door).map_err(|mistake| of_flag("--line", &mistake))?;
    }
    if config.sealed.is_empty() && config.line.is_empty() {
        return Err(Mistake(
            "both doors are off; leave --sealed or --line open".to_owned(),
        ));
    }
    Ok(config)
}

/// A mistake, with the flag that it was made in.
fn of_flag(flag: &str, mistake: &Mistake) -> Mistake {
    Mistake(format!("{flag}: {mistake}"))
}

/// The data folder when none is named.
fn default_data_folder() -> Result<PathBuf, Mistake> {
    let named = |variable: &str| {
        std::env::var_os(variable)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    if let Some(folder) = named("PARLOUR_DATA").or_else(|| named("STATE_DIRECTORY").map(first)) {
        return Ok(folder);
    }
    let here = Path::new("parlour-data");
    if here.is_dir() {
        return Ok(here.to_owned());
    }
    let home = || named("HOME").map(|home| home.join(".local/share"));
    // A relative one means nothing, says the specification.
    named("XDG_DATA_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(home)
        .map(|data| data.join("parlour"))
        .ok_or_else(|| {
            Mistake("there is no home folder to keep data in; name one with --data DIR".to_owned())
        })
}

/// The first of several folders: systemd names all that it made, with colons between them.
fn first(folders: PathBuf) -> PathBuf {
    match folders.to_str().and_then(|text| text.split(':').next()) {
        Some(first) => first.into(),
        None => folders,
    }
}
