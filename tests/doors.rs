//! The doors under pressure: full, flooded, trickled through, talked nonsense to. The server stays
//! up and quiet, says why it refuses, and forgets nobody and nothing.

use crate::harness::conversation::{Ear as _, Heard};
use crate::harness::server::Setup;
use crate::harness::{Conversation, DEADLINE, Program, Server, clock};
use parlour::chat::Hello;
use parlour::crypto::record::Suite;
use parlour::crypto::record::{CloseCode, Padding, Sealer, begin_record};
use parlour::wire::message::{ClientMessage, encode_client};
use parlour::wire::sealed::{ClientHandshake, Identity, Introduction};
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// What who finds the server full is told.
const FULL: &str = "Err: the server is full; try again in a minute";

/// A server whose process can be looked at from outside.
struct Watched {
    program: Program,
    process: Pid,
    line: SocketAddr,
    sealed: SocketAddr,
    _folder: TempDir,
}

impl Watched {
    /// Starts a server with this configuration, after `preparation` by a shell.
    #[track_caller]
    fn start(preparation: &str, config: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let setup = Setup {
            config,
            ..Setup::default()
        };
        let server = setup.command(folder.path());
        let script = format!("{preparation}; echo \"$$\"; exec \"$0\" \"$@\"");
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", &script]).arg(server.get_program());
        shell.args(server.get_args()).env_clear();
        let environment = server.get_envs();
        shell.envs(environment.filter_map(|(key, value)| Some((key, value?))));
        shell.current_dir(folder.path());
        let mut program = Program::start("parlourd", &mut shell);
        let process = Pid::from_raw(program.line().parse().unwrap()).unwrap();
        let ready = program.find("ready {}");
        let door = |key: &str| {
            let mut words = ready.split(' ');
            let address = words.find_map(|word| word.strip_prefix(key)).unwrap();
            address.parse().unwrap()
        };
        Self {
            line: door("line="),
            sealed: door("sealed="),
            program,
            process,
            _folder: folder,
        }
    }

    #[track_caller]
    fn enter(&self, who: &str) -> Conversation {
        let mut guest = Conversation::connect(who, self.line);
        guest.send(format!("{who}\n"));
        guest.find("-> You are {}");
        guest
    }

    /// Who enters as soon as there is a free place for it.
    #[track_caller]
    fn enter_when_possible(&self, who: &str) -> Conversation {
        clock::wait_for("a free place", || {
            let mut guest = Conversation::connect(who, self.line);
            let is_in = guest.line() != FULL;
            is_in.then(|| {
                guest.send(format!("{who}\n"));
                guest.find("-> You are {}");
                guest
            })
        })
    }

    /// Processor time used so far.
    fn used(&self) -> Duration {
        let stat = self.look("stat");
        // Behind the name, which is in parentheses, the 12th and 13th numbers: hundredths.
        let (_, numbers) = stat.rsplit_once(") ").unwrap();
        let hundredths = numbers.split(' ').skip(11).take(2);
        let sum: u64 = hundredths.map(|word| word.parse::<u64>().unwrap()).sum();
        Duration::from_millis(sum * 10)
    }

    /// Resident memory, KiB.
    fn resident(&self) -> u64 {
        let status = self.look("status");
        let line = status.lines().find(|line| line.starts_with("VmRSS:"));
        let word = line.and_then(|line| line.split_whitespace().nth(1));
        word.unwrap().parse().unwrap()
    }

    /// The number that its next file would have.
    fn next_file(&self) -> u64 {
        let folder = format!("/proc/{}/fd", self.process.as_raw_nonzero());
        let open: Vec<String> = std::fs::read_dir(folder)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        let mut numbers = 0_u64..;
        let is_free = |number: &u64| !open.contains(&number.to_string());
        numbers.find(is_free).unwrap()
    }

    fn look(&self, file: &str) -> String {
        let path = format!("/proc/{}/{file}", self.process.as_raw_nonzero());
        std::fs::read_to_string(path).unwrap()
    }

    /// Asserts that it rests: next to no processor time passes in a second.
    #[track_caller]
    fn assert_rests(&self) {
        let before = self.used();
        thread::sleep(Duration::from_secs(1));
        let used = self.used() - before;
        assert!(used < Duration::from_millis(200), "it spins: {used:?}");
    }
}

/// A sealed connection whose handshake is done.
struct Sealed {
    stream: TcpStream,
    sealer: Sealer,
}

impl Sealed {
    /// Shakes hands, sending pieces of so many bytes.
    fn connect(address: SocketAddr, piece_bytes: usize) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let mut out = Vec::new();
        let mut handshake = ClientHandshake::start(Suite::DEFAULT, [7; 32], &mut out);
        send_in_pieces(&mut stream, &out, piece_bytes);
        let offer = loop {
            let mut bytes = [0; 512];
            let count = stream.read(&mut bytes).unwrap();
            assert!(count > 0, "the server does not go on");
            if let Some(offer) = handshake.read_reply(&mut &bytes[..count]).unwrap() {
                break offer;
            }
        };
        out.clear();
        let introduction = Introduction {
            features: 0,
            client_name: "test",
        };
        let established = offer
            .accept(Identity::Throwaway([9; 32]), introduction, &mut out)
            .unwrap();
        send_in_pieces(&mut stream, &out, piece_bytes);
        Self {
            stream,
            sealer: established.sealer.start(DEADLINE),
        }
    }

    /// A record with a hello in it.
    fn hello(&mut self, name: &str) -> Vec<u8> {
        let mut record = Vec::new();
        let start = begin_record(&mut record);
        let hello = Hello {
            name: Some(name),
            room: None,
            resume: None,
        };
        encode_client(&ClientMessage::Hello(hello), &mut record);
        let sealed = self.sealer.seal(Padding::Blocks, &mut record, start);
        sealed.unwrap();
        record
    }
}

fn send_in_pieces(stream: &mut TcpStream, bytes: &[u8], piece_bytes: usize) {
    for piece in bytes.chunks(piece_bytes) {
        stream.write_all(piece).unwrap();
        if piece.len() < bytes.len() {
            thread::sleep(Duration::from_millis(1));
        }
    }
}

/// Waits until the other side has closed, or reset.
#[track_caller]
fn wait_for_end(stream: &mut TcpStream) {
    let begin = clock::now();
    while begin.elapsed() < DEADLINE {
        match stream.hear(DEADLINE) {
            Heard::End | Heard::Broken => return,
            Heard::Bytes(_) | Heard::Silence => {}
        }
    }
    panic!("it was never closed");
}

/// Random numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }

    fn bytes(&mut self, count: u64) -> Vec<u8> {
        (0..count)
            .map(|_| u8::try_from(self.roll(256)).unwrap())
            .collect()
    }
}

#[test]
fn a_full_server_says_so_and_rests_and_has_room_again() {
    // 64 of them are kept for the server itself.
    let server = Watched::start("ulimit -n 80", "");
    let mut guests: Vec<_> = (0..16)
        .map(|index| server.enter(&format!("guest{index}")))
        .collect();
    let mut late = Vec::new();
    for _ in 0..40 {
        let mut guest = Conversation::connect("late", server.line);
        guest.expect(FULL);
        guest.expect_end();
        late.push(guest);
        let mut client = Conversation::connect("late client", server.sealed);
        assert_eq!(client.bytes_to_end(), [0xff, 0xff, 3, 1]);
        late.push(client);
    }
    server.assert_rests();
    drop(guests.pop());
    let mut next = server.enter_when_possible("next");
    next.send("/names\n");
    let names = next.find("-> names #lobby: {}");
    assert_eq!(names.matches("(plain)").count(), 16, "{names}");
}

#[test]
fn a_refusal_reaches_who_speaks_only_after_it() {
    let server = Watched::start(":", "[limits]\nclients = 1\n");
    let _guest = server.enter("guest");
    let mut late = Conversation::connect("late", server.line);
    let mut client = Conversation::connect("client", server.sealed);
    // Long enough to have been refused before the first byte.
    thread::sleep(Duration::from_millis(100));
    late.send("late\nhello\n");
    client.send("PRLR\x01\x01\0\0");
    thread::sleep(Duration::from_millis(100));
    late.expect(FULL);
    late.expect_end();
    assert_eq!(client.bytes_to_end(), [0xff, 0xff, 3, 1]);
}

#[test]
fn without_a_file_left_it_waits_and_does_not_spin() {
    let server = Watched::start(":", "");
    let mut alice = server.enter("alice");
    let limit = |current| Rlimit {
        current: Some(current),
        maximum: prlimit_of(server.process).maximum,
    };
    let before = prlimit_of(server.process).current.unwrap();
    prlimit(
        Some(server.process),
        Resource::Nofile,
        limit(server.next_file()),
    )
    .unwrap();
    let mut waiting = Conversation::connect("waiting", server.line);
    waiting.send("bob\n");
    server.assert_rests();
    alice.send("/names\n");
    alice.expect("-> names #lobby: alice(plain)");
    prlimit(Some(server.process), Resource::Nofile, limit(before)).unwrap();
    waiting.find("-> You are bob {}");
}

fn prlimit_of(process: Pid) -> Rlimit {
    let path = format!("/proc/{}/limits", process.as_raw_nonzero());
    let limits = std::fs::read_to_string(path).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open"));
    let mut words = line.unwrap().split_whitespace().skip(3);
    let mut number = || words.next().and_then(|word| word.parse().ok());
    Rlimit {
        current: number(),
        maximum: number(),
    }
}

#[test]
fn random_bytes_neither_kill_the_server_nor_stay_in_its_memory() {
    let server = Watched::start(":", "[limits]\nclose-timeout = \"200ms\"\n");
    let mut witness = server.enter("witness");
    let mut dice = Dice(0x5eed_0001);
    let mut babble = |dice: &mut Dice| {
        let mut streams = Vec::new();
        for index in 0..120 {
            let mut stream = match index % 3 {
                0 => TcpStream::connect(server.line).unwrap(),
                1 => TcpStream::connect(server.sealed).unwrap(),
                _ => Sealed::connect(server.sealed, 512).stream,
            };
            let count = 1 + dice.roll(20_000);
            let mut bytes = dice.bytes(count);
            if dice.roll(2) == 0 {
                // Something that begins as it should.
                bytes.splice(0..0, [1, 0, 0, 43]);
            }
            // It may be closed in the middle, which is what it is there for.
            let _ = stream.write_all(&bytes);
            if dice.roll(2) == 0 {
                let _ = stream.shutdown(Shutdown::Write);
            }
            streams.push(stream);
        }
        drop(streams);
        // All of them are gone when their last bytes have been dealt with.
        witness.send("/names\n");
        witness.find("-> names #lobby: {}");
    };
    babble(&mut dice);
    let before = server.resident();
    for _ in 0..5 {
        babble(&mut dice);
    }
    let grown = server.resident().saturating_sub(before);
    assert!(grown < 8 * 1024, "{grown} KiB more");
    clock::wait_for("all to be gone", || {
        witness.send("/names\n");
        let names = witness.find("-> names #lobby: {}");
        (names == "-> names #lobby: witness(plain)").then_some(())
    });
    server.enter("later");
}

#[test]
fn who_comes_and_breaks_off_leaves_no_place_behind() {
    let server = Watched::start(":", "[limits]\nclients = 8\n");
    let mut alice = server.enter("alice");
    let mut dice = Dice(0x5eed_0002);
    for round in 0..100 {
        let address = if round % 2 == 0 {
            server.line
        } else {
            server.sealed
        };
        let mut stream = TcpStream::connect(address).unwrap();
        let all: &[u8] = if round % 2 == 0 {
            b"passer-by\nhello\n"
        } else {
            b"PRLR\x01\x01\0\0\0\x20key-key-key-key-key-key-key-key-"
        };
        let count = usize::try_from(dice.roll(all.len() as u64 + 1)).unwrap();
        // Refused ones are closed before they have spoken.
        let _ = stream.write_all(&all[..count]);
        if dice.roll(2) == 0 {
            // No lingering: closing it resets the connection.
            let no_time = Some(Duration::ZERO);
            socket2::SockRef::from(&stream).set_linger(no_time).unwrap();
        }
    }
    let mut others: Vec<_> = (0..7)
        .map(|index| server.enter_when_possible(&format!("guest{index}")))
        .collect();
    let mut late = Conversation::connect("late", server.line);
    late.expect(FULL);
    clock::wait_for("an exact list", || {
        alice.send("/names\n");
        let names = alice.find("-> names #lobby: {}");
        (names.matches("(plain)").count() == 8).then_some(())
    });
    drop(others.pop());
    server.enter_when_possible("again");
}

#[test]
fn a_handshake_may_trickle_but_not_stall() {
    let server = Server::with_config("[limits]\nhandshake-timeout = \"2s\"\n");
    let mut witness = server.enter("witness");
    let mut slow = Sealed::connect(server.sealed(), 1);
    let hello = slow.hello("slow");
    send_in_pieces(&mut slow.stream, &hello, 1);
    witness.expect(" * #lobby: slow joined (2 here)");

    let begin = clock::now();
    let mut stalled = TcpStream::connect(server.sealed()).unwrap();
    stalled.write_all(b"PRLR\x01\x01\0\0\0\x20key-").unwrap();
    wait_for_end(&mut stalled);
    assert!(begin.elapsed() >= Duration::from_secs(2), "closed early");
}

#[test]
fn records_may_follow_the_handshake_at_once() {
    let server = Server::start();
    let mut witness = server.enter("witness");
    let mut stream = TcpStream::connect(server.sealed()).unwrap();
    let mut out = Vec::new();
    let mut handshake = ClientHandshake::start(Suite::DEFAULT, [1; 32], &mut out);
    stream.write_all(&out).unwrap();
    let mut bytes = [0; 512];
    let count = stream.read(&mut bytes).unwrap();
    let offer = handshake.read_reply(&mut &bytes[..count]).unwrap().unwrap();
    out.clear();
    let introduction = Introduction {
        features: 0,
        client_name: "test",
    };
    let established = offer
        .accept(Identity::Throwaway([2; 32]), introduction, &mut out)
        .unwrap();
    let mut sealed = Sealed {
        stream,
        sealer: established.sealer.start(DEADLINE),
    };
    out.extend(sealed.hello("eager"));
    sealed.sealer.seal_close(CloseCode::Done, &mut out).unwrap();
    sealed.stream.write_all(&out).unwrap();
    sealed.stream.shutdown(Shutdown::Write).unwrap();
    witness.expect(" * #lobby: eager joined (2 here)");
    witness.expect(" * #lobby: eager left after {}");
    wait_for_end(&mut sealed.stream);
}

#[test]
fn a_begun_record_must_be_whole_in_time() {
    let server = Server::with_config("[limits]\nmessage-timeout = \"500ms\"\n");
    let mut witness = server.enter("witness");
    let mut sealed = Sealed::connect(server.sealed(), 512);
    let hello = sealed.hello("half");
    sealed.stream.write_all(&hello[..hello.len() - 1]).unwrap();
    wait_for_end(&mut sealed.stream);

    // A long line that trickles in is one message, however often something of it comes.
    let mut trickle = server.enter("trickle");
    witness.expect(" * #lobby: trickle joined (2 here)");
    trickle.send("x".repeat(8_000));
    let begin = clock::now();
    while trickle.try_send("x").is_ok() {
        assert!(begin.elapsed() < DEADLINE, "it may trickle for ever");
        thread::sleep(Duration::from_millis(50));
    }
    witness.expect(" * #lobby: trickle lost the connection after {}");
}

#[test]
fn who_ends_while_it_is_slowed_down_is_still_heard_to_the_end() {
    let server =
        Server::with_config("trusted = []\n[limits]\nrate-burst = 5\nrate-per-second = 20\n");
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    let lines: String = (0..30).map(|index| format!("{index}\n")).collect();
    alice.send(lines);
    alice.finish();
    for index in 0..30 {
        bob.expect(&format!("[#lobby] alice: {index}"));
    }
    bob.expect(" * #lobby: alice left after {}");
    let told = alice.rest();
    assert_eq!(told.len(), 2, "one notice and the end: {told:?}");
    assert_eq!(told[1], "-> Bye.");
}

#[test]
fn an_empty_line_of_who_has_spent_its_rate_leaves_when_it_is_heard() {
    let server =
        Server::with_config("trusted = []\n[limits]\nrate-burst = 2\nrate-per-second = 1\n");
    let mut alice = server.enter("alice");
    alice.send("one\ntwo\n\n");
    alice.find("-> Bye.");
    alice.expect_end();
    let mut nameless = server.connect("nameless");
    nameless.send("1\n2\n3\n\n");
    nameless.find("-> Your name?");
    server.enter("later");
}

#[test]
fn too_many_nameless_of_one_source_are_refused_in_words() {
    let server = Server::with_config("trusted = []\n[limits]\nunnamed-per-source = 2\n");
    let _first = server.connect("first");
    let _second = server.connect("second");
    let mut third = server.connect("third");
    third.expect("Err: too many connections from your address; close one, or try again later");
    third.expect_end();
}

#[test]
fn long_messages_come_through_although_memory_is_short() {
    let server = Server::with_config(
        "[limits]\nincomplete-input-bytes-max = 65536\nmessage-timeout = \"2s\"\n",
    );
    let mut witness = server.enter("witness");
    let names = ["a", "b", "c", "d", "e", "f"];
    let mut guests = names.map(|name| server.enter(name));
    let text = "x".repeat(100 * 1024);
    // All are in the middle of a message before any may end it.
    for guest in &mut guests {
        guest.send(&text);
    }
    for guest in &mut guests {
        guest.send("\n");
    }
    let mut heard: Vec<String> = names
        .iter()
        .map(|_| witness.find(&format!("[#lobby] {{}}: {text}")))
        .collect();
    heard.sort_unstable();
    heard.dedup();
    assert_eq!(heard.len(), names.len());

    // Those who never end it do not keep the memory for ever.
    for guest in &mut guests {
        guest.send(&text);
    }
    for _ in names {
        witness.find(" * #lobby: {} lost the connection after {}");
    }
    let mut late = server.enter("late");
    late.send(format!("{text}\n"));
    witness.find(&format!("[#lobby] late: {text}"));
}

#[test]
fn who_asks_twice_does_not_wait_for_the_grace() {
    let mut server = Watched::start(":", "[limits]\nshutdown-grace = \"1h\"\n");
    let mut alice = server.enter("alice");
    let deaf = TcpStream::connect(server.line).unwrap();
    (&deaf).write_all(b"deaf\n").unwrap();
    alice.find(" * #lobby: deaf joined (2 here)");
    for _ in 0..60 {
        alice.send("x".repeat(200 * 1024));
        alice.send("\n");
    }
    kill_process(server.process, Signal::TERM).unwrap();
    alice.find("-> Bye (server is stopping).");
    kill_process(server.process, Signal::TERM).unwrap();
    assert_eq!(server.program.exit_code(), 0);
    drop(deaf);
}
