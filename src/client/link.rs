//! The link: one socket and one session on one poll, connected again when it is lost.
//!
//! Everything the client waits for wakes this poll: the socket, the signals, and through the
//! waker the threads that read the terminal or the input and look up names. A front calls
//! [`Link::turn`] in a loop and is told the news.

mod attempt;
mod ending;

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;

use self::attempt::Attempt;
pub use self::ending::Ending;
use super::address::Address;
use super::backoff::Backoff;
use super::channel::{ChannelError, ConnectionRandom};
use super::clock::{Clock, random_bytes};
use super::news::{Apart, News, Outlet};
use super::session::Session;
use crate::crypto::handshake::StaticKey;
use crate::crypto::record::CloseCode;
#[cfg(any(target_os = "linux", target_os = "android"))]
use crate::limits::UNSENT_BYTES_LOW;
use crate::limits::{
    CLIENT_EVENTS_PER_TURN, CLIENT_GOODBYE_TIMEOUT, CLIENT_READ_BYTES, CLIENT_READS_PER_TURN,
    GONE_AFTER, HANDSHAKE_TIMEOUT, RETRY_ATTEMPTS_MIN,
};

const SOCKET: Token = Token(0);
const WAKER: Token = Token(1);
const SIGNALS: Token = Token(2);

/// How long a lost connection, or one that never was, is tried again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// Not at all.
    Never,
    /// So long after it was lost.
    For(Duration),
    /// Not for the first connection, always for a lost one.
    OnceConnected,
}

/// What a turn has brought beside the news.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Turn {
    /// Whether the process was asked to stop.
    pub asked_to_stop: bool,
}

/// Whether there is a connection, for who shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// There is none; the next attempt begins in so long, if one does by itself.
    Apart {
        /// How long.
        again_in: Option<Duration>,
    },
    /// One is being made.
    Connecting,
    /// There is one, and the server has said welcome.
    Connected,
}

/// The link to one server.
pub struct Link {
    poll: Poll,
    events: Events,
    waker: Arc<Waker>,
    signals: Signals,
    clock: Clock,
    now: Duration,
    address: Address,
    session: Session,
    phase: Phase,
    retry: Retry,
    backoff: Backoff,
    /// Since when there is no working connection.
    apart_since: Duration,
    was_welcome: bool,
    /// Whether the user is being asked something: then a lost connection can wait.
    hold: bool,
    buffer: Vec<u8>,
    /// Until when the server's goodbye is awaited, once we are leaving.
    goodbye_by: Option<Duration>,
}

enum Phase {
    /// Nothing goes on before that time; never, when there is none.
    Apart { again_at: Option<Duration> },
    /// A connection is being made.
    Attempt(Attempt),
    /// There is one.
    Connected {
        socket: TcpStream,
        since: Duration,
        /// Whether the kernel may hold more: no edge will tell.
        readable: bool,
        shut: bool,
    },
    /// It is over.
    Ended(Ending),
}

impl Link {
    /// A link that begins to connect with its first turn.
    ///
    /// # Errors
    ///
    /// When the system gives no poll or takes no signal handlers.
    pub fn new(address: Address, session: Session, retry: Retry) -> io::Result<Self> {
        let poll = Poll::new()?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER)?);
        let mut signals = Signals::new([SIGTERM, SIGHUP, SIGINT])?;
        poll.registry()
            .register(&mut signals, SIGNALS, Interest::READABLE)?;
        let clock = Clock::start();
        let now = clock.now();
        Ok(Self {
            poll,
            events: Events::with_capacity(CLIENT_EVENTS_PER_TURN),
            waker,
            signals,
            clock,
            now,
            address,
            session,
            phase: Phase::Apart {
                again_at: Some(now),
            },
            retry,
            backoff: Backoff::default(),
            apart_since: now,
            was_welcome: false,
            hold: false,
            buffer: vec![0; CLIENT_READ_BYTES],
            goodbye_by: None,
        })
    }

    /// Wakes the poll from another thread.
    pub fn waker(&self) -> Arc<Waker> {
        Arc::clone(&self.waker)
    }

    /// The protocol side.
    pub fn session(&mut self) -> &mut Session {
        &mut self.session
    }

    /// The time of this turn.
    pub fn now(&self) -> Duration {
        self.now
    }

    /// How it ended, once it has.
    pub fn ending(&self) -> Option<&Ending> {
        match &self.phase {
            Phase::Ended(ending) => Some(ending),
            Phase::Apart { .. } | Phase::Attempt(_) | Phase::Connected { .. } => None,
        }
    }

    /// Ends the link at once.
    pub fn end(&mut self, ending: Ending) {
        self.session.disconnect();
        self.phase = Phase::Ended(ending);
    }

    /// Accepts the server's key, if it still waits for that; otherwise connects again.
    pub fn accept(&mut self, identity: Option<&StaticKey>, heard: &mut Outlet<'_>) {
        if self.session.awaits_acceptance() {
            let accepted = self.session.accept(identity, self.now, heard);
            self.judge(accepted, heard);
        }
        if let Phase::Apart { again_at } = &mut self.phase {
            *again_at = Some(self.now);
        }
    }

    /// Whether there is a connection.
    pub fn standing(&self) -> Standing {
        match self.phase {
            Phase::Apart { again_at } => Standing::Apart {
                again_in: again_at.map(|at| at.saturating_sub(self.now)),
            },
            Phase::Connected { .. } if self.session.conversation().is_welcome() => {
                Standing::Connected
            }
            Phase::Attempt(_) | Phase::Connected { .. } => Standing::Connecting,
            Phase::Ended(_) => Standing::Apart { again_in: None },
        }
    }

    /// Begins the next attempt with the next turn; tells whether one was waited for.
    pub fn try_now(&mut self) -> bool {
        match &mut self.phase {
            Phase::Apart { again_at } => {
                *again_at = Some(self.now);
                true
            }
            Phase::Attempt(_) | Phase::Connected { .. } | Phase::Ended(_) => false,
        }
    }

    /// Whether we are leaving.
    pub fn is_leaving(&self) -> bool {
        self.goodbye_by.is_some()
    }

    /// Leaves: what was said goes out, then CLOSE; the server's goodbye is awaited a while.
    pub fn leave(&mut self) {
        self.goodbye_by
            .get_or_insert(self.now + CLIENT_GOODBYE_TIMEOUT);
        self.session.close();
        if !self.session.is_established() {
            self.end(Ending::Clean);
        }
    }

    /// Waits for something to happen, at most until `deadline`, and deals with it.
    ///
    /// With `at_once` it waits for nothing. `hold` keeps a lost connection from being tried
    /// again while the user is asked something.
    ///
    /// # Errors
    ///
    /// When the poll itself fails.
    pub fn turn(
        &mut self,
        deadline: Option<Duration>,
        at_once: bool,
        hold: bool,
        heard: &mut Outlet<'_>,
    ) -> io::Result<Turn> {
        self.hold = hold;
        // What was said since the last turn goes out before we sleep.
        self.write(heard);
        let mut turn = Turn::default();
        if self.ending().is_some() {
            return Ok(turn);
        }
        let wait = match at_once || self.has_unread() {
            true => Some(Duration::ZERO),
            false => self
                .next_deadline(deadline)
                .map(|at| at.saturating_sub(self.now)),
        };
        match self.poll.poll(&mut self.events, wait) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => return Err(error),
            Ok(()) | Err(_) => {}
        }
        self.now = self.clock.now();
        for event in &self.events {
            match event.token() {
                SOCKET => {
                    if let Phase::Connected { readable, .. } = &mut self.phase {
                        *readable |= event.is_readable() || event.is_error();
                    }
                }
                SIGNALS => turn.asked_to_stop |= self.signals.pending().count() > 0,
                // The front looks at what its threads have for it in every turn.
                _ => {}
            }
        }
        self.progress(heard);
        self.read(heard);
        self.write(heard);
        self.expire(heard);
        Ok(turn)
    }

    fn has_unread(&self) -> bool {
        match self.phase {
            Phase::Connected { readable, .. } => readable,
            Phase::Apart { .. } | Phase::Attempt(_) | Phase::Ended(_) => false,
        }
    }

    fn next_deadline(&self, front: Option<Duration>) -> Option<Duration> {
        let own = match &self.phase {
            Phase::Apart { again_at } => again_at.filter(|_| !self.hold),
            Phase::Attempt(attempt) => attempt.deadline(),
            Phase::Connected { since, .. } => Some(self.gone_at(*since)),
            Phase::Ended(_) => None,
        };
        [front, own, self.goodbye_by].into_iter().flatten().min()
    }

    /// When a connection counts as lost if nothing more is heard.
    fn gone_at(&self, since: Duration) -> Duration {
        match self.session.heard_at() {
            Some(heard_at) if self.session.is_established() || self.session.awaits_acceptance() => {
                heard_at + GONE_AFTER
            }
            Some(_) | None => since + HANDSHAKE_TIMEOUT,
        }
    }

    /// Begins an attempt whose time has come, and goes on with one that is under way.
    fn progress(&mut self, heard: &mut Outlet<'_>) {
        if let Phase::Apart {
            again_at: Some(at), ..
        } = self.phase
            && at <= self.now
            && !self.hold
        {
            self.phase = Phase::Attempt(Attempt::resolve(&self.address, self.waker()));
        }
        let Phase::Attempt(attempt) = &mut self.phase else {
            return;
        };
        match attempt.progress(self.poll.registry(), SOCKET, self.now) {
            Ok(None) => {}
            Ok(Some(socket)) => {
                // Small messages must not wait for the answer to the one before.
                let _ = socket.set_nodelay(true);
                hold_little_unsent(&socket);
                self.session.connect(
                    ConnectionRandom {
                        ephemeral: random_bytes(),
                        throwaway: random_bytes(),
                        rekey: random_bytes::<1>()[0],
                    },
                    self.now,
                );
                self.phase = Phase::Connected {
                    socket,
                    since: self.now,
                    readable: true,
                    shut: false,
                };
            }
            Err(error) => {
                let advice = what_to_do(&error);
                let why = format!("cannot connect to {}: {error}{advice}", self.address);
                self.lost(&why, heard);
            }
        }
    }

    fn read(&mut self, heard: &mut Outlet<'_>) {
        for _ in 0..CLIENT_READS_PER_TURN {
            let Phase::Connected {
                socket, readable, ..
            } = &mut self.phase
            else {
                return;
            };
            if !*readable {
                return;
            }
            match socket.read(&mut self.buffer) {
                Ok(0) => return self.ended_by_peer(heard),
                Ok(count) => {
                    let bytes = &self.buffer[..count];
                    let received = self.session.receive(bytes, self.now, heard);
                    self.judge(received, heard);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => *readable = false,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    let why = format!("the connection broke: {error}");
                    self.lost(&why, heard);
                }
            }
        }
    }

    fn write(&mut self, heard: &mut Outlet<'_>) {
        let flushed = self.session.flush(self.now);
        self.judge(flushed, heard);
        while let Phase::Connected { socket, shut, .. } = &mut self.phase {
            let bytes = self.session.outgoing();
            if bytes.is_empty() {
                if self.session.has_closed() && !*shut {
                    *shut = true;
                    // It fails when the peer is gone, which the next read tells.
                    let _ = socket.shutdown(Shutdown::Write);
                    self.finish_if_both_closed(heard);
                }
                break;
            }
            match socket.write(bytes) {
                Ok(count) => {
                    self.session.consume_outgoing(count);
                    let flushed = self.session.flush(self.now);
                    self.judge(flushed, heard);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    // What the peer said before it broke the connection is more telling.
                    self.read(heard);
                    let why = format!("the connection broke: {error}");
                    self.lost(&why, heard);
                }
            }
        }
        self.was_welcome |= self.session.conversation().is_welcome();
    }

    /// Deals with what the session says of the connection.
    fn judge(&mut self, outcome: Result<(), ChannelError>, heard: &mut Outlet<'_>) {
        let Err(error) = outcome else {
            return;
        };
        // The closing record, if there is one; once, for the connection is of no more use.
        if let Phase::Connected { socket, .. } = &mut self.phase {
            let _ = socket.write(self.session.outgoing());
        }
        let why = ending::words(&error);
        match ending::is_final(&error) {
            true => self.end(Ending::Failed(why)),
            false => self.lost(&why, heard),
        }
    }

    fn ended_by_peer(&mut self, heard: &mut Outlet<'_>) {
        match self.session.server_close() {
            Some(code) => self.closed(code, heard),
            None if self.session.is_established() => {
                self.lost("the connection was cut without a goodbye", heard);
            }
            None => self.lost("the server closed the connection", heard),
        }
    }

    fn finish_if_both_closed(&mut self, heard: &mut Outlet<'_>) {
        if let Some(code) = self.session.server_close() {
            self.closed(code, heard);
        }
    }

    /// Both directions are closed.
    fn closed(&mut self, code: CloseCode, heard: &mut Outlet<'_>) {
        match Ending::of_close(code) {
            Ok(ending) => self.end(ending),
            Err(_) if self.goodbye_by.is_some() => self.end(Ending::Clean),
            Err(why) => {
                let reason = self.session.conversation().goodbye();
                self.lost(&with_reason(why, reason), heard);
            }
        }
    }

    fn lost(&mut self, why: &str, heard: &mut Outlet<'_>) {
        match self.phase {
            Phase::Ended(_) | Phase::Apart { .. } => return,
            Phase::Attempt(_) | Phase::Connected { .. } => {}
        }
        let connected = self.session.conversation().is_welcome();
        if let Phase::Connected { since, .. } = self.phase {
            self.backoff.held(self.now.saturating_sub(since));
        }
        self.session.disconnect();
        if self.goodbye_by.is_some() {
            self.phase = Phase::Ended(Ending::Failed(why.to_owned()));
            return;
        }
        if connected {
            self.apart_since = self.now;
            // The welcome and the loss may have come with one reading.
            self.was_welcome = true;
        }
        if self.hold {
            // The server did not wait for the answer; with it we come back.
            self.phase = Phase::Apart {
                again_at: Some(self.now),
            };
            return;
        }
        let [a, b, c, d] = random_bytes();
        let wait = self.backoff.next(u32::from_be_bytes([a, b, c, d]));
        let wait = match self.retry {
            Retry::Never => None,
            Retry::OnceConnected => self.was_welcome.then_some(wait),
            Retry::For(limit) => (self.apart_since + limit)
                .checked_sub(self.now)
                .filter(|left| !left.is_zero())
                // Often enough that the time is made use of.
                .map(|left| wait.min(limit / RETRY_ATTEMPTS_MIN).min(left)),
        };
        let Some(again_after) = wait else {
            self.phase = Phase::Ended(Ending::Failed(why.to_owned()));
            return;
        };
        self.phase = Phase::Apart {
            again_at: Some(self.now + again_after),
        };
        heard(News::Apart(Apart {
            why,
            again_after: Some(again_after),
        }));
    }

    fn expire(&mut self, heard: &mut Outlet<'_>) {
        if self.goodbye_by.is_some_and(|by| by <= self.now) && self.ending().is_none() {
            return self.end(Ending::Failed("the server did not say goodbye".to_owned()));
        }
        if let Phase::Connected { since, .. } = self.phase
            && self.gone_at(since) <= self.now
        {
            let why = match self.session.is_established() {
                true => "nothing was heard from the server for too long",
                false => "the server did not answer; is that Parlour's sealed port?",
            };
            self.lost(why, heard);
        }
    }
}

/// Lets the kernel hold little that is not sent: what is said goes out behind it, and a file would
/// fill all it takes. Where the system refuses, what is said may be late.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn hold_little_unsent(socket: &TcpStream) {
    let _ = socket2::SockRef::from(socket).set_tcp_notsent_lowat(UNSENT_BYTES_LOW);
}

/// Elsewhere the system decides.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn hold_little_unsent(_: &TcpStream) {}

/// The addresses of a host, as the resolver gives them.
type Resolved = io::Result<Vec<SocketAddr>>;

/// Why a connection was closed, with the server's own reason if that says more.
fn with_reason(why: &str, reason: Option<&str>) -> String {
    let Some(reason) = reason else {
        return why.to_owned();
    };
    // Both may say the same in their beginning: the server is stopping: for an upgrade.
    match reason.strip_prefix(why.trim_start_matches("the ")) {
        Some(rest) => format!("{why}{rest}"),
        None => format!("{why} ({reason})"),
    }
}

/// What a person can look at when a connection does not come about.
#[expect(clippy::wildcard_enum_match_arm, reason = "the system has many more")]
pub(super) fn what_to_do(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            "; nothing listens there: see whether parlourd runs, and on which port (4747 by default)"
        }
        io::ErrorKind::TimedOut => {
            "; see whether the address is right and no firewall stands between"
        }
        io::ErrorKind::NetworkUnreachable | io::ErrorKind::HostUnreachable => {
            "; see whether this machine is connected to a network that leads there"
        }
        // What the resolver says has no kind of its own.
        _ if error.raw_os_error().is_none() => "; check how the host is spelt",
        _ => "",
    }
}

#[cfg(test)]
mod tests {
    use super::with_reason;

    #[test]
    fn a_reason_is_told_once() {
        let why = "the server is stopping";
        for (reason, words) in [
            (None, why),
            (Some("server is stopping"), why),
            (
                Some("server is stopping: new disk"),
                "the server is stopping: new disk",
            ),
            (Some("no more"), "the server is stopping (no more)"),
        ] {
            assert_eq!(with_reason(why, reason), words);
        }
    }
}
