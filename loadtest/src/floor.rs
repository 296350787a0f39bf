//! The floor: the least a server can do that brings every line to everybody.
//!
//! One loop, ONE shared buffer to which each line is appended, and per connection and turn one
//! write of what that connection has not had yet. It knows no names, no rooms and no encryption,
//! so it shows what this machine's kernel and memory allow, and other figures are given as a share of it.

use crate::Failure;
use crate::link::GREETING;
use mio::event::Event;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};
use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};

const LISTENER: Token = Token(usize::MAX);
const EVENTS_PER_TURN: usize = 1_024;
const READ_BYTES: usize = 16 * 1024;
/// The shared buffer is cut when so much of it has been had by everybody.
const CUT_BYTES: usize = 4 * 1024 * 1024;

/// One connection.
struct Peer {
    stream: TcpStream,
    /// How much of all that was ever said it has had.
    had: u64,
    /// The kernel takes nothing more for it.
    is_blocked: bool,
    /// A begun line.
    rest: Vec<u8>,
}

struct Floor {
    poll: Poll,
    listener: TcpListener,
    peers: Vec<Option<Peer>>,
    said: Vec<u8>,
    /// How much was said before what is still held.
    cut: u64,
    scratch: Vec<u8>,
}

/// Serves until the process is ended.
///
/// # Errors
///
/// A [`Failure`] when it cannot listen or wait.
pub(crate) fn serve() -> Result<(), Failure> {
    crate::machine::allow_connections(0).map_err(|mistake| Failure(mistake.0))?;
    let failure = |error: io::Error| Failure(format!("floor: {error}"));
    let mut floor = Floor::listen().map_err(failure)?;
    let address = floor.listener.local_addr().map_err(failure)?;
    println!("ready line={address}");
    floor.run().map_err(failure)
}

impl Floor {
    fn listen() -> io::Result<Self> {
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut listener = TcpListener::bind(address)?;
        let poll = Poll::new()?;
        poll.registry()
            .register(&mut listener, LISTENER, Interest::READABLE)?;
        Ok(Self {
            poll,
            listener,
            peers: Vec::new(),
            said: Vec::new(),
            cut: 0,
            scratch: vec![0; READ_BYTES],
        })
    }

    fn run(&mut self) -> io::Result<()> {
        let mut events = Events::with_capacity(EVENTS_PER_TURN);
        loop {
            match self.poll.poll(&mut events, None) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
            for event in &events {
                if event.token() == LISTENER {
                    self.accept()?;
                } else {
                    self.take(event);
                }
            }
            self.write();
            self.trim();
        }
    }

    fn accept(&mut self) -> io::Result<()> {
        while let Ok((mut stream, _)) = self.listener.accept() {
            stream.set_nodelay(true)?;
            let place = self.peers.len();
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(place), interest)?;
            // A fresh connection takes a few bytes; one that does not is gone.
            if stream.write(GREETING).is_ok() {
                self.peers.push(Some(Peer {
                    stream,
                    had: self.cut + self.said.len() as u64,
                    is_blocked: false,
                    rest: Vec::new(),
                }));
            }
        }
        Ok(())
    }

    fn take(&mut self, event: &Event) {
        let place = event.token().0;
        let Some(Some(peer)) = self.peers.get_mut(place) else {
            return;
        };
        peer.is_blocked &= !event.is_writable();
        if event.is_readable() && !peer.read(&mut self.scratch, &mut self.said) {
            self.peers[place] = None;
        }
    }

    /// Brings everybody what they have not had.
    fn write(&mut self) {
        let head = self.cut + self.said.len() as u64;
        for place in &mut self.peers {
            let Some(peer) = place else { continue };
            if peer.had == head || peer.is_blocked {
                continue;
            }
            let from = usize::try_from(peer.had - self.cut).expect("the buffer is in memory");
            let owed = &self.said[from..];
            match peer.stream.write(owed) {
                Ok(sent) => {
                    peer.had += sent as u64;
                    peer.is_blocked = sent < owed.len();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => peer.is_blocked = true,
                Err(_) => *place = None,
            }
        }
    }

    /// Forgets what everybody has had.
    fn trim(&mut self) {
        if self.said.len() < CUT_BYTES {
            return;
        }
        let head = self.cut + self.said.len() as u64;
        let peers = self.peers.iter().flatten();
        let had_by_all = peers.map(|peer| peer.had).min().unwrap_or(head);
        let bytes = usize::try_from(had_by_all - self.cut).expect("the buffer is in memory");
        if bytes >= CUT_BYTES / 2 {
            self.said.drain(..bytes);
            self.cut = had_by_all;
        }
    }
}

impl Peer {
    /// Appends the lines that have come to `said`; whether the connection goes on.
    fn read(&mut self, scratch: &mut [u8], said: &mut Vec<u8>) -> bool {
        loop {
            let count = match self.stream.read(scratch) {
                Ok(0) => return false,
                Ok(count) => count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(_) => return false,
            };
            let came = &scratch[..count];
            let whole = memchr::memrchr(b'\n', came).map_or(0, |end| end + 1);
            if whole > 0 {
                said.append(&mut self.rest);
            }
            said.extend_from_slice(&came[..whole]);
            self.rest.extend_from_slice(&came[whole..]);
        }
    }
}
