//! What becomes of an answer given in secret, once the password worker has looked at it.

use super::super::name::Name;
use super::super::refusal::Refusal;
use super::super::seats::Seat;
use super::super::{
    Chat, ClientId, Deed, Door, Effect, Effects, Event, MessageKey, PasswordHash, Ticket, TokenHash,
};
use super::{Login, Stage, Underway, done};
use crate::limits::PASSWORD_TRIES_MAX;

impl Chat {
    /// A password was compared. When it is the one: a better hash of it, if that is wanted, and
    /// what the session's token hashes to.
    pub(in crate::chat) fn checked(
        &mut self,
        ticket: Ticket,
        right: Option<(Option<PasswordHash>, TokenHash)>,
        effects: &mut Effects,
    ) {
        let Some((client, stage, job)) = self.take_answered(ticket) else {
            return;
        };
        match (stage, right) {
            (Stage::Login(login), Some((rehash, token))) => {
                self.note_token(client, token);
                self.logged_in(client, job.key, login, rehash, effects);
            }
            (Stage::Current, Some(_)) => {
                self.forgive(client, None);
                self.ask_secret(client, Stage::New, effects);
                done(client, job.key, effects);
            }
            (stage @ (Stage::Login(_) | Stage::Current), None) => {
                self.got_it_wrong(client, job.key, stage, effects);
            }
            (Stage::New | Stage::Again(_), _) => {
                unreachable!("a new password is hashed, not compared")
            }
        }
        self.go_on_ending(client, job.has_ended, effects);
    }

    /// A password was hashed.
    pub(in crate::chat) fn hashed(
        &mut self,
        ticket: Ticket,
        hash: PasswordHash,
        token: TokenHash,
        effects: &mut Effects,
    ) {
        let Some((client, _, job)) = self.take_answered(ticket) else {
            return;
        };
        if let Some(id) = self.session_on(client) {
            self.note_token(client, token);
            self.choose_password(id, job.key, hash, effects);
        }
        self.go_on_ending(client, job.has_ended, effects);
    }

    /// What a guest's token hashes to, so that its session is remembered if it becomes an
    /// account's. Nobody can come back to one through the line door.
    fn note_token(&mut self, client: ClientId, token: TokenHash) {
        let session = self.session_on(client);
        let person = session.and_then(|id| self.people.get_mut(id));
        if let Some(person) = person.filter(|person| person.door == Door::Sealed) {
            person.rare_mut().hash = Some(token);
        }
    }

    /// The worker would not look at a password; it may be given once more.
    pub(in crate::chat) fn not_hashed(
        &mut self,
        ticket: Ticket,
        why: Refusal,
        effects: &mut Effects,
    ) {
        let Some((client, stage, job)) = self.take_answered(ticket) else {
            return;
        };
        effects.push_back(Effect::Reply(client, Event::Refused(job.key, why)));
        let stage = match stage {
            Stage::Login(_) | Stage::Current => stage,
            Stage::New | Stage::Again(_) => Stage::New,
        };
        self.ask_secret(client, stage, effects);
        self.go_on_ending(client, job.has_ended, effects);
    }

    /// The flow that waited for an answer, if its connection still does.
    fn take_answered(&mut self, ticket: Ticket) -> Option<(ClientId, Stage, Underway)> {
        let client = self.password_jobs.finish(ticket)?;
        let job = self.flow(client)?.job.filter(|job| job.ticket == ticket)?;
        let flow = self.take_flow(client)?;
        Some((client, flow.stage, job))
    }

    /// The right password was given for an account.
    fn logged_in(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        login: Box<Login>,
        rehash: Option<PasswordHash>,
        effects: &mut Effects,
    ) {
        let account = login.account.and_then(|id| self.accounts.get_mut(id));
        let Some(account) = account else {
            // It ended while its password was looked at.
            self.got_it_wrong(client, key, Stage::Login(login), effects);
            return;
        };
        let id = account.id;
        if let Some(hash) = rehash {
            account.password = Some(hash);
            self.accounts.touch(id);
        }
        self.forgive(client, Some(login.name));
        if self.is_stopping {
            let refused = Event::Refused(key, Refusal::Stopping);
            effects.push_back(Effect::Reply(client, refused));
            return;
        }
        match self.session_on(client) {
            Some(session) => match self.banned_account(id) {
                Some(banned) => {
                    effects.push_back(Effect::Reply(client, Event::Refused(key, banned)));
                    return;
                }
                None => self.become_account(session, id, effects),
            },
            None => self.log_in(client, id, login.room.as_deref(), login.resume, effects),
        }
        done(client, key, effects);
    }

    /// A right password ends the wait that wrong ones brought about.
    fn forgive(&mut self, client: ClientId, name: Option<Name>) {
        let account = self.session_on(client).and_then(|id| self.account_of(id));
        let name = name.or(account.map(|account| account.name));
        if let (Some(name), Some(origin)) = (name, self.origin(client)) {
            self.login_delays.forget(name, origin.source);
        }
    }

    /// A password was wrong, or the name was no account's: one is like the other.
    fn got_it_wrong(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        stage: Stage,
        effects: &mut Effects,
    ) {
        let session = self.session_on(client);
        let own = session
            .and_then(|id| self.people.get(id))
            .map(|own| own.name);
        let name = match &stage {
            Stage::Login(login) => Some(login.name),
            Stage::Current | Stage::New | Stage::Again(_) => own,
        };
        if let (Some(name), Some(origin)) = (name, self.origin(client)) {
            let now = self.now.monotonic;
            self.login_delays.note(name, origin.source, now);
            let source = origin.address;
            let deed = Deed::LoginFailed { source, name };
            self.record(Some(client), own, deed, effects);
        }
        if self.count_try(client) < PASSWORD_TRIES_MAX {
            self.ask_again(client, key, stage, Refusal::WrongPassword, effects);
            return;
        }
        let refused = Event::Refused(key, Refusal::WrongPassword);
        effects.push_back(Effect::Reply(client, refused));
        self.discard_typed(client, effects);
        match session {
            Some(id) => self.leave_server(id, None, effects),
            None => {
                let why = Some("too many wrong passwords".into());
                self.turn_away(client, Some(Event::Bye(why)), effects);
            }
        }
    }

    /// Counts a wrong password of a connection.
    fn count_try(&mut self, client: ClientId) -> u8 {
        let tries = match self.seats.get_mut(client) {
            Some(Seat::Nameless(nameless)) => Some(&mut nameless.tries),
            Some(Seat::Taken(id)) => {
                let person = self.people.get_mut(*id);
                person.map(|person| &mut person.rare_mut().tries)
            }
            Some(Seat::Vacant | Seat::Deaf(_)) | None => None,
        };
        tries.map_or(PASSWORD_TRIES_MAX, |tries| {
            *tries = tries.saturating_add(1);
            *tries
        })
    }

    /// Goes on with a goodbye that waited for the password worker.
    fn go_on_ending(&mut self, client: ClientId, has_ended: bool, effects: &mut Effects) {
        if has_ended {
            self.end_of_input(client, effects);
        }
        if let Some(id) = self.session_on(client) {
            self.finish_if_answered(id, effects);
        }
    }
}
