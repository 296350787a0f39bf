//! How fast one may speak, and how much may be under way.

use super::hall::{Hall, arrival, client};
use crate::chat::*;
use crate::limits::{COMMAND_BURST, JOURNAL_BYTES_MAX, JOURNAL_JOBS_MAX, UNACKNOWLEDGED_MAX};
use std::time::Duration;

fn stranger(hall: &mut Hall, slot: u32, name: &str) {
    let arrival = Arrival {
        trusted: false,
        ..arrival(Door::Line, slot)
    };
    hall.open(slot, arrival);
    hall.line(slot, name);
    hall.hear(slot);
}

#[test]
fn who_speaks_too_fast_waits_and_is_told_once() {
    let mut hall = Hall::new();
    stranger(&mut hall, 1, "alice");
    // The name was one.
    for _ in 1..COMMAND_BURST {
        hall.line(1, "hi");
    }
    hall.hear(1);
    let Verdict::Paused(Pause::Until(until)) = hall.input(Input::Line(client(1), "more")) else {
        panic!("the burst is spent");
    };
    assert_eq!(hall.hear(1), ["-> slow down: your next line is read in 1s"]);
    let again = hall.input(Input::Line(client(1), "more"));
    assert_eq!(again, Verdict::Paused(Pause::Until(until)));
    assert!(hall.hear(1).is_empty());
    assert!(hall.jobs.is_empty());
    hall.now.monotonic = until;
    hall.line(1, "more");
    let costly = hall.input(Input::Line(client(1), "/names"));
    let expected = until + Duration::from_secs(1);
    assert_eq!(costly, Verdict::Paused(Pause::Until(expected)));
    assert_eq!(hall.hear(1), ["stored 20 as 20"]);
}

#[test]
fn names_are_not_tried_faster_than_the_rate() {
    let mut hall = Hall::new();
    hall.line_client(9, "bob");
    let arrival = Arrival {
        trusted: false,
        ..arrival(Door::Line, 1)
    };
    hall.open(1, arrival);
    for _ in 0..COMMAND_BURST {
        hall.line(1, "bob");
    }
    let verdict = hall.input(Input::Line(client(1), "bob"));
    assert!(matches!(verdict, Verdict::Paused(Pause::Until(_))));
}

#[test]
fn a_message_larger_than_the_burst_passes_once_it_is_whole() {
    let mut hall = Hall::with(Settings {
        rates: Rates {
            byte_burst: 100,
            bytes_per_second: 10,
            ..Settings::default().rates
        },
        ..Settings::default()
    });
    stranger(&mut hall, 1, "alice");
    let long = "x".repeat(1_000);
    let Verdict::Paused(Pause::Until(until)) = hall.input(Input::Line(client(1), &long)) else {
        panic!("the name has taken a few bytes");
    };
    hall.now.monotonic = until;
    hall.line(1, &long);
    let Verdict::Paused(Pause::Until(next)) = hall.input(Input::Line(client(1), "x")) else {
        panic!("it is in debt");
    };
    assert!(next > until + Duration::from_secs(90));
}

#[test]
fn the_trusted_have_no_rate() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    for _ in 0..1_000 {
        hall.line(1, "hi");
    }
}

#[test]
fn a_full_journal_makes_senders_wait() {
    let mut hall = Hall::new();
    hall.answers = false;
    let senders = u32::try_from(JOURNAL_JOBS_MAX / UNACKNOWLEDGED_MAX).unwrap();
    for slot in 1..=senders + 1 {
        hall.line_client(slot, &format!("n{slot}"));
    }
    for slot in 1..=senders {
        for _ in 0..UNACKNOWLEDGED_MAX {
            hall.line(slot, "hi");
        }
    }
    let verdict = hall.input(Input::Line(client(senders + 1), "hi"));
    assert_eq!(verdict, Verdict::Paused(Pause::Journal));
    // What needs no journal goes on.
    assert!(!hall.ask(senders + 1, "/names").is_empty());
    hall.answer();
    hall.line(senders + 1, "hi");
}

#[test]
fn a_question_waits_for_what_the_same_person_said_before() {
    for question in ["/history", "/search hi"] {
        let mut hall = Hall::stored();
        hall.answers = false;
        hall.line_client(1, "alice");
        hall.line_client(2, "bob");
        hall.line(1, "hi");
        let asked = hall.input(Input::Line(client(1), question));
        assert_eq!(asked, Verdict::Paused(Pause::Journal), "{question}");
        // Others need not wait for her.
        hall.line(2, question);
        hall.answer();
        hall.line(1, question);
        // What was not stored cannot be in the answer either.
        hall.line(2, "hi");
        hall.fail();
        let asked = hall.input(Input::Line(client(2), "/history"));
        assert_eq!(asked, Verdict::Taken);
    }
}

#[test]
fn the_journal_is_bounded_in_bytes_too() {
    let mut hall = Hall::new();
    hall.answers = false;
    hall.line_client(1, "alice");
    let text = "x".repeat(256 * 1024);
    for _ in 0..JOURNAL_BYTES_MAX / text.len() {
        hall.line(1, &text);
    }
    let verdict = hall.input(Input::Line(client(1), "x"));
    assert_eq!(verdict, Verdict::Paused(Pause::Journal));
    hall.answer();
    hall.line(1, "x");
}

#[test]
fn too_many_unacknowledged_are_refused_to_the_sealed_and_read_later_from_the_plain() {
    let mut hall = Hall::new();
    hall.sealed_client(1, "alice");
    hall.line_client(2, "bob");
    hall.answers = false;
    for _ in 0..UNACKNOWLEDGED_MAX {
        hall.run(1, "hi");
        hall.line(2, "hi");
    }
    hall.hear(1);
    let key = hall.run(1, "one more").0;
    assert!(hall.hear(1)[0].starts_with(&format!("Err {key}: 1024 of your messages wait")));
    let verdict = hall.input(Input::Line(client(2), "one more"));
    assert_eq!(verdict, Verdict::Paused(Pause::Journal));
    assert_eq!(hall.jobs.len(), 2 * UNACKNOWLEDGED_MAX);
}

/// Goal: the shell asserts that an empty line is never paused, so no rate may pause it. Method: a
/// rate so low that everything else waits.
#[test]
fn leaving_is_never_paused() {
    let mut hall = Hall::with(Settings {
        rates: Rates {
            command_burst: 2,
            commands_per_second: 1,
            ..Settings::default().rates
        },
        ..Settings::default()
    });
    stranger(&mut hall, 1, "alice");
    hall.line(1, "hi");
    let more = hall.input(Input::Line(client(1), "more"));
    assert!(matches!(more, Verdict::Paused(_)));
    assert_eq!(hall.input(Input::Line(client(1), "")), Verdict::Taken);
}

#[test]
fn an_empty_line_at_the_prompt_is_never_paused() {
    let mut hall = Hall::new();
    let arrival = Arrival {
        trusted: false,
        ..arrival(Door::Line, 1)
    };
    hall.open(1, arrival);
    for _ in 0..COMMAND_BURST {
        hall.line(1, "9");
    }
    let name = hall.input(Input::Line(client(1), "bob"));
    assert!(matches!(name, Verdict::Paused(_)));
    hall.hear(1);
    assert_eq!(hall.input(Input::Line(client(1), "")), Verdict::Taken);
    assert_eq!(hall.hear(1), ["name?"]);
}
