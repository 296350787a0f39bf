//! A room of up to a million: what a connection costs in memory and in work, and whether that stays
//! the same while the room grows.
//!
//! The chat, the store, the fan-out with its codec and the record layer are the server's own; only
//! the sockets are missing, since no machine has ports and open files for so many. So what the
//! kernel and the loop keep of a socket comes on top. Every size is measured in a process of its
//! own, whose memory nobody used before.
//!
//! `cargo bench --bench million --features synthetic`; `-- --suite 1` takes the other cipher suite.
//! Without the feature every connection has its own handshake, of which a million would take
//! minutes, so that the largest size is left out. In the test run a thousand connect, and nothing is
//! said of time.

use std::collections::VecDeque;
use std::error::Error;
use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command as Process, Stdio};
use std::time::Duration;

use parlour::chat::{
    Arrival, Chat, ClientId, Close, Command, Door, Effect, Effects, Epoch, Hello, Input,
    MessageKey, Now, Outcome, RoomOrder, Settings, Token, TokenHash, Verdict,
};
use parlour::crypto::handshake::Session;
use parlour::crypto::record::{
    Opener, OpenerSecret, Padding, RecordSecrets, Sealer, SealerSecret, Side, Suite,
};
use parlour::fanout::{Bounds, Dialect, Fanout, Outlets, Sent};
use parlour::store::{MemoryStore, Store};

/// 64 bytes, as in the tables of measurements.
const TEXT: &str = "has anybody seen the minutes of the last meeting? I cannot find.";
const TESTED: u32 = 1_000;
const MEASURED: [u32; 3] = [10_000, 100_000, 1_000_000];
/// The most for whom there is time to shake hands.
const HANDSHAKES_MAX: u32 = 100_000;
/// Messages said before the room is swept: one, and as many as a busy sender has outstanding.
const RUNS: [u32; 2] = [1, 64];
/// Rounds of which the median counts.
const ROUNDS: usize = 5;
/// Visits of a round, however large the room.
const VISITS_PER_ROUND: u32 = 1_000_000;
/// Arrivals between two sweeps.
const ARRIVALS_PER_SWEEP: u32 = 64;
/// Between two arrivals, as in a server that is busy with nothing else.
const ARRIVAL_INTERVAL: Duration = Duration::from_micros(200);
const UNIX_MS: u64 = 1_800_000_000_000;
/// How much a cost may grow from the smallest room to the largest.
const GROWTH_MAX: f64 = 1.5;

/// The record states of one connection, side by side as in the server.
struct Records {
    sealer: Sealer,
    /// Nobody speaks but one, whose words come in plain; but it has its place in memory.
    _opener: Opener,
}

/// Sealers, and a kernel that takes everything.
#[derive(Default)]
struct Transport {
    records: Vec<Records>,
    writes: u64,
    bytes: u64,
}

impl Outlets for Transport {
    fn seal(&mut self, client: ClientId, record: &mut Vec<u8>) {
        self.records[client.slot as usize]
            .sealer
            .seal(Padding::Blocks, record, 0)
            .expect("a benchmark is shorter than the life of a key");
    }

    fn seal_close(&mut self, _: ClientId, _: Close, _: &mut Vec<u8>) {
        panic!("nobody leaves");
    }

    fn send(&mut self, _: ClientId, bytes: &[u8]) -> Sent {
        self.writes += 1;
        self.bytes += bytes.len() as u64;
        Sent::All
    }

    fn finished(&mut self, _: ClientId) {
        panic!("nobody leaves");
    }

    fn elapsed(&mut self) -> Duration {
        Duration::ZERO
    }
}

/// A server without its loop.
struct Server {
    chat: Chat,
    fanout: Fanout,
    store: MemoryStore,
    transport: Transport,
    effects: Effects,
    outcomes: VecDeque<Outcome>,
    now: Duration,
    joined: u32,
    said: u64,
}

impl Server {
    fn new(members: u32) -> Self {
        let mut server = Self {
            chat: Chat::new(Settings::default(), Epoch([7; 16])),
            fanout: Fanout::new(Bounds::default()),
            store: MemoryStore::new(),
            transport: Transport::default(),
            effects: Effects::new(),
            outcomes: VecDeque::new(),
            now: Duration::ZERO,
            joined: 0,
            said: 0,
        };
        // Record states never move; the server reserves their places too.
        server.transport.records.reserve_exact(members as usize);
        server.chat.start(&mut server.effects);
        server.carry_out();
        server
    }

    fn fill(&mut self, suite: Suite, members: u32) {
        for slot in 0..members {
            self.now += ARRIVAL_INTERVAL;
            let (sealer, opener) = secrets(suite, slot);
            self.transport.records.push(Records {
                sealer: sealer.start(Duration::MAX),
                _opener: opener.start(),
            });
            self.fanout.open(client(slot), Dialect::Sealed);
            self.apply(Input::Opened(client(slot), arrival(slot)));
            let name = name(slot);
            let hello = Hello {
                name: Some(&name),
                ..Hello::default()
            };
            self.apply(Input::Hello(client(slot), hello));
            if slot % ARRIVALS_PER_SWEEP == 0 {
                self.tick();
                self.sweep();
            }
        }
        self.sweep();
        assert_eq!(self.joined, members, "everybody is in the lobby");
    }

    /// Tells how many have come, whenever the chat finds it time.
    fn tick(&mut self) {
        if self.chat.next_deadline().is_some_and(|due| due <= self.now) {
            self.apply(Input::Tick);
        }
    }

    /// The first who came says something `run` times; then everybody is told.
    fn broadcast(&mut self, run: u32) {
        for _ in 0..run {
            self.said += 1;
            let say = Command::Say {
                room: None,
                action: false,
                text: TEXT,
            };
            self.apply(Input::Command(client(0), MessageKey(self.said), say));
        }
        self.sweep();
    }

    fn apply(&mut self, input: Input<'_>) {
        self.apply_one(input);
        while let Some(outcome) = self.outcomes.pop_front() {
            self.apply_one(Input::Outcome(outcome));
        }
    }

    fn apply_one(&mut self, input: Input<'_>) {
        let verdict = self.chat.apply(self.time(), input, &mut self.effects);
        assert_eq!(verdict, Verdict::Taken, "who is trusted never waits");
        self.carry_out();
    }

    fn time(&self) -> Now {
        let since = u64::try_from(self.now.as_millis()).expect("a few minutes");
        Now {
            monotonic: self.now,
            unix_ms: UNIX_MS + since,
        }
    }

    fn carry_out(&mut self) {
        while let Some(effect) = self.effects.pop_front() {
            match effect {
                Effect::Reply(client, event) => self.fanout.reply(client, &event),
                Effect::Room(order) => {
                    self.joined += u32::from(matches!(order, RoomOrder::Join { .. }));
                    self.fanout.order(order);
                }
                Effect::Submit(job) => {
                    let parlour::chat::Job::Write(write) = job else {
                        panic!("nobody asked for {job:?}");
                    };
                    let answered = self.store.commit(self.time().unix_ms, &[write]);
                    self.outcomes.extend(answered.expect("memory never fails"));
                }
                Effect::Named(_) | Effect::Record(_) => {}
                effect @ (Effect::Discard(_)
                | Effect::Finish(..)
                | Effect::Expel(..)
                | Effect::Administered(..)
                | Effect::Operate(_)
                | Effect::File(_)) => panic!("nobody asked for {effect:?}"),
            }
        }
    }

    fn sweep(&mut self) {
        while self.fanout.has_work() {
            self.fanout.sweep(self.now, &mut self.transport);
        }
    }
}

const fn client(slot: u32) -> ClientId {
    ClientId {
        slot,
        generation: 1,
    }
}

fn arrival(slot: u32) -> Arrival {
    let mixed = u128::from(slot).wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835);
    Arrival {
        door: Door::Sealed,
        source: IpAddr::V4(Ipv4Addr::from_bits((10 << 24) + slot)),
        trusted: true,
        key: None,
        token: Token(mixed.to_le_bytes()),
        hash: TokenHash(mixed.to_le_bytes()),
        takes_passwords: true,
    }
}

/// Six letters, another name for each slot, in no order: people do not come by the alphabet.
fn name(slot: u32) -> String {
    const LETTERS: u64 = 26;
    const PRIME: u64 = 179_424_673;
    let mut rest = u64::from(slot) * PRIME % LETTERS.pow(6);
    let mut letter = || {
        let digit = u8::try_from(rest % LETTERS).expect("less than 26");
        rest /= LETTERS;
        char::from(b'a' + digit)
    };
    (0..6).map(|_| letter()).collect()
}

fn secrets(suite: Suite, slot: u32) -> (SealerSecret, OpenerSecret) {
    let secrets = RecordSecrets::derive(session(slot), Side::Server, suite);
    (secrets.sealer, secrets.opener)
}

#[cfg(feature = "synthetic")]
fn session(slot: u32) -> Session {
    Session::synthetic(u64::from(slot))
}

/// A session made by a true handshake, whose ephemeral keys are told apart by `slot`.
#[cfg(not(feature = "synthetic"))]
fn session(slot: u32) -> Session {
    use parlour::crypto::handshake::{Initiator, Responder, StaticKey};
    let random = |role: u8| {
        let mut bytes = [role; 32];
        bytes[..4].copy_from_slice(&slot.to_le_bytes());
        bytes
    };
    let identity = StaticKey::from_bytes(&[1; 32]);
    let (mut hello, mut reply, mut end) = (Vec::new(), Vec::new(), Vec::new());
    let initiator = Initiator::start(&[], random(2), &[], &mut hello);
    let (responder, _) = Responder::read_hello(&[], &hello).expect("a hello");
    let responder = responder.reply(&identity, random(3), &[], &mut reply);
    let (initiator, _) = initiator.read_reply(&reply).expect("a genuine reply");
    let finished = initiator.finish(&StaticKey::from_bytes(&random(4)), &[], &mut end);
    finished.expect("a good key");
    let (session, _, _) = responder.expect("a good key").finish(&end).expect("an end");
    session
}

/// What was found out about a room of one size.
struct Figures {
    members: u32,
    bytes_each: f64,
    /// CPU time of one arrival, chat and key schedule included, ns.
    arrival: f64,
    /// CPU time of one member's share of a run, for each of [`RUNS`], ns.
    runs: [f64; RUNS.len()],
}

impl Figures {
    fn measure(suite: Suite, members: u32) -> Result<Self, Box<dyn Error>> {
        let (empty, began) = (resident_bytes()?, cpu_ns()?);
        let mut server = Server::new(members);
        server.fill(suite, members);
        let bytes_each = (resident_bytes()? - empty) / f64::from(members);
        let arrival = (cpu_ns()? - began) / f64::from(members);
        let mut runs = [0.0; RUNS.len()];
        for (cost, run) in runs.iter_mut().zip(RUNS) {
            // Everybody's first visit fills pools and caches.
            server.broadcast(run);
            let mut rounds = [0.0; ROUNDS];
            for round in &mut rounds {
                *round = measure_round(&mut server, members, run)?;
            }
            rounds.sort_by(f64::total_cmp);
            *cost = rounds[ROUNDS / 2];
        }
        Ok(Self {
            members,
            bytes_each,
            arrival,
            runs,
        })
    }

    /// The figures that a process of its own has found.
    fn measure_apart(suite: Suite, members: u32) -> Result<Self, Box<dyn Error>> {
        let output = Process::new(std::env::current_exe()?)
            .args(["--suite", &suite.to_wire().to_string()])
            .args(["--members", &members.to_string()])
            .stderr(Stdio::inherit())
            .output()?;
        let text = String::from_utf8(output.stdout)?;
        let numbers: Result<Vec<f64>, _> = text.split_whitespace().map(str::parse).collect();
        let &[bytes_each, arrival, one, many] = numbers?.as_slice() else {
            return Err(format!("{members} members: no figures came").into());
        };
        Ok(Self {
            members,
            bytes_each,
            arrival,
            runs: [one, many],
        })
    }
}

/// CPU time of one member's share of a run, ns.
fn measure_round(server: &mut Server, members: u32, run: u32) -> Result<f64, Box<dyn Error>> {
    let broadcasts = (VISITS_PER_ROUND / members).max(1);
    let visits = u64::from(broadcasts) * u64::from(members);
    let (writes, bytes) = (server.transport.writes, server.transport.bytes);
    let began = cpu_ns()?;
    for _ in 0..broadcasts {
        server.broadcast(run);
    }
    let spent = cpu_ns()? - began;
    let writes = server.transport.writes - writes;
    let bytes = server.transport.bytes - bytes;
    assert!(writes >= visits, "everybody is written to");
    let text = visits * u64::from(run) * TEXT.len() as u64;
    assert!(bytes > text, "everybody is sent everything");
    Ok(spent / f64::from(broadcasts) / f64::from(members))
}

/// Checks that a run which fits a record is one write for each member, and holds it whole.
fn try_out(suite: Suite) {
    let mut server = Server::new(TESTED);
    server.fill(suite, TESTED);
    for run in RUNS {
        let (writes, bytes) = (server.transport.writes, server.transport.bytes);
        server.broadcast(run);
        let text = u64::from(run) * TEXT.len() as u64;
        assert_eq!(
            server.transport.writes - writes,
            u64::from(TESTED),
            "a run that fits a record is one write for each"
        );
        assert!(server.transport.bytes - bytes > text * u64::from(TESTED));
    }
}

/// CPU time this process has had, ns: its one thread runs user code and takes page faults.
fn cpu_ns() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/schedstat")?;
    let running = text.split_whitespace().next().ok_or("no time told")?;
    Ok(running.parse()?)
}

fn resident_bytes() -> Result<f64, Box<dyn Error>> {
    let text = fs::read_to_string("/proc/self/status")?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next());
    let kilobytes: f64 = kilobytes.ok_or("no memory told")?.parse()?;
    Ok(kilobytes * 1024.0)
}

fn compare(suite: Suite) -> Result<(), Box<dyn Error>> {
    println!("suite {}; CPU in ns", suite.to_wire());
    println!("  members  bytes each  arrival  a message each  64 messages each");
    let is_synthetic = cfg!(feature = "synthetic");
    let sizes = MEASURED.iter().copied();
    let mut all = Vec::new();
    for members in sizes.filter(|&members| is_synthetic || members <= HANDSHAKES_MAX) {
        let figures = Figures::measure_apart(suite, members)?;
        println!(
            "{:9}  {:10.0}  {:7.0}  {:14.0}  {:16.0}",
            members, figures.bytes_each, figures.arrival, figures.runs[0], figures.runs[1]
        );
        all.push(figures);
    }
    if !is_synthetic {
        println!("more members: --features synthetic");
    }
    let [first, .., last] = all.as_slice() else {
        return Ok(());
    };
    for (index, run) in RUNS.iter().enumerate() {
        let growth = last.runs[index] / first.runs[index];
        let verdict = if growth <= GROWTH_MAX {
            "flat"
        } else {
            "grows"
        };
        println!(
            "run of {run}: {growth:.2} times from {} to {} members ({verdict}; the bound is {GROWTH_MAX})",
            first.members, last.members
        );
    }
    Ok(())
}

/// The value that follows an option.
fn option(name: &str) -> Option<String> {
    std::env::args().skip_while(|word| word != name).nth(1)
}

fn main() -> Result<(), Box<dyn Error>> {
    let suite = match option("--suite") {
        Some(number) => Suite::from_wire(number.parse()?).ok_or("no such suite")?,
        None => Suite::DEFAULT,
    };
    if let Some(members) = option("--members") {
        let figures = Figures::measure(suite, members.parse()?)?;
        let [one, many] = figures.runs;
        println!("{} {} {one} {many}", figures.bytes_each, figures.arrival);
        return Ok(());
    }
    let has = |name: &str| std::env::args().any(|word| word == name);
    if has("--bench") && !has("--test") {
        return compare(suite);
    }
    Suite::ALL.into_iter().for_each(try_out);
    Ok(())
}
