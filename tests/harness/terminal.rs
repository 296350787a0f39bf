//! The bundled client on a terminal, lent by tmux.

use super::{Home, clock};
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A terminal of its own; it ends when dropped.
pub(crate) struct Terminal {
    tmux: PathBuf,
    socket: PathBuf,
}

impl Terminal {
    /// Opens one that runs the client in `home`.
    pub(crate) fn open(tmux: PathBuf, home: &Home, arguments: &[&str]) -> Self {
        let mut words = vec!["env"];
        let settings: Vec<String> = home
            .environment()
            .iter()
            .map(|(key, value)| format!("{key}={}", value.display()))
            .collect();
        words.extend(settings.iter().map(String::as_str));
        words.push(env!("CARGO_BIN_EXE_parlour"));
        words.extend(arguments);
        Self::run(tmux, home, &words)
    }

    /// Opens one that runs a program.
    pub(crate) fn run(tmux: PathBuf, home: &Home, program: &[&str]) -> Self {
        // Of its own, for the one before may still be ending.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket = home.folder().join(format!("tmux{number}"));
        let terminal = Self { tmux, socket };
        let words = ["new-session", "-d", "-x", "100", "-y", "24"];
        terminal.tell(&[&words[..], program].concat());
        terminal
    }

    /// Types `text` as it is.
    pub(crate) fn type_in(&self, text: &str) {
        self.tell(&["send-keys", "-l", text]);
    }

    /// Presses a key.
    pub(crate) fn press(&self, key: &str) {
        self.tell(&["send-keys", key]);
    }

    /// What is on the screen.
    pub(crate) fn screen(&self) -> String {
        self.tell(&["capture-pane", "-p"])
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        let mut last = String::new();
        let shows = || {
            last = self.screen();
            last.contains(text).then_some(())
        };
        clock::wait_for(&format!("{text:?} on the screen"), shows);
    }

    #[track_caller]
    fn tell(&self, words: &[&str]) -> String {
        let (is_done, output) = self.try_telling(words);
        assert!(is_done, "tmux {words:?}: {output}");
        output
    }

    /// Whether tmux did as it was told, and what it said.
    fn try_telling(&self, words: &[&str]) -> (bool, String) {
        let output = Command::new(&self.tmux)
            .arg("-S")
            .arg(&self.socket)
            .args(["-f", "/dev/null"])
            .args(words)
            .env("LC_ALL", "C.UTF-8")
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said).into_owned();
        (output.status.success(), said)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let (_, screen) = self.try_telling(&["capture-pane", "-p"]);
            eprintln!("--- the screen:\n{screen}");
        }
        self.try_telling(&["kill-server"]);
    }
}
