//! Servers of our own: started for one run on ports that are free, and stopped after it.

use crate::clock::Clock;
use crate::machine;
use crate::{Ending, Failure, Mistake};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// How long a server may take until it is ready.
///
/// After it was killed it looks through its whole database first.
const READY_TIMEOUT: Duration = Duration::from_secs(120);
/// How long a server may take to stop; then it is killed.
///
/// It gives those who are connected ten seconds to take what they are owed.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
const STOP_POLL: Duration = Duration::from_millis(20);
/// Lines of a failed server's log that are shown.
const LOG_LINES_SHOWN: usize = 5;
/// The load comes from here, and rates for people would bound it.
const CONFIGURATION: &str = "trusted = [\"127.0.0.0/8\", \"::1/128\"]\n";

/// What a server keeps.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Keeping {
    /// Nothing.
    Nothing,
    /// What is stored in a folder that goes with the server.
    ForTheRun,
    /// What is stored in this folder, for ever.
    In(PathBuf),
}

/// A server that runs until this is dropped.
pub(crate) struct Server {
    recipe: Recipe,
    folder: PathBuf,
    running: Running,
}

/// How a server is started.
struct Recipe {
    program: PathBuf,
    arguments: Vec<OsString>,
    /// Its doors, by the words of the `ready` line, which are those of the options too.
    doors: Vec<(&'static str, String)>,
}

/// A process that became ready.
struct Running {
    child: Child,
    /// The words of its `ready` line.
    words: BTreeMap<String, String>,
    ready_after: Duration,
}

/// What became of a server that was started once more.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Restart {
    /// From asking it to end until it had.
    pub(crate) ending: Duration,
    /// From its start to its `ready` line.
    pub(crate) starting: Duration,
}

impl Server {
    /// Starts `parlourd` on ports of its own.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] when it is not there, a [`Failure`] when it does not become ready.
    pub(crate) fn parlourd(named: Option<&Path>, keeping: &Keeping) -> Result<Self, Ending> {
        let program = find_parlourd(named)?;
        let folder = make_folder()?;
        let config = folder.join("parlour.toml");
        fs::write(&config, CONFIGURATION).map_err(|error| unwritable(&config, &error))?;
        let mut arguments: Vec<OsString> = match keeping {
            Keeping::Nothing => vec!["--ephemeral".into()],
            Keeping::ForTheRun => vec!["--data".into(), folder.join("data").into()],
            Keeping::In(data) => vec!["--data".into(), data.into()],
        };
        arguments.extend(["--config".into(), config.into()]);
        let door = |name| (name, "127.0.0.1:0".to_owned());
        let recipe = Recipe {
            program,
            arguments,
            doors: vec![door("sealed"), door("line")],
        };
        Ok(Self::start(recipe, folder)?)
    }

    /// Starts the floor, in a process of its own so that its processor time is its own.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when it does not become ready.
    pub(crate) fn floor() -> Result<Self, Ending> {
        let program = std::env::current_exe()
            .map_err(|error| Failure(format!("cannot find this program: {error}")))?;
        let recipe = Recipe {
            program,
            arguments: vec!["floor-server".into()],
            doors: Vec::new(),
        };
        Ok(Self::start(recipe, make_folder()?)?)
    }

    fn start(recipe: Recipe, folder: PathBuf) -> Result<Self, Failure> {
        match recipe.run(&folder) {
            Ok(running) => Ok(Self {
                recipe,
                folder,
                running,
            }),
            Err(failure) => {
                // What it said is in the words of the failure.
                let _ = fs::remove_dir_all(&folder);
                Err(failure)
            }
        }
    }

    /// Ends it, by killing it or by asking, and starts it once more at the same doors.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when it does not become ready again.
    pub(crate) fn restart(&mut self, is_killed: bool) -> Result<Restart, Failure> {
        let clock = Clock::start();
        self.end(is_killed);
        let ending = clock.now();
        for (name, place) in &mut self.recipe.doors {
            if let Some(before) = self.running.words.get(*name) {
                place.clone_from(before);
            }
        }
        self.running = self.recipe.run(&self.folder)?;
        Ok(Restart {
            ending,
            starting: self.running.ready_after,
        })
    }

    /// Ends the process, at once or after it was given the time to do so by itself.
    fn end(&mut self, is_killed: bool) {
        let child = &mut self.running.child;
        if !is_killed {
            machine::terminate(child.id());
            let mut waited = Duration::ZERO;
            while waited < STOP_TIMEOUT && matches!(child.try_wait(), Ok(None)) {
                std::thread::sleep(STOP_POLL);
                waited += STOP_POLL;
            }
        }
        // Each of these fails only when there is nothing left to do.
        let _ = child.kill();
        let _ = child.wait();
    }

    /// Its process.
    pub(crate) fn process(&self) -> u32 {
        self.running.child.id()
    }

    /// How long it took from its start to its `ready` line.
    pub(crate) fn ready_after(&self) -> Duration {
        self.running.ready_after
    }

    /// What its `ready` line says under `key`; the first of several.
    pub(crate) fn word(&self, key: &str) -> Option<&str> {
        self.running.words.get(key)?.split(',').next()
    }
}

impl Recipe {
    /// Starts it, and waits until it is ready; what it complains of goes to a file in `folder`.
    fn run(&self, folder: &Path) -> Result<Running, Failure> {
        let log = folder.join("server.log");
        let file = File::create(&log).map_err(|error| unwritable(&log, &error))?;
        let program = self.program.display();
        let doors = self.doors.iter();
        let doors = doors.flat_map(|(name, place)| [format!("--{name}"), place.clone()]);
        let clock = Clock::start();
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .args(doors)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(file)
            .spawn()
            .map_err(|error| Failure(format!("cannot start {program}: {error}")))?;
        let output = child.stdout.take().expect("standard output was piped");
        let (ready, wait) = channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // Nobody waits any more: the pipe is still read, or the server would block.
                let _ = ready.send(line);
            }
        });
        loop {
            match wait.recv_timeout(READY_TIMEOUT) {
                Ok(line) if line.starts_with("ready ") => {
                    return Ok(Running {
                        child,
                        words: parse_ready(&line),
                        ready_after: clock.now(),
                    });
                }
                Ok(_) => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    // It may have ended by itself.
                    let _ = child.kill();
                    let _ = child.wait();
                    let log = fs::read_to_string(&log).unwrap_or_default();
                    let lines: Vec<_> = log.lines().collect();
                    let shown = &lines[lines.len().saturating_sub(LOG_LINES_SHOWN)..];
                    return Err(Failure(format!(
                        "{program} did not become ready; it said:\n{}",
                        shown.join("\n")
                    )));
                }
            }
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end(false);
        // It fails only when there is nothing left to do.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// What `parlourd` says its version is.
pub(crate) fn version(named: Option<&Path>) -> Option<String> {
    let program = find_parlourd(named).ok()?;
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim().to_owned())
}

/// The server's program: the one named, else beside our own, else wherever programs are.
fn find_parlourd(named: Option<&Path>) -> Result<PathBuf, Mistake> {
    if let Some(named) = named {
        return if named.is_file() {
            Ok(named.to_owned())
        } else {
            Err(Mistake(format!("there is no {}", named.display())))
        };
    }
    let beside = std::env::current_exe()
        .ok()
        .and_then(|own| Some(own.parent()?.join("parlourd")));
    let path = std::env::var_os("PATH").unwrap_or_default();
    beside
        .into_iter()
        .chain(std::env::split_paths(&path).map(|folder| folder.join("parlourd")))
        .find(|candidate| candidate.is_file())
        .ok_or_else(|| {
            Mistake(
                "parlourd is neither beside loadtest nor in PATH; build it with `cargo build \
                 --release`, or name it with --parlourd PATH"
                    .to_owned(),
            )
        })
}

/// A new folder that nobody else has.
fn make_folder() -> Result<PathBuf, Failure> {
    let own = std::process::id();
    let mut last = None;
    for number in 0..1_000 {
        let folder = std::env::temp_dir().join(format!("parlour-loadtest-{own}-{number}"));
        match fs::create_dir(&folder) {
            Ok(()) => return Ok(folder),
            Err(error) => last = Some(unwritable(&folder, &error)),
        }
    }
    Err(last.expect("it was tried"))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Failure {
    Failure(format!("cannot write {}: {error}", path.display()))
}

fn parse_ready(line: &str) -> BTreeMap<String, String> {
    line.split_whitespace()
        .filter_map(|word| word.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_is_read_in_any_order() {
        let line =
            "ready line=off fingerprint=abc address=parlour://h:1#abc sealed=127.0.0.1:5,[::1]:5";
        let words = parse_ready(line);
        assert_eq!(words["sealed"], "127.0.0.1:5,[::1]:5");
        assert_eq!(words["address"], "parlour://h:1#abc");
        assert_eq!(words["line"], "off");
    }
}
