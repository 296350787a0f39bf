//! Check: what is wrong with a connection, one step after the other.
//!
//! The name, the port, the door, the key: each has its own words and its own advice. It ends where
//! the client would have to show who it is, so nobody joins and the server learns nothing. Blocks,
//! for nothing else is to be done meanwhile.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};

use super::address::Address;
use super::channel::ChannelError;
use super::clock::{Clock, random_bytes};
use super::exit::Exit;
use super::link::what_to_do;
use super::trust::{Decision, Trust};
use crate::crypto::fingerprint::Fingerprint;
use crate::crypto::handshake::PublicKey;
use crate::crypto::record::Suite;
use crate::limits::{CLIENT_READ_BYTES, CONNECT_TIMEOUT, HANDSHAKE_TIMEOUT};
use crate::wire::sealed::ClientHandshake;

/// Looks at the connection to the server that `trust` is about, and says what it finds.
///
/// [`Exit::Lost`] when there is none, [`Exit::Key`] when its key is unknown or another one.
pub fn check(trust: &Trust, suite: Suite) -> Exit {
    let address = trust.address();
    let clock = Clock::start();
    let found = look_up(address)
        .and_then(|places| connect(&places, &clock))
        .and_then(|socket| shake_hands(socket, suite, &clock));
    match found {
        Ok(key) => judge(trust, &key),
        Err(advice) => {
            say("so", &advice);
            Exit::Lost
        }
    }
}

/// One step of the report.
fn say(step: &str, words: &str) {
    for (index, line) in words.lines().enumerate() {
        let step = if index == 0 { step } else { "" };
        // Where nobody reads it, nobody misses it; the exit code still tells.
        let _ = writeln!(io::stdout(), "{step:<6}{line}");
    }
}

fn look_up(address: &Address) -> Result<Vec<SocketAddr>, String> {
    let host = &address.host;
    let resolved = (host.as_str(), address.port).to_socket_addrs();
    let mut places: Vec<SocketAddr> = match resolved {
        Ok(places) => places.collect(),
        Err(error) => {
            say("name", &format!("{host} cannot be looked up: {error}"));
            return Err(format!(
                "check how {host} is spelt, and whether this machine has a connection"
            ));
        }
    };
    places.dedup();
    let list: Vec<String> = places.iter().map(|place| place.ip().to_string()).collect();
    if list.is_empty() {
        say("name", &format!("{host} has no address"));
        return Err(format!("check how {host} is spelt"));
    }
    if list != [host.as_str()] {
        say("name", &format!("{host} is {}", list.join(", ")));
    }
    Ok(places)
}

/// The first of `places` that takes a connection, as the client itself would try them.
fn connect(places: &[SocketAddr], clock: &Clock) -> Result<TcpStream, String> {
    let mut advice = "";
    for place in places {
        let begun = clock.now();
        match TcpStream::connect_timeout(place, CONNECT_TIMEOUT) {
            Ok(socket) => {
                let took = milliseconds(begun, clock);
                say("port", &format!("{place} takes connections, after {took}"));
                return Ok(socket);
            }
            Err(error) => {
                say("port", &format!("{place}: {error}"));
                advice = what_to_do(&error);
            }
        }
    }
    let advice = advice.trim_start_matches("; ");
    Err(match advice {
        "" => "there is no way to that port from here".to_owned(),
        advice => advice.to_owned(),
    })
}

/// The server's part of the handshake; gives the key that it has proven to hold.
fn shake_hands(mut socket: TcpStream, suite: Suite, clock: &Clock) -> Result<PublicKey, String> {
    let begun = clock.now();
    let mut hello = Vec::new();
    let mut handshake = ClientHandshake::start(suite, random_bytes(), &mut hello);
    let mut bytes = vec![0; CLIENT_READ_BYTES];
    let timeout = Some(HANDSHAKE_TIMEOUT);
    let ready = socket
        .set_read_timeout(timeout)
        .and_then(|()| socket.write_all(&hello));
    ready.map_err(broken)?;
    loop {
        let count = socket.read(&mut bytes).map_err(broken)?;
        if count == 0 {
            say("door", "the server closed the connection without a word");
            return Err("is it Parlour that listens there, and is it up to date?".to_owned());
        }
        match handshake.read_reply(&mut &bytes[..count]) {
            Ok(None) => {}
            Ok(Some(offer)) => {
                let took = milliseconds(begun, clock);
                let suite = suite.to_wire();
                say("door", &format!("sealed, in suite {suite}, after {took}"));
                return Ok(offer.server_key);
            }
            Err(error) => {
                let words = ChannelError::Handshake(error).to_string();
                let (what, advice) = words.split_once("; ").unwrap_or((
                    &words,
                    "whoever runs the server can tell more; a newer parlour may help",
                ));
                say("door", what);
                return Err(advice.to_owned());
            }
        }
    }
}

/// Says that the connection broke during the handshake; gives the advice.
fn broken(error: io::Error) -> String {
    let is_timeout = matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut);
    let (what, advice) = if is_timeout {
        (
            "no answer came".to_owned(),
            "something takes connections there but does not answer: another program, a server \
             that is overloaded, or a firewall that swallows what is said",
        )
    } else {
        (
            error.to_string(),
            "the connection was broken off: by another program than Parlour, or by a firewall",
        )
    };
    say("door", &what);
    advice.to_owned()
}

fn judge(trust: &Trust, key: &PublicKey) -> Exit {
    let shown = Fingerprint::of_server(key);
    let address = trust.address();
    match trust.judge(key) {
        Decision::Accept => {
            let (why, address) = match address.fingerprint {
                Some(_) => (
                    "as the address says",
                    format!("'parlour://{address}#{shown}'"),
                ),
                None => ("as remembered", address.to_string()),
            };
            say("key", &format!("{}, {why}", shown.grouped()));
            say("so", &format!("all is well: parlour {address} connects"));
            Exit::Done
        }
        Decision::Ask(shown) => {
            say("key", &format!("{}, not known here yet", shown.grouped()));
            say("so", &trust.unknown_words(shown));
            Exit::Key
        }
        Decision::Refuse(words) => {
            say("key", &format!("{}, NOT THE RIGHT ONE", shown.grouped()));
            say("so", &words);
            Exit::Key
        }
    }
}

fn milliseconds(begun: std::time::Duration, clock: &Clock) -> String {
    let took = clock.now().saturating_sub(begun);
    format!("{:.1} ms", took.as_secs_f64() * 1_000.0)
}
