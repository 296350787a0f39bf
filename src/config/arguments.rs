//! The command line of `parlourd`.

use super::sources::{Environment, Flags};
use super::tasks::{Task, TaskArguments};
use super::{Config, Mistake, Sources};
use crate::manual::{self, Section, Shell};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use std::ffi::OsString;
use std::path::PathBuf;

/// An encrypted chat server. Without arguments it just works.
#[derive(Parser)]
#[command(name = "parlourd", version, about, max_term_width = 100)]
#[command(disable_help_subcommand = true)]
struct Arguments {
    /// Where encrypted clients connect: HOST:PORT, PORT (0 picks one) or off [default: port 4747]
    #[arg(long, value_name = "ADDR")]
    sealed: Option<String>,
    /// Where netcat connects, in plain text: as above; beyond this machine only as
    /// insecure:HOST:PORT [default: port 4748 of this machine]
    #[arg(long, value_name = "ADDR")]
    line: Option<String>,
    /// Where Prometheus finds figures: as above, or on for port 4750 of this machine [default: off]
    #[arg(long, value_name = "ADDR")]
    metrics: Option<String>,
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
    /// A file with the password of the account admin, for the first start
    #[arg(long, value_name = "FILE")]
    admin_password_file: Option<String>,
    /// Check the configuration, show what is in force and where it comes from, and end
    #[arg(long)]
    check_config: bool,
    /// Print every key of the configuration file with its default, and end
    #[arg(long)]
    print_config: bool,
    /// Print every limit and what happens at it, and end
    #[arg(long)]
    limits: bool,
    /// Print the manual page and end; `parlourd --man | man -l -` shows it
    #[arg(long)]
    man: bool,
    /// Print what makes SHELL complete the words of this program, and end
    #[arg(long, value_name = "SHELL")]
    completions: Option<Shell>,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand)]
enum Command {
    /// Look after accounts, backups and the log, of a running server or of a stopped one's folder
    Admin(TaskArguments),
}

/// What the manual page says beyond `--help`.
const SECTIONS: [Section; 4] = [
    Section {
        title: "EXIT STATUS",
        terms: &[
            ("0", "It was asked to stop."),
            ("2", "A mistake of the operator, said on standard error."),
            ("1", "Anything else."),
        ],
    },
    Section {
        title: "SIGNALS",
        terms: &[
            ("SIGTERM, SIGINT", "Stop: what was said is stored first."),
            (
                "SIGHUP",
                "Read the configuration again. On a terminal: stop.",
            ),
        ],
    },
    Section {
        title: "FILES",
        terms: &[
            (
                "parlour.toml",
                "The configuration, in the data folder; --print-config shows one.",
            ),
            (
                "server.key",
                "What makes this server this one. Keep a copy where nobody else can read it.",
            ),
            ("parlour.db", "Accounts, rooms and what was said."),
            (
                "activity.jsonl",
                "Who came, went and did what; no word of what was said.",
            ),
        ],
    },
    Section {
        title: "ENVIRONMENT",
        terms: &[
            (
                "PARLOUR_KEY",
                "A key of the configuration, in capitals, as in PARLOUR_SEALED.",
            ),
            (
                "PARLOUR_ADMIN_PASSWORD",
                "The password of the account admin, for the first start.",
            ),
            (
                "PARLOUR_DATA, STATE_DIRECTORY, XDG_DATA_HOME",
                "Where the data folder is.",
            ),
        ],
    },
];

/// What the command line asks for.
#[derive(Debug)]
pub enum Action {
    /// Run the server.
    Run(Box<Config>),
    /// Print this on standard output and end well.
    Print(String),
    /// Do something for an operator with this data folder and end.
    Administer(PathBuf, Task),
}

/// Reads the command line, the environment and the configuration file.
///
/// # Errors
///
/// A [`Mistake`] when any of them is wrong.
pub fn arguments(words: impl IntoIterator<Item = OsString>) -> Result<Action, Mistake> {
    understand(words, Environment::of_process())
}

/// The same in a given environment.
pub(super) fn understand(
    words: impl IntoIterator<Item = OsString>,
    environment: Environment,
) -> Result<Action, Mistake> {
    let mut arguments = match Arguments::try_parse_from(words) {
        Ok(arguments) => arguments,
        Err(error) if error.exit_code() == 0 => {
            return Ok(Action::Print(error.render().to_string()));
        }
        Err(error) => {
            let text = error.render().to_string();
            let text = text.trim_start_matches("error: ").trim_end();
            // Without a subcommand the whole text is help.
            let is_help = error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand;
            let missing = if is_help {
                "admin needs to be told what to do\n\n"
            } else {
                ""
            };
            return Err(Mistake(format!("{missing}{text}")));
        }
    };
    if let Some(Command::Admin(task)) = arguments.command.take() {
        let data = arguments.administrators_folder(task.data)?;
        let flags = Flags {
            data,
            ..Flags::default()
        };
        // A mistake in the configuration must not keep an operator from looking after accounts.
        let folder = Sources::new(environment, flags)?.folder();
        return Ok(Action::Administer(folder, task.task));
    }
    if arguments.man {
        return Ok(Action::Print(manual::page(
            &Arguments::command(),
            &SECTIONS,
        )));
    }
    if let Some(shell) = arguments.completions {
        let text = manual::completions(&Arguments::command(), shell);
        return Ok(Action::Print(text));
    }
    if arguments.print_config {
        return Ok(Action::Print(super::effective(&Config::default())));
    }
    let config = Sources::new(environment, arguments.flags())?.read()?;
    if arguments.limits {
        return Ok(Action::Print(super::limits_table(&config)));
    }
    if arguments.check_config {
        let warnings: String = config
            .warnings
            .iter()
            .map(|warning| format!("# {warning}\n"))
            .collect();
        return Ok(Action::Print(warnings + &super::effective(&config)));
    }
    Ok(Action::Run(Box::new(config)))
}

impl Arguments {
    /// The folder that `admin` is to look after: `--data` may stand before it, as for the server,
    /// or behind. `--config` may, too: no task needs what is in it.
    fn administrators_folder(&self, behind: Option<PathBuf>) -> Result<Option<PathBuf>, Mistake> {
        let others = [
            ("--sealed", self.sealed.is_some()),
            ("--line", self.line.is_some()),
            ("--metrics", self.metrics.is_some()),
            ("--ephemeral", self.ephemeral),
            ("--admin-password-file", self.admin_password_file.is_some()),
            ("--check-config", self.check_config),
            ("--print-config", self.print_config),
            ("--limits", self.limits),
            ("--man", self.man),
            ("--completions", self.completions.is_some()),
        ];
        if let Some((flag, _)) = others.into_iter().find(|(_, is_given)| *is_given) {
            return Err(Mistake(format!(
                "{flag} is for the server itself; leave it out to run admin, which takes --data \
                 DIR alone"
            )));
        }
        Ok(behind.or_else(|| self.data.clone()))
    }

    fn flags(&self) -> Flags {
        let keys = [
            ("sealed", "--sealed", &self.sealed),
            ("line", "--line", &self.line),
            ("metrics", "--metrics", &self.metrics),
            (
                "admin-password-file",
                "--admin-password-file",
                &self.admin_password_file,
            ),
        ];
        Flags {
            keys: keys
                .into_iter()
                .filter_map(|(key, flag, value)| Some((key, flag, value.clone()?)))
                .collect(),
            data: self.data.clone(),
            ephemeral: self.ephemeral,
            config: self.config.clone(),
        }
    }
}
