//! The accept phase: new sockets come in, or are told why not.

use super::admission::{Denial, Source};
use super::connection::{Connection, Flags, Link};
use super::deadlines::Kind;
use super::listener::{Accepted, set_options};
use super::random;
use super::server::{Server, connection_lost};
use crate::buffer::ByteQueue;
use crate::chat::{Arrival, ClientId, ClientKey, Door, Input, Now, Token};
use crate::fanout::Dialect;
use crate::limits::{ACCEPT_PAUSE, ACCEPTS_PER_TURN, UNNAMED_MESSAGE_BYTES_MAX};
use crate::wire::line::LineReader;
use crate::wire::sealed::RefusalCode;
use mio::net::TcpStream;
use mio::{Interest, Token as PollToken};
use std::io::{self, Read, Write};
use std::net::{IpAddr, Shutdown};

impl Server {
    /// Accepts what waits, within the bound of a turn.
    pub(super) fn accept(&mut self, now: Now) {
        if now.monotonic < self.accept_again || self.stopping.is_some() {
            return;
        }
        let mut left = ACCEPTS_PER_TURN;
        for index in 0..self.listeners.len() {
            while left > 0 && self.listeners[index].ready {
                left -= 1;
                let door = self.listeners[index].door;
                match self.listeners[index].accept() {
                    Accepted::Connection(socket, address) => {
                        self.admit(socket, address.ip().to_canonical(), door, now);
                    }
                    Accepted::Nobody => {}
                    Accepted::Exhausted(error) => {
                        // Trying again at once would spin: whoever waits goes on waiting.
                        log::warn!("accept: {error}; trying again in {ACCEPT_PAUSE:?}");
                        self.accept_again = now.monotonic + ACCEPT_PAUSE;
                        return;
                    }
                }
            }
        }
    }

    fn admit(&mut self, socket: TcpStream, address: IpAddr, door: Door, now: Now) {
        let source = Source::of(address);
        let trusted = self.config.trusted.contains(address);
        let admitted = if self.connections.is_full() {
            Err(Denial::Full)
        } else {
            self.admission
                .enter(source, trusted, random::number(), now.monotonic)
        };
        if let Err(denial) = admitted {
            log::debug!("refused: from={address} door={door:?} why={denial:?}");
            refuse(socket, door, denial);
            return;
        }
        if let Err(error) = set_options(&socket, self.config.bounds.keepalive) {
            log::debug!("gone while it came: from={address} error={error}");
            self.admission.exit(source, false, now.monotonic);
            return;
        }
        let link = match door {
            Door::Sealed => {
                Link::Handshake(Box::new(self.identity.begin_handshake()), ByteQueue::new())
            }
            Door::Line => Link::Line(LineReader::new(UNNAMED_MESSAGE_BYTES_MAX)),
        };
        let client = self.connections.insert(|client| Connection {
            client,
            socket,
            door,
            address,
            source,
            trusted,
            link,
            wait: None,
            heard: now.monotonic,
            empty_line: None,
            held_bytes: 0,
            begun: None,
            parting: connection_lost(),
            flags: Flags::default(),
        });
        self.register(client);
        match door {
            Door::Sealed => self.deadlines.arm(Kind::Handshake, client, now.monotonic),
            Door::Line => {
                self.open(client, None, now);
                self.deadlines.arm(Kind::Login, client, now.monotonic);
            }
        }
    }

    /// Registers a socket for both directions, once and for as long as it lives.
    fn register(&mut self, client: ClientId) {
        let connection = self
            .connections
            .find(client)
            .expect("it has just been inserted");
        let token = PollToken(usize::try_from(client.slot).expect("a slot is an index"));
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self
            .poll
            .registry()
            .register(&mut connection.socket, token, interest)
        {
            log::warn!("cannot watch a connection: {error}");
            self.doom(client, connection_lost());
        }
    }

    /// Tells fan-out and chat of a connection that has come through its door.
    pub(super) fn open(&mut self, client: ClientId, key: Option<ClientKey>, now: Now) {
        let connection = self
            .connections
            .find(client)
            .expect("a door opens for a live connection");
        connection.flags.opened = true;
        let arrival = Arrival {
            door: connection.door,
            source: connection.address,
            trusted: connection.trusted,
            key,
            token: Token(random::bytes()),
        };
        let dialect = match connection.door {
            Door::Sealed => Dialect::Sealed,
            Door::Line => Dialect::Line,
        };
        self.fanout.open(client, dialect);
        let _ = self
            .chat
            .apply(now, Input::Opened(client, arrival), &mut self.effects);
        self.carry_out(now);
    }
}

/// Tells a peer why it is not let in, as far as one write goes, and closes.
///
/// What it has sent by now is read first: closing over unread bytes would take the answer back.
fn refuse(mut socket: TcpStream, door: Door, denial: Denial) {
    let mut unread = [0; crate::limits::HANDSHAKE_BYTES_MAX];
    let _ = socket.read(&mut unread);
    let told: io::Result<()> = match door {
        Door::Sealed => {
            let code = match denial {
                Denial::Full => RefusalCode::Full,
                Denial::TooManyFromSource => RefusalCode::TooManyFromSource,
            };
            socket.write_all(&code.encode())
        }
        Door::Line => socket.write_all(match denial {
            Denial::Full => b"Err: the server is full; try again in a minute\n",
            Denial::TooManyFromSource => {
                b"Err: too many connections from your address; close one, or try again later\n"
            }
        }),
    };
    // It is refused either way; that it hung up first changes nothing.
    let _ = told.and_then(|()| socket.shutdown(Shutdown::Write));
}
