//! The accept phase: new sockets come in, or are told why not.

use super::admission::{Denial, Source};
use super::connection::{Connection, Flags, Link};
use super::deadlines::Kind;
use super::listener::{Accepted, set_options};
use super::random;
use super::server::{Server, connection_lost};
use crate::buffer::ByteQueue;
use crate::chat::{Arrival, ClientId, ClientKey, Door, Input, Now, Token, TokenHash};
use crate::crypto::token;
use crate::fanout::Dialect;
use crate::limits::{
    ACCEPT_PAUSE, ACCEPTS_PER_TURN, FAILURE_LOG_INTERVAL, HANDSHAKE_BYTES_MAX, REFUSED_LINGER,
    REFUSED_LINGERING_MAX, UNNAMED_MESSAGE_BYTES_MAX,
};
use crate::wire::line::LineReader;
use crate::wire::sealed::RefusalCode;
use mio::net::TcpStream;
use mio::{Interest, Token as PollToken};
use std::io::{Read, Write};
use std::net::{IpAddr, Shutdown};
use std::time::Duration;

impl Server {
    /// Accepts what waits, within the bound of a turn.
    pub(super) fn accept(&mut self, now: Now) {
        let is_wanted = self.listeners.iter().any(|listener| listener.ready);
        if !is_wanted || now.monotonic < self.accept_again || self.stopping.is_some() {
            return;
        }
        let mut left = ACCEPTS_PER_TURN;
        // One from each in turn, so that a flood at one door leaves the others open.
        while left > 0
            && now.monotonic >= self.accept_again
            && self.listeners.iter().any(|listener| listener.ready)
        {
            if self.connections.is_full() && self.make_room() {
                // The slot is free when this turn has ended.
                return;
            }
            for index in 0..self.listeners.len() {
                if self.listeners[index].ready {
                    left = left.saturating_sub(1);
                    self.accept_one(index, now);
                }
            }
        }
    }

    /// Closes one connection that has been told everything and only lingers; whether there was one.
    fn make_room(&mut self) -> bool {
        while let Some(client) = self.deadlines.pop_lingering() {
            if let Some(connection) = self.connections.find(client) {
                let parting = connection.parting;
                self.doom(client, parting);
                return true;
            }
        }
        false
    }

    fn accept_one(&mut self, index: usize, now: Now) {
        let door = self.listeners[index].door;
        match self.listeners[index].accept() {
            Accepted::Connection(socket, address) => {
                self.admit(socket, address.ip().to_canonical(), door, now);
            }
            Accepted::Nobody => {}
            Accepted::Lost(error) => log::debug!("accept: {error}"),
            Accepted::Exhausted(error) => {
                // Trying again at once would spin: whoever waits goes on waiting.
                // It is said when it begins, not at each attempt.
                if now.monotonic >= self.accept_again + FAILURE_LOG_INTERVAL
                    || self.accept_again.is_zero()
                {
                    log::warn!("accept: {error}; trying again every {ACCEPT_PAUSE:?}");
                }
                self.accept_again = now.monotonic + ACCEPT_PAUSE;
            }
        }
    }

    fn admit(&mut self, socket: TcpStream, address: IpAddr, door: Door, now: Now) {
        let source = Source::of(address);
        let trusted = self.config.trusted.contains(address);
        let banned = self.chat.is_banned(address, None, now.unix_ms);
        let admitted = if banned.is_some() {
            Err(Denial::Banned)
        } else if self.connections.is_full() {
            Err(Denial::Full)
        } else {
            self.admission
                .enter(source, trusted, random::number(), now.monotonic)
        };
        if let Err(denial) = admitted {
            log::debug!("refused: from={address} door={door:?} why={denial:?}");
            self.counters.refuse(refusal_word(denial));
            let line = match banned {
                Some(banned) => format!("Err: {banned}\n"),
                None => refusal_line(denial).to_owned(),
            };
            self.refuse(socket, door, denial, &line, now);
            return;
        }
        if let Err(error) = set_options(&socket, &self.config.bounds) {
            log::debug!("gone while it came: from={address} error={error}");
            self.admission.exit(source, false, now.monotonic);
            return;
        }
        let link = match door {
            Door::Sealed => {
                Link::Handshake(Box::new(self.identity.begin_handshake()), ByteQueue::new())
            }
            Door::Line => Link::Line(Box::new(LineReader::new(UNNAMED_MESSAGE_BYTES_MAX))),
        };
        self.counters.enter(door);
        let client = self.connections.insert(socket, |client| Connection {
            client,
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
        let socket = self
            .connections
            .socket(client)
            .expect("it has just been inserted");
        let token = PollToken(usize::try_from(client.slot).expect("a slot is an index"));
        let interest = Interest::READABLE | Interest::WRITABLE;
        if let Err(error) = self.poll.registry().register(socket, token, interest) {
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
        let secret = random::bytes();
        let arrival = Arrival {
            door: connection.door,
            source: connection.address,
            trusted: connection.trusted,
            key,
            token: Token(secret),
            hash: TokenHash(token::hash(&secret)),
            takes_passwords: connection.door == Door::Sealed
                || connection.address.is_loopback()
                || self.config.line_passwords,
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

    /// Tells a peer why it is not let in, as far as one write goes.
    ///
    /// Closing over what it sends would take the answer back, so the socket stays for a moment.
    fn refuse(&mut self, mut socket: TcpStream, door: Door, denial: Denial, line: &str, now: Now) {
        let told = match door {
            Door::Sealed => socket.write_all(&refusal_code(denial).encode()),
            Door::Line => socket.write_all(line.as_bytes()),
        };
        // It is refused either way; that it hung up first changes nothing.
        let _ = told.and_then(|()| socket.shutdown(Shutdown::Write));
        let refused = &mut self.queues.refused;
        if refused.len() == REFUSED_LINGERING_MAX
            && let Some((_, oldest)) = refused.pop_front()
        {
            drain(oldest);
        }
        refused.push_back((now.monotonic + REFUSED_LINGER, socket));
    }

    /// Closes who was refused a moment ago.
    pub(super) fn close_refused(&mut self, now: Now) {
        let is_due = |(due, _): &mut (Duration, TcpStream)| *due <= now.monotonic;
        while let Some((_, socket)) = self.queues.refused.pop_front_if(is_due) {
            drain(socket);
        }
    }
}

/// Reads what a refused peer has sent by now, then closes.
fn drain(mut socket: TcpStream) {
    let mut unread = [0; HANDSHAKE_BYTES_MAX];
    // An error means that there is nothing to read, which is what is wanted.
    let _ = socket.read(&mut unread);
}

fn refusal_word(denial: Denial) -> &'static str {
    match denial {
        Denial::Full => "full",
        Denial::TooManyFromSource => "too-many-from-source",
        Denial::Banned => "banned",
    }
}

fn refusal_code(denial: Denial) -> RefusalCode {
    match denial {
        Denial::Full => RefusalCode::Full,
        Denial::TooManyFromSource => RefusalCode::TooManyFromSource,
        Denial::Banned => RefusalCode::Banned,
    }
}

/// What is said through the line door. Of a ban the chat knows more.
fn refusal_line(denial: Denial) -> &'static str {
    match denial {
        Denial::Full => "Err: the server is full; try again in a minute\n",
        Denial::TooManyFromSource => {
            "Err: too many connections from your address; close one, or try again later\n"
        }
        Denial::Banned => "Err: you are banned from this server\n",
    }
}
