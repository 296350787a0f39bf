//! The write phase: who is visited, in which order, for how long.
//!
//! First connections whose kernel has space again, because they hold buffers; then connections
//! that are owed something themselves; then small rooms; then one slice of one large room, the
//! large ones in turn; last, and for a short time, connections whose files wait. Over and over,
//! until nothing waits, the time is spent or there is news. So a room of two is served between the
//! slices of a room of thousands, and each kind gets its share of every turn.

use super::{Fanout, Outlets};
use crate::limits::{
    ROOM_SLICE_BUDGET, ROOM_SLICE_MEMBERS, SPARE_SLICE_BUDGET, VISITS_PER_CLOCK_READING,
    WRITE_PHASE_BUDGET,
};
use std::time::Duration;

/// How the time of a sweep goes by. The clock is asked once per several visits.
struct Clock {
    elapsed: Duration,
    visits_left: u32,
}

impl Clock {
    /// Counts a visit; says whether `deadline` has passed.
    fn passed<O: Outlets>(&mut self, deadline: Duration, outlets: &mut O) -> bool {
        self.visits_left -= 1;
        if self.visits_left == 0 {
            self.visits_left = VISITS_PER_CLOCK_READING;
            self.elapsed = outlets.elapsed();
        }
        self.elapsed >= deadline
    }

    /// When a slice that begins now must end.
    fn slice_end(&self) -> Duration {
        (self.elapsed + ROOM_SLICE_BUDGET).min(WRITE_PHASE_BUDGET)
    }
}

impl Fanout {
    /// Visits connections until nothing waits or the phase's time is spent.
    pub fn sweep<O: Outlets>(&mut self, now: Duration, outlets: &mut O) {
        self.now = now;
        let mut clock = Clock {
            elapsed: Duration::ZERO,
            visits_left: VISITS_PER_CLOCK_READING,
        };
        self.relieve();
        self.ledger.sweep_orphans();
        while self.has_visits() {
            self.has_offered = false;
            self.drain(&mut clock, outlets);
            self.serve_ready(&mut clock, outlets);
            self.serve_small(&mut clock, outlets);
            self.serve_large(&mut clock, outlets);
            self.serve_spare(&mut clock, outlets);
            // Whoever waits for space among the begun entries is looked at again next turn. News
            // may be for a small room; a large one has had a slice, so it goes on all the same.
            if clock.elapsed >= WRITE_PHASE_BUDGET || !self.has_offered || outlets.has_news() {
                return;
            }
        }
    }

    /// Connections that hold the rest of a record and can send it.
    fn drain<O: Outlets>(&mut self, clock: &mut Clock, outlets: &mut O) {
        let end = clock.slice_end();
        while let Some(slot) = self.queues.draining.pop_front() {
            self.visit(slot, outlets);
            self.hold_unfinished_bound();
            if clock.passed(end, outlets) {
                return;
            }
        }
    }

    /// Connections that are owed something beside their rooms, each once.
    fn serve_ready<O: Outlets>(&mut self, clock: &mut Clock, outlets: &mut O) {
        let end = clock.slice_end();
        for _ in 0..self.queues.ready.len() {
            if !self.buffers.can_lend() {
                return;
            }
            let Some(slot) = self.queues.ready.pop_front() else {
                return;
            };
            self.connections[slot as usize].is_ready = false;
            self.visit(slot, outlets);
            self.hold_unfinished_bound();
            if clock.passed(end, outlets) {
                return;
            }
        }
    }

    /// Small rooms, each wholly.
    fn serve_small<O: Outlets>(&mut self, clock: &mut Clock, outlets: &mut O) {
        let end = clock.slice_end();
        for _ in 0..self.queues.small.len() {
            let Some(at) = self.queues.small.pop_front() else {
                return;
            };
            self.serve_room(at, end, clock, outlets);
            if clock.elapsed >= end || !self.buffers.can_lend() {
                return;
            }
        }
    }

    /// One slice of the large room whose turn it is.
    fn serve_large<O: Outlets>(&mut self, clock: &mut Clock, outlets: &mut O) {
        if let Some(at) = self.queues.large.pop_front() {
            let end = clock.elapsed + ROOM_SLICE_BUDGET;
            self.serve_room(at, end, clock, outlets);
        }
    }

    /// Connections that have what may wait for everything else, each once.
    fn serve_spare<O: Outlets>(&mut self, clock: &mut Clock, outlets: &mut O) {
        let end = clock.elapsed + SPARE_SLICE_BUDGET;
        for _ in 0..self.queues.spare.len() {
            if !self.buffers.can_lend() {
                return;
            }
            let Some(slot) = self.queues.spare.pop_front() else {
                return;
            };
            self.connections[slot as usize].is_spare_queued = false;
            self.visit(slot, outlets);
            self.hold_unfinished_bound();
            if clock.passed(end, outlets) {
                return;
            }
        }
    }

    /// One slice of a room that has left its queue; it goes back if anybody is still behind.
    fn serve_room<O: Outlets>(
        &mut self,
        at: u32,
        end: Duration,
        clock: &mut Clock,
        outlets: &mut O,
    ) {
        let from = self.rooms[at as usize].sweep_at;
        let (mut next, mut has_wrapped) = (from, false);
        for _ in 0..ROOM_SLICE_MEMBERS {
            if !self.buffers.can_lend() {
                break;
            }
            let members = &self.rooms[at as usize].members;
            let found = members.next_behind(next);
            let found = match found {
                None if !has_wrapped => {
                    has_wrapped = true;
                    members.next_behind(0)
                }
                found => found,
            };
            let Some(member) = found else {
                break;
            };
            if has_wrapped && member >= from {
                break;
            }
            let slot = members.slot(member);
            next = member + 1;
            self.visit(slot, outlets);
            self.hold_unfinished_bound();
            if clock.passed(end, outlets) {
                break;
            }
        }
        let room = &mut self.rooms[at as usize];
        room.sweep_at = next;
        room.is_queued = false;
        if room.members.next_behind(0).is_some() {
            self.queue_room(at);
        }
    }
}
