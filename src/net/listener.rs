//! Listeners: sockets that wait for connections, and the options each connection gets.

use crate::chat::Door;
use crate::config::{Bounds, Mistake};
use crate::limits::{
    KEEPALIVE_IDLE_MIN, KEEPALIVE_INTERVAL, KEEPALIVE_RETRIES, LISTEN_BACKLOG,
    UNACKNOWLEDGED_BYTES_TIMEOUT, UNSENT_BYTES_LOW,
};
use mio::net::{TcpListener, TcpStream};
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddr};

/// A socket on which new connections arrive.
pub(super) struct Listener {
    /// The socket, to be registered.
    pub(super) socket: TcpListener,
    /// To which door it belongs.
    pub(super) door: Door,
    /// Where it listens; the port is a real one.
    pub(super) address: SocketAddr,
    /// Whether more connections may wait; the kernel tells only of new ones.
    pub(super) ready: bool,
}

/// What became of an attempt to accept.
pub(super) enum Accepted {
    /// A connection from that address.
    Connection(TcpStream, SocketAddr),
    /// Nobody waits.
    Nobody,
    /// The peer gave up while it waited, or the network did; the next one may be well.
    Lost(io::Error),
    /// The system has no file, memory or buffer left; try again later.
    Exhausted(io::Error),
}

impl Listener {
    /// Listens on all of a door's addresses, in their order.
    ///
    /// When several share port 0 the system picks one for the first and the others use it too. An
    /// IPv6 address is left out when another one is there and the machine has no IPv6.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] that names the address and says what to do.
    pub(super) fn bind(door: Door, addresses: &[SocketAddr]) -> Result<Vec<Self>, Mistake> {
        let mut listeners: Vec<Self> = Vec::new();
        for &wanted in addresses {
            let mut address = wanted;
            if let (0, Some(first)) = (wanted.port(), listeners.first()) {
                address.set_port(first.address.port());
            }
            let bound = match Self::bind_one(door, address) {
                // Every address of a machine without IPv6 is every IPv4 address.
                Err(error) if address.ip().is_unspecified() && lacks_ipv6(address, &error) => {
                    address.set_ip(Ipv4Addr::UNSPECIFIED.into());
                    Self::bind_one(door, address)
                }
                bound => bound,
            };
            match bound {
                Ok(listener) => listeners.push(listener),
                Err(error) if !listeners.is_empty() && lacks_ipv6(address, &error) => {
                    log::info!("listening without {address}: {error}");
                }
                Err(error) => return Err(explain(door, address, &error)),
            }
        }
        Ok(listeners)
    }

    fn bind_one(door: Door, address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(
            Domain::for_address(address),
            Type::STREAM,
            Some(Protocol::TCP),
        )?;
        if address.is_ipv6() {
            // One socket for both protocols when every address is meant.
            socket.set_only_v6(!address.ip().is_unspecified())?;
        }
        // A restart must not wait for connections of the process before.
        #[cfg(unix)]
        socket.set_reuse_address(true)?;
        socket.set_nonblocking(true)?;
        socket.bind(&address.into())?;
        socket.listen(LISTEN_BACKLOG)?;
        let socket = TcpListener::from_std(socket.into());
        let address = socket.local_addr()?;
        Ok(Self {
            socket,
            door,
            address,
            ready: true,
        })
    }

    /// Takes the next connection that waits.
    pub(super) fn accept(&mut self) -> Accepted {
        match self.socket.accept() {
            Ok((stream, address)) => Accepted::Connection(stream, address),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                self.ready = false;
                Accepted::Nobody
            }
            Err(error) if is_exhaustion(&error) => Accepted::Exhausted(error),
            Err(error) => Accepted::Lost(error),
        }
    }
}

/// Whether the system ran out of something that comes back by itself.
fn is_exhaustion(error: &io::Error) -> bool {
    #[cfg(unix)]
    {
        use rustix::io::Errno;
        let codes = [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM];
        codes
            .iter()
            .any(|code| error.raw_os_error() == Some(code.raw_os_error()))
    }
    #[cfg(not(unix))]
    {
        error.kind() == io::ErrorKind::OutOfMemory
    }
}

fn lacks_ipv6(address: SocketAddr, error: &io::Error) -> bool {
    #[cfg(unix)]
    let no_family = error.raw_os_error() == Some(rustix::io::Errno::AFNOSUPPORT.raw_os_error());
    #[cfg(not(unix))]
    let no_family = error.kind() == io::ErrorKind::Unsupported;
    address.is_ipv6() && (no_family || error.kind() == io::ErrorKind::AddrNotAvailable)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many more")]
fn explain(door: Door, address: SocketAddr, error: &io::Error) -> Mistake {
    let flag = match door {
        Door::Sealed => "--sealed",
        Door::Line => "--line",
    };
    let port = address.port();
    Mistake(match error.kind() {
        io::ErrorKind::AddrInUse => format!(
            "{address} is in use, perhaps by another parlourd; stop it, or choose another port \
             with {flag} {}",
            SocketAddr::new(address.ip(), port.checked_add(10).unwrap_or(port - 10))
        ),
        io::ErrorKind::PermissionDenied => {
            format!("port {port} is not for this user; choose one above 1023 with {flag} ADDRESS")
        }
        io::ErrorKind::AddrNotAvailable => {
            format!("{address} is no address of this machine; choose another with {flag} ADDRESS")
        }
        _ => format!("cannot listen on {address}: {error}; choose another with {flag} ADDRESS"),
    })
}

/// Sets what every connection needs: no delay, little in the kernel, and an end when the peer is
/// dead.
///
/// A peer is asked sooner when the operator wants to know sooner, and what it does not acknowledge
/// counts as what it does not accept.
///
/// # Errors
///
/// When the peer is gone already.
pub(super) fn set_options(stream: &TcpStream, bounds: &Bounds) -> io::Result<()> {
    let socket = SockRef::from(stream);
    socket.set_tcp_nodelay(true)?;
    let interval = (bounds.keepalive / 4).clamp(KEEPALIVE_IDLE_MIN, KEEPALIVE_INTERVAL);
    let keepalive = TcpKeepalive::new()
        .with_time(bounds.keepalive)
        .with_interval(interval);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_RETRIES);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    {
        let timeout = UNACKNOWLEDGED_BYTES_TIMEOUT.min(bounds.stall_timeout);
        socket.set_tcp_user_timeout(Some(timeout))?;
        socket.set_tcp_notsent_lowat(UNSENT_BYTES_LOW)?;
    }
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    socket.set_send_buffer_size(usize::try_from(UNSENT_BYTES_LOW).expect("32 KiB fit"))?;
    Ok(())
}
