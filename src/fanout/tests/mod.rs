//! Tests of the fan-out under a fake kernel: by hand here, by dice in [`model`].

#![allow(
    clippy::wildcard_enum_match_arm,
    clippy::cast_possible_truncation,
    reason = "tests name what they expect, and count small things"
)]

mod bounds;
mod checks;
mod kernel;
mod model;
mod paging;
mod reading;
mod shelf;

use super::*;
use crate::chat::{Close, EntryId, Event, Extent, From, RoomName};
use crate::limits::{KIB, MIB, WRITE_BUFFER_BYTES_MAX};
use kernel::{INBOX, Item, Kernel, client, joined, name, said};
use std::sync::Arc;

const ROOM: RoomId = RoomId(1);

struct Server {
    fanout: Fanout,
    kernel: Kernel,
    now: Duration,
}

impl Server {
    fn new() -> Self {
        Self::with(Bounds::default())
    }

    /// With one room that keeps history.
    fn with(bounds: Bounds) -> Self {
        let mut fanout = Fanout::new(bounds);
        fanout.found(
            ROOM,
            Some(RoomName::parse("r1").unwrap()),
            true,
            Extent::EMPTY,
        );
        Self {
            fanout,
            kernel: Kernel::default(),
            now: Duration::ZERO,
        }
    }

    fn open(&mut self, slot: u32, dialect: Dialect, space: usize) {
        self.fanout.open(client(slot), dialect);
        self.kernel.open(client(slot), dialect, space);
    }

    /// Opens a connection and brings it into the room, live.
    fn enter(&mut self, slot: u32, dialect: Dialect) {
        self.open(slot, dialect, usize::MAX);
        self.fanout.join(ROOM, client(slot), From::Newest(0), None);
        self.settle();
        assert_eq!(self.kernel.read(client(slot)), [Item::ReplayEnd(ROOM, 0)]);
    }

    fn say(&mut self, id: u64, bytes: usize) {
        self.fanout.publish(ROOM, &said(id, id, bytes));
    }

    fn sweep(&mut self) {
        self.kernel.elapsed = Duration::ZERO;
        self.fanout.sweep(self.now, &mut self.kernel);
        self.fanout.assert_invariants();
    }

    fn settle(&mut self) {
        for _ in 0..10_000 {
            self.sweep();
            if !self.fanout.has_work() {
                return;
            }
        }
        panic!("the fan-out never comes to rest");
    }

    fn give(&mut self, slot: u32, space: usize) {
        let peer = self.kernel.peer(client(slot));
        peer.space = space;
        peer.is_blocked = false;
        self.fanout.writable(client(slot));
    }

    fn read(&mut self, slot: u32) -> Vec<Item> {
        self.kernel.read(client(slot))
    }
}

fn live(serial: u64) -> Item {
    Item::Entry {
        serial,
        is_past: None,
    }
}

fn live_line(serial: u64) -> Item {
    Item::Entry {
        serial,
        is_past: Some(false),
    }
}

fn past_line(serial: u64) -> Item {
    Item::Entry {
        serial,
        is_past: Some(true),
    }
}

#[test]
fn eight_messages_pending_are_one_write() {
    let mut server = Server::new();
    server.enter(0, Dialect::Sealed);
    let before = server.kernel.peer(client(0)).sends;
    (1..=8).for_each(|id| server.say(id, 64));
    server.settle();
    assert_eq!(server.kernel.peer(client(0)).sends, before + 1);
    assert_eq!(server.read(0), (1..=8).map(live).collect::<Vec<_>>());
    assert!(server.fanout.is_idle(client(0)) && !server.fanout.has_work());
}

#[test]
fn a_newcomer_gets_the_past_then_the_mark_then_the_greeting_then_what_is_new() {
    for (dialect, past, new) in [
        (
            Dialect::Sealed,
            live as fn(u64) -> Item,
            live as fn(u64) -> Item,
        ),
        (Dialect::Line, past_line, live_line),
    ] {
        let mut server = Server::new();
        for id in 1..=30 {
            server.say(id, 10);
            server.fanout.publish(ROOM, &joined(1000 + id));
        }
        server.open(0, dialect, usize::MAX);
        let greeting = Event::Notice(Arc::from("hello"));
        let fanout = &mut server.fanout;
        fanout.join(ROOM, client(0), From::Newest(3), Some(&greeting));
        server.say(31, 10);
        server.fanout.publish(ROOM, &joined(1031));
        server.settle();
        let expected = [
            past(28),
            past(29),
            past(30),
            Item::ReplayEnd(ROOM, 3),
            Item::Notice("hello".into()),
            new(31),
            new(1031),
        ];
        assert_eq!(server.read(0), expected);
    }
}

#[test]
fn an_entry_longer_than_a_record_arrives_whole_whatever_the_kernel_takes() {
    for step in [1, 7, 1_000, 5_000, 16_000, 17_000] {
        for dialect in [Dialect::Sealed, Dialect::Line] {
            let mut server = Server::new();
            server.enter(0, dialect);
            server.kernel.peer(client(0)).space = 0;
            let count = if step < 100 { 200 } else { 40_000 };
            server.say(1, count);
            server.say(2, 10);
            server.settle();
            while !server.fanout.is_idle(client(0)) {
                server.give(0, step);
                server.settle();
            }
            let new = match dialect {
                Dialect::Sealed => live,
                Dialect::Line => live_line,
            };
            assert_eq!(server.read(0), [new(1), new(2)]);
            assert_eq!(server.fanout.usage().write_buffer_bytes, 0);
        }
    }
}

#[test]
fn a_begun_entry_is_finished_after_leaving_expulsion_dissolution_and_before_replies() {
    for how in 0..4 {
        for dialect in [Dialect::Sealed, Dialect::Line] {
            let mut server = Server::new();
            server.enter(0, dialect);
            server.kernel.peer(client(0)).space = 5;
            server.say(1, 60_000);
            server.say(2, 10);
            server.settle();
            let fanout = &mut server.fanout;
            match how {
                0 => fanout.leave(ROOM, client(0)),
                1 => fanout.expel(client(0), Close::Removed),
                2 => fanout.dissolve(ROOM),
                _ => {}
            }
            fanout.reply(client(0), &Event::Notice(Arc::from("after")));
            server.give(0, usize::MAX);
            server.settle();
            let items = server.read(0);
            let first = matches!(items[0], Item::Entry { serial: 1, .. });
            assert!(first && !server.kernel.peer(client(0)).is_mid_message());
            let rest = &items[1..];
            let after = Item::Notice("after".into());
            match how {
                0 | 2 => assert_eq!(rest, [after]),
                1 => assert!(rest.is_empty() && server.kernel.peer(client(0)).is_finished),
                _ => assert!(rest.len() == 2 && rest[0] == after),
            }
            assert_eq!(server.fanout.usage().unfinished_bytes, 0);
        }
    }
}

#[test]
fn finishing_delivers_what_was_published_and_owed_and_nothing_after() {
    for dialect in [Dialect::Sealed, Dialect::Line] {
        let mut server = Server::new();
        server.enter(0, dialect);
        server.kernel.peer(client(0)).space = 0;
        server.say(1, 30_000);
        server.say(2, 10);
        server.settle();
        server
            .fanout
            .replay(ROOM, client(0), From::After(EntryId(1)));
        server
            .fanout
            .reply(client(0), &Event::Notice(Arc::from("answer")));
        server
            .fanout
            .finish(client(0), Some(&Event::Bye(None)), Close::Done);
        server.say(3, 10);
        server.fanout.dissolve(ROOM);
        server.settle();
        assert!(!server.kernel.peer(client(0)).is_finished);
        server.give(0, usize::MAX);
        server.settle();
        let items = server.read(0);
        let serials: Vec<u64> = items.iter().filter_map(serial).collect();
        assert!(serials == [1, 2, 2], "{items:?}");
        assert_eq!(
            items
                .iter()
                .filter(|item| **item == Item::ReplayEnd(ROOM, 1))
                .count(),
            1
        );
        assert_eq!(items.last(), Some(&Item::Bye));
        let peer = server.kernel.peer(client(0));
        assert!(peer.is_finished && peer.closed == Some(Close::Done));
        assert_eq!(
            server.fanout.usage().logs_bytes,
            0,
            "the room went with its last member"
        );
    }
}

fn serial(item: &Item) -> Option<u64> {
    match item {
        Item::Entry { serial, .. } => Some(*serial),
        _ => None,
    }
}

#[test]
fn ones_own_words_are_withheld_from_the_line_that_said_them_only() {
    let mut server = Server::new();
    server.enter(0, Dialect::Line);
    server.enter(1, Dialect::Line);
    server.enter(2, Dialect::Sealed);
    server.say(1, 10);
    let mut own = said(2, 2, 10);
    own.origin = Some(client(0));
    server.fanout.publish(ROOM, &own);
    server.say(3, 10);
    server.settle();
    assert_eq!(server.read(0), [live_line(1), live_line(3)]);
    assert_eq!(server.read(1), [live_line(1), live_line(2), live_line(3)]);
    assert_eq!(server.read(2), [live(1), live(2), live(3)]);
    server.say(4, 10);
    server.settle();
    assert_eq!(server.read(0), [live_line(4)]);
}

#[test]
fn ignored_people_are_not_shown_until_they_are_heeded_again() {
    let mut server = Server::new();
    server.enter(0, Dialect::Sealed);
    let by = |id: u64, author: &str| {
        let mut entry = said(id, id, 10);
        entry.author = name(author);
        entry
    };
    server.fanout.ignore(client(0), Arc::from([name("BOB")]));
    for (id, author) in [(1, "bob"), (2, "ann"), (3, "bob")] {
        server.fanout.publish(ROOM, &by(id, author));
    }
    server.settle();
    assert_eq!(server.read(0), [live(2)]);
    server.fanout.ignore(client(0), Arc::from([]));
    server.fanout.publish(ROOM, &by(4, "bob"));
    server.settle();
    assert_eq!(server.read(0), [live(4)]);
}

#[test]
fn a_room_without_history_shows_newcomers_nothing() {
    let mut server = Server::new();
    server.say(1, 10);
    server.fanout.keep(ROOM, false);
    server.say(2, 10);
    server.open(0, Dialect::Sealed, usize::MAX);
    server.fanout.join(ROOM, client(0), From::Newest(20), None);
    server.settle();
    assert_eq!(server.read(0), [Item::ReplayEnd(ROOM, 0)]);
    server.open(1, Dialect::Sealed, usize::MAX);
    server
        .fanout
        .join(ROOM, client(1), From::After(EntryId(1)), None);
    server.fanout.keep(ROOM, true);
    server.say(3, 10);
    server.settle();
    let expected = [Item::Missed(ROOM, 1), Item::ReplayEnd(ROOM, 0), live(3)];
    assert_eq!(server.read(1), expected);
    server.open(2, Dialect::Sealed, usize::MAX);
    server.fanout.join(ROOM, client(2), From::Newest(20), None);
    server.settle();
    assert_eq!(server.read(2), [live(3), Item::ReplayEnd(ROOM, 1)]);
}

#[test]
fn a_new_inbox_says_nothing_about_its_past_on_the_line_door() {
    let mut server = Server::new();
    server.fanout.found(INBOX, None, true, Extent::EMPTY);
    server.open(0, Dialect::Line, usize::MAX);
    server.fanout.join(INBOX, client(0), From::Newest(0), None);
    let mut private = said(1, 1, 5);
    let text: Arc<str> = kernel::text(1, 5).into();
    private.body = crate::chat::Body::Received(text);
    server.fanout.publish(INBOX, &private);
    server.settle();
    assert_eq!(server.read(0), [live_line(1)]);
}

#[test]
fn a_broken_connection_is_reported_and_left_alone() {
    let mut server = Server::new();
    server.enter(0, Dialect::Sealed);
    server.kernel.peer(client(0)).is_broken = true;
    server.say(1, 10);
    server.settle();
    let mut doomed = Vec::new();
    server.fanout.take_doomed(&mut doomed);
    assert_eq!(doomed, [(client(0), Loss::Reset)]);
    server.say(2, 10);
    server.settle();
    server.fanout.close(client(0));
    let next = ClientId {
        generation: 2,
        ..client(0)
    };
    server.fanout.open(next, Dialect::Line);
    server.fanout.reply(client(0), &Event::AskName);
    assert_eq!(
        server.fanout.owed(next),
        0,
        "the former user's answer is not the next one's"
    );
}

/// Goal: an answer never overtakes what was asked for before it, for readers of both dialects.
#[test]
fn answers_come_after_the_replay_they_follow() {
    for dialect in [Dialect::Sealed, Dialect::Line] {
        let mut server = Server::new();
        server.enter(0, dialect);
        (1..=3).for_each(|id| server.say(id, 64));
        server.settle();
        server.read(0);
        server.fanout.replay(ROOM, client(0), From::Newest(2));
        let answer = Event::Notice("n=1".into());
        server.fanout.reply(client(0), &answer);
        server.say(4, 64);
        server.settle();
        let heard = server.read(0);
        let place = |wanted: &Item| heard.iter().position(|item| item == wanted).unwrap();
        let answered = place(&Item::Notice("n=1".into()));
        assert_eq!(answered, place(&Item::ReplayEnd(ROOM, 2)) + 1, "{heard:?}");
    }
}

/// Goal: leaving in the middle of a replay loses no answer, and the replay is closed.
#[test]
fn a_replay_cut_short_is_closed_and_its_answers_are_kept() {
    let mut server = Server::new();
    server.enter(0, Dialect::Line);
    (1..=3).for_each(|id| server.say(id, 64));
    server.settle();
    server.read(0);
    server.fanout.replay(ROOM, client(0), From::Newest(2));
    server.fanout.reply(client(0), &Event::Notice("n=1".into()));
    server.fanout.leave(ROOM, client(0));
    server.settle();
    assert_eq!(
        server.read(0),
        [Item::ReplayEnd(ROOM, 0), Item::Notice("n=1".into())]
    );
}
