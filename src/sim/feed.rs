//! Feeding: bytes of a connection become messages, and each message one input of the chat.

use super::log::number_in;
use super::shell::{Link, Shell};
use crate::chat::{ClientId, Command, Effect, Event, Input, Loss, RoomRef, Verdict};
use crate::limits::MESSAGE_BYTES_MAX;
use crate::wire::frame::FrameReader;
use crate::wire::line::{LineItem, LineReader};
use crate::wire::message::{ClientMessage, decode_client};

impl Shell {
    /// Gives `bytes` to what they mean on this connection.
    pub(super) fn feed(&mut self, client: ClientId, bytes: &[u8]) {
        let Some(connection) = self.connections.get_mut(&client) else {
            return;
        };
        let mut link = std::mem::replace(&mut connection.link, Link::Closing);
        match &mut link {
            Link::Sealed(frames) => self.feed_frames(client, frames, bytes),
            Link::Line(reader) => self.feed_lines(client, reader, bytes),
            Link::Closing => {}
        }
        let connection = self
            .connections
            .get_mut(&client)
            .expect("slots are freed later");
        if !connection.is_silenced {
            connection.link = link;
        }
    }

    fn feed_frames(&mut self, client: ClientId, frames: &mut FrameReader, content: &[u8]) {
        let mut input = content;
        loop {
            let frame = frames
                .peek(&mut input)
                .expect("simulated people keep to the protocol");
            let Some(frame) = frame else {
                return;
            };
            let message = decode_client(frame).expect("simulated people keep to the protocol");
            let number = number_of(&message);
            let is_quit =
                matches!(message, ClientMessage::Run { line, .. } if line.starts_with("/quit"));
            let verdict = self.apply_message(client, message);
            if let Verdict::Paused(pause) = verdict {
                self.carry_out();
                frames.stash(input);
                self.pause(client, pause);
                return;
            }
            self.account_for(client, number);
            self.carry_out();
            self.connections
                .get_mut(&client)
                .expect("slots are freed later")
                .has_quit |= is_quit;
            frames.consume(&mut input);
            let connection = &self.connections[&client];
            if connection.is_silenced || connection.is_doomed {
                return;
            }
            if connection.is_named {
                frames.set_bytes_max(MESSAGE_BYTES_MAX);
            }
            if self.must_be_paid(client) {
                frames.stash(input);
                return;
            }
        }
    }

    fn apply_message(&mut self, client: ClientId, message: ClientMessage<'_>) -> Verdict {
        match message {
            ClientMessage::Hello(hello) => self.apply(Input::Hello(client, hello)),
            ClientMessage::Say {
                key,
                room,
                action,
                text,
            } => {
                let room = room.map(RoomRef::Id);
                self.apply(Input::Command(
                    client,
                    key,
                    Command::Say { room, action, text },
                ))
            }
            ClientMessage::Tell { key, to, text } => {
                self.apply(Input::Command(client, key, Command::Tell { to, text }))
            }
            ClientMessage::Run { key, line } => self.apply(Input::Run(client, key, line)),
            ClientMessage::Secret { key, text } => self.apply(Input::Secret(client, key, text)),
            // Simulated people send no files.
            ClientMessage::File(_) | ClientMessage::Pong => Verdict::Taken,
        }
    }

    fn feed_lines(&mut self, client: ClientId, reader: &mut LineReader, bytes: &[u8]) {
        let mut input = bytes;
        if !bytes.is_empty() {
            let connection = self.connections.get_mut(&client).expect("it is fed");
            connection.empty_line = None;
        }
        while let Some(item) = reader.peek(&mut input) {
            let mut number = None;
            let mut is_quit = item == LineItem::Interrupt;
            let verdict = match item {
                LineItem::Line(line) => {
                    number = number_in_line(&line);
                    is_quit = line.starts_with("/quit");
                    self.apply(Input::Line(client, &line))
                }
                LineItem::Interrupt => self.apply(Input::Line(client, "/quit")),
                LineItem::Empty => {
                    let connection = self.connections.get_mut(&client).expect("it is fed");
                    connection.empty_line = Some(self.now.monotonic);
                    Verdict::Taken
                }
                LineItem::TooLong => {
                    self.refuse_long_line(client);
                    Verdict::Taken
                }
                LineItem::Foreign(_) => {
                    self.expel(client, Loss::Protocol);
                    Verdict::Taken
                }
            };
            if let Verdict::Paused(pause) = verdict {
                self.carry_out();
                reader.stash(input);
                self.pause(client, pause);
                return;
            }
            self.account_for(client, number);
            self.carry_out();
            reader.consume(&mut input);
            let connection = self
                .connections
                .get_mut(&client)
                .expect("slots are freed later");
            connection.has_quit |= is_quit;
            if connection.is_silenced || connection.is_doomed {
                return;
            }
            if std::mem::take(&mut connection.is_discarding) {
                reader.discard(&mut input);
            }
            if connection.is_named {
                reader.set_bytes_max(MESSAGE_BYTES_MAX);
            }
            if self.must_be_paid(client) {
                reader.stash(input);
                return;
            }
        }
    }

    /// A message that was taken is the next that was sent, and is on its way or refused.
    fn account_for(&mut self, client: ClientId, number: Option<u64>) {
        let Some(number) = number else {
            return;
        };
        let socket = self.kernel.sockets.get_mut(&client).expect("it is open");
        let expected = socket.numbers.pop_front();
        assert_eq!(
            expected,
            Some(number),
            "messages are carried out in order, each once"
        );
        let is_answered = self.has_effect(|effect| match effect {
            Effect::Submit(_) => true,
            Effect::Reply(to, Event::Refused(..)) => *to == client,
            Effect::Reply(..)
            | Effect::Room(_)
            | Effect::Discard(_)
            | Effect::Named(_)
            | Effect::Finish(..)
            | Effect::Expel(..)
            | Effect::Record(_)
            | Effect::Administered(..)
            | Effect::Operate(_)
            | Effect::File(_) => false,
        });
        let is_unheard = self.connections[&client].has_quit;
        assert!(
            is_answered || is_unheard,
            "message {number} of {client:?} ({:?}) is stored or refused, never dropped",
            self.connections[&client].dialect
        );
    }
}

/// The number of a message, if it is one that is to be stored.
fn number_of(message: &ClientMessage<'_>) -> Option<u64> {
    match message {
        ClientMessage::Say { text, .. } | ClientMessage::Tell { text, .. } => number_in(text),
        ClientMessage::Run { line, .. } => number_in_line(line),
        ClientMessage::Hello(_)
        | ClientMessage::Secret { .. }
        | ClientMessage::File(_)
        | ClientMessage::Pong => None,
    }
}

/// The number of a message that was typed, with a command before it or without.
fn number_in_line(line: &str) -> Option<u64> {
    let text = match line.strip_prefix("/me ") {
        Some(text) => text,
        None => match line.strip_prefix("/msg ").or(line.strip_prefix("/say ")) {
            Some(rest) => rest.split_once(' ')?.1,
            None => line,
        },
    };
    number_in(text)
}
