//! The phases of one turn, in the order of the server's loop: what the kernel says, read,
//! complete, expire, write, reap.

use super::{CALM_STALL_TIMEOUT, Link, Shell, Wait};
use crate::chat::{ClientId, Input, Loss, Outcome, Parting, Pause, Verdict};
use crate::limits::{EMPTY_LINE_WAIT, HELD_BACK_PAUSE, REPLIES_OWED_BYTES_MAX};
use crate::sim::faults::{self, Fault};
use crate::sim::transport::UpEnd;
use std::time::Duration;

impl Shell {
    /// From now on the store is prompt, and nobody is closed for reading slowly.
    pub(in crate::sim) fn calm(&mut self) {
        self.journal.calm();
        self.stall_timeout = CALM_STALL_TIMEOUT;
    }

    /// One turn: the phases in order.
    pub(in crate::sim) fn turn(&mut self) {
        self.kernel.turn = self.turn;
        self.kernel.elapsed = Duration::ZERO;
        self.note_edges();
        for _ in 0..self.readable.len() {
            let client = self.readable.pop_front().expect("it was counted");
            self.read_one(client);
        }
        self.complete();
        self.expire();
        self.write();
        self.model.assert_bounds(self.fanout.usage());
        self.reap();
        self.turn += 1;
    }

    /// What the kernel has to say.
    fn note_edges(&mut self) {
        let mut edges = Vec::new();
        self.kernel.take_edges(&mut edges);
        for client in edges {
            self.fanout.writable(client);
        }
        let clients: Vec<_> = self.connections.keys().copied().collect();
        for client in clients {
            let socket = &self.kernel.sockets[&client];
            let is_gone = socket.reset_at.is_some_and(|at| at <= self.turn);
            let has_input = !socket.up.is_empty() || socket.up_end.is_some();
            if is_gone {
                self.doom(client, Parting::Lost(Loss::Reset));
            } else if has_input {
                self.list(client);
            }
            // An edge that means nothing changes nothing.
            if self.dice.chance(5) {
                self.list(client);
            }
        }
    }

    fn list(&mut self, client: ClientId) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        if connection.wait.is_none() && !std::mem::replace(&mut connection.is_listed, true) {
            self.readable.push_back(client);
        }
    }

    fn read_one(&mut self, client: ClientId) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        connection.is_listed = false;
        if connection.is_doomed || connection.wait.is_some() || self.is_held_back(client) {
            return;
        }
        let (up_bytes_max, turn) = (self.up_bytes_max, self.turn);
        let count = self.dice.between(1, up_bytes_max);
        let socket = self.kernel.sockets.get_mut(&client).expect("it is open");
        let count = count.min(socket.up.len());
        let bytes = socket.up.pending()[..count].to_vec();
        socket.up.consume(count);
        self.moved_bytes += count;
        let end = socket.up_end.filter(|_| socket.up.is_empty());
        assert!(
            socket.reset_at.is_none_or(|at| at > turn),
            "who is gone is doomed"
        );
        if end.is_some() {
            self.connections
                .get_mut(&client)
                .expect("it was found")
                .has_ended = true;
        }
        self.feed(client, &bytes);
        self.after_reading(client);
    }

    fn is_held_back(&mut self, client: ClientId) -> bool {
        let owes_too_much = self.fanout.owed(client) > REPLIES_OWED_BYTES_MAX;
        let room_waits = self.fanout.must_wait(client, self.now.monotonic);
        let until = self.now.monotonic + HELD_BACK_PAUSE;
        let connection = self.connections.get_mut(&client).expect("it was found");
        if matches!(connection.link, Link::Closing) {
            return false;
        }
        self.model.tally.waits_for_replies += u64::from(owes_too_much);
        self.model.tally.waits_for_room += u64::from(room_waits && !owes_too_much);
        if owes_too_much {
            connection.wait = Some(Wait::Owed);
            self.owed.push(client);
        } else if room_waits {
            connection.wait = Some(Wait::Until(until));
        }
        owes_too_much || room_waits
    }

    /// What follows a visit: the end of input.
    fn after_reading(&mut self, client: ClientId) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        if connection.wait.is_some() || connection.is_doomed || !connection.has_ended {
            return;
        }
        let is_cut = self.kernel.sockets[&client].up_end == Some(UpEnd::Cut);
        let parting = connection.parting;
        match &mut connection.link {
            Link::Sealed(_) if is_cut => self.doom(client, Parting::Lost(Loss::Reset)),
            Link::Sealed(_) => self.part(client),
            Link::Line(reader) => {
                reader.finish();
                self.feed(client, &[]);
                let connection = &self.connections[&client];
                if connection.wait.is_none() && !connection.is_silenced {
                    self.part(client);
                }
            }
            Link::Closing if connection.is_finished => self.doom(client, parting),
            Link::Closing => {}
        }
    }

    fn complete(&mut self) {
        let outcomes = self
            .journal
            .work(self.turn, &mut self.dice, &mut self.model);
        let is_any = !outcomes.is_empty();
        for outcome in outcomes {
            match outcome {
                Outcome::Stored { ticket, .. } | Outcome::NotStored { ticket, .. } => {
                    self.model.answer(ticket);
                }
                Outcome::Changed(_)
                | Outcome::Found { .. }
                | Outcome::Checked { .. }
                | Outcome::Hashed { .. }
                | Outcome::PasswordRefused { .. } => {}
            }
            self.is_answering = true;
            let _ = self.apply(Input::Outcome(outcome));
            self.carry_out();
            self.is_answering = false;
        }
        if is_any {
            self.resume_journal();
        }
        for (request, page) in self.journal.read(self.turn, &mut self.dice) {
            self.model.tally.pages += 1;
            self.fanout.supply(&request, page);
        }
    }

    /// Goes on with who waited for the journal, in order, until it is full again.
    fn resume_journal(&mut self) {
        while let Some(&client) = self.waits_for_journal.front() {
            self.resuming = Some(client);
            if self.waits_for(client, Wait::Journal) {
                self.resume(client);
            }
            self.resuming = None;
            if self.waits_for(client, Wait::Journal) && !faults::is_planted(Fault::NeverResumed) {
                return;
            }
            self.waits_for_journal.pop_front();
        }
    }

    fn waits_for(&self, client: ClientId, wait: Wait) -> bool {
        let connection = self.connections.get(&client);
        connection.is_some_and(|connection| connection.wait == Some(wait))
    }

    /// Goes on with a connection that waited: first with what it holds, then with its socket.
    fn resume(&mut self, client: ClientId) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        connection.wait = None;
        self.feed(client, &[]);
        self.after_reading(client);
    }

    /// Nothing more is read from a connection until what it waits for has come.
    pub(in crate::sim) fn pause(&mut self, client: ClientId, pause: Pause) {
        let resuming = self.resuming;
        let connection = self.connections.get_mut(&client).expect("it was fed");
        match pause {
            Pause::Until(due) => {
                assert!(
                    due > self.now.monotonic,
                    "nobody waits for a time that has come"
                );
                connection.wait = Some(Wait::Until(due));
                self.model.tally.waits_for_rate += 1;
            }
            Pause::Password => unreachable!("simulated people have no passwords"),
            Pause::Journal => {
                self.model.tally.waits_for_journal += 1;
                connection.wait = Some(Wait::Journal);
                if resuming != Some(client) {
                    self.waits_for_journal.push_back(client);
                }
            }
        }
    }

    /// Whether so many replies are owed to a connection that nothing more is read from it.
    pub(in crate::sim) fn must_be_paid(&mut self, client: ClientId) -> bool {
        if self.fanout.owed(client) <= REPLIES_OWED_BYTES_MAX {
            return false;
        }
        let connection = self.connections.get_mut(&client).expect("it was fed");
        connection.wait = Some(Wait::Owed);
        self.owed.push(client);
        self.model.tally.waits_for_replies += 1;
        true
    }

    fn expire(&mut self) {
        let now = self.now.monotonic;
        let clients: Vec<_> = self.connections.keys().copied().collect();
        for client in clients {
            let connection = &self.connections[&client];
            let (empty_line, close_by) = (connection.empty_line, connection.close_by);
            if let Some(Wait::Until(due)) = connection.wait
                && due <= now
            {
                self.resume(client);
            }
            if empty_line.is_some_and(|since| since + EMPTY_LINE_WAIT <= now) {
                self.end_empty_line(client);
            }
            if close_by.is_some_and(|due| due <= now) {
                let parting = self.connections[&client].parting;
                self.doom(client, parting);
            }
        }
        if self.chat.next_deadline().is_some_and(|due| due <= now) {
            let _ = self.apply(Input::Tick);
            self.carry_out();
        }
        let mut stalled = Vec::new();
        self.fanout.stalled(now, self.stall_timeout, &mut stalled);
        for client in stalled {
            self.model.tally.closed_as_slow += 1;
            self.doom(client, Parting::Lost(Loss::TooSlow));
        }
    }

    /// An empty line has stood alone for long enough.
    fn end_empty_line(&mut self, client: ClientId) {
        let connection = self.connections.get_mut(&client).expect("it was listed");
        if connection.empty_line.take().is_some() && !connection.is_silenced {
            connection.has_quit = connection.is_named;
            let verdict = self.apply(Input::Line(client, ""));
            if let Verdict::Paused(_) = verdict {
                // The server does not expect this; see `net`.
                panic!("leaving is never paused");
            }
            self.carry_out();
        }
    }

    fn write(&mut self) {
        // The loop would sleep: nothing may depend on being swept all the same.
        if self.fanout.has_work() || self.dice.chance(50) {
            self.fanout.sweep(self.now.monotonic, &mut self.kernel);
        }
        let mut requests = Vec::new();
        self.fanout.take_page_requests(&mut requests);
        for request in requests {
            self.journal.ask(self.turn, request, &mut self.dice);
        }
        for client in std::mem::take(&mut self.kernel.finished) {
            let connection = self.connections.get_mut(&client).expect("it was sent to");
            connection.is_finished = true;
            let parting = connection.parting;
            if connection.has_ended {
                self.doom(client, parting);
            } else {
                self.list(client);
            }
        }
        let mut doomed = Vec::new();
        self.fanout.take_doomed(&mut doomed);
        for (client, loss) in doomed {
            self.model.tally.closed_as_slow += u64::from(loss == Loss::TooSlow);
            self.doom(client, Parting::Lost(loss));
        }
        for client in std::mem::take(&mut self.owed) {
            if self.fanout.owed(client) > REPLIES_OWED_BYTES_MAX / 2 {
                self.owed.push(client);
            } else if self.waits_for(client, Wait::Owed) {
                self.resume(client);
            }
        }
    }

    fn reap(&mut self) {
        while let Some(client) = self.doomed.pop_front() {
            let connection = self
                .connections
                .remove(&client)
                .expect("a slot is freed once");
            self.generations[client.slot as usize] += 1;
            self.vacant.push(client.slot);
            if let Some(socket) = self.kernel.sockets.get_mut(&client) {
                socket.close();
            }
            self.fanout.close(client);
            let _ = self.apply(Input::Closed(client, connection.parting));
            self.carry_out();
        }
    }
}
