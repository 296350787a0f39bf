//! One sealed connection as the client sees it: the handshake, then records. Bytes in, bytes out.
//!
//! The phases are strict: after the server has shown its key nothing is sent until it is
//! accepted. Pure: no socket, no clock, no random source.

use std::fmt;
use std::time::Duration;

use zeroize::Zeroize;

use crate::buffer::ByteQueue;
use crate::crypto::handshake::{PublicKey, StaticKey};
use crate::crypto::record::{
    CloseCode, Opened, Opener, Padding, RecordError, RecordKind, SealError, Sealer, Suite,
    begin_record,
};
use crate::limits::{
    CLIENT_QUEUE_KEPT_BYTES, CLIENT_UNSENT_BYTES_MAX, RECORD_INNER_BYTES_SENT_MAX,
    RECORD_PREFIX_BYTES, REKEY_AFTER,
};
use crate::wire::WireError;
use crate::wire::sealed::{ClientHandshake, HandshakeError, Identity, Introduction, ServerOffer};

/// Content that fits one record.
const CONTENT_BYTES_MAX: usize = RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES;

/// What a connection needs of the OS random source.
#[derive(Clone)]
pub struct ConnectionRandom {
    /// Becomes the ephemeral key.
    pub ephemeral: [u8; 32],
    /// Becomes the static key, when there is no identity.
    pub throwaway: [u8; 32],
    /// Draws the time of each key change.
    pub rekey: u8,
}

/// Why a connection cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChannelError {
    /// The handshake failed.
    Handshake(HandshakeError),
    /// A record did not open.
    Record(RecordError),
    /// What the records carried is not the protocol.
    Wire(WireError),
    /// A key could not be used any more.
    Seal(SealError),
}

/// What the bytes that came have led to.
pub(super) enum Step<'a> {
    /// Nothing more until more comes.
    More,
    /// The server holds this key; it must be accepted.
    ServerKey(PublicKey),
    /// The server's stream goes on with this.
    Data(&'a [u8]),
    /// The server has ended its direction.
    Closed(CloseCode),
}

/// The channel of one connection.
pub(super) struct Channel {
    phase: Phase,
    random: ConnectionRandom,
    /// Bytes that came and are not opened yet, after `consumed` ones that are done with.
    input: ByteQueue,
    consumed: usize,
    /// Sealed bytes for the socket: they must go out whole and in order.
    pub(super) outgoing: ByteQueue,
}

enum Phase {
    Hello(ClientHandshake),
    Offered(Box<ServerOffer>),
    Open(Box<Records>),
    Failed,
}

struct Records {
    sealer: Sealer,
    opener: Opener,
}

impl Channel {
    /// Begins the handshake, for records of `suite` and no other.
    pub(super) fn start(suite: Suite, random: ConnectionRandom) -> Self {
        let mut outgoing = ByteQueue::new();
        let mut hello = None;
        outgoing.append_with(|out| {
            hello = Some(ClientHandshake::start(suite, random.ephemeral, out));
        });
        Self {
            phase: hello.map_or(Phase::Failed, Phase::Hello),
            random,
            input: ByteQueue::new(),
            consumed: 0,
            outgoing,
        }
    }

    /// Takes in bytes from the socket; [`step`](Self::step) tells what they mean.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.input.append(bytes);
    }

    /// What comes next. Call it until it says [`Step::More`].
    pub(super) fn step(&mut self, now: Duration) -> Result<Step<'_>, ChannelError> {
        let consumed = std::mem::take(&mut self.consumed);
        self.input
            .consume_keeping(consumed, CLIENT_QUEUE_KEPT_BYTES);
        match &mut self.phase {
            Phase::Hello(hello) => {
                let mut rest = self.input.pending();
                let offer = hello.read_reply(&mut rest);
                let taken = self.input.len() - rest.len();
                self.input.consume(taken);
                match offer.map_err(ChannelError::Handshake)? {
                    None => Ok(Step::More),
                    Some(offer) => {
                        let key = offer.server_key;
                        self.phase = Phase::Offered(Box::new(offer));
                        Ok(Step::ServerKey(key))
                    }
                }
            }
            Phase::Offered(_) | Phase::Failed => Ok(Step::More),
            Phase::Open(records) => loop {
                let bytes = self.input.pending_mut();
                match records
                    .opener
                    .open(bytes, now)
                    .map_err(ChannelError::Record)?
                {
                    Opened::Incomplete { .. } => return Ok(Step::More),
                    Opened::Record {
                        kind,
                        content,
                        consumed,
                    } => match kind {
                        RecordKind::Data => {
                            self.consumed = consumed;
                            return Ok(Step::Data(&self.input.pending()[content]));
                        }
                        RecordKind::Close(code) => {
                            self.consumed = consumed;
                            return Ok(Step::Closed(code));
                        }
                        RecordKind::KeyUpdate | RecordKind::Pad => self.input.consume(consumed),
                    },
                }
            },
        }
    }

    /// Whether the server waits for its key to be accepted.
    pub(super) fn is_offered(&self) -> bool {
        matches!(self.phase, Phase::Offered(_))
    }

    /// Whether the handshake is done, be it that our direction has ended since.
    pub(super) fn is_established(&self) -> bool {
        matches!(self.phase, Phase::Open(_))
    }

    /// Whether messages can be sent.
    pub(super) fn is_open(&self) -> bool {
        match &self.phase {
            Phase::Open(records) => !records.sealer.is_closed(),
            Phase::Hello(_) | Phase::Offered(_) | Phase::Failed => false,
        }
    }

    /// Accepts the server's key and shows one's own; without an identity a fresh one.
    pub(super) fn accept(
        &mut self,
        identity: Option<&StaticKey>,
        now: Duration,
    ) -> Result<(), ChannelError> {
        let offer = match std::mem::replace(&mut self.phase, Phase::Failed) {
            Phase::Offered(offer) => offer,
            other @ (Phase::Hello(_) | Phase::Open(_) | Phase::Failed) => {
                self.phase = other;
                return Ok(());
            }
        };
        let identity = match identity {
            Some(key) => Identity::Persistent(key),
            None => Identity::Throwaway(self.random.throwaway),
        };
        let introduction = Introduction {
            features: 0,
            client_name: concat!("parlour ", env!("CARGO_PKG_VERSION")),
        };
        let mut established = None;
        self.outgoing.append_with(|out| {
            established = Some(offer.accept(identity, introduction, out));
        });
        let established = established
            .expect("the queue has called us")
            .map_err(ChannelError::Handshake)?;
        let rekey_at = self.rekey_at(now);
        self.phase = Phase::Open(Box::new(Records {
            sealer: established.sealer.start(rekey_at),
            opener: established.opener.start(),
        }));
        Ok(())
    }

    /// Seals what stands at the front of `content`, as much as may wait for the socket.
    ///
    /// Late sealing is what keeps `outgoing` small; what is left is sealed when it has drained. What
    /// was sealed is wiped where it stood if it `is_secret`.
    pub(super) fn seal(
        &mut self,
        content: &mut ByteQueue,
        is_secret: bool,
        now: Duration,
    ) -> Result<(), ChannelError> {
        let rekey_at = self.rekey_at(now);
        let Phase::Open(records) = &mut self.phase else {
            return Ok(());
        };
        while !content.is_empty() && self.outgoing.len() < CLIENT_UNSENT_BYTES_MAX {
            let piece = content.len().min(CONTENT_BYTES_MAX);
            let sealer = &mut records.sealer;
            let mut sealed = Ok(());
            self.outgoing.append_with(|out| {
                if sealer.rekey_due(now) {
                    sealed = sealer.seal_key_update(rekey_at, out);
                }
                let start = begin_record(out);
                out.extend_from_slice(&content.pending()[..piece]);
                sealed = sealed.and_then(|()| sealer.seal(Padding::Blocks, out, start));
                if sealed.is_err() {
                    out.truncate(start);
                }
            });
            sealed.map_err(ChannelError::Seal)?;
            if is_secret {
                content.pending_mut()[..piece].zeroize();
            }
            content.consume_keeping(piece, CLIENT_QUEUE_KEPT_BYTES);
        }
        Ok(())
    }

    /// Ends our direction; nothing is sealed after it.
    pub(super) fn close(&mut self, code: CloseCode) {
        if let Phase::Open(records) = &mut self.phase {
            let mut record = Vec::new();
            // It fails only when the direction has ended already, and then there is nothing to do.
            if records.sealer.seal_close(code, &mut record).is_ok() {
                self.outgoing.append(&record);
            }
        }
    }

    /// A time 0.75 to 1.25 of the usual away, so that not all connections change keys at once.
    fn rekey_at(&self, now: Duration) -> Duration {
        let share = 0.75 + f64::from(self.random.rekey) / f64::from(u8::MAX) / 2.0;
        now + REKEY_AFTER.mul_f64(share)
    }
}

impl fmt::Display for ChannelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(HandshakeError::NotParlour { looks_like }) => write!(
                f,
                "there is no sealed door at that port: the other side speaks {looks_like}; the \
                 server's line door is for netcat, its sealed door has another port (usually 4747)"
            ),
            Self::Handshake(error) => error.fmt(f),
            Self::Record(error) => error.fmt(f),
            Self::Wire(error) => write!(f, "the server sent {error}"),
            Self::Seal(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for ChannelError {}
