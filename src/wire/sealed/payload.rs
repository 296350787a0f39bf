//! What the second and third message carry: fields of `type u8 | length u8 | value`.
//!
//! An unknown field is skipped, unless its type has the critical bit: then the sender means that
//! we cannot go on without understanding it. A known field stands at most once.

use super::HandshakeError;
use crate::crypto::handshake::{KEY_BYTES, PublicKey};
use crate::limits::{HANDSHAKE_PAYLOAD_BYTES_MAX, RECORD_INNER_BYTES_MAX, RECORD_PREFIX_BYTES};

const CRITICAL: u8 = 0x80;
const SERVER_TIME: u8 = 1;
const FEATURES: u8 = 2;
const RECORD_LENGTH_MAX: u8 = 3 | CRITICAL;
const NEXT_KEY: u8 = 4;
const IDENTITY_KIND: u8 = 1 | CRITICAL;
const CLIENT_NAME: u8 = 3;

const FIELD_HEADER_BYTES: usize = 2;
/// Length of the server's payload as we send it, bytes.
pub(super) const SERVER_PAYLOAD_BYTES: usize =
    3 * FIELD_HEADER_BYTES + size_of::<u64>() + size_of::<u32>() + size_of::<u16>();
/// What is left for the client's name beside the other fields, bytes.
const CLIENT_NAME_BYTES_MAX: usize =
    HANDSHAKE_PAYLOAD_BYTES_MAX - 3 * FIELD_HEADER_BYTES - size_of::<u8>() - size_of::<u32>();

const _: () = {
    // The length of a field is one byte.
    assert!(CLIENT_NAME_BYTES_MAX <= u8::MAX as usize);
};

/// What the server says of itself; anybody who asks can read it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ServerPayload {
    /// The server's clock, seconds since 1970, if it says.
    pub unix_seconds: Option<u64>,
    /// Feature bits.
    pub features: u32,
    /// The largest plaintext of a record that the server accepts, bytes.
    pub record_inner_bytes_max: u16,
    /// The key that will replace the server's, if one is announced.
    pub next_key: Option<NextKey>,
}

/// An announced change of the server's key.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct NextKey {
    /// The next key.
    pub key: PublicKey,
    /// From when on it may be used, seconds since 1970.
    pub not_before: u64,
}

impl ServerPayload {
    /// Encodes what a server of this version says. The next key is read but not yet announced.
    pub(super) fn encode(unix_seconds: u64, features: u32) -> Vec<u8> {
        let mut out = Vec::with_capacity(SERVER_PAYLOAD_BYTES);
        let length = u16::try_from(RECORD_INNER_BYTES_MAX).expect("limits.rs: it fits a u16");
        write_field(&mut out, SERVER_TIME, &unix_seconds.to_be_bytes());
        write_field(&mut out, FEATURES, &features.to_be_bytes());
        write_field(&mut out, RECORD_LENGTH_MAX, &length.to_be_bytes());
        out
    }

    pub(super) fn decode(payload: &[u8]) -> Result<Self, HandshakeError> {
        let (mut time, mut features, mut length, mut next_key) = (None, None, None, None);
        for_each_field(payload, |field, value| match field {
            SERVER_TIME => once(&mut time, u64::from_be_bytes(exactly(value)?)),
            FEATURES => once(&mut features, u32::from_be_bytes(exactly(value)?)),
            RECORD_LENGTH_MAX => once(&mut length, u16::from_be_bytes(exactly(value)?)),
            NEXT_KEY => {
                let (key, not_before) = value
                    .split_first_chunk::<KEY_BYTES>()
                    .ok_or(HandshakeError::Payload)?;
                let next = NextKey {
                    key: PublicKey(*key),
                    not_before: u64::from_be_bytes(exactly(not_before)?),
                };
                once(&mut next_key, next)
            }
            unknown => skip(unknown),
        })?;
        let record_inner_bytes_max = length
            .unwrap_or(u16::try_from(RECORD_INNER_BYTES_MAX).expect("limits.rs: it fits a u16"));
        // A server that takes no content at all cannot be talked to.
        if usize::from(record_inner_bytes_max) <= RECORD_PREFIX_BYTES {
            return Err(HandshakeError::Payload);
        }
        Ok(Self {
            unix_seconds: time,
            features: features.unwrap_or(0),
            record_inner_bytes_max,
            next_key,
        })
    }
}

/// What the client says of itself.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ClientPayload {
    /// Whether its static key is one that it keeps.
    pub(super) is_persistent: bool,
    pub(super) features: u32,
    pub(super) client_name: String,
}

impl ClientPayload {
    /// Encodes the payload; a name that is too long is cut at a character.
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut end = self.client_name.len().min(CLIENT_NAME_BYTES_MAX);
        while !self.client_name.is_char_boundary(end) {
            end -= 1;
        }
        let mut out = Vec::with_capacity(HANDSHAKE_PAYLOAD_BYTES_MAX);
        write_field(&mut out, IDENTITY_KIND, &[u8::from(self.is_persistent)]);
        write_field(&mut out, FEATURES, &self.features.to_be_bytes());
        write_field(&mut out, CLIENT_NAME, &self.client_name.as_bytes()[..end]);
        out
    }

    pub(super) fn decode(payload: &[u8]) -> Result<Self, HandshakeError> {
        let (mut is_persistent, mut features, mut client_name) = (None, None, None);
        for_each_field(payload, |field, value| match field {
            IDENTITY_KIND => {
                let kind = match value {
                    [0] => false,
                    [1] => true,
                    _ => return Err(HandshakeError::Payload),
                };
                once(&mut is_persistent, kind)
            }
            FEATURES => once(&mut features, u32::from_be_bytes(exactly(value)?)),
            CLIENT_NAME => {
                let name = std::str::from_utf8(value).map_err(|_| HandshakeError::Payload)?;
                once(&mut client_name, name.to_owned())
            }
            unknown => skip(unknown),
        })?;
        Ok(Self {
            // Who claims nothing is nobody in particular.
            is_persistent: is_persistent.unwrap_or(false),
            features: features.unwrap_or(0),
            client_name: client_name.unwrap_or_default(),
        })
    }
}

fn write_field(out: &mut Vec<u8>, field: u8, value: &[u8]) {
    out.push(field);
    out.push(u8::try_from(value.len()).expect("the fields we write fit their length byte"));
    out.extend_from_slice(value);
}

fn for_each_field(
    payload: &[u8],
    mut read: impl FnMut(u8, &[u8]) -> Result<(), HandshakeError>,
) -> Result<(), HandshakeError> {
    if payload.len() > HANDSHAKE_PAYLOAD_BYTES_MAX {
        return Err(HandshakeError::Payload);
    }
    let mut rest = payload;
    while !rest.is_empty() {
        let [field, length, after @ ..] = rest else {
            return Err(HandshakeError::Payload);
        };
        let (value, next) = after
            .split_at_checked(usize::from(*length))
            .ok_or(HandshakeError::Payload)?;
        read(*field, value)?;
        rest = next;
    }
    Ok(())
}

fn exactly<const LENGTH: usize>(value: &[u8]) -> Result<[u8; LENGTH], HandshakeError> {
    value.try_into().map_err(|_| HandshakeError::Payload)
}

fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), HandshakeError> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(HandshakeError::Payload),
    }
}

const fn skip(unknown: u8) -> Result<(), HandshakeError> {
    if unknown & CRITICAL == 0 {
        Ok(())
    } else {
        Err(HandshakeError::UnknownCritical { field: unknown })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server_payload() -> Vec<u8> {
        ServerPayload::encode(0x0102_0304_0506_0708, 0x0a0b_0c0d)
    }

    fn client_payload(client_name: &str) -> ClientPayload {
        ClientPayload {
            is_persistent: true,
            features: 7,
            client_name: client_name.to_owned(),
        }
    }

    #[test]
    fn the_servers_payload_has_the_documented_bytes() {
        let bytes = server_payload();
        assert_eq!(
            bytes,
            [
                1, 8, 1, 2, 3, 4, 5, 6, 7, 8, 2, 4, 10, 11, 12, 13, 0x83, 2, 0x40, 0
            ]
        );
        assert_eq!(bytes.len(), SERVER_PAYLOAD_BYTES);
        let read = ServerPayload::decode(&bytes).unwrap();
        assert_eq!(read.unix_seconds, Some(0x0102_0304_0506_0708));
        assert_eq!((read.features, read.next_key), (0x0a0b_0c0d, None));
        assert_eq!(
            usize::from(read.record_inner_bytes_max),
            RECORD_INNER_BYTES_MAX
        );
    }

    #[test]
    fn an_announced_key_is_read() {
        let mut bytes = server_payload();
        write_field(&mut bytes, NEXT_KEY, &[[7; 40].as_slice()].concat());
        let next = ServerPayload::decode(&bytes).unwrap().next_key.unwrap();
        assert_eq!(next.key, PublicKey([7; 32]));
        assert_eq!(next.not_before, 0x0707_0707_0707_0707);
        for length in [0, 31, 32, 39, 41] {
            let mut bytes = Vec::new();
            write_field(&mut bytes, NEXT_KEY, &vec![7; length]);
            assert_eq!(ServerPayload::decode(&bytes), Err(HandshakeError::Payload));
        }
    }

    #[test]
    fn the_clients_payload_is_read_back_and_long_names_are_cut() {
        let payload = client_payload("parlour 0.1");
        assert_eq!(&payload.encode()[..3], &[0x81, 1, 1]);
        assert_eq!(ClientPayload::decode(&payload.encode()), Ok(payload));
        for length in 0..400 {
            let name = "ä".repeat(length);
            let bytes = client_payload(&name).encode();
            assert!(bytes.len() <= HANDSHAKE_PAYLOAD_BYTES_MAX);
            let read = ClientPayload::decode(&bytes).unwrap();
            assert!(name.starts_with(&read.client_name));
            assert!(read.client_name == name || bytes.len() >= HANDSHAKE_PAYLOAD_BYTES_MAX - 1);
        }
    }

    #[test]
    fn what_is_absent_has_a_default() {
        let server = ServerPayload::decode(&[]).unwrap();
        assert_eq!((server.unix_seconds, server.features), (None, 0));
        assert_eq!(server.record_inner_bytes_max, 16_384);
        let client = ClientPayload::decode(&[]).unwrap();
        assert!(!client.is_persistent && client.client_name.is_empty());
    }

    #[test]
    fn unknown_fields_are_skipped_unless_critical() {
        for field in 0..=255 {
            let mut bytes = server_payload();
            write_field(&mut bytes, field, b"something new");
            let outcome = ServerPayload::decode(&bytes);
            let expected = match field {
                SERVER_TIME | FEATURES | RECORD_LENGTH_MAX | NEXT_KEY => {
                    Err(HandshakeError::Payload)
                }
                0x80.. => Err(HandshakeError::UnknownCritical { field }),
                _ => ServerPayload::decode(&server_payload()),
            };
            assert_eq!(outcome, expected, "field {field:#x}");

            let mut bytes = client_payload("x").encode();
            write_field(&mut bytes, field, b"something new");
            let outcome = ClientPayload::decode(&bytes);
            let expected = match field {
                IDENTITY_KIND | FEATURES | CLIENT_NAME => Err(HandshakeError::Payload),
                0x80.. => Err(HandshakeError::UnknownCritical { field }),
                _ => Ok(client_payload("x")),
            };
            assert_eq!(outcome, expected, "field {field:#x}");
        }
    }

    #[test]
    fn every_cut_inside_a_field_is_malformed() {
        let bytes = client_payload("name").encode();
        let ends = [0, 3, 9, bytes.len()];
        for length in 0..=bytes.len() {
            let outcome = ClientPayload::decode(&bytes[..length]);
            assert_eq!(outcome.is_ok(), ends.contains(&length), "{length}");
        }
    }

    #[test]
    fn nonsense_values_are_malformed() {
        let client: [&[u8]; 5] = [
            &[IDENTITY_KIND, 1, 2],
            &[IDENTITY_KIND, 0],
            &[IDENTITY_KIND, 2, 0, 0],
            &[FEATURES, 3, 0, 0, 0],
            &[CLIENT_NAME, 2, 0xff, 0xfe],
        ];
        for bytes in client {
            assert_eq!(ClientPayload::decode(bytes), Err(HandshakeError::Payload));
        }
        for length in 0..=2 {
            let bytes = [RECORD_LENGTH_MAX, 2, 0, length];
            assert_eq!(ServerPayload::decode(&bytes), Err(HandshakeError::Payload));
        }
        assert!(ServerPayload::decode(&[RECORD_LENGTH_MAX, 2, 0, 3]).is_ok());
        let long = [0x40, 255].into_iter().chain([0; 255]).collect::<Vec<u8>>();
        assert_eq!(ServerPayload::decode(&long), Err(HandshakeError::Payload));
    }
}
