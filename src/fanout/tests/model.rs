//! The fan-out against a flat model, by dice.
//!
//! Goal: whatever the order of joins, departures, speech and stalls, every member gets what it
//! should, once and in order, or is told exactly how much it missed; and no bound is passed.
//! Method: the model holds every entry of every room in a list, and for each membership the place
//! in that list up to which everything is accounted for. What a client reads must lead on from
//! there: every entry skipped is one that is withheld from it, or one of those it was told it
//! missed. All rates are drawn per seed. `PARLOUR_SEED` replays one.
//!
//! In some worlds there is a store behind the logs. It answers late, in any order, sometimes
//! fails, keeps no more than it must, and outlives the fan-out: then memory lets go of much, and
//! what is stored must come all the same.

use super::super::fault::{Fault, plant};
use super::super::{Bounds, Dialect, Fanout};
use super::kernel::{INBOX, Kernel, joined, name, said};
use super::reading::{ModelRoom, Reading, Record, Withheld};
use super::shelf::Shelf;
use crate::chat::{
    Body, ClientId, Close, Entry, EntryId, Event, Extent, From, PageRequest, RoomId, RoomName,
    StoreFailure,
};
use std::collections::{BTreeMap, VecDeque};
use std::ops::RangeInclusive;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

const SEEDS: u64 = 150;
const STEPS: u32 = 400;
const SLOTS: u64 = 8;
const AUTHORS: [&str; 3] = ["ann", "bob", "cyd"];

pub(super) struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % sides
    }

    fn one_in(&mut self, sides: u64) -> bool {
        self.roll(sides) == 0
    }
}

/// A replay that was left, and how much of it was shown; which is not certain if it was left in the
/// middle of an entry.
type Cut = (RoomId, RangeInclusive<u64>);

pub(super) struct Person {
    pub(super) dialect: Dialect,
    pub(super) ignored: Option<&'static str>,
    pub(super) rooms: BTreeMap<RoomId, Reading>,
    pub(super) replays: VecDeque<(RoomId, Reading)>,
    /// Rooms it left in the middle of a message, which may be of one of them.
    pub(super) tails: Vec<RoomId>,
    /// Rooms it left while it was being shown what was before, and how much it was; each end is
    /// still told.
    pub(super) cuts: Vec<Cut>,
    pub(super) replies: VecDeque<String>,
    pub(super) is_finishing: bool,
    pub(super) is_expelled: bool,
    pub(super) said_bye: bool,
}

pub(super) struct World {
    pub(super) dice: Dice,
    pub(super) fanout: Fanout,
    pub(super) kernel: Kernel,
    pub(super) rooms: BTreeMap<RoomId, ModelRoom>,
    pub(super) people: BTreeMap<ClientId, Person>,
    pub(super) generations: [u32; SLOTS as usize],
    pub(super) serial: u64,
    pub(super) rooms_made: u64,
    pub(super) now: Duration,
    pub(super) entry_bytes_max: u64,
    pub(super) space_max: u64,
    /// What memory loses is not all shown.
    pub(super) evicts: bool,
    pub(super) store: Option<Store>,
    bounds: Bounds,
}

/// What is behind the logs.
pub(super) struct Store {
    shelf: Shelf,
    /// What is asked and not answered.
    asked: Vec<PageRequest>,
    /// It fails, and lets go of what is old.
    pub(super) is_faulty: bool,
    entries_max: u64,
}

impl Person {
    /// Whether that may be the end of a replay that it has left.
    pub(super) fn cut(&self, room: RoomId, count: u64) -> Option<usize> {
        let is_it = |(of, counts): &Cut| *of == room && counts.contains(&count);
        self.cuts.iter().position(is_it)
    }

    pub(super) fn withheld(&self, client: ClientId) -> Withheld {
        Withheld {
            client,
            dialect: self.dialect,
            ignored: self.ignored,
        }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) + 1);
        dice.roll(2);
        let has_store = dice.one_in(2);
        let evicts = has_store || dice.one_in(2);
        let entry_bytes_max = [100, 3_000, 20_000, 50_000][dice.roll(4) as usize];
        let bounds = if evicts {
            Bounds {
                segment_bytes: 500 << dice.roll(6),
                room_log_bytes_min: 2_000 << dice.roll(4),
                room_log_entries_min: 5 << dice.roll(5) as usize,
                room_log_bytes_pressed: 130_000,
                room_log_bytes_max: 150_000,
                logs_bytes_max: 250_000,
                unfinished_bytes_max: entry_bytes_max as usize + 300 + dice.roll(60_000) as usize,
                write_buffers_max: 2 + dice.roll(6) as usize,
                small_room_members_max: 3,
                has_store,
                pages_max: 1 + dice.roll(4) as usize,
                page_bytes_max: 100 << dice.roll(8),
            }
        } else {
            Bounds {
                segment_bytes: 500 << dice.roll(8),
                room_log_bytes_min: usize::MAX / 2,
                room_log_entries_min: usize::MAX / 2,
                ..Bounds::default()
            }
        };
        let store = has_store.then(|| Store {
            shelf: Shelf::default(),
            asked: Vec::new(),
            is_faulty: dice.one_in(3),
            entries_max: 1 + dice.roll(20),
        });
        Self {
            fanout: Fanout::new(bounds),
            store,
            bounds,
            kernel: Kernel::default(),
            rooms: BTreeMap::new(),
            people: BTreeMap::new(),
            generations: [0; SLOTS as usize],
            serial: 0,
            rooms_made: 0,
            now: Duration::ZERO,
            entry_bytes_max,
            space_max: [200, 5_000, 40_000][dice.roll(3) as usize],
            evicts,
            dice,
        }
    }

    fn run(&mut self) {
        for _ in 0..STEPS {
            self.step();
            self.check();
        }
        self.settle();
    }

    fn step(&mut self) {
        match self.dice.roll(38) {
            0 => self.found(),
            1..=2 => self.open(),
            3..=5 => self.join(),
            6 => self.leave(),
            7..=16 => self.publish(),
            17..=18 => self.replay(),
            19..=20 => self.reply(),
            21 if self.dice.one_in(3) => self.close(),
            22 if self.dice.one_in(2) => self.finish(),
            23 if self.dice.one_in(3) => self.expel(),
            24 if self.dice.one_in(4) => self.keep(),
            25 if self.dice.one_in(6) => self.dissolve(),
            26..=29 => self.make_space(),
            30 if self.dice.one_in(4) => self.restart(),
            31 => self.lose(),
            32 => self.supply(),
            _ => self.sweep(),
        }
    }

    // --- What happens ---

    fn found(&mut self) {
        if self.rooms.len() >= 3 {
            return;
        }
        self.rooms_made += 1;
        let id = if self.rooms_made == 2 {
            INBOX
        } else {
            RoomId(self.rooms_made)
        };
        let keeps_history = !self.dice.one_in(4);
        self.fanout
            .found(id, room_name(id), keeps_history, Extent::EMPTY);
        let room = ModelRoom {
            keeps_history,
            ..ModelRoom::default()
        };
        self.rooms.insert(id, room);
    }

    fn open(&mut self) {
        let slot = self.dice.roll(SLOTS);
        let generation = self.generations[slot as usize];
        let slot = slot as u32;
        if self.people.contains_key(&ClientId { slot, generation }) {
            return;
        }
        self.generations[slot as usize] += 1;
        let generation = generation + 1;
        let client = ClientId { slot, generation };
        let dialect = if self.dice.one_in(2) {
            Dialect::Line
        } else {
            Dialect::Sealed
        };
        self.fanout.open(client, dialect);
        self.kernel
            .open(client, dialect, self.dice.roll(self.space_max) as usize);
        let ignored = self
            .dice
            .one_in(4)
            .then(|| AUTHORS[self.dice.roll(3) as usize]);
        if let Some(ignored) = ignored {
            self.fanout.ignore(client, Arc::from([name(ignored)]));
        }
        let person = Person {
            dialect,
            ignored,
            rooms: BTreeMap::new(),
            replays: VecDeque::new(),
            tails: Vec::new(),
            cuts: Vec::new(),
            replies: VecDeque::new(),
            is_finishing: false,
            is_expelled: false,
            said_bye: false,
        };
        self.people.insert(client, person);
    }

    fn any_room(&mut self) -> Option<RoomId> {
        let at = self.dice.roll(self.rooms.len().max(1) as u64) as usize;
        self.rooms.keys().nth(at).copied()
    }

    fn any_client(&mut self) -> Option<ClientId> {
        let at = self.dice.roll(self.people.len().max(1) as u64) as usize;
        self.people.keys().nth(at).copied()
    }

    /// Somebody who is not ending, and a room.
    fn any_pair(&mut self) -> Option<(ClientId, RoomId)> {
        let client = self.any_client()?;
        let person = &self.people[&client];
        let is_staying = !person.is_finishing && !person.is_expelled;
        is_staying.then_some((client, self.any_room()?))
    }

    fn any_from(&mut self, room: RoomId) -> From {
        let entries = &self.rooms[&room].entries;
        let newest = entries.iter().filter_map(|record| record.id).max();
        match self.dice.roll(4) {
            0 => From::Newest(self.dice.roll(30) as usize),
            1 => From::Newest(0),
            2 => From::Since(said(self.dice.roll(newest.unwrap_or(0) + 3), 0, 0).unix_ms),
            _ => From::After(EntryId(self.dice.roll(newest.unwrap_or(0) + 3))),
        }
    }

    fn join(&mut self) {
        let Some((client, room)) = self.any_pair() else {
            return;
        };
        let from = self.any_from(room);
        self.fanout.join(room, client, from, None);
        let person = self.people.get_mut(&client).unwrap();
        let reading = self.rooms[&room].start(from, self.evicts, self.store.is_some());
        person.rooms.entry(room).or_insert(reading);
    }

    fn leave(&mut self) {
        let Some((client, room)) = self.any_pair() else {
            return;
        };
        self.fanout.leave(room, client);
        self.forget_room(client, room);
    }

    fn forget_room(&mut self, client: ClientId, room: RoomId) {
        let is_mid = self.kernel.peer(client).is_mid_message();
        let person = self.people.get_mut(&client).unwrap();
        if let Some(reading) = person.rooms.remove(&room) {
            let asked = person.replays.iter().filter(|(of, _)| *of == room);
            let asked = asked.map(|(_, replay)| replay.shown);
            let newcomer = reading.is_past.then_some(reading.shown);
            let cut = |shown: u64| (room, shown..=shown + u64::from(is_mid));
            person
                .cuts
                .extend(newcomer.into_iter().chain(asked).map(cut));
            person.replays.retain(|(of, _)| *of != room);
            if is_mid {
                person.tails.push(room);
            }
        }
    }

    fn publish(&mut self) {
        let Some(room) = self.any_room() else {
            return;
        };
        let origin = if self.dice.one_in(2) {
            self.any_client()
        } else {
            None
        };
        self.serial += 1;
        let serial = self.serial;
        let model = self.rooms.get_mut(&room).unwrap();
        let ids = model.entries.iter().filter_map(|record| record.id);
        let newest = ids.max().unwrap_or(0);
        let author = AUTHORS[self.dice.roll(3) as usize];
        let entry = if self.dice.one_in(4) && room != INBOX {
            joined(serial)
        } else {
            let spread = self.entry_bytes_max >> self.dice.roll(6);
            let bytes = self.dice.roll(spread + 1) as usize;
            said(newest + 1, serial, bytes)
        };
        let body = match (&entry.body, room == INBOX) {
            (Body::Said(text), true) => Body::Received(Arc::clone(text)),
            (body, _) => body.clone(),
        };
        let entry = Entry {
            author: name(author),
            unix_ms: said(newest + 1, 0, 0).unix_ms,
            origin,
            body,
            ..entry
        };
        model.entries.push(Record {
            serial,
            id: entry.id.map(|id| id.0),
            unix_ms: entry.unix_ms,
            author,
            origin,
            is_erased: false,
            is_gone: false,
        });
        if let Some(store) = self.store.as_mut() {
            store.shelf.store(room, &entry);
        }
        let model = self.rooms.get_mut(&room).unwrap();
        if !model.keeps_history {
            model.visible_from = model.entries.len();
        }
        self.fanout.publish(room, &entry);
    }

    fn replay(&mut self) {
        let Some((client, room)) = self.any_pair() else {
            return;
        };
        let person = &self.people[&client];
        // Only while idle, so that what is replayed can be told from what is new; and where nothing
        // is let go for good, so that what is missed can.
        let loses = self.evicts && self.store.is_none();
        if loses
            || self.is_faulty()
            || !person.rooms.contains_key(&room)
            || !self.fanout.is_idle(client)
            || self.kernel.peer(client).is_mid_message()
        {
            return;
        }
        let from = self.any_from(room);
        self.fanout.replay(room, client, from);
        let reading = self.rooms[&room].start(from, self.evicts, self.store.is_some());
        let person = self.people.get_mut(&client).unwrap();
        let withheld = person.withheld(client);
        // It is idle, so it was told of all ends that there was a word for.
        person.cuts.clear();
        let live = person.rooms.get_mut(&room).expect("it is a member");
        // It is idle, so it has passed its mark.
        live.pass_silent_mark(room, &self.rooms[&room], &withheld, self.evicts);
        assert!(!live.is_past, "the mark was reached");
        person.replays.push_back((room, reading));
    }

    fn reply(&mut self) {
        let Some(client) = self.any_client() else {
            return;
        };
        self.serial += 1;
        let text = format!("n={}", self.serial);
        self.fanout
            .reply(client, &Event::Notice(Arc::from(text.as_str())));
        let person = self.people.get_mut(&client).unwrap();
        if !person.is_finishing && !person.is_expelled {
            person.replies.push_back(text);
        }
    }

    fn close(&mut self) {
        if let Some(client) = self.any_client() {
            self.fanout.close(client);
            self.people.remove(&client);
        }
    }

    fn finish(&mut self) {
        let Some((client, _)) = self.any_pair() else {
            return;
        };
        self.fanout
            .finish(client, Some(&Event::Bye(None)), Close::Done);
        let person = self.people.get_mut(&client).unwrap();
        person.is_finishing = true;
        for (id, reading) in &mut person.rooms {
            reading.end = Some(self.rooms[id].entries.len());
        }
    }

    fn expel(&mut self) {
        let Some((client, _)) = self.any_pair() else {
            return;
        };
        self.fanout.expel(client, Close::Removed);
        let rooms: Vec<RoomId> = self.people[&client].rooms.keys().copied().collect();
        for room in rooms {
            self.forget_room(client, room);
        }
        self.people.get_mut(&client).unwrap().is_expelled = true;
    }

    fn keep(&mut self) {
        if let Some(id) = self.any_room() {
            let keeps_history = self.dice.one_in(2);
            let room = self.rooms.get_mut(&id).unwrap();
            if room.keeps_history != keeps_history {
                room.visible_from = room.entries.len();
            }
            room.keeps_history = keeps_history;
            self.fanout.keep(id, keeps_history);
        }
    }

    /// A room ends for those who stay; the model forgets it when nobody finishes in it.
    fn dissolve(&mut self) {
        let Some(room) = self.any_room() else {
            return;
        };
        let is_finishing =
            |person: &Person| person.is_finishing && person.rooms.contains_key(&room);
        if room == INBOX || self.people.values().any(is_finishing) {
            return;
        }
        self.fanout.dissolve(room);
        let clients: Vec<ClientId> = self.people.keys().copied().collect();
        for client in clients {
            self.forget_room(client, room);
        }
        self.rooms.remove(&room);
        if let Some(store) = self.store.as_mut() {
            store.shelf.end(room);
        }
    }

    // --- The store ---

    pub(super) fn is_faulty(&self) -> bool {
        self.store.as_ref().is_some_and(|store| store.is_faulty)
    }

    /// The process ends and begins again: everybody is gone, and what was not stored.
    fn restart(&mut self) {
        let Some(store) = self.store.as_mut() else {
            return;
        };
        store.asked.clear();
        self.fanout = Fanout::new(self.bounds);
        self.people.clear();
        for (id, room) in &mut self.rooms {
            room.entries.retain(|record| record.id.is_some());
            room.visible_from = if room.keeps_history {
                0
            } else {
                room.entries.len()
            };
            let extent = store.shelf.extent(*id);
            self.fanout
                .found(*id, room_name(*id), room.keeps_history, extent);
        }
    }

    /// The store lets go of what is old, or something is taken back.
    fn lose(&mut self) {
        let Some(id) = self.any_room() else { return };
        let Some(store) = self.store.as_mut() else {
            return;
        };
        let records = &mut self.rooms.get_mut(&id).unwrap().entries;
        let newest = records.iter().filter_map(|record| record.id).max();
        let upto = self.dice.roll(newest.unwrap_or(0) + 1);
        if self.dice.one_in(2) {
            // Whoever waits for the newest so many might be given others.
            let waits = |person: &Person| {
                let is_past = person.rooms.get(&id).is_some_and(|one| one.is_past);
                is_past || !person.replays.is_empty()
            };
            if upto > 0 && !self.people.values().any(waits) {
                store.shelf.erase(id, upto);
                let erased = records.iter_mut().find(|record| record.id == Some(upto));
                if let Some(erased) = erased {
                    erased.is_erased = true;
                }
            }
        } else if store.is_faulty {
            store.shelf.prune(id, upto);
            let gone = records.iter_mut();
            for record in gone.filter(|one| one.id.is_some_and(|id| id <= upto)) {
                record.is_gone = true;
            }
        }
    }

    /// One of the questions is answered.
    pub(super) fn supply(&mut self) {
        let Self {
            store,
            fanout,
            dice,
            ..
        } = self;
        let Some(store) = store.as_mut() else { return };
        if store.asked.is_empty() {
            return;
        }
        let at = dice.roll(store.asked.len() as u64) as usize;
        let request = store.asked.swap_remove(at);
        let entries_max = 1 + dice.roll(store.entries_max) as usize;
        let page = store.shelf.page(&request, entries_max, dice.one_in(2));
        let answer = if store.is_faulty && dice.one_in(5) {
            Err(StoreFailure::Io)
        } else {
            Ok(page)
        };
        fanout.supply(&request, answer.clone());
        if dice.one_in(10) && !store.asked.contains(&request) {
            // One that nobody waits for.
            fanout.supply(&request, answer);
        }
    }

    fn make_space(&mut self) {
        let Some(client) = self.any_client() else {
            return;
        };
        let space = self.dice.roll(self.space_max) as usize;
        self.give(client, space);
    }

    pub(super) fn give(&mut self, client: ClientId, space: usize) {
        let peer = self.kernel.peer(client);
        peer.space = space;
        peer.is_blocked = false;
        self.fanout.writable(client);
    }

    pub(super) fn sweep(&mut self) {
        self.now += Duration::from_millis(self.dice.roll(500));
        self.kernel.elapsed = Duration::ZERO;
        self.kernel.tick = Duration::from_micros(self.dice.roll(2_000));
        self.fanout.sweep(self.now, &mut self.kernel);
        if let Some(store) = self.store.as_mut() {
            self.fanout.take_page_requests(&mut store.asked);
        }
        self.read();
    }
}

fn room_name(id: RoomId) -> Option<RoomName> {
    let name = RoomName::parse(&format!("r{}", id.0)).unwrap();
    (id != INBOX).then_some(name)
}

fn fails(seed: u64) -> bool {
    catch_unwind(AssertUnwindSafe(|| World::new(seed).run())).is_err()
}

#[test]
fn every_member_gets_what_it_should_once_and_in_order_or_is_told_what_it_missed() {
    let replayed = std::env::var("PARLOUR_SEED").ok();
    let replayed = replayed.map(|seed| seed.parse::<u64>().unwrap());
    if let Some(seed) = replayed {
        World::new(seed).run();
        return;
    }
    let seeds = 0..SEEDS;
    for seed in seeds {
        assert!(
            !fails(seed),
            "seed {seed}: replay it with PARLOUR_SEED={seed}"
        );
    }
}

#[test]
fn planted_bugs_are_found() {
    for fault in [Fault::LeaveCutsEntry, Fault::ReplayFlagPerConnection] {
        plant(Some(fault));
        let found = (0..SEEDS).any(fails);
        plant(None);
        assert!(found, "{fault:?} was not found");
    }
}
