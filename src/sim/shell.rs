//! The shell: the same phases as the server's loop, over fake sockets.
//!
//! It feeds frames and lines as `net` does: looked at first, consumed when carried out, stashed
//! when the connection has to wait; and it carries out effects in order before the next input.

mod phases;

use super::dice::{Dice, Weather};
use super::journal::Journal;
use super::model::Model;
use super::transport::Kernel;
use crate::chat::{
    Arrival, Chat, ClientId, Close, Door, Effect, Effects, Epoch, Event, Input, Job, Kept, Loss,
    Now, Parting, Refusal, Settings, Snapshot, Token, TokenHash, Verdict,
};
use crate::fanout::{Bounds, Dialect, Fanout};
use crate::limits::{CLOSE_TIMEOUT, EMPTY_LINE_WAIT, TEXT_BYTES_MAX, UNNAMED_MESSAGE_BYTES_MAX};
use crate::wire::frame::FrameReader;
use crate::wire::line::LineReader;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Which history this is; a crash does not end it.
pub(super) const EPOCH: Epoch = Epoch([7; 16]);
/// When it begins, milliseconds since 1970.
const BEGINS_UNIX_MS: u64 = 1_790_000_000_000;

/// How long a reader may take once everything is calm.
const CALM_STALL_TIMEOUT: Duration = Duration::from_secs(1 << 30);

/// What a connection's bytes mean.
pub(super) enum Link {
    Sealed(FrameReader),
    Line(LineReader),
    Closing,
}

/// Why a connection is not read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Until(Duration),
    Journal,
    Owed,
}

/// One connection, as the server sees it.
pub(super) struct Connection {
    pub(super) dialect: Dialect,
    pub(super) link: Link,
    pub(super) wait: Option<Wait>,
    pub(super) parting: Parting,
    pub(super) empty_line: Option<Duration>,
    pub(super) close_by: Option<Duration>,
    pub(super) is_listed: bool,
    pub(super) is_named: bool,
    pub(super) is_discarding: bool,
    pub(super) has_ended: bool,
    pub(super) has_parted: bool,
    /// It asked to leave; what it sends after that is not heard.
    pub(super) has_quit: bool,
    pub(super) is_silenced: bool,
    pub(super) is_finished: bool,
    pub(super) is_doomed: bool,
}

/// The server.
pub(super) struct Shell {
    pub(super) chat: Chat,
    effects: Effects,
    pub(super) fanout: Fanout,
    pub(super) kernel: Kernel,
    pub(super) journal: Journal,
    pub(super) model: Model,
    pub(super) connections: BTreeMap<ClientId, Connection>,
    generations: Vec<u32>,
    vacant: Vec<u32>,
    pub(super) readable: VecDeque<ClientId>,
    waits_for_journal: VecDeque<ClientId>,
    resuming: Option<ClientId>,
    owed: Vec<ClientId>,
    doomed: VecDeque<ClientId>,
    pub(super) now: Now,
    pub(super) turn: usize,
    /// Bytes that either side has read, as the measure of progress.
    pub(super) moved_bytes: usize,
    up_bytes_max: usize,
    stall_timeout: Duration,
    pub(super) dice: Dice,
    settings: Settings,
    bounds: Bounds,
    tokens: u64,
    /// The chat is being told what the store answered.
    is_answering: bool,
}

impl Shell {
    pub(super) fn new(weather: &Weather, dice: &mut Dice) -> Self {
        let settings = Settings {
            kept: if weather.bounds.has_store {
                Kept::Stored
            } else {
                Kept::InMemory
            },
            rates: weather.rates,
            journal_jobs_max: weather.journal_jobs_max,
            journal_bytes_max: weather.journal_bytes_max,
            ..Settings::default()
        };
        let mut shell = Self {
            chat: Chat::begin(settings, Snapshot::empty(EPOCH)),
            effects: Effects::new(),
            fanout: Fanout::new(weather.bounds),
            kernel: Kernel::new(
                weather.kernel_bytes,
                weather.sweep_step,
                Dice::new(dice.number()),
            ),
            journal: Journal::new(weather),
            model: Model::new(weather),
            connections: BTreeMap::new(),
            generations: Vec::new(),
            vacant: Vec::new(),
            readable: VecDeque::new(),
            waits_for_journal: VecDeque::new(),
            resuming: None,
            owed: Vec::new(),
            doomed: VecDeque::new(),
            now: Now::default(),
            turn: 0,
            moved_bytes: 0,
            up_bytes_max: weather.up_bytes_max,
            stall_timeout: weather.stall_timeout,
            dice: Dice::new(dice.number()),
            settings,
            bounds: weather.bounds,
            tokens: 0,
            is_answering: false,
        };
        shell.set_time(Duration::ZERO);
        shell.chat.start(&mut shell.effects);
        shell.carry_out();
        shell
    }

    /// The process dies, and another begins with what the store has. Every connection is gone.
    pub(super) fn crash(&mut self) {
        self.journal
            .crash(self.turn, &mut self.dice, &mut self.model);
        self.model.restart(self.journal.disk());
        for client in std::mem::take(&mut self.connections).into_keys() {
            self.generations[client.slot as usize] += 1;
            self.vacant.push(client.slot);
        }
        self.kernel.crash();
        self.readable.clear();
        self.waits_for_journal.clear();
        self.owed.clear();
        self.doomed.clear();
        self.effects.clear();
        let snapshot = self.journal.disk().snapshot(EPOCH);
        self.chat = Chat::begin(self.settings, snapshot);
        self.fanout = Fanout::new(self.bounds);
        self.chat.start(&mut self.effects);
        self.carry_out();
    }

    /// The time of the next turn. The wall clock may jump.
    pub(super) fn set_time(&mut self, monotonic: Duration) {
        let milliseconds = u64::try_from(monotonic.as_millis()).expect("a seed is short");
        let jump = if self.dice.chance(10) { 5_000 } else { 0 };
        let unix_ms = BEGINS_UNIX_MS + milliseconds - jump;
        self.now = Now { monotonic, unix_ms };
    }

    // --- Connections ---

    /// A connection comes through a door.
    pub(super) fn accept(&mut self, dialect: Dialect) -> ClientId {
        let slot = self.vacant.pop().unwrap_or_else(|| {
            self.generations.push(0);
            u32::try_from(self.generations.len() - 1).expect("few connections")
        });
        let client = ClientId {
            slot,
            generation: self.generations[slot as usize],
        };
        let (door, link) = match dialect {
            Dialect::Sealed => (
                Door::Sealed,
                Link::Sealed(FrameReader::new(UNNAMED_MESSAGE_BYTES_MAX)),
            ),
            Dialect::Line => (
                Door::Line,
                Link::Line(LineReader::new(UNNAMED_MESSAGE_BYTES_MAX)),
            ),
        };
        let connection = Connection {
            dialect,
            link,
            wait: None,
            parting: Parting::Left,
            empty_line: None,
            close_by: None,
            is_listed: false,
            is_named: false,
            is_discarding: false,
            has_ended: false,
            has_parted: false,
            has_quit: false,
            is_silenced: false,
            is_finished: false,
            is_doomed: false,
        };
        self.connections.insert(client, connection);
        self.kernel.connect(client, dialect);
        self.model.open(client, dialect);
        self.fanout.open(client, dialect);
        self.tokens += 1;
        let mut token = [0; 16];
        token[..8].copy_from_slice(&self.tokens.to_be_bytes());
        let arrival = Arrival {
            door,
            source: [192, 0, 2, 1].into(),
            trusted: false,
            key: None,
            token: Token(token),
            hash: TokenHash([0; 16]),
            takes_passwords: true,
        };
        let _ = self.apply(Input::Opened(client, arrival));
        self.carry_out();
        client
    }

    /// Whether the chat has asked for something like this since effects were last carried out.
    pub(super) fn has_effect(&self, is_meant: impl Fn(&Effect) -> bool) -> bool {
        self.effects.iter().any(is_meant)
    }

    pub(super) fn apply(&mut self, input: Input<'_>) -> Verdict {
        self.chat.apply(self.now, input, &mut self.effects)
    }

    /// Carries out what the chat asked for, in order.
    pub(super) fn carry_out(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            self.model.note(&effect, self.is_answering);
            match effect {
                Effect::Reply(client, event) => self.fanout.reply(client, &event),
                Effect::Room(order) => self.fanout.order(order),
                Effect::Submit(Job::Write(write)) => self.journal.submit(write),
                Effect::Submit(Job::Search(_) | Job::Password(_)) => {}
                Effect::Record(_)
                | Effect::Administered(..)
                | Effect::Operate(_)
                | Effect::File(_) => {}
                Effect::Discard(client) => {
                    if let Some(connection) = self.connections.get_mut(&client) {
                        connection.is_discarding = true;
                        self.kernel
                            .sockets
                            .get_mut(&client)
                            .expect("it is open")
                            .numbers
                            .clear();
                    }
                }
                Effect::Named(client) => {
                    if let Some(connection) = self.connections.get_mut(&client) {
                        connection.is_named = true;
                    }
                }
                Effect::Finish(client, farewell, close) => {
                    self.fanout.finish(client, farewell.as_ref(), close);
                    self.silence(client, Parting::Left);
                }
                Effect::Expel(client, close) => {
                    self.fanout.expel(client, close);
                    self.silence(client, Parting::Lost(Loss::Reset));
                }
            }
        }
    }

    /// From now on what the client sends is thrown away.
    fn silence(&mut self, client: ClientId, parting: Parting) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        connection.parting = parting;
        connection.is_silenced = true;
        connection.wait = None;
        connection.link = Link::Closing;
        connection.close_by = Some(self.now.monotonic + CLOSE_TIMEOUT);
    }

    pub(super) fn doom(&mut self, client: ClientId, parting: Parting) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        if !std::mem::replace(&mut connection.is_doomed, true) {
            connection.parting = parting;
            self.doomed.push_back(client);
        }
    }

    /// Tells the chat that no further input comes.
    pub(super) fn part(&mut self, client: ClientId) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        if !std::mem::replace(&mut connection.has_parted, true) {
            let verdict = self.apply(Input::EndOfInput(client));
            assert_eq!(verdict, Verdict::Taken, "the end of input is never paused");
            self.carry_out();
        }
    }

    // --- What waits ---

    /// The next time at which something is due, if nothing happens before.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let of = |connection: &Connection| {
            let until = match connection.wait {
                Some(Wait::Until(due)) => Some(due),
                Some(Wait::Journal | Wait::Owed) | None => None,
            };
            let empty_line = connection.empty_line.map(|since| since + EMPTY_LINE_WAIT);
            [until, empty_line, connection.close_by]
                .into_iter()
                .flatten()
                .min()
        };
        let connections = self.connections.values().filter_map(of);
        connections
            .chain(self.fanout.next_stall(self.stall_timeout))
            .min()
    }

    /// Whether the next turn would find something to do.
    pub(super) fn is_awake(&self) -> bool {
        let has_input = |client: &ClientId| {
            let socket = &self.kernel.sockets[client];
            let is_read = self.connections[client].wait.is_none();
            (is_read && !socket.up.is_empty()) || socket.reset_at.is_some()
        };
        !self.readable.is_empty()
            || !self.journal.is_empty()
            || !self.journal.is_read()
            || self.fanout.has_work()
            || self.connections.keys().any(has_input)
    }

    /// Whether nothing is left to be done for anybody.
    pub(super) fn is_settled(&self) -> bool {
        let is_done = |(client, connection): (&ClientId, &Connection)| {
            let socket = &self.kernel.sockets[client];
            connection.wait.is_none()
                && socket.up.is_empty()
                && socket.is_quiet()
                && self.fanout.is_idle(*client)
                && socket.reset_at.is_none()
        };
        let has_answered = self.journal.is_empty() && self.journal.is_read();
        has_answered && self.chat.is_settled() && self.connections.iter().all(is_done)
    }

    pub(super) fn refuse_long_line(&mut self, client: ClientId) {
        let is_named = self.connections[&client].is_named;
        let max = if is_named {
            TEXT_BYTES_MAX
        } else {
            UNNAMED_MESSAGE_BYTES_MAX
        };
        let event = Event::Refused(None, Refusal::TextTooLong { max });
        self.model
            .note(&Effect::Reply(client, event.clone()), false);
        self.fanout.reply(client, &event);
    }

    pub(super) fn expel(&mut self, client: ClientId, loss: Loss) {
        let effect = Effect::Expel(client, Close::RecordError);
        self.model.note(&effect, false);
        self.fanout.expel(client, Close::RecordError);
        self.silence(client, Parting::Lost(loss));
    }
}
