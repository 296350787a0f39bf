//! Readers below memory: fed from the store, page by page, as if nothing had ever been let go.

use super::shelf::Shelf;
use super::*;
use crate::chat::{Entry, PageRequest, StoreFailure};

/// A server with a store, in small bounds.
struct Stored {
    server: Server,
    shelf: Shelf,
    /// Entries of one page at most.
    entries_max: usize,
    /// All requests there were.
    requests: Vec<PageRequest>,
}

pub(super) const UNREADABLE: &str = "the server could not read what it keeps";

fn bounds() -> Bounds {
    Bounds {
        has_store: true,
        segment_bytes: 1_000,
        room_log_bytes_min: 3_000,
        room_log_entries_min: 1_000,
        room_log_bytes_max: 6_000,
        ..Bounds::default()
    }
}

impl Stored {
    fn new() -> Self {
        Self::with(bounds())
    }

    fn with(bounds: Bounds) -> Self {
        Self {
            server: Server::with(bounds),
            shelf: Shelf::default(),
            entries_max: 7,
            requests: Vec::new(),
        }
    }

    /// The process ends and begins again.
    fn restart(&mut self, history: bool) {
        let mut fanout = Fanout::new(bounds());
        let name = RoomName::parse("r1").ok();
        fanout.found(ROOM, name, history, self.shelf.extent(ROOM));
        self.server = Server {
            fanout,
            kernel: Kernel::default(),
            now: Duration::ZERO,
        };
    }

    fn publish(&mut self, entry: &Entry) {
        self.shelf.store(ROOM, entry);
        self.server.fanout.publish(ROOM, entry);
    }

    fn say(&mut self, ids: std::ops::RangeInclusive<u64>, bytes: usize) {
        for id in ids {
            self.publish(&said(id, id, bytes));
        }
    }

    /// Sweeps, and takes what is asked for.
    fn ask(&mut self) -> Vec<PageRequest> {
        let mut requests = Vec::new();
        for _ in 0..1_000 {
            self.server.sweep();
            self.server.fanout.take_page_requests(&mut requests);
            self.server.fanout.assert_invariants();
            if !self.server.fanout.has_work() {
                self.requests.extend(&requests);
                return requests;
            }
        }
        panic!("the fan-out never comes to rest");
    }

    /// Answers until nothing is asked for.
    fn settle(&mut self) {
        for _ in 0..1_000 {
            let requests = self.ask();
            if requests.is_empty() {
                return;
            }
            for request in requests {
                let page = self.shelf.page(&request, self.entries_max, false);
                self.server.fanout.supply(&request, Ok(page));
            }
        }
        panic!("the readers never come to rest");
    }

    fn join(&mut self, slot: u32, dialect: Dialect, from: From) {
        self.server.open(slot, dialect, usize::MAX);
        self.server.fanout.join(ROOM, client(slot), from, None);
    }
}

fn all(range: std::ops::RangeInclusive<u64>, item: fn(u64) -> Item) -> Vec<Item> {
    range.map(item).collect()
}

#[test]
fn after_a_restart_a_newcomer_gets_the_past_from_the_store_and_then_what_is_new() {
    for (dialect, past, new) in [
        (
            Dialect::Sealed,
            live as fn(u64) -> Item,
            live as fn(u64) -> Item,
        ),
        (Dialect::Line, past_line, live_line),
    ] {
        let mut stored = Stored::new();
        stored.say(1..=50, 10);
        stored.restart(true);
        stored.join(0, dialect, From::Newest(20));
        assert_eq!(stored.ask().len(), 1);
        // What is said meanwhile comes after the mark.
        stored.server.say(51, 10);
        stored.server.sweep();
        assert!(stored.server.read(0).is_empty());
        stored.server.fanout.supply(
            &stored.requests[0],
            Ok(stored.shelf.page(&stored.requests[0], 7, false)),
        );
        stored.settle();
        let mut expected = all(31..=50, past);
        expected.extend([Item::ReplayEnd(ROOM, 20), new(51)]);
        assert_eq!(stored.server.read(0), expected);
        assert!(stored.server.fanout.is_idle(client(0)));
        assert_eq!(stored.server.fanout.usage().pages_bytes, 0);
    }
}

/// Goal: what was taken back is in nobody's memory. Method: take back an entry of each segment, the
/// open one too, with a reader that has not had it, one that has begun it, and newcomers.
#[test]
fn what_is_taken_back_leaves_memory_and_nothing_else_is_missed() {
    for erased in [1, 2, 13, 30] {
        let mut stored = Stored::with(Bounds {
            room_log_bytes_max: 100_000,
            ..bounds()
        });
        (0..2).for_each(|slot| stored.server.enter(slot, Dialect::Sealed));
        stored.server.kernel.peer(client(0)).space = 0;
        stored.server.kernel.peer(client(1)).space = 40;
        // Longer than a record, so that it is begun when it is taken back.
        stored.say(1..=1, 40_000);
        stored.ask();
        stored.say(2..=30, 100);
        stored.ask();
        stored.shelf.erase(ROOM, erased);
        stored.server.fanout.erase(ROOM, EntryId(erased));
        stored.ask();
        // An entry that is not there, or was taken back before, is no trouble.
        stored.server.fanout.erase(ROOM, EntryId(erased));
        stored.server.fanout.erase(RoomId(99), EntryId(1));
        stored.say(31..=32, 100);
        stored.join(2, Dialect::Sealed, From::Newest(1_000));
        stored.join(3, Dialect::Line, From::Newest(1_000));
        (0..2).for_each(|slot| stored.server.give(slot, usize::MAX));
        stored.settle();
        let left = (1..=32).filter(|id| *id != erased);
        let (shown, begun): (Vec<Item>, _) = (left.clone().map(live).collect(), live(erased));
        for slot in 0..2 {
            let mut read = stored.server.read(slot);
            read.retain(|item| erased != 1 || *item != begun);
            assert_eq!(read, shown, "{erased}");
        }
        let newcomer = [shown, vec![Item::ReplayEnd(ROOM, 31)]].concat();
        assert_eq!(stored.server.read(2), newcomer, "{erased}");
        let lines = left.map(past_line).chain([Item::ReplayEnd(ROOM, 31)]);
        assert_eq!(stored.server.read(3), lines.collect::<Vec<_>>(), "{erased}");
    }
}

#[test]
fn memory_and_store_together_give_what_was_asked_for() {
    let mut stored = Stored::new();
    stored.say(1..=60, 100);
    for (slot, from, first) in [
        (0, From::Newest(50), 11),
        (1, From::Newest(1_000), 1),
        (2, From::After(EntryId(5)), 6),
        (3, From::Since(said(9, 0, 0).unix_ms), 9),
        (4, From::After(EntryId(60)), 61),
        (5, From::After(EntryId(99)), 61),
        (6, From::Newest(2), 59),
    ] {
        stored.requests.clear();
        stored.join(slot, Dialect::Sealed, from);
        stored.settle();
        let mut expected = all(first..=60, live);
        expected.push(Item::ReplayEnd(ROOM, 61 - first));
        assert_eq!(stored.server.read(slot), expected);
        assert_eq!(stored.requests.is_empty(), slot >= 4, "{from:?}");
    }
}

#[test]
fn who_falls_behind_memory_misses_nothing_and_nobody_waits_for_it() {
    for (dialect, new) in [
        (Dialect::Sealed, live as fn(u64) -> Item),
        (Dialect::Line, live_line),
    ] {
        let mut stored = Stored::new();
        (0..2).for_each(|slot| stored.server.enter(slot, dialect));
        stored.server.kernel.peer(client(1)).space = 40;
        for id in 1..=200 {
            stored.say(id..=id, 100);
            stored.ask();
            assert!(!stored.server.fanout.must_wait(client(0), stored.server.now));
        }
        assert!(stored.server.fanout.usage().logs_bytes <= 6_000);
        assert_eq!(stored.server.read(0), all(1..=200, new));
        assert!(
            stored.requests.is_empty(),
            "who is blocked asks for nothing"
        );
        stored.server.give(1, usize::MAX);
        stored.settle();
        assert_eq!(stored.server.read(1), all(1..=200, new));
        assert!(stored.server.fanout.connections[1].cold.is_none());
    }
}

#[test]
fn own_words_are_withheld_from_a_line_though_they_come_from_the_store() {
    let mut stored = Stored::new();
    stored.server.enter(0, Dialect::Line);
    stored.server.kernel.peer(client(0)).space = 0;
    for id in 1..=100 {
        let mut entry = said(id, id, 100);
        entry.origin = (id % 3 == 0).then_some(client(0));
        stored.publish(&entry);
        stored.ask();
    }
    stored.server.give(0, usize::MAX);
    stored.settle();
    let others = (1..=100).filter(|id| id % 3 != 0);
    assert_eq!(
        stored.server.read(0),
        others.map(live_line).collect::<Vec<_>>()
    );
}

#[test]
fn equal_requests_are_asked_once_and_places_are_bounded() {
    let mut stored = Stored::new();
    stored.say(1..=50, 10);
    stored.restart(true);
    for slot in 0..100 {
        stored.join(slot, Dialect::Sealed, From::Newest(20));
    }
    assert_eq!(stored.ask().len(), 1);
    for slot in 100..300 {
        let position = EntryId(u64::from(slot) % 40);
        stored.join(slot, Dialect::Sealed, From::After(position));
    }
    assert_eq!(stored.ask().len(), 40);
    let usage = stored.server.fanout.usage();
    assert_eq!((usage.pages, usage.pages_waiting), (41, 0));
    let mut fanout = Fanout::new(Bounds {
        pages_max: 3,
        ..bounds()
    });
    fanout.found(ROOM, None, true, stored.shelf.extent(ROOM));
    std::mem::swap(&mut fanout, &mut stored.server.fanout);
    for slot in 0..10 {
        let position = EntryId(u64::from(slot));
        stored.join(slot, Dialect::Sealed, From::After(position));
    }
    assert_eq!(stored.ask().len(), 3);
    assert_eq!(stored.server.fanout.usage().pages_waiting, 7);
    // One that is not wanted any more keeps its place until it is answered.
    stored.server.fanout.close(client(0));
    assert!(!stored.server.fanout.has_work());
    let asked: Vec<_> = stored.requests[41..].to_vec();
    for request in &asked {
        let page = stored.shelf.page(request, 100, false);
        stored.server.fanout.supply(request, Ok(page));
    }
    stored.settle();
    for slot in 1..10 {
        let shown = 50 - u64::from(slot);
        let items = stored.server.read(slot);
        assert_eq!(items.last(), Some(&Item::ReplayEnd(ROOM, shown)));
    }
}

#[test]
fn pages_whose_readers_are_stuck_make_room_for_others() {
    let mut stored = Stored::with(Bounds {
        pages_max: 2,
        ..bounds()
    });
    stored.entries_max = 20;
    stored.say(1..=60, 200);
    let fanout = &mut stored.server.fanout;
    for slot in 0..3 {
        fanout.open(client(slot), Dialect::Sealed);
        stored
            .server
            .kernel
            .open(client(slot), Dialect::Sealed, 300);
        let from = From::After(EntryId(u64::from(slot)));
        fanout.join(ROOM, client(slot), from, None);
    }
    // The first two block within their pages; the third gets a place all the same.
    stored.settle();
    stored.server.give(2, usize::MAX);
    stored.settle();
    let ids = |items: Vec<Item>| items.iter().filter_map(serial).collect::<Vec<_>>();
    let mut heard = ids(stored.server.read(2));
    assert_eq!(heard, (3..=60).collect::<Vec<_>>());
    for slot in 0..2 {
        stored.server.give(slot, usize::MAX);
        stored.settle();
        heard = ids(stored.server.read(slot));
        assert_eq!(heard, (u64::from(slot) + 1..=60).collect::<Vec<_>>());
    }
}

#[test]
fn a_store_that_cannot_be_read_is_told_of_once_with_what_is_missed() {
    let mut stored = Stored::new();
    stored.say(1..=60, 100);
    let in_memory = {
        stored.join(9, Dialect::Sealed, From::After(EntryId(0)));
        let request = stored.ask()[0];
        stored.server.fanout.close(client(9));
        request.before.0
    };
    for (slot, from, missed) in [
        (0, From::After(EntryId(5)), Some(in_memory - 6)),
        (1, From::Newest(50), None),
    ] {
        stored.join(slot, Dialect::Sealed, from);
        for request in stored.ask() {
            stored.server.fanout.supply(&request, Err(StoreFailure::Io));
            // A second answer, and one that nobody asked for, change nothing.
            stored.server.fanout.supply(&request, Err(StoreFailure::Io));
        }
        stored.settle();
        let mut expected = vec![Item::Notice(UNREADABLE.into())];
        expected.extend(missed.map(|count| Item::Missed(ROOM, count)));
        expected.extend(all(in_memory..=60, live));
        expected.push(Item::ReplayEnd(ROOM, 61 - in_memory));
        assert_eq!(stored.server.read(slot), expected);
    }
}

#[test]
fn who_resumes_is_told_once_how_much_is_gone_and_gets_the_rest() {
    let mut stored = Stored::new();
    stored.say(1..=60, 100);
    stored.shelf.prune(ROOM, 13);
    stored.join(0, Dialect::Sealed, From::After(EntryId(5)));
    stored.join(1, Dialect::Line, From::Newest(1_000));
    stored.settle();
    let mut expected = vec![Item::Missed(ROOM, 8)];
    expected.extend(all(14..=60, live));
    expected.push(Item::ReplayEnd(ROOM, 47));
    assert_eq!(stored.server.read(0), expected);
    let mut expected = all(14..=60, past_line);
    expected.push(Item::ReplayEnd(ROOM, 47));
    assert_eq!(stored.server.read(1), expected, "who is new misses nothing");
    // All of it is gone, and nothing was said since.
    stored.shelf.prune(ROOM, 60);
    stored.restart(true);
    stored.join(0, Dialect::Sealed, From::After(EntryId(50)));
    stored.settle();
    let expected = [Item::Missed(ROOM, 10), Item::ReplayEnd(ROOM, 0)];
    assert_eq!(stored.server.read(0), expected);
}

#[test]
fn what_is_hidden_stays_hidden_from_newcomers_but_not_from_who_goes_on() {
    let mut stored = Stored::new();
    stored.say(1..=10, 10);
    stored.restart(false);
    stored.say(11..=12, 10);
    stored.join(0, Dialect::Sealed, From::Newest(20));
    stored.join(1, Dialect::Sealed, From::Since(0));
    assert!(stored.ask().is_empty(), "nothing hidden is asked for");
    for slot in 0..2 {
        assert_eq!(stored.server.read(slot), [Item::ReplayEnd(ROOM, 0)]);
    }
    stored.join(2, Dialect::Sealed, From::After(EntryId(8)));
    stored.settle();
    let mut expected = all(9..=12, live);
    expected.push(Item::ReplayEnd(ROOM, 4));
    assert_eq!(stored.server.read(2), expected);
    // What was hidden is not shown when history is kept again and memory has lost it.
    stored.server.fanout.keep(ROOM, true);
    stored.say(13..=80, 200);
    stored.settle();
    for (slot, from, first) in [
        (3, From::Newest(1_000), 13),
        (4, From::Since(0), 13),
        (5, From::Since(said(20, 0, 0).unix_ms), 20),
        (6, From::Newest(40), 41),
    ] {
        stored.join(slot, Dialect::Sealed, from);
        for request in stored.ask() {
            assert!(matches!(request.from, From::After(id) if id.0 >= 12));
            let page = stored.shelf.page(&request, 7, false);
            stored.server.fanout.supply(&request, Ok(page));
        }
        stored.settle();
        let mut expected = all(first..=80, live);
        expected.push(Item::ReplayEnd(ROOM, 81 - first));
        assert_eq!(stored.server.read(slot), expected);
    }
}

#[test]
fn the_mark_comes_where_it_was_though_memory_has_lost_what_follows_it() {
    let mut stored = Stored::new();
    stored.say(1..=30, 10);
    stored.restart(true);
    stored.join(0, Dialect::Line, From::Newest(10));
    let request = stored.ask()[0];
    // Much is said while the page is on its way, and somebody comes before all that.
    stored.server.fanout.publish(ROOM, &joined(900));
    stored.say(31..=120, 200);
    stored.ask();
    let page = stored.shelf.page(&request, 100, false);
    stored.server.fanout.supply(&request, Ok(page));
    stored.settle();
    let mut expected = all(21..=30, past_line);
    expected.push(Item::ReplayEnd(ROOM, 10));
    expected.extend(all(31..=120, live_line));
    assert_eq!(stored.server.read(0), expected);
}

#[test]
fn old_arrivals_are_not_shown_as_new_behind_the_last_page() {
    let mut stored = Stored::new();
    stored.say(1..=10, 10);
    stored.restart(true);
    stored.server.fanout.publish(ROOM, &joined(901));
    stored.join(0, Dialect::Sealed, From::Newest(5));
    stored.server.fanout.publish(ROOM, &joined(902));
    stored.settle();
    let mut expected = all(6..=10, live);
    expected.extend([Item::ReplayEnd(ROOM, 5), live(902)]);
    assert_eq!(stored.server.read(0), expected);
}

#[test]
fn a_replay_from_the_store_is_whole_before_anything_new_of_its_room() {
    let mut stored = Stored::new();
    stored.say(1..=60, 100);
    stored.server.enter(0, Dialect::Sealed);
    stored
        .server
        .fanout
        .replay(ROOM, client(0), From::Newest(40));
    let notice = Event::Notice(Arc::from("n=1"));
    stored.server.fanout.reply(client(0), &notice);
    let mut request = stored.ask()[0];
    // While it has not begun, what is new goes on.
    stored.say(61..=61, 10);
    stored.ask();
    assert_eq!(stored.server.read(0), [live(61)]);
    let page = stored.shelf.page(&request, 7, false);
    stored.server.fanout.supply(&request, Ok(page));
    request = stored.ask()[0];
    stored.say(62..=62, 10);
    assert!(stored.ask().is_empty());
    let page = stored.shelf.page(&request, 100, false);
    stored.server.fanout.supply(&request, Ok(page));
    stored.settle();
    let mut expected = all(21..=60, live);
    expected.extend([
        Item::ReplayEnd(ROOM, 40),
        Item::Notice("n=1".into()),
        live(62),
    ]);
    assert_eq!(stored.server.read(0), expected);
    assert!(!stored.server.fanout.has_work());
}

#[test]
fn leaving_ends_what_was_waited_for_and_a_late_answer_is_nobodys() {
    let mut stored = Stored::new();
    stored.say(1..=30, 10);
    stored.restart(true);
    stored.join(0, Dialect::Line, From::Newest(10));
    let request = stored.ask()[0];
    stored.server.fanout.leave(ROOM, client(0));
    let page = stored.shelf.page(&request, 100, false);
    stored.server.fanout.supply(&request, Ok(page));
    stored.settle();
    assert_eq!(stored.server.read(0), [Item::ReplayEnd(ROOM, 0)]);
    assert_eq!(stored.server.fanout.usage().pages, 0);
    assert!(stored.server.fanout.connections[0].cold.is_none());
}

#[test]
fn who_is_finishing_gets_all_of_it_but_not_of_a_room_that_ended() {
    for ends in [false, true] {
        let mut stored = Stored::new();
        stored.server.enter(0, Dialect::Sealed);
        stored.server.kernel.peer(client(0)).space = 0;
        stored.say(1..=1, 100);
        stored.ask();
        stored.say(2..=100, 100);
        stored.server.give(0, usize::MAX);
        let requests = stored.ask();
        assert_eq!(requests.len(), 1);
        let bye = Event::Bye(None);
        stored
            .server
            .fanout
            .finish(client(0), Some(&bye), Close::Done);
        stored.say(101..=200, 100);
        if ends {
            stored.server.fanout.dissolve(ROOM);
        }
        let page = stored.shelf.page(&requests[0], 7, false);
        stored.server.fanout.supply(&requests[0], Ok(page));
        stored.settle();
        let items = stored.server.read(0);
        assert_eq!(items.last(), Some(&Item::Bye));
        let shown: Vec<u64> = items.iter().filter_map(serial).collect();
        if ends {
            // All that was still to come had been let go.
            assert_eq!(items[1], Item::Missed(ROOM, 99));
            assert_eq!(shown, [1]);
        } else {
            assert_eq!(shown, (1..=100).collect::<Vec<_>>());
        }
        assert!(stored.server.kernel.peer(client(0)).is_finished);
    }
}

#[test]
fn a_page_longer_than_the_bound_is_read_in_parts() {
    let mut stored = Stored::with(Bounds {
        page_bytes_max: 500,
        ..bounds()
    });
    stored.entries_max = 1_000;
    stored.say(1..=60, 100);
    stored.join(0, Dialect::Sealed, From::Newest(1_000));
    for request in stored.ask() {
        let page = stored.shelf.page(&request, 1_000, false);
        stored.server.fanout.supply(&request, Ok(page));
        assert!(stored.server.fanout.usage().pages_bytes < 800);
    }
    stored.settle();
    let mut expected = all(1..=60, live);
    expected.push(Item::ReplayEnd(ROOM, 60));
    assert_eq!(stored.server.read(0), expected);
}
