//! The server's side of the handshake.

use std::sync::Arc;

use super::payload::{ClientPayload, ServerPayload};
use super::preamble::{PREAMBLE_BYTES, Preamble, recognise_foreign};
use super::{Established, HandshakeError, LENGTH_BYTES, take, write_message};
use crate::crypto::handshake::{
    FINISH_BYTES, HELLO_BYTES, KEY_BYTES, Responder, ResponderReply, StaticKey,
};
use crate::crypto::record::{RecordSecrets, Side, Suite};
use crate::limits::HANDSHAKE_PAYLOAD_BYTES_MAX;

/// Length of the longest third message, bytes.
pub(super) const FINISH_BYTES_MAX: usize = FINISH_BYTES + HANDSHAKE_PAYLOAD_BYTES_MAX;
/// Where the first message begins, behind its length.
const HELLO_START: usize = PREAMBLE_BYTES + LENGTH_BYTES;

/// What a step came to.
pub enum Step {
    /// The client's next message is awaited.
    More,
    /// The handshake is done.
    Done(Box<Established>),
}

/// One client's handshake.
///
/// Bytes go in by [`push`](Self::push), which computes nothing. Once
/// [`wants_step`](Self::wants_step) says so, [`step`](Self::step) does the expensive part, at a
/// time of the caller's choosing: at most two steps per handshake.
pub struct ServerHandshake {
    identity: Arc<StaticKey>,
    features: u32,
    /// Of the current message only: at most `HANDSHAKE_BYTES_MAX`.
    buffered: Vec<u8>,
    phase: Phase,
}

enum Phase {
    /// The preamble and the first message.
    Hello,
    /// The third message, for the suite that the preamble asked for.
    Finish(ResponderReply, Suite),
    /// Done or failed.
    Over,
}

impl ServerHandshake {
    /// Awaits a client. Allocates nothing until it speaks.
    pub const fn new(identity: Arc<StaticKey>, features: u32) -> Self {
        Self {
            identity,
            features,
            buffered: Vec::new(),
            phase: Phase::Hello,
        }
    }

    /// Takes from the front of `input` what belongs to the current message.
    ///
    /// What is left in `input` after the third message is whole begins the records; keep it.
    /// Call it again after [`step`](Self::step) if something was left before that.
    ///
    /// # Errors
    ///
    /// As soon as the bytes that came cannot become a handshake. It is over then: send
    /// [`HandshakeError::refusal`] or, to a [`HandshakeError::NotParlour`] that reads text, a
    /// line of it, and close.
    pub fn push(&mut self, input: &mut &[u8]) -> Result<(), HandshakeError> {
        let pushed = self.push_inner(input);
        if pushed.is_err() {
            self.phase = Phase::Over;
        }
        pushed
    }

    /// Whether a whole message waits to be computed on.
    pub fn wants_step(&self) -> bool {
        match self.phase {
            Phase::Hello | Phase::Finish(..) => self.buffered.len() >= self.whole_bytes(),
            Phase::Over => false,
        }
    }

    /// Whether the hello has been answered, which shows that the client reads what we send.
    pub const fn is_answered(&self) -> bool {
        matches!(self.phase, Phase::Finish(..))
    }

    /// Bytes held of the current message.
    pub const fn buffered_bytes(&self) -> usize {
        self.buffered.len()
    }

    /// Computes on the message that waits; appends what is to be sent to `out`.
    ///
    /// Takes about the time of two or three multiplications on the curve. `random` becomes the
    /// ephemeral key of the first step and must come from the OS random source; the second
    /// ignores it. Without a whole message nothing happens.
    ///
    /// # Errors
    ///
    /// When the message is not genuine or its payload is not understood; it is over then, and
    /// nothing was appended.
    pub fn step(
        &mut self,
        random: [u8; KEY_BYTES],
        unix_seconds: u64,
        out: &mut Vec<u8>,
    ) -> Result<Step, HandshakeError> {
        if !self.wants_step() {
            return match self.phase {
                Phase::Hello | Phase::Finish(..) => Ok(Step::More),
                Phase::Over => Err(HandshakeError::Over),
            };
        }
        let message = std::mem::take(&mut self.buffered);
        match std::mem::replace(&mut self.phase, Phase::Over) {
            Phase::Hello => {
                let (reply, suite) = self.reply(&message, random, unix_seconds, out)?;
                self.phase = Phase::Finish(reply, suite);
                Ok(Step::More)
            }
            Phase::Finish(reply, suite) => {
                let established = self.finish(reply, suite, &message[LENGTH_BYTES..])?;
                Ok(Step::Done(Box::new(established)))
            }
            Phase::Over => Err(HandshakeError::Over),
        }
    }

    fn push_inner(&mut self, input: &mut &[u8]) -> Result<(), HandshakeError> {
        while !input.is_empty() {
            let whole = self.whole_bytes();
            let is_whole = self.buffered.len() >= whole;
            match self.phase {
                Phase::Over => return Err(HandshakeError::Over),
                // Without our answer no client can go on: it guesses, or it floods.
                Phase::Hello if is_whole => return Err(HandshakeError::OutOfTurn),
                Phase::Finish(..) if is_whole => return Ok(()),
                Phase::Hello => {
                    take(&mut self.buffered, whole, input);
                    check_hello(&self.buffered)?;
                }
                Phase::Finish(..) => {
                    take(&mut self.buffered, whole, input);
                    check_finish(&self.buffered)?;
                }
            }
        }
        Ok(())
    }

    /// Length of the current message with all that is before it, as far as that is known.
    fn whole_bytes(&self) -> usize {
        match self.phase {
            Phase::Hello => HELLO_START + HELLO_BYTES,
            Phase::Finish(..) => {
                let length = self.buffered.first_chunk().copied().map(u16::from_be_bytes);
                LENGTH_BYTES + usize::from(length.unwrap_or(0))
            }
            Phase::Over => 0,
        }
    }

    fn reply(
        &self,
        message: &[u8],
        random: [u8; KEY_BYTES],
        unix_seconds: u64,
        out: &mut Vec<u8>,
    ) -> Result<(ResponderReply, Suite), HandshakeError> {
        let (hello, message) = message.split_at(HELLO_START);
        let preamble = hello.first_chunk().ok_or(HandshakeError::Over)?;
        let preamble = Preamble::parse(preamble)?;
        let (hello, _) = Responder::read_hello(&preamble.prologue(), message)?;
        let payload = ServerPayload::encode(unix_seconds, self.features);
        let reply = write_message(out, |out| {
            hello.reply(&self.identity, random, &payload, out)
        })?;
        Ok((reply, preamble.suite))
    }

    fn finish(
        &self,
        reply: ResponderReply,
        suite: Suite,
        message: &[u8],
    ) -> Result<Established, HandshakeError> {
        let (session, client_key, payload) = reply.finish(message)?;
        let payload = ClientPayload::decode(&payload)?;
        let secrets = RecordSecrets::derive(session, Side::Server, suite);
        Ok(Established {
            sealer: secrets.sealer,
            opener: secrets.opener,
            binding: secrets.binding,
            suite,
            server_key: self.identity.public(),
            client_key: payload.is_persistent.then_some(client_key),
            peer_features: payload.features,
            client_name: payload.client_name,
        })
    }
}

fn check_hello(buffered: &[u8]) -> Result<(), HandshakeError> {
    if let Some(looks_like) = recognise_foreign(buffered) {
        return Err(HandshakeError::NotParlour { looks_like });
    }
    let Some((preamble, rest)) = buffered.split_first_chunk() else {
        return Ok(());
    };
    Preamble::parse(preamble)?;
    check_length(rest, HELLO_BYTES, HELLO_BYTES)
}

fn check_finish(buffered: &[u8]) -> Result<(), HandshakeError> {
    check_length(buffered, FINISH_BYTES, FINISH_BYTES_MAX)
}

fn check_length(message: &[u8], least: usize, most: usize) -> Result<(), HandshakeError> {
    let Some(length) = message.first_chunk() else {
        return Ok(());
    };
    let claimed = u16::from_be_bytes(*length);
    if (least..=most).contains(&usize::from(claimed)) {
        Ok(())
    } else {
        Err(HandshakeError::MessageLength { claimed })
    }
}
