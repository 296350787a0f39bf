//! What people see, as whole screens: `tests/screens/*.txt` are meant to be read.

use crate::harness::{Conversation, Home, Proxy, Server, Terminal, tools};

/// What is sent to terminals to harm who sits there, as far as it is a line.
const HOSTILE: &str = "\u{1b}[2J\u{1b}[H\u{1b}[31m\u{1b}]0;owned\u{7}\u{9b}1A\u{8}\u{8}\u{202e}safe?\
                       \u{1b}[8mhid\u{200b}den\u{1b}c\u{e0041}\r";

#[test]
fn a_first_start() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let _witness = server.enter("carol");
    let home = Home::new();
    let address = server.sealed().to_string();
    let terminal = Terminal::open(tmux, &home, &[&address]);
    terminal.wait_for("Your name:");
    terminal.press("C-u");
    terminal.type_in("1st");
    terminal.press("Enter");
    terminal.wait_for("Your name:");
    terminal.press("C-u");
    terminal.type_in("alice");
    terminal.press("Enter");
    terminal.wait_for("Type yes if it is the same:");
    let fingerprint = server.ready("fingerprint");
    let shown = terminal.screen().replace(' ', "");
    assert!(shown.contains(fingerprint), "{shown}");
    terminal.expect_screen("consent");
    assert!(!home.known_servers().exists(), "not before the consent");
    terminal.type_in("yes");
    terminal.press("Enter");
    terminal.wait_for("You are alice");
    terminal.expect_screen("first-start");
    assert!(home.known_servers().exists());
}

#[test]
fn who_does_not_consent_sends_nothing() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let mut witness = server.enter("carol");
    let home = Home::new();
    let address = server.sealed().to_string();
    let client = Terminal::client(&home, &["--name", "alice", &address]).join(" ");
    let script = format!("{client}; echo it ended with $?; cat");
    let terminal = Terminal::run(tmux, &home, &["sh", "-c", &script]);
    terminal.wait_for("Type yes if it is the same:");
    terminal.type_in("yse");
    terminal.press("Enter");
    terminal.wait_for("please type yes or no");
    terminal.type_in("no");
    terminal.press("Enter");
    terminal.wait_for("it ended with 3");
    assert!(!home.known_servers().exists());
    witness.expect_silence(crate::harness::SILENCE);
}

/// A terminal in which alice sits, and bob at the line door.
fn alice_and_bob(
    tmux: std::path::PathBuf,
    server: &Server,
    home: &Home,
) -> (Terminal, Conversation) {
    let mut bob = server.enter("bob");
    let terminal = Terminal::open(tmux, home, &["--name", "alice", server.ready("address")]);
    terminal.wait_for("You are alice");
    bob.expect(" * #lobby: alice joined (2 here)");
    (terminal, bob)
}

#[test]
fn a_conversation_with_long_wide_and_hostile_messages() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let home = Home::new();
    let (terminal, mut bob) = alice_and_bob(tmux, &server, &home);
    terminal.type_in("still ty");
    bob.send("hello alice, and malice\n");
    bob.send("漢字 zoe\u{308} 👩\u{200d}👩\u{200d}👧 שלום\n");
    bob.send(format!("{}end\n", "long ".repeat(30)));
    bob.send(format!("{HOSTILE}\n"));
    bob.send("/me waves\n/topic tea and biscuits\n");
    bob.send("see you\n");
    terminal.wait_for("see you");
    // Between rooms, inboxes included, no order is promised.
    bob.send("/msg alice only for you\n");
    terminal.wait_for("only for you");
    terminal.press("C-u");
    terminal.type_in("/msg bob for you, too");
    terminal.press("Enter");
    bob.find("[alice] for you, too");
    terminal.wait_for("[you -> bob]");
    terminal.type_in("still typing");
    terminal.wait_for("still typing");
    terminal.expect_screen("conversation");
    let coloured = terminal.screen_in_colour();
    assert!(coloured.contains("\u{1b}["), "{coloured}");
    assert!(!coloured.contains("owned\u{7}"), "{coloured}");
}

#[test]
fn a_lost_connection_and_its_return() {
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
    bob.send("before\n");
    terminal.wait_for("before");
    // Nothing is there for a while, and it is tried in vain.
    let nothing = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.lead_to(nothing.local_addr().unwrap());
    drop(nothing);
    proxy.cut();
    bob.find(" * #lobby: alice lost the connection after {}");
    terminal.wait_for("no connection, again in");
    for index in 1..=12 {
        bob.send(format!("missed {index}\n"));
    }
    terminal.type_in("said without a connection");
    terminal.press("Enter");
    terminal.wait_for("1 to be sent");
    proxy.lead_to(server.sealed());
    terminal.press("Enter");
    bob.find("[#lobby] alice: said without a connection");
    terminal.wait_for("12 missed while away");
    bob.send("after\n");
    terminal.wait_for("bob: after");
    let screen = terminal.scrollback();
    for index in 1..=12 {
        let once = format!("bob: missed {index}\n");
        assert_eq!(screen.matches(&once).count(), 1, "{index}: {screen}");
    }
    // How often it was tried in vain differs, so the screen does not begin the same.
    let (_, back) = screen.split_once("-- connected again\n").expect(&screen);
    assert!(
        back.starts_with("-------- missed while away, since "),
        "{back}"
    );
    let (_, said) = back
        .split_once("12 missed while away, from the mark to here\n")
        .expect(back);
    assert!(
        said.contains("alice: said without a connection\n"),
        "{said}"
    );
    assert_eq!(screen.matches("alice: said without").count(), 1);
}

#[test]
fn a_paste_of_many_lines() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let home = Home::new();
    let (terminal, mut bob) = alice_and_bob(tmux, &server, &home);
    terminal.paste("one\ntwo\n\tthree");
    terminal.wait_for("3 lines typed");
    terminal.press("Enter");
    for line in ["one", "two", "\tthree"] {
        bob.expect(&format!("[#lobby] alice: {line}"));
    }
    let long: String = (1..=40).map(|index| format!("line {index}\n")).collect();
    terminal.paste(&long);
    terminal.press("Enter");
    terminal.wait_for("Send these 40 lines as one message? [y/N]");
    terminal.expect_screen("paste");
    terminal.press("Enter");
    terminal.wait_for("not sent");
    bob.expect_silence(crate::harness::SILENCE);
    terminal.press("Enter");
    terminal.type_in("y");
    terminal.press("Enter");
    for index in 1..=40 {
        bob.expect(&format!("[#lobby] alice: line {index}"));
    }
}
