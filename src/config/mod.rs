//! Configuration: what the operator may change, where it comes from, what it must satisfy.
//!
//! Later sources win: the defaults of [`crate::limits`], then `parlour.toml`, then the environment, then
//! flags. A file with a mistake is refused whole, with the line and what to write instead. All of
//! it can be read again while the server runs; [`Config::succeed`] says what of it can be changed
//! then.

mod arguments;
mod bounds;
mod difference;
mod duration;
mod keys;
mod networks;
mod show;
mod sources;
mod tasks;

pub use arguments::{Action, arguments};
pub use bounds::Bounds;
pub use difference::Difference;
pub use networks::{Network, Networks};
pub use show::{effective, limits_table};
pub use sources::{ADMIN_PASSWORD_VARIABLE, FolderOrigin, Sources};
pub use tasks::Task;

use crate::limits;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;

/// The port of the sealed door.
pub const SEALED_PORT: u16 = 4747;
/// The port of the line door.
pub const LINE_PORT: u16 = 4748;
/// The port of the metrics door, when it is just on.
pub const METRICS_PORT: u16 = 4750;

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Nobody said anything.
    Default,
    /// The configuration file.
    File(PathBuf),
    /// An environment variable.
    Variable(String),
    /// A flag.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Variable(variable) => write!(f, "${variable}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// Where the values come from that are not defaults, by key.
pub type Origins = BTreeMap<&'static str, Origin>;

/// Everything the server must know before it starts.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the sealed door listens; closed when empty.
    pub sealed: Vec<SocketAddr>,
    /// Where the line door listens; closed when empty.
    pub line: Vec<SocketAddr>,
    /// Where figures for Prometheus are given, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// The data folder; none for an ephemeral server that was not given one.
    pub data: Option<PathBuf>,
    /// Who named it.
    pub data_origin: Option<FolderOrigin>,
    /// Nothing is kept.
    pub ephemeral: bool,
    /// The host that others use to reach this server.
    pub public_name: Option<String>,
    /// Networks that are exempt from rates, per-source bounds and refusal at random.
    pub trusted: Networks,
    /// Whether an empty line means leaving.
    pub empty_line_leaves: bool,
    /// Whether passwords are taken at the line door from other machines too.
    pub line_passwords: bool,
    /// Where the first password of the account `admin` is read from.
    pub admin_password_file: Option<PathBuf>,
    /// Whether guests may create rooms.
    pub guests_create_rooms: bool,
    /// Days after which what was said is deleted; 0 for never.
    pub history_days: u32,
    /// Entries each room keeps; 0 for all.
    pub history_entries: u64,
    /// Whether the activity log holds what people say.
    pub log_messages: bool,
    /// The size at which a new file of the activity log is begun.
    pub activity_log_bytes: u64,
    /// Older files of it that are kept.
    pub activity_log_files: u32,
    /// The bounds that may be changed.
    pub bounds: Bounds,
    /// What it was read from.
    pub sources: Sources,
    /// What is odd about that, in words.
    pub warnings: Vec<String>,
    /// Where its values come from.
    pub origins: Origins,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            sealed: vec![SocketAddr::from((Ipv6Addr::UNSPECIFIED, SEALED_PORT))],
            line: vec![
                SocketAddr::from((Ipv4Addr::LOCALHOST, LINE_PORT)),
                SocketAddr::from((Ipv6Addr::LOCALHOST, LINE_PORT)),
            ],
            metrics: None,
            data: None,
            data_origin: None,
            ephemeral: false,
            public_name: None,
            trusted: Networks::private(),
            empty_line_leaves: true,
            line_passwords: false,
            admin_password_file: None,
            guests_create_rooms: true,
            history_days: 0,
            history_entries: 0,
            log_messages: false,
            activity_log_bytes: limits::ACTIVITY_LOG_BYTES,
            activity_log_files: limits::ACTIVITY_LOG_FILES,
            bounds: Bounds::default(),
            sources: Sources::default(),
            warnings: Vec::new(),
            origins: Origins::new(),
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
    metrics: Option<String>,
    public_name: Option<String>,
    trusted: Option<Networks>,
    empty_line: Option<EmptyLine>,
    line_passwords: Option<bool>,
    admin_password_file: Option<PathBuf>,
    guests_create_rooms: Option<bool>,
    history_days: Option<u32>,
    history_entries: Option<u64>,
    log_messages: Option<bool>,
    activity_log_bytes: Option<u64>,
    activity_log_files: Option<u32>,
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

impl File {
    /// What it says, over the defaults. How bounds relate is not looked at.
    ///
    /// # Errors
    ///
    /// A [`Mistake`] that names the key.
    fn into_config(self) -> Result<Config, Mistake> {
        let mut config = Config::default();
        let of_key = |key: &str, mistake: &Mistake| Mistake(format!("{key}: {mistake}"));
        if let Some(door) = &self.sealed {
            config.sealed = sealed_door(door).map_err(|mistake| of_key("sealed", &mistake))?;
        }
        if let Some(door) = &self.line {
            config.line = line_door(door).map_err(|mistake| of_key("line", &mistake))?;
        }
        if let Some(door) = &self.metrics {
            config.metrics = metrics_door(door).map_err(|mistake| of_key("metrics", &mistake))?;
        }
        if let Some(name) = self.public_name.filter(|name| !name.is_empty()) {
            config.public_name = Some(public_name(&name)?);
        }
        if let Some(empty_line) = self.empty_line {
            config.empty_line_leaves = matches!(empty_line, EmptyLine::Leave);
        }
        let bytes = self.activity_log_bytes.unwrap_or(config.activity_log_bytes);
        if bytes < limits::ACTIVITY_LOG_BYTES_MIN {
            return Err(Mistake(format!(
                "activity-log-bytes must be at least {}",
                limits::ACTIVITY_LOG_BYTES_MIN
            )));
        }
        config.activity_log_bytes = bytes;
        let files = self.activity_log_files.unwrap_or(config.activity_log_files);
        if files > limits::ACTIVITY_LOG_FILES_MAX {
            return Err(Mistake(format!(
                "activity-log-files must be at most {}",
                limits::ACTIVITY_LOG_FILES_MAX
            )));
        }
        config.activity_log_files = files;
        config.admin_password_file = self
            .admin_password_file
            .filter(|path| !path.as_os_str().is_empty());
        config.trusted = self.trusted.unwrap_or(config.trusted);
        config.line_passwords = self.line_passwords.unwrap_or(config.line_passwords);
        config.guests_create_rooms = self
            .guests_create_rooms
            .unwrap_or(config.guests_create_rooms);
        config.history_days = self.history_days.unwrap_or(config.history_days);
        config.history_entries = self.history_entries.unwrap_or(config.history_entries);
        config.log_messages = self.log_messages.unwrap_or(config.log_messages);
        config.bounds = self.limits;
        Ok(config)
    }
}

impl Config {
    /// Where the value of `key` comes from.
    fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
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

/// Parses the address of the metrics door: `off`, `on`, `PORT`, `HOST:PORT` or `HOST`.
///
/// # Errors
///
/// A [`Mistake`] that shows what an address looks like.
pub fn metrics_door(text: &str) -> Result<Option<SocketAddr>, Mistake> {
    match text {
        "off" => Ok(None),
        "on" => Ok(Some(SocketAddr::from((Ipv4Addr::LOCALHOST, METRICS_PORT)))),
        text => door_address(text, Ipv4Addr::LOCALHOST.into(), METRICS_PORT).map(Some),
    }
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
