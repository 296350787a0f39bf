//! The life of a connection, seen from the keyboard: how it is found, lost and found again.

use crate::harness::server::Setup;
use crate::harness::{Home, Proxy, Server, Terminal, tools};
use rustix::process::Signal;
use std::net::TcpListener;

#[test]
fn a_server_that_goes_says_why_and_is_found_again() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let home = Home::new();
    let data = home.folder().join("server");
    let setup = Setup {
        data: Some(&data),
        ..Setup::default()
    };
    let mut server = Server::launch(&setup);
    let mut bob = server.enter("bob");
    // The same address leads to the server that comes after it, wherever that listens.
    let proxy = Proxy::start(server.sealed());
    let address = format!("{}#{}", proxy.address(), server.ready("fingerprint"));
    let terminal = Terminal::open(tmux, &home, &["--name", "alice", &address]);
    terminal.wait_for("You are alice");
    bob.expect(" * #lobby: alice joined (2 here)");
    bob.send("seen before\n");
    terminal.wait_for("bob: seen before");
    server.terminate();
    assert_eq!(server.exit_code(), 0);
    terminal.wait_for("the server is stopping");
    terminal.wait_for("trying again in");
    terminal.wait_for("no connection");
    terminal.type_in("said meanwhile");
    terminal.press("Enter");
    terminal.wait_for("1 to be sent");

    let server = Server::launch(&setup);
    let mut bob = server.enter("bob");
    bob.send("said before she came\n");
    bob.expect_silence(crate::harness::SILENCE);
    proxy.lead_to(server.sealed());
    terminal.press("Enter");
    bob.find(" * #lobby: alice joined (2 here)");
    terminal.wait_for("connected again");
    terminal.wait_for("bob: said before she came");
    bob.send("and now\n");
    terminal.wait_for("bob: and now");
    terminal.wait_for("-- connected | #lobby");
    let shown = terminal.scrollback();
    for line in ["seen before", "said before she came", "and now"] {
        assert_eq!(
            shown.matches(&format!("bob: {line}\n")).count(),
            1,
            "{line}: {shown}"
        );
    }
}

#[test]
fn a_wait_is_counted_down_and_grows() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let proxy = Proxy::start(server.sealed());
    let mut bob = server.enter("bob");
    let home = Home::new();
    let address = format!("{}#{}", proxy.address(), server.ready("fingerprint"));
    let terminal = Terminal::open(tmux, &home, &["--name", "alice", &address]);
    terminal.wait_for("You are alice");
    bob.expect(" * #lobby: alice joined (2 here)");
    let nothing = TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.lead_to(nothing.local_addr().unwrap());
    drop(nothing);
    proxy.cut();
    terminal.wait_for("again in 4 s, Enter tries now");
    terminal.wait_for("again in 3 s, Enter tries now");
    terminal.wait_for("again in 2 s, Enter tries now");
    proxy.lead_to(server.sealed());
    // Enter again and again leaves nothing.
    for _ in 0..3 {
        terminal.press("Enter");
    }
    terminal.wait_for("-- connected | #lobby");
    terminal.type_in("here");
    terminal.press("Enter");
    bob.find("[#lobby] alice: here");
}

#[test]
fn a_server_is_reached_by_its_name() {
    // Where the name has an address of the other family too, that is tried in vain first.
    let server = Server::start();
    let address = format!("localhost:{}", server.sealed().port());
    let home = Home::new();
    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &address], "hi\n");
    assert_eq!(code, 0, "{errors}");
}

#[test]
fn a_server_of_the_other_internet_is_reached_by_its_number() {
    let setup = Setup {
        sealed: "[::1]:0",
        ..Setup::default()
    };
    let server = Server::launch(&setup);
    let mut alice = server.enter("alice");
    let home = Home::new();
    let printed = server.ready("address");
    assert!(printed.starts_with("parlour://[::1]:"), "{printed}");
    let (code, _, errors) = home.run(&["--name", "bob", printed], "hi\n");
    assert_eq!(code, 0, "{errors}");
    alice.find("[#lobby] bob: hi");
}

#[test]
fn a_full_server_and_a_closed_port_are_told_apart() {
    let server = Server::with_config("trusted = []\n[limits]\nnamed-per-source = 1\n");
    let home = Home::new();
    let mut bob = home.start(&["--listen", "--name", "bob", server.ready("address")]);
    bob.find("-> You are bob {}");
    let (code, _, errors) = Home::new().run(&["--name", "eve", server.ready("address")], "hi\n");
    assert_eq!(code, 1);
    assert!(errors.contains("your address"), "{errors}");
    bob.signal(Signal::TERM);
    assert_eq!(bob.exit_code(), 0);
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &closed], "");
    assert_eq!(code, 1);
    assert!(errors.contains("see whether parlourd runs"), "{errors}");
}

#[test]
fn a_key_that_changes_while_one_is_away_ends_it() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let (server, other) = (Server::start(), Server::start());
    let mut witness = other.enter("witness");
    let proxy = Proxy::start(server.sealed());
    let mut bob = server.enter("bob");
    let home = Home::new();
    let address = format!("{}#{}", proxy.address(), server.ready("fingerprint"));
    let client = Terminal::client(&home, &["--name", "alice", &address]).join(" ");
    let script = format!("{}; echo it ended with $?; cat", client.replace('#', "\\#"));
    let terminal = Terminal::run(tmux, &home, &["sh", "-c", &script]);
    terminal.wait_for("You are alice");
    bob.expect(" * #lobby: alice joined (2 here)");
    proxy.lead_to(other.sealed());
    proxy.cut();
    terminal.wait_for("HAS ANOTHER KEY THAN IT MUST HAVE");
    terminal.wait_for("it ended with 3");
    witness.expect_silence(crate::harness::SILENCE);
}
