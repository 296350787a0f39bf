//! What people with a name ask for: pace, order, and the one place where commands part ways.

mod accounts;
mod administration;
mod answers;
mod appointments;
mod files;
mod moderation;
mod people;
mod rooms;
mod search;
mod speech;

use super::changes::Then;
use super::name::Name;
use super::people::PersonId;
use super::refusal::Refusal;
use super::seats::Seat;
use super::span::Left;
use super::text;
use super::throttle::{Cost, Pace};
use super::{
    Chat, ClientId, Command, Door, Duration, Effect, Effects, Event, MessageKey, Pause, RoomId,
    RoomName, RoomRef, Verdict,
};
use crate::limits::{COSTLY_COMMAND_COST, REASON_BYTES_MAX, UNACKNOWLEDGED_MAX};
use moderation::Order;
use std::sync::Arc;

/// Who asks, and how the answer finds it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asker {
    pub(super) client: ClientId,
    pub(super) id: PersonId,
    pub(super) door: Door,
    /// The number of the command, if its door gives any.
    pub(super) key: Option<MessageKey>,
}

impl Asker {
    /// What follows when what was asked for is durable: it is told so, in words if there are any.
    fn told(self, words: Option<Arc<str>>) -> Then {
        Then::Tell {
            client: self.client,
            key: self.key,
            events: words.map(Event::Notice).into_iter().collect(),
        }
    }
}

/// What a command came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// It was carried out, and the client is told so.
    Done,
    /// The client was, or will be, told in another way.
    Elsewhere,
}

impl Chat {
    /// Who asks, if it has a name and has not said goodbye.
    pub(super) fn asker(&self, client: ClientId, key: Option<MessageKey>) -> Option<Asker> {
        let Some(Seat::Taken(id)) = self.seats.get(client) else {
            return None;
        };
        let person = self.people.get(*id).filter(|person| !person.is_leaving)?;
        Some(Asker {
            client,
            id: *id,
            door: person.door,
            key,
        })
    }

    /// Deals with a command of somebody who has a name.
    pub(super) fn hear(
        &mut self,
        asker: Asker,
        command: Result<Command<'_>, Refusal>,
        bytes: usize,
        effects: &mut Effects,
    ) -> Verdict {
        if self.is_stopping && !matches!(command, Ok(Command::Quit { .. })) {
            let refused = Event::Refused(asker.key, Refusal::Stopping);
            effects.push_back(Effect::Reply(asker.client, refused));
            return Verdict::Taken;
        }
        let commands = command.as_ref().map_or(1, cost);
        let cost = Cost { commands, bytes };
        // Nobody is kept here for having said too much; and an empty line that has stood alone
        // for long enough cannot be offered again.
        let is_leaving = matches!(command, Ok(Command::Quit { .. }));
        if !is_leaving && let Some(verdict) = self.pace(asker, cost, effects) {
            return verdict;
        }
        let must_wait = match command.as_ref().map_or(Yield::Nothing, yields) {
            Yield::Message => self.must_wait_for_journal(asker, bytes),
            Yield::Change => self.changes.is_full(),
            Yield::Question => self.is_speaking(asker),
            Yield::Nothing => false,
        };
        if must_wait {
            return Verdict::Paused(Pause::Journal);
        }
        self.spend(asker, cost);
        let is_login = matches!(command, Ok(Command::Login { .. }));
        match command.and_then(|command| self.carry_out(asker, command, effects)) {
            Ok(Answer::Elsewhere) => {}
            Ok(Answer::Done) => {
                if let Some(key) = asker.key {
                    effects.push_back(Effect::Reply(asker.client, Event::Done(key)));
                }
            }
            Err(refusal) => {
                let refused = Event::Refused(asker.key, refusal);
                effects.push_back(Effect::Reply(asker.client, refused));
                if is_login {
                    // The line behind it is a password, and nobody else's business.
                    self.discard_typed(asker.client, effects);
                }
            }
        }
        Verdict::Taken
    }

    fn carry_out(
        &mut self,
        asker: Asker,
        command: Command<'_>,
        effects: &mut Effects,
    ) -> Result<Answer, Refusal> {
        match command {
            Command::Say { room, action, text } => self.say(asker, room, action, text, effects),
            Command::Tell { to, text } => self.tell(asker, to, text, effects),
            Command::Reply { text } => self.reply(asker, text, effects),
            Command::Nick { name } => self.nick(asker, name, effects),
            Command::Join { room, key } => self.join(asker, room, key, effects),
            Command::Create { room, key } => self.create(asker, room, key, effects),
            Command::Leave { room } => self.leave(asker, room, effects),
            Command::Room { room } => self.room(asker, room, effects),
            Command::Names { room, prefix } => self.names(asker, room, prefix, effects),
            Command::Whois { name } => self.whois(asker, name, effects),
            Command::Rooms { prefix } => self.list_rooms(asker, prefix, effects),
            Command::Topic { room, text } => self.topic(asker, room, text, effects),
            Command::Set { room, change } => self.set(asker, room, change, effects),
            Command::Away { text } => self.away(asker, text, effects),
            Command::Back => self.back(asker, effects),
            Command::Ignore { name } => self.ignore(asker, name, effects),
            Command::Unignore { name } => self.unignore(asker, name, effects),
            Command::History { room, depth } => self.history(asker, room, depth, effects),
            Command::Help { topic } => self
                .help(asker.client, topic, effects)
                .map(|()| Answer::Done),
            Command::Password => self.password(asker, effects),
            Command::Login { name } => self.login(asker, name, effects),
            Command::Keys(change) => self.keys(asker, change, effects),
            Command::Search { query } => self.search(asker, query, effects),
            Command::CloseRoom { room } => self.close_room(asker, room, effects),
            Command::Invite { room, name } => self.invite(asker, room, name, effects),
            Command::Sanction {
                measure,
                place,
                name,
                duration,
                why,
            } => {
                let order = Order {
                    measure,
                    place,
                    name,
                    duration,
                    why,
                };
                self.sanction(asker, &order, effects)
            }
            Command::Lift {
                measure,
                place,
                name,
            } => self.lift(asker, measure, place, name, effects),
            Command::Bans { place } => self.bans(asker, place, effects),
            Command::Appoint {
                is_given,
                place,
                name,
            } => self.appoint(asker, is_given, place, name, effects),
            Command::Users { prefix } => self.users(asker, prefix, effects),
            Command::Announce { text } => self.announce(asker, text, effects),
            Command::Log { name } => self.log(asker, name, effects),
            Command::Stats => self.stats(asker, effects),
            Command::Reload => self.reload(asker, effects),
            Command::Shutdown { why } => self.shutdown(asker, why, effects),
            Command::File(command) => self.about_file(asker, command, effects),
            Command::Quit { text } => {
                if let Some(key) = asker.key {
                    effects.push_back(Effect::Reply(asker.client, Event::Done(key)));
                }
                self.leave_server(asker.id, text.and_then(reason), effects);
                Ok(Answer::Elsewhere)
            }
        }
    }

    /// Makes somebody wait that speaks too fast; tells it so once.
    fn pace(&mut self, asker: Asker, cost: Cost, effects: &mut Effects) -> Option<Verdict> {
        let (rates, now) = (self.settings.rates, self.now.monotonic);
        let person = self.people.get_mut(asker.id)?;
        if person.standing.is_trusted() {
            return None;
        }
        match person.throttle.check(&rates, cost, now) {
            Pace::Go => None,
            Pace::Wait { until, tell } => {
                self.tell_wait(asker.client, until, tell, effects);
                Some(Verdict::Paused(Pause::Until(until)))
            }
        }
    }

    /// Tells a client when it is heard again.
    pub(super) fn tell_wait(
        &self,
        client: ClientId,
        until: Duration,
        tell: bool,
        effects: &mut Effects,
    ) {
        if tell {
            let wait = until.saturating_sub(self.now.monotonic);
            let wait = Left(wait);
            let text = format!("slow down: your next line is read in {wait}");
            effects.push_back(Effect::Reply(client, Event::Notice(text.into())));
        }
    }

    fn spend(&mut self, asker: Asker, cost: Cost) {
        let (rates, now) = (self.settings.rates, self.now.monotonic);
        if let Some(person) = self.people.get_mut(asker.id)
            && !person.standing.is_trusted()
        {
            person.throttle.spend(&rates, cost, now);
        }
    }

    /// Whether a message must wait until the journal has answered others.
    ///
    /// Who speaks through the line door cannot know what is unacknowledged, and so waits where a
    /// sealed client is refused.
    fn must_wait_for_journal(&self, asker: Asker, bytes: usize) -> bool {
        let owes_many = asker.door == Door::Line
            && self
                .people
                .get(asker.id)
                .is_some_and(|person| usize::from(person.outstanding) >= UNACKNOWLEDGED_MAX);
        owes_many
            || !self
                .journal
                .has_room_for(bytes, &self.changes, &self.settings)
    }

    /// Whether something that the asker said is still on its way to the store.
    fn is_speaking(&self, asker: Asker) -> bool {
        let person = self.people.get(asker.id);
        person.is_some_and(|person| person.outstanding > 0)
    }

    /// The room that is meant, which the asker is in: the named one, or the current one.
    fn own_room(&self, asker: Asker, room: Option<RoomRef<'_>>) -> Result<RoomId, Refusal> {
        let person = self.people.get(asker.id).ok_or(Refusal::NameNeeded)?;
        match room {
            None => person.current.ok_or(Refusal::InNoRoom),
            // An id says nothing about a room to those who are not in it.
            Some(RoomRef::Id(id)) => {
                let is_in = person.rooms.contains(&id);
                is_in.then_some(id).ok_or(Refusal::InNoRoom)
            }
            Some(RoomRef::Name(name)) => {
                let name = room_name(name)?;
                let (id, _) = self.rooms.named(name).ok_or(Refusal::NoSuchRoom(name))?;
                let is_in = person.rooms.contains(&id);
                is_in.then_some(id).ok_or(Refusal::NotInRoom(name))
            }
        }
    }

    /// The room that is meant: one that the asker is in, or in which it has a role.
    fn room_in_charge(&self, asker: Asker, room: Option<&str>) -> Result<RoomId, Refusal> {
        let named = room.and_then(|room| self.rooms.named(RoomName::parse(room).ok()?));
        let id = named.map(|(id, _)| id);
        match id.filter(|id| self.role(asker.id, *id).is_some()) {
            Some(id) => Ok(id),
            None => self.own_room(asker, room.map(RoomRef::Name)),
        }
    }

    /// Under which name the asker acts.
    fn name_of(&self, asker: Asker) -> Result<Name, Refusal> {
        let person = self.people.get(asker.id);
        person.map(|person| person.name).ok_or(Refusal::NameNeeded)
    }

    /// Tells a client something in words.
    fn notice(client: ClientId, text: impl Into<Arc<str>>, effects: &mut Effects) {
        effects.push_back(Effect::Reply(client, Event::Notice(text.into())));
    }

    /// Tells a sealed client something about its state; others are not shown it.
    fn tell_sealed(asker: Asker, event: Event, effects: &mut Effects) {
        if asker.door == Door::Sealed {
            effects.push_back(Effect::Reply(asker.client, event));
        }
    }

    /// Tells in words what a sealed client is told by an event.
    fn tell_plain(asker: Asker, text: impl Into<Arc<str>>, effects: &mut Effects) {
        if asker.door == Door::Line {
            Self::notice(asker.client, text, effects);
        }
    }
}

fn room_name(text: &str) -> Result<RoomName, Refusal> {
    RoomName::parse(text).map_err(Refusal::BadRoomName)
}

/// What is said of going or being away: one line, cut, nothing when nothing is left of it.
fn reason(text: &str) -> Option<Arc<str>> {
    let line = text::one_line(text, REASON_BYTES_MAX);
    (!line.is_empty()).then(|| line.into())
}

/// What a command gives the journal to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Yield {
    Nothing,
    Message,
    Change,
    /// Nothing; but what the same person said before belongs to the answer.
    Question,
}

/// What a command gives the journal to do.
fn yields(command: &Command<'_>) -> Yield {
    cost_and_yield(command).1
}

/// What a command costs of the rate.
fn cost(command: &Command<'_>) -> u32 {
    cost_and_yield(command).0
}

fn cost_and_yield(command: &Command<'_>) -> (u32, Yield) {
    match command {
        Command::Say { .. } | Command::Tell { .. } | Command::Reply { .. } => (1, Yield::Message),
        Command::File(command) => files::cost_and_yield(command),
        Command::Names { .. }
        | Command::Rooms { .. }
        | Command::Users { .. }
        | Command::Bans { .. } => (COSTLY_COMMAND_COST, Yield::Nothing),
        Command::History { .. } | Command::Search { .. } => (COSTLY_COMMAND_COST, Yield::Question),
        Command::Nick { .. }
        | Command::Join { .. }
        | Command::Create { .. }
        | Command::Leave { .. }
        | Command::Room { .. }
        | Command::Topic { .. }
        | Command::Set { .. }
        | Command::Ignore { .. }
        | Command::Unignore { .. }
        | Command::Password
        | Command::Login { .. }
        | Command::Keys(_)
        | Command::CloseRoom { .. }
        | Command::Invite { .. }
        | Command::Sanction { .. }
        | Command::Lift { .. }
        | Command::Appoint { .. } => (1, Yield::Change),
        Command::Whois { .. }
        | Command::Away { .. }
        | Command::Back
        | Command::Help { .. }
        | Command::Announce { .. }
        | Command::Log { .. }
        | Command::Stats
        | Command::Reload
        | Command::Shutdown { .. }
        | Command::Quit { .. } => (1, Yield::Nothing),
    }
}
