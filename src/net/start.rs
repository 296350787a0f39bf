//! Starting: from a configuration to a server that can be connected to.

mod memory;
mod words;

use self::memory::{Memory, SpoolMemory};
use super::admission::Admission;
use super::clock::Clock;
use super::connection::Connections;
use super::deadlines::Deadlines;
use super::files::Files;
use super::listener::Listener;
use super::operators::Operators;
use super::passwords::Passwords;
use super::server::{LISTENERS, Queues, SIGNALS, Server, WAKER};
use super::settings::{delays, fanout_bounds, settings};
use super::spool::SpoolThreads;
use super::workers::Workers;
use super::{identity, random};
use crate::chat::{Chat, Door, Effects};
use crate::config::{Config, Mistake};
use crate::crypto::fingerprint::Fingerprint;
use crate::crypto::handshake::StaticKey;
use crate::fanout::Fanout;
use crate::files::Transfers;
use crate::limits::{OPEN_FILES_RESERVED, READ_BYTES_PER_VISIT, RECORD_BYTES_MAX};
use crate::wire::sealed::ServerHandshake;
use mio::{Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use std::io::IsTerminal;
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
        let spool = SpoolMemory::open(&config, memory.snapshot.epoch)?;
        let files = Files {
            transfers: Transfers::new(spool.offers.clone()),
            threads: SpoolThreads::start(spool.spool, spool.reader, waker.clone())
                .map_err(refused_by_system)?,
        };
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
            files,
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
        let offers = spool.offers.into_iter().map(|(record, _)| record);
        server
            .chat
            .adopt_files(offers.collect(), spool.last, &mut server.effects);
        server.carry_out(now);
        server.record(concat!("started parlourd ", env!("CARGO_PKG_VERSION")), now);
        for warning in &server.config.warnings {
            log::warn!("{warning}");
        }
        Ok(server)
    }
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
