//! Starting: from a configuration to a server that can be connected to.

use super::admission::Admission;
use super::clock::{Clock, unix_ms};
use super::connection::Connections;
use super::deadlines::{Deadlines, Delays};
use super::listener::Listener;
use super::operators::Operators;
use super::passwords::Passwords;
use super::server::{LISTENERS, Queues, SIGNALS, Server, WAKER};
use super::workers::Workers;
use super::{identity, random};
use crate::chat::{Chat, Door, Effects, Epoch, Kept, Rates, Settings, Snapshot};
use crate::config::{Bounds, Config, Mistake};
use crate::crypto::fingerprint::Fingerprint;
use crate::crypto::handshake::StaticKey;
use crate::fanout::{self, Fanout};
use crate::limits::{
    EMPTY_LINE_WAIT, LINGER_TIMEOUT, OPEN_FILES_RESERVED, READ_BYTES_PER_VISIT, RECORD_BYTES_MAX,
};
use crate::store::{MemoryStore, OpenError, Reader, Retention, SqliteStore, Store};
use crate::wire::sealed::ServerHandshake;
use mio::{Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use std::io::IsTerminal;
use std::net::{IpAddr, UdpSocket};
use std::sync::Arc;
use std::time::Duration;

/// Who the server is.
pub(super) struct Identity {
    key: Arc<StaticKey>,
    fingerprint: Fingerprint,
    /// Whether the key was made just now.
    is_new: bool,
    /// Whether it was started on a terminal, so that the terminal's end means its own.
    pub(super) has_terminal: bool,
}

impl Identity {
    /// A handshake with a new peer.
    pub(super) fn begin_handshake(&self) -> ServerHandshake {
        ServerHandshake::new(self.key.clone(), 0)
    }
}

impl Server {
    /// Opens the doors as `config` says.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] of the operator, or the machine's refusal, in words that say what to do.
    pub fn start(config: Config) -> Result<Self, Mistake> {
        let (key, is_new) = match &config.data {
            Some(folder) => identity::load_or_create(folder, random::bytes())?,
            None => (StaticKey::generate(random::bytes()), true),
        };
        let identity = Identity {
            fingerprint: Fingerprint::of_server(&key.public()),
            key: Arc::new(key),
            is_new,
            has_terminal: std::io::stdin().is_terminal(),
        };
        let (connections, clients_max) = reserve(&config)?;
        let mut listeners = Listener::bind(Door::Sealed, &config.sealed)?;
        listeners.extend(Listener::bind(Door::Line, &config.line)?);
        let poll = Poll::new().map_err(refused_by_system)?;
        let signals = register(&poll, &mut listeners)?;
        let waker = Arc::new(Waker::new(poll.registry(), WAKER).map_err(refused_by_system)?);
        let memory = Memory::open(&config)?;
        let workers = Workers::start(memory.store, memory.reader, waker.clone())
            .map_err(refused_by_system)?;
        let passwords = Passwords::start(waker.clone()).map_err(refused_by_system)?;
        // After the store, for it is the store that makes sure of the folder.
        let operators = Operators::start(&config, poll.registry(), waker)?;
        let mut server = Self {
            operators,
            admission: Admission::new(&config, clients_max),
            deadlines: Deadlines::new(delays(&config.bounds)),
            chat: Chat::begin(settings(&config, memory.kept), memory.snapshot),
            fanout: Fanout::new(fanout_bounds(&config.bounds, memory.kept)),
            config,
            identity,
            poll,
            clock: Clock::start(),
            signals,
            listeners,
            connections,
            workers,
            passwords,
            effects: Effects::new(),
            queues: Queues::default(),
            scratch: vec![0; READ_BYTES_PER_VISIT + 2 * RECORD_BYTES_MAX],
            counters: super::counters::Counters::default(),
            incomplete_bytes: 0,
            accept_again: Duration::ZERO,
            stopping: None,
        };
        let now = server.clock.now();
        server.chat.reserve(clients_max);
        server.fanout.reserve(clients_max);
        server.chat.start(&mut server.effects);
        server.carry_out(now);
        server.record(concat!("started parlourd ", env!("CARGO_PKG_VERSION")), now);
        for warning in &server.config.warnings {
            log::warn!("{warning}");
        }
        Ok(server)
    }

    /// What the operator is told at the start, for a person to read.
    pub fn banner(&self) -> String {
        let doors = |door| {
            self.addresses(door)
                .map_or("closed".to_owned(), |found| found.join(", "))
        };
        let invitation = match self.address() {
            Some(address) => format!("others connect with: parlour '{address}'"),
            None => "the sealed door is closed: nobody can connect with the parlour client".into(),
        };
        format!(
            "parlourd {}: sealed door {}, line door {} (plain text)\n\
             {}; room for {} clients; {}\n\
             rates, bounds per address and refusal at random do not apply to {}\n\
             {invitation}",
            env!("CARGO_PKG_VERSION"),
            doors(Door::Sealed),
            doors(Door::Line),
            self.data_words(),
            self.connections.capacity(),
            if has_fast_aes() {
                "AES in hardware"
            } else {
                "AES in software, several times slower"
            },
            self.config.trusted,
        )
    }

    /// Where the data is, who said so, whether it was there before, and what is kept of it.
    fn data_words(&self) -> String {
        let age = if self.identity.is_new {
            "new"
        } else {
            "existing"
        };
        let config = &self.config;
        let (Some(folder), Some(origin)) = (&config.data, config.data_origin) else {
            return "nothing is kept, not even this server's key".to_owned();
        };
        let folder = folder.display();
        if config.ephemeral {
            format!("{age} key from {folder}; nothing else is kept")
        } else {
            format!("data in {folder} ({age}, {origin}); what is said is kept")
        }
    }

    /// The line that scripts wait for.
    pub fn ready_line(&self) -> String {
        let doors = |door| {
            self.addresses(door)
                .map_or("off".to_owned(), |found| found.join(","))
        };
        format!(
            "ready sealed={} line={} metrics={} fingerprint={} address={}",
            doors(Door::Sealed),
            doors(Door::Line),
            self.operators
                .metrics_address()
                .map_or("off".to_owned(), |address| address.to_string()),
            self.identity.fingerprint,
            self.address().unwrap_or_else(|| "off".to_owned()),
        )
    }

    fn addresses(&self, door: Door) -> Option<Vec<String>> {
        let found: Vec<String> = self
            .listeners
            .iter()
            .filter(|listener| listener.door == door)
            .map(|listener| listener.address.to_string())
            .collect();
        (!found.is_empty()).then_some(found)
    }

    /// The address under which the bundled client finds this server, unless that door is closed.
    fn address(&self) -> Option<String> {
        let sealed = self
            .listeners
            .iter()
            .find(|listener| listener.door == Door::Sealed)?;
        Some(format!(
            "parlour://{}:{}#{}",
            self.host(sealed.address.ip()),
            sealed.address.port(),
            self.identity.fingerprint
        ))
    }

    /// The host by which others reach this server, as well as it can know.
    fn host(&self, bound: IpAddr) -> String {
        if let Some(name) = &self.config.public_name {
            return name.clone();
        }
        let specific = Some(bound).filter(|host| !host.is_unspecified());
        match specific.or_else(default_route) {
            Some(IpAddr::V6(host)) => format!("[{host}]"),
            Some(IpAddr::V4(host)) => host.to_string(),
            None => "localhost".to_owned(),
        }
    }
}

/// What the server remembers, and what it remembers with.
struct Memory {
    store: Box<dyn Store>,
    /// Absent when nothing is kept that could be read.
    reader: Option<Box<dyn Reader>>,
    snapshot: Snapshot,
    kept: Kept,
}

impl Memory {
    /// Opens the store in the data folder; or, if nothing is to be kept, one that forgets.
    fn open(config: &Config) -> Result<Self, Mistake> {
        let epoch = Epoch(random::bytes());
        let Some(folder) = config.data.as_ref().filter(|_| !config.ephemeral) else {
            return Ok(Self {
                store: Box::new(MemoryStore::new()),
                reader: None,
                snapshot: Snapshot::empty(epoch),
                kept: Kept::InMemory,
            });
        };
        let refused = |error: OpenError| Mistake(error.to_string());
        let store = SqliteStore::open(folder, epoch, retention(config)).map_err(refused)?;
        let clock = Clock::start();
        let reader = store
            .reader(Arc::new(move || clock.elapsed()))
            .map_err(refused)?;
        Ok(Self {
            snapshot: store.load(unix_ms()).map_err(refused)?,
            store: Box::new(store),
            reader: Some(Box::new(reader)),
            kept: Kept::Stored,
        })
    }
}

/// How long what is said is kept.
fn retention(config: &Config) -> Retention {
    let day = Duration::from_secs(24 * 3600);
    Retention {
        age: (config.history_days > 0).then(|| day * config.history_days),
        entries: Some(config.history_entries).filter(|entries| *entries > 0),
    }
}

/// The address that this machine would use towards others. Connecting a UDP socket only asks the
/// routing table; the addresses are those set aside for documentation (RFC 5737, RFC 3849).
fn default_route() -> Option<IpAddr> {
    let ask = |own: &str, other: &str| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect(other).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|host| !host.is_loopback())
    };
    ask("0.0.0.0:0", "192.0.2.1:9").or_else(|| ask("[::]:0", "[2001:db8::1]:9"))
}

/// Raises the bound on open files, and reserves room for as many clients as that allows.
fn reserve(config: &Config) -> Result<(Connections, usize), Mistake> {
    let files = raise_open_files();
    let mut clients = files
        .saturating_sub(OPEN_FILES_RESERVED)
        .min(config.bounds.clients);
    if clients == 0 {
        return Err(Mistake(format!(
            "only {files} files may be open, which leaves none for clients; raise it with ulimit -n"
        )));
    }
    loop {
        match Connections::reserve(clients) {
            Ok(connections) => return Ok((connections, clients)),
            Err(error) if clients > 1 => {
                log::warn!("no address space for {clients} clients ({error}); trying half");
                clients /= 2;
            }
            Err(error) => return Err(Mistake(format!("no memory for a single client: {error}"))),
        }
    }
}

/// Raises the soft bound on open files to the hard one, and forbids core dumps, which would
/// hold keys. Returns how many files may be open.
#[cfg(unix)]
fn raise_open_files() -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if let Err(error) = setrlimit(Resource::Core, no_core) {
        log::warn!("cannot forbid core dumps: {error}");
    }
    let files = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: files.maximum,
        maximum: files.maximum,
    };
    if let Err(error) = setrlimit(Resource::Nofile, raised) {
        log::warn!("cannot raise the bound on open files: {error}");
    }
    let now = getrlimit(Resource::Nofile).current;
    now.map_or(usize::MAX, |files| {
        usize::try_from(files).unwrap_or(usize::MAX)
    })
}

#[cfg(not(unix))]
fn raise_open_files() -> usize {
    usize::MAX
}

fn register(poll: &Poll, listeners: &mut [Listener]) -> Result<Signals, Mistake> {
    for (index, listener) in listeners.iter_mut().enumerate() {
        let token = Token(LISTENERS - index);
        poll.registry()
            .register(&mut listener.socket, token, Interest::READABLE)
            .map_err(refused_by_system)?;
    }
    let mut signals = Signals::new([SIGTERM, SIGINT, SIGHUP]).map_err(refused_by_system)?;
    poll.registry()
        .register(&mut signals, SIGNALS, Interest::READABLE)
        .map_err(refused_by_system)?;
    Ok(signals)
}

fn refused_by_system(error: std::io::Error) -> Mistake {
    Mistake(format!(
        "the system refused what every server needs: {error}"
    ))
}

pub(super) fn settings(config: &Config, kept: Kept) -> Settings {
    let bounds = &config.bounds;
    Settings {
        kept,
        rates: Rates {
            command_burst: bounds.rate_burst,
            commands_per_second: bounds.rate_per_second,
            byte_burst: bounds.bytes_burst,
            bytes_per_second: bounds.bytes_per_second,
        },
        guests_create_rooms: config.guests_create_rooms,
        rooms_max: bounds.rooms,
        rooms_per_guest: bounds.rooms_per_guest,
        rooms_per_account: bounds.rooms_per_account,
        accounts_max: bounds.accounts,
        guest_resume: bounds.resume_within,
        log_messages: config.log_messages,
        empty_line_leaves: config.empty_line_leaves,
        ..Settings::default()
    }
}

fn fanout_bounds(bounds: &Bounds, kept: Kept) -> fanout::Bounds {
    fanout::Bounds {
        has_store: match kept {
            Kept::Stored => true,
            Kept::InMemory | Kept::No => false,
        },
        room_log_bytes_min: bounds.room_log_bytes_min,
        room_log_bytes_max: bounds.room_log_bytes_max,
        logs_bytes_max: bounds.logs_bytes_max,
        unfinished_bytes_max: bounds.unfinished_bytes_max,
        ..fanout::Bounds::default()
    }
}

pub(super) fn delays(bounds: &Bounds) -> Delays {
    // Looked at often enough that silence is noticed within a quarter of the time between asking
    // and giving up.
    let silence = (bounds.gone_after - bounds.ping_after).min(bounds.ping_after) / 4;
    let shortest = Duration::from_millis(1);
    Delays([
        bounds.handshake_timeout,
        bounds.login_timeout,
        // One entry serves all messages of a connection, so it is looked at more often than it is
        // due.
        (bounds.message_timeout / 4).max(shortest),
        silence.max(shortest),
        EMPTY_LINE_WAIT,
        bounds.close_timeout,
        LINGER_TIMEOUT.min(bounds.close_timeout),
    ])
}

/// Whether the machine computes AES itself.
fn has_fast_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    false
}
