//! The simulated people: what they do, through both doors, and how they come back.
//!
//! A person on a sealed link keeps what a real client keeps: its session, how far it has read, and
//! what was not acknowledged. After a broken connection it resumes, and sends that again. A
//! person on the line door types, and reads.

mod acts;

use super::dice::{Dice, Weather};
use super::ears::Ears;
use super::shell::{EPOCH, Shell};
use super::transport::UpEnd;
use crate::buffer::ByteQueue;
use crate::chat::{ClientId, EntryId, Hello, MessageKey, Resume, RoomId, Token, TokenHash};
use crate::fanout::Dialect;
use crate::wire::message::{ClientMessage, encode_client};
use acts::text;
use std::collections::{BTreeMap, BTreeSet};

/// How often somebody leaves who is in the middle of reading something.
const LEAVES_PERMILLE: usize = 30;

/// A message that was sent and not acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    to: Addressee,
    text: String,
}

#[derive(Clone, Debug)]
enum Addressee {
    Room(RoomId),
    Person(String),
}

/// One person.
pub(super) struct Person {
    pub(super) index: usize,
    pub(super) dialect: Dialect,
    pub(super) client: Option<ClientId>,
    /// What it wants to send and the network has not taken.
    outbox: ByteQueue,
    /// How it ends its side, once all of the outbox is under way.
    ending: Option<UpEnd>,
    pub(super) ears: Ears,
    pub(super) token: Option<Token>,
    positions: BTreeMap<RoomId, u64>,
    pub(super) rooms: BTreeSet<RoomId>,
    pub(super) unacknowledged: BTreeMap<u64, Draft>,
    /// Commands sent on this connection and not answered, with how often each was sent.
    pub(super) unanswered: BTreeMap<u64, usize>,
    /// The same of earlier connections of the session: these may be answered here.
    carried: BTreeMap<u64, usize>,
    /// Replays asked for; fewer than the server would refuse.
    pub(super) replays: usize,
    pub(super) is_in: bool,
    /// A connection it has left standing; it only listens there.
    former: Option<Box<Self>>,
    /// How many names it has tried.
    pub(super) names_tried: usize,
    comes_at: usize,
    blocked_until: usize,
}

/// What all people share.
pub(super) struct Street<'a> {
    pub(super) shell: &'a mut Shell,
    pub(super) dice: &'a mut Dice,
    pub(super) weather: &'a Weather,
    pub(super) numbers: &'a mut u64,
    /// Nobody begins anything any more.
    pub(super) is_calm: bool,
}

impl Person {
    pub(super) fn new(index: usize, dialect: Dialect, comes_at: usize) -> Self {
        Self {
            index,
            dialect,
            client: None,
            outbox: ByteQueue::new(),
            ending: None,
            ears: Ears::new(dialect),
            token: None,
            positions: BTreeMap::new(),
            rooms: BTreeSet::new(),
            unacknowledged: BTreeMap::new(),
            unanswered: BTreeMap::new(),
            carried: BTreeMap::new(),
            replays: 0,
            is_in: false,
            former: None,
            names_tried: 0,
            comes_at,
            blocked_until: 0,
        }
    }

    /// One turn of a person: it reads, acts, and sends.
    pub(super) fn turn(&mut self, street: &mut Street<'_>) {
        let turn = street.shell.turn;
        if let Some(mut former) = self.former.take() {
            former.listen(street);
            self.former = former.client.is_some().then_some(former);
        }
        let Some(client) = self.client else {
            let has_business = self.token.is_some() && !self.unacknowledged.is_empty();
            if turn >= self.comes_at && (!street.is_calm || has_business) {
                self.come(street);
            }
            return;
        };
        self.read(client, street);
        if self.client.is_none() {
            return;
        }
        if !street.is_calm && self.ears.is_in_the_middle() && street.dice.chance(LEAVES_PERMILLE) {
            self.leave_some_room(street);
        }
        if !street.is_calm
            && self.ending.is_none()
            && street.dice.chance(street.weather.act_permille)
        {
            for _ in 0..street.dice.between(1, street.weather.acts_at_once) {
                self.act(street);
                if self.client != Some(client) {
                    return;
                }
                if self.ending.is_some() {
                    break;
                }
            }
        }
        self.send(client, street);
    }

    /// Whether it has nothing more to do, and has had all it waited for.
    pub(super) fn is_content(&self) -> bool {
        match self.client {
            None => self.token.is_none() || self.unacknowledged.is_empty(),
            Some(_) => {
                self.outbox.is_empty() && self.unanswered.is_empty() && self.ending.is_none()
            }
        }
    }

    /// The connections it listens to.
    pub(super) fn clients(&self) -> impl Iterator<Item = ClientId> + '_ {
        let former = self.former.iter().filter_map(|former| former.client);
        self.client.into_iter().chain(former)
    }

    /// Whether it could send something now.
    pub(super) fn is_busy(&self) -> bool {
        match self.client {
            None => self.token.is_some() && !self.unacknowledged.is_empty(),
            Some(_) => !self.outbox.is_empty(),
        }
    }

    // --- Coming and going ---

    fn come(&mut self, street: &mut Street<'_>) {
        let client = street.shell.accept(self.dialect);
        self.client = Some(client);
        self.outbox.clear();
        self.ending = None;
        self.ears = Ears::new(self.dialect);
        for (number, times) in std::mem::take(&mut self.unanswered) {
            *self.carried.entry(number).or_default() += times;
        }
        self.rooms.clear();
        self.replays = 0;
        self.is_in = false;
        self.say_hello(street);
    }

    /// Gives a name; on a sealed link with the session to go on with, if there is one.
    pub(super) fn say_hello(&mut self, street: &mut Street<'_>) {
        let mut name = format!("p{}", self.index);
        if self.names_tried > 0 || street.dice.chance(100) {
            let among = if self.names_tried > 3 {
                usize::try_from(*street.numbers).expect("few are sent") + 100
            } else {
                3
            };
            name = format!("q{}", street.dice.between(0, among));
        }
        match self.dialect {
            Dialect::Line => {
                let before = if street.dice.chance(300) {
                    ""
                } else {
                    "/nick "
                };
                self.outbox.append(format!("{before}{name}\n").as_bytes());
            }
            Dialect::Sealed => {
                let positions = self.positions.iter();
                let resume = self.token.map(|token| Resume {
                    hash: TokenHash([0; 16]),
                    epoch: EPOCH,
                    token,
                    positions: positions.map(|(room, id)| (*room, EntryId(*id))).collect(),
                });
                let hello = Hello {
                    name: Some(&name),
                    room: None,
                    resume,
                };
                self.put(&ClientMessage::Hello(hello));
            }
        }
    }

    /// The session goes on, and what was not acknowledged is sent again; or another began, and what
    /// was said in the old one is over.
    pub(super) fn welcome(&mut self, token: Token, is_resumed: bool, street: &mut Street<'_>) {
        self.token = Some(token);
        self.is_in = true;
        self.names_tried = 0;
        if is_resumed {
            for number in self.unacknowledged.keys().copied().collect::<Vec<_>>() {
                self.send_draft(number, street);
            }
        } else {
            self.forget_session();
        }
    }

    fn forget_session(&mut self) {
        self.unacknowledged.clear();
        self.positions.clear();
        self.carried.clear();
    }

    /// How far it had read when the connection was lost.
    pub(super) fn positions(&self) -> &BTreeMap<RoomId, u64> {
        &self.positions
    }

    /// A command sent on this connection was answered; each is, as often as it was sent.
    pub(super) fn answered(&mut self, number: u64) {
        let asked = [&mut self.unanswered, &mut self.carried].into_iter();
        let asked = asked
            .flat_map(|asked| asked.get_mut(&number))
            .find(|left| **left > 0);
        *asked.expect("only what was asked is answered, once each time") -= 1;
        self.unanswered.retain(|_, left| *left > 0);
    }

    /// It is out of a room.
    pub(super) fn leave(&mut self, room: RoomId) {
        self.rooms.remove(&room);
        self.positions.remove(&room);
    }

    /// The connection is over, whoever ended it.
    fn part(&mut self, client: ClientId, street: &mut Street<'_>) {
        let (model, weather) = (&street.shell.model, street.weather);
        let reader = &model.readers[&client];
        for (room, log) in &model.logs {
            if let Some(position) = reader.position(*room, log) {
                self.positions.insert(*room, position);
            }
        }
        if self.dialect == Dialect::Line || reader.has_had_farewell {
            self.token = None;
            self.unanswered.clear();
            self.forget_session();
        }
        self.client = None;
        self.comes_at = street.shell.turn + street.dice.between(0, weather.away_turns_max);
    }

    /// The connection breaks; the server learns it later.
    fn reset(&mut self, client: ClientId, street: &mut Street<'_>) {
        let turn = street.shell.turn + street.dice.between(0, street.weather.ghost_turns_max);
        let socket = street
            .shell
            .kernel
            .sockets
            .get_mut(&client)
            .expect("it is open");
        // What was under way may or may not arrive.
        if street.dice.chance(500) {
            socket.up.clear();
        }
        socket.reset_at = Some(turn);
        self.part(client, street);
    }

    /// The server is gone, and every connection with it.
    pub(super) fn lose_server(&mut self, street: &mut Street<'_>) {
        self.former = None;
        if let Some(client) = self.client {
            self.part(client, street);
        }
    }

    /// It comes over another connection, without a word about the one it has.
    fn move_on(&mut self, client: ClientId, street: &mut Street<'_>) {
        if self.former.is_some() || self.dialect == Dialect::Line {
            return;
        }
        let mut former = Box::new(Self::new(self.index, self.dialect, 0));
        former.client = Some(client);
        former.ears = std::mem::replace(&mut self.ears, Ears::new(self.dialect));
        former.unanswered.clone_from(&self.unanswered);
        former.carried.clone_from(&self.carried);
        former.blocked_until = self.blocked_until;
        self.former = Some(former);
        self.part(client, street);
        self.come(street);
    }

    /// It takes what still comes over a connection that it has left standing.
    fn listen(&mut self, street: &mut Street<'_>) {
        if let Some(client) = self.client {
            self.read(client, street);
        }
    }

    // --- Reading ---

    fn read(&mut self, client: ClientId, street: &mut Street<'_>) {
        let (turn, weather) = (street.shell.turn, street.weather);
        if turn < self.blocked_until && !street.is_calm {
            return;
        }
        if street.dice.chance(weather.block_permille) {
            self.blocked_until = turn + street.dice.between(1, weather.block_turns_max);
        }
        let socket = street
            .shell
            .kernel
            .sockets
            .get_mut(&client)
            .expect("it is open");
        let count = street.dice.between(1, weather.down_bytes_max);
        let count = count.min(socket.down.len());
        let bytes = socket.down.pending()[..count].to_vec();
        socket.down.consume(count);
        street.shell.moved_bytes += count;
        let is_over = socket.is_shut && socket.down.is_empty();
        let mut ears = std::mem::replace(&mut self.ears, Ears::new(self.dialect));
        ears.hear(self, client, &bytes, street);
        self.ears = ears;
        if is_over {
            let socket = street
                .shell
                .kernel
                .sockets
                .get_mut(&client)
                .expect("it is open");
            socket.up_end = socket.up_end.or(Some(UpEnd::Cut));
            self.part(client, street);
        }
    }

    // --- Sending ---

    /// Gives the network what it takes.
    fn send(&mut self, client: ClientId, street: &mut Street<'_>) {
        let socket = street
            .shell
            .kernel
            .sockets
            .get_mut(&client)
            .expect("it is open");
        let count = street
            .dice
            .between(1, street.weather.up_bytes_max)
            .min(self.outbox.len());
        socket.up.append(&self.outbox.pending()[..count]);
        self.outbox.consume(count);
        if self.outbox.is_empty()
            && let Some(ending) = self.ending
        {
            socket.up_end = socket.up_end.or(Some(ending));
        }
    }

    fn put(&mut self, message: &ClientMessage<'_>) {
        self.outbox.append_with(|out| encode_client(message, out));
    }

    /// Types a line; on a sealed link as a command with a number.
    fn run(&mut self, line: &str, street: &mut Street<'_>) {
        match self.dialect {
            Dialect::Line => self.outbox.append(format!("{line}\n").as_bytes()),
            Dialect::Sealed => {
                let key = street.next_number();
                self.put(&ClientMessage::Run {
                    key: MessageKey(key),
                    line,
                });
                *self.unanswered.entry(key).or_default() += 1;
            }
        }
    }

    /// Notes that a message is under way, so that the server can be held to it.
    fn count(&mut self, number: u64, street: &mut Street<'_>) {
        let client = self.client.expect("who sends is connected");
        let socket = street
            .shell
            .kernel
            .sockets
            .get_mut(&client)
            .expect("it is open");
        socket.numbers.push_back(number);
    }

    fn send_draft(&mut self, number: u64, street: &mut Street<'_>) {
        let draft = self.unacknowledged[&number].clone();
        let (key, text) = (MessageKey(number), draft.text.as_str());
        match &draft.to {
            Addressee::Room(room) => {
                let (room, action) = (Some(*room), number.is_multiple_of(5));
                self.put(&ClientMessage::Say {
                    key,
                    room,
                    action,
                    text,
                });
            }
            Addressee::Person(to) => self.put(&ClientMessage::Tell { key, to, text }),
        }
        *self.unanswered.entry(number).or_default() += 1;
        self.count(number, street);
    }

    fn post(&mut self, to: Addressee, bytes: usize, street: &mut Street<'_>) {
        let number = street.next_number();
        let lines = if self.dialect == Dialect::Sealed {
            street.dice.between(1, 3)
        } else {
            1
        };
        let text = text(number, lines, bytes);
        match (self.dialect, &to) {
            (Dialect::Sealed, _) => {
                self.unacknowledged.insert(number, Draft { to, text });
                self.send_draft(number, street);
            }
            (Dialect::Line, Addressee::Person(name)) => {
                self.outbox
                    .append(format!("/msg {name} {text}\n").as_bytes());
                self.count(number, street);
            }
            (Dialect::Line, Addressee::Room(_)) => {
                let room = street.some_room();
                let before = *street.dice.pick(&["", "", "/me ", "/say "]);
                let room = if before == "/say " {
                    format!("{room} ")
                } else {
                    String::new()
                };
                self.outbox
                    .append(format!("{before}{room}{text}\n").as_bytes());
                self.count(number, street);
            }
        }
    }
}
