//! Saying things, and what becomes of them.

use super::hall::Hall;
use crate::chat::*;
use crate::limits::{TEXT_BYTES_MAX, TEXT_LINES_MAX};

#[test]
fn what_is_said_reaches_the_room_and_is_acknowledged() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.hear(1);
    hall.line(1, "hi");
    assert_eq!(hall.hear(2), ["[#lobby] alice: hi"]);
    hall.hear(1);
    let key = hall.run(2, "/me waves").0;
    assert_eq!(hall.hear(1), ["[#lobby] * bob waves"]);
    assert_eq!(hall.hear(2), [format!("stored {key} as 2")]);
    hall.line(1, "//not a command");
    assert_eq!(hall.hear(2), ["[#lobby] alice: /not a command"]);
}

#[test]
fn nothing_is_shown_or_acknowledged_before_the_store_has_it() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.answers = false;
    hall.line(1, "one");
    let key = hall.run(2, "two").0;
    hall.hear(1);
    assert!(hall.hear(2).is_empty());
    hall.answer();
    assert_eq!(hall.hear(2), ["[#lobby] alice: one"]);
    hall.answer();
    assert_eq!(hall.hear(2), [format!("stored {key} as 2")]);
    assert_eq!(hall.hear(1)[1..], ["[#lobby] bob: two"]);
}

#[test]
fn a_message_that_is_not_stored_is_refused_and_shown_to_nobody() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.answers = false;
    hall.hear(1);
    hall.line(1, "one");
    let key = hall.run(2, "two").0;
    hall.fail();
    hall.fail();
    assert!(hall.hear(1)[0].starts_with("Err: not stored"));
    assert!(hall.hear(2)[0].starts_with(&format!("Err {key}: not stored")));
}

#[test]
fn a_retry_gets_the_first_answer_and_is_not_shown_again() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    let key = MessageKey(99);
    for _ in 0..2 {
        hall.hear(1);
        let said = Command::Say {
            room: Some(RoomRef::Id(LOBBY)),
            action: false,
            text: "once",
        };
        let input = Input::Command(super::hall::client(2), key, said);
        assert_eq!(hall.input(input), Verdict::Taken);
        assert_eq!(hall.hear(2), ["stored 99 as 1"]);
    }
    assert!(hall.hear(1).is_empty());
}

#[test]
fn lines_of_one_plain_client_are_never_taken_for_retries() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    for _ in 0..3 {
        hall.line(1, "same");
    }
    assert_eq!(hall.hear(2), ["[#lobby] alice: same"; 3]);
}

#[test]
fn text_is_cleaned_and_bounded() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.line(1, "a\u{1b}[31mb\u{202e}\tc");
    assert_eq!(hall.hear(2), ["[#lobby] alice: a[31mb\tc"]);
    assert!(hall.ask(1, "   ")[0].starts_with("Err: there is no text"));
    assert!(hall.ask(1, "\u{7}")[0].starts_with("Err: there is no text"));
    let long = "x".repeat(TEXT_BYTES_MAX + 1);
    assert!(hall.ask(1, &long)[0].starts_with("Err: a message has at most 262144 bytes"));
    assert!(hall.ask(1, &long[1..])[0].starts_with("stored"));
    let lines = format!("x{}y", "\n".repeat(TEXT_LINES_MAX));
    assert!(hall.ask(1, &lines)[0].starts_with("Err: a message has at most 8192 lines"));
}

#[test]
fn one_speaks_only_where_one_is() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.line(1, "/create den");
    let den = hall.room("#den").unwrap();
    assert!(hall.ask(2, "/say den hi")[0].starts_with("Err: you are not in #den"));
    assert!(hall.ask(2, "/say #nowhere hi")[0].starts_with("Err: there is no room #nowhere"));
    let said = Command::Say {
        room: Some(RoomRef::Id(den)),
        action: false,
        text: "hi",
    };
    let input = Input::Command(super::hall::client(2), MessageKey(1), said);
    assert_eq!(hall.input(input), Verdict::Taken);
    assert!(hall.hear(2)[0].starts_with("Err 1: you are in no room"));
    hall.line(2, "/leave");
    for line in [
        "hi",
        "/me waves",
        "/names",
        "/topic",
        "/set",
        "/history",
        "/leave",
    ] {
        let heard = hall.ask(2, line);
        let expected = "Err: you are in no room; /rooms lists them, /join ROOM enters one";
        assert_eq!(heard, [expected], "{line}");
    }
}

#[test]
fn a_private_message_reaches_one_person_and_can_be_answered() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.line_client(3, "carol");
    for slot in 1..=3 {
        hall.hear(slot);
    }
    assert_eq!(
        hall.ask(1, "/reply hm")[0],
        "Err: nobody has written to you; /msg NAME TEXT begins"
    );
    let heard = hall.ask(1, "/msg BOB psst");
    assert_eq!(heard, ["reads inbox from Newest(0)", "sent to bob (None)"]);
    assert_eq!(
        hall.hear(2),
        ["inbox", "reads inbox from Newest(0)", "[alice] psst"]
    );
    hall.run(2, "/away lunch\u{7}");
    hall.run(2, "/reply yes?");
    assert_eq!(hall.hear(1), ["[bob] yes?"]);
    assert_eq!(hall.ask(1, "/r ok"), ["sent to bob (Some(\"lunch\"))"]);
    assert!(hall.hear(3).is_empty());
    assert_eq!(
        hall.ask(1, "/msg alice hi"),
        ["Err: that would be yourself"]
    );
    assert!(hall.ask(1, "/msg dave hi")[0].starts_with("Err: nobody called dave"));
    assert!(hall.ask(1, "/msg <b!> hi")[0].starts_with("Err: a name is made of"));
    assert!(hall.ask(1, "/msg #lobby hi all")[0].starts_with("stored"));
    assert_eq!(hall.hear(3), ["[#lobby] alice: hi all"]);
}

#[test]
fn a_private_message_that_fails_is_shown_to_nobody() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.answers = false;
    hall.line(1, "/msg bob psst");
    hall.hear(2);
    hall.fail();
    assert!(hall.hear(2).is_empty());
    assert!(hall.hear(1).last().unwrap().starts_with("Err: not stored"));
    assert!(hall.ask(2, "/reply x")[0].starts_with("Err: nobody has written"));
}

#[test]
fn an_answer_finds_who_has_another_name_now() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.line(1, "/msg bob psst");
    hall.line(1, "/nick alicia");
    assert_eq!(
        hall.ask(2, "/reply yes").pop().unwrap(),
        "sent to alicia (None)"
    );
    hall.line(1, "/quit");
    assert!(hall.ask(2, "/reply yes")[0].starts_with("Err: nobody called alice is here"));
}
