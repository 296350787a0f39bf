//! A program under test: started, talked with through its pipes, ended by its id.

use super::{Conversation, clock};
use rustix::process::{Pid, Signal, kill_process};
use std::io::Read;
use std::ops::{Deref, DerefMut};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A running program; it is killed when this is dropped.
pub(crate) struct Program {
    conversation: Conversation,
    child: Child,
    errors: Arc<Mutex<String>>,
    name: String,
}

impl Program {
    /// Starts `command`, to be called `name` in failures.
    #[track_caller]
    pub(crate) fn start(name: &str, command: &mut Command) -> Self {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (sender, output) = channel();
        pump(child.stdout.take().unwrap(), sender);
        let errors = collect(child.stderr.take().unwrap());
        let input = child.stdin.take().unwrap();
        Self {
            conversation: Conversation::piped(name, output, input),
            child,
            errors,
            name: name.to_owned(),
        }
    }

    /// Runs `command` with `input` to its end: its exit code, what it printed, what it complained.
    #[track_caller]
    pub(crate) fn run(command: &mut Command, input: &str) -> (i32, Vec<String>, String) {
        let mut program = Self::start("program", command);
        // A program that refuses its arguments may be gone before it reads anything.
        let _ = program.try_send(input);
        program.finish();
        let lines = program.rest();
        let code = program.exit_code();
        (code, lines, program.errors())
    }

    /// Waits for it to end by itself; the exit code, or -1 if a signal ended it.
    #[track_caller]
    pub(crate) fn exit_code(&mut self) -> i32 {
        let child = &mut self.child;
        let ended = |child: &mut Child| child.try_wait().unwrap();
        let status = clock::wait_for(&format!("{} to exit", self.name), || ended(child));
        status.code().unwrap_or(-1)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    /// What it wrote to standard error: all of it once it has ended, else so far.
    pub(crate) fn errors(&self) -> String {
        // After the end of a program its last words may still be on their way to the collector,
        // who lets go of the text when there are no more.
        for _ in 0..50 {
            if Arc::strong_count(&self.errors) == 1 {
                break;
            }
            thread::sleep(Duration::from_millis(2));
        }
        self.errors.lock().unwrap().clone()
    }
}

impl Deref for Program {
    type Target = Conversation;

    fn deref(&self) -> &Conversation {
        &self.conversation
    }
}

impl DerefMut for Program {
    fn deref_mut(&mut self) -> &mut Conversation {
        &mut self.conversation
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Only fails when it has ended already, which is as good.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!(
                "--- {} said on standard error:\n{}",
                self.name,
                self.errors()
            );
        }
    }
}

/// Hands on what comes out of a pipe, in a thread that ends with the pipe.
fn pump(mut pipe: impl Read + Send + 'static, sender: Sender<Vec<u8>>) {
    thread::spawn(move || {
        let mut bytes = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = pipe.read(&mut bytes) {
            if sender.send(bytes[..count].to_vec()).is_err() {
                break;
            }
        }
    });
}

/// Gathers what comes out of a pipe.
fn collect(pipe: impl Read + Send + 'static) -> Arc<Mutex<String>> {
    let (sender, output): (_, Receiver<Vec<u8>>) = channel();
    pump(pipe, sender);
    let text = Arc::new(Mutex::new(String::new()));
    let shared = Arc::clone(&text);
    thread::spawn(move || {
        for bytes in output {
            shared
                .lock()
                .unwrap()
                .push_str(&String::from_utf8_lossy(&bytes));
        }
    });
    text
}

#[test]
fn a_program_is_talked_with_and_its_end_is_seen() {
    let mut cat = Program::start("cat", &mut Command::new("cat"));
    cat.send("hello\n");
    cat.expect("hello");
    cat.finish();
    cat.expect_end();
    assert_eq!(cat.exit_code(), 0);

    let script = "read line; echo \"$line!\"; echo bad >&2; exit 3";
    let (code, lines, errors) = Program::run(Command::new("sh").args(["-c", script]), "hi\n");
    assert_eq!(
        (code, lines, errors.as_str()),
        (3, vec!["hi!".to_owned()], "bad\n")
    );
}
