//! A server that stands still for a second.
//!
//! Goal: an open loop counts from when a message should have been sent, so all that were due while
//! the server stood still show it. Method: the real server, stopped and continued by signals.

use crate::figures::{Run, parlourd};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

const RUN_BEFORE: Duration = Duration::from_millis(2_500);
const STANDSTILL: Duration = Duration::from_secs(1);

/// Ends the server whatever becomes of the test.
struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(name: &str, process: u32) {
    let status = Command::new("kill")
        .args([name, &process.to_string()])
        .status();
    assert!(status.unwrap().success());
}

#[test]
fn a_standstill_shows_in_the_95th_percentile_of_an_open_loop() {
    let Some(program) = parlourd() else { return };
    let mut child = Command::new(program)
        .args(["--ephemeral", "--sealed", "127.0.0.1:0", "--line", "off"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let process = child.id();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    let _server = Server(child);
    let mut ready = String::new();
    output.read_line(&mut ready).unwrap();
    let words = ready.split_whitespace();
    let address = words
        .filter_map(|word| word.strip_prefix("address="))
        .next_back();
    let address = address.unwrap().to_owned();

    let stopper = thread::spawn(move || {
        thread::sleep(RUN_BEFORE);
        signal("-STOP", process);
        thread::sleep(STANDSTILL);
        signal("-CONT", process);
    });
    let process = process.to_string();
    let words = [
        "fanout", &address, "-c", "10", "-R", "100", "-d", "5s", "--warmup", "500ms",
    ];
    let run = Run::of(
        "standstill",
        &[&words[..], &["--server-pid", &process]].concat(),
    );
    stopper.join().unwrap();
    assert_eq!(run.code(), Some(0), "{}{}", run.page(), run.errors());
    assert_eq!(run.figure("lost"), 0.0);
    assert!(run.figure("max-ms") > 900.0, "{}", run.page());
    assert!(run.figure("p95-ms") > 300.0, "{}", run.page());
    // Before and after it was quick.
    assert!(run.figure("p50-ms") < 300.0, "{}", run.page());
}
