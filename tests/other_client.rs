//! A client that somebody else could have written: tests/other_client.py, made from
//! docs/protocol.md, talks with the bundled client and with netcat.

use crate::harness::{Home, Program, SILENCE, Server, tools};
use rustix::process::Signal;
use std::path::Path;
use std::process::Command;

/// Starts it; `flags` follow the address and the name.
pub(crate) fn start(python: &Path, server: &Server, name: &str, flags: &[&str]) -> Program {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/other_client.py");
    let mut command = Command::new(python);
    command.arg(script).args([server.ready("address"), name]);
    let mut client = Program::start(name, command.args(flags));
    client.expect(&format!("welcome, {name}"));
    client.expect("entered {}");
    client
}

/// Leaves, and sees the server say goodbye.
#[track_caller]
fn leave(mut client: Program) {
    client.finish();
    client.find("bye");
    client.expect("closed, code 0");
    assert_eq!(client.exit_code(), 0, "{}", client.errors());
}

#[test]
fn a_client_made_from_the_document_talks_with_the_others() {
    let Some(python) = tools::python_with_ciphers() else {
        return;
    };
    let server = Server::start();
    let mut netcat = server.enter("netcat");
    let home = Home::new();
    let mut bundled = server.client(&home, "bundled", &mut netcat);
    for suite in ["1", "2"] {
        let name = format!("other{suite}");
        let mut other = start(&python, &server, &name, &["--suite", suite]);
        netcat.expect(&format!(" * #lobby: {name} joined (3 here)"));
        other.send("hello, everybody\n");
        other.find("stored in #lobby");
        other.find(&format!("[#lobby] {name}: hello, everybody"));
        netcat.expect(&format!("[#lobby] {name}: hello, everybody"));
        bundled.find(&format!("[#lobby] {name}: hello, everybody"));
        bundled.send("hello, other\n");
        other.find("[#lobby] bundled: hello, other");
        netcat.expect("[#lobby] bundled: hello, other");
        netcat.send(format!("/msg {name} psst\n"));
        netcat.expect(&format!("-> sent to {name}"));
        other.find("[private] netcat: psst");
        other.send(format!("/me waves\n/topic tea {suite}\n/join nowhere\n"));
        netcat.expect(&format!("[#lobby] * {name} waves"));
        other.find("refused, code 9: {}");
        netcat.expect(&format!(" * #lobby: {name} set the topic: tea {suite}"));
        // Larger than a record, so it is put together from several on both ways.
        let long = "0123456789abcdef".repeat(4_000);
        other.send(format!("{long}\n"));
        netcat.expect(&format!("[#lobby] {name}: {long}"));
        netcat.send(format!("{long}\n"));
        other.find(&format!("[#lobby] netcat: {long}"));
        leave(other);
        netcat.expect(&format!(" * #lobby: {name} left after {{}}"));
    }
}

/// Goal: after a lost connection everything is there once: what was missed, what was typed
/// meanwhile, and what the server had taken without saying so.
#[test]
fn a_client_made_from_the_document_goes_on_where_it_was() {
    let Some(python) = tools::python_with_ciphers() else {
        return;
    };
    for suite in ["1", "2"] {
        let server = Server::start();
        let mut bob = server.enter("bob");
        let mut alice = start(&python, &server, "alice", &["--suite", suite]);
        bob.expect(" * #lobby: alice joined (2 here)");
        bob.send("seen before\n");
        alice.find("[#lobby] bob: seen before");

        server.signal(Signal::STOP);
        alice.send("in doubt\n!drop\ntyped meanwhile\n");
        alice.find("> typed meanwhile");
        server.signal(Signal::CONT);
        bob.expect("[#lobby] alice: in doubt");
        bob.expect(" * #lobby: alice lost the connection after {}");
        bob.send("missed\n");
        bob.send("/names\n");
        bob.expect("-> names #lobby: bob(plain)");

        alice.send("!return\n");
        alice.find("welcome, alice, the session goes on");
        alice.find("[#lobby] bob: missed");
        bob.expect(" * #lobby: alice joined (2 here)");
        bob.expect("[#lobby] alice: typed meanwhile");
        alice.find("[#lobby] alice: typed meanwhile");
        bob.expect_silence(SILENCE);
        leave(alice);
    }
}

/// Goal: it follows a change of keys, too, which no conversation is long enough for. Method: it
/// opens the records of the document's section 4, in both suites.
#[test]
fn a_client_made_from_the_document_opens_its_vectors() {
    let Some(python) = tools::python_with_ciphers() else {
        return;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("docs/protocol.md")).unwrap();
    let value = |line: &str| line.rsplit(' ').next().unwrap().to_owned();
    let starting = |start: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.starts_with(start));
        lines.map(value).collect()
    };
    // The line that has the value, and not the one that says how it is derived.
    let secret = starting("T_s2c_0 ")
        .pop()
        .expect("the first secret is there");
    let records = [
        "seq 0 DATA",
        "seq 1 DATA",
        "seq 2 KEYUPDATE",
        "epoch 1 seq 0 CLOSE",
    ]
    .map(starting);
    let script = "import sys; sys.path.insert(0, sys.argv[1]); import other_client as o\n\
        down = o.Direction(int(sys.argv[2]), bytes.fromhex(sys.argv[3]))\n\
        for record in map(bytes.fromhex, sys.argv[4:]): print(*down.open(record[:4], record[4:]))\n";
    for (index, suite) in ["1", "2"].iter().enumerate() {
        let mut command = Command::new(&python);
        command.args(["-B", "-c", script]).arg(root.join("tests"));
        command.args([suite, &*secret]);
        command.args(records.iter().map(|suites| &suites[index]));
        let (code, lines, errors) = Program::run(&mut command, "");
        assert_eq!(code, 0, "{errors}");
        let wanted = [
            "1 b'hello'",
            "1 b'hello'",
            r"2 b'\x00\x00\x00\x01'",
            r"3 b'\x00\x00'",
        ];
        assert_eq!(lines, wanted, "suite {suite}");
    }
}

#[test]
fn a_client_made_from_the_document_tells_a_wrong_server_nothing() {
    let Some(python) = tools::python_with_ciphers() else {
        return;
    };
    let (server, impostor) = (Server::start(), Server::start());
    let fingerprint = server.ready("fingerprint");
    let address = format!("parlour://{}#{fingerprint}", impostor.sealed());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/other_client.py");
    let (code, lines, errors) = Program::run(
        Command::new(python).arg(script).args([&address, "alice"]),
        "",
    );
    assert_eq!(code, 1);
    assert!(lines.is_empty(), "{lines:?}");
    assert!(errors.contains("not the server"), "{errors}");
}
