//! One order per room, and the planted bugs that break it.

use super::hall::{Hall, arrival};
use crate::chat::fault::{Fault, plant};
use crate::chat::*;

#[test]
fn a_newcomer_queues_behind_what_is_pending() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.answers = false;
    hall.hear(2);
    hall.line(1, "one");
    hall.open(3, arrival(Door::Line, 3));
    hall.line(3, "carol");
    hall.line(1, "two");
    hall.line(3, "/leave");
    hall.answer();
    let expected = ["[#lobby] alice: one", "* #lobby: carol joined (3 here)"];
    assert_eq!(hall.hear(2), expected);
    hall.answer();
    assert_eq!(
        hall.hear(2),
        ["[#lobby] alice: two", "* #lobby: carol left after 0s"]
    );
}

#[test]
fn ones_own_arrival_is_published_before_one_reads() {
    let mut chat = Chat::new(Settings::default(), Epoch([0; 16]));
    let mut effects = Effects::new();
    let client = super::hall::client(1);
    let arrival = arrival(Door::Line, 1);
    let verdict = chat.apply(Now::default(), Input::Opened(client, arrival), &mut effects);
    assert_eq!(verdict, Verdict::Taken);
    effects.clear();
    let verdict = chat.apply(Now::default(), Input::Line(client, "alice"), &mut effects);
    assert_eq!(verdict, Verdict::Taken);
    let arrived = |effect: &Effect| matches!(effect, Effect::Room(RoomOrder::Publish(LOBBY, entry)) if entry.origin == Some(client));
    let reads = |effect: &Effect| matches!(effect, Effect::Room(RoomOrder::Join { .. }));
    let arrived = effects.iter().position(arrived).unwrap();
    let reads = effects.iter().position(reads).unwrap();
    assert!(arrived < reads);
}

#[test]
fn the_planted_bugs_do_what_they_are_called() {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.answers = false;
    hall.hear(2);
    plant(Some(Fault::AcknowledgeEarly));
    hall.line(1, "early");
    assert_eq!(hall.hear(2), ["[#lobby] alice: early"]);
    plant(Some(Fault::Overtake));
    hall.line(1, "overtaken");
    hall.line_client(3, "carol");
    assert_eq!(hall.hear(2), ["* #lobby: carol joined (3 here)"]);
    plant(None);
}
