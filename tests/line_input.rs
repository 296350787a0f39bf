//! What people, scripts and other protocols send to the line door, and what comes of it.

use crate::harness::{Conversation, SILENCE, Server};
use std::time::Duration;

/// Longer than the default wait behind an empty line.
const PAST_EMPTY_LINE: Duration = Duration::from_millis(700);

#[test]
fn names_follow_the_rules() {
    let server = Server::start();
    let _bob = server.enter("bob");
    let long = "x".repeat(33);
    let bad = [
        "1st",
        "-x",
        "a b",
        "zoë",
        "server",
        "ADMIN",
        "BOB",
        "a\u{1b}[2J",
        &long,
    ];
    for name in bad {
        let mut guest = server.connect(name);
        guest.expect("-> Welcome {}");
        guest.expect("-> Your name?");
        guest.send(format!("{name}\n"));
        let refusal = guest.find("Err: {}");
        let is_clean = !refusal.contains('\u{1b}');
        assert!(
            is_clean,
            "a refusal repeats control characters: {refusal:?}"
        );
        guest.send("fits\n");
        guest.find("-> You are fits {}");
        guest.send("/quit\n");
        guest.find("-> Bye.");
        guest.expect_end();
    }
}

#[test]
fn quitting_says_bye_last() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    bob.send("last words\n/quit\nnot read\n");
    bob.expect("-> Bye.");
    bob.expect_end();
    alice.expect("[#lobby] bob: last words");
    alice.expect(" * #lobby: bob left after {}");
    alice.expect_silence(SILENCE);
}

#[test]
fn the_end_of_input_is_answered_after_everything_before_it() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let mut bob = server.connect("bob");
    bob.send("bob\nhello\n/msg alice psst\nno line end");
    bob.finish();
    let lines = bob.rest();
    assert!(lines.contains(&"-> sent to alice".to_owned()), "{lines:?}");
    assert_eq!(lines.last().unwrap(), "-> Bye.");
    alice.find(" * #lobby: bob joined (2 here)");
    alice.find("[#lobby] bob: hello");
    alice.find(" * #lobby: bob left after {}");
}

#[test]
fn an_empty_line_alone_leaves() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    bob.send("\n");
    bob.expect("-> Bye.");
    bob.expect_end();
    alice.expect(" * #lobby: bob left after {}");
}

#[test]
fn an_empty_line_in_a_paste_does_not_leave() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    bob.send("one\n\ntwo\n");
    alice.expect("[#lobby] bob: one");
    alice.expect("[#lobby] bob: two");
    bob.expect_silence(PAST_EMPTY_LINE);
}

#[test]
fn an_empty_line_means_nothing_when_configured_so() {
    let server = Server::with_config("empty-line = \"ignore\"\n");
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    bob.send("\n");
    bob.expect_silence(PAST_EMPTY_LINE);
    bob.send("here\n");
    alice.expect("[#lobby] bob: here");
}

#[test]
fn an_empty_line_at_the_name_prompt_asks_again() {
    let server = Server::start();
    let mut guest = server.connect("guest");
    guest.find("-> Your name?");
    guest.send("\n");
    guest.find("-> Your name?");
    guest.send("guest\n");
    guest.find("-> You are guest {}");
}

#[test]
fn a_line_too_long_is_refused_once_and_the_connection_stays() {
    let server = Server::start();
    let mut bob = server.enter("bob");
    let mut alice = server.connect("alice");
    alice.find("-> Your name?");
    // Without its end yet: the refusal comes at once, and only one.
    alice.send("a".repeat(5_000));
    alice.find("Err: {}");
    alice.send("a".repeat(5_000));
    alice.send("\nalice\n");
    let until_in: Vec<String> = std::iter::repeat_with(|| alice.line())
        .take_while(|line| !line.starts_with("-> You are alice"))
        .collect();
    assert!(
        !until_in.iter().any(|line| line.starts_with("Err:")),
        "{until_in:?}"
    );

    bob.expect(" * #lobby: alice joined (2 here)");
    for bytes in [300 * 1024, 600 * 1024] {
        alice.send("b".repeat(bytes));
        alice.send("\nstill here\n");
        alice.expect("Err: {}");
        bob.expect("[#lobby] alice: still here");
    }
    alice.expect_silence(SILENCE);
}

#[test]
fn what_is_not_utf8_is_replaced() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    alice.send(b"caf\xe9 \xe2\x82\xac\r\n");
    bob.expect("[#lobby] alice: caf\u{fffd} €");
}

#[test]
fn control_characters_do_not_reach_others() {
    let server = Server::start();
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    alice.send("a\u{1b}[31mb\u{7}\tc\u{202e}d\u{9b}\n");
    let heard = bob.expect("[#lobby] alice: {}");
    let is_clean = heard.chars().all(|c| !c.is_control() || c == '\t');
    assert!(
        is_clean && !heard.contains('\u{202e}') && heard.contains("\tc"),
        "{heard:?}"
    );
}

#[test]
fn telnet_negotiates_in_vain_and_its_interrupt_leaves() {
    let server = Server::start();
    let mut bob = server.enter("bob");
    let mut alice = server.connect("alice");
    alice.send(b"\xff\xfd\x01\xff\xfb\x1f\xff\xfa\x1f\0\x50\0\x18\xff\xf0alice\r\0\r\n");
    alice.find("-> You are alice {}");
    bob.expect(" * #lobby: alice joined (2 here)");
    alice.send(b"he\xff\xf1llo\r\n");
    bob.expect("[#lobby] alice: hello");
    alice.send(b"\xff\xf4");
    alice.expect("-> Bye.");
    alice.expect_end();
    bob.expect(" * #lobby: alice left after {}");
}

#[test]
fn other_protocols_get_one_clear_line() {
    let server = Server::start();
    let mut bob = server.enter("bob");
    let hello: &[u8] = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03";
    let request: &[u8] = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let post: &[u8] = b"POST /x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc";
    let sealed: &[u8] = b"PRLR\x01\x01\0\0\0\x20";
    for bytes in [hello, request, post, sealed] {
        let mut guest = server.connect("stranger");
        guest.send(bytes);
        let lines = guest.rest();
        let is_greeting =
            |line: &&String| line.starts_with("-> Welcome") || line.as_str() == "-> Your name?";
        let answers: Vec<&String> = lines.iter().filter(|line| !is_greeting(line)).collect();
        assert_eq!(answers.len(), 1, "{lines:?}");
    }
    bob.expect_silence(SILENCE);
}

#[test]
fn text_on_the_sealed_door_is_turned_away_and_harms_nobody() {
    let server = Server::start();
    let mut bob = server.enter("bob");
    for text in [
        &b"hello there\n"[..],
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc",
        b"PRLR\x09\x01\0\0",
    ] {
        let mut guest = Conversation::connect("guest", server.sealed());
        guest.send(text);
        let answer = guest.bytes_to_end();
        assert!(answer.len() < 300, "{answer:?}");
        if text.starts_with(b"PRLR") {
            assert_eq!(
                answer,
                [0xff, 0xff, 1, 1],
                "the refusal of an unknown version"
            );
        }
    }
    bob.send("/names\n");
    bob.expect("-> names #lobby: bob(plain)");
}

#[test]
fn a_script_whose_first_command_fails_is_read_no_further() {
    let server = Server::start();
    let mut bob = server.enter("bob");
    for first in ["/nick bob", "/login bob", "/nick 1st"] {
        let mut script = server.connect("script");
        script.send(format!("{first}\nhunter2\n/nick eve\nhunter3\n"));
        let lines = script.rest();
        assert!(
            lines.iter().any(|line| line.starts_with("Err: ")),
            "{lines:?}"
        );
        assert!(
            !lines.iter().any(|line| line.contains("You are")),
            "{lines:?}"
        );
    }
    bob.expect_silence(SILENCE);
}

#[test]
fn a_refused_bare_name_discards_what_was_typed_ahead() {
    let server = Server::start();
    let mut bob = server.enter("bob");
    let mut eve = server.connect("eve");
    eve.send("bob\nhunter2\nhunter3\n");
    eve.find("Err: {}");
    eve.expect("-> Your name?");
    eve.expect_silence(SILENCE);
    eve.send("eve\n");
    eve.find("-> You are eve {}");
    bob.expect(" * #lobby: eve joined (2 here)");
    bob.expect_silence(SILENCE);
}

#[test]
fn a_message_of_the_longest_size_passes_whole_in_any_split() {
    let server = Server::start();
    let mut readers = server.enter_all(["bob", "carol", "dave"]);
    let mut alice = server.enter("alice");
    for reader in &mut readers {
        reader.expect(" * #lobby: alice joined (4 here)");
    }
    let text: String = (0..256 * 1024_u32)
        .map(|index| char::from(b'a' + u8::try_from(index % 23).unwrap()))
        .collect();
    // Pieces of odd lengths, from single bytes to more than one read takes.
    for pieces in [[1, 2, 3], [777, 1_460, 9_999], [16_384, 16_385, 70_001]] {
        let (mut rest, mut sizes) = (text.as_bytes(), pieces.iter().cycle());
        let mut single_bytes = 0;
        while !rest.is_empty() {
            let size = (*sizes.next().unwrap()).min(rest.len());
            let size = if size <= 3 && single_bytes > 300 {
                rest.len()
            } else {
                size
            };
            single_bytes += 1;
            alice.send(&rest[..size]);
            rest = &rest[size..];
        }
        alice.send("\n");
        for reader in &mut readers {
            let line = reader.line();
            let heard = line
                .strip_prefix("[#lobby] alice: ")
                .expect("a message comes");
            assert!(heard == text, "{} bytes came changed", heard.len());
        }
    }
}
