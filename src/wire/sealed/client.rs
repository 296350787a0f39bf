//! The client's side of the handshake, with a stop in the middle.
//!
//! The stop is the point: the client learns the server's key and compares it, or asks its user,
//! before it says anything of itself. [`ServerOffer::accept`] is the only way on.

use std::convert::Infallible;

use super::payload::{ClientPayload, ServerPayload};
use super::preamble::{Foreign, Preamble, REFUSAL_BYTES, REFUSAL_MARK, RefusalCode, classify};
use super::{Established, HandshakeError, LENGTH_BYTES, take, write_message};
use crate::crypto::handshake::{
    Initiator, InitiatorReply, KEY_BYTES, PublicKey, REPLY_BYTES, StaticKey,
};
use crate::crypto::record::{RecordSecrets, Side, Suite};
use crate::limits::HANDSHAKE_PAYLOAD_BYTES_MAX;

/// Length of the longest second message, bytes.
pub(super) const REPLY_BYTES_MAX: usize = REPLY_BYTES + HANDSHAKE_PAYLOAD_BYTES_MAX;

/// The client between its hello and the server's reply.
pub struct ClientHandshake {
    /// `None` once the reply has come or has been refused.
    initiator: Option<Initiator>,
    suite: Suite,
    buffered: Vec<u8>,
}

impl ClientHandshake {
    /// Appends the preamble, which asks for `suite`, and the first message to `out`.
    ///
    /// The server takes that suite or refuses; it has no choice of its own, so there is nothing
    /// that could be talked down. `random` becomes the ephemeral key and must come from the OS
    /// random source.
    pub fn start(suite: Suite, random: [u8; KEY_BYTES], out: &mut Vec<u8>) -> Self {
        let preamble = Preamble::asking_for(suite);
        out.extend_from_slice(&preamble.encode());
        let prologue = preamble.prologue();
        let Ok(initiator) = write_message(out, |out| {
            Ok::<_, Infallible>(Initiator::start(&prologue, random, &[], out))
        });
        Self {
            initiator: Some(initiator),
            suite,
            buffered: Vec::new(),
        }
    }

    /// Takes from the front of `input` what belongs to the reply; `None` until it is whole.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Refused`] with the server's reason, or whatever makes this no reply; it
    /// is over then. Never answer by trying something weaker.
    pub fn read_reply(&mut self, input: &mut &[u8]) -> Result<Option<ServerOffer>, HandshakeError> {
        let read = self.read_inner(input);
        if read.is_err() {
            self.initiator = None;
        }
        read
    }

    fn read_inner(&mut self, input: &mut &[u8]) -> Result<Option<ServerOffer>, HandshakeError> {
        if self.initiator.is_none() {
            return Err(HandshakeError::Over);
        }
        take(&mut self.buffered, LENGTH_BYTES, input);
        let Some(length) = self.buffered.first_chunk() else {
            return Ok(None);
        };
        if *length == REFUSAL_MARK {
            return self.read_refusal(input);
        }
        let claimed = u16::from_be_bytes(*length);
        if !(REPLY_BYTES..=REPLY_BYTES_MAX).contains(&usize::from(claimed)) {
            return Err(self.not_a_reply(claimed, input));
        }
        let whole = LENGTH_BYTES + usize::from(claimed);
        take(&mut self.buffered, whole, input);
        if self.buffered.len() < whole {
            return Ok(None);
        }
        let initiator = self.initiator.take().ok_or(HandshakeError::Over)?;
        let (reply, payload) = initiator.read_reply(&self.buffered[LENGTH_BYTES..])?;
        Ok(Some(ServerOffer {
            server_key: reply.responder_key(),
            payload: ServerPayload::decode(&payload)?,
            suite: self.suite,
            reply,
        }))
    }

    fn read_refusal(&mut self, input: &mut &[u8]) -> Result<Option<ServerOffer>, HandshakeError> {
        take(&mut self.buffered, REFUSAL_BYTES, input);
        match self.buffered.first_chunk() {
            Some(refusal) => Err(RefusalCode::parse(*refusal)),
            None => Ok(None),
        }
    }

    /// Tells a server of another kind from a damaged reply, from what has come of it.
    fn not_a_reply(&mut self, claimed: u16, input: &mut &[u8]) -> HandshakeError {
        take(&mut self.buffered, REPLY_BYTES_MAX, input);
        match classify(&self.buffered).unwrap_or(Foreign::Text) {
            Foreign::Binary => HandshakeError::MessageLength { claimed },
            looks_like @ (Foreign::Text | Foreign::Http | Foreign::Tls) => {
                HandshakeError::NotParlour { looks_like }
            }
        }
    }
}

/// A server that has proven its key and waits for the client to identify itself.
pub struct ServerOffer {
    /// The key that the server holds. **Compare it before accepting.**
    pub server_key: PublicKey,
    /// What the server says of itself.
    pub payload: ServerPayload,
    suite: Suite,
    reply: InitiatorReply,
}

/// Who the client is to this server.
pub enum Identity<'a> {
    /// Nobody: a key made of these bytes of the OS random source, for this connection alone.
    Throwaway([u8; KEY_BYTES]),
    /// The holder of a key that is kept for this server.
    Persistent(&'a StaticKey),
}

/// What the client says of its program.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Introduction<'a> {
    /// Feature bits.
    pub features: u32,
    /// What the program calls itself; cut when it does not fit.
    pub client_name: &'a str,
}

impl ServerOffer {
    /// Appends the third message to `out`; records may follow it at once.
    ///
    /// # Errors
    ///
    /// [`HandshakeError::Noise`] when the server's ephemeral key is of low order; nothing was
    /// appended.
    pub fn accept(
        self,
        identity: Identity<'_>,
        introduction: Introduction<'_>,
        out: &mut Vec<u8>,
    ) -> Result<Established, HandshakeError> {
        let drawn;
        let (key, is_persistent) = match identity {
            Identity::Throwaway(random) => {
                drawn = StaticKey::generate(random);
                (&drawn, false)
            }
            Identity::Persistent(kept) => (kept, true),
        };
        let payload = ClientPayload {
            is_persistent,
            features: introduction.features,
            client_name: introduction.client_name.to_owned(),
        };
        let session = write_message(out, |out| self.reply.finish(key, &payload.encode(), out))?;
        let secrets = RecordSecrets::derive(session, Side::Client, self.suite);
        Ok(Established {
            sealer: secrets.sealer,
            opener: secrets.opener,
            binding: secrets.binding,
            suite: self.suite,
            server_key: self.server_key,
            client_key: is_persistent.then(|| key.public()),
            peer_features: self.payload.features,
            client_name: payload.client_name,
        })
    }
}
