//! What is held and for how long: buffers, logs, replays, and whose turn it is.

use super::*;
use crate::limits;

/// Goal: news ends a sweep early, and however much news there is, a large room goes on.
#[test]
fn news_ends_a_sweep_after_one_slice() {
    let mut server = Server::new();
    let members = u32::try_from(4 * limits::ROOM_SLICE_MEMBERS).unwrap();
    for slot in 0..members {
        server.enter(slot, Dialect::Sealed);
    }
    server.kernel.has_news = true;
    server.say(1, 64);
    for sweep in 1..=4 {
        server.kernel.order.clear();
        server.sweep();
        assert_eq!(server.kernel.order.len(), limits::ROOM_SLICE_MEMBERS);
        assert_eq!(server.fanout.has_work(), sweep < 4);
    }
}

#[test]
fn a_room_of_two_is_served_between_the_slices_of_a_room_of_thousands() {
    let mut server = Server::new();
    let other = RoomId(2);
    server.fanout.found(
        other,
        Some(RoomName::parse("r2").unwrap()),
        true,
        Extent::EMPTY,
    );
    for slot in 0..5_000 {
        server.open(slot, Dialect::Sealed, usize::MAX);
        server
            .fanout
            .join(ROOM, client(slot), From::Newest(0), None);
    }
    server.open(5_000, Dialect::Sealed, usize::MAX);
    server
        .fanout
        .join(other, client(5_000), From::Newest(0), None);
    server.settle();
    server.say(1, 100);
    // Sixteen visits take a third of a millisecond.
    server.kernel.tick = Duration::from_micros(333);
    server.sweep();
    assert!(server.fanout.has_work());
    server.fanout.publish(other, &said(1, 7, 100));
    server.kernel.order.clear();
    server.sweep();
    let served = server
        .kernel
        .order
        .iter()
        .position(|who| *who == client(5_000));
    assert_eq!(served, Some(0));
    assert!(server.kernel.order.len() > 16 && server.kernel.order.len() < 200);
    server.settle();
    for slot in 0..5_000 {
        assert_eq!(server.read(slot), [Item::ReplayEnd(ROOM, 0), live(1)]);
    }
}

#[test]
fn with_no_buffer_free_nobody_is_visited_until_one_is() {
    let mut server = Server::with(Bounds {
        write_buffers_max: 2,
        ..Bounds::default()
    });
    (0..3).for_each(|slot| server.enter(slot, Dialect::Sealed));
    for slot in 0..3 {
        server.kernel.peer(client(slot)).space = 0;
    }
    server.say(1, 60_000);
    server.settle();
    assert_eq!(
        server.fanout.usage().write_buffer_bytes,
        2 * WRITE_BUFFER_BYTES_MAX
    );
    let sends = server.kernel.peer(client(2)).sends;
    assert!(!server.fanout.has_work());
    server.give(0, usize::MAX);
    server.settle();
    assert!(server.kernel.peer(client(2)).sends > sends);
    (0..3).for_each(|slot| server.give(slot, usize::MAX));
    server.settle();
    (0..3).for_each(|slot| assert_eq!(server.read(slot), [live(1)]));
}

#[test]
fn senders_wait_a_second_for_slow_readers_who_then_miss_entries() {
    let mut server = Server::new();
    (0..2).for_each(|slot| server.enter(slot, Dialect::Sealed));
    server.kernel.peer(client(1)).space = 0;
    let (mut id, size) = (0, 200 * KIB);
    while !server.fanout.must_wait(client(0), server.now) {
        id += 1;
        server.say(id, size);
        server.settle();
    }
    assert!(server.fanout.usage().logs_bytes > 13 * MIB);
    server.now += Duration::from_millis(999);
    server.settle();
    assert!(server.fanout.must_wait(client(0), server.now));
    server.now += Duration::from_millis(1);
    assert!(!server.fanout.must_wait(client(0), server.now));
    server.settle();
    for _ in 0..20 {
        id += 1;
        server.say(id, size);
        server.settle();
    }
    assert!(server.fanout.usage().logs_bytes <= 16 * MIB);
    assert_eq!(server.read(0), (1..=id).map(live).collect::<Vec<_>>());
    server.give(1, usize::MAX);
    server.settle();
    let items = server.read(1);
    // It had begun the first one.
    let Item::Missed(ROOM, missed) = items[1] else {
        panic!("{:?}", &items[..2]);
    };
    let shown: Vec<u64> = items[2..].iter().filter_map(serial).collect();
    assert_eq!(shown, (2 + missed..=id).collect::<Vec<_>>());
    assert!(!server.fanout.must_wait(client(0), server.now));
    server.say(id + 1, 10);
    server.settle();
    assert!(
        server.fanout.usage().logs_bytes < 2 * MIB,
        "nobody needs it any longer"
    );
}

#[test]
fn who_accepts_no_byte_is_named_once_as_stalled() {
    let mut server = Server::new();
    (0..2).for_each(|slot| server.enter(slot, Dialect::Sealed));
    (0..2).for_each(|slot| server.kernel.peer(client(slot)).space = 0);
    server.say(1, 10);
    server.settle();
    let timeout = Duration::from_secs(60);
    let mut stalled = Vec::new();
    server.now = Duration::from_secs(30);
    server.give(0, 3);
    server.settle();
    server.fanout.stalled(server.now, timeout, &mut stalled);
    assert!(stalled.is_empty());
    assert_eq!(server.fanout.next_stall(timeout), Some(timeout));
    server.fanout.stalled(timeout, timeout, &mut stalled);
    assert_eq!(stalled, [client(1)]);
    server.fanout.stalled(timeout * 2, timeout, &mut stalled);
    assert_eq!(stalled, [client(1), client(0)]);
    server.fanout.stalled(timeout * 9, timeout, &mut stalled);
    assert_eq!(stalled.len(), 2);
}

#[test]
fn beyond_the_bound_of_begun_entries_the_longest_blocked_go() {
    let mut server = Server::with(Bounds {
        segment_bytes: MIB,
        unfinished_bytes_max: 100_000,
        ..Bounds::default()
    });
    (0..3).for_each(|slot| server.enter(slot, Dialect::Sealed));
    (0..3).for_each(|slot| server.kernel.peer(client(slot)).space = 0);
    server.say(1, 60_000);
    server.settle();
    // The segment still grows, so each that leaves keeps a copy of its rest.
    (0..3).for_each(|slot| server.fanout.leave(ROOM, client(slot)));
    server.fanout.assert_invariants();
    let mut doomed = Vec::new();
    server.fanout.take_doomed(&mut doomed);
    assert_eq!(doomed, [(client(0), Loss::TooSlow)]);
    let unfinished_bytes = server.fanout.usage().unfinished_bytes;
    assert!(
        (80_000..100_000).contains(&unfinished_bytes),
        "two rests are kept"
    );
    (1..3).for_each(|slot| server.give(slot, usize::MAX));
    server.settle();
    (1..3).for_each(|slot| assert_eq!(server.read(slot), [live(1)]));
}

#[test]
fn a_segment_kept_by_many_is_counted_once_and_only_when_its_room_has_let_it_go() {
    let mut server = Server::new();
    (0..9).for_each(|slot| server.enter(slot, Dialect::Sealed));
    (0..9).for_each(|slot| server.kernel.peer(client(slot)).space = 0);
    server.say(1, 200_000);
    server.settle();
    (0..8).for_each(|slot| server.fanout.leave(ROOM, client(slot)));
    assert_eq!(server.fanout.usage().unfinished_bytes, 0);
    server.fanout.dissolve(ROOM);
    let unfinished_bytes = server.fanout.usage().unfinished_bytes;
    assert!((200_000..201_000).contains(&unfinished_bytes));
    (0..9).for_each(|slot| server.give(slot, usize::MAX));
    server.settle();
    (0..9).for_each(|slot| assert_eq!(server.read(slot), [live(1)]));
    server.sweep();
    assert_eq!(server.fanout.usage().unfinished_bytes, 0);
}

#[test]
fn more_replays_than_are_queued_are_refused_with_a_word() {
    let mut server = Server::new();
    server.say(1, 10);
    server.enter(0, Dialect::Line);
    for _ in 0..6 {
        server.fanout.replay(ROOM, client(0), From::Newest(1));
    }
    server.settle();
    let items = server.read(0);
    let ends = items
        .iter()
        .filter(|item| **item == Item::ReplayEnd(ROOM, 1));
    assert_eq!(ends.count(), limits::REPLAYS_QUEUED_MAX);
    let told = items.iter().filter(|item| matches!(item, Item::Notice(_)));
    assert_eq!(told.count(), 2);
}

#[test]
fn a_replay_whose_entries_go_meanwhile_says_how_many() {
    let mut server = Server::with(Bounds {
        segment_bytes: 1_000,
        room_log_bytes_min: 30_000,
        room_log_bytes_max: 32_000,
        ..Bounds::default()
    });
    (1..=30).for_each(|id| server.say(id, 900));
    server.enter(0, Dialect::Sealed);
    server.kernel.peer(client(0)).space = 0;
    server.fanout.replay(ROOM, client(0), From::Newest(1_000));
    server.settle();
    (31..=90).for_each(|id| server.say(id, 900));
    server.give(0, usize::MAX);
    server.settle();
    let items = server.read(0);
    let shown: Vec<u64> = items.iter().filter_map(serial).collect();
    let missed: u64 = items
        .iter()
        .map(|item| match item {
            Item::Missed(ROOM, count) => *count,
            _ => 0,
        })
        .sum();
    assert!(
        missed > 10,
        "both the replay and what is new lose something"
    );
    assert_eq!(shown.len() as u64 + missed, 90, "each is shown or counted");
    let replayed = shown.iter().filter(|serial| **serial <= 30).count() as u64;
    assert!(items.contains(&Item::ReplayEnd(ROOM, replayed)));
}

#[test]
fn who_resumes_is_told_how_many_entries_are_gone() {
    let mut server = Server::with(Bounds {
        segment_bytes: 1_000,
        room_log_bytes_min: 3_000,
        room_log_entries_min: 1_000,
        ..Bounds::default()
    });
    (1..=100).for_each(|id| server.say(id, 100));
    server.open(0, Dialect::Sealed, usize::MAX);
    server
        .fanout
        .join(ROOM, client(0), From::After(EntryId(5)), None);
    server.settle();
    let items = server.read(0);
    let Item::Missed(ROOM, missed) = items[0] else {
        panic!("{items:?}");
    };
    let shown: Vec<u64> = items.iter().filter_map(serial).collect();
    assert_eq!(shown, (6 + missed..=100).collect::<Vec<_>>());
    assert_eq!(items.last(), Some(&Item::ReplayEnd(ROOM, 95 - missed)));
}

#[test]
fn an_idle_member_costs_little() {
    assert!(size_of::<Connection>() <= 64);
    let mut server = Server::new();
    server.enter(0, Dialect::Sealed);
    assert!(server.fanout.connections[0].cold.is_none());
}
