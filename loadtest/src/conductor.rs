//! The conductor: takes a swarm through the phases of a run, and samples what is used meanwhile.

use crate::Failure;
use crate::clock::Clock;
use crate::link::Protocol;
use crate::live::Live;
use crate::plan::{Member, Plan, Role};
use crate::process::{ProcessorTime, resident_bytes};
use crate::report::words::{rounded, thousands};
use crate::swarm::{Harvest, Order, Sums, Swarm};
use std::sync::Arc;
use std::time::Duration;

/// How often the board is looked at.
const LOOK: Duration = Duration::from_millis(5);
/// The same where what follows waits for it.
const SHORT_LOOK: Duration = Duration::from_millis(1);
/// So long without progress while connecting, and the rest is given up.
const CONNECT_PATIENCE: Duration = Duration::from_secs(20);
/// So long without an arrival, and what is outstanding is given up.
const DRAIN_PATIENCE: Duration = Duration::from_secs(2);
/// So long without a byte of a file, and it is given up.
const TRANSFER_PATIENCE: Duration = Duration::from_secs(20);
/// The same where members did not read for a while: the kernel asks a peer that takes nothing more
/// and more rarely, so what it owes may come this much after the peer reads again.
const STUCK_DRAIN_PATIENCE: Duration = Duration::from_secs(20);
const SECOND: Duration = Duration::from_secs(1);

/// What was used and done up to one time.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// When.
    pub(crate) at: Duration,
    /// What was done.
    pub(crate) sums: Sums,
    /// Processor time of the server.
    pub(crate) server: Option<ProcessorTime>,
    /// Processor time of this process.
    pub(crate) own: Option<ProcessorTime>,
    /// Bytes of the server in memory.
    pub(crate) resident: Option<u64>,
}

/// A stretch of a run.
#[derive(Clone, Debug)]
pub(crate) struct Stretch {
    /// Its beginning.
    pub(crate) begin: Usage,
    /// Its end.
    pub(crate) end: Usage,
    /// At each second of it, and at its end.
    pub(crate) seconds: Vec<Usage>,
}

impl Stretch {
    /// How long it was.
    pub(crate) fn time(&self) -> Duration {
        self.end.at - self.begin.at
    }

    /// Messages received in it.
    pub(crate) fn heard(&self) -> u64 {
        self.end.sums.heard - self.begin.sums.heard
    }

    /// Messages sent in it.
    pub(crate) fn said(&self) -> u64 {
        self.end.sums.said - self.begin.sums.said
    }

    /// Bytes of files received in it.
    pub(crate) fn file_bytes(&self) -> u64 {
        self.end.sums.file_bytes - self.begin.sums.file_bytes
    }

    /// The most bytes of the server in memory, as seen at the seconds of it.
    pub(crate) fn resident_max(&self) -> Option<u64> {
        let seen = self.seconds.iter().chain([&self.begin]);
        seen.filter_map(|usage| usage.resident).max()
    }

    /// Processor time of the server in it.
    pub(crate) fn server(&self) -> Option<ProcessorTime> {
        Some(self.end.server? - self.begin.server?)
    }

    /// The share of the time in which the load was on a processor, of all its threads.
    pub(crate) fn own_share(&self, threads: usize) -> Option<f64> {
        let used = (self.end.own? - self.begin.own?).total().as_secs_f64();
        let threads = f64::from(u32::try_from(threads).ok()?);
        Some(used / self.time().as_secs_f64() / threads)
    }
}

/// A stretch that still goes on.
struct Recording {
    begin: Usage,
    seconds: Vec<Usage>,
}

impl Recording {
    fn new(begin: Usage) -> Self {
        Self {
            begin,
            seconds: Vec::new(),
        }
    }

    /// The second that is not noted yet, from 1.
    fn second(&self) -> u32 {
        u32::try_from(self.seconds.len()).expect("a run is short") + 1
    }

    /// Whether that second is over.
    fn is_second_over(&self, now: Duration) -> bool {
        now >= self.begin.at + SECOND * self.second()
    }

    /// How much of something there has been a second, from the end of the second before to `usage`.
    fn rate(&self, usage: &Usage, amount: impl Fn(&Sums) -> u64) -> f64 {
        let before = self.seconds.last().unwrap_or(&self.begin);
        let more = amount(&usage.sums) - amount(&before.sums);
        ratio(more, 1) / (usage.at - before.at).as_secs_f64()
    }

    fn finish(mut self, end: Usage) -> Stretch {
        self.seconds.push(end);
        Stretch {
            begin: self.begin,
            end,
            seconds: self.seconds,
        }
    }
}

/// Drives one run.
pub(crate) struct Conductor {
    plan: Arc<Plan>,
    swarm: Swarm,
    clock: Clock,
    process: Option<u32>,
    live: Live,
}

impl Conductor {
    /// Starts the swarm; `process` is the server's, if it can be watched.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when the system has no threads or polls left.
    pub(crate) fn start(plan: Plan, process: Option<u32>) -> Result<Self, Failure> {
        let (plan, clock) = (Arc::new(plan), Clock::start());
        let swarm = Swarm::start(&plan, clock)
            .map_err(|error| Failure(format!("cannot start the swarm: {error}")))?;
        Ok(Self {
            plan,
            swarm,
            clock,
            process,
            live: Live::new(),
        })
    }

    /// The plan that is carried out.
    pub(crate) fn plan(&self) -> Arc<Plan> {
        Arc::clone(&self.plan)
    }

    /// Tells the swarm something.
    pub(crate) fn order(&self, order: Order) {
        self.swarm.order(order);
    }

    /// What is used and done by now.
    pub(crate) fn usage(&self) -> Usage {
        Usage {
            at: self.clock.now(),
            sums: self.swarm.sums(),
            server: self.process.and_then(ProcessorTime::of),
            own: ProcessorTime::of(std::process::id()),
            resident: self.process.and_then(resident_bytes),
        }
    }

    /// Connects the members below `below`, until each has joined or failed.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when nobody has joined: there is nothing to measure then.
    pub(crate) fn connect(&mut self, below: usize) -> Result<Stretch, Failure> {
        let wanted = u64::try_from(below).expect("members are bounded");
        let begin = self.usage();
        self.order(Order::Connect { below });
        let stretch = self.gather(begin, wanted);
        if stretch.end.sums.joined > 0 {
            return Ok(stretch);
        }
        let why = self.swarm.board().first_trouble();
        let why = why.unwrap_or("nothing came back");
        Err(Failure(format!(
            "none of {wanted} connections to {} has joined: {why}",
            self.plan.server
        )))
    }

    /// Cuts off all movers, and waits until as many have joined again.
    pub(crate) fn scatter(&mut self) -> Stretch {
        let begin = self.usage();
        let wanted = begin.sums.joined + self.movers();
        self.order(Order::Scatter);
        self.gather(begin, wanted)
    }

    /// Lets all movers leave.
    pub(crate) fn depart(&self) {
        self.order(Order::Depart);
    }

    /// Lets all movers connect again at once, and waits until they have joined.
    pub(crate) fn bring_back(&mut self, is_timed: bool) -> Stretch {
        let begin = self.usage();
        let wanted = begin.sums.joined + self.movers();
        self.order(Order::Return { is_timed });
        self.gather(begin, wanted)
    }

    /// Has everybody cut off by what `restart` does to the server, and waits until as many have
    /// joined again. `restart` gives the new server's process; what that uses is counted from there.
    ///
    /// # Errors
    ///
    /// What `restart` fails with.
    pub(crate) fn survive<E>(
        &mut self,
        restart: impl FnOnce() -> Result<Option<u32>, E>,
    ) -> Result<Stretch, E> {
        let mut begin = self.usage();
        let wanted = begin.sums.joined + self.movers();
        self.order(Order::Return { is_timed: true });
        self.process = restart()?;
        begin.server = self.process.and_then(ProcessorTime::of);
        Ok(self.gather(begin, wanted))
    }

    /// How many come and go, or come back.
    fn movers(&self) -> u64 {
        let members = self.plan.members.iter();
        let movers = members.filter(|member| matches!(member.role, Role::Mover | Role::Returning));
        u64::try_from(movers.count()).expect("members are bounded")
    }

    /// Waits until so many have joined or failed since the beginning, or nothing moves any more.
    fn gather(&mut self, begin: Usage, wanted: u64) -> Stretch {
        self.show(0.0, "connecting");
        let (mut moved_at, mut before) = (begin.at, 0);
        let mut recording = Recording::new(begin);
        loop {
            let (now, sums) = (self.clock.now(), self.swarm.sums());
            let settled = sums.joined + sums.failed;
            if settled != before {
                (moved_at, before) = (now, settled);
            }
            if settled >= wanted || now > moved_at + CONNECT_PATIENCE {
                break;
            }
            if recording.is_second_over(now) {
                recording.seconds.push(self.usage());
                let done = share(settled, wanted);
                let words = format!(
                    "connecting: {} of {} are here",
                    thousands(sums.present),
                    thousands(self.everybody())
                );
                self.show(done, &words);
            }
            std::thread::sleep(LOOK);
        }
        self.conclude(recording)
    }

    /// Ends a stretch now.
    fn conclude(&mut self, recording: Recording) -> Stretch {
        self.live.clear();
        recording.finish(self.usage())
    }

    fn everybody(&self) -> u64 {
        u64::try_from(self.plan.members.len()).expect("members are bounded")
    }

    /// Shows how it goes.
    fn show(&mut self, done: f64, words: &str) {
        let whose = match self.plan.protocol {
            Protocol::Bare => "the floor: ",
            Protocol::Sealed(_) | Protocol::Line | Protocol::Redis | Protocol::Irc => "",
        };
        self.live.show(done, &format!("{whose}{words}"));
    }

    /// Lets the speakers begin.
    pub(crate) fn speak(&self) {
        // All threads must agree on the times, and have received the order before the first.
        let begin = self.clock.now() + 2 * LOOK;
        self.order(Order::Speak { begin });
    }

    /// Begins to time what is sent from now on.
    pub(crate) fn time(&self) {
        self.order(Order::TimeFrom(self.clock.now()));
    }

    /// Lets it go on for `time`, or until `messages` were sent in all.
    pub(crate) fn watch(&mut self, time: Duration, messages: Option<u64>, words: &str) -> Stretch {
        let begin = self.usage();
        self.show(0.0, words);
        let mut recording = Recording::new(begin);
        loop {
            let now = self.clock.now();
            let is_enough = messages.is_some_and(|messages| self.swarm.sums().said >= messages);
            if now >= begin.at + time || is_enough {
                break;
            }
            if recording.is_second_over(now) {
                let usage = self.usage();
                let rate = rounded(recording.rate(&usage, |sums| sums.heard));
                let done = (now - begin.at).as_secs_f64() / time.as_secs_f64();
                let (second, whole) = (recording.second(), time.as_secs_f64());
                self.show(
                    done,
                    &format!("{words}, {second} of {whole:.0} s: {rate} deliveries/s"),
                );
                recording.seconds.push(usage);
            }
            std::thread::sleep(LOOK.min((begin.at + time).saturating_sub(now)));
        }
        self.conclude(recording)
    }

    /// Has files of so many bytes offered one after the other, each when `receivers` have the last,
    /// until `time` is over and the last has come; says how many there were.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when nothing comes any more.
    pub(crate) fn transfer(
        &mut self,
        bytes: u64,
        receivers: u64,
        time: Duration,
        words: &str,
    ) -> Result<(u64, Stretch), Failure> {
        let begin = self.usage();
        self.show(0.0, words);
        let (mut recording, mut offered) = (Recording::new(begin), 0);
        let (mut moved_at, mut moved) = (begin.at, begin.sums.file_bytes);
        loop {
            let (now, sums) = (self.clock.now(), self.swarm.sums());
            if sums.files - begin.sums.files >= offered * receivers {
                if offered > 0 && now >= begin.at + time {
                    break;
                }
                self.order(Order::Offer(bytes));
                (offered, moved_at) = (offered + 1, now);
            }
            if sums.file_bytes != moved {
                (moved, moved_at) = (sums.file_bytes, now);
            }
            if now > moved_at + TRANSFER_PATIENCE || sums.failed > begin.sums.failed {
                let why = self.swarm.board().first_trouble();
                let why = why.unwrap_or("nothing comes any more");
                return Err(Failure(format!("a file did not come: {why}")));
            }
            if recording.is_second_over(now) {
                let usage = self.usage();
                let rate = recording.rate(&usage, |sums| sums.file_bytes);
                let rate = rounded(rate / 1_000_000.0);
                let done = (now - begin.at).as_secs_f64() / time.as_secs_f64().max(1.0);
                self.show(done.min(1.0), &format!("{words}: {rate} MB/s"));
                recording.seconds.push(usage);
            }
            std::thread::sleep(SHORT_LOOK);
        }
        Ok((offered, self.conclude(recording)))
    }

    /// Ends speaking, and waits until everybody has everything or nothing comes any more.
    pub(crate) fn drain(&mut self) {
        self.order(Order::TimeUntil(self.clock.now()));
        self.order(Order::Hush);
        let has_stuck = self
            .plan
            .members
            .iter()
            .any(|member| member.role == Role::Stuck);
        let patience = if has_stuck {
            STUCK_DRAIN_PATIENCE
        } else {
            DRAIN_PATIENCE
        };
        let (mut heard, mut heard_at) = (0, self.clock.now());
        // What was being said while the order came is on the board by the second look.
        std::thread::sleep(2 * LOOK);
        loop {
            let (now, sums) = (self.clock.now(), self.swarm.sums());
            if sums.heard != heard {
                (heard, heard_at) = (sums.heard, now);
            }
            let settled = sums.heard_by_staying + sums.announced;
            if settled >= self.due() || now > heard_at + patience {
                return;
            }
            std::thread::sleep(LOOK);
        }
    }

    /// Ends all connections and returns what was counted.
    pub(crate) fn finish(self) -> Harvest {
        self.swarm.finish()
    }

    /// How much those who stay must have received in all, once it has all come.
    fn due(&self) -> u64 {
        let mut due = 0;
        for (index, group) in (0_u16..).zip(&self.plan.groups) {
            let members = self.plan.members.iter();
            let staying = members.filter(|member| member.group == index);
            let is_due = |member: &&Member| !matches!(member.role, Role::Mover | Role::Publisher);
            let staying = staying.filter(is_due).count();
            let protocol = self.plan.protocol;
            let is_deaf_to_self = protocol.members_speak() && !protocol.echoes();
            let hearing = staying.saturating_sub(usize::from(is_deaf_to_self));
            let said = group.speakers.clone();
            let said: u64 = said
                .map(|speaker| u64::from(self.swarm.board().said(speaker)))
                .sum();
            due += said * u64::try_from(hearing).expect("members are bounded");
        }
        due
    }
}

/// `part` of `whole`, as a number up to 1.
pub(crate) fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { ratio(part, whole) }
}

/// One count divided by another.
#[expect(
    clippy::cast_precision_loss,
    reason = "figures for people have fewer digits than an f64"
)]
pub(crate) fn ratio(part: u64, whole: u64) -> f64 {
    part as f64 / whole as f64
}
