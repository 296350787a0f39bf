//! Sessions that outlast their connections.

use super::hall::{EPOCH, Hall, arrival, client};
use crate::chat::*;
use crate::limits::{GUEST_RESUME_AGE_MAX, HELD_NAME_AGE_MAX};
use std::time::Duration;

const LOST: Parting = Parting::Lost(Loss::Silent);

fn keyed(slot: u32, key: u8) -> Arrival {
    Arrival {
        key: Some(ClientKey([key; 20])),
        ..arrival(Door::Sealed, slot)
    }
}

/// Alice, sealed, in the lobby and the den, and bob, who watches.
fn alice_and_bob() -> Hall {
    let mut hall = Hall::new();
    hall.line_client(9, "bob");
    hall.sealed_client(1, "alice");
    hall.line(9, "/create den");
    hall.run(1, "/join den");
    hall.hear(9);
    hall.hear(1);
    hall
}

#[test]
fn a_dropped_session_is_resumed_where_it_was() {
    let mut hall = alice_and_bob();
    let den = hall.room("#den").unwrap();
    hall.run(1, "/ignore carol");
    hall.close(1, LOST);
    let told = [
        "* #lobby: alice lost (silent) after 0s",
        "* #den: alice lost (silent) after 0s",
    ];
    assert_eq!(hall.hear(9), told);
    assert!(hall.ask(9, "/msg alice hi")[0].starts_with("Err: nobody called alice"));
    hall.pass(Duration::from_secs(60));
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![(den, EntryId(5))]);
    let expected = [
        "named",
        "ignores [carol]",
        "welcome alice resumed true",
        "entered #lobby",
        "reads #lobby from Newest(20)",
        "entered #den",
        "reads #den from After(EntryId(5))",
        "current Some(\"#den\")",
    ];
    assert_eq!(hall.hear(2), expected);
    let told = [
        "* #lobby: alice joined (2 here)",
        "* #den: alice joined (2 here)",
    ];
    assert_eq!(hall.hear(9), told);
    hall.pass_with_ticks(GUEST_RESUME_AGE_MAX);
    hall.run(2, "still here");
    assert_eq!(hall.hear(9), ["[#den] alice: still here"]);
}

#[test]
fn a_retry_after_resuming_is_recognised() {
    let mut hall = alice_and_bob();
    hall.answers = false;
    let key = hall.run(1, "once");
    hall.close(1, LOST);
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![]);
    hall.hear(2);
    let retry = Input::Run(client(2), key, "once");
    assert_eq!(hall.input(retry), Verdict::Taken);
    hall.answer();
    hall.answer();
    let stored = format!("stored {} as 1", key.0);
    let heard = hall.hear(2);
    let stored = heard.iter().filter(|words| **words == stored);
    assert_eq!(
        stored.count(),
        2,
        "each of the two jobs is answered: {heard:?}"
    );
    let heard = hall.hear(9);
    assert_eq!(
        heard.iter().filter(|words| words.contains("once")).count(),
        1
    );
}

#[test]
fn a_living_session_is_taken_over_without_a_word_to_others() {
    let mut hall = alice_and_bob();
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![(LOBBY, EntryId(3))]);
    assert_eq!(hall.hear(1).pop().unwrap(), "expelled");
    assert_eq!(hall.closing[&1], Close::TakenOver);
    let heard = hall.hear(2);
    assert_eq!(heard[1], "welcome alice resumed true");
    assert!(heard.contains(&"reads #lobby from After(EntryId(3))".to_owned()));
    hall.run(1, "ghost");
    hall.close(1, LOST);
    assert!(hall.hear(9).is_empty());
    hall.run(2, "me");
    assert_eq!(hall.hear(9), ["[#den] alice: me"]);
    // The token stays the same.
    hall.open(3, arrival(Door::Sealed, 3));
    hall.resume(3, hall.tokens[&1], vec![]);
    assert_eq!(hall.closing[&2], Close::TakenOver);
}

#[test]
fn a_room_that_is_gone_is_named() {
    let mut hall = alice_and_bob();
    hall.close(1, LOST);
    hall.line(9, "/leave den");
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![]);
    let heard = hall.hear(2);
    assert!(heard.contains(&"-> #den is gone".to_owned()));
    assert_eq!(heard.last().unwrap(), "current Some(\"#lobby\")");
}

#[test]
fn the_owner_gets_its_room_back_when_it_resumes() {
    let mut hall = Hall::new();
    hall.line_client(9, "bob");
    hall.sealed_client(1, "alice");
    hall.run(1, "/create den");
    hall.line(9, "/join den");
    hall.close(1, LOST);
    assert!(hall.ask(9, "/topic mine now").is_empty());
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![]);
    assert!(hall.ask(9, "/topic mine")[0].starts_with("Err: only a moderator"));
    assert_eq!(hall.ask(9, "/names")[0], "-> names #den: @alice bob(plain)");
}

#[test]
fn private_messages_of_the_past_are_read_on() {
    let mut hall = alice_and_bob();
    hall.line(9, "/msg alice psst");
    let inbox = hall
        .members
        .iter()
        .find(|(room, members)| hall.names[room] == "inbox" && members.contains(&client(1)));
    let inbox = *inbox.unwrap().0;
    hall.close(1, LOST);
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![(inbox, EntryId(1))]);
    let heard = hall.hear(2);
    assert!(
        heard.contains(&"reads inbox from After(EntryId(1))".to_owned()),
        "{heard:?}"
    );
}

#[test]
fn a_dropped_session_ends_in_time_and_its_inbox_with_it() {
    let mut hall = alice_and_bob();
    hall.line(9, "/msg alice psst");
    let rooms = hall.members.len();
    hall.close(1, LOST);
    hall.hear(9);
    hall.open(3, arrival(Door::Sealed, 3));
    hall.hello(3, "alice");
    assert!(hall.hear(3)[0].starts_with("Err: alice is held"));
    hall.pass_with_ticks(GUEST_RESUME_AGE_MAX);
    assert_eq!(hall.members.len(), rooms - 1);
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![]);
    assert_eq!(hall.hear(2)[1], "welcome somebody resumed false");
    hall.hello(3, "alice");
    assert_eq!(hall.hear(3)[1], "welcome alice resumed false");
}

#[test]
fn another_epoch_begins_anew_and_says_so() {
    let mut hall = alice_and_bob();
    hall.open(2, arrival(Door::Sealed, 2));
    let hello = Hello {
        name: Some("zoe"),
        room: None,
        resume: Some(Resume {
            hash: TokenHash([0; 16]),
            epoch: Epoch([8; 16]),
            token: hall.tokens[&1],
            positions: vec![],
        }),
    };
    assert_ne!(EPOCH, Epoch([8; 16]));
    assert_eq!(hall.input(Input::Hello(client(2), hello)), Verdict::Taken);
    let heard = hall.hear(2);
    assert_eq!(heard[1], "welcome zoe resumed false");
    assert!(heard[2].starts_with("-> history was reset"));
    assert_eq!(heard[3], "entered #lobby");
}

#[test]
fn a_clean_goodbye_is_not_kept_for_resuming() {
    let mut hall = alice_and_bob();
    hall.close(1, Parting::Left);
    assert_eq!(hall.hear(9)[0], "* #lobby: alice left after 0s");
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![]);
    assert_eq!(hall.hear(2)[1], "welcome somebody resumed false");
}

#[test]
fn the_same_key_takes_its_own_name_over_at_once() {
    let mut hall = Hall::new();
    hall.line_client(9, "bob");
    hall.open(1, keyed(1, 1));
    hall.hello(1, "alice");
    hall.hear(9);
    hall.open(2, keyed(2, 1));
    hall.hello(2, "Alice");
    let heard = hall.hear(2);
    assert_eq!(heard[1], "welcome alice resumed false");
    assert!(
        heard
            .last()
            .unwrap()
            .starts_with("-> You are alice (guest), in #lobby with 1 other")
    );
    assert_eq!(hall.closing[&1], Close::TakenOver);
    assert!(hall.hear(9).is_empty());
    // Neither another key nor none may.
    hall.open(3, keyed(3, 2));
    hall.hello(3, "alice");
    assert!(hall.hear(3)[0].starts_with("Err: alice is taken"));
    hall.close(2, LOST);
    hall.hello(3, "alice");
    assert!(hall.hear(3)[0].starts_with("Err: alice is held"));
    hall.open(4, keyed(4, 1));
    hall.hello(4, "alice");
    assert_eq!(hall.hear(4)[1], "welcome alice resumed false");
}

#[test]
fn a_keyed_name_is_held_for_a_day() {
    let mut hall = Hall::new();
    hall.open(1, keyed(1, 1));
    hall.hello(1, "alice");
    hall.close(1, Parting::Left);
    hall.open(2, arrival(Door::Line, 2));
    assert!(hall.ask(2, "alice")[0].starts_with("Err: alice is held"));
    hall.open(3, keyed(3, 1));
    hall.hello(3, "alice");
    assert_eq!(hall.hear(3)[1], "welcome alice resumed false");
    hall.run(3, "/nick alicia");
    assert!(hall.ask(2, "alice")[0].starts_with("Err: alice is held"));
    hall.pass(HELD_NAME_AGE_MAX);
    assert_eq!(hall.ask(2, "alice")[0], "named");
}

#[test]
fn somebody_who_is_leaving_can_still_be_taken_over() {
    let mut hall = alice_and_bob();
    hall.answers = false;
    hall.run(1, "one");
    hall.run(1, "/quit");
    hall.open(2, arrival(Door::Sealed, 2));
    hall.resume(2, hall.tokens[&1], vec![]);
    hall.answer();
    hall.hear(2);
    hall.answers = true;
    hall.run(2, "two");
    assert_eq!(hall.hear(9), ["[#den] alice: one", "[#den] alice: two"]);
}
