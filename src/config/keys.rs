//! The keys of the configuration: one table from which they are shown, read from the environment,
//! compared and documented.

use super::{Config, Networks, duration};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// How a key's value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// As text; in a file it is quoted.
    Text,
    /// As a number or as `true` or `false`.
    Bare,
    /// As a list of texts; in the environment commas stand between them.
    List,
}

/// What it takes for a change to be in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// The configuration is read again.
    Live,
    /// The server is started again.
    Restart,
}

/// One key.
pub(super) struct Key {
    /// Its name; a dot stands after its table's.
    pub(super) name: &'static str,
    /// What it decides. For a bound: of what, and what happens when it is reached.
    pub(super) comment: &'static str,
    /// How its value is written.
    pub(super) form: Form,
    /// What it takes for a change to be in force.
    pub(super) change: Change,
    /// Its value as a file would have it.
    pub(super) value: fn(&Config) -> String,
}

impl Key {
    /// The environment variable that overrides it.
    pub(super) fn variable(&self) -> String {
        let name = self.name.replace(['-', '.'], "_").to_ascii_uppercase();
        format!("PARLOUR_{name}")
    }
}

/// The table in which bounds stand, with its dot.
pub(super) const LIMITS: &str = "limits.";

/// Every key, in the order in which they are shown; those of the table of limits come last.
pub(super) const KEYS: [Key; 43] = [
    Key {
        name: "sealed",
        comment: "encrypted door: address, port or off",
        form: Form::Text,
        change: Change::Restart,
        value: |config| quote(&door(&config.sealed)),
    },
    Key {
        name: "line",
        comment: "plain text door: this machine only, unless insecure:ADDRESS",
        form: Form::Text,
        change: Change::Restart,
        value: |config| quote(&line_door(&config.line)),
    },
    Key {
        name: "metrics",
        comment: "figures for Prometheus: address, port, on (port 4750 of this machine) or off",
        form: Form::Text,
        change: Change::Restart,
        value: |config| {
            quote(
                &config
                    .metrics
                    .map_or("off".to_owned(), |address| address.to_string()),
            )
        },
    },
    Key {
        name: "public-name",
        comment: "host name or address that others use; found out when empty",
        form: Form::Text,
        change: Change::Restart,
        value: |config| quote(config.public_name.as_deref().unwrap_or("")),
    },
    Key {
        name: "trusted",
        comment: "networks without rates and bounds per address",
        form: Form::List,
        change: Change::Live,
        value: |config| networks(&config.trusted),
    },
    Key {
        name: "empty-line",
        comment: "leave or ignore: what an empty line does at the plain text door",
        form: Form::Text,
        change: Change::Live,
        value: |config| quote(empty_line(config.empty_line_leaves)),
    },
    Key {
        name: "line-passwords",
        comment: "whether passwords are taken at the plain text door from other machines too",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.line_passwords.to_string(),
    },
    Key {
        name: "admin-password-file",
        comment: "file with the first password of the account admin; only read when there is no such account",
        form: Form::Text,
        change: Change::Restart,
        value: |config| quote(&path(config.admin_password_file.as_deref())),
    },
    Key {
        name: "guests-create-rooms",
        comment: "whether guests may create rooms",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.guests_create_rooms.to_string(),
    },
    Key {
        name: "history-days",
        comment: "what was said longer ago is deleted; 0 keeps it",
        form: Form::Bare,
        change: Change::Restart,
        value: |config| config.history_days.to_string(),
    },
    Key {
        name: "history-entries",
        comment: "entries that each room keeps, older ones are deleted; 0 keeps all",
        form: Form::Bare,
        change: Change::Restart,
        value: |config| config.history_entries.to_string(),
    },
    Key {
        name: "log-messages",
        comment: "whether the activity log holds what people say, private messages included",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.log_messages.to_string(),
    },
    Key {
        name: "activity-log-bytes",
        comment: "size at which a new file of the activity log is begun",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.activity_log_bytes.to_string(),
    },
    Key {
        name: "activity-log-files",
        comment: "older files of it that are kept",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.activity_log_files.to_string(),
    },
    Key {
        name: "limits.handshake-timeout",
        comment: "for the handshake; then closed",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.handshake_timeout),
    },
    Key {
        name: "limits.login-timeout",
        comment: "to give a name; then closed",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.login_timeout),
    },
    Key {
        name: "limits.message-timeout",
        comment: "for a begun message; then closed",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.message_timeout),
    },
    Key {
        name: "limits.stall-timeout",
        comment: "a reader that accepts nothing for so long while something is owed is closed",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.stall_timeout),
    },
    Key {
        name: "limits.ping-after",
        comment: "silence before a sealed client is pinged",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.ping_after),
    },
    Key {
        name: "limits.gone-after",
        comment: "silence before a sealed client is lost",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.gone_after),
    },
    Key {
        name: "limits.keepalive",
        comment: "idle time before TCP asks for the peer",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.keepalive),
    },
    Key {
        name: "limits.close-timeout",
        comment: "for the peer's own goodbye; then closed",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.close_timeout),
    },
    Key {
        name: "limits.shutdown-grace",
        comment: "a stopping server flushes; then it ends",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.shutdown_grace),
    },
    Key {
        name: "limits.resume-within",
        comment: "a lost guest may resume its session",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.resume_within),
    },
    Key {
        name: "limits.rekey-after",
        comment: "record keys are changed, give or take a quarter",
        form: Form::Text,
        change: Change::Live,
        value: |config| time(config.bounds.rekey_after),
    },
    Key {
        name: "limits.clients",
        comment: "at once, and what open files allow; then refused",
        form: Form::Bare,
        change: Change::Restart,
        value: |config| config.bounds.clients.to_string(),
    },
    Key {
        name: "limits.unnamed-per-source",
        comment: "connections without a name from one address; then refused",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.unnamed_per_source.to_string(),
    },
    Key {
        name: "limits.named-per-source",
        comment: "named connections from one address; then refused",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.named_per_source.to_string(),
    },
    Key {
        name: "limits.failures-per-source",
        comment: "failed handshakes from one address in ten minutes; then refused",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.failures_per_source.to_string(),
    },
    Key {
        name: "limits.unnamed-never-refused-below",
        comment: "connections without a name from which on new ones may be refused at random",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.unnamed_never_refused_below.to_string(),
    },
    Key {
        name: "limits.rate-burst",
        comment: "commands at once; then read slower",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.rate_burst.to_string(),
    },
    Key {
        name: "limits.rate-per-second",
        comment: "commands; then read slower",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.rate_per_second.to_string(),
    },
    Key {
        name: "limits.bytes-burst",
        comment: "of commands at once; then read slower",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.bytes_burst.to_string(),
    },
    Key {
        name: "limits.bytes-per-second",
        comment: "of commands; then read slower",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.bytes_per_second.to_string(),
    },
    Key {
        name: "limits.rooms",
        comment: "on the server; then refused",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.rooms.to_string(),
    },
    Key {
        name: "limits.rooms-per-guest",
        comment: "owned by a guest; then refused",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.rooms_per_guest.to_string(),
    },
    Key {
        name: "limits.rooms-per-account",
        comment: "owned by an account; then refused",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.rooms_per_account.to_string(),
    },
    Key {
        name: "limits.accounts",
        comment: "on the server; then refused",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.accounts.to_string(),
    },
    Key {
        name: "limits.room-log-bytes-min",
        comment: "a room keeps for newcomers; older entries go",
        form: Form::Bare,
        change: Change::Restart,
        value: |config| config.bounds.room_log_bytes_min.to_string(),
    },
    Key {
        name: "limits.room-log-bytes-max",
        comment: "a room keeps for slow readers; then they miss entries, and are told",
        form: Form::Bare,
        change: Change::Restart,
        value: |config| config.bounds.room_log_bytes_max.to_string(),
    },
    Key {
        name: "limits.logs-bytes-max",
        comment: "of all rooms together; then the largest is cut",
        form: Form::Bare,
        change: Change::Restart,
        value: |config| config.bounds.logs_bytes_max.to_string(),
    },
    Key {
        name: "limits.unfinished-bytes-max",
        comment: "held for begun entries; then the longest blocked are closed",
        form: Form::Bare,
        change: Change::Restart,
        value: |config| config.bounds.unfinished_bytes_max.to_string(),
    },
    Key {
        name: "limits.incomplete-input-bytes-max",
        comment: "of begun messages; then only small ones are read on",
        form: Form::Bare,
        change: Change::Live,
        value: |config| config.bounds.incomplete_input_bytes_max.to_string(),
    },
];

fn door(doors: &[SocketAddr]) -> String {
    match doors {
        [] => "off".to_owned(),
        [one] => one.to_string(),
        [first, ..] => first.port().to_string(),
    }
}

fn line_door(doors: &[SocketAddr]) -> String {
    match doors {
        [one] if !one.ip().is_loopback() => format!("insecure:{one}"),
        doors => door(doors),
    }
}

fn networks(networks: &Networks) -> String {
    let quoted: Vec<String> = networks
        .0
        .iter()
        .map(|network| quote(&network.to_string()))
        .collect();
    format!("[{}]", quoted.join(", "))
}

fn empty_line(leaves: bool) -> &'static str {
    if leaves { "leave" } else { "ignore" }
}

fn path(path: Option<&Path>) -> String {
    path.map_or(String::new(), |path| path.display().to_string())
}

fn time(value: Duration) -> String {
    quote(&duration::show(value))
}

/// Writes `text` as TOML does; its control characters too are escaped in a way that it reads.
fn quote(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}
