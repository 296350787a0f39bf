//! A server for the tests, made of the server's own codecs.

use std::sync::Arc;
use std::time::Duration;

use super::{LOBBY, NOW, entry};
use crate::chat::{Event, MessageKey};
use crate::client::session::Session;
use crate::crypto::handshake::{PublicKey, StaticKey};
use crate::crypto::record::{Opened, Opener, Padding, RecordKind, Sealer, begin_record};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::wire::frame::FrameReader;
use crate::wire::message::{ClientMessage, decode_client, encode_entry, encode_event};
use crate::wire::sealed::{ServerHandshake, Step as ServerStep};

/// One connection as the server has it.
pub(super) struct FakeServer {
    handshake: Option<ServerHandshake>,
    pub(super) records: Option<(Sealer, Opener)>,
    reader: FrameReader,
    input: Vec<u8>,
    /// What the client has said, printed, and whether it has closed.
    pub(super) heard: Vec<String>,
    pub(super) keys: Vec<MessageKey>,
    /// Secrets it was given.
    pub(super) secrets: Vec<(MessageKey, String)>,
    pub(super) closed: bool,
    pub(super) client_key: Option<PublicKey>,
}

impl FakeServer {
    pub(super) fn new() -> Self {
        let identity = Arc::new(StaticKey::from_bytes(&[9; 32]));
        Self {
            handshake: Some(ServerHandshake::new(identity, 0)),
            records: None,
            reader: FrameReader::new(MESSAGE_BYTES_MAX),
            input: Vec::new(),
            heard: Vec::new(),
            keys: Vec::new(),
            secrets: Vec::new(),
            closed: false,
            client_key: None,
        }
    }

    /// Takes in all the client has for the socket; returns what the server answers by itself.
    pub(super) fn take(&mut self, session: &mut Session) -> Vec<u8> {
        session.flush(NOW).unwrap();
        let bytes = session.outgoing().to_vec();
        session.consume_outgoing(bytes.len());
        let mut rest = &bytes[..];
        let mut answer = Vec::new();
        while let Some(handshake) = &mut self.handshake {
            handshake.push(&mut rest).unwrap();
            if !handshake.wants_step() {
                break;
            }
            if let ServerStep::Done(done) = handshake.step([3; 32], 0, &mut answer).unwrap() {
                let later = NOW + Duration::from_secs(3_600);
                self.records = Some((done.sealer.start(later), done.opener.start()));
                self.client_key = done.client_key;
                self.handshake = None;
            }
        }
        self.input.extend_from_slice(rest);
        self.open();
        answer
    }

    fn open(&mut self) {
        let Some((_, opener)) = &mut self.records else {
            return;
        };
        while let Opened::Record {
            kind,
            content,
            consumed,
        } = opener.open(&mut self.input, NOW).unwrap()
        {
            let mut content = &self.input[content];
            match kind {
                RecordKind::Data => {
                    while let Some(frame) = self.reader.peek(&mut content).unwrap() {
                        let message = decode_client(frame).unwrap();
                        match &message {
                            ClientMessage::Say { key, .. } | ClientMessage::Run { key, .. } => {
                                self.keys.push(*key);
                            }
                            ClientMessage::Secret { key, text } => {
                                self.secrets.push((*key, (*text).to_owned()));
                            }
                            ClientMessage::Hello(_)
                            | ClientMessage::Tell { .. }
                            | ClientMessage::Pong => {}
                        }
                        self.heard.push(format!("{message:?}"));
                        self.reader.consume(&mut content);
                    }
                }
                RecordKind::Close(_) => self.closed = true,
                RecordKind::KeyUpdate | RecordKind::Pad => {}
            }
            self.input.drain(..consumed);
        }
    }

    fn seal(&mut self, frames: &[u8]) -> Vec<u8> {
        let mut record = Vec::new();
        let start = begin_record(&mut record);
        record.extend_from_slice(frames);
        let (sealer, _) = self.records.as_mut().unwrap();
        sealer.seal(Padding::Blocks, &mut record, start).unwrap();
        record
    }

    pub(super) fn events(&mut self, events: &[Event]) -> Vec<u8> {
        let mut frames = Vec::new();
        for event in events {
            encode_event(event, &mut frames);
        }
        self.seal(&frames)
    }

    pub(super) fn says(&mut self, id: u64, author: &str, text: &str) -> Vec<u8> {
        let mut frames = Vec::new();
        encode_entry(LOBBY, &entry(id, author, text), &mut frames);
        self.seal(&frames)
    }

    pub(super) fn texts(&self) -> Vec<&str> {
        let is_said = |line: &&String| line.starts_with("Say");
        self.heard
            .iter()
            .filter(is_said)
            .filter_map(|line| line.rsplit_once("text: "))
            .map(|(_, text)| text.trim_end_matches(" }").trim_matches('"'))
            .collect()
    }
}
