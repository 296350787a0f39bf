//! Searching: where one may look, and how the answer is told.

use super::hall::{Hall, client};
use super::records::{hall, member};
use crate::chat::*;

fn said(author: &str, body: Body) -> Entry {
    Entry {
        id: Some(EntryId(1)),
        unix_ms: 1_000,
        author: Name::parse(author).unwrap(),
        origin: None,
        body,
    }
}

/// alice is in #den, which keeps history, and in #cave, which keeps none.
fn den() -> Hall {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    member(&mut hall, 2, "bob");
    hall.line(1, "/create den");
    hall.line(1, "/create cave");
    hall.line(1, "/set history off");
    hall.line(2, "/create attic");
    hall.hear(1);
    hall
}

fn found(hall: &mut Hall, hits: Vec<(RoomId, Entry)>, is_cut: bool) {
    let search = hall.searches.pop_front().expect("the reader was asked");
    let outcome = Outcome::Found {
        ticket: search.ticket,
        hits: Ok(hits),
        is_cut,
    };
    assert_eq!(hall.input(Input::Outcome(outcome)), Verdict::Taken);
}

#[test]
fn one_searches_rooms_one_is_in_that_keep_history_and_ones_inbox() {
    let mut hall = den();
    hall.line(1, "/msg bob psst");
    hall.line(1, "/search hello world from:bob after:2h");
    let search = hall.searches.front().unwrap().clone();
    let inbox = hall.names.iter().find(|(_, name)| *name == "inbox");
    let rooms = [LOBBY, hall.room("#den").unwrap(), *inbox.unwrap().0];
    assert_eq!(search.rooms, rooms);
    assert_eq!(
        search.words,
        ["hello".into(), "world".into()] as [Box<str>; 2]
    );
    assert_eq!(search.from, Name::parse("bob").ok());
    assert_eq!(search.since_unix_ms, Some(hall.now.unix_ms - 7_200_000));
}

#[test]
fn what_was_found_is_told_and_counted() {
    let mut hall = den();
    let den = hall.room("#den").unwrap();
    assert!(hall.ask(1, "/search hello").is_empty());
    let hits = vec![
        (den, said("bob", Body::Said("hello\nyou".into()))),
        (LOBBY, said("carol", Body::Acted("says hello".into()))),
    ];
    found(&mut hall, hits, false);
    assert_eq!(
        hall.hear(1),
        [
            "[#den] bob: hello you; [#lobby] * carol says hello",
            "-> 2 found"
        ]
    );
    hall.line(1, "/search hello");
    found(&mut hall, Vec::new(), false);
    assert_eq!(hall.hear(1), ["-> 0 found"]);
    hall.line(1, "/search hello");
    found(
        &mut hall,
        vec![(den, said("bob", Body::Said("x".into())))],
        true,
    );
    assert!(hall.hear(1)[1].starts_with("-> 1 found, the newest"));
}

#[test]
fn a_room_one_has_left_meanwhile_is_not_shown() {
    let mut hall = den();
    let (den, attic) = (hall.room("#den").unwrap(), hall.room("#attic").unwrap());
    hall.line(1, "/search hello");
    hall.line(1, "/leave den");
    hall.hear(1);
    let hits = vec![
        (den, said("bob", Body::Said("hello".into()))),
        (attic, said("bob", Body::Said("hello".into()))),
    ];
    found(&mut hall, hits, false);
    assert_eq!(hall.hear(1), ["-> 0 found"]);
}

#[test]
fn a_room_can_be_named_if_one_is_in_it() {
    let mut hall = den();
    hall.line(1, "/search hello in:#den");
    assert_eq!(hall.searches.front().unwrap().rooms.len(), 1);
    found(&mut hall, Vec::new(), false);
    assert!(hall.ask(1, "/search hello in:attic")[0].starts_with("Err: you are not in #attic"));
    assert!(hall.ask(1, "/search hello in:cave")[0].starts_with("Err: #cave keeps no history"));
    assert!(hall.ask(1, "/search in:den")[0].starts_with("Err: write it like this: /search"));
}

#[test]
fn one_search_at_a_time_and_its_answer_comes_before_the_goodbye() {
    let mut hall = den();
    hall.line(1, "/search hello");
    assert!(hall.ask(1, "/search again")[0].starts_with("Err: too much waits"));
    assert_eq!(hall.input(Input::EndOfInput(client(1))), Verdict::Taken);
    assert!(hall.hear(1).is_empty());
    found(&mut hall, Vec::new(), false);
    assert_eq!(hall.hear(1), ["-> 0 found", "bye None"]);
}

#[test]
fn a_search_that_failed_is_refused() {
    let mut hall = den();
    hall.sealed_client(3, "sue");
    let key = hall.run(3, "/search hello").0;
    let ticket = hall.searches.pop_front().unwrap().ticket;
    let outcome = Outcome::Found {
        ticket,
        hits: Err(StoreFailure::Io),
        is_cut: false,
    };
    assert_eq!(hall.input(Input::Outcome(outcome)), Verdict::Taken);
    assert!(hall.hear(3)[0].starts_with(&format!("Err {key}: the server could not read")));
    let key = hall.run(3, "/search hello").0;
    found(&mut hall, Vec::new(), false);
    assert_eq!(
        hall.hear(3),
        ["-> 0 found".to_owned(), format!("done {key}")]
    );
}

#[test]
fn without_a_disk_there_is_nothing_to_search() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    assert!(hall.ask(1, "/search hello")[0].starts_with("Err: this server keeps nothing on disk"));
}
