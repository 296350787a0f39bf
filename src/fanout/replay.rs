//! Replays: what was before, shown once more by a temporary cursor.

use super::Fanout;
use super::below::{Next, Reading};
use super::connection::Replay;
use super::offer::{Placed, Source, Told};
use super::visit::Filled;
use crate::wire::line::Tense;

impl Fanout {
    /// The replay that a connection asked for first.
    pub(super) fn fill_replay(&mut self, slot: u32) -> Filled {
        loop {
            let cold = self.connections[slot as usize].cold_mut();
            let replay = cold.replays.pop_front();
            let mut replay = replay.expect("only who asked for one comes here");
            let at = replay.room;
            let filled = self.step_replay(slot, &mut replay);
            if filled == Some(Filled::Done) {
                // What is new there may have waited for the end.
                self.look_again(slot, at);
            } else {
                let cold = self.connections[slot as usize].cold_mut();
                cold.replays.push_front(replay);
            }
            if let Some(filled) = filled {
                return filled;
            }
        }
    }

    /// One step of a replay; nothing if there may be more.
    fn step_replay(&mut self, slot: u32, replay: &mut Replay) -> Option<Filled> {
        let at = replay.room;
        self.skip_gone(replay);
        if !replay.is_begun {
            // What is new goes on until the first of the past is here.
            let waits = replay.below.as_mut().is_some_and(|below| {
                let next = self.next_below(slot, at, Reading::Replay, below, None);
                matches!(next, Next::Wait)
            });
            if waits {
                return Some(Filled::Waiting);
            }
            let placed = self.offer_told(slot, at, Told::ReplayBegin, &[]);
            replay.is_begun = placed == Placed::Taken;
            return placed.filled();
        }
        if replay.is_unreadable {
            let placed = self.offer_told(slot, at, Told::Unreadable, &[]);
            replay.is_unreadable = placed == Placed::Later;
            return placed.filled();
        }
        if replay.missed > 0 {
            let placed = self.offer_told(slot, at, Told::Missed(replay.missed), &[]);
            if placed == Placed::Taken {
                replay.missed = 0;
            }
            return placed.filled();
        }
        if replay.below.is_some() {
            return self.step_replay_below(slot, replay);
        }
        if replay.next >= replay.end {
            let end = Told::ReplayEnd(replay.shown);
            let placed = self.offer_told(slot, at, end, &replay.tail);
            return Some(placed.filled().unwrap_or(Filled::Done));
        }
        let is_stored = self.rooms[at as usize].log.entry(replay.next).is_stored();
        let source = Source::Log(replay.next);
        match self.offer_entry(slot, at, source, Tense::Past) {
            None => {}
            Some(Placed::Later) => return Some(Filled::Full),
            Some(Placed::Taken) => replay.shown += 1,
        }
        replay.next += 1;
        replay.stored_before += u64::from(is_stored);
        None
    }

    /// Moves a replay to what its room's log still has; what lies between is the store's to give,
    /// or missed.
    fn skip_gone(&self, replay: &mut Replay) {
        let log = &self.rooms[replay.room as usize].log;
        if replay.next >= log.first() {
            return;
        }
        let stored_before = log.stored_before(log.first());
        let stored_before = stored_before.min(replay.stored_before_end);
        if self.bounds.has_store && !self.rooms[replay.room as usize].is_dissolved {
            replay.fall_below(stored_before);
        } else {
            replay.missed += stored_before - replay.stored_before;
        }
        replay.next = log.first().min(replay.end);
        replay.stored_before = stored_before;
    }

    /// One step of a replay below memory.
    fn step_replay_below(&mut self, slot: u32, replay: &mut Replay) -> Option<Filled> {
        let at = replay.room;
        let below = replay.below.as_mut().expect("it was seen to be below");
        match self.next_below(slot, at, Reading::Replay, below, None) {
            Next::Entry { serial, offset, id } => {
                let source = Source::Page { serial, offset };
                match self.offer_entry(slot, at, source, Tense::Past) {
                    None => {}
                    Some(Placed::Later) => return Some(Filled::Full),
                    Some(Placed::Taken) => replay.shown += 1,
                }
                self.pass_below(slot, Reading::Replay, below, id);
            }
            Next::Missed(count) => replay.missed += count,
            Next::Wait => return Some(Filled::Waiting),
            Next::Failed => {
                replay.is_unreadable = true;
                replay.give_up_below();
            }
            Next::Over => replay.below = None,
            Next::Mark => unreachable!("a replay has no mark"),
        }
        None
    }
}

impl Placed {
    /// What it means for who has more to offer.
    fn filled(self) -> Option<Filled> {
        match self {
            Self::Taken => None,
            Self::Later => Some(Filled::Full),
        }
    }
}
