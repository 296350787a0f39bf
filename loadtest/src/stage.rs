//! The stage: the server a run is played on, given or started, and how to reach it.

use crate::link::Protocol;
use crate::machine;
use crate::options::{Door, Options, Target};
use crate::source::Sources;
use crate::spawn::{Keeping, Restart, Server};
use crate::{Ending, Failure, Mistake};
use parlour::crypto::fingerprint::Fingerprint;
use std::net::{SocketAddr, ToSocketAddrs};

/// A server, and how to reach it.
pub(crate) struct Stage {
    /// What is spoken there.
    pub(crate) protocol: Protocol,
    /// Where it is.
    pub(crate) address: SocketAddr,
    /// Who it is, if that is known.
    pub(crate) fingerprint: Option<Fingerprint>,
    /// Its process, if it is on this machine and known.
    pub(crate) process: Option<u32>,
    /// From where it is reached.
    pub(crate) sources: Sources,
    /// The server, if it was started here; it is stopped when the stage is taken down.
    pub(crate) started: Option<Server>,
}

impl Stage {
    /// The server that `target` names, or one that is started.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] when the address is none or not allowed, a [`Failure`] when the server does
    /// not start.
    pub(crate) fn set(target: &Target, options: &Options) -> Result<Self, Ending> {
        if let Some(pin) = options.pin {
            machine::pin(pin.load)?;
        }
        if let Some(url) = &options.against {
            let is_ours = options.spawn || options.keeping() != Keeping::Nothing;
            if target.address.is_some() || is_ours {
                let words = "--against names a server; leave the address, --spawn, --store and \
                             --data out";
                return Err(Mistake(words.to_owned()).into());
            }
            return Ok(Self::foreign(url, options)?.reached_from(options));
        }
        let stage = match &target.address {
            Some(address) if options.spawn => {
                return Err(Mistake(format!(
                    "--spawn starts a server, and {address} names one; leave one of them out"
                ))
                .into());
            }
            Some(address) if options.keeping() != Keeping::Nothing => {
                return Err(Mistake(format!(
                    "--store and --data are for a server that is started here, and {address} names \
                     one; leave one of them out"
                ))
                .into());
            }
            Some(address) => Self::given(address, options)?,
            None if options.server_pid.is_some() => {
                let words = "--server-pid is for a server that is named by its address; one that \
                             is started here is watched anyway";
                return Err(Mistake(words.to_owned()).into());
            }
            None => Self::started(options)?,
        };
        Ok(stage.reached_from(options))
    }

    /// The floor, in a process of its own.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when it does not start.
    pub(crate) fn floor(options: &Options) -> Result<Self, Ending> {
        let server = start_pinned(options, Server::floor)?;
        let address = address_of(&server, "line")?;
        Ok(Self::of(Protocol::Bare, address, Some(server)))
    }

    /// A server of our own that keeps what is said, whatever the options say of it.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when the server does not start, a [`Mistake`] when it is not there.
    pub(crate) fn storing(options: &Options) -> Result<Self, Ending> {
        let storing = Options {
            store: true,
            ..options.clone()
        };
        Self::set(&Target::default(), &storing)
    }

    /// Ends the server that was started here, and starts it once more where it was.
    ///
    /// # Errors
    ///
    /// A [`Failure`] when it does not become ready again.
    ///
    /// # Panics
    ///
    /// When it was not started here.
    pub(crate) fn restart(
        &mut self,
        options: &Options,
        is_killed: bool,
    ) -> Result<Restart, Ending> {
        let server = self.started.as_mut().expect("it was started here");
        let restarted = start_pinned(options, || Ok(server.restart(is_killed)?))?;
        self.process = Some(server.process());
        Ok(restarted)
    }

    fn given(text: &str, options: &Options) -> Result<Self, Ending> {
        let (place, fingerprint) = match text.split_once('#') {
            Some((place, fingerprint)) => {
                let parsed = fingerprint.parse::<Fingerprint>().map_err(|_| {
                    Mistake(format!("{fingerprint} is no fingerprint of 32 characters"))
                })?;
                (place, Some(parsed))
            }
            None => (text, None),
        };
        let place = place.strip_prefix("parlour://").unwrap_or(place);
        let address = resolve(place, options)?;
        let mut stage = Self::of(protocol(options), address, None);
        stage.fingerprint = fingerprint;
        stage.process = options.server_pid;
        Ok(stage)
    }

    fn foreign(url: &str, options: &Options) -> Result<Self, Ending> {
        let (protocol, place) = match url.split_once("://") {
            Some(("redis", place)) => (Protocol::Redis, place),
            Some(("irc", place)) => (Protocol::Irc, place),
            Some(_) | None => {
                let words = format!("{url} is neither redis://HOST:PORT nor irc://HOST:PORT");
                return Err(Mistake(words).into());
            }
        };
        let address = resolve(place.trim_end_matches('/'), options)?;
        let mut stage = Self::of(protocol, address, None);
        // Some take 127.0.0.1 alone for this machine.
        stage.sources = Sources::System;
        stage.process = options.server_pid;
        Ok(stage)
    }

    fn started(options: &Options) -> Result<Self, Ending> {
        let named = options.parlourd.as_deref();
        let server = start_pinned(options, || Server::parlourd(named, &options.keeping()))?;
        let door = match options.door {
            Door::Sealed => "sealed",
            Door::Line => "line",
        };
        let address = address_of(&server, door)?;
        let fingerprint = server
            .word("fingerprint")
            .and_then(|word| word.parse().ok());
        let mut stage = Self::of(protocol(options), address, Some(server));
        stage.fingerprint = fingerprint;
        Ok(stage)
    }

    fn of(protocol: Protocol, address: SocketAddr, started: Option<Server>) -> Self {
        Self {
            protocol,
            address,
            fingerprint: None,
            process: started.as_ref().map(Server::process),
            sources: Sources::fitting(address),
            started,
        }
    }

    fn reached_from(mut self, options: &Options) -> Self {
        if !options.source_ip.is_empty() {
            self.sources = Sources::Listed(options.source_ip.clone());
        }
        self
    }
}

/// The address of `HOST:PORT`, if a load may be put on it.
fn resolve(place: &str, options: &Options) -> Result<SocketAddr, Mistake> {
    let address = place
        .to_socket_addrs()
        .ok()
        .and_then(|mut found| found.next())
        .ok_or_else(|| Mistake(format!("{place} is no HOST:PORT that can be found")))?;
    if address.ip().is_loopback() || options.remote {
        return Ok(address);
    }
    Err(Mistake(format!(
        "{address} is not this machine; a load test can take a server down, so say --remote when \
         its operator agrees"
    )))
}

const fn protocol(options: &Options) -> Protocol {
    match options.door {
        Door::Sealed => Protocol::Sealed(options.suite.as_suite()),
        Door::Line => Protocol::Line,
    }
}

/// Starts a server on the processor it is to have, and goes to our own.
fn start_pinned<T>(
    options: &Options,
    start: impl FnOnce() -> Result<T, Ending>,
) -> Result<T, Ending> {
    if let Some(pin) = options.pin {
        machine::pin(pin.server)?;
    }
    let started = start()?;
    if let Some(pin) = options.pin {
        machine::pin(pin.load)?;
    }
    Ok(started)
}

fn address_of(server: &Server, door: &str) -> Result<SocketAddr, Failure> {
    server
        .word(door)
        .and_then(|word| word.parse().ok())
        .ok_or_else(|| Failure(format!("the server's ready line names no {door} door")))
}
