//! One attempt to connect: look the name up, then try its addresses one after the other.

use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Interest, Registry, Token, Waker};
use rustix::io::Errno;

use super::Resolved;
use crate::client::address::Address;
use crate::limits::CONNECT_TIMEOUT;

/// An attempt that is under way.
pub(super) struct Attempt {
    stage: Stage,
    /// What the last address answered.
    error: Option<io::Error>,
}

enum Stage {
    /// A thread asks the resolver, which can only be asked in a blocking way.
    Resolving(Receiver<Resolved>),
    /// A socket is connecting; others follow if it does not come about.
    Connecting {
        socket: Option<TcpStream>,
        until: Duration,
        others: std::vec::IntoIter<SocketAddr>,
    },
}

impl Attempt {
    /// Begins to look `address` up; `waker` wakes the poll when that is done.
    pub(super) fn resolve(address: &Address, waker: Arc<Waker>) -> Self {
        let (sender, receiver) = sync_channel(1);
        let place = (address.host.clone(), address.port);
        std::thread::spawn(move || {
            let resolved = place.to_socket_addrs().map(Iterator::collect);
            // Nobody listens when the user has left meanwhile.
            let _ = sender.send(resolved);
            let _ = waker.wake();
        });
        Self {
            stage: Stage::Resolving(receiver),
            error: None,
        }
    }

    /// When the address that is being tried is given up.
    pub(super) fn deadline(&self) -> Option<Duration> {
        match &self.stage {
            Stage::Resolving(_) => None,
            Stage::Connecting { until, .. } => Some(*until),
        }
    }

    /// Goes on as far as it can; gives the socket when it is connected.
    pub(super) fn progress(
        &mut self,
        registry: &Registry,
        token: Token,
        now: Duration,
    ) -> io::Result<Option<TcpStream>> {
        if let Stage::Resolving(receiver) = &self.stage {
            let resolved = match receiver.try_recv() {
                Ok(resolved) => resolved?,
                Err(TryRecvError::Empty) => return Ok(None),
                Err(TryRecvError::Disconnected) => {
                    return Err(io::Error::other("the name could not be looked up"));
                }
            };
            self.stage = Stage::Connecting {
                socket: None,
                until: now,
                others: resolved.into_iter(),
            };
        }
        let Stage::Connecting {
            socket,
            until,
            others,
        } = &mut self.stage
        else {
            return Ok(None);
        };
        loop {
            if let Some(trying) = socket {
                match is_connected(trying) {
                    Ok(true) => return Ok(socket.take()),
                    Ok(false) if now < *until => return Ok(None),
                    Ok(false) => self.error = Some(io::ErrorKind::TimedOut.into()),
                    Err(error) => self.error = Some(error),
                }
                *socket = None;
            }
            let Some(address) = others.next() else {
                let nothing = || io::Error::other("the name has no address");
                return Err(self.error.take().unwrap_or_else(nothing));
            };
            *until = now + CONNECT_TIMEOUT;
            match TcpStream::connect(address) {
                Ok(mut trying) => {
                    registry.register(
                        &mut trying,
                        token,
                        Interest::READABLE | Interest::WRITABLE,
                    )?;
                    *socket = Some(trying);
                }
                Err(error) => self.error = Some(error),
            }
        }
    }
}

/// Whether a connection that was begun has come about.
fn is_connected(socket: &TcpStream) -> io::Result<bool> {
    if let Some(error) = socket.take_error()? {
        return Err(error);
    }
    match socket.peer_addr() {
        Ok(_) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(false),
        // What some systems answer instead.
        Err(error) if error.raw_os_error() == Some(Errno::INPROGRESS.raw_os_error()) => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use std::net::TcpListener;

    /// Goal: a host is reached as long as one of its addresses is.
    /// Method: addresses of both families at which nothing listens, before and after the one.
    #[test]
    fn every_address_of_a_host_is_tried() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let good = listener.local_addr().unwrap();
        let closed = {
            let gone = TcpListener::bind("127.0.0.1:0").unwrap();
            gone.local_addr().unwrap()
        };
        let other_family = SocketAddr::from((std::net::Ipv6Addr::LOCALHOST, closed.port()));
        for (addresses, reached) in [
            (vec![good], true),
            (vec![other_family, closed, good], true),
            (vec![other_family, closed], false),
            (vec![], false),
        ] {
            let mut poll = Poll::new().unwrap();
            let mut events = Events::with_capacity(4);
            let mut attempt = Attempt {
                stage: Stage::Connecting {
                    socket: None,
                    until: Duration::ZERO,
                    others: addresses.into_iter(),
                },
                error: None,
            };
            let outcome = loop {
                match attempt.progress(poll.registry(), Token(0), Duration::ZERO) {
                    Ok(None) => poll.poll(&mut events, None).unwrap(),
                    Ok(Some(socket)) => break socket.peer_addr().ok(),
                    Err(_) => break None,
                }
            };
            assert_eq!(outcome, reached.then_some(good));
        }
    }
}
