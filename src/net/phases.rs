//! The phases after accepting: read, complete, expire, write, reap.

use super::connection::{Connection, Link, Wait};
use super::deadlines::Kind;
use super::outbound::Outbound;
use super::server::{Server, ServerError, connection_lost, list};
use crate::chat::{ClientId, Close, Door, Event, Input, Loss, Now, Outcome, Parting};
use crate::limits::{REKEYS_PER_TURN_MAX, UNREAD_DISCARDS_MAX};
use mio::net::TcpStream;
use std::io::Read;
use std::net::Shutdown;

impl Server {
    /// Reads from who has something to say, then takes the handshake steps that wait.
    pub(super) fn read(&mut self, now: Now) -> Result<(), ServerError> {
        self.read_listed(now);
        self.step_handshakes(now);
        Ok(())
    }

    /// Gives the workers' outcomes to the chat, then goes on with who waited for them.
    pub(super) fn complete(&mut self, now: Now) -> Result<(), ServerError> {
        self.complete_passwords(now)?;
        self.complete_files(now)?;
        if let Some(space) = self.workers.next_space() {
            let _ = self.chat.apply(now, Input::Space(space), &mut self.effects);
            self.carry_out(now);
        }
        self.workers.hand_over()?;
        let mut is_any = false;
        loop {
            let outcomes = self.workers.next_outcomes()?;
            if outcomes.is_empty() {
                break;
            }
            is_any = true;
            for outcome in outcomes {
                let input = Input::Outcome(outcome);
                let _ = self.chat.apply(now, input, &mut self.effects);
                self.carry_out(now);
            }
        }
        if is_any {
            self.resume_journal(now);
        }
        for (request, page) in self.workers.next_pages() {
            self.fanout.supply(&request, page);
        }
        Ok(())
    }

    /// Gives the outcomes of passwords to the chat. They come before the journal's, so that a
    /// change they lead to is handed over in this turn.
    fn complete_passwords(&mut self, now: Now) -> Result<(), ServerError> {
        let mut is_any = false;
        while let Some((client, outcome)) = self.passwords.next_outcome()? {
            is_any = true;
            let is_wrong = matches!(
                outcome,
                Outcome::Checked {
                    is_right: false,
                    ..
                }
            );
            if is_wrong && let Some(connection) = self.connections.find(client) {
                self.admission.failed(connection.source, now.monotonic);
            }
            let _ = self
                .chat
                .apply(now, Input::Outcome(outcome), &mut self.effects);
            self.carry_out(now);
        }
        if is_any {
            self.resume_passwords(now);
        }
        self.passwords.hand_over()?;
        Ok(())
    }

    /// Looks at whose time has come.
    pub(super) fn expire(&mut self, now: Now) -> Result<(), ServerError> {
        while let Some((kind, client)) = self.deadlines.pop(now.monotonic) {
            self.look_at(kind, client, now);
        }
        while let Some(client) = self.deadlines.pop_pause(now.monotonic) {
            let waits =
                |found: &mut Connection| matches!(found.wait, Some(Wait::Pause | Wait::Memory));
            if self.connections.find(client).is_some_and(waits) {
                self.resume(client, now);
            }
        }
        if self
            .chat
            .next_deadline()
            .is_some_and(|due| due <= now.monotonic)
        {
            let _ = self.chat.apply(now, Input::Tick, &mut self.effects);
            self.carry_out(now);
        }
        self.close_refused(now);
        let mut stalled = Vec::new();
        self.fanout.stalled(
            now.monotonic,
            self.config.bounds.stall_timeout,
            &mut stalled,
        );
        for client in stalled {
            self.counters.note("stalled", now.monotonic);
            self.doom(client, Parting::Lost(Loss::TooSlow));
        }
        // Whoever was resumed in this phase or the one before may have spoken.
        self.workers.hand_over()?;
        self.passwords.hand_over()?;
        Ok(())
    }

    /// One deadline of one connection: whether it still means anything is seen here.
    fn look_at(&mut self, kind: Kind, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        let bounds = &self.config.bounds;
        // While the server does not read a peer, the peer's time stands still.
        let stands_still = connection.wait.is_some();
        match kind {
            Kind::Handshake if !matches!(connection.link, Link::Handshake(..)) => {}
            Kind::Handshake if stands_still => self.deadlines.arm(kind, client, now.monotonic),
            Kind::Handshake => self.give_up("handshake-timeout", client, now),
            Kind::Login if connection.flags.named || connection.flags.silenced => {}
            Kind::Login if stands_still => self.deadlines.arm(kind, client, now.monotonic),
            Kind::Login if connection.door == Door::Line => {
                self.counters.note("login-timeout", now.monotonic);
                self.admission.failed(connection.source, now.monotonic);
                let why = "no name was given in time";
                self.finish(
                    client,
                    Some(&Event::Bye(Some(why.into()))),
                    Close::Done,
                    now,
                );
            }
            Kind::Login => self.give_up("login-timeout", client, now),
            Kind::Message => {
                connection.flags.timed = false;
                let Some(begun) = connection.begun else {
                    return;
                };
                let stands_still = stands_still && connection.wait != Some(Wait::Memory);
                if !stands_still && now.monotonic >= begun + bounds.message_timeout {
                    self.give_up("message-timeout", client, now);
                } else {
                    connection.flags.timed = true;
                    self.deadlines.arm(kind, client, now.monotonic);
                }
            }
            Kind::Silence => self.look_for_silence(client, now),
            Kind::EmptyLine => self.end_empty_line(client, now),
            Kind::Close => {
                let parting = connection.parting;
                if connection.flags.silenced {
                    self.doom(client, parting);
                }
            }
            Kind::Linger => {
                let parting = connection.parting;
                self.doom(client, parting);
            }
        }
    }

    fn look_for_silence(&mut self, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        if connection.wait.is_some() {
            connection.heard = now.monotonic;
        }
        let silence = now.monotonic.saturating_sub(connection.heard);
        if silence >= self.config.bounds.gone_after {
            self.counters.note("silent", now.monotonic);
            self.doom(client, Parting::Lost(Loss::Silent));
            return;
        }
        if silence >= self.config.bounds.ping_after && !connection.flags.pinged {
            connection.flags.pinged = true;
            self.fanout.reply(client, &Event::Ping);
        }
        self.deadlines.arm(Kind::Silence, client, now.monotonic);
    }

    /// Closes a peer that took too long over something it owed.
    fn give_up(&mut self, cause: &'static str, client: ClientId, now: Now) {
        self.counters.note(cause, now.monotonic);
        if let Some(connection) = self.connections.find(client)
            && !connection.flags.named
        {
            self.admission.failed(connection.source, now.monotonic);
        }
        self.doom(client, Parting::Lost(Loss::Silent));
    }

    /// Fills, seals and sends what readers have not had yet, within the phase's budget.
    pub(super) fn write(&mut self, now: Now) {
        let mut outbound = Outbound {
            connections: &mut self.connections,
            clock: &self.clock,
            workers: &self.workers,
            transfers: &mut self.files.transfers,
            began: self.clock.elapsed(),
            rekey_after: self.config.bounds.rekey_after,
            rekeys_left: REKEYS_PER_TURN_MAX,
            failed: &mut self.queues.failed,
            finished: &mut self.queues.finished,
        };
        self.fanout.sweep(now.monotonic, &mut outbound);
        // Who has had a piece may want the next one read, or has had all.
        self.carry_out_files(now);
        self.carry_out(now);
        for client in std::mem::take(&mut self.queues.failed) {
            self.doom(client, connection_lost());
        }
        for client in std::mem::take(&mut self.queues.finished) {
            self.end_output(client, now);
        }
        let mut doomed = Vec::new();
        self.fanout.take_doomed(&mut doomed);
        for (client, loss) in doomed {
            self.doom(client, Parting::Lost(loss));
        }
        // Only now is it known what readers want that memory does not have.
        let mut requests = Vec::new();
        self.fanout.take_page_requests(&mut requests);
        for request in requests {
            self.workers.read_page(request);
        }
        self.resume_paid(now);
    }

    /// Everything has been said to a client: our side ends, its side may still be under way.
    fn end_output(&mut self, client: ClientId, now: Now) {
        let is_stopping = self.stopping.is_some();
        let Some((connection, socket)) = self.connections.find_both(client) else {
            return;
        };
        connection.flags.finished = true;
        if is_stopping {
            // Nobody reads any more; but closing over unread bytes would take our last words back.
            discard_unread(socket, &mut self.scratch);
        }
        if connection.flags.ended || is_stopping {
            let parting = connection.parting;
            self.doom(client, parting);
            return;
        }
        // Closing outright over bytes that were never read would take our last words back.
        let _ = socket.shutdown(Shutdown::Write);
        connection.flags.readable = true;
        list(connection, &mut self.queues.readable);
        if connection.door == Door::Line {
            self.deadlines.arm(Kind::Linger, client, now.monotonic);
        }
    }

    /// Marks a connection to be closed in the reap phase.
    pub(super) fn doom(&mut self, client: ClientId, parting: Parting) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        if !std::mem::replace(&mut connection.flags.doomed, true) {
            connection.parting = parting;
            self.queues.doomed.push_back(client);
        }
    }

    /// Closes who is doomed, frees the slots, and tells the chat.
    pub(super) fn reap(&mut self, now: Now) -> Result<(), ServerError> {
        while let Some(client) = self.queues.doomed.pop_front() {
            let (connection, mut socket) = self.connections.free(client);
            if let Err(error) = self.poll.registry().deregister(&mut socket) {
                log::debug!("cannot stop watching a connection: {error}");
            }
            self.incomplete_bytes -= connection.held_bytes;
            self.counters.leave(connection.door);
            self.admission
                .exit(connection.source, connection.flags.named, now.monotonic);
            if connection.flags.opened {
                self.fanout.close(client);
                self.passwords.forget(client);
                self.files.transfers.closed(client);
                let parting = connection.parting;
                let _ = self
                    .chat
                    .apply(now, Input::Closed(client, parting), &mut self.effects);
                self.carry_out(now);
            }
        }
        self.go_on_stopping(now);
        // Operators and those who left may have changed something since the last time, and the
        // loop may now sleep for long.
        self.workers.hand_over()?;
        #[cfg(debug_assertions)]
        self.assert_invariants();
        Ok(())
    }
}

/// Throws away what a socket holds: as much as the kernel keeps of a peer at most, by default.
fn discard_unread(socket: &mut TcpStream, scratch: &mut [u8]) {
    for _ in 0..UNREAD_DISCARDS_MAX {
        // An error means that there is nothing to read, which is what is wanted.
        if !matches!(socket.read(scratch), Ok(1..)) {
            return;
        }
    }
}
