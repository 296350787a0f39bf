//! Ears: what comes out at the far end, decoded as a client would, and handed to the judge.
//!
//! Bytes come in any pieces. A sealed link's records are opened and their frames decoded with
//! `wire`; plain lines are told apart by their first characters, and an entry of several lines must
//! come in one piece. What each thing means for the person is decided here too.

use super::log::{Log, number_in};
use super::people::{Person, Street};
use super::reader::{Place, Reader, Seen};
use super::transport::Unsealer;
use crate::chat::{ClientId, RoomId, RoomName};
use crate::fanout::Dialect;
use crate::limits::MESSAGE_BYTES_MAX;
use crate::wire::frame::{Frame, FrameReader};
use crate::wire::line::{self, Tense};
use crate::wire::message::{EntryView, ServerMessage, decode_server, room_handle};
use std::collections::BTreeMap;

/// `2026-03-01T12:04:05Z ` before what is from the past.
const STAMP_BYTES: usize = 21;
/// The code of "this name is somebody else's", and of names that are no good.
const NAME_REFUSED: [u16; 4] = [4, 5, 6, 7];

/// What readers are told when the store cannot be read.
const UNREADABLE: &str = "the server could not read what it keeps";

/// A line that is called long.
const LONG_LINE_BYTES: usize = 1_000;

/// What decodes one connection's bytes.
pub(super) enum Ears {
    Sealed(Box<SealedEars>),
    Line(LineEars),
}

pub(super) struct SealedEars {
    records: Unsealer,
    frames: FrameReader,
    /// Where a session that was resumed has to go on.
    resuming: BTreeMap<RoomId, u64>,
}

#[derive(Default)]
pub(super) struct LineEars {
    /// What has come of a line.
    rest: Vec<u8>,
    /// The lines of an entry that is not whole.
    entry: Vec<u8>,
}

impl Ears {
    pub(super) fn new(dialect: Dialect) -> Self {
        match dialect {
            Dialect::Sealed => Self::Sealed(Box::new(SealedEars {
                records: Unsealer::default(),
                frames: FrameReader::new(MESSAGE_BYTES_MAX),
                resuming: BTreeMap::new(),
            })),
            Dialect::Line => Self::Line(LineEars::default()),
        }
    }

    /// Whether something longer has begun to come.
    pub(super) fn is_in_the_middle(&self) -> bool {
        match self {
            Self::Sealed(ears) => ears.frames.is_mid_frame(),
            Self::Line(ears) => ears.rest.len() > LONG_LINE_BYTES,
        }
    }

    /// Hears what `bytes` say.
    pub(super) fn hear(
        &mut self,
        person: &mut Person,
        client: ClientId,
        bytes: &[u8],
        street: &mut Street<'_>,
    ) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Self::Sealed(ears) => ears.hear(person, client, bytes, street),
            Self::Line(ears) => ears.hear(person, client, bytes, street),
        }
    }
}

/// The judge of a connection, and what it judges by.
fn judge<'a>(
    client: ClientId,
    street: &'a mut Street<'_>,
) -> (&'a mut Reader, &'a BTreeMap<RoomId, Log>) {
    let model = &mut street.shell.model;
    let reader = model
        .readers
        .get_mut(&client)
        .expect("every connection is judged");
    (reader, &model.logs)
}

fn be_refused(client: ClientId, street: &mut Street<'_>) {
    street.shell.model.tally.unreadable += 1;
    let (reader, _) = judge(client, street);
    reader.be_refused();
}

impl SealedEars {
    fn hear(
        &mut self,
        person: &mut Person,
        client: ClientId,
        bytes: &[u8],
        street: &mut Street<'_>,
    ) {
        self.records.append(bytes);
        while let Some(content) = self.records.next() {
            let mut input = content.as_slice();
            loop {
                let frame = self
                    .frames
                    .peek(&mut input)
                    .expect("the server sends whole frames");
                let Some(frame) = frame else { break };
                let message = decode_server(frame).expect("the server sends what can be read");
                let message = message.expect("the server sends what is known");
                listen(&mut self.resuming, person, client, frame, &message, street);
                self.frames.consume(&mut input);
            }
        }
        if self.records.is_closed() {
            assert_eq!(
                self.frames.held(),
                0,
                "no message is cut by the closing record"
            );
        }
    }
}

/// Hears one message of a sealed link.
fn listen(
    resuming: &mut BTreeMap<RoomId, u64>,
    person: &mut Person,
    client: ClientId,
    frame: Frame<'_>,
    message: &ServerMessage<'_>,
    street: &mut Street<'_>,
) {
    if let ServerMessage::Missed { .. } = message {
        street.shell.model.tally.missed += 1;
    }
    if matches!(message, ServerMessage::Notice(text) if *text == UNREADABLE) {
        return be_refused(client, street);
    }
    let (reader, logs) = judge(client, street);
    match message {
        ServerMessage::Entry(view) => return see(reader, logs, view),
        // Its end is what is owed.
        ServerMessage::ReplayBegin { .. } => return,
        ServerMessage::ReplayEnd { room, count } => {
            return reader.end_past(Place::Id(*room), &logs[room], *count);
        }
        ServerMessage::Missed { room, count } => {
            return reader.miss(Place::Id(*room), &logs[room], *count);
        }
        ServerMessage::Exited(room) => reader.close(Place::Id(*room)),
        ServerMessage::Entered { room, .. } | ServerMessage::Inbox(room) => {
            reader.open(*room);
            if let Some(position) = resuming.remove(room) {
                let after = reader.resumed_after(*room);
                // After a crash only what newcomers may see can be asked for.
                assert!(
                    after == Some(position) || !logs[room].has_history,
                    "who resumes goes on where it was"
                );
            }
        }
        ServerMessage::Welcome { .. }
        | ServerMessage::AskName
        | ServerMessage::AskSecret(_)
        | ServerMessage::Current(_)
        | ServerMessage::Renamed(_)
        | ServerMessage::Notice(_)
        | ServerMessage::Refused { .. }
        | ServerMessage::Stored { .. }
        | ServerMessage::Done(_)
        | ServerMessage::Ping
        | ServerMessage::Bye(_) => {}
    }
    let mut bytes = Vec::with_capacity(frame.body.len() + 4);
    let length = u32::try_from(frame.body.len() + 1).expect("frames are bounded");
    bytes.extend_from_slice(&length.to_be_bytes()[1..]);
    bytes.push(frame.kind);
    bytes.extend_from_slice(frame.body);
    reader.hear(&bytes);
    react(resuming, person, message, street);
}

/// What a message means for the person.
fn react(
    resuming: &mut BTreeMap<RoomId, u64>,
    person: &mut Person,
    message: &ServerMessage<'_>,
    street: &mut Street<'_>,
) {
    match message {
        ServerMessage::Welcome { welcome, .. } => {
            person.welcome(welcome.token, welcome.resumed, street);
            resuming.clone_from(person.positions());
        }
        ServerMessage::Current(_) => resuming.clear(),
        ServerMessage::Entered { room, .. } => {
            person.rooms.insert(*room);
        }
        ServerMessage::Exited(room) => person.leave(*room),
        ServerMessage::Refused {
            key: None, code, ..
        } if NAME_REFUSED.contains(code) => {
            person.names_tried += 1;
            person.say_hello(street);
        }
        ServerMessage::Refused { key: Some(key), .. } => {
            person.answered(key.0);
            person.unacknowledged.remove(&key.0);
        }
        ServerMessage::Stored { key, .. } => {
            person.answered(key.0);
            person.unacknowledged.remove(&key.0);
        }
        ServerMessage::Done(key) => person.answered(key.0),
        ServerMessage::Refused { key: None, .. }
        | ServerMessage::AskName
        | ServerMessage::AskSecret(_)
        | ServerMessage::Inbox(_)
        | ServerMessage::Renamed(_)
        | ServerMessage::Notice(_)
        | ServerMessage::ReplayBegin { .. }
        | ServerMessage::ReplayEnd { .. }
        | ServerMessage::Missed { .. }
        | ServerMessage::Ping
        | ServerMessage::Bye(_)
        | ServerMessage::Entry(_) => {}
    }
}

fn see(reader: &mut Reader, logs: &BTreeMap<RoomId, Log>, view: &EntryView<'_>) {
    let room = RoomId(u64::from(view.room));
    let log = logs.get(&room).expect("entries come from rooms there were");
    let index = view.id.map(|id| {
        let at = usize::try_from(id.0 - 1).expect("ids are small here");
        *log.by_id
            .get(at)
            .expect("nothing is shown that was not published")
    });
    let seen = Seen {
        is_past: None,
        index,
    };
    reader.see(Place::Id(room), log, &seen, |index| {
        EntryView::of(room, &log.entries[index].entry) == *view && room_handle(room) == view.room
    });
}

impl LineEars {
    fn hear(
        &mut self,
        person: &mut Person,
        client: ClientId,
        bytes: &[u8],
        street: &mut Street<'_>,
    ) {
        self.rest.extend_from_slice(bytes);
        let mut rest = std::mem::take(&mut self.rest);
        let mut begin = 0;
        while let Some(length) = rest[begin..].iter().position(|byte| *byte == b'\n') {
            let end = begin + length + 1;
            self.hear_line(person, client, &rest[begin..end], street);
            begin = end;
        }
        rest.drain(..begin);
        self.rest = rest;
    }

    fn hear_line(
        &mut self,
        person: &mut Person,
        client: ClientId,
        line: &[u8],
        street: &mut Street<'_>,
    ) {
        let text = std::str::from_utf8(line)
            .expect("lines are text")
            .trim_end_matches('\n');
        if !self.entry.is_empty() || !(text.starts_with("-> ") || text.starts_with("Err: ")) {
            self.hear_entry(client, line, text, street);
            return;
        }
        if text.strip_prefix("-> ") == Some(UNREADABLE) {
            return be_refused(client, street);
        }
        let (reader, logs) = judge(client, street);
        if let Some((place, count)) = counted(text, " earlier lines end here") {
            let room = reader
                .room(place)
                .expect("replays come from rooms one is in");
            return reader.end_past(place, &logs[&room], count);
        }
        if let Some((place, count)) = counted(text, " missed, they are no longer kept") {
            let room = reader
                .room(place)
                .expect("what is missed is of rooms one is in");
            return reader.miss(place, &logs[&room], count);
        }
        if let Some(rest) = text.strip_prefix("-> you left ") {
            let name = rest.split(';').next().expect("there is a first part");
            reader.close(Place::Named(RoomName::parse(name).ok()));
        }
        reader.hear(line);
        if text.starts_with("-> You are ") {
            person.is_in = true;
        }
        if text.starts_with("Err: ") && !person.is_in && !text.contains("slow down") {
            person.names_tried += 1;
            person.say_hello(street);
        }
    }

    /// A line of an entry; the last one makes it whole.
    fn hear_entry(&mut self, client: ClientId, line: &[u8], text: &str, street: &mut Street<'_>) {
        self.entry.extend_from_slice(line);
        let is_past = text.starts_with("20");
        let words = if is_past { &text[STAMP_BYTES..] } else { text };
        let (reader, logs) = judge(client, street);
        let (place, number, is_last) = parts(words);
        if !is_last {
            return;
        }
        let entry = std::mem::take(&mut self.entry);
        let room = reader.room(place);
        let room = room.unwrap_or_else(|| panic!("{client:?} got a line of {place:?}: {text:.80}"));
        let log = &logs[&room];
        let index = number.map(|number| {
            *log.by_number
                .get(&number)
                .expect("nothing is shown that was not published")
        });
        let seen = Seen {
            is_past: Some(is_past),
            index,
        };

        let tense = if is_past { Tense::Past } else { Tense::Live };
        reader.see(place, log, &seen, |index| {
            let mut expected = Vec::new();
            let view = EntryView::of(room, &log.entries[index].entry);
            line::encode_entry(&view, log.name.as_ref(), tense, &mut expected);
            expected == entry
        });
    }
}

/// The place and the number in `-> PLACE: NUMBER WORDS`.
fn counted(text: &str, words: &str) -> Option<(Place, u64)> {
    let (place, count) = text
        .strip_prefix("-> ")?
        .strip_suffix(words)?
        .split_once(": ")?;
    Some((place_of(place), count.parse().ok()?))
}

fn place_of(place: &str) -> Place {
    match place {
        "private" => Place::Named(None),
        room => Place::Named(Some(
            RoomName::parse(room).expect("rooms have proper names"),
        )),
    }
}

/// The place a line is from, the number of the message if it is one, and whether it is the last
/// line of its entry.
fn parts(words: &str) -> (Place, Option<u64>, bool) {
    if let Some(rest) = words.strip_prefix(" * ") {
        let (place, _) = rest.split_once(": ").expect("notices name their place");
        return (place_of(place), None, true);
    }
    let (place, rest) = match words.strip_prefix("-> to ") {
        Some(rest) => (
            Place::Named(None),
            rest.split_once(": ").expect("a name, then text").1,
        ),
        None => {
            let rest = words.strip_prefix('[');
            let rest = rest.unwrap_or_else(|| panic!("a line that is none: {words:.80}"));
            let (place, rest) = rest.split_once("] ").expect("a bracket that opens closes");
            match place.strip_prefix('#') {
                None => (Place::Named(None), rest),
                Some(_) => (place_of(place), said(rest)),
            }
        }
    };
    let number = number_in(rest);
    assert!(
        number.is_some(),
        "every message in here has a number: {words:.80}"
    );
    let order = rest
        .split(' ')
        .nth(1)
        .and_then(|order| order.split_once('/'));
    let (line, lines) = order.expect("every line says which it is");
    let [line, lines] = [line, lines].map(|number| number.parse::<usize>().expect("a number"));
    (place, number, line + 1 == lines)
}

/// The text of what somebody said or did.
fn said(rest: &str) -> &str {
    match rest.strip_prefix("* ") {
        Some(rest) => rest.split_once(' ').expect("a name, then text").1,
        None => rest.split_once(": ").expect("a name, then text").1,
    }
}
