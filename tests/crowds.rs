//! Many at once, and some who drag their feet: nobody else may notice.

use crate::harness::conversation::{Ear, Heard, matches};
use crate::harness::{Conversation, DEADLINE, Home, Server, clock};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

const CROWD: usize = 500;
const SLOW_PER_DOOR: usize = 200;

#[test]
fn five_hundred_at_once_all_hear_what_one_says() {
    let server = Server::start();
    let mut crowd: Vec<Conversation> = (0..CROWD)
        .map(|index| server.connect(&format!("u{index}")))
        .collect();
    for (index, guest) in crowd.iter_mut().enumerate() {
        guest.send(format!("u{index}\n"));
    }
    for guest in &mut crowd {
        guest.find("-> You are {}");
    }
    let (speaker, listeners) = crowd.split_first_mut().unwrap();
    speaker.send("hello, all of you\n/names u49\n");
    for listener in listeners {
        listener.find("[#lobby] u0: hello, all of you");
    }
    speaker.find("-> names #lobby: u49(plain) u490(plain) {}");
}

/// Peers that send one byte per second of `bytes`, until this is dropped.
struct Drip {
    is_over: Arc<AtomicBool>,
    thread: Option<thread::JoinHandle<usize>>,
}

impl Drip {
    fn start(address: SocketAddr, bytes: &'static [u8]) -> Self {
        let mut peers: Vec<TcpStream> = (0..SLOW_PER_DOOR)
            .map(|_| TcpStream::connect(address).unwrap())
            .collect();
        let is_over = Arc::new(AtomicBool::new(false));
        let flag = Arc::clone(&is_over);
        let thread = thread::spawn(move || {
            for byte in bytes {
                let second = clock::now();
                peers.retain_mut(|peer| peer.write_all(&[*byte]).is_ok());
                while second.elapsed() < Duration::from_secs(1) {
                    if flag.load(Ordering::Relaxed) {
                        return peers.len();
                    }
                    thread::sleep(Duration::from_millis(10));
                }
            }
            peers.len()
        });
        Self {
            is_over,
            thread: Some(thread),
        }
    }

    /// Ends it; how many could still send.
    fn end(mut self) -> usize {
        self.is_over.store(true, Ordering::Relaxed);
        self.thread.take().unwrap().join().unwrap()
    }
}

/// The shortest of three times that `enter` takes: the machine's other work is not the server's.
fn best_of_three(mut enter: impl FnMut(usize)) -> Duration {
    (0..3)
        .map(|turn| {
            let begin = clock::now();
            enter(turn);
            begin.elapsed()
        })
        .min()
        .unwrap()
}

#[test]
fn slow_peers_on_both_doors_do_not_keep_a_new_user_out() {
    let server = Server::with_config("[limits]\nhandshake-timeout = \"60s\"\n");
    let mut witness = server.enter("witness");
    let slow_lines = Drip::start(server.line(), b"slowly-goes-the-name-of-this-one");
    let slow_handshakes = Drip::start(
        server.sealed(),
        b"PRLR\x01\x01\0\0\0\x20key-key-key-key-key-key-key-key-",
    );

    let mut guests = Vec::new();
    let line = best_of_three(|turn| guests.push(server.enter(&format!("line{turn}"))));
    assert!(line < Duration::from_secs(1), "line door: {line:?}");
    let home = Home::new();
    let mut clients = Vec::new();
    let sealed = best_of_three(|turn| {
        clients.push(server.client(&home, &format!("sealed{turn}"), &mut witness));
    });
    assert!(sealed < Duration::from_secs(1), "sealed door: {sealed:?}");
    assert_eq!(slow_lines.end(), SLOW_PER_DOOR, "slow peers were closed");
    assert_eq!(
        slow_handshakes.end(),
        SLOW_PER_DOOR,
        "slow peers were closed"
    );
}

#[test]
fn a_handshake_or_a_name_that_never_comes_ends() {
    let server =
        Server::with_config("[limits]\nhandshake-timeout = \"300ms\"\nlogin-timeout = \"300ms\"\n");
    for address in [server.sealed(), server.line()] {
        let mut silent = Conversation::connect("silent", address);
        silent.bytes_to_end();
    }
    let mut begun = Conversation::connect("begun", server.sealed());
    begun.send(b"PRLR\x01\x01\0\0\0\x20");
    begun.bytes_to_end();
}

/// A guest whose window in the kernel is small, and who reads only when told to.
fn enter_with_a_small_window(server: &Server, who: &str) -> TcpStream {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(8 * 1024).unwrap();
    socket.connect(&server.line().into()).unwrap();
    let stream: TcpStream = socket.into();
    let mut guest = Conversation::over(who, stream.try_clone().unwrap());
    guest.send(format!("{who}\n"));
    guest.find("-> You are {}");
    stream
}

#[test]
fn a_reader_that_stops_reading_holds_nobody_up_and_loses_nothing() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    let mut stuck = enter_with_a_small_window(&server, "stuck");
    for other in [&mut alice, &mut bob] {
        other.expect(" * #lobby: stuck joined (3 here)");
    }
    let filler = "x".repeat(4_000);
    for index in 0..500 {
        alice.send(format!("{index} {filler}\n"));
        bob.expect(&format!("[#lobby] alice: {index} {filler}"));
    }

    // The stuck reader wakes up: everything is there, in order.
    let begin = clock::now();
    let mut heard = Vec::new();
    while heard.iter().filter(|byte| **byte == b'\n').count() < 500 {
        assert!(
            begin.elapsed() < DEADLINE,
            "only {} bytes came",
            heard.len()
        );
        match stuck.hear(DEADLINE) {
            Heard::Bytes(bytes) => heard.extend(bytes),
            Heard::Silence | Heard::End | Heard::Broken => panic!("it was given up"),
        }
    }
    let heard = String::from_utf8(heard).unwrap();
    for (index, line) in heard.lines().enumerate() {
        assert_eq!(line, format!("[#lobby] alice: {index} {filler}"));
    }
}

#[test]
fn a_reader_that_accepts_nothing_for_too_long_is_closed() {
    let server = Server::with_config("[limits]\nstall-timeout = \"500ms\"\n");
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    let _stuck = enter_with_a_small_window(&server, "stuck");
    bob.find(" * #lobby: stuck joined (3 here)");
    let filler = "x".repeat(64 * 1024);
    let said = format!("[#lobby] alice: {filler}");
    // It may be closed before all of this is said.
    let mut parted = None;
    for _ in 0..100 {
        alice.send(format!("{filler}\n"));
        while let line = bob.line()
            && line != said
        {
            parted = Some(line);
        }
    }
    let parted = parted.unwrap_or_else(|| bob.line());
    let pattern = " * #lobby: stuck lost the connection after {} (too slow)";
    assert!(matches(pattern, &parted), "{parted}");
}

#[test]
fn who_speaks_too_fast_is_read_slower_told_once_and_loses_nothing() {
    let server =
        Server::with_config("trusted = []\n[limits]\nrate-burst = 5\nrate-per-second = 20\n");
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    let begin = clock::now();
    let lines: String = (0..30).map(|index| format!("{index}\n")).collect();
    alice.send(lines);
    for index in 0..30 {
        bob.expect(&format!("[#lobby] alice: {index}"));
    }
    let took = begin.elapsed();
    assert!(
        took > Duration::from_millis(900),
        "not slowed down: {took:?}"
    );
    alice.send("/quit\n");
    let told = alice.rest();
    assert_eq!(told.len(), 2, "one notice and the end: {told:?}");
}

#[test]
fn one_source_may_not_take_all_places() {
    let server = Server::with_config("trusted = []\n[limits]\nunnamed-per-source = 2\n");
    let mut first = server.connect("first");
    let mut second = server.connect("second");
    first.find("-> Your name?");
    second.find("-> Your name?");
    let mut third = server.connect("third");
    let refusal = third.rest();
    assert!(refusal.len() <= 1, "{refusal:?}");
    let mut sealed = Conversation::connect("sealed", server.sealed());
    assert_eq!(sealed.bytes_to_end(), [0xff, 0xff, 4, 1]);
    first.send("first\n");
    first.find("-> You are first {}");
    server.enter("fourth");
}
