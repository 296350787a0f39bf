//! How a connection gets a name: the prompt of the line door, and Hello.
//!
//! What comes before a name is answered here; nothing of it can end up as a message.

use super::command;
use super::commands::Asker;
use super::membership::Entrance;
use super::people::{Person, PersonId};
use super::refusal::Refusal;
use super::seats::{Nameless, Seat};
use super::sessions::{Claim, Positions};
use super::throttle::{Cost, Pace};
use super::{
    Arrival, Chat, ClientId, Close, Command, Door, Effect, Effects, Event, Hello, MessageKey,
    Pause, Resume, RoomId, Verdict, Welcome,
};
use crate::limits::GREETING_NAMES_MAX;
use std::fmt::Write;

/// What a nameless client said.
#[derive(Debug)]
pub(super) enum Words<'a> {
    /// A line, at the prompt.
    Line(&'a str),
    /// A command with its number.
    Command(MessageKey, Command<'a>),
    /// A command that could not be read.
    Unreadable(MessageKey, Refusal),
    /// Who it is.
    Hello(Hello<'a>),
}

impl Chat {
    /// A connection has come.
    pub(super) fn open(&mut self, client: ClientId, arrival: Arrival, effects: &mut Effects) {
        self.seats.open(client, arrival);
        if let Some(refusal) = self.is_banned(arrival.source, arrival.key) {
            effects.push_back(Effect::Reply(client, Event::Refused(None, refusal)));
            self.seats.replace(client, Seat::Deaf(Box::default()));
            effects.push_back(Effect::Finish(
                client,
                Some(Event::Bye(None)),
                Close::Removed,
            ));
            return;
        }
        if arrival.door == Door::Line {
            let banner = Event::Banner(self.settings.kept);
            effects.push_back(Effect::Reply(client, banner));
            effects.push_back(Effect::Reply(client, Event::AskName));
        }
    }

    /// A client without a name says something.
    pub(super) fn hear_nameless(
        &mut self,
        client: ClientId,
        words: Words<'_>,
        bytes: usize,
        effects: &mut Effects,
    ) -> Verdict {
        // An empty line is told by the shell's clock, which cannot offer it again.
        let is_empty_line = matches!(words, Words::Line(""));
        if !is_empty_line && let Some(verdict) = self.pace_nameless(client, bytes, effects) {
            return verdict;
        }
        let is_first = match self.seats.get_mut(client) {
            Some(Seat::Nameless(nameless)) => !std::mem::replace(&mut nameless.has_spoken, true),
            Some(Seat::Vacant | Seat::Taken(_) | Seat::Deaf(_)) | None => return Verdict::Taken,
        };
        match words {
            Words::Line(line) => self.answer_prompt(client, line, is_first, effects),
            Words::Command(key, command) => {
                self.answer_nameless(client, Some(key), command, effects);
            }
            Words::Unreadable(key, refusal) => {
                effects.push_back(Effect::Reply(client, Event::Refused(Some(key), refusal)));
            }
            Words::Hello(hello) => self.greet(client, &hello, effects),
        }
        Verdict::Taken
    }

    /// Makes a nameless client wait that speaks too fast.
    fn pace_nameless(
        &mut self,
        client: ClientId,
        bytes: usize,
        effects: &mut Effects,
    ) -> Option<Verdict> {
        let Some(Seat::Nameless(nameless)) = self.seats.get_mut(client) else {
            return None;
        };
        if nameless.arrival.trusted {
            return None;
        }
        let (rates, now) = (self.settings.rates, self.now.monotonic);
        let cost = Cost { commands: 1, bytes };
        match nameless.throttle.check(&rates, cost, now) {
            Pace::Go => {
                nameless.throttle.spend(&rates, cost, now);
                None
            }
            Pace::Wait { until, tell } => {
                self.tell_wait(client, until, tell, effects);
                Some(Verdict::Paused(Pause::Until(until)))
            }
        }
    }

    /// Deals with a line at the name prompt.
    fn answer_prompt(
        &mut self,
        client: ClientId,
        line: &str,
        is_first: bool,
        effects: &mut Effects,
    ) {
        let line = line.trim();
        if line.is_empty() {
            effects.push_back(Effect::Reply(client, Event::AskName));
            return;
        }
        let command = if line.starts_with('/') {
            command::parse(line)
        } else {
            Ok(Command::Nick { name: line })
        };
        let is_command = is_word_of(line, &["nick", "login"]);
        // Scripts begin like this, and must not go on under no name.
        let is_decisive = is_first && is_command;
        let refusal = match command {
            Ok(Command::Nick { name }) => self.take_name(client, name, effects).err(),
            Ok(Command::Login { .. }) => Some(Refusal::WrongPassword),
            Err(refusal) if is_command => Some(refusal),
            Err(refusal) => {
                effects.push_back(Effect::Reply(client, Event::Refused(None, refusal)));
                return;
            }
            Ok(command) => return self.answer_nameless(client, None, command, effects),
        };
        let Some(refusal) = refusal else { return };
        effects.push_back(Effect::Reply(client, Event::Refused(None, refusal)));
        effects.push_back(Effect::Discard(client));
        if is_decisive {
            self.turn_away(client, None, effects);
        } else {
            effects.push_back(Effect::Reply(client, Event::AskName));
        }
    }

    /// Deals with a command of somebody without a name.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "every other command needs a name"
    )]
    fn answer_nameless(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        command: Command<'_>,
        effects: &mut Effects,
    ) {
        let refusal = match command {
            Command::Nick { name } => {
                let refused = self.take_name(client, name, effects).err();
                match refused {
                    None => None,
                    Some(refusal) => {
                        let refused = Event::Refused(key, refusal);
                        effects.push_back(Effect::Reply(client, refused));
                        effects.push_back(Effect::Reply(client, Event::AskName));
                        return;
                    }
                }
            }
            Command::Help { topic } => self.help(client, topic, effects).err(),
            Command::Quit { .. } => {
                self.turn_away(client, Some(Event::Bye(None)), effects);
                return;
            }
            _ => Some(Refusal::NameNeeded),
        };
        let answer = match (refusal, key) {
            (Some(refusal), key) => Event::Refused(key, refusal),
            (None, Some(key)) => Event::Done(key),
            (None, None) => return,
        };
        effects.push_back(Effect::Reply(client, answer));
    }

    /// Closes a connection that has no name.
    pub(super) fn turn_away(
        &mut self,
        client: ClientId,
        last_words: Option<Event>,
        effects: &mut Effects,
    ) {
        self.seats.replace(client, Seat::Deaf(Box::default()));
        effects.push_back(Effect::Finish(client, last_words, Close::Done));
    }

    /// Gives a nameless client the name it asks for, and lets it into the lobby.
    fn take_name(
        &mut self,
        client: ClientId,
        name: &str,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let hello = Hello {
            name: Some(name),
            room: None,
            resume: None,
        };
        self.start_session(client, &hello, effects)
    }

    /// Deals with the first words of a sealed client.
    fn greet(&mut self, client: ClientId, hello: &Hello<'_>, effects: &mut Effects) {
        if let Some(resume) = &hello.resume
            && self.resume(client, resume, effects)
        {
            return;
        }
        if hello.name.is_none() {
            effects.push_back(Effect::Reply(client, Event::AskName));
            return;
        }
        if let Err(refusal) = self.start_session(client, hello, effects) {
            effects.push_back(Effect::Reply(client, Event::Refused(None, refusal)));
            effects.push_back(Effect::Reply(client, Event::AskName));
        }
    }

    /// Lets a client go on with the session it had; whether it could.
    fn resume(&mut self, client: ClientId, resume: &Resume, effects: &mut Effects) -> bool {
        if resume.epoch != self.epoch {
            return false;
        }
        let Some(id) = self.people.with_token(resume.token) else {
            return false;
        };
        let Some(nameless) = self.nameless(client) else {
            return false;
        };
        let dropped = self.take_over(id, client, &nameless, effects);
        self.welcome(id, true, effects);
        self.reopen(id, dropped, &resume.positions, None, effects);
        true
    }

    /// Begins a session under a name, or goes on with the one the same key has under it.
    fn start_session(
        &mut self,
        client: ClientId,
        hello: &Hello<'_>,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let Some(nameless) = self.nameless(client) else {
            return Ok(());
        };
        let (name, claim) = self.claim(hello.name.unwrap_or_default(), nameless.arrival.key)?;
        match claim {
            Claim::Own(id) => {
                let dropped = self.take_over(id, client, &nameless, effects);
                self.welcome(id, false, effects);
                let positions: &Positions = &[];
                self.reopen(id, dropped, positions, None, effects);
                self.tell_where(id, effects);
            }
            Claim::Free => {
                let id = self.begin_session(client, name, &nameless, effects);
                self.welcome(id, false, effects);
                if let Some(resume) = &hello.resume
                    && resume.epoch != self.epoch
                {
                    let reset = "history was reset: what was said before is not here any more";
                    effects.push_back(Effect::Reply(client, Event::Notice(reset.into())));
                }
                self.enter_first_room(id, hello.room, effects);
            }
        }
        Ok(())
    }

    /// What is known of a client without a name.
    fn nameless(&mut self, client: ClientId) -> Option<Nameless> {
        match self.seats.get(client)? {
            Seat::Nameless(nameless) => Some(Nameless {
                arrival: nameless.arrival,
                has_spoken: nameless.has_spoken,
                throttle: nameless.throttle,
            }),
            Seat::Vacant | Seat::Taken(_) | Seat::Deaf(_) => None,
        }
    }

    fn welcome(&mut self, id: PersonId, resumed: bool, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let Some(client) = person.client.filter(|_| person.door == Door::Sealed) else {
            return;
        };
        let welcome = Welcome {
            epoch: self.epoch,
            token: person.token,
            name: person.name,
            resumed,
        };
        effects.push_back(Effect::Reply(client, Event::Welcome(welcome)));
    }

    /// Lets a new session into the room it asked for, or else into the lobby.
    fn enter_first_room(&mut self, id: PersonId, wanted: Option<&str>, effects: &mut Effects) {
        let Some(client) = self.people.get(id).and_then(|person| person.client) else {
            return;
        };
        let (room, refusal) = self.first_room(id, wanted);
        if let Some(refusal) = refusal {
            effects.push_back(Effect::Reply(client, Event::Refused(None, refusal)));
        }
        let Some(room) = room else {
            self.stay_outside(id, client, effects);
            return;
        };
        let entrance = Entrance {
            from: self.newcomer_reads_from(room),
            greeting: self
                .greeting(id, room)
                .map(|text| Event::Notice(text.into())),
            is_current: true,
        };
        self.enter(id, room, entrance, effects);
    }

    /// Greets somebody whom not even the lobby takes.
    fn stay_outside(&self, id: PersonId, client: ClientId, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        if person.door == Door::Sealed {
            effects.push_back(Effect::Reply(client, Event::Current(None)));
        }
        let text = format!(
            "You are {}, in no room. /rooms lists them, /join ROOM enters one.",
            person.name
        );
        effects.push_back(Effect::Reply(client, Event::Notice(text.into())));
    }

    /// Tells somebody who took its own session over who and where it is.
    fn tell_where(&self, id: PersonId, effects: &mut Effects) {
        let Some(person) = self.people.get(id) else {
            return;
        };
        let (Some(client), Some(room)) = (person.client, person.current) else {
            return;
        };
        if let Some(text) = self.greeting(id, room) {
            effects.push_back(Effect::Reply(client, Event::Notice(text.into())));
        }
    }

    /// Who one is, and who else is in a room.
    fn greeting(&self, id: PersonId, room: RoomId) -> Option<String> {
        let (person, state) = (self.people.get(id)?, self.rooms.get(room)?);
        let others = || state.members.keys().filter(|other| **other != id);
        let named = others().take(GREETING_NAMES_MAX);
        let mut names: Vec<_> = named
            .filter_map(|other| self.people.get(*other))
            .map(|other| other.name)
            .collect();
        names.sort_unstable();
        let count = state.members.len() - usize::from(state.members.contains_key(&id));
        let plural = if count == 1 { "" } else { "s" };
        let mut text = format!(
            "You are {} (guest), in {} with {count} other{plural}",
            person.name, state.name
        );
        for (index, name) in names.iter().enumerate() {
            let before = if index == 0 { ": " } else { ", " };
            write!(text, "{before}{name}").expect("a string takes everything");
        }
        if count > names.len() {
            write!(text, " and {} more", count - names.len()).expect("a string takes everything");
        }
        text.push_str(". /help lists the commands.");
        Some(text)
    }

    /// Who asks, if it has a name and has not said goodbye.
    pub(super) fn asker(&self, client: ClientId, key: Option<MessageKey>) -> Option<Asker> {
        let Some(Seat::Taken(id)) = self.seats.get(client) else {
            return None;
        };
        let person: &Person = self.people.get(*id).filter(|person| !person.is_leaving)?;
        Some(Asker {
            client,
            id: *id,
            door: person.door,
            key,
        })
    }
}

/// Whether a line begins with one of these commands, under any of their names.
fn is_word_of(line: &str, commands: &[&str]) -> bool {
    let word = line
        .strip_prefix('/')
        .and_then(|rest| rest.split_whitespace().next());
    let spelling = word.and_then(command::find);
    spelling.is_some_and(|spelling| commands.contains(&spelling.words[0]))
}
