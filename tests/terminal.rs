//! The client on a terminal, lent by tmux: what is typed survives what arrives.

use crate::harness::{Home, Server, clock, tools};
use std::path::PathBuf;
use std::process::Command;

/// A terminal of its own; it ends when dropped.
struct Terminal {
    tmux: PathBuf,
    socket: PathBuf,
}

impl Terminal {
    /// Opens one that runs the client in `home`.
    fn open(tmux: PathBuf, home: &Home, arguments: &[&str]) -> Self {
        let socket = home.folder().join("tmux");
        let terminal = Self { tmux, socket };
        let mut words = vec!["new-session", "-d", "-x", "100", "-y", "24", "env"];
        let settings: Vec<String> = home
            .environment()
            .iter()
            .map(|(key, value)| format!("{key}={}", value.display()))
            .collect();
        words.extend(settings.iter().map(String::as_str));
        words.push(env!("CARGO_BIN_EXE_parlour"));
        words.extend(arguments);
        terminal.tell(&words);
        terminal
    }

    /// Types `text` as it is.
    fn type_in(&self, text: &str) {
        self.tell(&["send-keys", "-l", text]);
    }

    /// Presses a key.
    fn press(&self, key: &str) {
        self.tell(&["send-keys", key]);
    }

    /// What is on the screen.
    fn screen(&self) -> String {
        self.tell(&["capture-pane", "-p"])
    }

    /// Waits until the screen shows `text`.
    #[track_caller]
    fn wait_for(&self, text: &str) {
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

#[test]
fn the_first_password_is_asked_for_twice_and_never_shown() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let home = Home::new();
    let socket = home.folder().join("tmux");
    let terminal = Terminal { tmux, socket };
    let data = home.folder().join("data");
    let data = data.to_str().unwrap();
    let server = env!("CARGO_BIN_EXE_parlourd");
    let words = ["new-session", "-d", "-x", "100", "-y", "24"];
    let doors = [
        "--data",
        data,
        "--sealed",
        "127.0.0.1:0",
        "--line",
        "127.0.0.1:0",
    ];
    terminal.tell(&[&words[..], &[server], &doors[..]].concat());
    terminal.wait_for("Password for admin:");
    terminal.type_in("open sesame");
    terminal.press("Enter");
    terminal.wait_for("Once more:");
    terminal.type_in("open barley");
    terminal.press("Enter");
    terminal.wait_for("not the same");
    for _ in 0..2 {
        terminal.type_in("open rye");
        terminal.press("BSpace");
        terminal.type_in("e");
        terminal.press("Enter");
    }
    terminal.wait_for("ready sealed=");
    let screen = terminal.screen();
    assert!(
        !screen.contains("sesame") && !screen.contains("rye"),
        "{screen}"
    );
    assert!(!home.folder().join("data/admin-password").exists());
}

#[test]
fn what_is_typed_survives_what_arrives() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let terminal = Terminal::open(tmux, &home, &["--name", "bob", server.ready("address")]);
    alice.expect(" * #lobby: bob joined (2 here)");
    terminal.type_in("half a sen");
    terminal.wait_for("half a sen");
    for index in 0..50 {
        alice.send(format!("interruption {index}\n"));
    }
    terminal.wait_for("interruption 49");
    terminal.wait_for("half a sen");
    terminal.type_in("tence");
    terminal.press("Enter");
    alice.expect("[#lobby] bob: half a sentence");
    terminal.press("C-d");
    alice.expect(" * #lobby: bob left after {}");
}
