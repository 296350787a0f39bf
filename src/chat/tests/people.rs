//! Names, lists, and what people do about each other.

use super::hall::{Hall, arrival, client};
use crate::chat::*;
use crate::limits::{IGNORED_MAX, NAMES_LISTED_MAX};
use std::time::Duration;

#[test]
fn a_new_name_is_told_in_all_rooms() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.line(1, "/create den");
    hall.run(2, "/join den");
    hall.hear(1);
    hall.hear(2);
    let key = hall.run(2, "/nick rob").0;
    let told = ["* #lobby: bob is now rob", "* #den: bob is now rob"];
    assert_eq!(hall.hear(1), told);
    let answers = ["renamed rob", "-> you are now rob", &format!("done {key}")];
    assert_eq!(hall.hear(2), answers);
    hall.run(2, "/say den hi");
    assert_eq!(hall.hear(1), ["[#den] rob: hi"]);
    assert_eq!(
        hall.ask(1, "/nick Rob")[0],
        "Err: Rob is taken; try another name"
    );
    assert_eq!(
        hall.ask(1, "/nick admin")[0],
        "Err: admin is reserved; try another name"
    );
    assert_eq!(hall.ask(1, "/nick ALICE"), ["-> you are now ALICE"]);
    // The former name is free.
    assert_eq!(hall.ask(1, "/nick bob"), ["-> you are now bob"]);
}

#[test]
fn an_entry_carries_the_name_of_its_moment() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.answers = false;
    hall.hear(2);
    hall.line(1, "before");
    hall.line(1, "/nick alicia");
    hall.line(1, "after");
    hall.answer();
    hall.answer();
    let expected = [
        "[#lobby] alice: before",
        "* #lobby: alice is now alicia",
        "[#lobby] alicia: after",
    ];
    assert_eq!(hall.hear(2), expected);
}

#[test]
fn names_are_listed_in_order_with_marks() {
    let mut hall = Hall::new();
    hall.line_client(1, "Zoe");
    hall.sealed_client(2, "alice");
    hall.line_client(3, "bob");
    assert_eq!(
        hall.ask(1, "/names"),
        ["-> names #lobby: alice bob(plain) Zoe(plain)"]
    );
    hall.run(2, "/create den");
    hall.line(3, "/join den");
    assert_eq!(
        hall.ask(3, "/who #den"),
        ["-> names #den: @alice bob(plain)"]
    );
    assert_eq!(hall.ask(3, "/names B"), ["-> names #den: bob(plain)"]);
    assert_eq!(
        hall.ask(3, "/names lobby z"),
        ["-> names #lobby: Zoe(plain)"]
    );
    assert_eq!(hall.ask(3, "/names 1"), ["-> names #den:"]);
    assert!(hall.ask(1, "/names #den")[0].starts_with("Err: you are not in #den"));
}

#[test]
fn names_of_a_crowd_are_cut_with_a_hint() {
    let mut hall = Hall::new();
    let count = u32::try_from(NAMES_LISTED_MAX).unwrap() + 1;
    for slot in 0..count {
        hall.line_client(slot, &format!("n{slot:03}"));
    }
    let heard = hall.ask(0, "/names");
    assert!(
        heard[0].ends_with(" n199(plain) ... more: /names #lobby n2"),
        "{}",
        heard[0]
    );
    assert_eq!(
        hall.ask(0, "/names #lobby n2"),
        ["-> names #lobby: n200(plain)"]
    );
    // A small room among many people is listed in the same order.
    hall.line(7, "/create den");
    hall.line(5, "/join den");
    assert_eq!(
        hall.ask(5, "/names"),
        ["-> names #den: n005(plain) @n007(plain)"]
    );
    assert_eq!(hall.ask(5, "/names n007"), ["-> names #den: @n007(plain)"]);
}

#[test]
fn whois_tells_what_may_be_known() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    let mut with_key = arrival(Door::Sealed, 2);
    with_key.key = Some(ClientKey([0; 20]));
    hall.open(2, with_key);
    hall.hello(2, "bob");
    hall.run(2, "/away out");
    hall.pass(Duration::from_secs(61));
    let key = "a".repeat(32);
    let expected = format!("-> bob: guest, encrypted, here for 1m, away: out, key {key}");
    assert_eq!(hall.ask(1, "/whois BOB"), [expected]);
    assert_eq!(
        hall.ask(1, "/whois alice"),
        ["-> alice: guest, plain, here for 1m"]
    );
    assert!(hall.ask(1, "/whois carol")[0].starts_with("Err: nobody called carol"));
    hall.run(2, "/back");
    assert!(!hall.ask(1, "/whois bob")[0].contains("away"));
}

#[test]
fn the_ignore_list_is_kept_and_handed_on() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    assert_eq!(hall.ask(1, "/ignore"), ["-> you ignore nobody"]);
    assert_eq!(
        hall.ask(1, "/ignore bob"),
        ["ignores [bob]", "-> you ignore bob"]
    );
    assert_eq!(hall.ask(1, "/ignore carol")[0], "ignores [bob, carol]");
    assert_eq!(hall.ask(1, "/ignore BOB")[0], "ignores [bob, carol]");
    assert_eq!(hall.ask(1, "/ignore"), ["-> you ignore bob, carol"]);
    assert_eq!(hall.ask(1, "/unignore Bob")[0], "ignores [carol]");
    assert!(hall.ask(1, "/unignore bob")[0].starts_with("Err: you do not ignore bob"));
    assert_eq!(
        hall.ask(1, "/ignore alice"),
        ["Err: that would be yourself"]
    );
    for index in 1..IGNORED_MAX {
        hall.line(1, &format!("/ignore n{index}"));
    }
    assert!(hall.ask(1, "/ignore more")[0].starts_with("Err: you ignore 100 people"));
}

#[test]
fn away_has_words_of_its_own_when_none_are_given() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    assert_eq!(
        hall.ask(1, "/away"),
        ["-> you are away: not here; /back ends it"]
    );
    assert_eq!(
        hall.ask(2, "/msg alice hi").pop().unwrap(),
        "sent to alice (Some(\"not here\"))"
    );
    assert_eq!(hall.ask(1, "/back"), ["-> you are back"]);
    assert_eq!(hall.ask(1, "/back"), ["-> you were not away"]);
}

#[test]
fn help_lists_every_command_and_explains_one() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    let heard = hall.ask(1, "/?");
    for word in ["/nick NAME", "/create ROOM [KEY]", "/quit [TEXT]", "//TEXT"] {
        assert!(heard[0].contains(word), "{word}");
    }
    let expected = "-> /join ROOM [KEY]: enters a room; recent history is shown first; also /j";
    assert_eq!(hall.ask(1, "/help /join"), [expected]);
    assert_eq!(hall.ask(1, "/help J"), [expected]);
    assert!(hall.ask(1, "/help dance")[0].starts_with("Err: /dance is no command"));
}

#[test]
fn leaving_the_server_waits_for_what_was_said() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.answers = false;
    hall.hear(2);
    hall.pass(Duration::from_secs(240));
    hall.line(1, "one");
    hall.line(1, "/quit so\nlong");
    hall.line(1, "too late");
    assert!(hall.hear(2).is_empty());
    hall.answer();
    assert_eq!(hall.hear(1).last().unwrap(), "bye None");
    assert_eq!(hall.closing[&1], Close::Done);
    let expected = [
        "[#lobby] alice: one",
        "* #lobby: alice left after 4m (so long)",
    ];
    assert_eq!(hall.hear(2), expected);
    hall.close(1, Parting::Left);
    assert!(hall.hear(2).is_empty());
}

#[test]
fn the_end_of_input_and_an_empty_line_leave_like_quit() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.line_client(3, "carol");
    assert_eq!(hall.input(Input::EndOfInput(client(1))), Verdict::Taken);
    assert_eq!(hall.hear(1).last().unwrap(), "bye None");
    assert_eq!(hall.ask(2, "").last().unwrap(), "bye None");
    let expected = [
        "* #lobby: alice left after 0s",
        "* #lobby: bob left after 0s",
    ];
    assert_eq!(hall.hear(3), expected);
    let mut hall = Hall::with(Settings {
        empty_line_leaves: false,
        ..Settings::default()
    });
    hall.line_client(1, "alice");
    assert!(hall.ask(1, "").is_empty());
}

#[test]
fn a_lost_connection_is_told_as_such_behind_what_is_pending() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.answers = false;
    hall.hear(2);
    hall.line(1, "one");
    hall.close(1, Parting::Lost(Loss::Reset));
    assert!(hall.hear(2).is_empty());
    hall.answer();
    let expected = [
        "[#lobby] alice: one",
        "* #lobby: alice lost (reset) after 0s",
    ];
    assert_eq!(hall.hear(2), expected);
    // A plain session ends at once: the name is free.
    hall.line_client(3, "alice");
    assert_eq!(hall.hear(2), ["* #lobby: alice joined (2 here)"]);
}
