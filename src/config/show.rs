//! Showing the configuration: every key with its value and what it does, and the table of limits.

use super::keys::{Change, KEYS, LIMITS};
use super::{Config, Origin};
use crate::limits;
use std::fmt::Write;

/// What stands above the keys.
const HEAD: &str = "\
# Parlour's configuration. A key that is absent keeps the value shown here.
# Each may also be set by an environment variable, which overrides this file: PARLOUR_ and the key
# in capitals, with _ for - and for the dot, such as PARLOUR_EMPTY_LINE or PARLOUR_LIMITS_CLIENTS.
# Changes are in force after a reload (SIGHUP or /reload); those marked * need a restart.
";

/// Writes `config` as a `parlour.toml` that would bring it about, each key with a comment, and with
/// where its value came from unless that is the default.
pub fn effective(config: &Config) -> String {
    let mut out = HEAD.to_owned();
    let mut is_in_limits = false;
    for key in &KEYS {
        let name = key.name.strip_prefix(LIMITS);
        if name.is_some() && !std::mem::replace(&mut is_in_limits, true) {
            out.push_str("\n[limits]\n");
        }
        let mark = match key.change {
            Change::Live => "",
            Change::Restart => "* ",
        };
        let origin = match config.origin(key.name) {
            Origin::Default => String::new(),
            origin @ (Origin::File(_) | Origin::Variable(_) | Origin::Flag(_)) => {
                format!(" # from {origin}")
            }
        };
        let (name, value) = (name.unwrap_or(key.name), (key.value)(config));
        writeln!(out, "# {mark}{}\n{name} = {value}{origin}", key.comment)
            .expect("writing to a string cannot fail");
    }
    out
}

/// The bounds that are what they are: name, value, what happens when it is reached.
const FIXED: [(&str, usize, &str); 20] = [
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

/// The limits as `parlourd --limits` prints them: name, value, what happens; one per line, tabs
/// between.
pub fn limits_table(config: &Config) -> String {
    let mut out = String::new();
    for (name, value, action) in FIXED {
        writeln!(out, "{name}\t{value}\t{action}").expect("writing to a string cannot fail");
    }
    for key in &KEYS {
        if let Some(name) = key.name.strip_prefix(LIMITS) {
            let value = (key.value)(config);
            writeln!(out, "{name}\t{}\t{}", value.trim_matches('"'), key.comment)
                .expect("writing to a string cannot fail");
        }
    }
    out
}
