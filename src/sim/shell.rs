//! The shell: the same phases as the server's loop, over fake sockets.
//!
//! It feeds frames and lines as `net` does: looked at first, consumed when carried out, stashed
//! when the connection has to wait; and it carries out effects in order before the next input.

use super::dice::{Dice, Weather};
use super::faults::{self, Fault};
use super::journal::Journal;
use super::model::Model;
use super::transport::{Kernel, UpEnd};
use crate::chat::{
    Arrival, Chat, ClientId, Close, Door, Effect, Effects, Epoch, Event, Input, Job, Loss, Now,
    Parting, Pause, Refusal, Settings, Token, Verdict,
};
use crate::fanout::{Dialect, Fanout};
use crate::limits::{
    CLOSE_TIMEOUT, EMPTY_LINE_WAIT, HELD_BACK_PAUSE, REPLIES_OWED_BYTES_MAX, TEXT_BYTES_MAX,
    UNNAMED_MESSAGE_BYTES_MAX,
};
use crate::wire::frame::FrameReader;
use crate::wire::line::LineReader;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// Which history this is; the simulator never restarts it.
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
    up_bytes_max: usize,
    stall_timeout: Duration,
    pub(super) dice: Dice,
    tokens: u64,
    /// The chat is being told what the store answered.
    is_answering: bool,
    pub(super) pauses: u64,
}

impl Shell {
    pub(super) fn new(weather: &Weather, dice: &mut Dice) -> Self {
        let settings = Settings {
            rates: weather.rates,
            journal_jobs_max: weather.journal_jobs_max,
            journal_bytes_max: weather.journal_bytes_max,
            ..Settings::default()
        };
        let mut shell = Self {
            chat: Chat::new(settings, EPOCH),
            effects: Effects::new(),
            fanout: Fanout::new(weather.bounds),
            kernel: Kernel::new(
                weather.kernel_bytes,
                weather.sweep_step,
                Dice::new(dice.number()),
            ),
            journal: Journal::new(weather),
            model: Model::new(weather.bounds, weather.is_tight, weather.journal_jobs_max),
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
            up_bytes_max: weather.up_bytes_max,
            stall_timeout: weather.stall_timeout,
            dice: Dice::new(dice.number()),
            tokens: 0,
            is_answering: false,
            pauses: 0,
        };
        shell.set_time(Duration::ZERO);
        shell.chat.start(&mut shell.effects);
        shell.carry_out();
        shell
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
                Effect::Found {
                    room,
                    name,
                    history,
                } => self.fanout.found(room, name, history),
                Effect::Keep { room, history } => self.fanout.keep(room, history),
                Effect::Dissolve(room) => self.fanout.dissolve(room),
                Effect::Publish(room, entry) => self.fanout.publish(room, &entry),
                Effect::Join {
                    room,
                    client,
                    from,
                    greeting,
                } => {
                    self.fanout.join(room, client, from, greeting.as_ref());
                }
                Effect::Leave { room, client } => self.fanout.leave(room, client),
                Effect::Replay { room, client, from } => self.fanout.replay(room, client, from),
                Effect::Ignore(client, names) => self.fanout.ignore(client, names),
                Effect::Submit(Job::Append(append)) => self.journal.submit(append),
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

    // --- The phases ---

    /// From now on the store is prompt, and nobody is closed for reading slowly.
    pub(super) fn calm(&mut self) {
        self.journal.calm();
        self.stall_timeout = CALM_STALL_TIMEOUT;
    }

    /// One turn: the phases in order.
    pub(super) fn turn(&mut self) {
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
            self.model.answer(match outcome {
                crate::chat::Outcome::Stored { ticket, .. }
                | crate::chat::Outcome::NotStored { ticket, .. } => ticket,
            });
            self.is_answering = true;
            let _ = self.apply(Input::Outcome(outcome));
            self.carry_out();
            self.is_answering = false;
        }
        if is_any {
            self.resume_journal();
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
    pub(super) fn pause(&mut self, client: ClientId, pause: Pause) {
        self.pauses += 1;
        let resuming = self.resuming;
        let connection = self.connections.get_mut(&client).expect("it was fed");
        match pause {
            Pause::Until(due) => {
                assert!(
                    due > self.now.monotonic,
                    "nobody waits for a time that has come"
                );
                connection.wait = Some(Wait::Until(due));
            }
            Pause::Journal => {
                connection.wait = Some(Wait::Journal);
                if resuming != Some(client) {
                    self.waits_for_journal.push_back(client);
                }
            }
        }
    }

    /// Whether so many replies are owed to a connection that nothing more is read from it.
    pub(super) fn must_be_paid(&mut self, client: ClientId) -> bool {
        if self.fanout.owed(client) <= REPLIES_OWED_BYTES_MAX {
            return false;
        }
        let connection = self.connections.get_mut(&client).expect("it was fed");
        connection.wait = Some(Wait::Owed);
        self.owed.push(client);
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
        self.journal.is_empty() && self.chat.is_settled() && self.connections.iter().all(is_done)
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
