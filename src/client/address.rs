//! Addresses of servers, as people type them and as the server prints them.
//!
//! `host`, `host:port`, `[v6]:port`, `parlour://host:port#fingerprint`, or host and port as two
//! words. Pure: nothing is looked up here.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use crate::crypto::fingerprint::{Fingerprint, FingerprintError};

/// The sealed door's port when none is named.
pub const DEFAULT_PORT: u16 = 4747;
/// Where to connect when nothing is said.
pub const DEFAULT_HOST: &str = "localhost";

const SCHEME: &str = "parlour://";

/// Where a server is, and which one it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// A name or a numeric address, in lower case and without brackets.
    pub host: String,
    /// The port of its sealed door.
    pub port: u16,
    /// The fingerprint its key must have; asked or remembered when absent.
    pub fingerprint: Option<Fingerprint>,
}

/// Why a text is no address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AddressError {
    /// There is no host in it.
    NoHost,
    /// A host cannot have that character.
    BadHost(char),
    /// What stands where the port should is none.
    BadPort(String),
    /// It begins with the scheme of something else.
    BadScheme(String),
    /// Brackets hold no IPv6 address.
    BadBrackets,
    /// What follows `#` is no fingerprint.
    BadFingerprint(FingerprintError),
    /// The port is given twice.
    TwoPorts,
}

impl Address {
    /// The server on this machine, on the usual port.
    pub fn local() -> Self {
        Self {
            host: DEFAULT_HOST.to_owned(),
            port: DEFAULT_PORT,
            fingerprint: None,
        }
    }

    /// Reads an address, and a port given as a word of its own.
    ///
    /// # Errors
    ///
    /// [`AddressError`] says what is wrong and shows how it is written.
    pub fn parse(text: &str, port: Option<&str>) -> Result<Self, AddressError> {
        let (place, fingerprint) = match text.split_once('#') {
            Some((place, print)) => {
                let print = Fingerprint::from_str(print).map_err(AddressError::BadFingerprint)?;
                (place, Some(print))
            }
            None => (text, None),
        };
        let place = without_scheme(place)?;
        let (host, inner_port) = split_port(place)?;
        check_host(host)?;
        let port = match (inner_port, port) {
            (Some(_), Some(_)) => return Err(AddressError::TwoPorts),
            (Some(port), None) | (None, Some(port)) => parse_port(port)?,
            (None, None) => DEFAULT_PORT,
        };
        Ok(Self {
            host: host.to_ascii_lowercase(),
            port,
            fingerprint,
        })
    }
}

fn without_scheme(place: &str) -> Result<&str, AddressError> {
    if let Some(rest) = place.strip_prefix(SCHEME) {
        return Ok(rest.strip_suffix('/').unwrap_or(rest));
    }
    match place.split_once("://") {
        Some((scheme, _)) => Err(AddressError::BadScheme(scheme.to_owned())),
        None => Ok(place),
    }
}

/// Host and port of `host`, `host:port`, `[v6]`, `[v6]:port` or a bare IPv6 address.
fn split_port(place: &str) -> Result<(&str, Option<&str>), AddressError> {
    if let Some(rest) = place.strip_prefix('[') {
        let (host, behind) = rest.split_once(']').ok_or(AddressError::BadBrackets)?;
        if without_zone(host).parse::<Ipv6Addr>().is_err() {
            return Err(AddressError::BadBrackets);
        }
        return match (behind.is_empty(), behind.strip_prefix(':')) {
            (true, _) => Ok((host, None)),
            (false, Some(port)) => Ok((host, Some(port))),
            (false, None) => Err(AddressError::BadBrackets),
        };
    }
    // More than one colon can only be an IPv6 address without brackets, so it has no port.
    if without_zone(place).parse::<Ipv6Addr>().is_ok() {
        return Ok((place, None));
    }
    Ok(match place.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (place, None),
    })
}

/// An IPv6 address without the interface it is reached through.
fn without_zone(host: &str) -> &str {
    host.split_once('%').map_or(host, |(address, _)| address)
}

fn check_host(host: &str) -> Result<(), AddressError> {
    if host.is_empty() {
        return Err(AddressError::NoHost);
    }
    let fits = |character: &char| {
        character.is_ascii_alphanumeric() || matches!(character, '.' | '-' | '_' | ':' | '%')
    };
    match host.chars().find(|character| !fits(character)) {
        Some(character) => Err(AddressError::BadHost(character)),
        None if host.starts_with('-') => Err(AddressError::BadHost('-')),
        None => Ok(()),
    }
}

fn parse_port(text: &str) -> Result<u16, AddressError> {
    match text.parse() {
        Ok(port) if port != 0 => Ok(port),
        Ok(_) | Err(_) => Err(AddressError::BadPort(text.to_owned())),
    }
}

/// `host:port`, with brackets around an IPv6 address; under this a server is remembered.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl fmt::Display for AddressError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoHost => f.write_str("the address has no host; write HOST or HOST:PORT"),
            Self::BadHost(character) => write!(
                f,
                "a host cannot have {character:?} here; write HOST, HOST:PORT, [IPV6]:PORT \
                 or parlour://HOST:PORT#FINGERPRINT"
            ),
            Self::BadPort(text) => {
                write!(f, "{text:?} is no port; a port is a number from 1 to 65535")
            }
            Self::BadScheme(scheme) => write!(
                f,
                "{scheme}:// is not Parlour's; write HOST:PORT or \
                 parlour://HOST:PORT#FINGERPRINT as the server prints it"
            ),
            Self::BadBrackets => {
                f.write_str("brackets are for an IPv6 address, as in [2001:db8::1]:4747")
            }
            Self::BadFingerprint(error) => write!(f, "what follows # is no fingerprint: {error}"),
            Self::TwoPorts => f.write_str("the port is given twice; write HOST:PORT or HOST PORT"),
        }
    }
}

impl std::error::Error for AddressError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> (String, u16) {
        let address = Address::parse(text, None).unwrap();
        (address.host, address.port)
    }

    #[test]
    fn every_way_to_write_an_address_is_understood() {
        let is = |host: &str, port| (host.to_owned(), port);
        assert_eq!(parsed("chat.example"), is("chat.example", 4747));
        assert_eq!(parsed("Chat.Example:99"), is("chat.example", 99));
        assert_eq!(parsed("127.0.0.1:5000"), is("127.0.0.1", 5000));
        assert_eq!(parsed("::1"), is("::1", 4747));
        assert_eq!(parsed("[::1]"), is("::1", 4747));
        assert_eq!(parsed("[fe80::1%eth0]:5"), is("fe80::1%eth0", 5));
        assert_eq!(parsed("parlour://h:1"), is("h", 1));
        assert_eq!(parsed("parlour://[::1]:7/"), is("::1", 7));
        let two_words = Address::parse("host", Some("4000")).unwrap();
        assert_eq!(two_words.port, 4000);
    }

    #[test]
    fn an_address_is_remembered_in_one_form() {
        for text in ["::1", "[::1]", "[::1]:4747", "parlour://[::1]:4747"] {
            let shown = Address::parse(text, None).unwrap().to_string();
            assert_eq!(shown, "[::1]:4747");
            assert_eq!(Address::parse(&shown, None).unwrap().to_string(), shown);
        }
        assert_eq!(Address::local().to_string(), "localhost:4747");
    }

    #[test]
    fn the_fingerprint_of_an_address_is_kept() {
        let print = Fingerprint([7; 20]);
        let text = format!("parlour://chat.example:4747#{print}");
        let address = Address::parse(&text, None).unwrap();
        assert_eq!(address.fingerprint, Some(print));
        assert_eq!(address.to_string(), "chat.example:4747");
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        let refused = |text| Address::parse(text, None).unwrap_err();
        assert_eq!(refused(""), AddressError::NoHost);
        assert_eq!(refused(":4747"), AddressError::NoHost);
        assert_eq!(refused("a b"), AddressError::BadHost(' '));
        assert_eq!(refused("bob@host"), AddressError::BadHost('@'));
        assert_eq!(refused("h:0"), AddressError::BadPort("0".into()));
        assert_eq!(refused("h:70000"), AddressError::BadPort("70000".into()));
        assert_eq!(refused("h:"), AddressError::BadPort(String::new()));
        assert_eq!(
            refused("https://h"),
            AddressError::BadScheme("https".into())
        );
        assert_eq!(refused("[::1"), AddressError::BadBrackets);
        assert_eq!(refused("[::1]4747"), AddressError::BadBrackets);
        assert_eq!(refused("[host]:1"), AddressError::BadBrackets);
        assert!(matches!(
            refused("parlour://h:1#short"),
            AddressError::BadFingerprint(_)
        ));
        assert_eq!(
            Address::parse("h:1", Some("2")),
            Err(AddressError::TwoPorts)
        );
    }
}
