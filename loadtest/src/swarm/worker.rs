//! One thread's loop: poll, orders, sockets, newcomers, speakers, and what the board shows.

mod comings;
mod speaking;

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
use crate::link::{Bookmark, Memo, Surroundings, Trouble};
use crate::plan::{Plan, Role};
use mio::event::Event;
use mio::{Events, Poll, Token, Waker};
use parlour::crypto::handshake::StaticKey;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

/// The token of the waker; members have their own index.
pub(super) const WAKE: Token = Token(usize::MAX);

const EVENTS_PER_TURN: usize = 1_024;
/// What one read takes at most, beside a whole message: that must fit, or a plain line would never
/// be complete.
const SCRATCH_BYTES: usize = 128 * 1024;
/// Longest sleep; what has no time of its own is looked at so often.
const TICK: Duration = Duration::from_millis(100);
/// The kernel sleeps whole milliseconds; below that a speaker's time is waited for awake.
const SLEEP_MIN: Duration = Duration::from_millis(1);
/// So long after the last arrival what is outstanding is given up.
const WRITE_OFF_AFTER: Duration = Duration::from_secs(3);

/// A member and its connection.
struct Seat {
    /// Its index in the plan.
    index: usize,
    connection: Option<Connection>,
    listening: Listening,
    /// Connections begun that asked for no earlier session, successful or not.
    logins: u32,
    /// Where its last connection ended.
    bookmark: Option<Bookmark>,
    /// The key of its account.
    key: Option<Arc<StaticKey>>,
    /// Whether its account is made.
    has_account: bool,
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
    memo: Memo,
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
                    verifies: member.verifies,
                    stored: 0,
                    goes_on: false,
                    joined: false,
                },
                logins: 0,
                bookmark: None,
                key: None,
                has_account: false,
                failures: 0,
                has_joined: false,
                unread: false,
                ended: false,
            });
        }
        let dice = plan
            .seed
            .wrapping_add(u64::try_from(thread).expect("threads are few"));
        let scratch_bytes = SCRATCH_BYTES + plan.size;
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
            memo: Memo::new(),
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
            scratch: vec![0; scratch_bytes].into_boxed_slice(),
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
            self.tick(now);
            // Shown first: whoever speaks looks at what all threads have shown, this one included,
            // and when all have been read no event comes to look again.
            self.show();
            self.speak();
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
                Order::Depart => self.depart(),
                Order::Return { is_timed } => self.bring_back(is_timed),
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
                memo: &mut self.memo,
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
        // Who is still on its way to the room is not slow yet.
        if self.stuck && state.listening.role == Role::Stuck && connection.joined {
            return;
        }
        self.read_up_to(seat, usize::MAX);
    }

    /// Reads about so many bytes of what a member's connection has.
    fn read_up_to(&mut self, seat: usize, bytes_max: usize) {
        let state = &mut self.seats[seat];
        let Some(connection) = &mut state.connection else {
            return;
        };
        let now = self.clock.now();
        let mut around = Surroundings {
            now,
            entropy: &mut self.entropy,
            fingerprint: self.plan.fingerprint,
            memo: &mut self.memo,
        };
        let (ears, listening) = (&mut self.ears, &mut state.listening);
        ears.harvest.reads += u64::from(self.speaking.is_some());
        let drained = connection.read_ready(
            &mut around,
            &mut self.scratch,
            &mut self.out,
            state.ended,
            bytes_max,
            |heard| ears.hear(listening, heard, now),
        );
        match drained {
            Ok(Drained::Yes) => {}
            Ok(Drained::No) if bytes_max == usize::MAX => self.read_again(seat),
            // Slow readers are visited by the clock.
            Ok(Drained::No) => {}
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

    /// Looks at what has no edge: who takes too long to join, what nobody brings any more.
    fn tick(&mut self, now: Duration) {
        if now < self.ticked_at + TICK {
            return;
        }
        if let Some(rate) = self.plan.read_rate.filter(|_| self.stuck) {
            self.read_slowly(rate, now - self.ticked_at);
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

    /// Lets those who are slow read what so many bytes a second allow for so long.
    fn read_slowly(&mut self, rate: u32, time: Duration) {
        let bytes = u128::from(rate) * time.as_micros() / 1_000_000;
        let bytes = usize::try_from(bytes).expect("a tick is short").max(1);
        for seat in 0..self.seats.len() {
            if self.seats[seat].listening.role == Role::Stuck {
                self.read_up_to(seat, bytes);
            }
        }
    }

    /// Says goodbye, and closes the accounts.
    fn settle(mut self) -> Harvest {
        let echoes = self.plan.protocol.echoes();
        for state in self.seats {
            let is_here = state.connection.as_ref().is_some_and(|found| found.joined);
            if let Some(connection) = state.connection {
                connection.leave(&mut self.out);
            }
            let listening = state.listening;
            let until = |speaker| match listening.role {
                Role::Mover | Role::Publisher => Until::LastHeard,
                Role::Steady | Role::Stuck if !state.has_joined => Until::LastHeard,
                Role::Returning if !is_here => Until::LastHeard,
                Role::Steady | Role::Stuck if listening.speaker == Some(speaker) && !echoes => {
                    Until::Said(0)
                }
                Role::Steady | Role::Returning | Role::Stuck => {
                    Until::Said(self.board.said(speaker))
                }
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
        Role::Steady | Role::Returning | Role::Stuck => Since::Number(0),
        Role::Mover | Role::Publisher => Since::FirstHeard,
    }
}
