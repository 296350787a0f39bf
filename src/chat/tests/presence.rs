//! Large rooms count who comes and goes.

use super::hall::{Hall, arrival};
use crate::chat::*;
use crate::limits::PRESENCE_LISTED_MAX;
use std::time::Duration;

#[test]
fn a_large_room_counts_arrivals_and_lists_them_again_when_it_is_small() {
    let mut hall = Hall::new();
    let listed = u32::try_from(PRESENCE_LISTED_MAX).unwrap();
    for slot in 0..listed {
        hall.line_client(slot, &format!("n{slot}"));
    }
    assert_eq!(hall.hear(0).len(), PRESENCE_LISTED_MAX - 1);
    assert_eq!(hall.chat.next_deadline(), None);
    for slot in listed..listed + 10 {
        hall.line_client(slot, &format!("n{slot}"));
    }
    hall.close(1, Parting::Left);
    assert!(hall.hear(0).is_empty());
    hall.pass_with_ticks(Duration::from_secs(2));
    assert_eq!(hall.hear(0), ["* #lobby: +10, -1, 59 here"]);
    // Nothing to count, nothing said.
    hall.pass_with_ticks(Duration::from_secs(10));
    assert!(hall.hear(0).is_empty());
    hall.line(2, "/nick other");
    assert_eq!(hall.hear(0), ["* #lobby: n2 is now other"]);
    for slot in 31..listed {
        hall.close(slot, Parting::Left);
    }
    assert!(hall.hear(0).is_empty());
    hall.close(3, Parting::Left);
    let told = ["* #lobby: +0, -19, 39 here", "* #lobby: n3 left after 12s"];
    assert_eq!(hall.hear(0), told);
    assert_eq!(hall.chat.next_deadline(), None);
    hall.open(99, arrival(Door::Line, 99));
    hall.line(99, "late");
    assert_eq!(hall.hear(0), ["* #lobby: late joined (40 here)"]);
}

#[test]
fn counts_queue_behind_what_is_pending_like_everything_else() {
    let mut hall = Hall::new();
    for slot in 0..60 {
        hall.line_client(slot, &format!("n{slot}"));
    }
    hall.pass_with_ticks(Duration::from_secs(2));
    hall.hear(0);
    hall.answers = false;
    hall.line(1, "hi");
    hall.open(99, arrival(Door::Line, 99));
    hall.line(99, "late");
    hall.pass_with_ticks(Duration::from_secs(2));
    assert!(hall.hear(0).is_empty());
    hall.answer();
    assert_eq!(
        hall.hear(0),
        ["[#lobby] n1: hi", "* #lobby: +1, -0, 61 here"]
    );
}
