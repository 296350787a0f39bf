//! How a connection gets a name: the prompt of the line door, and Hello.
//!
//! What comes before a name is answered here; nothing of it can end up as a message.

use super::command;
use super::membership::Entrance;
use super::name::Name;
use super::people::{PersonId, sender_of};
use super::refusal::Refusal;
use super::seats::{Nameless, Seat};
use super::secrets::Login;
use super::sessions::{Claim, Positions};
use super::throttle::{Cost, Pace};
use super::{
    Arrival, Chat, ClientId, Close, Command, Door, Effect, Effects, EntryId, Event, Hello,
    MessageKey, Pause, Resume, RoomId, Verdict,
};

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
        if let Some(refusal) = self.is_banned(arrival.source, arrival.key, self.now.unix_ms) {
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
        if self.is_hashing(client) {
            return if is_empty_line {
                Verdict::Taken
            } else {
                Verdict::Paused(Pause::Password)
            };
        }
        if let Words::Line(line) = words
            && self.is_asked(client)
        {
            return self.answer_secret(client, None, line, effects);
        }
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
            Ok(Command::Nick { name }) => self.take_name(client, name, is_decisive, effects).err(),
            Ok(Command::Login { name }) => {
                let asked = self.log_in_at_door(client, name, is_decisive, effects);
                asked.err()
            }
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
            Command::Nick { name } | Command::Login { name } => {
                let refused = if matches!(command, Command::Nick { .. }) {
                    self.take_name(client, name, false, effects).err()
                } else {
                    self.log_in_at_door(client, name, false, effects).err()
                };
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
        is_decisive: bool,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let hello = Hello {
            name: Some(name),
            room: None,
            resume: None,
        };
        self.start_session(client, &hello, is_decisive, effects)
    }

    /// Logs a nameless client in to an account; the password is asked for whether there is such an
    /// account or not.
    fn log_in_at_door(
        &mut self,
        client: ClientId,
        name: &str,
        is_decisive: bool,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let name = Name::parse(name).map_err(Refusal::BadName)?;
        self.come_as(client, name, &Hello::default(), is_decisive, effects)
    }

    /// Lets a nameless client in as an account: with an enrolled key at once, else by password.
    fn come_as(
        &mut self,
        client: ClientId,
        name: Name,
        hello: &Hello<'_>,
        is_decisive: bool,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let key = self
            .nameless(client)
            .and_then(|nameless| nameless.arrival.key);
        if let Some(account) = self.account_with_key(name, key) {
            self.log_in(client, account, hello.room, hello.resume.clone(), effects);
            return Ok(());
        }
        let login = Login {
            name,
            is_decisive,
            room: hello.room.map(Box::from),
            resume: hello.resume.clone(),
            account: None,
        };
        self.ask_to_log_in(client, login, effects)
    }

    /// Deals with the first words of a sealed client.
    fn greet(&mut self, client: ClientId, hello: &Hello<'_>, effects: &mut Effects) {
        if let Some(resume) = &hello.resume
            && self.resume(client, resume, effects)
        {
            return;
        }
        if let Some(resume) = &hello.resume
            && resume.epoch == self.epoch
            && let Some(account) = self.remembered.find(resume.hash, self.now.unix_ms)
        {
            self.log_in(client, account, hello.room, hello.resume.clone(), effects);
            return;
        }
        if hello.name.is_none() {
            effects.push_back(Effect::Reply(client, Event::AskName));
            return;
        }
        if let Err(refusal) = self.start_session(client, hello, false, effects) {
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
        if let Some(person) = self.people.get_mut(id)
            && person.account().is_some()
        {
            // It may have been a guest's when it began, of which nothing is remembered.
            person.rare_mut().hash = Some(resume.hash);
            self.remember_session(id, effects);
        }
        self.welcome(id, true, effects);
        self.reopen(id, dropped, &resume.positions, effects);
        true
    }

    /// Begins a session under a name, or goes on with the one the same key has under it.
    fn start_session(
        &mut self,
        client: ClientId,
        hello: &Hello<'_>,
        is_decisive: bool,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let Some(nameless) = self.nameless(client) else {
            return Ok(());
        };
        let wanted = hello.name.unwrap_or_default();
        let (name, claim) = self.claim(wanted, nameless.arrival.key, None)?;
        match claim {
            Claim::Own(id) => {
                let dropped = self.take_over(id, client, &nameless, effects);
                self.welcome(id, false, effects);
                let positions: &Positions = &[];
                self.reopen(id, dropped, positions, effects);
                self.tell_where(id, effects);
            }
            Claim::Free => self.begin_as_guest(client, name, nameless, hello, effects),
            Claim::Account => {
                return self.come_as(client, name, hello, is_decisive, effects);
            }
        }
        Ok(())
    }

    /// Begins a guest's session. One of the last process goes on as far as a newcomer may: under
    /// its token, so that what it sends again is recognised, and from where it had read to.
    fn begin_as_guest(
        &mut self,
        client: ClientId,
        name: Name,
        mut nameless: Nameless,
        hello: &Hello<'_>,
        effects: &mut Effects,
    ) {
        let resume = hello.resume.as_ref();
        let is_reset = resume.is_some_and(|resume| resume.epoch != self.epoch);
        let own = resume.filter(|resume| {
            resume.epoch == self.epoch && self.orphans.may_hold(sender_of(resume.token))
        });
        if let Some(resume) = own {
            nameless.arrival.token = resume.token;
        }
        let id = self.begin_session(client, name, &nameless, None, effects);
        let positions: &Positions = own.map_or(&[], |resume| &resume.positions);
        if own.is_some() {
            self.adopt_orphan(id);
        }
        let goes_on = |(room, _): &(RoomId, EntryId)| {
            let state = self.rooms.get(*room);
            state.is_some_and(|state| state.has_history) && self.is_open_to(id, *room)
        };
        let resumed = positions.iter().any(goes_on);
        self.note_arrival(id, resumed, effects);
        self.welcome(id, resumed, effects);
        if is_reset {
            let reset = "history was reset: what was said before is not here any more";
            effects.push_back(Effect::Reply(client, Event::Notice(reset.into())));
        }
        self.enter_first_room(id, hello.room, positions, resumed, effects);
        for (room, _) in positions {
            if self.is_open_to(id, *room) {
                let entrance = Entrance {
                    from: self.stranger_reads_from(*room, positions),
                    greeting: None,
                    is_current: false,
                };
                self.enter(id, *room, entrance, effects);
            }
        }
        self.return_to_inbox(id, positions, false, effects);
    }

    /// Whether somebody may enter a room without its key. Of a closed one the name may be another's.
    fn is_open_to(&self, id: PersonId, room: RoomId) -> bool {
        let state = self.rooms.get(room);
        state.is_some_and(|state| self.admit(id, state.name, None) == Ok(room))
    }

    /// What is known of a client without a name.
    pub(super) fn nameless(&mut self, client: ClientId) -> Option<Nameless> {
        match self.seats.get(client)? {
            Seat::Nameless(nameless) => Some(Nameless {
                arrival: nameless.arrival,
                has_spoken: nameless.has_spoken,
                throttle: nameless.throttle,
                flow: None,
                tries: nameless.tries,
            }),
            Seat::Vacant | Seat::Taken(_) | Seat::Deaf(_) => None,
        }
    }

    /// Lets a new session into the room it asked for, or else into the lobby.
    pub(super) fn enter_first_room(
        &mut self,
        id: PersonId,
        wanted: Option<&str>,
        positions: &Positions,
        resumed: bool,
        effects: &mut Effects,
    ) {
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
            from: self.stranger_reads_from(room, positions),
            greeting: self
                .greeting(id, room)
                .filter(|_| !resumed)
                .map(|text| Event::Notice(text.into())),
            is_current: true,
        };
        self.enter(id, room, entrance, effects);
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
