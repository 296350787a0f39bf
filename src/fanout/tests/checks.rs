//! What must follow from what happened in the model's world.

use super::kernel::{INBOX, Item};
use super::model::World;
use super::paging::UNREADABLE;
use crate::chat::{ClientId, RoomId};

impl World {
    pub(super) fn check(&mut self) {
        self.fanout.assert_invariants();
        let mut doomed = Vec::new();
        self.fanout.take_doomed(&mut doomed);
        for (client, _) in doomed {
            assert!(self.evicts, "nobody is given up while there is room");
            self.fanout.close(client);
            self.people.remove(&client);
        }
    }

    pub(super) fn read(&mut self) {
        let clients: Vec<ClientId> = self.people.keys().copied().collect();
        for client in clients {
            for item in self.kernel.read(client) {
                self.receive(client, &item);
            }
            if self.kernel.peer(client).is_finished {
                let person = &self.people[&client];
                assert!(
                    !self.kernel.peer(client).is_mid_message(),
                    "no message is cut"
                );
                assert!(
                    person.is_expelled || person.said_bye,
                    "an end has its last words"
                );
                self.fanout.close(client);
                self.people.remove(&client);
            }
        }
    }

    fn receive(&mut self, client: ClientId, item: &Item) {
        let Self { people, rooms, .. } = self;
        let person = people.get_mut(&client).unwrap();
        let withheld = person.withheld(client);
        assert!(!person.said_bye, "nothing follows the last words");
        let tails = std::mem::take(&mut person.tails);
        match item {
            Item::Notice(text) if text == UNREADABLE => {
                assert!(self.store.as_ref().is_some_and(|store| store.is_faulty));
                // Of which room it is not said; whoever is new is not told what that costs.
                let readings = person.rooms.values_mut();
                let replays = person.replays.iter_mut().map(|(_, replay)| replay);
                for reading in readings.chain(replays) {
                    reading.may_skip |= reading.is_past;
                }
            }
            Item::Notice(text) => {
                let expected = person.replies.pop_front();
                assert_eq!(expected.as_ref(), Some(text), "replies come in order");
            }
            Item::Bye => {
                assert!(person.is_finishing && person.replies.is_empty());
                assert!(person.replays.is_empty(), "replays are delivered first");
                // The past of an inbox may end without a word.
                person.cuts.retain(|(of, _)| *of != INBOX);
                assert!(person.cuts.is_empty(), "replays cut short are ended");
                for (id, reading) in &mut person.rooms {
                    let end = reading.end.expect("finishing was said");
                    reading.pass_silent_mark(*id, &rooms[id], &withheld, self.evicts);
                    assert!(!reading.is_past, "the mark was reached");
                    reading.advance(&rooms[id], &withheld, end, self.evicts);
                }
                person.said_bye = true;
            }
            Item::ReplayEnd(id, count) if person.cut(*id, *count).is_some() => {
                let at = person.cut(*id, *count).unwrap();
                person.cuts.remove(at);
            }
            Item::ReplayEnd(id, count) => {
                let reading = person.rooms.get_mut(id).expect("only members are told");
                let room = &rooms[id];
                if reading.is_past {
                    reading.pass_mark(room, &withheld, self.evicts);
                    assert_eq!(reading.shown, *count, "what was shown is counted");
                } else {
                    let (of, mut replay) = person.replays.pop_front().expect("one was asked for");
                    replay.advance(room, &withheld, replay.mark, self.evicts);
                    assert_eq!((of, replay.shown), (*id, *count));
                }
            }
            Item::Missed(id, count) => {
                let keeps_all = self.store.as_ref().is_some_and(|store| !store.is_faulty);
                assert!(!keeps_all, "nothing is missed that is stored");
                let reading = person.rooms.get_mut(id).expect("only members are told");
                match person.replays.front_mut().filter(|(of, _)| of == id) {
                    Some((_, replay)) => replay.missed += count,
                    None => reading.missed += count,
                }
            }
            Item::Entry { serial, is_past } => {
                self.receive_entry(client, *serial, *is_past, &tails);
            }
        }
    }

    /// `tails` are the rooms it left in the middle of what may be this entry.
    fn receive_entry(
        &mut self,
        client: ClientId,
        serial: u64,
        is_past: Option<bool>,
        tails: &[RoomId],
    ) {
        let Self { people, rooms, .. } = self;
        let person = people.get_mut(&client).unwrap();
        let withheld = person.withheld(client);
        let found = rooms.iter().find_map(|(id, room)| {
            let entries = &room.entries;
            let at = entries.iter().position(|record| record.serial == serial);
            at.map(|at| (*id, at))
        });
        let Some((id, at)) = found.filter(|(id, _)| person.rooms.contains_key(id)) else {
            assert!(!tails.is_empty(), "{serial} came to somebody who had left");
            return;
        };
        if tails.contains(&id) {
            return;
        }
        let reading = person.rooms.get_mut(&id).unwrap();
        let room = &rooms[&id];
        if is_past == Some(false) {
            reading.pass_silent_mark(id, room, &withheld, self.evicts);
        }
        let replay = person.replays.front_mut().filter(|(of, _)| *of == id);
        assert!(
            replay
                .as_ref()
                .is_none_or(|(_, replay)| replay.shown == 0 || at < replay.mark),
            "nothing new comes within a replay"
        );
        let replay = replay.filter(|(_, replay)| at < replay.mark && !reading.is_past);
        let reading = match replay {
            Some((_, replay)) => replay,
            None => reading,
        };
        if let Some(is_past) = is_past {
            assert_eq!(is_past, reading.is_past, "the past is marked as such");
        }
        reading.take(room, &withheld, at, self.evicts);
    }

    /// Faults stop: everybody reads, and everything arrives.
    pub(super) fn settle(&mut self) {
        let clients: Vec<ClientId> = self.people.keys().copied().collect();
        for client in clients {
            self.give(client, usize::MAX);
        }
        for _ in 0..2_000 {
            self.supply();
            self.sweep();
            self.check();
        }
        assert!(!self.fanout.has_work(), "the fan-out comes to rest");
        let Self { people, rooms, .. } = self;
        for (client, person) in people {
            assert!(
                self.fanout.is_idle(*client),
                "nothing is left for {client:?}"
            );
            assert!(
                !person.is_finishing && !person.is_expelled,
                "whoever ends is told so"
            );
            assert!(person.replies.is_empty() && person.replays.is_empty());
            let withheld = person.withheld(*client);
            for (id, reading) in &mut person.rooms {
                reading.pass_silent_mark(*id, &rooms[id], &withheld, self.evicts);
                assert!(!reading.is_past, "the mark is reached");
                reading.advance(&rooms[id], &withheld, rooms[id].entries.len(), self.evicts);
            }
        }
        let usage = self.fanout.usage();
        assert_eq!((usage.unfinished_bytes, usage.write_buffer_bytes), (0, 0));
        assert_eq!((usage.pages, usage.pages_waiting), (0, 0));
    }
}
