//! What people do when they act: which command, of which room, about whom.

use super::{Addressee, Person, Street};
use crate::chat::RoomId;
use crate::fanout::Dialect;
use crate::sim::dice::Act;
use crate::sim::transport::UpEnd;

impl Person {
    /// Does one thing.
    pub(super) fn act(&mut self, street: &mut Street<'_>) {
        let client = self.client.expect("who acts is connected");
        if !self.is_in {
            if street.dice.chance(5) {
                self.reset(client, street);
            }
            return;
        }
        match street.some_act() {
            Act::Say => {
                let bytes = street.dice.between(0, 60);
                self.say(bytes, street);
            }
            Act::SayMuch => {
                let most = street.weather.text_bytes_max;
                let is_long = street.dice.chance(300);
                let bytes = if is_long {
                    street.dice.between(most / 2, most)
                } else {
                    street.dice.magnitude(1, most)
                };
                self.say(bytes, street);
            }
            Act::Tell => {
                let to = street.some_name();
                let bytes = street
                    .dice
                    .magnitude(1, street.weather.text_bytes_max.min(2_000));
                self.post(Addressee::Person(to), bytes, street);
            }
            Act::Again => self.send_again(street),
            Act::History if self.replays < 3 && !self.rooms.is_empty() => {
                let room = street.some_room();
                let depth = *street.dice.pick(&["5", "30", "1000", "1s", "1h"]);
                self.replays += 1;
                self.run(&format!("/history {room} {depth}"), street);
            }
            Act::History => {}
            Act::Chatter if street.weather.is_fast() && street.dice.chance(200) => {
                // More answers than may be owed, if they are not read.
                for _ in 0..street.dice.between(1, 60) {
                    self.run("/help", street);
                }
            }
            Act::Move => self.move_on(client, street),
            Act::Reset => self.reset(client, street),
            Act::Quit => self.quit(street),
            act @ (Act::Nick
            | Act::Join
            | Act::Leave
            | Act::Topic
            | Act::Ignore
            | Act::Chatter
            | Act::Settings) => {
                let line = street.some_line(act);
                self.run(&line, street);
            }
        }
    }

    fn say(&mut self, bytes: usize, street: &mut Street<'_>) {
        match self.dialect {
            Dialect::Line => self.post(Addressee::Room(RoomId(0)), bytes, street),
            Dialect::Sealed => {
                let rooms: Vec<_> = self.rooms.iter().copied().collect();
                if !rooms.is_empty() {
                    let room = *street.dice.pick(&rooms);
                    self.post(Addressee::Room(room), bytes, street);
                }
            }
        }
    }

    /// Sends something again that was not acknowledged, though nothing is broken.
    fn send_again(&mut self, street: &mut Street<'_>) {
        let numbers: Vec<_> = self.unacknowledged.keys().copied().collect();
        if !numbers.is_empty() {
            let number = *street.dice.pick(&numbers);
            self.send_draft(number, street);
        }
    }

    /// Leaves one of the rooms it is in, on the line door any.
    pub(super) fn leave_some_room(&mut self, street: &mut Street<'_>) {
        let rooms: Vec<_> = self.rooms.iter().copied().collect();
        let room = if rooms.is_empty() {
            street.some_room()
        } else {
            let room = street.dice.pick(&rooms);
            let name = street.shell.model.logs[room].name;
            name.expect("people enter rooms with names").to_string()
        };
        if self.is_in && self.ending.is_none() {
            self.run(&format!("/leave {room}"), street);
        }
    }

    fn quit(&mut self, street: &mut Street<'_>) {
        match street.dice.between(0, 3) {
            0 => self.run("/quit so long", street),
            1 => self.ending = Some(UpEnd::Goodbye),
            2 if self.dialect == Dialect::Line => self.outbox.append(b"\n"),
            2 => self.ending = Some(UpEnd::Cut),
            _ => self.run("/quit", street),
        }
    }
}

impl Street<'_> {
    pub(super) fn next_number(&mut self) -> u64 {
        *self.numbers += 1;
        *self.numbers
    }

    pub(super) fn some_room(&mut self) -> String {
        match self.dice.between(0, self.weather.rooms) {
            0 => "#lobby".to_owned(),
            room => format!("#r{room}"),
        }
    }

    fn some_name(&mut self) -> String {
        if self.dice.chance(150) {
            format!("q{}", self.dice.between(0, 3))
        } else {
            format!("p{}", self.dice.between(0, self.weather.people - 1))
        }
    }

    fn some_act(&mut self) -> Act {
        let acts = &self.weather.acts;
        let sum: usize = acts.iter().map(|(_, weight)| weight).sum();
        let mut left = self.dice.between(0, sum.max(1) - 1);
        for (act, weight) in acts {
            if left < *weight {
                return *act;
            }
            left -= weight;
        }
        Act::Say
    }

    /// A command as it is typed.
    fn some_line(&mut self, act: Act) -> String {
        let room = self.some_room();
        match act {
            Act::Nick => format!("/nick {}", self.some_name()),
            Act::Join => {
                let word = *self.dice.pick(&["create", "join", "join"]);
                format!("/{word} {room}")
            }
            Act::Leave => format!("/leave {room}"),
            Act::Topic => format!("/topic {room} all about {}", self.dice.between(0, 9)),
            Act::Ignore => {
                let word = *self.dice.pick(&["ignore", "unignore"]);
                format!("/{word} {}", self.some_name())
            }
            Act::Settings => {
                let switch = *self.dice.pick(&["on", "off"]);
                format!("/set {room} history {switch}")
            }
            Act::Chatter
            | Act::Say
            | Act::SayMuch
            | Act::Tell
            | Act::History
            | Act::Again
            | Act::Reset
            | Act::Move
            | Act::Quit => {
                let lines = [
                    "/help",
                    "/names",
                    "/rooms",
                    "/whois p1",
                    "/away",
                    "/back",
                    "/nonsense",
                ];
                (*self.dice.pick(&lines)).to_owned()
            }
        }
    }
}

/// The text of a message: each of its lines says which message, which line, and how many there are.
pub(super) fn text(number: u64, lines: usize, bytes: usize) -> String {
    let mut text = String::new();
    for line in 0..lines {
        if line > 0 {
            text.push('\n');
        }
        text.push_str(&format!("m{number} {line}/{lines} "));
        let letters = ["x", "ż", "☕"];
        let letter = letters[usize::try_from(number % 3).expect("a remainder is small")];
        text.push_str(&letter.repeat(bytes / lines / letter.len()));
        text.push('.');
    }
    text
}
