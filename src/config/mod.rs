//! Configuration: what the operator may change, where it comes from, what it must satisfy.
//!
//! Later sources win: the defaults of [`crate::limits`], then `parlour.toml`, then the environment, then
//! flags. A file with a mistake is refused whole, with the line and what to write instead.

mod arguments;
mod bounds;
mod duration;
mod networks;
mod show;

pub use arguments::{Action, arguments};
pub use bounds::Bounds;
pub use networks::{Network, Networks};
pub use show::{effective, limits_table};

use serde::Deserialize;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};

/// The port of the sealed door.
pub const SEALED_PORT: u16 = 4747;
/// The port of the line door.
pub const LINE_PORT: u16 = 4748;

/// Everything the server must know before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the sealed door listens; closed when empty.
    pub sealed: Vec<SocketAddr>,
    /// Where the line door listens; closed when empty.
    pub line: Vec<SocketAddr>,
    /// The data folder, if one was named.
    pub data: Option<PathBuf>,
    /// Nothing is kept.
    pub ephemeral: bool,
    /// The host that others use to reach this server.
    pub public_name: Option<String>,
    /// Networks that are exempt from rates, per-source bounds and refusal at random.
    pub trusted: Networks,
    /// Whether an empty line means leaving.
    pub empty_line_leaves: bool,
    /// Whether guests may create rooms.
    pub guests_create_rooms: bool,
    /// The bounds that may be changed.
    pub bounds: Bounds,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sealed: vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, SEALED_PORT))],
            line: vec![
                SocketAddr::from((Ipv4Addr::LOCALHOST, LINE_PORT)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, LINE_PORT)),
            ],
            data: None,
            ephemeral: false,
            public_name: None,
            trusted: Networks::private(),
            empty_line_leaves: true,
            guests_create_rooms: true,
            bounds: Bounds::default(),
        }
    }
}

/// The operator's mistake, in words that say what to do; the process ends with exit code 2.
#[derive(Debug, PartialEq, Eq)]
pub struct Mistake(pub String);

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `parlour.toml` as it is written; what is absent keeps its default.
#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    sealed: Option<String>,
    line: Option<String>,
    public_name: Option<String>,
    trusted: Option<Networks>,
    empty_line: Option<EmptyLine>,
    guests_create_rooms: Option<bool>,
    limits: Bounds,
}

/// What an empty line does.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
enum EmptyLine {
    /// It leaves, as in the ancestors.
    Leave,
    /// Nothing.
    Ignore,
}

impl Config {
    /// Reads `path` over what is already set.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] when it cannot be read, or anything in it is wrong; nothing is changed then.
    pub fn read_file(&mut self, path: &Path) -> Result<(), Mistake> {
        let text = std::fs::read_to_string(path)
            .map_err(|error| Mistake(format!("cannot read {}: {error}", path.display())))?;
        self.read_text(&text)
            .map_err(|mistake| Mistake(format!("{}: {mistake}", path.display())))
    }

    /// Reads the text of a configuration file over what is already set.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] when anything in it is wrong; nothing is changed then.
    pub fn read_text(&mut self, text: &str) -> Result<(), Mistake> {
        let file: File = toml::from_str(text).map_err(|error| Mistake(error.to_string()))?;
        let mut changed = self.clone();
        if let Some(door) = &file.sealed {
            changed.sealed = sealed_door(door)?;
        }
        if let Some(door) = &file.line {
            changed.line = line_door(door)?;
        }
        if let Some(name) = file.public_name.filter(|name| !name.is_empty()) {
            changed.public_name = Some(public_name(&name)?);
        }
        changed.trusted = file.trusted.unwrap_or(changed.trusted);
        if let Some(empty_line) = file.empty_line {
            changed.empty_line_leaves = matches!(empty_line, EmptyLine::Leave);
        }
        changed.guests_create_rooms = file
            .guests_create_rooms
            .unwrap_or(changed.guests_create_rooms);
        changed.bounds = file.limits;
        changed.bounds.check()?;
        *self = changed;
        Ok(())
    }
}

/// Reads the name that others use: a host name or an address, an IPv6 one with or without brackets.
///
/// It is printed where shells and scripts read it, so nothing else may be in it.
fn public_name(text: &str) -> Result<String, Mistake> {
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    if bare.parse::<Ipv6Addr>().is_ok() {
        return Ok(format!("[{bare}]"));
    }
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
    if text.bytes().all(is_host) && !text.starts_with('-') {
        Ok(text.to_owned())
    } else {
        Err(Mistake(format!(
            "public-name: {text:?} is no host name or address; write \"chat.example.org\", without a \
             port"
        )))
    }
}

/// Parses the address of the sealed door: `off`, `PORT`, `HOST:PORT` or `HOST`.
///
/// # Errors
///
/// A [`Mistake`] that shows what an address looks like.
pub fn sealed_door(text: &str) -> Result<Vec<SocketAddr>, Mistake> {
    if text == "off" {
        return Ok(Vec::new());
    }
    door_address(text, Ipv6Addr::UNSPECIFIED.into(), SEALED_PORT).map(|address| vec![address])
}

/// Parses the address of the line door; beyond loopback it must be spelt `insecure:HOST:PORT`.
///
/// # Errors
///
/// A [`Mistake`] that shows what an address looks like, or says what plain text means.
pub fn line_door(text: &str) -> Result<Vec<SocketAddr>, Mistake> {
    if text == "off" {
        return Ok(Vec::new());
    }
    if let Some(spelt_out) = text.strip_prefix("insecure:") {
        return door_address(spelt_out, Ipv6Addr::UNSPECIFIED.into(), LINE_PORT)
            .map(|address| vec![address]);
    }
    // A bare port means what the default means: this machine, by both protocols.
    if let Ok(port) = text.parse::<u16>() {
        let hosts: [IpAddr; 2] = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        return Ok(hosts.map(|host| SocketAddr::new(host, port)).to_vec());
    }
    let address = door_address(text, Ipv4Addr::LOCALHOST.into(), LINE_PORT)?;
    if address.ip().is_loopback() {
        return Ok(vec![address]);
    }
    Err(Mistake(format!(
        "the line door is not encrypted, so {address} would let everybody on the way read along; \
         if that is what you want, write --line insecure:{address}"
    )))
}

fn door_address(
    text: &str,
    default_host: IpAddr,
    default_port: u16,
) -> Result<SocketAddr, Mistake> {
    let text = if text == "localhost" {
        "127.0.0.1"
    } else {
        text
    };
    let text = text
        .strip_prefix("localhost:")
        .map_or_else(|| text.to_owned(), |port| format!("127.0.0.1:{port}"));
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Ok(address);
    }
    if let Ok(host) = text.trim_matches(['[', ']']).parse::<IpAddr>() {
        return Ok(SocketAddr::new(host, default_port));
    }
    if let Ok(port) = text.trim_start_matches(':').parse::<u16>() {
        return Ok(SocketAddr::new(default_host, port));
    }
    Err(Mistake(format!(
        "{text} is no address to listen on; write 0.0.0.0:{default_port}, [::1]:{default_port}, \
         a port alone, or off"
    )))
}

#[cfg(test)]
mod tests;
