//! What a connection is asked in secret, and what becomes of its answer.
//!
//! An answer is never a message or a command, whatever it looks like, and is wiped when it is dropped.
//! While the password worker has one, nothing more is heard from its connection; after a refusal
//! the same is asked again, so that a password that was typed once more is not said aloud.
//!
//! ```text
//! Login ──────────> check ──> in                    three wrong ones on a connection close it
//! Current ──> check ──> New ──> Again ──> hash ──> an account, or another password
//! ```

mod results;

use super::held::Source;
use super::name::Name;
use super::people::{Person, PersonId};
use super::refusal::Refusal;
use super::seats::Seat;
use super::{
    AccountId, Chat, ClientId, Door, Effect, Effects, Event, Job, MessageKey, PasswordJob,
    PasswordTask, Pause, Resume, Secret, SecretPrompt, Ticket, Token, Verdict,
};
use crate::limits::PASSWORD_BYTES_MAX;
use std::net::IpAddr;

/// What a connection was asked in secret.
#[derive(Debug)]
pub(super) struct Flow {
    stage: Stage,
    /// The job that the password worker has for it.
    job: Option<Underway>,
}

/// What is wanted.
#[derive(Debug)]
pub(super) enum Stage {
    /// The password of an account, to log in.
    Login(Box<Login>),
    /// The account's password as it is.
    Current,
    /// A new password.
    New,
    /// The new password once more.
    Again(Secret),
}

/// Somebody who would log in, and how it goes on then.
#[derive(Debug)]
pub(super) struct Login {
    /// The name as it was typed.
    pub(super) name: Name,
    /// Whether it is the first line of a script, which must not go on without it.
    pub(super) is_decisive: bool,
    /// The room it asked for.
    pub(super) room: Option<Box<str>>,
    /// The session it was in.
    pub(super) resume: Option<Resume>,
    /// The account whose password the worker compares.
    pub(super) account: Option<AccountId>,
}

#[derive(Clone, Copy, Debug)]
struct Underway {
    ticket: Ticket,
    /// The number of the answer it came with.
    key: Option<MessageKey>,
    /// Whether the peer has said since that nothing more comes.
    has_ended: bool,
}

/// What follows an answer.
enum Next {
    /// The next question.
    Ask(Stage),
    /// The worker is asked.
    Work(Stage, PasswordTask, Secret),
}

impl Login {
    /// Somebody who is in already, as a guest, and would be that account.
    pub(super) fn to(name: Name) -> Self {
        Self {
            name,
            is_decisive: false,
            room: None,
            resume: None,
            account: None,
        }
    }
}

impl Stage {
    fn prompt(&self) -> SecretPrompt {
        match self {
            Self::Login(login) => SecretPrompt::Login(login.name),
            Self::Current => SecretPrompt::Current,
            Self::New => SecretPrompt::New,
            Self::Again(_) => SecretPrompt::Again,
        }
    }

    /// Whether a refusal ends the connection.
    fn is_decisive(&self) -> bool {
        match self {
            Self::Login(login) => login.is_decisive,
            Self::Current | Self::New | Self::Again(_) => false,
        }
    }
}

/// Where a connection is from, and what that means for passwords.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    pub(super) door: Door,
    pub(super) source: Source,
    address: IpAddr,
    is_trusted: bool,
    pub(super) takes_passwords: bool,
    token: Token,
}

impl Chat {
    /// Whether what a line client says next answers a question, even an empty line.
    pub fn is_asked(&self, client: ClientId) -> bool {
        self.flow(client).is_some_and(|flow| flow.job.is_none())
    }

    /// Whether the password worker has what a client said.
    pub(super) fn is_hashing(&self, client: ClientId) -> bool {
        self.flow(client).is_some_and(|flow| flow.job.is_some())
    }

    fn flow(&self, client: ClientId) -> Option<&Flow> {
        match self.seats.get(client)? {
            Seat::Nameless(nameless) => nameless.flow.as_deref(),
            Seat::Taken(id) => self.people.get(*id)?.flow(),
            Seat::Vacant | Seat::Deaf(_) => None,
        }
    }

    fn take_flow(&mut self, client: ClientId) -> Option<Box<Flow>> {
        self.flow(client)?;
        match self.seats.get_mut(client)? {
            Seat::Nameless(nameless) => nameless.flow.take(),
            Seat::Taken(id) => self.people.get_mut(*id)?.rare_mut().flow.take(),
            Seat::Vacant | Seat::Deaf(_) => None,
        }
    }

    fn put_flow(&mut self, client: ClientId, flow: Flow) {
        match self.seats.get_mut(client) {
            Some(Seat::Nameless(nameless)) => nameless.flow = Some(Box::new(flow)),
            Some(Seat::Taken(id)) => {
                if let Some(person) = self.people.get_mut(*id) {
                    person.rare_mut().flow = Some(Box::new(flow));
                }
            }
            Some(Seat::Vacant | Seat::Deaf(_)) | None => {}
        }
    }

    /// Where a connection is from.
    pub(super) fn origin(&self, client: ClientId) -> Option<Origin> {
        match self.seats.get(client)? {
            Seat::Nameless(nameless) => Some(Origin {
                door: nameless.arrival.door,
                source: Source::of(nameless.arrival.source),
                address: nameless.arrival.source,
                is_trusted: nameless.arrival.trusted,
                takes_passwords: nameless.arrival.takes_passwords,
                token: nameless.arrival.token,
            }),
            Seat::Taken(id) => self.people.get(*id).map(|person| Origin {
                door: person.door,
                source: Source::of(person.source),
                address: person.source,
                is_trusted: person.standing.is_trusted(),
                takes_passwords: person.standing.takes_passwords(),
                token: person.token,
            }),
            Seat::Vacant | Seat::Deaf(_) => None,
        }
    }

    /// Asks for the password of an account, or of a name that is none's.
    ///
    /// # Errors
    ///
    /// [`Refusal::NoPasswordHere`] and [`Refusal::LoginLater`], before anything is read.
    pub(super) fn ask_to_log_in(
        &mut self,
        client: ClientId,
        login: Login,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        self.check_login(client, login.name)?;
        self.ask_secret(client, Stage::Login(Box::new(login)), effects);
        Ok(())
    }

    /// Lets a session in to an account that its key is enrolled with. The worker only hashes its
    /// token, so that a restart of the server does not end it.
    ///
    /// # Errors
    ///
    /// [`Refusal::Busy`] when too much waits for the worker.
    pub(super) fn let_in_by_key(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        login: Login,
        effects: &mut Effects,
    ) -> Result<(), Refusal> {
        let stage = Stage::Login(Box::new(login));
        let (task, nothing) = (PasswordTask::Token, Secret::new(""));
        self.submit_password(client, key, stage, task, nothing, effects)
            .map_err(|_| Refusal::Busy)
    }

    /// Whether a password for that name is looked at on that connection now.
    pub(super) fn check_login(&self, client: ClientId, name: Name) -> Result<(), Refusal> {
        let origin = self.origin(client).ok_or(Refusal::NameNeeded)?;
        if !origin.takes_passwords {
            return Err(Refusal::NoPasswordHere);
        }
        let now = self.now.monotonic;
        let left = self.login_delays.left(name, origin.source, now);
        left.map_or(Ok(()), |wait| Err(Refusal::LoginLater { wait }))
    }

    /// Asks for something secret.
    pub(super) fn ask_secret(&mut self, client: ClientId, stage: Stage, effects: &mut Effects) {
        let asked = Event::AskSecret(stage.prompt());
        effects.push_back(Effect::Reply(client, asked));
        self.put_flow(client, Flow { stage, job: None });
    }

    /// Deals with the answer to what was asked in secret.
    pub(super) fn answer_secret(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        text: &str,
        effects: &mut Effects,
    ) -> Verdict {
        if self.is_hashing(client) {
            return Verdict::Paused(Pause::Password);
        }
        let Some(flow) = self.take_flow(client) else {
            let refused = Event::Refused(key, Refusal::NothingAsked);
            effects.push_back(Effect::Reply(client, refused));
            return Verdict::Taken;
        };
        if self.is_stopping {
            let refused = Event::Refused(key, Refusal::Stopping);
            effects.push_back(Effect::Reply(client, refused));
        } else if text.is_empty() {
            self.cancel_flow(client, key, &flow.stage, effects);
        } else {
            let secret = Secret::new(text);
            self.take_secret(client, key, flow.stage, secret, effects);
        }
        Verdict::Taken
    }

    /// An empty answer: nothing is asked any more.
    fn cancel_flow(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        stage: &Stage,
        effects: &mut Effects,
    ) {
        if stage.is_decisive() {
            self.discard_typed(client, effects);
            self.turn_away(client, Some(Event::Bye(None)), effects);
            return;
        }
        let event = match self.session_on(client) {
            Some(_) => Event::Notice("nothing is changed".into()),
            None => Event::AskName,
        };
        effects.push_back(Effect::Reply(client, event));
        done(client, key, effects);
    }

    fn take_secret(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        stage: Stage,
        secret: Secret,
        effects: &mut Effects,
    ) {
        match self.next(client, stage, secret) {
            Ok(Next::Ask(stage)) => {
                self.ask_secret(client, stage, effects);
                done(client, key, effects);
            }
            Ok(Next::Work(stage, task, secret)) => {
                if let Err(stage) = self.submit_password(client, key, stage, task, secret, effects)
                {
                    self.ask_again(client, key, stage, Refusal::Busy, effects);
                }
            }
            Err(refused) => {
                let (stage, refusal) = *refused;
                self.ask_again(client, key, stage, refusal, effects);
            }
        }
    }

    /// What follows an answer; or what is asked again, and why.
    fn next(
        &self,
        client: ClientId,
        stage: Stage,
        secret: Secret,
    ) -> Result<Next, Box<(Stage, Refusal)>> {
        if secret.0.len() > PASSWORD_BYTES_MAX {
            let max = PASSWORD_BYTES_MAX;
            return refused(stage, Refusal::BadPassword { max });
        }
        match stage {
            Stage::Login(mut login) => {
                if let Err(refusal) = self.check_login(client, login.name) {
                    return refused(Stage::Login(login), refusal);
                }
                let account = self.accounts.named(login.name);
                login.account = account.map(|account| account.id);
                let hash = account.and_then(|account| account.password.clone());
                Ok(Next::Work(
                    Stage::Login(login),
                    PasswordTask::Check(hash),
                    secret,
                ))
            }
            Stage::Current => {
                let account = self.session_on(client).and_then(|id| self.account_of(id));
                if let Some(account) = account
                    && let Err(refusal) = self.check_login(client, account.name)
                {
                    return refused(Stage::Current, refusal);
                }
                let hash = account.and_then(|account| account.password.clone());
                Ok(Next::Work(
                    Stage::Current,
                    PasswordTask::Check(hash),
                    secret,
                ))
            }
            Stage::New => Ok(Next::Ask(Stage::Again(secret))),
            Stage::Again(first) if *first.0 == *secret.0 => {
                Ok(Next::Work(Stage::Again(first), PasswordTask::Hash, secret))
            }
            Stage::Again(_) => refused(Stage::New, Refusal::PasswordsDiffer),
        }
    }

    /// Hands a password to the worker, unless too many are there: then the stage comes back.
    fn submit_password(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        stage: Stage,
        task: PasswordTask,
        secret: Secret,
        effects: &mut Effects,
    ) -> Result<(), Stage> {
        let origin = self.origin(client);
        let has_room = |origin: &Origin| {
            self.password_jobs
                .has_room_for(origin.source, origin.is_trusted)
        };
        let Some(origin) = origin.filter(has_room) else {
            return Err(stage);
        };
        let ticket = self.journal.take_ticket();
        self.password_jobs.submit(ticket, client, origin.source);
        effects.push_back(Effect::Submit(Job::Password(PasswordJob {
            ticket,
            client,
            source: origin.source.address(),
            password: secret,
            task,
            token: origin.token,
        })));
        let job = Some(Underway {
            ticket,
            key,
            has_ended: false,
        });
        self.put_flow(client, Flow { stage, job });
        Ok(())
    }

    /// Refuses an answer and asks once more; what was typed ahead may be meant as another answer,
    /// and is thrown away.
    fn ask_again(
        &mut self,
        client: ClientId,
        key: Option<MessageKey>,
        stage: Stage,
        refusal: Refusal,
        effects: &mut Effects,
    ) {
        effects.push_back(Effect::Reply(client, Event::Refused(key, refusal)));
        self.discard_typed(client, effects);
        if stage.is_decisive() {
            self.turn_away(client, None, effects);
        } else {
            self.ask_secret(client, stage, effects);
        }
    }

    /// Throws away what was typed ahead.
    pub(super) fn discard_typed(&self, client: ClientId, effects: &mut Effects) {
        if self
            .origin(client)
            .is_some_and(|origin| origin.door == Door::Line)
        {
            effects.push_back(Effect::Discard(client));
        }
    }

    /// Who speaks through a connection.
    pub(super) fn session_on(&self, client: ClientId) -> Option<PersonId> {
        match self.seats.get(client)? {
            Seat::Taken(id) => Some(*id),
            Seat::Vacant | Seat::Nameless(_) | Seat::Deaf(_) => None,
        }
    }

    /// The input of a connection without a name has ended while a password of its is looked at;
    /// whether so.
    pub(super) fn end_after_password(&mut self, client: ClientId) -> bool {
        let Some(Seat::Nameless(nameless)) = self.seats.get_mut(client) else {
            return false;
        };
        let job = nameless.flow.as_mut().and_then(|flow| flow.job.as_mut());
        job.map(|job| job.has_ended = true).is_some()
    }
}

impl Person {
    /// Forgets what its former connection was asked.
    pub(super) fn forget_flow(&mut self) {
        if self
            .rare()
            .is_some_and(|rare| rare.flow.is_some() || rare.tries > 0)
        {
            let rare = self.rare_mut();
            (rare.flow, rare.tries) = (None, 0);
        }
    }
}

/// The same is asked again.
fn refused(stage: Stage, refusal: Refusal) -> Result<Next, Box<(Stage, Refusal)>> {
    Err(Box::new((stage, refusal)))
}

/// Tells a sealed client that its answer was taken.
fn done(client: ClientId, key: Option<MessageKey>, effects: &mut Effects) {
    if let Some(key) = key {
        effects.push_back(Effect::Reply(client, Event::Done(key)));
    }
}
