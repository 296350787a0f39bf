//! Side doors: where an operator's programs ask one question and get one answer.
//!
//! The metrics door and the control socket are such doors. They share the loop with the chat and
//! must never hold it up: few visitors at once, short requests, a deadline for each, no blocking
//! call. One request for each connection; then the answer, and the server closes.
//!
//! Knows neither what is asked nor any clock: whole requests come out, answers go in, `now` is
//! passed in.

use crate::limits::{SIDE_TIMEOUT, SIDE_VISITORS_MAX};
use mio::event::Source;
use mio::net::{TcpListener, TcpStream};
#[cfg(unix)]
use mio::net::{UnixListener, UnixStream};
use mio::{Interest, Registry, Token};
use std::io::{self, ErrorKind, Read, Write};
use std::net::Shutdown;
use std::time::Duration;

/// What listens, and what comes out of it.
pub(super) trait Gate: Source {
    /// A connection.
    type Stream: Read + Write + Source;
    /// Takes the next connection that waits.
    fn accept(&self) -> io::Result<Self::Stream>;
    /// Ends our side of a connection.
    fn end(stream: &Self::Stream) -> io::Result<()>;
}

impl Gate for TcpListener {
    type Stream = TcpStream;

    fn accept(&self) -> io::Result<TcpStream> {
        self.accept().map(|(stream, _)| stream)
    }

    fn end(stream: &TcpStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }
}

#[cfg(unix)]
impl Gate for UnixListener {
    type Stream = UnixStream;

    fn accept(&self) -> io::Result<UnixStream> {
        self.accept().map(|(stream, _)| stream)
    }

    fn end(stream: &UnixStream) -> io::Result<()> {
        stream.shutdown(Shutdown::Write)
    }
}

/// Which visit, of all times at this door.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct VisitId(pub(super) u64);

/// A side door and its visitors.
pub(super) struct SideDoor<G: Gate> {
    gate: G,
    /// The gate's token; those of the visitors follow.
    token: usize,
    visitors: [Option<Visitor<G::Stream>>; SIDE_VISITORS_MAX],
    /// Whether more may wait at the gate; the kernel tells only of new ones.
    is_ready: bool,
    request_bytes_max: usize,
    is_whole: fn(&[u8]) -> bool,
    visits: u64,
}

/// One connection.
struct Visitor<S> {
    visit: VisitId,
    stream: S,
    stage: Stage,
    request: Vec<u8>,
    /// What is left of the answer.
    answer: Vec<u8>,
    /// Whether the kernel has told of something.
    is_stirred: bool,
    until: Duration,
}

/// How far a visit has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// The request is not whole.
    Asking,
    /// The answer is not there.
    Waiting,
    /// The answer is being sent.
    Hearing,
    /// Everything is said; what it still sends is thrown away, for closing over it would take the
    /// answer back.
    Leaving,
    /// It is to be closed.
    Gone,
}

impl<G: Gate> SideDoor<G> {
    /// A door that uses `token` and the [`SIDE_VISITORS_MAX`] after it.
    ///
    /// # Errors
    ///
    /// When the gate cannot be watched.
    pub(super) fn new(
        mut gate: G,
        token: usize,
        registry: &Registry,
        request_bytes_max: usize,
        is_whole: fn(&[u8]) -> bool,
    ) -> io::Result<Self> {
        registry.register(&mut gate, Token(token), Interest::READABLE)?;
        Ok(Self {
            gate,
            token,
            visitors: [const { None }; SIDE_VISITORS_MAX],
            is_ready: true,
            request_bytes_max,
            is_whole,
            visits: 0,
        })
    }

    /// What listens.
    pub(super) fn gate(&self) -> &G {
        &self.gate
    }

    /// Notes what the kernel says of one of the door's tokens; whether it is one.
    pub(super) fn note(&mut self, token: usize) -> bool {
        match token.checked_sub(self.token) {
            Some(0) => self.is_ready = true,
            Some(place @ 1..=SIDE_VISITORS_MAX) => {
                if let Some(visitor) = &mut self.visitors[place - 1] {
                    visitor.is_stirred = true;
                }
            }
            Some(_) | None => return false,
        }
        true
    }

    /// When somebody is to be closed for taking too long.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let visitors = self.visitors.iter().flatten();
        visitors.map(|visitor| visitor.until).min()
    }

    /// Whether there is something to do without an event.
    pub(super) fn has_work(&self) -> bool {
        let is_stirred = |visitor: &Visitor<G::Stream>| visitor.is_stirred;
        let can_come = |place: &Option<Visitor<G::Stream>>| {
            place
                .as_ref()
                .is_none_or(|visitor| visitor.stage == Stage::Asking)
        };
        self.is_ready && self.visitors.iter().any(can_come)
            || self.visitors.iter().flatten().any(is_stirred)
    }

    /// Lets visitors in, reads and writes, closes who is done or late. Requests that became whole
    /// go into `requests`.
    pub(super) fn serve(
        &mut self,
        registry: &Registry,
        now: Duration,
        requests: &mut Vec<(VisitId, Vec<u8>)>,
    ) {
        self.let_in(registry, now);
        let (bytes_max, is_whole) = (self.request_bytes_max, self.is_whole);
        for place in &mut self.visitors {
            let Some(visitor) = place else {
                continue;
            };
            if std::mem::take(&mut visitor.is_stirred) {
                visitor.read(bytes_max, is_whole);
                if visitor.stage == Stage::Waiting && !visitor.request.is_empty() {
                    requests.push((visitor.visit, std::mem::take(&mut visitor.request)));
                }
                visitor.write(G::end);
            }
            if visitor.stage == Stage::Gone || visitor.until <= now {
                // It is closed either way.
                let _ = registry.deregister(&mut visitor.stream);
                *place = None;
            }
        }
    }

    /// Answers a visit, if it still lasts.
    pub(super) fn answer(&mut self, visit: VisitId, answer: Vec<u8>) {
        let mut visitors = self.visitors.iter_mut().flatten();
        if let Some(visitor) = visitors.find(|visitor| visitor.visit == visit)
            && visitor.stage == Stage::Waiting
        {
            visitor.answer = answer;
            visitor.stage = Stage::Hearing;
            visitor.write(G::end);
            // Seen to in the next turn, if that was all.
            visitor.is_stirred = true;
        }
    }

    fn let_in(&mut self, registry: &Registry, now: Duration) {
        while self.is_ready {
            let Some(place) = self.free_place(registry) else {
                return;
            };
            let mut stream = match self.gate.accept() {
                Ok(stream) => stream,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.is_ready = false;
                    if error.kind() != ErrorKind::WouldBlock {
                        log::debug!("side door: {error}");
                    }
                    return;
                }
            };
            let token = Token(self.token + 1 + place);
            let interest = Interest::READABLE | Interest::WRITABLE;
            if let Err(error) = registry.register(&mut stream, token, interest) {
                log::debug!("side door: {error}");
                continue;
            }
            self.visits += 1;
            self.visitors[place] = Some(Visitor {
                visit: VisitId(self.visits),
                stream,
                stage: Stage::Asking,
                request: Vec::new(),
                answer: Vec::new(),
                is_stirred: true,
                until: now + SIDE_TIMEOUT,
            });
        }
    }

    /// A free place; when there is none, that of who has been asking for longest and is not done.
    fn free_place(&mut self, registry: &Registry) -> Option<usize> {
        if let Some(free) = self.visitors.iter().position(Option::is_none) {
            return Some(free);
        }
        let asking = |place: &Option<Visitor<G::Stream>>| {
            let visitor = place.as_ref()?;
            (visitor.stage == Stage::Asking).then_some(visitor.visit)
        };
        let places = self.visitors.iter().enumerate();
        let (_, slowest) = places
            .filter_map(|(place, visitor)| Some((asking(visitor)?, place)))
            .min()?;
        if let Some(mut visitor) = self.visitors[slowest].take() {
            // It is closed either way.
            let _ = registry.deregister(&mut visitor.stream);
        }
        Some(slowest)
    }
}

impl<S: Read + Write> Visitor<S> {
    fn read(&mut self, bytes_max: usize, is_whole: fn(&[u8]) -> bool) {
        let mut piece = [0; 1024];
        // A visitor that sends without end is thrown out by its deadline; until then it must not
        // hold up the loop.
        for _ in 0..bytes_max.div_ceil(piece.len()) + 1 {
            match self.stream.read(&mut piece) {
                Ok(0) => {
                    if matches!(self.stage, Stage::Asking | Stage::Leaving) {
                        self.stage = Stage::Gone;
                    }
                    return;
                }
                Ok(count) if self.stage == Stage::Asking => {
                    self.request.extend_from_slice(&piece[..count]);
                    if is_whole(&self.request) {
                        self.stage = Stage::Waiting;
                    } else if self.request.len() > bytes_max {
                        self.stage = Stage::Gone;
                        return;
                    }
                }
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    self.stage = Stage::Gone;
                    return;
                }
            }
        }
        self.is_stirred = true;
    }

    fn write(&mut self, end: impl Fn(&S) -> io::Result<()>) {
        while self.stage == Stage::Hearing {
            if self.answer.is_empty() {
                self.stage = match end(&self.stream) {
                    Ok(()) => Stage::Leaving,
                    Err(_) => Stage::Gone,
                };
                return;
            }
            match self.stream.write(&self.answer) {
                Ok(0) => self.stage = Stage::Gone,
                Ok(count) => {
                    self.answer.drain(..count);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => self.stage = Stage::Gone,
            }
        }
    }
}
