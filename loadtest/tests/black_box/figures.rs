//! Runs the program and reads the figures it writes.

use serde_json::Value;
use std::path::PathBuf;
use std::process::{Command, Output};

/// What one run left behind.
pub(crate) struct Run {
    /// What it printed, and how it ended.
    pub(crate) output: Output,
    /// What it wrote as JSON, if it came so far.
    pub(crate) json: Value,
}

impl Run {
    /// Runs `loadtest` with `words`; `name` is for its file and must be the test's own.
    pub(crate) fn of(name: &str, words: &[&str]) -> Self {
        let own = std::process::id();
        let file = std::env::temp_dir().join(format!("loadtest-{own}-{name}.json"));
        let output = Command::new(env!("CARGO_BIN_EXE_loadtest"))
            .args(words)
            .arg("--json")
            .arg(&file)
            .output()
            .expect("the program was built for this test");
        let text = std::fs::read_to_string(&file).unwrap_or_else(|_| "null".to_owned());
        // It is not there when the run failed.
        let _ = std::fs::remove_file(&file);
        Self {
            output,
            json: serde_json::from_str(&text).expect("the file is JSON"),
        }
    }

    /// A figure.
    pub(crate) fn figure(&self, key: &str) -> f64 {
        let found = self.json["figures"][key].as_f64();
        found.unwrap_or_else(|| panic!("no figure {key} in {}\n{}", self.json, self.errors()))
    }

    /// The exit code.
    pub(crate) fn code(&self) -> Option<i32> {
        self.output.status.code()
    }

    /// What it printed.
    pub(crate) fn page(&self) -> String {
        String::from_utf8_lossy(&self.output.stdout).into_owned()
    }

    /// What it complained of.
    pub(crate) fn errors(&self) -> String {
        String::from_utf8_lossy(&self.output.stderr).into_owned()
    }
}

/// The server built beside the program under test; `None`, loudly, when it was not.
pub(crate) fn parlourd() -> Option<PathBuf> {
    let beside = PathBuf::from(env!("CARGO_BIN_EXE_loadtest")).with_file_name("parlourd");
    if beside.is_file() {
        return Some(beside);
    }
    eprintln!(
        "SKIPPED: {} is not built; run `cargo build` or `cargo test --workspace` first",
        beside.display()
    );
    None
}
