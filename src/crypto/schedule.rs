//! The key schedule: from the handshake's outcome to one secret per direction and epoch.
//!
//! ```text
//! handshake ─> master ─┬─> T_c2s_0 ─┬─> enc, mac, iv of epoch 0
//!                      │            └─> T_c2s_1 ─┬─> enc, mac, iv of epoch 1
//!                      ├─> T_s2c_0 ...           └─> ...
//!                      └─> exp ─> channel binding
//! ```
//!
//! Arrows are one-way, so a secret says nothing about those before it. What stands left of an
//! arrow is wiped once its successors exist. A suite that needs no `mac` does not derive it.
//!
//! # Source
//!
//! HKDF: RFC 5869. The label's form: RFC 8446, 7.1 (`HkdfLabel`, with an empty context).

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::{Zeroize, ZeroizeOnDrop, Zeroizing};

use super::handshake::Session;

const SECRET_BYTES: usize = 32;
const LABEL_PREFIX: &[u8] = b"parlour1 ";
/// Length u16, label length u8, prefix, label, context length u8.
const INFO_BYTES_MAX: usize = 2 + 1 + LABEL_PREFIX.len() + LABEL_BYTES_MAX + 1;
const LABEL_BYTES_MAX: usize = 3;

/// The secret of one direction in one epoch; wiped when dropped.
///
/// Boxed, so that handing it on moves a pointer and leaves no copy behind. Not `Clone`: two
/// holders would use the same sequence numbers under the same keys.
#[derive(ZeroizeOnDrop)]
pub(super) struct TrafficSecret(pub(super) Box<[u8; SECRET_BYTES]>);

/// What a session's secrets make of it.
pub(super) struct Secrets {
    pub(super) client_to_server: TrafficSecret,
    pub(super) server_to_client: TrafficSecret,
    /// Equal on both sides of this connection and of no other.
    pub(super) binding: Zeroizing<[u8; SECRET_BYTES]>,
}

/// What every suite needs of one direction in one epoch.
#[derive(Zeroize, ZeroizeOnDrop)]
pub(super) struct EpochKeys {
    pub(super) encryption: [u8; SECRET_BYTES],
    pub(super) iv: [u8; 4],
}

/// Derives a connection's secrets; the session is wiped.
pub(super) fn derive(session: Session) -> Secrets {
    let master = master(&session);
    #[cfg(feature = "keylog")]
    let hash = session.hash;
    drop(session);
    let mut exporter = Zeroizing::new([0; SECRET_BYTES]);
    expand_label(&master, b"exp", &mut *exporter);
    let mut secrets = Secrets {
        client_to_server: TrafficSecret(Box::new([0; SECRET_BYTES])),
        server_to_client: TrafficSecret(Box::new([0; SECRET_BYTES])),
        binding: Zeroizing::new([0; SECRET_BYTES]),
    };
    expand_label(&master, b"c2s", &mut *secrets.client_to_server.0);
    expand_label(&master, b"s2c", &mut *secrets.server_to_client.0);
    expand_label(&exporter, b"cb", &mut *secrets.binding);
    #[cfg(feature = "keylog")]
    super::key_log::tell(
        &hash,
        &secrets.client_to_server.0,
        &secrets.server_to_client.0,
    );
    secrets
}

/// The cipher's key and the nonces' beginning that `traffic` stands for.
pub(super) fn epoch_keys(traffic: &[u8; SECRET_BYTES]) -> EpochKeys {
    let mut keys = EpochKeys {
        encryption: [0; SECRET_BYTES],
        iv: [0; 4],
    };
    expand_label(traffic, b"enc", &mut keys.encryption);
    expand_label(traffic, b"iv", &mut keys.iv);
    keys
}

/// The key of the MAC that `traffic` stands for, in suites that have one of its own.
pub(super) fn mac_key(traffic: &[u8; SECRET_BYTES]) -> Zeroizing<[u8; SECRET_BYTES]> {
    let mut key = Zeroizing::new([0; SECRET_BYTES]);
    expand_label(traffic, b"mac", &mut *key);
    key
}

/// Replaces `traffic` by its successor, from which it cannot be found again.
pub(super) fn advance(traffic: &mut [u8; SECRET_BYTES]) {
    let mut next = Zeroizing::new([0; SECRET_BYTES]);
    expand_label(traffic, b"upd", &mut *next);
    *traffic = *next;
}

fn master(session: &Session) -> Zeroizing<[u8; SECRET_BYTES]> {
    let mut split = Zeroizing::new([0; 2 * SECRET_BYTES]);
    split[..SECRET_BYTES].copy_from_slice(&session.initiator_to_responder);
    split[SECRET_BYTES..].copy_from_slice(&session.responder_to_initiator);
    let (master, _) = Hkdf::<Sha256>::extract(Some(&session.hash), &*split);
    Zeroizing::new(master.into())
}

fn expand_label(secret: &[u8; SECRET_BYTES], label: &[u8], out: &mut [u8]) {
    let mut info = [0; INFO_BYTES_MAX];
    let length = u16::try_from(out.len()).expect("a derived secret is at most a hash long");
    let label_bytes = LABEL_PREFIX.len() + label.len();
    info[..2].copy_from_slice(&length.to_be_bytes());
    info[2] = u8::try_from(label_bytes).expect("labels are a few bytes long");
    info[3..3 + LABEL_PREFIX.len()].copy_from_slice(LABEL_PREFIX);
    info[3 + LABEL_PREFIX.len()..3 + label_bytes].copy_from_slice(label);
    // One zero byte follows, the length of the empty context.
    Hkdf::<Sha256>::from_prk(secret)
        .expect("a secret is as long as a hash")
        .expand(&info[..3 + label_bytes + 1], out)
        .expect("a derived secret is at most a hash long");
}

#[cfg(test)]
#[allow(
    clippy::cast_possible_truncation,
    reason = "test patterns wrap on purpose"
)]
mod tests;
