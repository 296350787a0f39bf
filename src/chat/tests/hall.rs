//! A hall to test the chat in: clients that hear what they would be sent, and a store that answers
//! when it is told to.

use super::archive::Archive;
use crate::chat::*;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::net::IpAddr;
use std::time::Duration;

/// A chat with everything around it.
pub(super) struct Hall {
    pub(super) chat: Chat,
    pub(super) now: Now,
    /// Jobs the store has not answered.
    pub(super) jobs: VecDeque<Append>,
    /// Whether the store answers at once.
    pub(super) answers: bool,
    /// What each client heard since it was last asked, in words.
    heard: BTreeMap<u32, Vec<String>>,
    /// Who is in which room, as the effects say.
    pub(super) members: BTreeMap<RoomId, BTreeSet<ClientId>>,
    pub(super) names: BTreeMap<RoomId, String>,
    ids: BTreeMap<RoomId, u64>,
    stored: BTreeMap<(SessionId, MessageKey), (EntryId, Option<EntryId>)>,
    /// Effects about one client: finished, expelled, discarded.
    pub(super) closing: BTreeMap<u32, Close>,
    pub(super) tokens: BTreeMap<u32, Token>,
    last_key: u64,
    /// Changes of records the store has not answered, and all there ever were.
    pub(super) changes: VecDeque<(Ticket, Change)>,
    pub(super) changed: Vec<Change>,
    /// What the store has.
    pub(super) archive: Archive,
    /// Searches the reader has not answered.
    pub(super) searches: VecDeque<Search>,
    /// Passwords the worker has not answered, and whether it answers at once.
    pub(super) passwords: VecDeque<PasswordJob>,
    pub(super) hashes: bool,
    /// What went into the activity log.
    pub(super) deeds: Vec<Deed>,
    /// What was answered over the control socket, and asked of the shell.
    pub(super) administered: Vec<Result<String, String>>,
    pub(super) operations: Vec<Operation>,
    /// What was asked for the bytes of files.
    pub(super) file_orders: Vec<FileOrder>,
    /// What the fan-out was told to let go of.
    pub(super) erased: Vec<(RoomId, EntryId)>,
}

pub(super) const EPOCH: Epoch = Epoch([7; 16]);

pub(super) fn client(slot: u32) -> ClientId {
    ClientId {
        slot,
        generation: 1,
    }
}

pub(super) fn arrival(door: Door, slot: u32) -> Arrival {
    let mut token = [0; 16];
    token[..4].copy_from_slice(&slot.to_be_bytes());
    token[15] = 1;
    Arrival {
        door,
        source: IpAddr::from([192, 0, 2, 1]),
        trusted: true,
        key: None,
        token: Token(token),
        hash: TokenHash(token),
        takes_passwords: true,
    }
}

impl Hall {
    pub(super) fn new() -> Self {
        Self::with(Settings::default())
    }

    /// A hall whose store outlives the process.
    pub(super) fn stored() -> Self {
        Self::with(Settings {
            kept: Kept::Stored,
            ..Settings::default()
        })
    }

    pub(super) fn with(settings: Settings) -> Self {
        Self::around(Chat::new(settings, EPOCH))
    }

    /// The same hall after the process has ended and another one has begun; whoever was connected
    /// is gone, and what the store had not answered is lost.
    pub(super) fn restart(self) -> Self {
        let settings = Settings {
            kept: Kept::Stored,
            ..Settings::default()
        };
        let chat = Chat::begin(settings, self.archive.snapshot(EPOCH));
        let mut hall = Self::around_with(chat, self.archive);
        (hall.ids, hall.stored, hall.tokens) = (self.ids, self.stored, self.tokens);
        (hall.now, hall.last_key) = (self.now, self.last_key);
        hall
    }

    /// A hall around a chat that has not been started.
    pub(super) fn around(chat: Chat) -> Self {
        Self::around_with(chat, Archive::default())
    }

    fn around_with(chat: Chat, archive: Archive) -> Self {
        let mut hall = Self {
            chat,
            now: Now {
                monotonic: Duration::from_secs(1_000),
                unix_ms: 1_800_000_000_000,
            },
            jobs: VecDeque::new(),
            answers: true,
            heard: BTreeMap::new(),
            members: BTreeMap::new(),
            names: BTreeMap::new(),
            ids: BTreeMap::new(),
            stored: BTreeMap::new(),
            closing: BTreeMap::new(),
            tokens: BTreeMap::new(),
            last_key: 0,
            changes: VecDeque::new(),
            changed: Vec::new(),
            archive,
            searches: VecDeque::new(),
            passwords: VecDeque::new(),
            hashes: true,
            deeds: Vec::new(),
            administered: Vec::new(),
            erased: Vec::new(),
            operations: Vec::new(),
            file_orders: Vec::new(),
        };
        let mut effects = Effects::new();
        hall.chat.start(&mut effects);
        hall.carry_out(effects);
        hall.answer_changes();
        hall
    }

    /// Offers one input; the store answers if it does so at once.
    pub(super) fn input(&mut self, input: Input<'_>) -> Verdict {
        let mut effects = Effects::new();
        let verdict = self.chat.apply(self.now, input, &mut effects);
        self.carry_out(effects);
        if self.answers {
            self.answer_changes();
        }
        while self.answers && !self.jobs.is_empty() {
            self.answer();
        }
        while self.hashes && !self.passwords.is_empty() {
            self.answer_password();
        }
        verdict
    }

    /// Lets the store answer all changes of records.
    pub(super) fn answer_changes(&mut self) {
        while !self.changes.is_empty() {
            self.answer_change();
        }
    }

    /// Lets the store answer the oldest change of a record.
    pub(super) fn answer_change(&mut self) {
        let (ticket, change) = self.changes.pop_front().expect("a change is outstanding");
        self.archive.change(change, self.now.unix_ms);
        let verdict = self.input(Input::Outcome(Outcome::Changed(ticket)));
        assert_eq!(verdict, Verdict::Taken);
    }

    /// Lets the password worker answer its oldest job. Here a hash is the password itself.
    pub(super) fn answer_password(&mut self) {
        let job = self.passwords.pop_front().expect("a password is there");
        let (ticket, password) = (job.ticket, job.password.0.as_str());
        let token = TokenHash(job.token.0);
        let outcome = match job.task {
            PasswordTask::Check(hash) => Outcome::Checked {
                ticket,
                is_right: hash.is_some_and(|hash| *hash.0 == *password),
                rehash: None,
                token,
            },
            PasswordTask::Hash => Outcome::Hashed {
                ticket,
                hash: PasswordHash(password.into()),
                token,
            },
            PasswordTask::Token => Outcome::Checked {
                ticket,
                is_right: true,
                rehash: None,
                token,
            },
        };
        assert_eq!(self.input(Input::Outcome(outcome)), Verdict::Taken);
    }

    pub(super) fn pass(&mut self, time: Duration) {
        self.now.monotonic += time;
        self.now.unix_ms += u64::try_from(time.as_millis()).unwrap();
    }

    /// Passes time from deadline to deadline.
    pub(super) fn pass_with_ticks(&mut self, time: Duration) {
        let end = self.now.monotonic + time;
        while let Some(due) = self.chat.next_deadline().filter(|due| *due <= end) {
            self.pass(due.saturating_sub(self.now.monotonic));
            assert_eq!(self.input(Input::Tick), Verdict::Taken);
            assert_ne!(self.chat.next_deadline(), Some(due), "a tick deals with it");
        }
        self.pass(end - self.now.monotonic);
    }

    // --- The store ---

    /// Lets the store answer the oldest job.
    pub(super) fn answer(&mut self) {
        let job = self.jobs.pop_front().expect("a job is outstanding");
        let mut next = |room: RoomId| {
            let id = self.ids.entry(room).or_default();
            *id += 1;
            EntryId(*id)
        };
        let (ids, fresh) = match self.stored.get(&job.sender) {
            Some(ids) => (*ids, false),
            None => {
                let second = job.second.as_ref().map(|(room, _)| next(*room));
                let ids = (next(job.row.0), second);
                self.stored.insert(job.sender, ids);
                (ids, true)
            }
        };
        if fresh && !self.archive.rooms.is_empty() {
            let rows = [Some((job.row, ids.0)), job.second.zip(ids.1)];
            for ((room, entry), id) in rows.into_iter().flatten() {
                let id = Some(id);
                self.archive.keep(room, Entry { id, ..entry });
            }
        }
        let outcome = Outcome::Stored {
            ticket: job.ticket,
            id: ids.0,
            second: ids.1,
            fresh,
        };
        assert_eq!(self.input(Input::Outcome(outcome)), Verdict::Taken);
    }

    /// Lets the store fail at the oldest job.
    pub(super) fn fail(&mut self) {
        let job = self.jobs.pop_front().expect("a job is outstanding");
        let outcome = Outcome::NotStored {
            ticket: job.ticket,
            why: StoreFailure::DiskFull,
        };
        assert_eq!(self.input(Input::Outcome(outcome)), Verdict::Taken);
    }

    // --- Clients ---

    pub(super) fn open(&mut self, slot: u32, arrival: Arrival) {
        self.tokens.insert(slot, arrival.token);
        let opened = Input::Opened(client(slot), arrival);
        assert_eq!(self.input(opened), Verdict::Taken);
    }

    /// A plain client that has a name.
    pub(super) fn line_client(&mut self, slot: u32, name: &str) {
        self.open(slot, arrival(Door::Line, slot));
        self.line(slot, name);
        self.hear(slot);
    }

    /// A sealed client that has a name.
    pub(super) fn sealed_client(&mut self, slot: u32, name: &str) {
        self.open(slot, arrival(Door::Sealed, slot));
        self.hello(slot, name);
        self.hear(slot);
    }

    pub(super) fn hello(&mut self, slot: u32, name: &str) {
        let hello = Hello {
            name: Some(name),
            ..Hello::default()
        };
        assert_eq!(
            self.input(Input::Hello(client(slot), hello)),
            Verdict::Taken
        );
    }

    pub(super) fn resume(&mut self, slot: u32, token: Token, positions: Vec<(RoomId, EntryId)>) {
        let hello = Hello {
            name: Some("somebody"),
            room: None,
            resume: Some(Resume {
                hash: TokenHash([0; 16]),
                epoch: EPOCH,
                token,
                positions,
            }),
        };
        assert_eq!(
            self.input(Input::Hello(client(slot), hello)),
            Verdict::Taken
        );
    }

    pub(super) fn line(&mut self, slot: u32, line: &str) {
        let verdict = self.input(Input::Line(client(slot), line));
        assert_eq!(verdict, Verdict::Taken, "{line}");
    }

    /// A guest behind the line door that makes its name an account.
    pub(super) fn line_account(&mut self, slot: u32, name: &str) {
        self.line_client(slot, name);
        self.choose_password(slot);
    }

    /// A plain guest makes its name an account, and what it has its account's.
    pub(super) fn choose_password(&mut self, slot: u32) {
        self.line(slot, "/password");
        self.line(slot, "pw");
        self.line(slot, "pw");
        self.hear(slot);
    }

    /// A sealed client answers what it was asked in secret.
    pub(super) fn secret(&mut self, slot: u32, text: &str) -> MessageKey {
        self.last_key += 1;
        let key = MessageKey(self.last_key);
        let verdict = self.input(Input::Secret(client(slot), key, text));
        assert_eq!(verdict, Verdict::Taken);
        key
    }

    /// A sealed client that logs in with its password.
    pub(super) fn sealed_account(&mut self, slot: u32, name: &str) {
        self.open(slot, arrival(Door::Sealed, slot));
        self.hello(slot, name);
        self.secret(slot, "pw");
        self.hear(slot);
    }

    /// A sealed client comes back with what it has of a session.
    pub(super) fn come_back(
        &mut self,
        slot: u32,
        name: &str,
        token: Token,
        positions: Vec<(RoomId, EntryId)>,
    ) -> Vec<String> {
        self.open(slot, arrival(Door::Sealed, slot));
        let hello = Hello {
            name: Some(name),
            room: None,
            resume: Some(Resume {
                hash: TokenHash(token.0),
                epoch: EPOCH,
                token,
                positions,
            }),
        };
        let verdict = self.input(Input::Hello(client(slot), hello));
        assert_eq!(verdict, Verdict::Taken);
        self.hear(slot)
    }

    /// A sealed client's line, under the next number.
    pub(super) fn run(&mut self, slot: u32, line: &str) -> MessageKey {
        self.last_key += 1;
        let key = MessageKey(self.last_key);
        let verdict = self.input(Input::Run(client(slot), key, line));
        assert_eq!(verdict, Verdict::Taken, "{line}");
        key
    }

    /// The next number for a command.
    pub(super) fn draw_key(&mut self) -> MessageKey {
        self.last_key += 1;
        MessageKey(self.last_key)
    }

    pub(super) fn close(&mut self, slot: u32, parting: Parting) {
        for members in self.members.values_mut() {
            members.remove(&client(slot));
        }
        let verdict = self.input(Input::Closed(client(slot), parting));
        assert_eq!(verdict, Verdict::Taken);
    }

    /// What a client heard since it was last asked.
    pub(super) fn hear(&mut self, slot: u32) -> Vec<String> {
        self.heard.remove(&slot).unwrap_or_default()
    }

    /// The answer to one line.
    pub(super) fn ask(&mut self, slot: u32, line: &str) -> Vec<String> {
        self.hear(slot);
        self.line(slot, line);
        self.hear(slot)
    }

    pub(super) fn room(&self, name: &str) -> Option<RoomId> {
        let named = |(id, other): (&RoomId, &String)| (other == name).then_some(*id);
        self.names.iter().find_map(named)
    }

    fn tell(&mut self, client: ClientId, words: String) {
        self.heard.entry(client.slot).or_default().push(words);
    }

    // --- Effects ---

    fn carry_out(&mut self, effects: Effects) {
        for effect in effects {
            self.carry_out_one(effect);
        }
    }

    fn carry_out_one(&mut self, effect: Effect) {
        match effect {
            Effect::Reply(client, event) => {
                let words = self.event_in_words(&event);
                self.tell(client, words);
            }
            Effect::Room(order) => self.order(order),
            Effect::Submit(job) => self.submit(job),
            Effect::Record(activity) => self.deeds.push(activity.deed),
            Effect::Administered(_, done) => {
                let words = |text: std::sync::Arc<str>| text.to_string();
                self.administered.push(done.map(words).map_err(words));
            }
            Effect::Operate(operation) => self.operations.push(operation),
            Effect::File(order) => self.file_orders.push(order),
            Effect::Discard(client) => self.tell(client, "discarded".into()),
            Effect::Named(client) => self.tell(client, "named".into()),
            Effect::Finish(client, event, close) => {
                let words = event.map_or("closed".into(), |event| self.event_in_words(&event));
                self.tell(client, words);
                self.closing.insert(client.slot, close);
                // From here on nothing reaches it; the shell will tell that it is closed.
                for members in self.members.values_mut() {
                    members.remove(&client);
                }
            }
            Effect::Expel(client, close) => self.expel(client, close),
        }
    }

    fn order(&mut self, order: RoomOrder) {
        match order {
            RoomOrder::Found { room, name, .. } => {
                let name = name.map_or("inbox".into(), |name| name.to_string());
                let former = self.names.insert(room, name);
                assert!(former.is_none(), "ids are not used again");
                self.members.insert(room, BTreeSet::new());
            }
            RoomOrder::Keep { room, .. } => assert!(self.members.contains_key(&room)),
            RoomOrder::Erase(room, entry) => self.erased.push((room, entry)),
            RoomOrder::Dissolve(room) => {
                let members = self
                    .members
                    .remove(&room)
                    .expect("a room is dissolved once");
                assert!(members.is_empty(), "nobody is in a room that is dissolved");
                self.names.insert(room, "gone".into());
            }
            RoomOrder::Publish(room, entry) => {
                assert_eq!(entry.id.is_some(), entry.body.is_stored());
                let words = entry_in_words(&self.names[&room], &entry);
                for member in self.members[&room].clone() {
                    if entry.origin != Some(member) {
                        self.tell(member, words.clone());
                    }
                }
            }
            RoomOrder::Join {
                room,
                client,
                from,
                greeting,
            } => self.join(room, client, from, greeting),
            RoomOrder::Leave { room, client } => {
                if let Some(members) = self.members.get_mut(&room) {
                    members.remove(&client);
                }
            }
            RoomOrder::Replay { room, client, from } => {
                let words = format!("replay {} from {from:?}", self.names[&room]);
                self.tell(client, words);
            }
            RoomOrder::Ignore(client, names) => self.tell(client, format!("ignores {names:?}")),
        }
    }

    fn expel(&mut self, client: ClientId, close: Close) {
        self.tell(client, "expelled".into());
        self.closing.insert(client.slot, close);
    }

    fn submit(&mut self, job: Job) {
        match job {
            Job::Write(Write::Append(append)) => self.jobs.push_back(append),
            Job::Write(Write::Change { ticket, change }) => {
                self.changed.push(change.clone());
                self.changes.push_back((ticket, change));
            }
            Job::Search(search) => self.searches.push_back(search),
            Job::Password(job) => self.passwords.push_back(job),
        }
    }

    fn join(&mut self, room: RoomId, client: ClientId, from: From, greeting: Option<Event>) {
        let members = self.members.get_mut(&room).expect("the room was found");
        assert!(members.insert(client), "nobody joins twice");
        let words = format!("reads {} from {from:?}", self.names[&room]);
        self.tell(client, words);
        if let Some(greeting) = greeting {
            let words = self.event_in_words(&greeting);
            self.tell(client, words);
        }
    }

    fn event_in_words(&self, event: &Event) -> String {
        let name = |room: &RoomId| self.names[room].clone();
        match event {
            Event::Banner(kept) => format!("banner {kept:?}"),
            Event::AskName => "name?".into(),
            Event::AskSecret(prompt) => format!("secret? {prompt:?}"),
            Event::Welcome(welcome) => {
                format!("welcome {} resumed {}", welcome.name, welcome.resumed)
            }
            Event::Entered { room, topic, .. } => match topic {
                Some(topic) => format!("entered {} ({topic})", name(room)),
                None => format!("entered {}", name(room)),
            },
            Event::Inbox(_) => "inbox".into(),
            Event::Exited(room) => format!("exited {}", name(room)),
            Event::Current(room) => format!("current {:?}", room.as_ref().map(name)),
            Event::Renamed(name) => format!("renamed {name}"),
            Event::Notice(text) => format!("-> {text}"),
            Event::Found(hits) => {
                let of = |hit: &Hit| {
                    let room = hit.room.map_or("inbox".into(), |room| room.to_string());
                    entry_in_words(&room, &hit.entry)
                };
                hits.iter().map(of).collect::<Vec<_>>().join("; ")
            }
            Event::Refused(None, refusal) => format!("Err: {refusal}"),
            Event::Refused(Some(key), refusal) => format!("Err {}: {refusal}", key.0),
            Event::Stored { key, sent, id, .. } => match sent {
                None => format!("stored {} as {}", key.0, id.0),
                Some(sent) => format!("sent to {} ({:?})", sent.to, sent.away),
            },
            Event::Done(key) => format!("done {}", key.0),
            Event::Bye(why) => format!("bye {why:?}"),
            Event::File(event) => format!("{event:?}"),
            Event::ReplayBegin { .. }
            | Event::ReplayEnd { .. }
            | Event::Missed { .. }
            | Event::Ping => {
                unreachable!("the chat does not say that")
            }
        }
    }
}

fn entry_in_words(room: &str, entry: &Entry) -> String {
    let author = entry.author;
    match &entry.body {
        Body::Said(text) => format!("[{room}] {author}: {text}"),
        Body::Acted(text) => format!("[{room}] * {author} {text}"),
        Body::Received(text) => format!("[{author}] {text}"),
        Body::Sent(text) => format!("to {author}: {text}"),
        Body::Offered(offer) => format!(
            "* {room}: {author} offers {} as {:?}",
            offer.name, offer.way
        ),
        Body::Joined { here } => format!("* {room}: {author} joined ({here} here)"),
        Body::Left { after, how, why } => {
            let how = match how {
                Parting::Left => "left".into(),
                Parting::Lost(loss) => format!("lost ({loss})"),
            };
            let why = why
                .as_ref()
                .map_or(String::new(), |why| format!(" ({why})"));
            format!("* {room}: {author} {how} after {}{why}", span::Ago(*after))
        }
        Body::Kicked { by, why } => format!("* {room}: {author} kicked by {by} {why:?}"),
        Body::Renamed { to } => format!("* {room}: {author} is now {to}"),
        Body::Topic(text) => format!("* {room}: {author} set the topic: {text}"),
        Body::Counted {
            arrived,
            departed,
            here,
        } => format!("* {room}: +{arrived}, -{departed}, {here} here"),
    }
}
