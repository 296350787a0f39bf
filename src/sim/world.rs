//! The world of one seed: it gives everybody their turn, then calms down and sees what is left.

use super::dice::{Dice, Weather};
use super::log::Published;
use super::model::Tally;
use super::people::{Person, Street};
use super::shell::Shell;
use crate::chat::ClientId;
use crate::fanout::Dialect;
use crate::limits::TEXT_BYTES_MAX;
use std::cell::Cell;
use std::time::Duration;

/// Turns in which nobody reads a byte, though something is left to be done, for each person.
const STILL_TURNS_MAX: usize = 150;
/// How long that may last besides: the longest wait there is, for slow readers, and some more.
const STILL_TIME_MAX: Duration = Duration::from_secs(2);

/// Everything of one seed.
pub(super) struct World {
    dice: Dice,
    weather: Weather,
    shell: Shell,
    people: Vec<Person>,
    numbers: u64,
}

/// What a run came to, for the curious.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Summary {
    seeds: u64,
    turns: u64,
    connections: u64,
    published: u64,
    tally: Tally,
}

impl Summary {
    pub(super) fn add(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.turns += other.turns;
        self.connections += other.connections;
        self.published += other.published;
        self.tally.add(other.tally);
    }
}

impl World {
    pub(super) fn new(seed: u64) -> Self {
        let mut dice = Dice::new(seed);
        let weather = Weather::draw(&mut dice);
        let shell = Shell::new(&weather, &mut dice);
        let people = (0..weather.people).map(|index| {
            let is_line = dice.chance(weather.line_permille);
            let dialect = if is_line {
                Dialect::Line
            } else {
                Dialect::Sealed
            };
            Person::new(index, dialect, dice.between(0, 20))
        });
        Self {
            people: people.collect(),
            dice,
            weather,
            shell,
            numbers: 0,
        }
    }

    /// Lets everybody act, then lets everything settle, and checks what must be true then.
    pub(super) fn run(mut self, step: &Cell<usize>) -> Summary {
        for _ in 0..self.weather.turns {
            step.set(self.shell.turn);
            self.turn(false);
        }
        self.shell.calm();
        let turns_max = self.settling_turns();
        let still_turns_max = STILL_TURNS_MAX * (self.people.len() + 1);
        let (mut moved_bytes, mut still_since) = (0, (0, Duration::ZERO));
        while !self.is_settled() {
            let now = (self.shell.turn, self.shell.now.monotonic);
            if moved_bytes < self.shell.moved_bytes {
                (moved_bytes, still_since) = (self.shell.moved_bytes, now);
            }
            let is_still =
                now.0 > still_since.0 + still_turns_max && now.1 > still_since.1 + STILL_TIME_MAX;
            assert!(
                !is_still && now.0 < turns_max,
                "something moves until everything is settled: {}",
                self.what_is_left()
            );
            step.set(self.shell.turn);
            self.turn(true);
            self.sleep();
        }
        let staying: Vec<ClientId> = self
            .people
            .iter()
            .filter_map(|person| person.client)
            .collect();
        self.shell.model.assert_settled(&staying);
        Summary {
            seeds: 1,
            turns: self.shell.turn as u64,
            connections: self.shell.model.tally.connections,
            published: self
                .shell
                .model
                .logs
                .values()
                .map(|log| log.entries.len() as u64)
                .sum(),
            tally: self.shell.model.tally,
        }
    }

    fn turn(&mut self, is_calm: bool) {
        if !is_calm && self.dice.chance(self.weather.crash_permille) {
            self.crash();
        }
        let tick = usize::try_from(self.weather.tick.as_micros()).expect("a tick is short");
        let passed = Duration::from_micros(self.dice.between(0, tick) as u64);
        self.shell.set_time(self.shell.now.monotonic + passed);
        for person in &mut self.people {
            let mut street = Street {
                shell: &mut self.shell,
                dice: &mut self.dice,
                weather: &self.weather,
                numbers: &mut self.numbers,
                is_calm,
            };
            person.turn(&mut street);
        }
        self.shell.turn();
    }

    /// The server dies under everybody's hands, and is started again.
    fn crash(&mut self) {
        for person in &mut self.people {
            let mut street = Street {
                shell: &mut self.shell,
                dice: &mut self.dice,
                weather: &self.weather,
                numbers: &mut self.numbers,
                is_calm: false,
            };
            person.lose_server(&mut street);
        }
        self.shell.crash();
    }

    /// When nothing is left to do until a deadline, time goes on to it, as in the loop.
    fn sleep(&mut self) {
        let sockets = &self.shell.kernel.sockets;
        let has_bytes = |person: &Person| {
            let comes = |client| {
                let socket = &sockets[&client];
                !socket.down.is_empty() || socket.is_shut
            };
            person.is_busy() || person.clients().any(comes)
        };
        if self.shell.is_awake() || self.people.iter().any(has_bytes) || self.is_settled() {
            return;
        }
        let due = self.shell.next_deadline();
        let due = due.unwrap_or_else(|| panic!("asleep with work undone: {}", self.what_is_left()));
        self.shell.set_time(due.max(self.shell.now.monotonic));
    }

    fn is_settled(&self) -> bool {
        let is_served = |person: &Person| {
            let client = person.client;
            client.is_none_or(|client| self.shell.connections.contains_key(&client))
        };
        let is_done = |person: &Person| person.is_content() && is_served(person);
        self.people.iter().all(is_done) && self.shell.is_settled()
    }

    /// The turn by which everything must be settled, at the rates of this seed.
    fn settling_turns(&self) -> usize {
        let slowest = self.weather.down_bytes_max.min(self.weather.up_bytes_max);
        let logs = self.shell.model.logs.values();
        let entries = logs.flat_map(|log| &log.entries);
        let bytes: usize = entries.map(Published::bytes).sum();
        let bytes = bytes + self.shell.model.reply_bytes + TEXT_BYTES_MAX;
        // Each reads all of it, and some of it again, and each message may wait for slow readers.
        let messages = usize::try_from(self.numbers).expect("few are sent");
        self.shell.turn + STILL_TURNS_MAX * (messages + 1) + 20 * bytes / slowest
    }

    fn what_is_left(&self) -> String {
        let mut left = Vec::new();
        for person in self.people.iter().filter(|person| !person.is_content()) {
            left.push(format!(
                "person {} ({:?}) unanswered {:?}",
                person.index, person.client, person.unanswered
            ));
        }
        for (client, connection) in &self.shell.connections {
            let socket = &self.shell.kernel.sockets[client];
            left.push(format!(
                "{client:?} {:?} waits {:?}, up {}, quiet {}, idle {}",
                connection.dialect,
                connection.wait,
                socket.up.len(),
                socket.is_quiet(),
                self.shell.fanout.is_idle(*client),
            ));
        }
        left.join("; ")
    }
}
