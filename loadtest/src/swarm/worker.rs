//! One thread's loop: poll, orders, sockets, newcomers, speakers, and what the board shows.

<<<<<<< HEAD
=======
mod comings;
mod speaking;

>>>>>>> loadtest
use super::Order;
use super::board::Board;
use super::connection::{Connection, Drained};
use super::crowd::Crowd;
use super::ears::{Ears, Listening};
use super::harvest::Harvest;
use super::voice::Voice;
use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::ledger::{Account, Since, Until};
<<<<<<< HEAD
use crate::link::{Link, Surroundings, Trouble};
use crate::plan::{Plan, Role};
use crate::stamp::Stamp;
use mio::event::Event;
use mio::{Events, Interest, Poll, Token, Waker};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
=======
use crate::link::{Surroundings, Trouble};
use crate::plan::{Plan, Role};
use mio::event::Event;
use mio::{Events, Poll, Token, Waker};
use std::collections::VecDeque;
use std::sync::Arc;
>>>>>>> loadtest
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// The token of the waker; members have their own index.
pub(super) const WAKE: Token = Token(usize::MAX);

const EVENTS_PER_TURN: usize = 1_024;
<<<<<<< HEAD
/// What one read takes at most.
=======
/// What one read takes at most, beside a whole message: that must fit, or a plain line would never
/// be complete.
>>>>>>> loadtest
const SCRATCH_BYTES: usize = 128 * 1024;
/// Longest sleep; what has no time of its own is looked at so often.
const TICK: Duration = Duration::from_millis(100);
/// The kernel sleeps whole milliseconds; below that a speaker's time is waited for awake.
const SLEEP_MIN: Duration = Duration::from_millis(1);
/// So long after the last arrival what is outstanding is given up.
const WRITE_OFF_AFTER: Duration = Duration::from_secs(3);
<<<<<<< HEAD
/// Connections begun in one turn.
const BEGINS_PER_TURN: usize = 64;
=======
>>>>>>> loadtest

/// A member and its connection.
struct Seat {
    /// Its index in the plan.
    index: usize,
    connection: Option<Connection>,
    listening: Listening,
    /// Connections it has had, successful or not.
    attempts: u32,
    /// How many tries in a row have failed.
    failures: u32,
    /// Whether it was ever in its room: else nothing was owed to it.
    has_joined: bool,
    /// The kernel may have more for it, and no edge is coming.
    unread: bool,
    /// The kernel has the end of its stream.
    ended: bool,
}

/// One thread of the swarm.
pub(super) struct Worker {
    thread: usize,
    plan: Arc<Plan>,
    clock: Clock,
    board: Arc<Board>,
    poll: Poll,
    orders: Receiver<Order>,
    wakers: Arc<[Arc<Waker>]>,
    entropy: Entropy,
    seats: Vec<Seat>,
    crowd: Crowd,
    ears: Ears,
    voices: Vec<Voice>,
    /// Seats to be read again.
    unread: VecDeque<usize>,
    /// Since when speakers speak.
    speaking: Option<Duration>,
    churn: Option<Churn>,
    /// When all movers were cut off.
    scattered_at: Option<Duration>,
    /// Whether those who get stuck are.
    stuck: bool,
    connected_below: usize,
    ticked_at: Duration,
    scratch: Box<[u8]>,
    out: Vec<u8>,
    words: Vec<u8>,
    text: Vec<u8>,
    finished: bool,
}

/// Members that come and go.
struct Churn {
    interval: Duration,
    next_at: Duration,
    next_seat: usize,
}

impl Worker {
    pub(super) fn new(
        thread: usize,
        plan: Arc<Plan>,
        clock: Clock,
        board: Arc<Board>,
        poll: Poll,
        orders: Receiver<Order>,
        wakers: Arc<[Arc<Waker>]>,
    ) -> Self {
        let local = plan.members_of(thread);
        let ears = Ears::new(&plan, &local);
        let mut voices = Vec::new();
        let mut seats = Vec::with_capacity(local.len());
        for &index in &local {
            let member = plan.members[index];
            let group = &plan.groups[usize::from(member.group)];
            if let Some(speaker) = member.speaker {
                voices.push(Voice::new(speaker, seats.len(), group));
            }
            seats.push(Seat {
                index,
                connection: None,
                listening: Listening {
                    account: Account::open(group.speakers.clone(), since(member.role)),
                    group: member.group,
                    speaker: member.speaker,
                    role: member.role,
                    stored: 0,
                    joined: false,
                },
                attempts: 0,
                failures: 0,
                has_joined: false,
                unread: false,
                ended: false,
            });
        }
        let dice = plan
            .seed
            .wrapping_add(u64::try_from(thread).expect("threads are few"));
<<<<<<< HEAD
=======
        let scratch_bytes = SCRATCH_BYTES + plan.size;
>>>>>>> loadtest
        let worker = Self {
            thread,
            crowd: Crowd::new(&plan.connecting, plan.threads, dice),
            plan,
            clock,
            board,
            poll,
            orders,
            wakers,
            entropy: Entropy::new(),
            seats,
            ears,
            voices,
            unread: VecDeque::new(),
            speaking: None,
            churn: None,
            scattered_at: None,
            stuck: false,
            connected_below: 0,
            ticked_at: Duration::ZERO,
<<<<<<< HEAD
            scratch: vec![0; SCRATCH_BYTES].into_boxed_slice(),
=======
            scratch: vec![0; scratch_bytes].into_boxed_slice(),
>>>>>>> loadtest
            out: Vec::new(),
            words: Vec::new(),
            text: Vec::new(),
            finished: false,
        };
        worker.show_windows();
        worker
    }

    /// Runs until told to finish.
    pub(super) fn run(mut self) -> Harvest {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        while !self.finished {
            let timeout = self.timeout();
            match self.poll.poll(&mut events, Some(timeout)) {
                Ok(()) => {}
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => panic!("the poll has failed: {error}"),
            }
            self.take_orders();
            for event in &events {
                self.take_event(event);
            }
            for _ in 0..self.unread.len() {
                if let Some(seat) = self.unread.pop_front() {
                    self.seats[seat].unread = false;
                    self.read(seat);
                }
            }
            let now = self.clock.now();
            self.churn(now);
            self.connect(now);
            self.speak();
            self.tick(now);
            self.show();
        }
        self.settle()
    }

    /// How long nothing has to be done.
    fn timeout(&self) -> Duration {
        if !self.unread.is_empty() {
            return Duration::ZERO;
        }
        let now = self.clock.now();
        let mut until = now + TICK;
        if let Some(begin) = self.speaking {
            for voice in &self.voices {
                until = voice.due(begin).map_or(until, |due| until.min(due));
            }
        }
        if let Some(churn) = &self.churn {
            until = until.min(churn.next_at);
        }
        until = self.crowd.due().map_or(until, |due| until.min(due));
        let rest = until.saturating_sub(now);
        if rest < SLEEP_MIN {
            return Duration::ZERO;
        }
        Duration::from_millis(u64::try_from(rest.as_millis()).expect("a tick is short"))
    }

    fn take_orders(&mut self) {
        while let Ok(order) = self.orders.try_recv() {
            match order {
                Order::Connect { below } => {
                    for (seat, state) in self.seats.iter().enumerate() {
                        if (self.connected_below..below).contains(&state.index) {
                            self.crowd.push(seat);
                        }
                    }
                    self.connected_below = below;
                }
                Order::Speak { begin } => self.speaking = Some(begin),
                Order::Hush => self.speaking = None,
                Order::TimeFrom(begin) => self.ears.timed = Some(begin..Duration::MAX),
                Order::TimeUntil(end) => self.ears.end_timing(end),
                Order::Scatter => self.scatter(),
                Order::Churn { per_second } => {
                    let threads = u32::try_from(self.plan.threads).expect("threads are few");
                    self.churn = (per_second > 0.0).then(|| Churn {
                        interval: Duration::from_secs_f64(f64::from(threads) / per_second),
                        next_at: self.clock.now(),
                        next_seat: 0,
                    });
                }
                Order::Stick(stuck) => {
                    self.stuck = stuck;
                    if !stuck {
                        let seats = 0..self.seats.len();
                        let stuck = |seat: &usize| self.seats[*seat].listening.role == Role::Stuck;
                        for seat in seats.filter(stuck).collect::<Vec<_>>() {
                            self.read_again(seat);
                        }
                    }
                }
                Order::Finish => self.finished = true,
            }
        }
    }

    fn take_event(&mut self, event: &Event) {
        if event.token() == WAKE {
            return;
        }
        let seat = event.token().0;
        if event.is_writable() {
            let Some(connection) = &mut self.seats[seat].connection else {
                return;
            };
            let mut around = Surroundings {
                now: self.clock.now(),
                entropy: &mut self.entropy,
                fingerprint: self.plan.fingerprint,
            };
            if let Err(trouble) = connection.write_ready(&mut around, &mut self.out) {
                self.fail(seat, &trouble);
                return;
            }
        }
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            self.seats[seat].ended |= event.is_read_closed() || event.is_error();
            self.read(seat);
        }
    }

    /// Reads what a member's connection has.
    fn read(&mut self, seat: usize) {
        let state = &mut self.seats[seat];
        let Some(connection) = &mut state.connection else {
            return;
        };
        if self.stuck && state.listening.role == Role::Stuck {
            return;
        }
        let now = self.clock.now();
        let mut around = Surroundings {
            now,
            entropy: &mut self.entropy,
            fingerprint: self.plan.fingerprint,
        };
        let (ears, listening) = (&mut self.ears, &mut state.listening);
<<<<<<< HEAD
=======
        ears.harvest.reads += u64::from(self.speaking.is_some());
>>>>>>> loadtest
        let drained = connection.read_ready(
            &mut around,
            &mut self.scratch,
            &mut self.out,
            state.ended,
            |heard| ears.hear(listening, heard, now),
        );
        match drained {
            Ok(Drained::Yes) => {}
            Ok(Drained::No) => self.read_again(seat),
            Err(trouble) => return self.fail(seat, &trouble),
        }
        let state = &mut self.seats[seat];
        if std::mem::take(&mut state.listening.joined) {
            self.welcome(seat, now);
        }
        let stored = std::mem::take(&mut self.seats[seat].listening.stored);
        if stored > 0
            && let Some(voice) = self.voices.iter_mut().find(|voice| voice.seat == seat)
        {
            voice.stored += stored;
        }
    }

    fn read_again(&mut self, seat: usize) {
        if !std::mem::replace(&mut self.seats[seat].unread, true) {
            self.unread.push_back(seat);
        }
    }

<<<<<<< HEAD
    /// A member has joined its room.
    fn welcome(&mut self, seat: usize, now: Duration) {
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
    fn fail(&mut self, seat: usize, trouble: &Trouble) {
        self.out.clear();
        let state = &mut self.seats[seat];
        let Some(connection) = state.connection.take() else {
            return;
        };
        state.ended = false;
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
    fn connect(&mut self, now: Duration) {
        for _ in 0..BEGINS_PER_TURN {
            let Some(seat) = self.crowd.next(now) else {
                return;
            };
            if let Err(trouble) = self.begin(seat) {
                self.crowd.settle_one();
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
        let link = Link::new(self.plan.protocol, &persona);
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
    fn scatter(&mut self) {
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
    fn churn(&mut self, now: Duration) {
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

    /// Lets the speakers say what they may and must.
    fn speak(&mut self) {
        let Some(begin) = self.speaking else {
            return;
        };
        for index in 0..self.voices.len() {
            let now = self.clock.now();
            let voice = &mut self.voices[index];
            let complete = if self.wakers.len() == 1 {
                self.ears.complete(voice.speaker)
            } else {
                self.board.complete(voice.speaker)
            };
            let acknowledges = self.plan.protocol.acknowledges();
            let count = voice.allowance(begin, now, complete, acknowledges);
            let ready = |found: &&mut Connection| found.joined && found.owes_nothing();
            let connection = self.seats[voice.seat].connection.as_mut().filter(ready);
            let Some(connection) = connection.filter(|_| count > 0) else {
                continue;
            };
            self.words.clear();
            for _ in 0..count {
                let at = voice.sent_at(begin, now);
                let stamp = Stamp {
                    run: self.plan.run,
                    speaker: voice.speaker,
                    number: voice.said,
                    at,
                };
                self.text.clear();
                stamp.write(self.plan.size, &mut self.text);
                let text = std::str::from_utf8(&self.text).expect("a stamp is ASCII");
                connection.word(text, &mut self.words);
                voice.said += 1;
                if self.ears.is_timed(at) && voice.due(begin).is_some() {
                    self.ears.harvest.lag.record(now.saturating_sub(at));
                }
            }
            let (speaker, said, seat) = (voice.speaker, voice.said, voice.seat);
            let spoken = connection.speak(&self.words, now, &mut self.out);
            self.board.set_said(speaker, said);
            let column = self.board.column(self.thread);
            column.said.fetch_add(u64::from(count), Relaxed);
            if let Err(trouble) = spoken {
                self.fail(seat, &trouble);
            }
        }
    }

=======
>>>>>>> loadtest
    /// Looks at what has no edge: who takes too long to join, what nobody brings any more.
    fn tick(&mut self, now: Duration) {
        if now < self.ticked_at + TICK {
            return;
        }
        self.ticked_at = now;
        let timeout = self.plan.connecting.timeout;
        for seat in 0..self.seats.len() {
            let late = self.seats[seat]
                .connection
                .as_ref()
                .is_some_and(|found| !found.joined && now >= found.began + timeout);
            if late {
                self.fail(seat, &Trouble::Timeout);
            }
        }
        if self
            .speaking
            .is_some_and(|begin| now > begin + WRITE_OFF_AFTER)
            && now > self.ears.heard_at + WRITE_OFF_AFTER
        {
            let board = &self.board;
            self.ears.write_off(|speaker| board.said(speaker));
            self.ears.heard_at = now;
        }
    }

<<<<<<< HEAD
    /// Shows the others what has changed.
    fn show(&mut self) {
        let column = self.board.column(self.thread);
        column.heard.store(self.ears.heard, Relaxed);
        if self.ears.moved.is_empty() {
            return;
        }
        let mut to_wake = vec![false; self.wakers.len()];
        for speaker in self.ears.moved.drain(..).collect::<Vec<_>>() {
            let complete = self.ears.complete(speaker);
            self.board.set_complete(speaker, self.thread, complete);
            to_wake.fill(true);
        }
        for (thread, waker) in self.wakers.iter().enumerate() {
            if thread != self.thread && to_wake[thread] {
                // A thread that has ended needs no waking.
                let _ = waker.wake();
            }
        }
    }

    /// Shows where all windows stand.
    fn show_windows(&self) {
        for speaker in 0..u16::try_from(self.plan.speakers()).expect("speakers are u16") {
            let complete = self.ears.complete(speaker);
            self.board.set_complete(speaker, self.thread, complete);
        }
    }

=======
>>>>>>> loadtest
    /// Says goodbye, and closes the accounts.
    fn settle(mut self) -> Harvest {
        let echoes = self.plan.protocol.echoes();
        for state in self.seats {
            if let Some(connection) = state.connection {
                connection.leave(&mut self.out);
            }
            let listening = state.listening;
            let until = |speaker| match listening.role {
                Role::Mover | Role::Publisher => Until::LastHeard,
                Role::Steady | Role::Stuck if !state.has_joined => Until::LastHeard,
                Role::Steady | Role::Stuck if listening.speaker == Some(speaker) && !echoes => {
                    Until::Said(0)
                }
                Role::Steady | Role::Stuck => Until::Said(self.board.said(speaker)),
            };
            listening
                .account
                .settle(until, &mut self.ears.harvest.ledger);
        }
        self.ears.harvest
    }
}

/// From when on a member is owed everything.
fn since(role: Role) -> Since {
    match role {
        Role::Steady | Role::Stuck => Since::Number(0),
        Role::Mover | Role::Publisher => Since::FirstHeard,
    }
}
