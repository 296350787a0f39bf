//! The line door's words, exactly: what a person with netcat sees, line by line.

use crate::harness::server::Setup;
use crate::harness::{Program, SILENCE, Server, tools};
use std::process::Command;

/// The netcats there are; each must give the same session.
const NETCATS: [&[&str]; 2] = [&["nc.openbsd"], &["nc.traditional"]];

/// Starts a netcat towards the server's line door.
fn netcat(path: &std::path::Path, server: &Server) -> Program {
    let (ip, port) = (
        server.line().ip().to_string(),
        server.line().port().to_string(),
    );
    Program::start("nc", Command::new(path).args([ip, port]))
}

#[test]
fn a_netcat_session_reads_as_specified() {
    for names in NETCATS {
        let Some(path) = tools::find(names) else {
            continue;
        };
        let data = tempfile::tempdir().unwrap();
        let server = Server::launch(&Setup {
            data: Some(data.path()),
            ..Setup::default()
        });
        let mut bob = server.enter("bob");
        let mut carol = server.enter("carol");
        bob.expect(" * #lobby: carol joined (2 here)");

        let mut alice = netcat(&path, &server);
        alice.expect("-> Welcome to Parlour. This door is not encrypted. {}");
        alice.expect("-> Your name?");
        alice.send("alice\n");
        alice.expect("-> #lobby: 0 earlier lines end here");
        alice.expect(
            "-> You are alice (guest), in #lobby with 2 others: bob, carol. /help lists the commands.",
        );
        for other in [&mut bob, &mut carol] {
            other.expect(" * #lobby: alice joined (3 here)");
        }

        alice.send("hello\n");
        bob.expect("[#lobby] alice: hello");
        carol.expect("[#lobby] alice: hello");
        alice.send("/me waves\n");
        bob.expect("[#lobby] * alice waves");
        carol.expect("[#lobby] * alice waves");
        bob.send("hi\n");
        alice.expect("[#lobby] bob: hi");
        carol.expect("[#lobby] bob: hi");
        alice.send("/quit bye\n");
        alice.expect("-> Bye.");
        // One of them only looks at its input once the other side has ended.
        alice.finish();
        alice.expect_end();
        for other in [&mut bob, &mut carol] {
            other.expect(" * #lobby: alice left after {} (bye)");
        }
    }
}

#[test]
fn the_portable_recipe_says_its_line_and_ends() {
    let server = Server::start();
    let mut bob = server.enter("bob");
    for names in NETCATS {
        let Some(path) = tools::find(names) else {
            continue;
        };
        let (ip, port) = (server.line().ip(), server.line().port());
        let script = format!(
            "printf '/nick a\\nhi\\n/quit\\n' | {} {ip} {port}",
            path.display()
        );
        let (code, lines, _) = Program::run(Command::new("sh").args(["-c", &script]), "");
        assert_eq!(code, 0, "{lines:?}");
        assert_eq!(
            lines.last().map(String::as_str),
            Some("-> Bye."),
            "{lines:?}"
        );
        assert!(
            lines
                .iter()
                .any(|line| line.starts_with("-> You are a (guest), ")),
            "{lines:?}"
        );
        assert!(
            !lines.iter().any(|line| line.starts_with("Err:")),
            "{lines:?}"
        );
        bob.expect(" * #lobby: a joined (2 here)");
        bob.expect("[#lobby] a: hi");
        bob.expect(" * #lobby: a left after {}");
    }
}

#[test]
fn every_form_of_line_comes_as_it_is_specified() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);

    bob.send("/nick rob\n");
    alice.expect(" * #lobby: bob is now rob");
    alice.send("/topic tea at five\n");
    bob.find(" * #lobby: alice set the topic: tea at five");
    bob.send("/msg alice psst\n");
    bob.expect("-> sent to alice");
    alice.find("[rob] psst");
    alice.send("/reply what?\n");
    alice.expect("-> sent to rob");
    bob.expect("[alice] what?");
    bob.send("/msg nobody psst\n");
    bob.expect("Err: {}");
    bob.send("//not a command\n");
    alice.expect("[#lobby] rob: /not a command");
    bob.send("/private <alice> in brackets\n");
    bob.expect("-> sent to alice");
    alice.expect("[rob] in brackets");
    bob.send("/nonsense\n");
    bob.expect("Err: {}");
    bob.send("/help\n");
    bob.expect("-> {}");
}

#[test]
fn who_is_away_is_shown_to_who_writes() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    bob.send("/away lunch\n");
    bob.expect("-> {}");
    alice.send("/msg bob hungry?\n");
    alice.find("-> sent to bob (away: lunch)");
    bob.find("[alice] hungry?");
    bob.send("/back\n");
    bob.expect("-> {}");
    alice.send("/msg bob back?\n");
    alice.find("-> sent to bob");
}

#[test]
fn names_mark_owners_and_the_plain_door() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    alice.send("/names\n");
    alice.expect("-> names #lobby: alice(plain) bob(plain)");
    alice.send("/create den\n");
    alice.send("/names #den\n");
    alice.find("-> names #den: @alice(plain)");
    bob.send("/join #den\n");
    bob.send("/names #den\n");
    bob.find("-> names #den: @alice(plain) bob(plain)");
    bob.send("/names b\n");
    bob.find("-> names #den: bob(plain)");
}

#[test]
fn one_s_own_words_are_not_echoed() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    alice.send("one\ntwo\n");
    bob.expect("[#lobby] alice: one");
    bob.expect("[#lobby] alice: two");
    bob.send("three\n");
    alice.expect("[#lobby] bob: three");
    alice.expect_silence(SILENCE);
}

#[test]
fn rooms_are_made_entered_and_left() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    alice.send("/create den word\n");
    alice.send("/names\n");
    alice.find("-> names #den: {}");
    bob.send("/join den\n");
    bob.find("Err: {}");
    bob.send("/join den word\n");
    alice.find(" * #den: bob joined (2 here)");
    bob.send("in the den\n");
    alice.find("[#den] bob: in the den");
    bob.send("/say #lobby in the lobby\n");
    alice.find("[#lobby] bob: in the lobby");
    bob.send("/room lobby\n/leave den\n");
    alice.find(" * #den: bob left after {}");
    bob.send("/msg #den hi\n");
    bob.find("Err: {}");
    bob.send("/join nowhere\n");
    bob.find("Err: {}/create{}");
    bob.send("/leave\n");
    bob.send("anybody?\n");
    bob.find("Err: you are in no room; /rooms lists them, /join ROOM enters one");
}

#[test]
fn what_is_past_comes_with_its_time_and_a_closing_line() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::launch(&Setup {
        data: Some(data.path()),
        ..Setup::default()
    });
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    alice.send("one\n/me waves\n");
    bob.expect("[#lobby] alice: one");
    bob.expect("[#lobby] * alice waves");

    let mut carol = server.connect("carol");
    carol.send("carol\n");
    carol.find("20{}-{}-{}T{}:{}:{}Z [#lobby] alice: one");
    carol.expect("20{}-{}-{}T{}:{}:{}Z [#lobby] * alice waves");
    carol.expect("-> #lobby: 2 earlier lines end here");
    carol.expect("-> You are carol (guest), in #lobby with 2 others: alice, bob. {}");

    alice.expect(" * #lobby: carol joined (3 here)");
    alice.send("/history 1\n");
    alice.expect("20{}Z [#lobby] * alice waves");
    alice.expect("-> #lobby: 1 earlier lines end here");
}

#[test]
fn the_greeting_names_at_most_ten_others() {
    let server = Server::start();
    let mut crowd: Vec<_> = (0..11).map(|i| server.connect(&format!("u{i}"))).collect();
    for (index, guest) in crowd.iter_mut().enumerate() {
        guest.send(format!("u{index}\n"));
        guest.find("-> You are {}");
    }
    let mut last = server.connect("last");
    last.send("last\n");
    last.find("-> You are last (guest), in #lobby with 11 others: {} and 1 more. {}");
}

#[test]
fn who_ignores_somebody_hears_nothing_of_them() {
    let server = Server::start();
    let [mut alice, mut bob, mut carol] = server.enter_all(["alice", "bob", "carol"]);
    alice.send("/ignore bob\n");
    alice.expect("-> {}");
    bob.send("unheard\n");
    carol.expect("[#lobby] bob: unheard");
    carol.send("heard\n");
    alice.expect("[#lobby] carol: heard");
    alice.send("/unignore bob\n");
    alice.expect("-> {}");
    bob.send("heard again\n");
    alice.expect("[#lobby] bob: heard again");
}
