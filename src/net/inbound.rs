//! The read phase: bytes become messages, and each message one input of the chat.
//!
//! ```text
//! socket -> scratch -> record opened in place -> frame, lent from there -> message -> chat.apply
//!                   -> line, lent from there (see `lines`)              -> chat.apply
//! ```
//!
//! Only an incomplete rest is kept per connection. A message that cannot be carried out yet stays
//! where it is, at the front of what is held, and the connection waits: nothing is dropped.

use super::connection::{Connection, Link, SealedLink, Wait};
use super::deadlines::Kind;
use super::server::{Server, connection_lost, list};
use crate::chat::{ClientId, Close, Command, Input, Loss, Now, Parting, Pause, RoomRef, Verdict};
use crate::crypto::record::{Opened, RecordKind};
use crate::limits::{
    FAVOUR_TIME, HANDSHAKE_BYTES_MAX, HELD_BACK_PAUSE, INCOMPLETE_INPUT_SMALL_BYTES,
    MESSAGE_BYTES_MAX, READ_BYTES_PER_VISIT, REPLIES_OWED_BYTES_MAX, UNNAMED_MESSAGE_BYTES_MAX,
};
use crate::wire::frame::FrameReader;
use crate::wire::message::{ClientMessage, decode_client};
use std::io::{self, Read};

/// Whether there is more to do for a connection in this visit.
#[derive(PartialEq, Eq)]
enum Flow {
    /// All that came has been dealt with.
    Drained,
    /// It waits, or has ended; what is left is held or thrown away.
    Stopped,
}

impl Server {
    /// Reads from who is listed, a bounded piece each; who has more is listed again.
    pub(super) fn read_listed(&mut self, now: Now) {
        for _ in 0..self.queues.readable.len() {
            let Some(client) = self.queues.readable.pop_front() else {
                return;
            };
            self.read_one(client, now);
        }
    }

    fn read_one(&mut self, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        connection.flags.listed = false;
        if connection.flags.doomed || connection.wait.is_some() || !connection.flags.readable {
            return;
        }
        if self.is_held_back(client, now) {
            return;
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        if let Some(count) = self.fill(client, &mut scratch) {
            self.feed(client, &mut scratch[..count], now);
        }
        self.scratch = scratch;
        self.after_reading(client, now);
    }

    /// Whether a connection must not be read at present, although it could be.
    fn is_held_back(&mut self, client: ClientId, now: Now) -> bool {
        let owes_too_much = self.fanout.owed(client) > REPLIES_OWED_BYTES_MAX;
        let room_waits = self.fanout.must_wait(client, now.monotonic);
        let Some(connection) = self.connections.find(client) else {
            return true;
        };
        if matches!(connection.link, Link::Closing) {
            return false;
        }
        if self.stopping.is_some() {
            return true;
        }
        if owes_too_much {
            connection.wait = Some(Wait::Owed);
            self.queues.owed.push(client);
            return true;
        }
        let wait = if room_waits {
            Wait::Pause
        } else if self.must_spare_memory(client, now) {
            Wait::Memory
        } else {
            return false;
        };
        if let Some(connection) = self.connections.find(client) {
            connection.wait = Some(wait);
        }
        self.deadlines
            .pause(client, now.monotonic + HELD_BACK_PAUSE);
        true
    }

    /// Whether so much incomplete input is held that this connection must not add to it.
    ///
    /// One at a time goes on for a moment: if all that are in the middle of a long message had to
    /// wait for each other, none would ever be done.
    fn must_spare_memory(&mut self, client: ClientId, now: Now) -> bool {
        if self.incomplete_bytes <= self.config.bounds.incomplete_input_bytes_max {
            return false;
        }
        let is_small = |found: &mut Connection| found.held_bytes < INCOMPLETE_INPUT_SMALL_BYTES;
        if self.connections.find(client).is_none_or(is_small) {
            return false;
        }
        match self.queues.favoured {
            Some((favoured, _)) if favoured == client => {}
            Some((_, until)) if now.monotonic < until => return true,
            Some(_) | None => {
                self.queues.favoured = Some((client, now.monotonic + FAVOUR_TIME));
            }
        }
        false
    }

    /// Puts what is held of records, and what the socket has, into `scratch`.
    ///
    /// Nothing when the socket failed. A short read means that the kernel has no more, unless the
    /// peer has ended its side: then the end itself is still to be read.
    fn fill(&mut self, client: ClientId, scratch: &mut [u8]) -> Option<usize> {
        let (connection, socket) = self.connections.find_both(client)?;
        let held = unstash_records(connection, scratch);
        // Whoever has not proven itself may make us hold no more than a handshake needs.
        let most = match connection.link {
            Link::Handshake(..) => HANDSHAKE_BYTES_MAX,
            Link::Sealed(_) | Link::Line(_) | Link::Closing => READ_BYTES_PER_VISIT,
        };
        let space = &mut scratch[held..held + most];
        match socket.read(space) {
            Ok(0) => {
                connection.flags.readable = false;
                connection.flags.ended = true;
                Some(held)
            }
            Ok(count) => {
                // Windows tells of more only after it has said that there is none.
                connection.flags.readable =
                    count == space.len() || connection.flags.half_closed || cfg!(windows);
                Some(held + count)
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                connection.flags.readable = false;
                Some(held)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Some(held),
            Err(_) => {
                self.doom(client, connection_lost());
                None
            }
        }
    }

    /// Gives `bytes` to what they mean on this connection.
    fn feed(&mut self, client: ClientId, bytes: &mut [u8], now: Now) {
        let Some(mut link) = self.connections.take_link(client) else {
            return;
        };
        let mut is_handled = false;
        match &mut link {
            Link::Handshake(handshake, rest) => {
                self.feed_handshake(client, handshake, rest, bytes, now);
            }
            Link::Sealed(sealed) => {
                is_handled = self.feed_sealed(client, sealed, bytes, now);
            }
            Link::Line(reader) => {
                is_handled = self.feed_lines(client, reader, bytes, now);
            }
            Link::Closing => {}
        }
        self.put_back(client, link, is_handled, now);
    }

    /// Puts a connection's link back, and notes what it holds and since when.
    fn put_back(&mut self, client: ClientId, link: Link, is_handled: bool, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        if !connection.flags.silenced {
            connection.link = link;
        }
        let held = connection.link.held();
        self.incomplete_bytes = self.incomplete_bytes + held - connection.held_bytes;
        connection.held_bytes = held;
        let is_begun = match &connection.link {
            Link::Sealed(sealed) => !sealed.records.is_empty() || sealed.frames.is_mid_frame(),
            // A person may take their time over a line; a flood of half a line may not.
            Link::Line(reader) => reader.is_mid_line() && held > UNNAMED_MESSAGE_BYTES_MAX,
            Link::Handshake(..) | Link::Closing => false,
        };
        if !is_begun {
            connection.begun = None;
        } else if connection.begun.is_none() || is_handled {
            connection.begun = Some(now.monotonic);
        }
        if connection.begun.is_some() && !std::mem::replace(&mut connection.flags.timed, true) {
            self.deadlines.arm(Kind::Message, client, now.monotonic);
        }
    }

    /// What follows a visit: the end of input, or another visit.
    fn after_reading(&mut self, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        if connection.wait.is_some() || connection.flags.doomed {
            return;
        }
        if connection.flags.readable {
            list(connection, &mut self.queues.readable);
        } else if connection.flags.ended {
            self.end_of_input(client, now);
        }
    }

    /// The peer has ended its side, and everything before that has been dealt with.
    fn end_of_input(&mut self, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        match &mut connection.link {
            // Cut off without a goodbye, or before it began.
            Link::Handshake(..) => self.doom(client, connection_lost()),
            Link::Sealed(_) if !connection.flags.parted => self.doom(client, connection_lost()),
            Link::Sealed(_) => {}
            Link::Line(reader) => {
                reader.finish();
                self.feed(client, &mut [], now);
                let Some(connection) = self.connections.find(client) else {
                    return;
                };
                if connection.wait.is_none() && !connection.flags.silenced {
                    self.part(client, now);
                }
            }
            Link::Closing => {
                let parting = connection.parting;
                if connection.flags.finished {
                    self.doom(client, parting);
                }
            }
        }
    }

    /// Tells the chat, once, that no further input comes.
    fn part(&mut self, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        if std::mem::replace(&mut connection.flags.parted, true) {
            return;
        }
        connection.empty_line = None;
        let verdict = self
            .chat
            .apply(now, Input::EndOfInput(client), &mut self.effects);
        assert!(
            verdict == Verdict::Taken,
            "the end of input is never paused"
        );
        self.carry_out(now);
    }

    /// Opens the records in `bytes`, in place; tells whether a message was dealt with.
    fn feed_sealed(
        &mut self,
        client: ClientId,
        link: &mut SealedLink,
        bytes: &mut [u8],
        now: Now,
    ) -> bool {
        let mut is_handled = false;
        // What waited comes first.
        let mut flow = self.feed_frames(client, &mut link.frames, &[], now, &mut is_handled);
        let mut rest = bytes;
        while flow == Flow::Drained {
            let records = self
                .connections
                .records(client)
                .expect("a sealed link has its records");
            match records.opener.open(rest, now.monotonic) {
                Ok(Opened::Incomplete { .. }) => break,
                Ok(Opened::Record {
                    kind,
                    content,
                    consumed,
                }) => {
                    self.heard(client, now);
                    let (record, after) = std::mem::take(&mut rest).split_at_mut(consumed);
                    rest = after;
                    let content = &record[content];
                    flow = match kind {
                        RecordKind::Data => self.feed_frames(
                            client,
                            &mut link.frames,
                            content,
                            now,
                            &mut is_handled,
                        ),
                        RecordKind::KeyUpdate | RecordKind::Pad => Flow::Drained,
                        RecordKind::Close(_) => {
                            self.part(client, now);
                            Flow::Stopped
                        }
                    };
                }
                Err(error) => {
                    self.violated(client, error.cause(), now);
                    return is_handled;
                }
            }
        }
        link.records.append(rest);
        is_handled
    }

    /// Carries out the frames in `content`, behind those that waited.
    fn feed_frames(
        &mut self,
        client: ClientId,
        frames: &mut FrameReader,
        content: &[u8],
        now: Now,
        is_handled: &mut bool,
    ) -> Flow {
        let mut input = content;
        loop {
            let frame = match frames.peek(&mut input) {
                Ok(Some(frame)) => frame,
                Ok(None) => return Flow::Drained,
                Err(_) => return self.violated(client, "frame", now),
            };
            let Ok(message) = decode_client(frame) else {
                return self.violated(client, "message", now);
            };
            let verdict = self.apply_message(client, message, now);
            self.carry_out(now);
            if let Verdict::Paused(pause) = verdict {
                frames.stash(input);
                self.pause(client, pause);
                return Flow::Stopped;
            }
            frames.consume(&mut input);
            *is_handled = true;
            let Some(connection) = self.connections.find(client) else {
                return Flow::Stopped;
            };
            if connection.flags.silenced || connection.flags.doomed {
                return Flow::Stopped;
            }
            if connection.flags.named {
                frames.set_bytes_max(MESSAGE_BYTES_MAX);
            }
            if self.must_be_paid(client) {
                frames.stash(input);
                return Flow::Stopped;
            }
        }
    }

    fn apply_message(&mut self, client: ClientId, message: ClientMessage<'_>, now: Now) -> Verdict {
        let input = match message {
            ClientMessage::Hello(hello) => Input::Hello(client, hello),
            ClientMessage::Say {
                key,
                room,
                action,
                text,
            } => {
                let room = room.map(RoomRef::Id);
                Input::Command(client, key, Command::Say { room, action, text })
            }
            ClientMessage::Tell { key, to, text } => {
                Input::Command(client, key, Command::Tell { to, text })
            }
            ClientMessage::Run { key, line } => Input::Run(client, key, line),
            ClientMessage::Secret { key, text } => Input::Secret(client, key, text),
            ClientMessage::Pong => return Verdict::Taken,
        };
        self.chat.apply(now, input, &mut self.effects)
    }

    /// The peer has said something.
    pub(super) fn heard(&mut self, client: ClientId, now: Now) {
        if let Some(connection) = self.connections.find(client) {
            connection.heard = now.monotonic;
            connection.flags.pinged = false;
            connection.empty_line = None;
        }
    }

    /// Nothing more is read from a connection until what it waits for has come.
    pub(super) fn pause(&mut self, client: ClientId, pause: Pause) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        match pause {
            Pause::Until(due) => {
                connection.wait = Some(Wait::Pause);
                self.deadlines.pause(client, due);
            }
            Pause::Journal => {
                connection.wait = Some(Wait::Journal);
                if self.queues.resuming != Some(client) {
                    self.queues.journal.push_back(client);
                }
            }
            Pause::Password => {
                connection.wait = Some(Wait::Password);
                self.queues.passwords.push(client);
            }
        }
    }

    /// Whether so many replies are owed to a connection that nothing more is read from it.
    pub(super) fn must_be_paid(&mut self, client: ClientId) -> bool {
        if self.fanout.owed(client) <= REPLIES_OWED_BYTES_MAX {
            return false;
        }
        if let Some(connection) = self.connections.find(client) {
            connection.wait = Some(Wait::Owed);
            self.queues.owed.push(client);
        }
        true
    }

    /// Goes on with a connection that waited: first with what it holds, then with its socket.
    pub(super) fn resume(&mut self, client: ClientId, now: Now) {
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        let waited = connection.wait.take();
        if connection.flags.doomed {
            return;
        }
        // It was not read meanwhile, so its silence was ours.
        connection.heard = now.monotonic;
        if waited != Some(Wait::Memory) {
            connection.begun = connection.begun.map(|_| now.monotonic);
        }
        let mut scratch = std::mem::take(&mut self.scratch);
        let held = unstash_records(connection, &mut scratch);
        self.feed(client, &mut scratch[..held], now);
        self.scratch = scratch;
        self.after_reading(client, now);
    }

    /// Goes on with who waited for the journal, in order, until it is full again.
    pub(super) fn resume_journal(&mut self, now: Now) {
        while let Some(&client) = self.queues.journal.front() {
            self.queues.resuming = Some(client);
            let waits = |connection: &mut Connection| connection.wait == Some(Wait::Journal);
            if self.connections.find(client).is_some_and(waits) {
                self.resume(client, now);
            }
            self.queues.resuming = None;
            if self.connections.find(client).is_some_and(waits) {
                return;
            }
            self.queues.journal.pop_front();
        }
    }

    /// Offers again what those said who wait for the password worker; who waits still, stays.
    pub(super) fn resume_passwords(&mut self, now: Now) {
        for client in std::mem::take(&mut self.queues.passwords) {
            let waits = |connection: &mut Connection| connection.wait == Some(Wait::Password);
            if self.connections.find(client).is_some_and(waits) {
                self.resume(client, now);
            }
        }
    }

    /// Goes on with those to whom little enough is owed by now.
    pub(super) fn resume_paid(&mut self, now: Now) {
        for client in std::mem::take(&mut self.queues.owed) {
            let waits = |connection: &mut Connection| connection.wait == Some(Wait::Owed);
            if !self.connections.find(client).is_some_and(waits) {
                // It is gone, has said goodbye, or was resumed when the server began to stop.
                continue;
            }
            if self.fanout.owed(client) > REPLIES_OWED_BYTES_MAX / 2 {
                self.queues.owed.push(client);
            } else {
                self.resume(client, now);
            }
        }
    }

    /// What came is not the protocol: nothing more is read, and it is closed without saying why.
    fn violated(&mut self, client: ClientId, cause: &'static str, now: Now) -> Flow {
        self.counters.note(cause, now.monotonic);
        self.expel(client, Close::RecordError, now);
        if let Some(connection) = self.connections.find(client) {
            connection.parting = Parting::Lost(Loss::Protocol);
            if !connection.flags.named {
                self.admission.failed(connection.source, now.monotonic);
            }
        }
        self.deadlines.arm(Kind::Linger, client, now.monotonic);
        Flow::Stopped
    }
}

/// Moves the records that a sealed connection holds to the front of `scratch`.
fn unstash_records(connection: &mut Connection, scratch: &mut [u8]) -> usize {
    let Link::Sealed(SealedLink { records, .. }) = &mut connection.link else {
        return 0;
    };
    let held = records.len();
    scratch[..held].copy_from_slice(records.pending());
    records.clear();
    held
}
