//! The fake transport: sockets with small buffers, edges instead of promises, and records without
//! a cipher.
//!
//! A sealed record keeps the place of the real one's header, so that what the fan-out reserves is
//! used, and carries a kind, a sequence number and a length; the far end takes the content out
//! again. Everything that must be true of sealing and sending is checked here: a record is made
//! only when nothing of the last one is left, and what was made is sent once, whole and in order.

use super::dice::Dice;
use crate::buffer::ByteQueue;
use crate::chat::{ClientId, Close};
use crate::fanout::{Dialect, Outlets, Sent};
use crate::limits::{
    RECORD_HEADER_BYTES, RECORD_INNER_BYTES_SENT_MAX, RECORD_PREFIX_BYTES, WRITE_BUFFER_BYTES_MAX,
};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

const HEAD_BYTES: usize = RECORD_HEADER_BYTES + RECORD_PREFIX_BYTES;
const DATA: u8 = 1;
const CLOSE: u8 = 2;
const KEY_UPDATE: u8 = 3;

/// How a peer ended its side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UpEnd {
    /// It said goodbye, or ended its input.
    Goodbye,
    /// It is simply gone.
    Cut,
}

/// One connection, between both ends.
pub(super) struct Socket {
    pub(super) dialect: Dialect,
    /// From the peer, not read by the server yet.
    pub(super) up: ByteQueue,
    pub(super) up_end: Option<UpEnd>,
    /// Numbers of the messages in `up` and in what the server holds of it.
    pub(super) numbers: VecDeque<u64>,
    /// From the server, not read by the peer yet.
    pub(super) down: ByteQueue,
    /// The server will send nothing more.
    pub(super) is_shut: bool,
    /// The peer has gone without a word; the server learns it at that turn.
    pub(super) reset_at: Option<usize>,
    /// The kernel refused bytes and owes an edge.
    owes_edge: bool,
    /// What was offered and not taken.
    unsent: Vec<u8>,
    /// The record that was made and must be offered next.
    made: Vec<u8>,
    sequence: u16,
    is_closed: bool,
}

/// All sockets, and how they behave.
pub(super) struct Kernel {
    pub(super) sockets: BTreeMap<ClientId, Socket>,
    pub(super) finished: Vec<ClientId>,
    pub(super) turn: usize,
    pub(super) elapsed: Duration,
    capacity: usize,
    step: Duration,
    dice: Dice,
}

impl Socket {
    fn new(dialect: Dialect) -> Self {
        Self {
            dialect,
            up: ByteQueue::new(),
            up_end: None,
            numbers: VecDeque::new(),
            down: ByteQueue::new(),
            is_shut: false,
            reset_at: None,
            owes_edge: false,
            unsent: Vec::new(),
            made: Vec::new(),
            sequence: 0,
            is_closed: false,
        }
    }

    /// The server closes its end; what it sent may still be read.
    pub(super) fn close(&mut self) {
        self.is_shut = true;
        self.owes_edge = false;
        self.unsent.clear();
        self.up.clear();
    }

    /// Whether a byte is still on its way to the peer.
    pub(super) fn is_quiet(&self) -> bool {
        self.down.is_empty() && self.unsent.is_empty()
    }

    fn head(&mut self, kind: u8, content_bytes: usize) -> [u8; HEAD_BYTES] {
        let [sequence_high, sequence_low] = self.sequence.to_be_bytes();
        let length = u16::try_from(content_bytes).expect("a record is at most 16 KiB");
        let [length_high, length_low] = length.to_be_bytes();
        self.sequence = self.sequence.wrapping_add(1);
        [
            b'R',
            kind,
            sequence_high,
            sequence_low,
            length_high,
            length_low,
        ]
    }
}

impl Kernel {
    /// All connections are gone, with what was on its way.
    pub(super) fn crash(&mut self) {
        self.sockets.clear();
        self.finished.clear();
    }

    pub(super) fn new(capacity: usize, step: Duration, dice: Dice) -> Self {
        Self {
            sockets: BTreeMap::new(),
            finished: Vec::new(),
            turn: 0,
            elapsed: Duration::ZERO,
            capacity,
            step,
            dice,
        }
    }

    pub(super) fn connect(&mut self, client: ClientId, dialect: Dialect) {
        self.sockets.insert(client, Socket::new(dialect));
    }

    /// Who has space again since its bytes were refused; each is named once.
    pub(super) fn take_edges(&mut self, into: &mut Vec<ClientId>) {
        for (client, socket) in &mut self.sockets {
            let has_space = socket.down.len() <= self.capacity / 2;
            if socket.owes_edge && has_space && socket.reset_at.is_none() {
                socket.owes_edge = false;
                into.push(*client);
            }
        }
    }

    fn socket(&mut self, client: ClientId) -> &mut Socket {
        self.sockets
            .get_mut(&client)
            .expect("the server knows which sockets are open")
    }
}

impl Outlets for Kernel {
    fn seal(&mut self, client: ClientId, record: &mut Vec<u8>) {
        let adds_key_update = self.dice.chance(20);
        let socket = self.socket(client);
        assert!(
            socket.unsent.is_empty(),
            "a record is made only when the last one is sent"
        );
        assert!(socket.made.is_empty(), "a record that is made is offered");
        assert!(
            !socket.is_closed,
            "nothing is sealed after the closing record"
        );
        if socket.dialect == Dialect::Line {
            assert!(!record.is_empty(), "nothing is sealed for nothing");
            socket.made.clone_from(record);
            return;
        }
        let content_bytes = record.len().checked_sub(HEAD_BYTES);
        let content_bytes = content_bytes.expect("there is space for a header");
        assert!(content_bytes > 0, "nothing is sealed for nothing");
        assert!(
            content_bytes <= RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES,
            "a record's content is bounded"
        );
        assert_eq!(
            record[..HEAD_BYTES],
            [0; HEAD_BYTES],
            "the header's space is untouched"
        );
        let head = socket.head(DATA, content_bytes);
        record[..HEAD_BYTES].copy_from_slice(&head);
        if adds_key_update {
            let head = socket.head(KEY_UPDATE, 0);
            record.extend_from_slice(&head);
        }
        socket.made.clone_from(record);
    }

    fn seal_close(&mut self, client: ClientId, _close: Close, record: &mut Vec<u8>) {
        let socket = self.socket(client);
        assert!(
            socket.unsent.is_empty(),
            "the closing record is made when the last one is sent"
        );
        assert!(!socket.is_closed, "the closing record is made once");
        assert_eq!(
            &socket.made, record,
            "the closing record goes behind the last one"
        );
        socket.is_closed = true;
        if socket.dialect == Dialect::Sealed {
            let head = socket.head(CLOSE, 0);
            record.extend_from_slice(&head);
        }
        socket.made.clone_from(record);
    }

    fn send(&mut self, client: ClientId, bytes: &[u8]) -> Sent {
        let (turn, capacity) = (self.turn, self.capacity);
        let stutter = self
            .dice
            .chance(100)
            .then(|| self.dice.between(0, bytes.len()));
        let socket = self.socket(client);
        assert!(!bytes.is_empty(), "nothing is offered for nothing");
        assert!(
            bytes.len() <= WRITE_BUFFER_BYTES_MAX,
            "one write is one record"
        );
        if socket.unsent.is_empty() {
            assert!(socket.made == bytes, "what is offered is what was made");
            socket.made.clear();
        } else {
            assert!(socket.unsent == bytes, "what is offered again is the rest");
        }
        if socket.reset_at.is_some_and(|at| at <= turn) {
            socket.unsent.clear();
            return Sent::Failed;
        }
        let space = capacity.saturating_sub(socket.down.len());
        let count = bytes.len().min(space).min(stutter.unwrap_or(usize::MAX));
        socket.down.append(&bytes[..count]);
        socket.unsent = bytes[count..].to_vec();
        if socket.unsent.is_empty() {
            Sent::All
        } else {
            socket.owes_edge = true;
            Sent::Part(count)
        }
    }

    fn finished(&mut self, client: ClientId) {
        let socket = self.socket(client);
        assert!(
            socket.unsent.is_empty(),
            "who is finished has been sent everything"
        );
        assert!(
            socket.is_closed && !socket.is_shut,
            "who is finished has its closing record, once"
        );
        socket.is_shut = true;
        self.finished.push(client);
    }

    fn elapsed(&mut self) -> Duration {
        let micros = usize::try_from(self.step.as_micros()).expect("a step is short");
        self.elapsed += Duration::from_micros(self.dice.between(0, micros) as u64);
        self.elapsed
    }
}

/// Takes the content out of records again, whatever pieces they come in.
#[derive(Default)]
pub(super) struct Unsealer {
    bytes: ByteQueue,
    sequence: u16,
    is_closed: bool,
}

impl Unsealer {
    pub(super) fn append(&mut self, bytes: &[u8]) {
        assert!(!self.is_closed, "nothing follows the closing record");
        self.bytes.append(bytes);
    }

    /// Whether the closing record has come.
    pub(super) fn is_closed(&self) -> bool {
        self.is_closed
    }

    /// The content of the next whole record of data.
    pub(super) fn next(&mut self) -> Option<Vec<u8>> {
        loop {
            let pending = self.bytes.pending();
            let (head, rest) = pending.split_first_chunk::<HEAD_BYTES>()?;
            let [
                mark,
                kind,
                sequence_high,
                sequence_low,
                length_high,
                length_low,
            ] = *head;
            assert_eq!(mark, b'R', "a record begins where the last one ended");
            let sequence = u16::from_be_bytes([sequence_high, sequence_low]);
            assert_eq!(sequence, self.sequence, "records come in order, each once");
            let length = usize::from(u16::from_be_bytes([length_high, length_low]));
            let content = rest.get(..length)?.to_vec();
            self.bytes.consume(HEAD_BYTES + length);
            self.sequence = self.sequence.wrapping_add(1);
            match kind {
                DATA => return Some(content),
                KEY_UPDATE => {}
                CLOSE => {
                    self.is_closed = true;
                    assert!(self.bytes.is_empty(), "nothing follows the closing record");
                }
                kind => panic!("a record of the unknown kind {kind}"),
            }
        }
    }
}
