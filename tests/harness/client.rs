//! The bundled client, in a home of its own: its pins, its keys, its settings.

use super::Program;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// Where one person's clients keep what they remember.
pub(crate) struct Home {
    folder: TempDir,
}

impl Home {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// The client's command with these arguments.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlour"));
        command
            .env_clear()
            .args(arguments)
            .env("RUST_BACKTRACE", "1");
        for (key, value) in self.environment() {
            command.env(key, value);
        }
        command.current_dir(self.folder());
        command
    }

    /// Starts the client with these arguments.
    #[track_caller]
    pub(crate) fn start(&self, arguments: &[&str]) -> Program {
        Program::start("parlour", &mut self.command(arguments))
    }

    /// Runs the client to its end: exit code, lines out, complaints.
    #[track_caller]
    pub(crate) fn run(&self, arguments: &[&str], input: &str) -> (i32, Vec<String>, String) {
        Program::run(&mut self.command(arguments), input)
    }

    /// What the client finds in its environment.
    pub(crate) fn environment(&self) -> [(&'static str, PathBuf); 4] {
        let folder = self.folder();
        [
            ("HOME", folder.to_owned()),
            ("XDG_STATE_HOME", folder.join("state")),
            ("XDG_CONFIG_HOME", folder.join("config")),
            ("XDG_DATA_HOME", folder.join("data")),
        ]
    }

    /// The file of remembered servers.
    pub(crate) fn known_servers(&self) -> PathBuf {
        self.folder().join("state/parlour/known_servers")
    }

    /// The home's folder.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}
