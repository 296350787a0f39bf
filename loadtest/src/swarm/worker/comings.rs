//! Comings and goings: who connects, who has joined, who failed, who is made to leave.

use super::Worker;
use crate::link::{Account, Link, Trouble};
use crate::plan::{Proof, Role};
use crate::swarm::connection::Connection;
use mio::{Interest, Token};
use parlour::crypto::handshake::StaticKey;
use std::sync::Arc;
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
        let is_back = std::mem::replace(&mut state.has_joined, true);
        let is_given_up = is_back && state.listening.role == Role::Stuck;
        state.has_account |= self.plan.members[state.index].account.is_some();
        state.failures = 0;
        if std::mem::take(&mut state.listening.goes_on) {
            self.ears.harvest.resumed += 1;
        } else if is_back {
            self.ears.harvest.begun_anew += 1;
        } else if self.speaking.is_some() && is_cut_off(state.listening.role) {
            // It comes late: others were told what it was not.
            self.ears.begin_anew(&mut state.listening);
        }
        match self.scattered_at {
            Some(scattered) => self.ears.harvest.rejoining.record(now - scattered),
            None if is_given_up => {}
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
        // Who is refused with it would be so again.
        let is_refused = matches!(trouble, Trouble::Refused(_));
        state.bookmark = connection.bookmark().filter(|_| !is_refused);
        self.board.set_trouble(trouble);
        self.ears.harvest.note_trouble(trouble);
        self.forget(seat, connection.joined);
        self.give_up_or_wait(seat, self.clock.now());
    }

    /// Who could not connect or stay comes again later, or not at all.
    fn give_up_or_wait(&mut self, seat: usize, now: Duration) {
        let state = &mut self.seats[seat];
        let comes_back = match state.listening.role {
            Role::Mover | Role::Returning => true,
            Role::Stuck => state.has_joined && self.plan.protocol.resumes(),
            Role::Steady | Role::Publisher => false,
        };
        if comes_back {
            state.failures += 1;
            let failures = state.failures - 1;
            self.crowd.push_again(seat, failures, now);
        } else {
            self.board.column(self.thread).failed.fetch_add(1, Relaxed);
            if state.listening.role == Role::Steady {
                self.ears.lose(&self.seats[seat].listening);
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
            self.ears.begin_anew(listening);
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
                self.give_up_or_wait(seat, now);
            }
        }
    }

    fn begin(&mut self, seat: usize) -> Result<(), Trouble> {
        let state = &mut self.seats[seat];
        let everybody = u32::try_from(self.plan.members.len()).expect("members are bounded");
        let place = u32::try_from(state.index).expect("members are bounded");
        let bookmark = state
            .bookmark
            .clone()
            .filter(|_| match state.listening.role {
                Role::Returning | Role::Stuck => true,
                Role::Steady | Role::Mover | Role::Publisher => false,
            });
        let member = self.plan.members[state.index];
        if bookmark.is_none() && !(member.account.is_some() && state.logins > 0) {
            // The server may still know the last name; only an account's is its own for ever.
            state.logins += 1;
        }
        let name = place + state.logins.saturating_sub(1) * everybody;
        if member.account == Some(Proof::Key) && state.key.is_none() {
            let random = self.entropy.key();
            state.key = Some(Arc::new(StaticKey::generate(random)));
        }
        let account = member.account.map(|_| Account {
            key: state.key.clone(),
            exists: state.has_account,
        });
        let persona = self.plan.persona(state.index, name, account);
        let link = Link::new(self.plan.protocol, &persona, member.verifies, bookmark);
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
            if is_cut_off(self.seats[seat].listening.role)
                && let Some(connection) = self.seats[seat].connection.take()
            {
                self.seats[seat].bookmark = connection.bookmark();
                self.forget(seat, connection.joined);
                connection.reset();
                self.crowd.push(seat);
            }
        }
    }

    /// Lets all movers leave, as if they had never been there.
    pub(super) fn depart(&mut self) {
        for seat in 0..self.seats.len() {
            if is_cut_off(self.seats[seat].listening.role)
                && let Some(connection) = self.seats[seat].connection.take()
            {
                self.forget(seat, connection.joined);
                self.seats[seat].has_joined = false;
                connection.leave(&mut self.out);
            }
        }
    }

    /// Lets all movers that are away connect at once, and whoever is cut off from now on.
    pub(super) fn bring_back(&mut self, is_timed: bool) {
        self.crowd.lift_bounds();
        self.scattered_at = is_timed.then(|| self.clock.now());
        for seat in 0..self.seats.len() {
            let state = &self.seats[seat];
            if is_cut_off(state.listening.role) && state.connection.is_none() {
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

/// Whether a storm cuts such a member off.
const fn is_cut_off(role: Role) -> bool {
    match role {
        Role::Mover | Role::Returning => true,
        Role::Steady | Role::Stuck | Role::Publisher => false,
    }
}
