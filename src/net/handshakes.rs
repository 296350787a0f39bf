//! Handshakes: expensive steps, taken in order and only for a share of each turn.

use super::connection::{Link, Records, SealedLink, Wait};
use super::deadlines::Kind;
use super::outbound::draw;
use super::random;
use super::server::{Server, connection_lost, list};
use crate::buffer::ByteQueue;
use crate::chat::{ClientId, ClientKey, Now};
use crate::crypto::fingerprint::Fingerprint;
use crate::limits::{HANDSHAKE_TURN_BUDGET, UNNAMED_MESSAGE_BYTES_MAX};
use crate::wire::frame::FrameReader;
use crate::wire::sealed::{Established, HandshakeError, ServerHandshake, Step};
use std::io::Write;

/// Said to a peer that seems to be a person, or a browser, at the sealed door.
const WRONG_DOOR: &[u8] =
    b"Err: this door is encrypted; use the parlour client, or the plain text door (port 4748 by default)\n";

impl Server {
    /// Gives a peer's bytes to its handshake, and what comes beyond it to the rest.
    pub(super) fn feed_handshake(
        &mut self,
        client: ClientId,
        handshake: &mut ServerHandshake,
        rest: &mut ByteQueue,
        bytes: &[u8],
        now: Now,
    ) {
        let mut input = bytes;
        if let Err(error) = handshake.push(&mut input) {
            self.fail_handshake(client, error, now);
            return;
        }
        rest.append(input);
        if handshake.wants_step()
            && let Some(connection) = self.connections.find(client)
        {
            connection.wait = Some(Wait::Handshake);
            self.queues.handshakes.push_back(client);
        }
    }

    /// Takes the steps that wait, for a share of the turn; the kernel may know of other work.
    pub(super) fn step_handshakes(&mut self, now: Now) {
        let began = self.clock.elapsed();
        while let Some(client) = self.queues.handshakes.pop_front() {
            self.step_handshake(client, now);
            if self.clock.elapsed().saturating_sub(began) > HANDSHAKE_TURN_BUDGET {
                return;
            }
        }
    }

    fn step_handshake(&mut self, client: ClientId, now: Now) {
        let Some((connection, socket)) = self.connections.find_both(client) else {
            return;
        };
        if connection.flags.doomed {
            return;
        }
        let Link::Handshake(handshake, rest) = &mut connection.link else {
            return;
        };
        let mut answer = Vec::new();
        let step = handshake.step(random::bytes(), now.unix_ms / 1_000, &mut answer);
        let mut rest = std::mem::take(rest);
        // The socket has never been written to, so the kernel has room for this.
        let is_sent = socket
            .write(&answer)
            .is_ok_and(|count| count == answer.len());
        connection.wait = None;
        match step {
            Ok(_) if !is_sent && !answer.is_empty() => self.doom(client, connection_lost()),
            Ok(Step::More) => self.go_on(client, &mut rest, now),
            Ok(Step::Done(established)) => self.establish(client, *established, rest, now),
            Err(error) => self.fail_handshake(client, error, now),
        }
    }

    /// What came behind the message just dealt with belongs to the next one.
    fn go_on(&mut self, client: ClientId, rest: &mut ByteQueue, now: Now) {
        let Some(Link::Handshake(mut handshake, mut beyond)) = self.connections.take_link(client)
        else {
            return;
        };
        self.feed_handshake(client, &mut handshake, &mut beyond, rest.pending(), now);
        if let Some(connection) = self.connections.find(client)
            && !connection.flags.silenced
        {
            connection.link = Link::Handshake(handshake, beyond);
            if connection.wait.is_none() {
                list(connection, &mut self.queues.readable);
            }
        }
    }

    /// The peer has proven itself: its records begin, and it may say who it is.
    fn establish(&mut self, client: ClientId, peer: Established, rest: ByteQueue, now: Now) {
        let rekey_at = now.monotonic + draw(self.config.bounds.rekey_after);
        let Established {
            sealer,
            opener,
            client_key,
            ..
        } = peer;
        self.connections.start_records(client, || Records {
            sealer: sealer.start(rekey_at),
            opener: opener.start(),
        });
        let Some(connection) = self.connections.find(client) else {
            return;
        };
        connection.link = Link::Sealed(SealedLink {
            records: rest,
            frames: FrameReader::new(UNNAMED_MESSAGE_BYTES_MAX),
        });
        let key = client_key.map(|key| ClientKey(Fingerprint::of_client(&key).0));
        self.open(client, key, now);
        self.deadlines.arm(Kind::Login, client, now.monotonic);
        self.deadlines.arm(Kind::Silence, client, now.monotonic);
        self.resume(client, now);
    }

    /// Closes without a word, unless the peer can be told something useful.
    fn fail_handshake(&mut self, client: ClientId, error: HandshakeError, now: Now) {
        self.counters.note(error.cause(), now.monotonic);
        let Some((connection, socket)) = self.connections.find_both(client) else {
            return;
        };
        let reads_text = matches!(
            error,
            HandshakeError::NotParlour { looks_like } if looks_like.reads_text()
        );
        let told = match error.refusal() {
            Some(code) => socket.write(&code.encode()),
            None if reads_text => socket.write(WRONG_DOOR),
            None => Ok(0),
        };
        // It is closed either way.
        let _ = told.and_then(|_| socket.shutdown(std::net::Shutdown::Write).map(|()| 0));
        self.admission.failed(connection.source, now.monotonic);
        connection.flags.silenced = true;
        connection.flags.finished = true;
        connection.link = Link::Closing;
        self.incomplete_bytes -= std::mem::take(&mut connection.held_bytes);
        // What came meanwhile, the end too, was announced already.
        if connection.flags.readable {
            list(connection, &mut self.queues.readable);
        }
        self.deadlines.arm(Kind::Linger, client, now.monotonic);
    }
}
