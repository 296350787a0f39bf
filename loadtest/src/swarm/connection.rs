//! One connection: a socket, a link, and what is incomplete in either direction.

use crate::link::{Bookmark, Heard, Link, Surroundings, Trouble};
use mio::net::TcpStream;
use parlour::buffer::ByteQueue;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// Reads of one visit; then others are served, and this one comes again.
const READS_PER_VISIT: usize = 4;

/// Whether the kernel has more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Drained {
    /// Nothing is left: its next edge comes when there is.
    Yes,
    /// Perhaps there is more: no edge is coming.
    No,
}

/// One connection.
pub(super) struct Connection {
    /// The socket; registered by whoever made it.
    pub(super) stream: TcpStream,
    /// Whether it has joined its room.
    pub(super) joined: bool,
    /// When it was begun.
    pub(super) began: Duration,
    link: Link,
    connected: bool,
    /// What came and is not a whole piece yet.
    rest: Vec<u8>,
    /// What the kernel has not taken yet.
    owed: ByteQueue,
}

impl Connection {
    /// Begins to connect.
    pub(super) fn begin(
        server: SocketAddr,
        source: Option<SocketAddr>,
        link: Link,
        began: Duration,
    ) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(server),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        socket.set_nonblocking(true)?;
        socket.set_tcp_nodelay(true)?;
        if let Some(source) = source {
            socket.bind(&source.into())?;
        }
        match socket.connect(&server.into()) {
            Ok(()) => {}
            Err(error) if is_in_progress(&error) => {}
            Err(error) => return Err(error),
        }
        Ok(Self {
            stream: TcpStream::from_std(socket.into()),
            joined: false,
            began,
            link,
            connected: false,
            rest: Vec::new(),
            owed: ByteQueue::new(),
        })
    }

    /// The kernel takes bytes: finishes connecting, sends what is owed. `out` is an empty buffer.
    pub(super) fn write_ready(
        &mut self,
        around: &mut Surroundings<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        if !self.connected {
            if let Some(error) = self.stream.take_error().map_err(socket_trouble)? {
                return Err(socket_trouble(error));
            }
            if self.stream.peer_addr().is_err() {
                return Ok(());
            }
            self.connected = true;
            self.link.open(around, out);
            return self.flush(out);
        }
        if self.owed.is_empty() {
            return Ok(());
        }
        let sent = write_once(&mut self.stream, self.owed.pending())?;
        self.owed.consume(sent);
        Ok(())
    }

    /// Reads what has come, about `bytes_max` of it at most, and hands it to the link. `scratch` is
    /// where it is read to.
    pub(super) fn read_ready(
        &mut self,
        around: &mut Surroundings<'_>,
        scratch: &mut [u8],
        out: &mut Vec<u8>,
        until_end: bool,
        bytes_max: usize,
        mut hear: impl FnMut(Heard<'_>),
    ) -> Result<Drained, Trouble> {
        if !self.connected {
            return Ok(Drained::Yes);
        }
        let mut left = bytes_max;
        for _ in 0..READS_PER_VISIT {
            let held = self.rest.len();
            scratch[..held].copy_from_slice(&self.rest);
            let room = scratch.len().min(held.saturating_add(left));
            if room == held {
                return Ok(Drained::No);
            }
            let count = match self.stream.read(&mut scratch[held..room]) {
                Ok(0) => return Err(Trouble::EndOfStream),
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(Drained::Yes),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(socket_trouble(error)),
            };
            let filled = held + count;
            left -= count;
            let input = &mut scratch[..filled];
            let taken = self.link.receive(input, around, out, &mut hear)?;
            if taken < filled {
                self.rest.clear();
                self.rest.extend_from_slice(&scratch[taken..filled]);
            } else if held > 0 {
                self.rest = Vec::new();
            }
            self.flush(out)?;
            // Less than fits means that the kernel has no more, unless it has the end.
            if filled < room && !until_end {
                return Ok(Drained::Yes);
            }
        }
        Ok(Drained::No)
    }

    /// Says all of `words`; `out` is an empty buffer.
    pub(super) fn speak(
        &mut self,
        words: &[u8],
        now: Duration,
        out: &mut Vec<u8>,
    ) -> Result<(), Trouble> {
        self.link.send(words, now, out);
        self.flush(out)
    }

    /// Appends what says `text` to `words`.
    pub(super) fn word(&mut self, text: &str, words: &mut Vec<u8>) {
        self.link.word(text, words);
    }

    /// Appends what offers a file of so many bytes to `words`.
    pub(super) fn offer(&mut self, bytes: u64, words: &mut Vec<u8>) {
        self.link.offer(bytes, words);
    }

    /// Whether the kernel has taken everything so far.
    pub(super) fn owes_nothing(&self) -> bool {
        self.owed.is_empty()
    }

    /// Where another connection can go on.
    pub(super) fn bookmark(&self) -> Option<Bookmark> {
        self.link.bookmark()
    }

    /// Says goodbye and closes; what the kernel does not take at once is not said.
    pub(super) fn leave(mut self, out: &mut Vec<u8>) {
        out.clear();
        self.link.leave(out);
        // The goodbye is a courtesy: the connection ends either way.
        let _ = self.flush(out);
        out.clear();
    }

    /// Closes without a goodbye, so that the server sees a reset.
    pub(super) fn reset(self) {
        // A connection that is gone already needs no reset.
        let _ = SockRef::from(&self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Sends `out` behind what is owed, and empties it.
    fn flush(&mut self, out: &mut Vec<u8>) -> Result<(), Trouble> {
        if out.is_empty() {
            return Ok(());
        }
        let mut sent = 0;
        if self.owed.is_empty() {
            sent = write_once(&mut self.stream, out)?;
        }
        if sent < out.len() {
            self.owed.append(&out[sent..]);
        }
        out.clear();
        Ok(())
    }
}

fn write_once(stream: &mut TcpStream, bytes: &[u8]) -> Result<usize, Trouble> {
    match stream.write(bytes) {
        Ok(sent) => Ok(sent),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(0),
        Err(error) => Err(socket_trouble(error)),
    }
}

fn is_in_progress(error: &io::Error) -> bool {
    let in_progress = rustix::io::Errno::INPROGRESS.raw_os_error();
    error.kind() == io::ErrorKind::WouldBlock || error.raw_os_error() == Some(in_progress)
}

fn socket_trouble(error: io::Error) -> Trouble {
    Trouble::Socket(error.to_string())
}
