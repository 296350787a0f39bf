//! The handshake: Noise_XX_25519_AESGCM_SHA256, and nothing else of Noise.
//!
//! ```text
//! initiator                                  responder
//! Initiator::start       -- e, payload -->   Responder::read_hello
//! Initiator::read_reply  <-- e, ee, s, es -- ResponderHello::reply
//! InitiatorReply::finish -- s, se -->        ResponderReply::finish
//! ```
//!
//! Every step consumes its phase, so none can be repeated or left out, and a failed step leaves
//! nothing to go on with. Ephemeral keys are passed in and must come from the OS random source.
//! Knows neither lengths on the wire nor what the payloads mean.
//!
//! # Source
//!
//! The Noise Protocol Framework, revision 34; the pattern XX of section 7.5.

mod static_key;
mod symmetric;

pub use static_key::{PublicKey, StaticKey};

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use symmetric::SymmetricState;

/// Length of a key, public or private, in bytes.
pub const KEY_BYTES: usize = 32;
/// What encryption adds to a handshake field, bytes.
pub const FIELD_TAG_BYTES: usize = 16;
/// Length of the first message without its payload, bytes.
pub const HELLO_BYTES: usize = KEY_BYTES;
/// Length of the second message without its payload, bytes.
pub const REPLY_BYTES: usize = KEY_BYTES + KEY_BYTES + 2 * FIELD_TAG_BYTES;
/// Length of the third message without its payload, bytes.
pub const FINISH_BYTES: usize = KEY_BYTES + 2 * FIELD_TAG_BYTES;

const HASH_BYTES: usize = 32;

/// What both sides hold after the handshake.
#[derive(Zeroize, ZeroizeOnDrop)]
pub struct Session {
    pub(super) initiator_to_responder: [u8; KEY_BYTES],
    pub(super) responder_to_initiator: [u8; KEY_BYTES],
    pub(super) hash: [u8; HASH_BYTES],
}

#[cfg(feature = "synthetic")]
impl Session {
    /// A session without a handshake, for measuring very many record states at once.
    ///
    /// It protects nothing: its keys follow from `number`. Hence the cargo feature, which no
    /// program that is installed is built with.
    pub fn synthetic(number: u64) -> Self {
        let filled = |role: u8| {
            let mut bytes = [role; KEY_BYTES];
            bytes[..size_of::<u64>()].copy_from_slice(&number.to_le_bytes());
            bytes
        };
        Self {
            initiator_to_responder: filled(1),
            responder_to_initiator: filled(2),
            hash: filled(3),
        }
    }
}

/// Why a handshake message was not accepted. The peer is never told which.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NoiseError {
    /// The message is shorter than its fixed fields.
    Truncated,
    /// The peer sent a point of low order.
    NotContributory,
    /// A field does not decrypt.
    Forged,
}

impl fmt::Display for NoiseError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the handshake message is not genuine")
    }
}

impl std::error::Error for NoiseError {}

/// The initiator between its hello and the reply.
pub struct Initiator(Box<InitiatorState>);

struct InitiatorState {
    symmetric: SymmetricState,
    ephemeral: StaticKey,
}

impl Initiator {
    /// Appends the first message to `out`; its `payload` travels in the clear.
    pub fn start(
        prologue: &[u8],
        ephemeral: [u8; KEY_BYTES],
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Self {
        let mut state = Box::new(InitiatorState {
            symmetric: SymmetricState::new(prologue),
            ephemeral: StaticKey::generate(ephemeral),
        });
        let public = state.ephemeral.public();
        state.symmetric.mix_hash(&public.0);
        state.symmetric.mix_hash(payload);
        out.extend_from_slice(&public.0);
        out.extend_from_slice(payload);
        Self(state)
    }

    /// Reads the second message; returns the next phase and the responder's payload.
    ///
    /// # Errors
    ///
    /// Any [`NoiseError`]; the handshake is over.
    pub fn read_reply(mut self, message: &[u8]) -> Result<(InitiatorReply, Vec<u8>), NoiseError> {
        let mut fields = Fields(message);
        let state = &mut *self.0;
        let ephemeral = PublicKey(fields.take()?);
        state.symmetric.mix_hash(&ephemeral.0);
        state.symmetric.mix_agreement(&state.ephemeral, ephemeral)?;
        let sealed_key: [u8; KEY_BYTES + FIELD_TAG_BYTES] = fields.take()?;
        let responder_key = state.symmetric.open_key(&sealed_key)?;
        state
            .symmetric
            .mix_agreement(&state.ephemeral, responder_key)?;
        let payload = state.symmetric.open(fields.0)?;
        let reply = InitiatorReply {
            state: self.0,
            responder_ephemeral: ephemeral,
            responder_key,
        };
        Ok((reply, payload))
    }
}

/// The initiator that knows the responder's static key and has not yet shown its own.
pub struct InitiatorReply {
    state: Box<InitiatorState>,
    responder_ephemeral: PublicKey,
    responder_key: PublicKey,
}

impl InitiatorReply {
    /// The static key that the responder has proven to hold.
    pub const fn responder_key(&self) -> PublicKey {
        self.responder_key
    }

    /// Appends the third message to `out`.
    ///
    /// # Errors
    ///
    /// [`NoiseError::NotContributory`]; `out` is then incomplete and must not be sent.
    pub fn finish(
        mut self,
        identity: &StaticKey,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<Session, NoiseError> {
        let symmetric = &mut self.state.symmetric;
        symmetric.seal(&identity.public().0, out);
        symmetric.mix_agreement(identity, self.responder_ephemeral)?;
        symmetric.seal(payload, out);
        Ok(symmetric.split())
    }
}

/// The responder's entry.
pub struct Responder;

impl Responder {
    /// Reads the first message; returns the next phase and the payload that came in the clear.
    ///
    /// # Errors
    ///
    /// [`NoiseError::Truncated`].
    pub fn read_hello(
        prologue: &[u8],
        message: &[u8],
    ) -> Result<(ResponderHello, Vec<u8>), NoiseError> {
        let mut fields = Fields(message);
        let initiator_ephemeral = PublicKey(fields.take()?);
        let mut symmetric = Box::new(SymmetricState::new(prologue));
        symmetric.mix_hash(&initiator_ephemeral.0);
        symmetric.mix_hash(fields.0);
        let payload = fields.0.to_vec();
        let hello = ResponderHello {
            symmetric,
            initiator_ephemeral,
        };
        Ok((hello, payload))
    }
}

/// The responder that has read a hello and owes the reply.
pub struct ResponderHello {
    symmetric: Box<SymmetricState>,
    initiator_ephemeral: PublicKey,
}

impl ResponderHello {
    /// Appends the second message to `out`.
    ///
    /// # Errors
    ///
    /// [`NoiseError::NotContributory`]; `out` is then incomplete and must not be sent.
    pub fn reply(
        self,
        identity: &StaticKey,
        ephemeral: [u8; KEY_BYTES],
        payload: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<ResponderReply, NoiseError> {
        let Self {
            mut symmetric,
            initiator_ephemeral,
        } = self;
        let ephemeral = Box::new(StaticKey::generate(ephemeral));
        symmetric.mix_hash(&ephemeral.public().0);
        out.extend_from_slice(&ephemeral.public().0);
        symmetric.mix_agreement(&ephemeral, initiator_ephemeral)?;
        symmetric.seal(&identity.public().0, out);
        symmetric.mix_agreement(identity, initiator_ephemeral)?;
        symmetric.seal(payload, out);
        Ok(ResponderReply {
            symmetric,
            ephemeral,
        })
    }
}

/// The responder that waits for the third message.
pub struct ResponderReply {
    symmetric: Box<SymmetricState>,
    ephemeral: Box<StaticKey>,
}

impl ResponderReply {
    /// Reads the third message; returns the session, the initiator's proven static key and its
    /// payload.
    ///
    /// # Errors
    ///
    /// Any [`NoiseError`]; the handshake is over.
    pub fn finish(mut self, message: &[u8]) -> Result<(Session, PublicKey, Vec<u8>), NoiseError> {
        let mut fields = Fields(message);
        let sealed_key: [u8; KEY_BYTES + FIELD_TAG_BYTES] = fields.take()?;
        let initiator_key = self.symmetric.open_key(&sealed_key)?;
        self.symmetric
            .mix_agreement(&self.ephemeral, initiator_key)?;
        let payload = self.symmetric.open(fields.0)?;
        Ok((self.symmetric.split(), initiator_key, payload))
    }
}

/// What is left of a message while its fields are taken from the front.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const LENGTH: usize>(&mut self) -> Result<[u8; LENGTH], NoiseError> {
        let (field, rest) = self.0.split_first_chunk().ok_or(NoiseError::Truncated)?;
        self.0 = rest;
        Ok(*field)
    }
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "test patterns wrap on purpose"
)]
mod tests;
