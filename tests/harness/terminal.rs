//! The bundled client on a terminal, lent by tmux.

use super::{Home, clock};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};

/// A terminal of its own; it ends when dropped.
pub(crate) struct Terminal {
    tmux: PathBuf,
    socket: PathBuf,
}

impl Terminal {
    /// Opens one that runs the client in `home`.
    pub(crate) fn open(tmux: PathBuf, home: &Home, arguments: &[&str]) -> Self {
        let client = Self::client(home, arguments);
        let words: Vec<&str> = client.iter().map(String::as_str).collect();
        Self::run(tmux, home, &words)
    }

    /// The words that run the client in `home`, with its times in UTC.
    pub(crate) fn client(home: &Home, arguments: &[&str]) -> Vec<String> {
        let mut words = vec!["env".to_owned(), "-u".to_owned(), "NO_COLOR".to_owned()];
        let environment = home.environment();
        let settings = environment.iter();
        words.extend(settings.map(|(key, value)| format!("{key}={}", value.display())));
        words.push(env!("CARGO_BIN_EXE_parlour").to_owned());
        words.push("--utc".to_owned());
        words.extend(arguments.iter().map(|&word| word.to_owned()));
        words
    }

    /// Opens one that runs a program.
    pub(crate) fn run(tmux: PathBuf, home: &Home, program: &[&str]) -> Self {
        // Of its own, for the one before may still be ending.
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let socket = home.folder().join(format!("tmux{number}"));
        let terminal = Self { tmux, socket };
        // As much of what has scrolled away as any test needs to see again.
        let words = [
            "start-server",
            ";",
            "set-option",
            "-g",
            "history-limit",
            "50000",
            ";",
            "new-session",
            "-d",
            "-x",
            "100",
            "-y",
            "24",
        ];
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

    /// What is on the screen, with its colours.
    pub(crate) fn screen_in_colour(&self) -> String {
        self.tell(&["capture-pane", "-p", "-e"])
    }

    /// What is on the screen and what has scrolled away from it, broken rows joined.
    pub(crate) fn scrollback(&self) -> String {
        self.tell(&["capture-pane", "-p", "-J", "-S", "-"])
    }

    /// Gives it another size, and waits until the program can know: tmux breaks the rows at once,
    /// but tells later.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        let (x, y) = (columns.to_string(), rows.to_string());
        self.tell(&["resize-window", "-x", &x, "-y", &y]);
        let device = self.tell(&["display-message", "-p", "#{pane_tty}"]);
        let device = std::fs::File::open(device.trim()).unwrap();
        clock::wait_for("the terminal to have another size", || {
            let size = rustix::termios::tcgetwinsize(&device).unwrap();
            (size.ws_col == columns && size.ws_row == rows).then_some(())
        });
    }

    /// Pastes `text`, marked as a paste if the program has asked for that.
    pub(crate) fn paste(&self, text: &str) {
        let mut load = Command::new(&self.tmux)
            .arg("-S")
            .arg(&self.socket)
            .args(["load-buffer", "-"])
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        load.stdin
            .take()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
        assert!(load.wait().unwrap().success());
        self.tell(&["paste-buffer", "-p"]);
    }

    /// Writes everything that the program writes to the terminal from now on into a file.
    pub(crate) fn record(&self, file: &Path) {
        self.tell(&["pipe-pane", &format!("cat > {}", file.display())]);
    }

    /// The cursor's column, from 0 on.
    pub(crate) fn cursor_column(&self) -> usize {
        let column = self.tell(&["display-message", "-p", "#{cursor_x}"]);
        column.trim().parse().unwrap()
    }

    /// The number of the process it runs.
    pub(crate) fn process(&self) -> i32 {
        let process = self.tell(&["display-message", "-p", "#{pane_pid}"]);
        process.trim().parse().unwrap()
    }

    /// Waits until the screen, with what changes from run to run made the same, is the one in
    /// `tests/screens/NAME.txt`. With `PARLOUR_BLESS` in the environment it becomes that.
    #[track_caller]
    pub(crate) fn expect_screen(&self, name: &str) {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/screens/{name}.txt"));
        if std::env::var_os("PARLOUR_BLESS").is_some() {
            // Whatever is still on its way comes within that.
            std::thread::sleep(std::time::Duration::from_secs(1));
            return std::fs::write(path, steady(&self.screen())).unwrap();
        }
        let expected = std::fs::read_to_string(&path).unwrap_or_default();
        let begin = clock::now();
        while steady(&self.screen()) != expected {
            assert!(
                begin.elapsed() < super::DEADLINE,
                "{} should be:\n{}",
                path.display(),
                steady(&self.screen())
            );
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
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

/// A screen in which every time, date, port, fingerprint and duration is the same.
fn steady(screen: &str) -> String {
    let mut steady = String::new();
    for line in screen.trim_end().lines() {
        let words: Vec<String> = line.trim_end().split(' ').map(steady_word).collect();
        let line = words.join(" ");
        // A fingerprint in groups, and the day.
        let is_print = line.trim_start_matches("--").trim().len() == 39
            && line
                .trim_start_matches("--")
                .split_whitespace()
                .all(|word| word.len() == 4);
        let is_day = line.starts_with("-- ") && line.contains("day, ");
        steady.push_str(match (is_print, is_day) {
            (true, _) => "--     FING ERPR INTF INGE RPRI NTFI NGER PRIN",
            (false, true) => "-- Someday, 1 January 2026",
            (false, false) => &line,
        });
        steady.push('\n');
    }
    steady
}

fn steady_word(word: &str) -> String {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let (core, end) = match word.strip_suffix(',') {
        Some(core) => (core, ","),
        None => (word, ""),
    };
    if let Some((before, after)) = core.rsplit_once(':') {
        if before.len() == 2 && is_number(before) && after.len() == 2 && is_number(after) {
            return format!("13:05{end}");
        }
        if before.starts_with("127.0.0.1") && is_number(after) {
            return format!("127.0.0.1:4747{end}");
        }
    }
    let is_seconds = core.strip_suffix('s').is_some_and(is_number);
    let is_fraction = core
        .split_once('.')
        .is_some_and(|(a, b)| is_number(a) && is_number(b));
    match (is_seconds, is_fraction) {
        (true, _) => format!("2s{end}"),
        (false, true) => format!("0.5{end}"),
        (false, false) => word.to_owned(),
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
