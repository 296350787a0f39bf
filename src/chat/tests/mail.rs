//! Private messages that wait for accounts.

use super::hall::{Hall, arrival};
use crate::chat::*;
use crate::limits::WAITING_PER_SENDER_MAX;

/// alice has an account and is gone; bob and carol are there.
fn alice_away() -> Hall {
    let mut hall = Hall::stored();
    hall.line_client(8, "carol");
    hall.line_client(9, "bob");
    hall.line_account(1, "alice");
    hall.line(1, "/quit");
    hall.close(1, Parting::Left);
    hall.hear(8);
    hall.hear(9);
    hall
}

fn alice_comes(hall: &mut Hall, slot: u32) -> Vec<String> {
    hall.open(slot, arrival(Door::Line, slot));
    hall.line(slot, "alice");
    hall.hear(slot);
    hall.ask(slot, "pw")
}

#[test]
fn what_is_written_to_an_account_that_is_away_waits_and_is_shown_first() {
    let mut hall = alice_away();
    let sent = hall.ask(9, "/msg alice one");
    assert_eq!(sent.last().unwrap(), "sent to alice (None)");
    hall.line(8, "/msg Alice two");
    let expected = [
        "named",
        "-> private messages: 2 while you were away",
        "reads inbox from After(EntryId(0))",
        "reads #lobby from Newest(20)",
        "-> You are alice, in #lobby with 2 others: bob, carol. /help lists the commands.",
    ];
    assert_eq!(alice_comes(&mut hall, 2), expected);
    hall.line(9, "/msg alice three");
    assert_eq!(hall.hear(2), ["[bob] three"]);
    hall.line(2, "/quit");
    hall.close(2, Parting::Left);
    // All three were read.
    let heard = alice_comes(&mut hall, 3);
    assert_eq!(heard[1], "reads inbox from After(EntryId(3))");
    assert!(hall.ask(9, "/whois alice")[0].starts_with("-> alice: account, plain"));
}

#[test]
fn what_waits_outlives_the_process() {
    let mut hall = alice_away();
    hall.line(9, "/msg alice one");
    hall = hall.restart();
    hall.line_client(7, "bob");
    assert_eq!(hall.chat.rooms.inboxes().count(), 2);
    assert!(
        !hall.names.values().any(|name| name == "inbox"),
        "found when needed"
    );
    hall.line(7, "/msg alice two");
    let heard = alice_comes(&mut hall, 2);
    assert_eq!(heard[1], "-> private messages: 2 while you were away");
    assert_eq!(heard[2], "reads inbox from After(EntryId(0))");
    hall.hear(7);
    hall.line(2, "/reply three");
    assert_eq!(hall.hear(7), ["[alice] three"]);
}

#[test]
fn one_sender_leaves_so_many_messages_and_no_more() {
    let mut hall = alice_away();
    for _ in 0..WAITING_PER_SENDER_MAX {
        hall.line(9, "/msg alice hi");
    }
    let heard = hall.ask(9, "/msg alice hi");
    assert!(heard[0].starts_with("Err: too much waits for alice already"));
    hall = hall.restart();
    hall.line_client(7, "bob");
    let heard = hall.ask(7, "/msg alice hi");
    assert!(heard[0].starts_with("Err: too much waits for alice already"));
    hall.line_client(6, "carol");
    assert_eq!(
        hall.ask(6, "/msg alice hi").last().unwrap(),
        "sent to alice (None)"
    );
    assert!(alice_comes(&mut hall, 2)[1].contains("51 while you were away"));
    assert_eq!(
        hall.ask(7, "/msg alice hi").last().unwrap(),
        "sent to alice (None)"
    );
}

#[test]
fn what_was_not_stored_does_not_wait() {
    let mut hall = alice_away();
    hall.answers = false;
    hall.line(9, "/msg alice one");
    hall.answer_changes();
    hall.fail();
    hall.line(9, "/msg alice two");
    // It is on its way while she comes: it is new to her, and no wait.
    let heard = alice_comes(&mut hall, 2);
    assert_eq!(heard[1], "reads inbox from After(EntryId(0))");
    hall.answer();
    assert_eq!(hall.hear(2).last().unwrap(), "[bob] two");
}

#[test]
fn nothing_waits_for_a_guest_nor_where_nothing_is_kept() {
    let mut hall = alice_away();
    assert!(hall.ask(9, "/msg dave hi")[0].starts_with("Err: nobody called dave"));
    let mut hall = Hall::with(Settings {
        kept: Kept::No,
        ..Settings::default()
    });
    hall.line_client(9, "bob");
    hall.line_account(1, "alice");
    hall.line(1, "/quit");
    hall.close(1, Parting::Left);
    assert!(hall.ask(9, "/msg alice hi")[0].starts_with("Err: nobody called alice"));
}

#[test]
fn a_guests_inbox_is_removed_with_its_session() {
    let mut hall = alice_away();
    hall.line(8, "/msg bob hi");
    assert_eq!(hall.archive.inboxes.len(), 2);
    hall.line(8, "/quit");
    hall.close(8, Parting::Left);
    assert_eq!(hall.archive.inboxes.len(), 1);
}

#[test]
fn the_records_of_an_inbox_come_before_what_is_written_to_it() {
    let mut hall = Hall::with(Settings {
        kept: Kept::Stored,
        journal_jobs_max: 1,
        ..Settings::default()
    });
    hall.line_client(9, "bob");
    hall.line_client(8, "carol");
    hall.answers = false;
    hall.line(9, "/msg carol hi");
    // The journal takes one at a time: the store checks the order.
    for _ in 0..2 {
        assert_eq!((hall.changes.len(), hall.jobs.len()), (1, 0));
        hall.answer_change();
    }
    assert_eq!((hall.changes.len(), hall.jobs.len()), (0, 1));
    hall.answer();
    assert_eq!(hall.hear(8).last().unwrap(), "[bob] hi");
}
