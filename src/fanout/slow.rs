//! The slow fill: entry by entry, over the index.
//!
//! Members read so before their mark, when somebody is ignored, when entries were missed, and on
//! the line door while their own words lie ahead. What they are shown is made from the sealed
//! entry, so it is the same whatever else is in memory. All others copy runs.

use super::below::{Next, Reading};
use super::connection::CatchUp;
use super::offer::{Placed, Source, Told};
use super::room::Place;
use super::visit::Filled;
use super::{Dialect, Fanout};
use crate::wire::line::Tense;

/// What one step of a member over its room's index came to.
enum Step {
    /// There may be more.
    On,
    /// The record takes no more.
    Full,
    /// Nothing until a page has come.
    Wait,
    /// Nothing is left that needs this; runs can be copied from here.
    Run(u64),
    /// It has had everything.
    Caught,
}

impl Fanout {
    /// What a room has for a member that reads entry by entry.
    pub(super) fn fill_entries(&mut self, slot: u32, at: u32, member: u32) -> Filled {
        loop {
            match self.step(slot, at, member) {
                Step::On => {}
                Step::Full => return Filled::Full,
                Step::Wait => {
                    let members = &mut self.rooms[at as usize].members;
                    members.clear_behind(member as usize);
                    return Filled::Waiting;
                }
                Step::Run(position) => {
                    return self.fill_run(slot, at, member, (Dialect::Sealed, position));
                }
                Step::Caught => {
                    let members = &mut self.rooms[at as usize].members;
                    members.clear_behind(member as usize);
                    return Filled::Done;
                }
            }
        }
    }

    fn step(&mut self, slot: u32, at: u32, member: u32) -> Step {
        let Place::Entry(next) = self.rooms[at as usize].members.place(member as usize) else {
            unreachable!("only members that read by entry come here");
        };
        let connection = &mut self.connections[slot as usize];
        let Some(catch_up) = connection.catch_up_mut(at) else {
            return self.step_live(slot, at, member, next);
        };
        if catch_up.is_unreadable {
            let placed = self.offer_told(slot, at, Told::Unreadable, &[]);
            self.catch_up_mut(slot, at).is_unreadable = placed == Placed::Later;
            return placed.step();
        }
        if catch_up.missed > 0 {
            let missed = Told::Missed(catch_up.missed);
            let placed = self.offer_told(slot, at, missed, &[]);
            if placed == Placed::Taken {
                self.catch_up_mut(slot, at).missed = 0;
            }
            return placed.step();
        }
        if catch_up.below.is_some() {
            return self.step_below(slot, at);
        }
        let Some(newcomer) = catch_up.newcomer.as_ref() else {
            self.end_catch_up(slot, at);
            return Step::On;
        };
        if next >= newcomer.mark {
            return self.step_mark(slot, at);
        }
        match self.offer_entry(slot, at, Source::Log(next), Tense::Past) {
            None => {}
            Some(Placed::Later) => return Step::Full,
            Some(Placed::Taken) => {
                let newcomer = self.catch_up_mut(slot, at).newcomer.as_mut();
                newcomer.expect("it was there before").shown += 1;
            }
        }
        let members = &mut self.rooms[at as usize].members;
        members.set_place(member as usize, Place::Entry(next + 1));
        Step::On
    }

    /// What a member that is not simply live catches up with.
    fn catch_up_mut(&mut self, slot: u32, at: u32) -> &mut CatchUp {
        let catch_up = self.connections[slot as usize].catch_up_mut(at);
        catch_up.expect("it catches up until that is over")
    }

    /// A step of a member below memory.
    fn step_below(&mut self, slot: u32, at: u32) -> Step {
        let catch_up = self.catch_up_mut(slot, at);
        let mark_id = catch_up.newcomer.as_ref().map(|newcomer| newcomer.mark_id);
        let below = catch_up.below.take();
        let mut below = below.expect("it was seen to be below memory");
        let reading = Reading::Member { room: at };
        let next = self.next_below(slot, at, reading, &mut below, mark_id);
        let step = match next {
            Next::Entry { serial, offset, id } => {
                let is_past = mark_id.is_some();
                let source = Source::Page { serial, offset };
                let placed = match is_past {
                    false if below.is_own(id) => None,
                    false => self.offer_entry(slot, at, source, Tense::Live),
                    true => self.offer_entry(slot, at, source, Tense::Past),
                };
                if placed != Some(Placed::Later) {
                    self.pass_below(slot, reading, &mut below, id);
                    if let Some(newcomer) = self.catch_up_mut(slot, at).newcomer.as_mut() {
                        newcomer.shown += u64::from(placed.is_some());
                    }
                }
                placed.map_or(Step::On, Placed::step)
            }
            Next::Missed(count) => {
                self.catch_up_mut(slot, at).missed += count;
                Step::On
            }
            Next::Mark => {
                self.catch_up_mut(slot, at).below = Some(below);
                return self.step_mark(slot, at);
            }
            Next::Wait => Step::Wait,
            Next::Failed => {
                let catch_up = self.catch_up_mut(slot, at);
                catch_up.is_unreadable = true;
                catch_up.missed += below.lost(mark_id);
                return Step::On;
            }
            Next::Over => return Step::On,
        };
        self.catch_up_mut(slot, at).below = Some(below);
        step
    }

    /// A member at its mark is told so, and greeted; what follows is new.
    fn step_mark(&mut self, slot: u32, at: u32) -> Step {
        let newcomer = self.catch_up_mut(slot, at).newcomer.take();
        let newcomer = newcomer.expect("only newcomers have a mark");
        let dialect = self.connections[slot as usize].dialect;
        let is_new_inbox = newcomer.shown == 0 && self.rooms[at as usize].name.is_none();
        let placed = if is_new_inbox && dialect == Dialect::Line {
            // The first private message makes the inbox; nobody asked for what was before.
            self.offer(slot, &newcomer.greeting)
        } else {
            let end = Told::ReplayEnd(newcomer.shown);
            self.offer_told(slot, at, end, &newcomer.greeting)
        };
        if placed == Placed::Later {
            self.catch_up_mut(slot, at).newcomer = Some(newcomer);
            return Step::Full;
        }
        #[cfg(test)]
        self.plant_shared_mark(slot);
        Step::On
    }

    /// Ends what a member was being shown of a room that it leaves: it is told how much that was,
    /// and what it was answered meanwhile is kept.
    pub(super) fn cut_short(&mut self, slot: u32, at: u32) {
        self.release_page(slot, Reading::Member { room: at });
        if self.connections[slot as usize].page_room() == Some(at) {
            self.release_page(slot, Reading::Replay);
        }
        let connection = &mut self.connections[slot as usize];
        let dialect = connection.dialect;
        let Some(cold) = connection.cold.as_mut() else {
            return;
        };
        let mut ends = Vec::new();
        for catch_up in cold.catch_ups.extract_if(.., |one| one.room == at) {
            let newcomer = catch_up.newcomer;
            ends.extend(newcomer.map(|one| (one.asked, one.shown, one.greeting)));
        }
        let (cut, kept) = std::mem::take(&mut cold.replays)
            .into_iter()
            .partition::<Vec<_>, _>(|one| one.room == at);
        cold.replays = kept.into();
        ends.extend(cut.into_iter().map(|one| (one.asked, one.shown, one.tail)));
        ends.sort_by_key(|(asked, ..)| *asked);
        for (asked, shown, tail) in ends {
            cold.append_behind(asked, |out| {
                Told::ReplayEnd(shown).encode(&self.rooms[at as usize], dialect, out);
                out.extend_from_slice(&tail);
            });
        }
    }

    fn end_catch_up(&mut self, slot: u32, at: u32) {
        let connection = &mut self.connections[slot as usize];
        let cold = connection.cold_mut();
        cold.catch_ups.retain(|one| one.room != at);
    }

    #[cfg(test)]
    fn plant_shared_mark(&mut self, slot: u32) {
        use super::fault::{Fault, is_planted};
        if is_planted(Fault::ReplayFlagPerConnection) {
            for catch_up in &mut self.connections[slot as usize].cold_mut().catch_ups {
                catch_up.newcomer = None;
            }
        }
    }

    /// A step of a member past its mark.
    fn step_live(&mut self, slot: u32, at: u32, member: u32, next: u64) -> Step {
        let connection = &self.connections[slot as usize];
        let stop = if connection.is_finishing() {
            connection.stop(at)
        } else {
            None
        };
        let room = &mut self.rooms[at as usize];
        let limit = stop.map_or(room.log.next(), |stop| stop.sequence);
        let is_filtered = !connection.ignored().is_empty();
        if next >= limit {
            if stop.is_some() {
                room.members.set_place(member as usize, Place::Stopped);
            } else if !is_filtered {
                let head = room.log.head(connection.dialect);
                let place = Place::Run(connection.dialect, head);
                room.members.set_place(member as usize, place);
            }
            return Step::Caught;
        }
        if connection.dialect == Dialect::Sealed && !is_filtered {
            return Step::Run(room.log.position(Dialect::Sealed, next));
        }
        if self.offer_entry(slot, at, Source::Log(next), Tense::Live) == Some(Placed::Later) {
            return Step::Full;
        }
        let members = &mut self.rooms[at as usize].members;
        members.set_place(member as usize, Place::Entry(next + 1));
        Step::On
    }
}

impl Placed {
    fn step(self) -> Step {
        match self {
            Self::Taken => Step::On,
            Self::Later => Step::Full,
        }
    }
}
