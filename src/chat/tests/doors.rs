//! Getting a name.

use super::hall::{Hall, arrival, client};
use crate::chat::*;

#[test]
fn the_line_door_asks_for_a_name_and_greets_behind_the_replay() {
    let mut hall = Hall::new();
    hall.open(1, arrival(Door::Line, 1));
    assert_eq!(hall.hear(1), ["banner InMemory", "name?"]);
    hall.line(1, "alice");
    let expected = [
        "named",
        "reads #lobby from Newest(20)",
        "-> You are alice (guest), in #lobby with 0 others. /help lists the commands.",
    ];
    assert_eq!(hall.hear(1), expected);
    hall.line_client(2, "carol");
    hall.open(3, arrival(Door::Line, 3));
    hall.hear(1);
    hall.line(3, "/nick bob");
    assert_eq!(
        hall.hear(3).last().unwrap(),
        "-> You are bob (guest), in #lobby with 2 others: alice, carol. /help lists the commands."
    );
    assert_eq!(hall.hear(1), ["* #lobby: bob joined (3 here)"]);
}

#[test]
fn the_greeting_names_ten_others_and_counts_the_rest() {
    let mut hall = Hall::new();
    hall.line_client(0, "n0");
    hall.open(1, arrival(Door::Line, 1));
    hall.line(1, "n1");
    assert!(hall.hear(1)[4].contains("with 1 other: n0. "));
    for slot in 2..12 {
        hall.line_client(slot, &format!("n{slot}"));
    }
    hall.open(12, arrival(Door::Line, 12));
    hall.line(12, "last");
    let greeting = hall.hear(12).pop().unwrap();
    assert!(
        greeting.contains("with 12 others: n0, n1, n2,"),
        "{greeting}"
    );
    assert!(greeting.contains("n9 and 2 more. /help"), "{greeting}");
}

#[test]
fn a_refused_bare_name_throws_away_what_was_typed_ahead_and_asks_again() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.open(2, arrival(Door::Line, 2));
    let heard = hall.ask(2, "Alice");
    assert_eq!(
        heard,
        [
            "Err: Alice is taken; try another name",
            "discarded",
            "name?"
        ]
    );
    let heard = hall.ask(2, "root");
    assert_eq!(heard[1..], ["discarded", "name?"]);
    let heard = hall.ask(2, "two words");
    assert_eq!(heard[1..], ["discarded", "name?"]);
    // No longer the first line, so it does not close.
    assert_eq!(hall.ask(2, "/nick alice")[1..], ["discarded", "name?"]);
    assert_eq!(hall.ask(2, "bob")[0], "named");
}

#[test]
fn a_script_whose_first_line_fails_is_closed_and_nothing_more_is_read() {
    for first in ["/nick alice", "/nick", "/u 1x", "/login 1x", "/login"] {
        let mut hall = Hall::new();
        hall.line_client(1, "alice");
        hall.open(2, arrival(Door::Line, 2));
        let heard = hall.ask(2, first);
        assert!(heard[0].starts_with("Err: "), "{first}: {heard:?}");
        assert_eq!(heard[1..], ["discarded", "closed"], "{first}");
        assert_eq!(hall.closing[&2], Close::Done);
        assert!(hall.ask(2, "secret").is_empty());
        hall.close(2, Parting::Left);
        assert!(hall.hear(1).is_empty());
    }
}

#[test]
fn the_prompt_knows_help_and_quit_and_wants_a_name_for_all_else() {
    let mut hall = Hall::new();
    hall.open(1, arrival(Door::Line, 1));
    assert_eq!(hall.ask(1, ""), ["name?"]);
    assert!(hall.ask(1, "/help")[0].contains("/join ROOM [KEY]"));
    assert!(hall.ask(1, "/rooms")[0].starts_with("Err: a name comes first"));
    assert!(hall.ask(1, "//x")[0].starts_with("Err: a name comes first"));
    assert!(hall.ask(1, "/nonsense")[0].starts_with("Err: /nonsense is no command"));
    assert_eq!(hall.ask(1, "/quit"), ["bye None"]);
    assert!(hall.ask(1, "alice").is_empty());
}

#[test]
fn the_end_of_input_before_a_name_is_answered() {
    let mut hall = Hall::new();
    hall.open(1, arrival(Door::Line, 1));
    hall.hear(1);
    assert_eq!(hall.input(Input::EndOfInput(client(1))), Verdict::Taken);
    assert_eq!(hall.hear(1), ["bye None"]);
}

#[test]
fn a_sealed_client_says_hello_until_its_name_is_free() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.open(2, arrival(Door::Sealed, 2));
    assert!(hall.hear(2).is_empty());
    hall.hello(2, "alice");
    assert_eq!(
        hall.hear(2),
        ["Err: alice is taken; try another name", "name?"]
    );
    let key = hall.run(2, "hi").0;
    assert!(hall.hear(2)[0].starts_with(&format!("Err {key}: a name comes first")));
    hall.hello(2, "bob");
    let expected = [
        "named",
        "welcome bob resumed false",
        "entered #lobby",
        "current Some(\"#lobby\")",
        "reads #lobby from Newest(20)",
        "-> You are bob (guest), in #lobby with 1 other: alice. /help lists the commands.",
    ];
    assert_eq!(hall.hear(2), expected);
    hall.hello(2, "rob");
    assert!(hall.hear(2)[0].starts_with("Err: "));
}

#[test]
fn a_sealed_client_may_take_its_name_with_nick_and_ask_for_a_room() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line(1, "/create den");
    hall.open(2, arrival(Door::Sealed, 2));
    let key = hall.run(2, "/nick bob").0;
    assert_eq!(hall.hear(2).last().unwrap(), &format!("done {key}"));
    hall.open(3, arrival(Door::Sealed, 3));
    let mut hello = Hello {
        name: Some("carol"),
        room: Some("#den"),
        resume: None,
    };
    assert_eq!(
        hall.input(Input::Hello(client(3), hello.clone())),
        Verdict::Taken
    );
    assert_eq!(hall.hear(3)[2], "entered #den");
    hall.open(4, arrival(Door::Sealed, 4));
    (hello.name, hello.room) = (Some("dave"), Some("nowhere"));
    assert_eq!(hall.input(Input::Hello(client(4), hello)), Verdict::Taken);
    let heard = hall.hear(4);
    assert!(
        heard[2].starts_with("Err: there is no room #nowhere"),
        "{heard:?}"
    );
    assert_eq!(heard[3], "entered #lobby");
}

#[test]
fn what_a_closed_connection_is_said_to_have_sent_changes_nothing() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.close(1, Parting::Left);
    hall.line(1, "hello");
    hall.run(1, "hello");
    hall.hello(1, "alice");
    assert_eq!(hall.input(Input::EndOfInput(client(1))), Verdict::Taken);
    hall.close(1, Parting::Left);
    hall.close(77, Parting::Left);
    assert!(hall.hear(1).is_empty());
}

#[test]
fn a_name_command_that_fails_later_discards_too() {
    let mut hall = Hall::new();
    hall.open(1, arrival(Door::Line, 1));
    hall.line(1, "/help");
    for line in ["/nick", "/nick 1x", "/login 1x", "/login"] {
        assert_eq!(hall.ask(1, line)[1..], ["discarded", "name?"], "{line}");
    }
}
