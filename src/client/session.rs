//! The client's side of the protocol: bytes in, news out; words in, bytes out.
//!
//! A [`Session`] outlives its connections: [`connect`](Session::connect) begins one,
//! [`disconnect`](Session::disconnect) drops it, and the [`Conversation`] goes on over the next.
//! It knows no socket, clock, terminal or random source: all of that is passed in.
//!
//! ```text
//! connect -> receive .. ServerKey -> accept -> receive .. Welcome -> say, run, receive ..
//! ```

use std::time::Duration;

use super::channel::{Channel, ChannelError, ConnectionRandom, Step};
use super::conversation::{Conversation, Wish};
use super::news::{News, Outlet};
use crate::chat::{MessageKey, Name, RoomName};
use crate::crypto::handshake::StaticKey;
use crate::crypto::record::{CloseCode, Suite};
use crate::limits::{CLIENT_QUEUE_KEPT_BYTES, CLIENT_UNSENT_BYTES_MAX, MESSAGE_BYTES_MAX};
use crate::wire::frame::FrameReader;
use crate::wire::message::{FileRequest, decode_server};

/// The protocol side of the client.
pub struct Session {
    conversation: Conversation,
    /// What every connection asks for: a refusal does not make it another.
    suite: Suite,
    connection: Option<Connection>,
}

/// What belongs to one connection.
struct Connection {
    channel: Channel,
    reader: FrameReader,
    /// When something last came.
    heard_at: Duration,
    /// Whether CLOSE is to follow what waits.
    closing: Option<CloseCode>,
    /// What the server closed with.
    closed: Option<CloseCode>,
    said_hello: bool,
}

impl Session {
    /// A session that has not begun, over records of `suite`. `key_seed` must be random.
    pub fn new(wish: Wish, suite: Suite, key_seed: u64, trace: bool) -> Self {
        Self {
            suite,
            conversation: Conversation::new(wish, key_seed, trace),
            connection: None,
        }
    }

    /// Begins the handshake of a new connection.
    pub fn connect(&mut self, random: ConnectionRandom, now: Duration) {
        self.disconnect();
        self.connection = Some(Connection {
            channel: Channel::start(self.suite, random),
            reader: FrameReader::new(MESSAGE_BYTES_MAX),
            heard_at: now,
            closing: None,
            closed: None,
            said_hello: false,
        });
    }

    /// Forgets the connection. What it had not acknowledged is sent again on the next one.
    pub fn disconnect(&mut self) {
        self.connection = None;
        self.conversation.disconnected();
    }

    /// Takes in bytes from the socket.
    ///
    /// # Errors
    ///
    /// [`ChannelError`]: the connection is of no more use. What [`outgoing`](Self::outgoing)
    /// holds then may be sent once, to tell the server.
    pub fn receive(
        &mut self,
        bytes: &[u8],
        now: Duration,
        heard: &mut Outlet<'_>,
    ) -> Result<(), ChannelError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        connection.heard_at = now;
        connection.channel.push(bytes);
        let received = connection.receive(&mut self.conversation, now, heard);
        if let Err(error) = received {
            self.conversation.forget_unsealed();
            connection.channel.close(CloseCode::RecordError);
            return Err(error);
        }
        self.flush(now)
    }

    /// Accepts the key the server has shown; with `identity` as one's own, or a fresh one.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Handshake`] when the server's part of the handshake was not sound.
    pub fn accept(
        &mut self,
        identity: Option<&StaticKey>,
        now: Duration,
        heard: &mut Outlet<'_>,
    ) -> Result<(), ChannelError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        connection.channel.accept(identity, now)?;
        self.say_hello(heard);
        // The server may have said something already, behind its part of the handshake.
        self.receive(&[], now, heard)
    }

    /// Chooses a name and, if a server waits for one, gives it.
    pub fn choose_name(&mut self, name: Name, heard: &mut Outlet<'_>) {
        self.conversation.choose_name(name);
        if let Some(connection) = &mut self.connection {
            connection.said_hello = false;
        }
        self.say_hello(heard);
    }

    /// Makes do with the room one was let into instead of the one that was wished for.
    pub fn give_up_room(&mut self, heard: &mut Outlet<'_>) {
        self.conversation.give_up_room(heard);
    }

    /// Says `text` in the current room. The key comes back with the answer.
    pub fn say(&mut self, text: &str, heard: &mut Outlet<'_>) -> MessageKey {
        self.conversation.say(text, heard)
    }

    /// Says `text` in `room`, whichever is current.
    pub fn say_in(&mut self, room: RoomName, text: &str, heard: &mut Outlet<'_>) -> MessageKey {
        self.conversation.say_in(room, text, heard)
    }

    /// Writes `text` to one person.
    pub fn tell(&mut self, to: Name, text: &str, heard: &mut Outlet<'_>) -> MessageKey {
        self.conversation.tell(to, text, heard)
    }

    /// Runs `line` as a command.
    pub fn run(&mut self, line: &str, heard: &mut Outlet<'_>) -> MessageKey {
        self.conversation.run(line, heard)
    }

    /// Gives the secret that the server has asked for; an empty one says that there will be none.
    /// Tells whether it is still waited for: if the connection was lost meanwhile, nothing is sent.
    pub fn give_secret(&mut self, text: &str, heard: &mut Outlet<'_>) -> bool {
        self.conversation.give_secret(text, heard)
    }

    /// Ends our direction behind everything that was said.
    pub fn close(&mut self) {
        if let Some(connection) = &mut self.connection {
            connection.closing.get_or_insert(CloseCode::Done);
        }
    }

    /// Seals what waits, as far as it may be sealed now.
    ///
    /// # Errors
    ///
    /// [`ChannelError::Seal`] when the key has ended; the connection is of no more use.
    pub fn flush(&mut self, now: Duration) -> Result<(), ChannelError> {
        let Some(connection) = &mut self.connection else {
            return Ok(());
        };
        let Conversation {
            outgoing,
            has_secret,
            ..
        } = &mut self.conversation;
        connection.channel.seal(outgoing, *has_secret, now)?;
        *has_secret &= !outgoing.is_empty();
        if outgoing.is_empty()
            && let Some(code) = connection.closing
        {
            connection.channel.close(code);
        }
        Ok(())
    }

    /// Bytes for the socket.
    pub fn outgoing(&self) -> &[u8] {
        self.connection
            .as_ref()
            .map_or(&[], |connection| connection.channel.outgoing.pending())
    }

    /// The socket has taken so many of them.
    ///
    /// # Panics
    ///
    /// When there were fewer.
    pub fn consume_outgoing(&mut self, count: usize) {
        if let Some(connection) = &mut self.connection {
            let outgoing = &mut connection.channel.outgoing;
            outgoing.consume_keeping(count, CLIENT_QUEUE_KEPT_BYTES);
        }
    }

    /// Whether CLOSE has been sealed and everything is handed to the socket.
    pub fn has_closed(&self) -> bool {
        self.connection.as_ref().is_some_and(|connection| {
            connection.closing.is_some()
                && !connection.channel.is_open()
                && connection.channel.outgoing.is_empty()
        })
    }

    /// What the server closed with, if it did.
    pub fn server_close(&self) -> Option<CloseCode> {
        self.connection.as_ref()?.closed
    }

    /// Whether the server waits for its key to be accepted.
    pub fn awaits_acceptance(&self) -> bool {
        let offered = |connection: &Connection| connection.channel.is_offered();
        self.connection.as_ref().is_some_and(offered)
    }

    /// Whether the handshake is done.
    pub fn is_established(&self) -> bool {
        let established = |connection: &Connection| connection.channel.is_established();
        self.connection.as_ref().is_some_and(established)
    }

    /// When something last came from the server.
    pub fn heard_at(&self) -> Option<Duration> {
        Some(self.connection.as_ref()?.heard_at)
    }

    /// Asks something about a file, on this connection only.
    pub fn ask_file(&mut self, request: &FileRequest<'_>, heard: &mut Outlet<'_>) {
        self.conversation.ask_file(request, heard);
    }

    /// A number for something that is asked about a file.
    pub fn draw_file_key(&mut self) -> MessageKey {
        self.conversation.draw_file_key()
    }

    /// Bytes that wait for the socket, sealed or not.
    pub fn unsent(&self) -> usize {
        let waiting = self
            .connection
            .as_ref()
            .map_or(0, |connection| connection.channel.outgoing.len());
        waiting + self.conversation.outgoing.len()
    }

    /// Whether another message may be said now: the server lags neither in acknowledging nor in
    /// reading.
    pub fn has_room(&self) -> bool {
        self.conversation.has_room() && self.unsent() < CLIENT_UNSENT_BYTES_MAX
    }

    /// What goes on across connections.
    pub fn conversation(&self) -> &Conversation {
        &self.conversation
    }

    fn say_hello(&mut self, heard: &mut Outlet<'_>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let ready = connection.channel.is_open() && !connection.said_hello;
        if ready && self.conversation.name().is_some() {
            connection.said_hello = true;
            self.conversation.say_hello(heard);
        }
    }
}

impl Connection {
    fn receive(
        &mut self,
        conversation: &mut Conversation,
        now: Duration,
        heard: &mut Outlet<'_>,
    ) -> Result<(), ChannelError> {
        loop {
            match self.channel.step(now)? {
                Step::More => return Ok(()),
                Step::ServerKey(key) => heard(News::ServerKey(key)),
                Step::Closed(code) => {
                    self.closed = Some(code);
                    self.closing.get_or_insert(CloseCode::Done);
                    heard(News::Closed(code));
                }
                Step::Data(mut content) => {
                    while let Some(frame) =
                        self.reader.peek(&mut content).map_err(ChannelError::Wire)?
                    {
                        if let Some(message) = decode_server(frame).map_err(ChannelError::Wire)? {
                            conversation.take_in(&message, heard);
                        }
                        self.reader.consume(&mut content);
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
