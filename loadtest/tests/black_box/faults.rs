//! A server that does wrong: the ledger must say so each time.
//!
//! The server is a small one that speaks as much of Redis' protocol as is needed, and spoils the
//! tenth message for everybody in one way.

use crate::figures::Run;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

const MEMBERS: f64 = 4.0;
const MESSAGES: f64 = 30.0;
/// The message that is spoilt, counted from one; the first is the load test's own greeting.
const SPOILT: usize = 10;
const DELAY: Duration = Duration::from_millis(300);

/// What is done to the message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Fault {
    None,
    Drop,
    Double,
    Swap,
    Damage,
    Delay,
}

/// Everybody who listens, and what is held back to be swapped.
#[derive(Default)]
struct Room {
    listeners: Vec<TcpStream>,
    count: usize,
    held: Option<Vec<u8>>,
}

/// Serves for as long as the test runs; returns its address.
fn serve(fault: Fault) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let room = Arc::new(Mutex::new(Room::default()));
    thread::spawn(move || {
        for stream in listener.incoming() {
            let (stream, room) = (stream.unwrap(), Arc::clone(&room));
            thread::spawn(move || converse(stream, &room, fault));
        }
    });
    format!("redis://{address}")
}

fn converse(mut stream: TcpStream, room: &Mutex<Room>, fault: Fault) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(words) = read_command(&mut reader) {
        if words[0] == b"SUBSCRIBE" {
            let mut room = room.lock().unwrap();
            room.listeners.push(stream.try_clone().unwrap());
            stream
                .write_all(b"*3\r\n$9\r\nsubscribe\r\n$5\r\nlobby\r\n:1\r\n")
                .unwrap();
        } else {
            stream.write_all(b":1\r\n").unwrap();
            room.lock().unwrap().publish(&words[2], fault);
        }
    }
}

fn read_command(reader: &mut impl BufRead) -> Option<Vec<Vec<u8>>> {
    let mut number = |sign: u8| {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).ok()?;
        assert_eq!(*line.first()?, sign);
        let digits = String::from_utf8(line[1..].to_vec()).unwrap();
        let count: usize = digits.trim().parse().unwrap();
        if sign == b'*' {
            return Some((count, Vec::new()));
        }
        let mut text = vec![0; count + 2];
        reader.read_exact(&mut text).ok()?;
        text.truncate(count);
        Some((count, text))
    };
    let (count, _) = number(b'*')?;
    (0..count).map(|_| Some(number(b'$')?.1)).collect()
}

impl Room {
    fn publish(&mut self, text: &[u8], fault: Fault) {
        self.count += 1;
        let mut texts = vec![text.to_vec()];
        if self.count == SPOILT {
            match fault {
                Fault::None => {}
                Fault::Drop => texts.clear(),
                Fault::Double => texts.push(text.to_vec()),
                Fault::Swap => self.held = texts.pop(),
                Fault::Damage => texts[0][50] ^= 1,
                Fault::Delay => thread::sleep(DELAY),
            }
        } else {
            texts.extend(self.held.take());
        }
        for text in texts {
            let mut push =
                format!("*3\r\n$7\r\nmessage\r\n$5\r\nlobby\r\n${}\r\n", text.len()).into_bytes();
            push.extend_from_slice(&text);
            push.extend_from_slice(b"\r\n");
            for listener in &mut self.listeners {
                // Who has left needs nothing more.
                let _ = listener.write_all(&push);
            }
        }
    }
}

fn run(fault: Fault) -> Run {
    let address = serve(fault);
    let words = "fanout --members 4 -R 300 -n 30 -d 5s --against";
    let mut words: Vec<_> = words.split_whitespace().collect();
    words.push(&address);
    let run = Run::of(&format!("fault-{fault:?}"), &words);
    assert_eq!(run.figure("sent"), MESSAGES);
    assert_eq!(run.figure("expected"), MEMBERS * MESSAGES);
    assert_eq!(
        run.figure("expected"),
        run.figure("received") + run.figure("lost")
    );
    run
}

/// Runs against a fault and expects exactly one figure to tell of it, once per member.
fn assert_told(fault: Fault, key: &str) {
    let run = run(fault);
    assert_eq!(run.code(), Some(1), "{}", run.page());
    for other in ["lost", "duplicates", "out-of-order", "corrupt"] {
        let wanted = if other == key { MEMBERS } else { 0.0 };
        // What is damaged cannot be told from what never came, but for its own count.
        if fault != Fault::Damage || other != "lost" {
            assert_eq!(run.figure(other), wanted, "{other}: {}", run.page());
        }
    }
}

#[test]
fn a_faultless_server_is_said_to_be_one() {
    let run = run(Fault::None);
    assert_eq!(run.code(), Some(0), "{}", run.page());
    assert_eq!(run.figure("received"), MEMBERS * MESSAGES);
}

#[test]
fn what_is_dropped_is_lost() {
    assert_told(Fault::Drop, "lost");
}

#[test]
fn what_comes_twice_is_counted() {
    assert_told(Fault::Double, "duplicates");
}

#[test]
fn what_overtakes_is_counted() {
    assert_told(Fault::Swap, "out-of-order");
}

#[test]
fn what_is_damaged_is_counted() {
    assert_told(Fault::Damage, "corrupt");
}

#[test]
fn what_is_late_shows_in_the_latency_of_an_open_loop() {
    let run = run(Fault::Delay);
    assert_eq!(run.code(), Some(0), "{}", run.page());
    assert!(run.figure("max-ms") >= 290.0, "{}", run.page());
    // The messages behind it were due while it was late, and waited too.
    assert!(run.figure("p90-ms") >= 100.0, "{}", run.page());
    assert!(run.figure("p50-ms") >= 50.0, "{}", run.page());
}
