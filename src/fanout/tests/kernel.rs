//! A fake kernel and sealer: bounded space per connection, and a reader that understands both
//! dialects.
//!
//! Sealing writes the content's length into the header, so what was sealed can be read back. What
//! is read is taken when it is sealed; that the very same bytes then reach the kernel, in that
//! order and once, is checked as they are sent.

use crate::chat::{Body, ClientId, Close, Entry, EntryId, Event, Name, RoomId};
use crate::fanout::{Dialect, Outlets, Sent};
use crate::limits::{RECORD_HEADER_BYTES, RECORD_INNER_BYTES_SENT_MAX, RECORD_PREFIX_BYTES};
use crate::wire::frame::Frame;
use crate::wire::message::{BodyView, ServerMessage, decode_server, encode_event};
use std::collections::BTreeMap;
use std::time::Duration;

/// The inbox of the tests: the one room without a name.
pub(super) const INBOX: RoomId = RoomId(99);

const HEAD_BYTES: usize = RECORD_HEADER_BYTES + RECORD_PREFIX_BYTES;

/// One thing a client is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Item {
    Entry {
        serial: u64,
        /// Whether its time was written in front, which only lines say.
        is_past: Option<bool>,
    },
    ReplayEnd(RoomId, u64),
    Missed(RoomId, u64),
    Notice(String),
    Bye,
}

/// One connection as its peer sees it.
pub(super) struct Peer {
    pub(super) dialect: Dialect,
    /// Bytes the kernel still takes.
    pub(super) space: usize,
    pub(super) is_broken: bool,
    /// What was sealed, up to what was read.
    pub(super) content: Vec<u8>,
    /// What was sealed and has not reached the kernel.
    unsent: Vec<u8>,
    pub(super) sends: usize,
    pub(super) closed: Option<Close>,
    pub(super) is_finished: bool,
    pub(super) is_blocked: bool,
}

#[derive(Default)]
pub(super) struct Kernel {
    pub(super) peers: BTreeMap<ClientId, Peer>,
    /// What each look at the clock adds to it.
    pub(super) tick: Duration,
    pub(super) elapsed: Duration,
    /// What it says when asked for news.
    pub(super) has_news: bool,
    /// How many messages that may wait there are for whom.
    pub(super) spare: BTreeMap<ClientId, usize>,
    /// In which order clients were sent something.
    pub(super) order: Vec<ClientId>,
}

impl Kernel {
    pub(super) fn open(&mut self, client: ClientId, dialect: Dialect, space: usize) {
        let peer = Peer {
            dialect,
            space,
            is_broken: false,
            content: Vec::new(),
            unsent: Vec::new(),
            sends: 0,
            closed: None,
            is_finished: false,
            is_blocked: false,
        };
        self.peers.insert(client, peer);
    }

    pub(super) fn peer(&mut self, client: ClientId) -> &mut Peer {
        self.peers.get_mut(&client).expect("it was opened")
    }

    /// Everything whole that was sealed for a client since the last time.
    pub(super) fn read(&mut self, client: ClientId) -> Vec<Item> {
        self.peer(client).read()
    }
}

impl Outlets for Kernel {
    fn seal(&mut self, client: ClientId, record: &mut Vec<u8>) {
        let peer = self.peer(client);
        assert!(
            peer.unsent.is_empty(),
            "sealing is only into an empty buffer"
        );
        assert_eq!(peer.closed, None, "nothing follows the closing record");
        let content = match peer.dialect {
            Dialect::Sealed => {
                let content = &record[HEAD_BYTES..];
                assert!(content.len() + RECORD_PREFIX_BYTES <= RECORD_INNER_BYTES_SENT_MAX);
                content
            }
            Dialect::Line => &record[..],
        };
        assert!(!content.is_empty(), "an empty record is not sealed");
        peer.content.extend_from_slice(content);
        peer.unsent.extend_from_slice(record);
    }

    fn seal_close(&mut self, client: ClientId, close: Close, record: &mut Vec<u8>) {
        let peer = self.peer(client);
        assert_eq!(peer.closed, None, "a connection ends once");
        peer.closed = Some(close);
        if peer.dialect == Dialect::Sealed {
            record.extend_from_slice(b"close");
            peer.unsent.extend_from_slice(b"close");
        }
    }

    fn send(&mut self, client: ClientId, bytes: &[u8]) -> Sent {
        self.order.push(client);
        let peer = self.peer(client);
        assert!(!peer.is_blocked, "a blocked connection is left alone");
        assert_eq!(
            bytes, peer.unsent,
            "what is sealed is sent, once and in order"
        );
        peer.sends += 1;
        if peer.is_broken {
            return Sent::Failed;
        }
        let taken = bytes.len().min(peer.space);
        peer.space -= taken;
        peer.unsent.drain(..taken);
        if taken == bytes.len() {
            Sent::All
        } else {
            peer.is_blocked = true;
            Sent::Part(taken)
        }
    }

    fn finished(&mut self, client: ClientId) {
        let peer = self.peer(client);
        assert!(peer.unsent.is_empty() && !peer.is_finished);
        assert!(peer.closed.is_some(), "the closing record comes first");
        peer.is_finished = true;
    }

    fn elapsed(&mut self) -> Duration {
        self.elapsed += self.tick;
        self.elapsed
    }

    fn fill_spare(&mut self, client: ClientId, space: usize, record: &mut Vec<u8>) -> bool {
        let mut message = Vec::new();
        encode_event(&Event::Notice("spare".into()), &mut message);
        let left = self.spare.entry(client).or_default();
        let count = (*left).min(space / message.len());
        record.extend(message.repeat(count));
        *left -= count;
        *left > 0
    }

    fn has_news(&self) -> bool {
        self.has_news
    }
}

impl Peer {
    /// Whether the last message read is not whole yet.
    pub(super) fn is_mid_message(&self) -> bool {
        !self.content.is_empty()
    }

    fn read(&mut self) -> Vec<Item> {
        let mut items = Vec::new();
        let mut rest = self.content.as_slice();
        match self.dialect {
            Dialect::Sealed => {
                while let Some((frame, after)) = Frame::first(rest) {
                    let message = decode_server(frame).expect("frames are well formed");
                    let message = message.expect("frames are known");
                    // Lines do not say it, and the end says the same.
                    if !matches!(message, ServerMessage::ReplayBegin { .. }) {
                        items.push(item_of_message(message));
                    }
                    rest = after;
                }
            }
            Dialect::Line => {
                while let Some(end) = rest.iter().position(|byte| *byte == b'\n') {
                    let line = std::str::from_utf8(&rest[..end]).unwrap();
                    items.push(item_of_line(line));
                    rest = &rest[end + 1..];
                }
            }
        }
        self.content = rest.to_vec();
        items
    }
}

fn item_of_message(message: ServerMessage<'_>) -> Item {
    match message {
        ServerMessage::Entry(view) => {
            let serial = match view.body {
                BodyView::Said(text) | BodyView::Received(text) => serial_of(text),
                BodyView::Joined { here } => u64::from(here),
                other => panic!("{other:?} is not in these tests"),
            };
            Item::Entry {
                serial,
                is_past: None,
            }
        }
        ServerMessage::ReplayEnd { room, count } => Item::ReplayEnd(room, count),
        ServerMessage::Missed { room, count } => Item::Missed(room, count),
        ServerMessage::Notice(text) => Item::Notice(text.to_owned()),
        ServerMessage::Bye(_) => Item::Bye,
        other => panic!("{other:?} is not in these tests"),
    }
}

fn item_of_line(line: &str) -> Item {
    let is_past = Some(line.starts_with('2'));
    if let Some(at) = line.find("s=") {
        let serial = serial_of(&line[at..]);
        return Item::Entry { serial, is_past };
    }
    if let Some(here) = line.strip_suffix(" here)") {
        let serial = here[here.rfind('(').unwrap() + 1..].parse().unwrap();
        return Item::Entry { serial, is_past };
    }
    let told = line.strip_prefix("-> ").unwrap();
    let about = |suffix: &str| {
        let (room, count) = told.strip_suffix(suffix)?.split_once(": ")?;
        let room = match room.strip_prefix("#r") {
            Some(id) => RoomId(id.parse().unwrap()),
            None => INBOX,
        };
        Some((room, count.parse().unwrap()))
    };
    if let Some((room, count)) = about(" earlier lines end here") {
        Item::ReplayEnd(room, count)
    } else if let Some((room, count)) = about(" missed, they are no longer kept") {
        Item::Missed(room, count)
    } else if told == "Bye." {
        Item::Bye
    } else {
        Item::Notice(told.to_owned())
    }
}

/// A text that says which it is and can be checked for damage.
pub(super) fn text(serial: u64, bytes: usize) -> String {
    let filler = char::from(b'a' + u8::try_from(serial % 26).unwrap());
    let mut text = format!("s={serial};{bytes};");
    text.extend(std::iter::repeat_n(filler, bytes));
    text
}

fn serial_of(said: &str) -> u64 {
    let mut parts = said.strip_prefix("s=").unwrap().splitn(3, ';');
    let serial: u64 = parts.next().unwrap().parse().unwrap();
    let bytes = parts.next().unwrap().parse().unwrap();
    assert_eq!(said, text(serial, bytes), "texts arrive undamaged");
    serial
}

pub(super) fn client(slot: u32) -> ClientId {
    ClientId {
        slot,
        generation: 1,
    }
}

pub(super) fn name(text: &str) -> Name {
    Name::parse(text).unwrap()
}

/// Something said, stored as `id`.
pub(super) fn said(id: u64, serial: u64, bytes: usize) -> Entry {
    Entry {
        id: Some(EntryId(id)),
        unix_ms: 1_770_000_000_000 + id * 1_000,
        author: name("ann"),
        origin: None,
        body: Body::Said(text(serial, bytes).into()),
    }
}

/// Somebody arrived: not stored.
pub(super) fn joined(serial: u64) -> Entry {
    Entry {
        id: None,
        body: Body::Joined {
            here: u32::try_from(serial).unwrap(),
        },
        ..said(1, serial, 0)
    }
}
