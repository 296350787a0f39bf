//! Comings and goings: who connects, who has joined, who failed, who is made to leave.

use super::Worker;
use crate::ledger::{Account, Since, Until};
use crate::link::{Link, Trouble};
use crate::plan::Role;
use crate::swarm::connection::Connection;
use mio::{Interest, Token};
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

/// Connections begun in one turn.
const BEGINS_PER_TURN: usize = 64;

impl Worker {
    /// A member has joined its room.
    pub(super) fn welcome(&mut self, seat: usize, now: Duration) {
        let state = &mut self.seats[seat];
        let Some(connection) = state.connection.as_mut().filter(|found| !found.joined) else {
            return;
        };
        connection.joined = true;
        state.has_joined = true;
        state.failures = 0;
        match self.scattered_at {
            Some(scattered) => self.ears.harvest.rejoining.record(now - scattered),
            None => self.ears.harvest.joining.record(now - connection.began),
        }
        self.crowd.settle_one();
        let column = self.board.column(self.thread);
        column.joined.fetch_add(1, Relaxed);
        column.present.fetch_add(1, Relaxed);
    }

    /// A member's connection has ended, and not because we wanted it.
    pub(super) fn fail(&mut self, seat: usize, trouble: &Trouble) {
        self.out.clear();
        let state = &mut self.seats[seat];
        let Some(connection) = state.connection.take() else {
            return;
        };
        state.ended = false;
        self.board.set_trouble(trouble);
        self.ears.harvest.note_trouble(trouble);
        self.forget(seat, connection.joined);
        let now = self.clock.now();
        let state = &mut self.seats[seat];
        match state.listening.role {
            Role::Mover => {
                state.failures += 1;
                let failures = state.failures - 1;
                self.crowd.push_again(seat, failures, now);
            }
            Role::Steady | Role::Stuck | Role::Publisher => {
                self.board.column(self.thread).failed.fetch_add(1, Relaxed);
                if state.listening.role == Role::Steady {
                    self.ears.lose(&self.seats[seat].listening);
                }
            }
        }
    }

    /// Takes a connection that has ended out of the counts.
    fn forget(&mut self, seat: usize, joined: bool) {
        if joined {
            self.board.column(self.thread).present.fetch_sub(1, Relaxed);
        } else {
            self.crowd.settle_one();
        }
        let listening = &mut self.seats[seat].listening;
        if listening.role == Role::Mover {
            let speakers = self.plan.groups[usize::from(listening.group)]
                .speakers
                .clone();
            let fresh = Account::open(speakers, Since::FirstHeard);
            let account = std::mem::replace(&mut listening.account, fresh);
            account.settle(|_| Until::LastHeard, &mut self.ears.harvest.ledger);
        }
    }

    /// Begins connections that are due.
    pub(super) fn connect(&mut self, now: Duration) {
        for _ in 0..BEGINS_PER_TURN {
            let Some(seat) = self.crowd.next(now) else {
                return;
            };
            if let Err(trouble) = self.begin(seat) {
                self.crowd.settle_one();
                self.board.set_trouble(&trouble);
                self.ears.harvest.note_trouble(&trouble);
                self.board.column(self.thread).failed.fetch_add(1, Relaxed);
                if self.seats[seat].listening.role == Role::Steady {
                    self.ears.lose(&self.seats[seat].listening);
                }
            }
        }
    }

    fn begin(&mut self, seat: usize) -> Result<(), Trouble> {
        let state = &mut self.seats[seat];
        let everybody = u32::try_from(self.plan.members.len()).expect("members are bounded");
        let place = u32::try_from(state.index).expect("members are bounded");
        let persona = self
            .plan
            .persona(state.index, place + state.attempts * everybody);
        state.attempts += 1;
        let member = self.plan.members[state.index];
        let link = Link::new(self.plan.protocol, &persona, member.verifies);
        let source = self.plan.sources.of(state.index);
        let trouble = |error: std::io::Error| Trouble::Socket(error.to_string());
        self.board.column(self.thread).begun.fetch_add(1, Relaxed);
        let mut connection =
            Connection::begin(self.plan.server, source, link, self.clock.now()).map_err(trouble)?;
        let interest = Interest::READABLE | Interest::WRITABLE;
        self.poll
            .registry()
            .register(&mut connection.stream, Token(seat), interest)
            .map_err(trouble)?;
        state.connection = Some(connection);
        Ok(())
    }

    /// Cuts off all movers, and lets them come again at once.
    pub(super) fn scatter(&mut self) {
        self.crowd.lift_bounds();
        self.scattered_at = Some(self.clock.now());
        for seat in 0..self.seats.len() {
            if self.seats[seat].listening.role == Role::Mover
                && let Some(connection) = self.seats[seat].connection.take()
            {
                self.forget(seat, connection.joined);
                connection.reset();
                self.crowd.push(seat);
            }
        }
    }

    /// Lets movers leave and come again, at the rate that was ordered.
    pub(super) fn churn(&mut self, now: Duration) {
        while let Some(churn) = self.churn.as_mut().filter(|churn| churn.next_at <= now) {
            churn.next_at += churn.interval;
            let start = churn.next_seat;
            let seats = &self.seats;
            let is_here = |seat: &usize| {
                let connection = seats[*seat].connection.as_ref();
                seats[*seat].listening.role == Role::Mover
                    && connection.is_some_and(|connection| connection.joined)
            };
            let Some(seat) = (start..seats.len()).chain(0..start).find(is_here) else {
                return;
            };
            churn.next_seat = (seat + 1) % seats.len();
            if let Some(connection) = self.seats[seat].connection.take() {
                connection.leave(&mut self.out);
                self.forget(seat, true);
                self.crowd.push(seat);
            }
        }
    }
}
