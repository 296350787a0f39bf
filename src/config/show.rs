//! Showing the configuration: every key with its value and what it does, and the table of limits.

use super::{Bounds, Config, duration};
use crate::limits;
use std::fmt::Write;
use std::net::SocketAddr;

/// Writes `config` as a `parlour.toml` that would bring it about, each key with a comment.
pub fn effective(config: &Config) -> String {
    let mut out = String::new();
    out.push_str("# Parlour's configuration. A key that is absent keeps the value shown here.\n");
    let door = |doors: &[SocketAddr]| match doors {
        [] => "off".to_owned(),
        [one] => one.to_string(),
        [first, ..] => first.port().to_string(),
    };
    let line = match config.line.as_slice() {
        [one] if !one.ip().is_loopback() => format!("insecure:{one}"),
        doors => door(doors),
    };
    let trusted: Vec<String> = config
        .trusted
        .0
        .iter()
        .map(|network| format!("\"{network}\""))
        .collect();
    let empty_line = if config.empty_line_leaves {
        "leave"
    } else {
        "ignore"
    };
    let keys = [
        (
            "sealed",
            quote(&door(&config.sealed)),
            "encrypted door: address, port or off",
        ),
        (
            "line",
            quote(&line),
            "plain text door: this machine only, unless insecure:ADDRESS",
        ),
        (
            "public-name",
            quote(config.public_name.as_deref().unwrap_or("")),
            "host name or address that others use; found out when empty",
        ),
        (
            "trusted",
            format!("[{}]", trusted.join(", ")),
            "networks without rates",
        ),
        (
            "empty-line",
            quote(empty_line),
            "leave or ignore: what an empty line does",
        ),
        (
            "guests-create-rooms",
            config.guests_create_rooms.to_string(),
            "whether they may",
        ),
    ];
    for (key, value, comment) in keys {
        write_key(&mut out, key, &value, comment);
    }
    out.push_str("\n[limits]\n");
    for (key, value, comment) in bounds(&config.bounds) {
        write_key(&mut out, key, &value, comment);
    }
    out
}

fn write_key(out: &mut String, key: &str, value: &str, comment: &str) {
    writeln!(out, "# {comment}\n{key} = {value}").expect("writing to a string cannot fail");
}

fn quote(text: &str) -> String {
    format!("{text:?}")
}

/// Every bound that may be changed: key, value as TOML, and what happens when it is reached.
fn bounds(bounds: &Bounds) -> Vec<(&'static str, String, &'static str)> {
    let time = |value| quote(&duration::show(value));
    let mut rows = times(bounds, time);
    rows.extend(counts(bounds));
    rows
}

fn times(
    bounds: &Bounds,
    time: impl Fn(std::time::Duration) -> String,
) -> Vec<(&'static str, String, &'static str)> {
    vec![
        (
            "handshake-timeout",
            time(bounds.handshake_timeout),
            "for the handshake; then closed",
        ),
        (
            "login-timeout",
            time(bounds.login_timeout),
            "to give a name; then closed",
        ),
        (
            "message-timeout",
            time(bounds.message_timeout),
            "for a begun message; then closed",
        ),
        (
            "stall-timeout",
            time(bounds.stall_timeout),
            "a reader that accepts nothing for so long while something is owed is closed",
        ),
        (
            "ping-after",
            time(bounds.ping_after),
            "silence before a sealed client is pinged",
        ),
        (
            "gone-after",
            time(bounds.gone_after),
            "silence before a sealed client is lost",
        ),
        (
            "keepalive",
            time(bounds.keepalive),
            "idle time before TCP asks for the peer",
        ),
        (
            "close-timeout",
            time(bounds.close_timeout),
            "for the peer's own goodbye; then closed",
        ),
        (
            "shutdown-grace",
            time(bounds.shutdown_grace),
            "a stopping server flushes; then it ends",
        ),
        (
            "resume-within",
            time(bounds.resume_within),
            "a lost guest may resume its session",
        ),
        (
            "rekey-after",
            time(bounds.rekey_after),
            "record keys are changed, give or take a quarter",
        ),
    ]
}

fn counts(bounds: &Bounds) -> Vec<(&'static str, String, &'static str)> {
    vec![
        (
            "clients",
            bounds.clients.to_string(),
            "at once, and what open files allow; then refused",
        ),
        (
            "unnamed-per-source",
            bounds.unnamed_per_source.to_string(),
            "connections without a name from one address; then refused",
        ),
        (
            "named-per-source",
            bounds.named_per_source.to_string(),
            "named connections from one address; then refused",
        ),
        (
            "failures-per-source",
            bounds.failures_per_source.to_string(),
            "failed handshakes from one address in ten minutes; then refused",
        ),
        (
            "unnamed-never-refused-below",
            bounds.unnamed_never_refused_below.to_string(),
            "connections without a name from which on new ones may be refused at random",
        ),
        (
            "rate-burst",
            bounds.rate_burst.to_string(),
            "commands at once; then read slower",
        ),
        (
            "rate-per-second",
            bounds.rate_per_second.to_string(),
            "commands; then read slower",
        ),
        (
            "bytes-burst",
            bounds.bytes_burst.to_string(),
            "of commands at once; then read slower",
        ),
        (
            "bytes-per-second",
            bounds.bytes_per_second.to_string(),
            "of commands; then read slower",
        ),
        (
            "rooms",
            bounds.rooms.to_string(),
            "on the server; then refused",
        ),
        (
            "rooms-per-guest",
            bounds.rooms_per_guest.to_string(),
            "owned by a guest; then refused",
        ),
        (
            "room-log-bytes-min",
            bounds.room_log_bytes_min.to_string(),
            "a room keeps for newcomers; older entries go",
        ),
        (
            "room-log-bytes-max",
            bounds.room_log_bytes_max.to_string(),
            "a room keeps for slow readers; then they miss entries, and are told",
        ),
        (
            "logs-bytes-max",
            bounds.logs_bytes_max.to_string(),
            "of all rooms together; then the largest is cut",
        ),
        (
            "unfinished-bytes-max",
            bounds.unfinished_bytes_max.to_string(),
            "held for begun entries; then the longest blocked are closed",
        ),
        (
            "incomplete-input-bytes-max",
            bounds.incomplete_input_bytes_max.to_string(),
            "of begun messages; then only small ones are read on",
        ),
    ]
}

/// The limits as `parlourd --limits` prints them: name, value, what happens; one per line, tabs
/// between.
pub fn limits_table(config: &Config) -> String {
    let mut out = String::new();
    let fixed = [
        (
            "text-bytes",
            limits::TEXT_BYTES_MAX,
            "of one message; refused",
        ),
        (
            "text-lines",
            limits::TEXT_LINES_MAX,
            "of one message; refused",
        ),
        (
            "message-bytes",
            limits::MESSAGE_BYTES_MAX,
            "of one application message; closed",
        ),
        (
            "unnamed-message-bytes",
            limits::UNNAMED_MESSAGE_BYTES_MAX,
            "before a name is given; refused",
        ),
        (
            "name-bytes",
            limits::NAME_BYTES_MAX,
            "of a person's name; refused",
        ),
        (
            "room-name-bytes",
            limits::ROOM_NAME_BYTES_MAX,
            "of a room's name; refused",
        ),
        (
            "topic-bytes",
            limits::TOPIC_BYTES_MAX,
            "of a topic; refused",
        ),
        (
            "rooms-joined",
            limits::ROOMS_JOINED_MAX,
            "by one person; refused",
        ),
        (
            "ignored",
            limits::IGNORED_MAX,
            "people one ignores; refused",
        ),
        (
            "unacknowledged",
            limits::UNACKNOWLEDGED_MAX,
            "messages of one sender; refused",
        ),
        (
            "replies-owed-bytes",
            limits::REPLIES_OWED_BYTES_MAX,
            "to one client; then read later",
        ),
        (
            "join-history-entries",
            limits::JOIN_HISTORY_ENTRIES,
            "shown on join",
        ),
        (
            "history-entries",
            limits::HISTORY_ENTRIES_MAX,
            "shown by /history; cut",
        ),
        (
            "names-listed",
            limits::NAMES_LISTED_MAX,
            "by /names; a prefix narrows",
        ),
        (
            "presence-listed-members",
            limits::PRESENCE_LISTED_MAX,
            "then arrivals are counted",
        ),
        (
            "journal-jobs",
            limits::JOURNAL_JOBS_MAX,
            "then senders wait",
        ),
        (
            "journal-bytes",
            limits::JOURNAL_BYTES_MAX,
            "then senders wait",
        ),
        (
            "write-buffers",
            limits::WRITE_BUFFERS_MAX,
            "held by blocked clients; then they wait",
        ),
        (
            "record-inner-bytes",
            limits::RECORD_INNER_BYTES_MAX,
            "of one record; closed",
        ),
        (
            "handshake-bytes",
            limits::HANDSHAKE_BYTES_MAX,
            "before the handshake is done; closed",
        ),
    ];
    for (name, value, action) in fixed {
        writeln!(out, "{name}\t{value}\t{action}").expect("writing to a string cannot fail");
    }
    for (key, value, action) in bounds(&config.bounds) {
        let value = value.trim_matches('"');
        writeln!(out, "{key}\t{value}\t{action}").expect("writing to a string cannot fail");
    }
    out
}
