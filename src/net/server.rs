//! The server: one loop, a fixed sequence of phases.
//!
//! ```text
//! wait -> accept -> read -> complete -> expire -> answer -> write -> reap -> wait ...
//! ```
//!
//! Nothing is written and no slot is freed in the middle of handling an event: writing happens in
//! the write phase, freeing in the reap phase. The time is read once per turn.

use super::admission::Admission;
use super::clock::Clock;
use super::connection::Connections;
use super::counters::Counters;
use super::deadlines::Deadlines;
use super::listener::Listener;
use super::operators::Operators;
use super::passwords::Passwords;
use super::start::Identity;
use super::turns::Phase;
use super::workers::{WorkerFailure, Workers};
use crate::chat::{Chat, ClientId, Effects, Now};
use crate::config::Config;
use crate::fanout::Fanout;
use crate::limits::IDLE_WAIT_MAX;
use mio::event::Event;
use mio::net::TcpStream;
use mio::{Events, Poll, Token};
use signal_hook_mio::v1_0::Signals;
use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::time::Duration;

/// Tokens above all slots: the waker, the signals, and the listeners downwards from there.
pub(super) const WAKER: Token = Token(usize::MAX);
pub(super) const SIGNALS: Token = Token(usize::MAX - 1);
pub(super) const LISTENERS: usize = usize::MAX - 2;

/// A chat server.
pub struct Server {
    pub(super) config: Config,
    pub(super) identity: Identity,
    pub(super) poll: Poll,
    pub(super) clock: Clock,
    pub(super) signals: Signals,
    pub(super) listeners: Vec<Listener>,
    pub(super) admission: Admission,
    pub(super) connections: Connections,
    pub(super) deadlines: Deadlines,
    pub(super) workers: Workers,
    pub(super) passwords: Passwords,
    pub(super) chat: Chat,
    pub(super) effects: Effects,
    pub(super) fanout: Fanout,
    /// What waits for a later phase or turn.
    pub(super) queues: Queues,
    /// Where every socket is read into.
    pub(super) scratch: Vec<u8>,
    /// What is there for operators: metrics, control socket, activity log.
    pub(super) operators: Operators,
    /// What went wrong, counted.
    pub(super) counters: Counters,
    /// Bytes held of incomplete input, of all connections.
    pub(super) incomplete_bytes: usize,
    /// When accepting goes on after the system ran out of something.
    pub(super) accept_again: Duration,
    /// Set once the server has begun to stop.
    pub(super) stopping: Option<Stopping>,
}

/// Connections that wait for a later phase or turn.
#[derive(Default)]
pub(super) struct Queues {
    /// To be read, in this turn or the next.
    pub(super) readable: VecDeque<ClientId>,
    /// A whole handshake message has come; the step is expensive.
    pub(super) handshakes: VecDeque<ClientId>,
    /// Who is being resumed from the front of the queue below.
    pub(super) resuming: Option<ClientId>,
    /// Not read until the journal has room.
    pub(super) journal: VecDeque<ClientId>,
    /// Not read until the password worker has answered them.
    pub(super) passwords: Vec<ClientId>,
    /// Who goes on with a long message although too much is held, and until when.
    pub(super) favoured: Option<(ClientId, Duration)>,
    /// Not read until less is owed to them.
    pub(super) owed: Vec<ClientId>,
    /// Told why they may not come in, and to be closed at that time.
    pub(super) refused: VecDeque<(Duration, TcpStream)>,
    /// To be closed in the reap phase.
    pub(super) doomed: VecDeque<ClientId>,
    /// Everything has been said to them, in the write phase of this turn.
    pub(super) finished: Vec<ClientId>,
    /// Their sockets failed in the write phase of this turn.
    pub(super) failed: Vec<ClientId>,
}

/// A server that stops.
pub(super) struct Stopping {
    /// When it ends all the same.
    pub(super) until: Duration,
    /// Whether everybody has been told.
    pub(super) told: bool,
    /// What an administrator said of it.
    pub(super) why: Option<std::sync::Arc<str>>,
}

/// Why a server ended that was not asked to.
#[derive(Debug)]
pub enum ServerError {
    /// The kernel no longer tells what happens.
    Poll(io::Error),
    /// A worker died.
    Worker,
    /// What was to be stored may not be on the disk.
    Store,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Poll(error) => write!(f, "cannot wait for events: {error}"),
            Self::Worker => f.write_str("a worker thread ended unexpectedly"),
            Self::Store => f.write_str(
                "the disk did not keep what it was given, so nothing can be promised any more; \
                 look at the disk, then start again: what was acknowledged is there",
            ),
        }
    }
}

impl From<WorkerFailure> for ServerError {
    fn from(failure: WorkerFailure) -> Self {
        match failure {
            WorkerFailure::Died => Self::Worker,
            WorkerFailure::Broken => Self::Store,
        }
    }
}

impl Server {
    /// Serves until it is asked to stop and everybody has been told.
    ///
    /// # Errors
    ///
    /// [`ServerError`] when it cannot go on.
    pub fn run(mut self) -> Result<(), ServerError> {
        let mut events = Events::with_capacity(crate::limits::EVENTS_PER_TURN);
        super::service::ready();
        while !self.is_done() {
            // Sleeps until something happens or is due; the only phase that blocks.
            let now = self.wait(&mut events)?;
            // New connections first, so that a busy server still lets people in.
            self.accept(now);
            self.turned(Phase::Accept);
            // Bytes become commands, commands effects; nothing is written yet.
            self.read(now)?;
            self.turned(Phase::Read);
            // What the journal has stored becomes visible.
            self.complete(now)?;
            self.turned(Phase::Complete);
            // Who is too late, too silent or paused long enough.
            self.expire(now)?;
            self.turned(Phase::Expire);
            // What operators' programs ask: figures, accounts. Bounded like everything else.
            self.answer_operators(now);
            self.turned(Phase::Answer);
            // Everything of this turn, for each reader, in one record and one write.
            self.write(now);
            self.turned(Phase::Write);
            // Only now are slots freed: no event above can have named a reused one.
            self.reap(now)?;
            self.turned(Phase::Reap);
        }
        Ok(())
    }

    /// Notes that a phase has ended.
    fn turned(&mut self, phase: Phase) {
        self.operators.turns.end(phase, self.clock.elapsed());
    }

    /// Waits for events, notes what they say, and returns the time of this turn.
    fn wait(&mut self, events: &mut Events) -> Result<Now, ServerError> {
        let timeout = self.timeout();
        match self.poll.poll(events, Some(timeout)) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(ServerError::Poll(error)),
        }
        let now = self.clock.now();
        self.operators.turns.begin(now.monotonic);
        for event in events.iter() {
            self.note(event, now);
        }
        Ok(now)
    }

    /// How long nothing has to be done. Looking once in a while all the same costs nothing and
    /// bounds what a forgotten deadline could do.
    fn timeout(&self) -> Duration {
        let queues = &self.queues;
        let accepting = self.listeners.iter().any(|listener| listener.ready);
        if !queues.readable.is_empty()
            || !queues.handshakes.is_empty()
            || !queues.doomed.is_empty()
            || self.fanout.has_work()
            || self.passwords.has_refused()
            || self.operators.has_work()
        {
            return Duration::ZERO;
        }
        let due = [
            self.deadlines.next(),
            self.chat.next_deadline(),
            self.fanout.next_stall(self.config.bounds.stall_timeout),
            self.fanout.next_relief(),
            accepting.then_some(self.accept_again),
            queues.refused.front().map(|(due, _)| *due),
            self.operators.next_deadline(),
            self.stopping.as_ref().map(|stopping| stopping.until),
        ];
        let elapsed = self.clock.elapsed();
        let next = due.into_iter().flatten().min().unwrap_or(Duration::MAX);
        // Rounded up: the kernel counts milliseconds, and waking too early would spin.
        let left = next.saturating_sub(elapsed).min(IDLE_WAIT_MAX);
        if left.is_zero() {
            left
        } else {
            left + Duration::from_micros(999)
        }
    }

    /// Notes what the kernel says of one socket; acted upon in the phases.
    fn note(&mut self, event: &Event, now: Now) {
        match event.token() {
            WAKER => {}
            SIGNALS => self.heed_signals(now),
            Token(token) if token > LISTENERS - self.listeners.len() && token <= LISTENERS => {
                self.listeners[LISTENERS - token].ready = true;
            }
            Token(token) if self.operators.note(token) => {}
            Token(slot) => self.note_connection(slot, event),
        }
    }

    fn note_connection(&mut self, slot: usize, event: &Event) {
        let Some(connection) = self.connections.at_slot(slot) else {
            return;
        };
        let client = connection.client;
        let gone = event.is_error() || event.is_write_closed() && event.is_read_closed();
        if gone && connection.wait.is_some() {
            // It is not read at present, but that it hung up is heeded.
            self.doom(client, connection_lost());
            return;
        }
        connection.flags.half_closed |= event.is_read_closed();
        if event.is_readable() || gone {
            connection.flags.readable = true;
            list(connection, &mut self.queues.readable);
        }
        if event.is_writable() {
            self.fanout.writable(client);
        }
    }
}

/// How others are told of a socket that failed.
pub(super) fn connection_lost() -> crate::chat::Parting {
    crate::chat::Parting::Lost(crate::chat::Loss::Reset)
}

/// Puts a connection on the list of those to be read, unless it is there.
pub(super) fn list(
    connection: &mut super::connection::Connection,
    readable: &mut VecDeque<ClientId>,
) {
    if connection.wait.is_none() && !std::mem::replace(&mut connection.flags.listed, true) {
        readable.push_back(connection.client);
    }
}
