//! The branching: what each input sets in motion.

use super::command;
use super::doors::Words;
use super::inboxes::InboxOwner;
use super::people::PersonId;
use super::refusal::Refusal;
use super::seats::Seat;
use super::{
    Chat, ClientId, Close, Command, Effect, Effects, Event, Hello, Input, MessageKey, Now, Parting,
    Pause, Verdict,
};
use std::sync::Arc;

impl Chat {
    /// Deals with one input; what must happen is appended to `effects`, to be carried out in order
    /// before the next input.
    ///
    /// Never fails: what a client may not do is refused to it. Inputs of clients that are closed,
    /// or have said goodbye, change nothing.
    pub fn apply(&mut self, now: Now, input: Input<'_>, effects: &mut Effects) -> Verdict {
        self.now = now;
        self.orphans.see(now.monotonic);
        let verdict = match input {
            Input::Opened(client, arrival) => {
                self.open(client, arrival, effects);
                Verdict::Taken
            }
            Input::Hello(client, hello) => self.hello(client, hello, effects),
            Input::Line(client, line) => self.line(client, line, effects),
            Input::Command(client, key, command) => {
                let bytes = text_bytes(&command);
                self.command(client, key, Ok(command), bytes, effects)
            }
            Input::Run(client, key, line) => {
                self.command(client, key, command::parse(line), line.len(), effects)
            }
            Input::Secret(client, key, text) => {
                self.answer_secret(client, Some(key), text, effects)
            }
            Input::Administer(request, task) => {
                self.administer(request, &task, effects);
                Verdict::Taken
            }
            Input::EndOfInput(client) => {
                self.end_of_input(client, effects);
                Verdict::Taken
            }
            Input::Closed(client, parting) => {
                self.closed(client, parting, effects);
                Verdict::Taken
            }
            Input::Outcome(outcome) => {
                self.settle(outcome, effects);
                Verdict::Taken
            }
            Input::Space(space) => {
                self.space = space;
                Verdict::Taken
            }
            Input::Tick => {
                self.tell_counts(effects);
                self.expire_sessions(effects);
                self.expire_guest_rooms(effects);
                self.sanctions.purge(now.unix_ms);
                self.expire_orphans(effects);
                self.note_sessions(effects);
                Verdict::Taken
            }
            Input::Stop => {
                self.is_stopping = true;
                self.touch_connected_accounts();
                Verdict::Taken
            }
        };
        self.put_touched_accounts(effects);
        self.assert_invariants();
        verdict
    }

    fn hello(&mut self, client: ClientId, hello: Hello<'_>, effects: &mut Effects) -> Verdict {
        match self.seats.get(client) {
            Some(Seat::Nameless(_)) if self.is_stopping => {
                let refused = Event::Refused(None, Refusal::Stopping);
                effects.push_back(Effect::Reply(client, refused));
                Verdict::Taken
            }
            Some(Seat::Nameless(_)) => {
                let bytes = hello.name.map_or(0, str::len) + hello.room.map_or(0, str::len);
                self.hear_nameless(client, Words::Hello(hello), bytes, effects)
            }
            Some(Seat::Taken(_)) => {
                let usage = "one hello for each connection";
                let refused = Event::Refused(None, Refusal::Usage { usage });
                effects.push_back(Effect::Reply(client, refused));
                Verdict::Taken
            }
            Some(Seat::Vacant | Seat::Deaf(_)) | None => Verdict::Taken,
        }
    }

    fn line(&mut self, client: ClientId, line: &str, effects: &mut Effects) -> Verdict {
        match self.seats.get(client) {
            Some(Seat::Nameless(_)) if self.is_stopping => {
                let refused = Event::Refused(None, Refusal::Stopping);
                effects.push_back(Effect::Reply(client, refused));
                Verdict::Taken
            }
            Some(Seat::Nameless(_)) => {
                self.hear_nameless(client, Words::Line(line), line.len(), effects)
            }
            Some(Seat::Taken(_)) => {
                let Some(asker) = self.asker(client, None) else {
                    return Verdict::Taken;
                };
                if self.is_asked(client) {
                    return self.answer_secret(client, None, line, effects);
                }
                // An empty line cannot be offered again; the goodbye waits for the worker.
                if self.is_hashing(client) && !line.is_empty() {
                    return Verdict::Paused(Pause::Password);
                }
                let command = if !line.is_empty() {
                    command::parse(line)
                } else if self.settings.empty_line_leaves {
                    Ok(Command::Quit { text: None })
                } else {
                    return Verdict::Taken;
                };
                self.hear(asker, command, line.len(), effects)
            }
            Some(Seat::Vacant | Seat::Deaf(_)) | None => Verdict::Taken,
        }
    }

    fn command(
        &mut self,
        client: ClientId,
        key: MessageKey,
        command: Result<Command<'_>, Refusal>,
        bytes: usize,
        effects: &mut Effects,
    ) -> Verdict {
        match self.seats.get(client) {
            Some(Seat::Nameless(_)) if self.is_stopping => {
                let refused = Event::Refused(Some(key), Refusal::Stopping);
                effects.push_back(Effect::Reply(client, refused));
                Verdict::Taken
            }
            Some(Seat::Nameless(_)) => {
                let words = match command {
                    Ok(command) => Words::Command(key, command),
                    Err(refusal) => Words::Unreadable(key, refusal),
                };
                self.hear_nameless(client, words, bytes, effects)
            }
            Some(Seat::Taken(_)) if self.is_hashing(client) => Verdict::Paused(Pause::Password),
            Some(Seat::Taken(_)) => match self.asker(client, Some(key)) {
                Some(asker) => self.hear(asker, command, bytes, effects),
                None => Verdict::Taken,
            },
            Some(Seat::Vacant | Seat::Deaf(_)) | None => Verdict::Taken,
        }
    }

    /// A client will say nothing more; what it said is carried out first.
    pub(super) fn end_of_input(&mut self, client: ClientId, effects: &mut Effects) {
        if self.end_after_password(client) {
            return;
        }
        match self.seats.get(client) {
            Some(Seat::Nameless(_)) => self.turn_away(client, Some(Event::Bye(None)), effects),
            Some(Seat::Taken(id)) => self.leave_server(*id, None, effects),
            Some(Seat::Vacant | Seat::Deaf(_)) | None => {}
        }
    }

    fn closed(&mut self, client: ClientId, parting: Parting, effects: &mut Effects) {
        match self.seats.replace(client, Seat::Vacant) {
            Seat::Taken(id) => self.hang_up(id, parting, effects),
            Seat::Deaf(lingering) => self.stop_lingering(client, &lingering, effects),
            Seat::Vacant | Seat::Nameless(_) => {}
        }
    }

    /// Says goodbye to everybody, and why; the last thing a stopping server asks of the chat.
    pub fn farewell(&mut self, why: Option<&str>, effects: &mut Effects) {
        self.is_stopping = true;
        let stopping = "server is stopping";
        let words: Arc<str> =
            why.map_or(stopping.into(), |why| format!("{stopping}: {why}").into());
        let bye = || Event::Bye(Some(words.clone()));
        let is_open = |seat: &Seat| match seat {
            Seat::Nameless(_) | Seat::Taken(_) => true,
            Seat::Vacant | Seat::Deaf(_) => false,
        };
        let seats = self.seats.iter();
        let open = seats.filter(|(_, seat)| is_open(seat));
        let clients: Vec<ClientId> = open.map(|(client, _)| client).collect();
        for client in clients {
            effects.push_back(Effect::Finish(client, Some(bye()), Close::Stopping));
            self.seats.replace(client, Seat::Deaf(Box::default()));
        }
        self.forget_everybody();
        self.assert_invariants();
    }

    /// Ends all sessions without a word: nobody is told that everybody left.
    fn forget_everybody(&mut self) {
        let ids: Vec<PersonId> = self.people.iter().map(|(id, _)| id).collect();
        for person in ids.into_iter().filter_map(|id| self.people.remove(id)) {
            let inbox = person.inbox().filter(|_| person.account().is_none());
            if let Some(inbox) = inbox.and_then(|room| self.rooms.inbox_mut(room)) {
                inbox.owner = InboxOwner::Nobody;
            }
        }
        let rooms: Vec<_> = self.rooms.by_name().map(|(room, _)| room).collect();
        for room in rooms {
            if let Some(room) = self.rooms.get_mut(room) {
                room.members.clear();
                room.repeats = 0;
                room.owner = None;
            }
        }
    }
}

/// What a command counts for as bytes.
fn text_bytes(command: &Command<'_>) -> usize {
    match command {
        Command::Say { text, .. } | Command::Tell { text, .. } | Command::Reply { text } => {
            text.len()
        }
        Command::Topic { text, .. } | Command::Away { text } | Command::Quit { text } => {
            text.map_or(0, str::len)
        }
        Command::Nick { .. }
        | Command::Join { .. }
        | Command::Create { .. }
        | Command::Leave { .. }
        | Command::Room { .. }
        | Command::Names { .. }
        | Command::Whois { .. }
        | Command::Rooms { .. }
        | Command::Set { .. }
        | Command::Back
        | Command::Ignore { .. }
        | Command::Unignore { .. }
        | Command::History { .. }
        | Command::Help { .. }
        | Command::Password
        | Command::Login { .. }
        | Command::Keys(_)
        | Command::Users { .. }
        | Command::CloseRoom { .. }
        | Command::Search { .. }
        | Command::Invite { .. }
        | Command::Sanction { .. }
        | Command::Lift { .. }
        | Command::Bans { .. }
        | Command::Appoint { .. }
        | Command::Announce { .. }
        | Command::Log { .. }
        | Command::Stats
        | Command::Reload
        | Command::Shutdown { .. } => 0,
    }
}
