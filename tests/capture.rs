//! docs/capture.md is what a capture shows: four lines said on loopback while a sniffer listens,
//! seen without the keys and with them, and ended by a server that is killed.

use crate::harness::{Program, Server, tools};
use crate::other_client;
use rustix::process::Signal;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;
use tempfile::TempDir;

/// What is said, in turns.
const LINES: [&str; 4] = ["So it starts!", "Right?", "Yep!", "Here we go!"];
/// What the server has not read when it is killed.
const UNREAD: &str = "Hello?";

/// A sniffer on loopback, at one port.
struct Sniffer {
    tshark: PathBuf,
    program: Program,
    folder: TempDir,
}

impl Sniffer {
    /// Begins to capture; returns when it does.
    fn start(tshark: PathBuf, port: u16) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let probe = UdpSocket::bind("127.0.0.1:0").unwrap();
        let knocks_at = probe.local_addr().unwrap();
        let filter = format!("tcp port {port} or udp port {}", knocks_at.port());
        let file = folder.path().join("capture.pcapng");
        let mut command = Command::new(&tshark);
        // The list of packets comes out as they are captured: that is how we know of each.
        command.args(["-i", "lo", "-f", &filter, "-P", "-l", "-w"]);
        let mut program = Program::start("tshark", command.arg(file));
        let heard = Arc::new(AtomicBool::new(false));
        let stop = Arc::clone(&heard);
        let knocking = thread::spawn(move || {
            while !stop.load(Ordering::Relaxed) {
                // Nobody has to take it; it only has to pass by.
                let _ = probe.send_to(b"knock", knocks_at);
                thread::sleep(Duration::from_millis(20));
            }
        });
        program.find("{}UDP{}");
        heard.store(true, Ordering::Relaxed);
        knocking.join().unwrap();
        Self {
            tshark,
            program,
            folder,
        }
    }

    /// Waits until that many resets have gone by, and ends.
    fn end_after_resets(&mut self, count: usize) {
        for _ in 0..count {
            self.program.find("{}[RST{}");
        }
        self.program.signal(Signal::INT);
        assert_eq!(self.program.exit_code(), 0, "{}", self.program.errors());
    }

    /// What the dissector makes of the first connection: one line for each message, and for what
    /// TCP says of beginning and end.
    fn dissect(&self, key_log: Option<&Path>) -> Vec<String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/parlour.lua");
        let mut command = Command::new(&self.tshark);
        command
            .arg("-X")
            .arg(format!("lua_script:{}", script.display()))
            .args(["-r"])
            .arg(self.folder.path().join("capture.pcapng"))
            .args(["-Y", "tcp.stream == 0", "-T", "fields"]);
        for field in ["srcport", "flags.syn", "flags.reset", "len"] {
            command.args(["-e", &format!("tcp.{field}")]);
        }
        command.args(["-e", "_ws.col.Info"]);
        if let Some(path) = key_log {
            command
                .arg("-o")
                .arg(format!("parlour.keylog:{}", path.display()));
        }
        let (code, lines, errors) = Program::run(&mut command, "");
        assert_eq!(code, 0, "{errors}");
        let client = lines.first().and_then(|line| line.split('\t').next());
        let client = client.unwrap_or_else(|| panic!("nothing was captured: {errors}"));
        lines.iter().flat_map(|line| shown(line, client)).collect()
    }
}

/// The messages of one packet, each with who sent it; nothing for a bare acknowledgement.
fn shown(packet: &str, client: &str) -> Vec<String> {
    let fields: Vec<&str> = packet.splitn(5, '\t').collect();
    let [port, syn, reset, length, info] = fields[..] else {
        panic!("not five fields: {packet:?}");
    };
    // On a busy machine TCP sends a segment twice; what it says is there already.
    if info.starts_with("[TCP ") {
        return Vec::new();
    }
    let who = if port == client { "alice" } else { "server" };
    let what = match (syn, reset, length) {
        ("1", _, _) => "SYN",
        (_, "1", _) => "RST",
        (_, _, "0") => return Vec::new(),
        _ => info,
    };
    what.split(" | ")
        .map(|message| format!("{who:<7} {message}"))
        .collect()
}

/// Says the four lines in turns and one more to a server that does not read any more, and kills
/// it. `heard` is how either client shows what somebody says, and `done` that it was stored.
fn talk(server: &Server, alice: &mut Program, bob: &mut Program, own_are_shown: bool) {
    for (index, line) in LINES.iter().enumerate() {
        let (speaker, listener, name) = match index % 2 {
            0 => (&mut *alice, &mut *bob, "alice"),
            _ => (&mut *bob, &mut *alice, "bob"),
        };
        speaker.send(format!("{line}\n"));
        let spoken = format!("[#lobby] {name}: {line}");
        listener.find(&spoken);
        if own_are_shown {
            speaker.find(&spoken);
        }
    }
    server.signal(Signal::STOP);
    alice.send(format!("{UNREAD}\n"));
}

/// The text block of docs/capture.md behind `heading`.
fn block(heading: &str) -> Vec<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/capture.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, below) = text.split_once(heading).expect("the heading is there");
    let (_, block) = below.split_once("```text\n").expect("a block follows");
    let (block, _) = block.split_once("```").expect("the block ends");
    block.lines().map(str::to_owned).collect()
}

#[track_caller]
fn assert_is_block(heading: &str, seen: &[String]) {
    assert!(
        block(heading) == seen,
        "below {heading:?} in docs/capture.md should be:\n{}",
        seen.join("\n")
    );
}

#[test]
fn the_document_shows_what_a_sniffer_sees() {
    let (Some(tshark), Some(python)) = (tools::find(&["tshark"]), tools::python_with_ciphers())
    else {
        return;
    };
    if !tools::is_root() {
        return;
    }
    let server = Server::start();
    let mut sniffer = Sniffer::start(tshark, server.sealed().port());
    let log = sniffer.folder.path().join("keys");
    let flags = ["--key-log", log.to_str().unwrap(), "--suite"];
    let enter =
        |name, suite| other_client::start(&python, &server, name, &[&flags[..], &[suite]].concat());
    let mut alice = enter("alice", "2");
    alice.find("notice: You are alice {}");
    let mut bob = enter("bob", "1");
    alice.find("[#lobby] bob: joined 2");
    talk(&server, &mut alice, &mut bob, true);
    alice.find(&format!("> {UNREAD}"));
    server.signal(Signal::KILL);
    sniffer.end_after_resets(1);

    let sealed = sniffer.dissect(None);
    assert_is_block("\n## What a sniffer sees\n", &sealed);
    let opened = sniffer.dissect(Some(&log));
    assert_is_block("\n## What was said\n", &opened);
    let bytes = std::fs::read(sniffer.folder.path().join("capture.pcapng")).unwrap();
    for word in LINES.iter().chain(&["alice", "lobby", "other_client"]) {
        let is_seen = bytes
            .windows(word.len())
            .any(|part| part == word.as_bytes());
        assert!(!is_seen, "{word} can be read in the capture");
    }
}

/// Goal: the key log of our own programs opens what they send, is nobody else's, and is not quiet.
#[cfg(feature = "keylog")]
#[test]
fn a_server_built_for_it_logs_the_keys_and_says_so() {
    use crate::harness::Home;
    use crate::harness::server::Setup;
    use std::os::unix::fs::PermissionsExt as _;

    let Some(tshark) = tools::find(&["tshark"]) else {
        return;
    };
    if !tools::is_root() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("keys");
    let server = Server::launch(&Setup {
        environment: &[("PARLOUR_KEYLOGFILE", &log)],
        ..Setup::default()
    });
    assert!(server.errors().contains("THE KEYS OF ALL CONNECTIONS"));
    let mut sniffer = Sniffer::start(tshark, server.sealed().port());
    let homes = [Home::new(), Home::new()];
    let enter = |home: &Home, name, suite| {
        home.start(&["--suite", suite, "--name", name, server.ready("address")])
    };
    let mut alice = enter(&homes[0], "alice", "2");
    alice.find("-> You are alice {}");
    let mut bob = enter(&homes[1], "bob", "1");
    alice.find(" * #lobby: bob joined (2 here)");
    talk(&server, &mut alice, &mut bob, false);
    // It goes out within a turn of the client; nothing that could be seen tells when.
    thread::sleep(Duration::from_millis(300));
    server.signal(Signal::KILL);
    sniffer.end_after_resets(1);

    let opened = sniffer.dissect(Some(&log));
    let said: Vec<&String> = opened
        .iter()
        .filter(|line| line.contains(" Say "))
        .collect();
    assert_eq!(said.len(), 3, "{opened:#?}");
    assert_is_block("\n## What was said\n", &opened);
    let mode = std::fs::metadata(&log).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let text = std::fs::read_to_string(&log).unwrap();
    assert_eq!(text.lines().count(), 2, "one line for each connection");
    let warnings = server.errors().matches("in the key log").count();
    assert_eq!(warnings, 2, "{}", server.errors());
}
