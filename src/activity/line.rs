//! One line of the activity log: an activity as a JSON object, and back into words.
//!
//! The fields are documented for operators in docs/operations.md.

use crate::chat::{Activity, ClientId, Deed, Door, FileActivity, FileDeed, FileEnd, Measure};
use serde_json::{Map, Value, json};
use std::fmt::Write;
use std::time::Duration;

/// Writes `activity` as one JSON object with a line end.
pub fn line(activity: &Activity) -> String {
    let mut fields = deed(&activity.deed);
    if let Some(who) = activity.who {
        fields.insert("who".into(), who.to_string().into());
    }
    if let Some(ClientId { slot, generation }) = activity.client {
        fields.insert("client".into(), format!("{slot}.{generation}").into());
    }
    finish(activity.unix_ms, fields)
}

/// The line that stands where `count` lines are missing.
pub fn lost_line(unix_ms: u64, count: u64) -> String {
    finish(unix_ms, object(json!({"event": "lost", "lines": count})))
}

/// Adds the time and makes a line of it.
fn finish(unix_ms: u64, mut fields: Map<String, Value>) -> String {
    fields.insert("time".into(), time(unix_ms).into());
    let mut line = Value::Object(fields).to_string();
    line.push('\n');
    line
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Map::new()
        }
    }
}

/// The event's word and what belongs to it; fields that are absent are left out.
fn deed(deed: &Deed) -> Map<String, Value> {
    let mut fields = object(described(deed));
    fields.retain(|_, value| !value.is_null());
    fields
}

fn described(deed: &Deed) -> Value {
    let text = |shown: &dyn std::fmt::Display| Value::String(shown.to_string());
    match deed {
        Deed::Came {
            source,
            door,
            has_account,
            resumed,
        } => json!({
            "event": "came", "source": text(source), "door": door_word(*door),
            "account": has_account, "resumed": resumed,
        }),
        Deed::LoginFailed { source, name } => {
            json!({"event": "login-failed", "source": text(source), "name": text(name)})
        }
        Deed::Went { after, lost } => json!({
            "event": "went", "after_ms": millis(*after),
            "lost": lost.map(|loss| loss.to_string()),
        }),
        Deed::Joined(room) => json!({"event": "joined", "room": text(room)}),
        Deed::Left(room) => json!({"event": "left", "room": text(room)}),
        Deed::Renamed { to } => json!({"event": "renamed", "to": text(to)}),
        Deed::Said { room, to, text } => json!({
            "event": "said", "room": room.map(|room| room.to_string()),
            "to": to.map(|name| name.to_string()), "text": &**text,
        }),
        Deed::Created(room) => json!({"event": "created", "room": text(room)}),
        Deed::Closed(room) => json!({"event": "closed", "room": text(room)}),
        Deed::Set { room, what } => {
            json!({"event": "set", "room": text(room), "what": &**what})
        }
        Deed::Sanctioned {
            measure,
            room,
            name,
            why,
            duration,
        } => json!({
            "event": measure_word(*measure), "room": room.map(|room| room.to_string()),
            "name": text(name), "why": why.as_deref(), "for_ms": duration.map(millis),
        }),
        Deed::Lifted {
            measure,
            room,
            name,
        } => json!({
            "event": format!("un{}", measure_word(*measure)),
            "room": room.map(|room| room.to_string()), "name": text(name),
        }),
        Deed::Appointed {
            room,
            name,
            is_given,
        } => json!({
            "event": if *is_given { "appointed" } else { "dismissed" },
            "room": room.map(|room| room.to_string()), "name": text(name),
        }),
        Deed::Account { name, what } => {
            json!({"event": "account", "name": text(name), "what": what})
        }
        Deed::File(about) => of_file(about),
        Deed::Server { what } => json!({"event": "server", "what": &**what}),
    }
}

fn of_file(about: &FileActivity) -> Value {
    let (file, name, bytes) = (about.file.0, &*about.name, about.bytes);
    let mut value = json!({"number": file, "file": name, "bytes": bytes});
    // In `name` a person is looked for, so the file's is elsewhere.
    let of = about.of.to_string();
    let further = match about.what {
        FileDeed::Offered { room, to } => json!({
            "event": "file-offered", "room": room.map(|room| room.to_string()),
            "to": to.map(|name| name.to_string()),
        }),
        FileDeed::Fetched => json!({"event": "file-fetched", "name": of}),
        FileDeed::Refused => json!({"event": "file-refused", "name": of}),
        FileDeed::Ended(end) => {
            json!({"event": "file-ended", "name": of, "why": end_word(end)})
        }
    };
    for (field, what) in object(further) {
        value[field] = what;
    }
    value
}

fn end_word(end: FileEnd) -> &'static str {
    match end {
        FileEnd::Cancelled => "taken-back",
        FileEnd::Refused => "refused",
        FileEnd::Expired => "expired",
        FileEnd::DiskFull => "disk-full",
        FileEnd::Failed => "failed",
        FileEnd::Spoilt => "spoilt",
        FileEnd::NotAllowed => "not-allowed",
        FileEnd::TakenOver => "taken-over",
    }
}

fn door_word(door: Door) -> &'static str {
    match door {
        Door::Sealed => "sealed",
        Door::Line => "line",
    }
}

fn measure_word(measure: Measure) -> &'static str {
    match measure {
        Measure::Kick => "kick",
        Measure::Mute => "mute",
        Measure::Ban => "ban",
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// A time of day in UTC, as RFC 3339 writes it.
///
/// # Source
///
/// Days to dates: the era of 400 years has 146,097 days, and a year that begins in March ends with
/// its leap day.
pub fn time(unix_ms: u64) -> String {
    let (seconds, millis) = (unix_ms / 1_000, unix_ms % 1_000);
    let (days, second) = (seconds / 86_400 + 719_468, seconds % 86_400);
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 {
        shifted + 3
    } else {
        shifted - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute) = (second / 3_600, second / 60 % 60);
    let second = second % 60;
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

/// Whether a line concerns the person called `name`: did it, or had it done to them. Nobody's
/// name is wrongly taken for it, as only whole fields are compared.
pub fn matches(line: &str, name: &str) -> bool {
    let Ok(Value::Object(fields)) = serde_json::from_str(line) else {
        return false;
    };
    ["who", "name", "to"].iter().any(|field| {
        fields
            .get(*field)
            .and_then(Value::as_str)
            .is_some_and(|found| found.eq_ignore_ascii_case(name))
    })
}

/// A line in words for people: time, event, then `field=value`; at most `chars_max` characters.
pub fn readable(line: &str, chars_max: usize) -> String {
    let Ok(Value::Object(mut fields)) = serde_json::from_str(line) else {
        return "(a line that is not whole)".to_owned();
    };
    let mut out = String::new();
    for field in ["time", "event"] {
        if let Some(Value::String(text)) = fields.remove(field) {
            write!(out, "{text} ").expect("writing to a string cannot fail");
        }
    }
    for field in ["who", "room", "name", "to"] {
        if let Some(value) = fields.remove(field) {
            push_field(&mut out, field, &value);
        }
    }
    fields.remove("client");
    for (field, value) in &fields {
        push_field(&mut out, field, value);
    }
    let out = out.trim_end();
    match out.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{} ...", &out[..end]),
        None => out.to_owned(),
    }
}

/// Text that is no plain word is quoted, so that it cannot look like further fields.
fn push_field(out: &mut String, field: &str, value: &Value) {
    let is_plain = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "-_.:#".contains(c))
    };
    match value {
        Value::String(text) if is_plain(text) => write!(out, "{field}={text} "),
        Value::Null
        | Value::Bool(_)
        | Value::Number(_)
        | Value::String(_)
        | Value::Array(_)
        | Value::Object(_) => write!(out, "{field}={value} "),
    }
    .expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{Loss, Name, RoomName};

    fn activity(deed: Deed) -> Activity {
        Activity {
            unix_ms: 1_772_366_645_007,
            client: Some(ClientId {
                slot: 17,
                generation: 3,
            }),
            who: Some(Name::parse("alice").unwrap()),
            deed,
        }
    }

    #[test]
    fn a_line_has_the_fields_that_are_there() {
        let lobby = RoomName::parse("lobby").unwrap();
        let went = Deed::Went {
            after: Duration::from_millis(1_500),
            lost: Some(Loss::Reset),
        };
        assert_eq!(
            line(&activity(went)),
            "{\"after_ms\":1500,\"client\":\"17.3\",\"event\":\"went\",\"lost\":\"reset\",\
             \"time\":\"2026-03-01T12:04:05.007Z\",\"who\":\"alice\"}\n"
        );
        assert_eq!(
            readable(&line(&activity(Deed::Joined(lobby))), 100),
            "2026-03-01T12:04:05.007Z joined who=alice room=#lobby"
        );
        assert!(lost_line(0, 7).contains("\"lines\":7"));
        assert!(lost_line(0, 7).contains("1970-01-01T00:00:00.000Z"));
    }

    #[test]
    fn a_file_is_told_of_by_its_number_and_never_taken_for_a_person() {
        let deed = |what| {
            activity(Deed::File(FileActivity {
                file: crate::chat::FileId(7),
                name: "carol".into(),
                bytes: 12,
                of: Name::parse("bob").unwrap(),
                what,
            }))
        };
        let lobby = RoomName::parse("lobby").ok();
        let offered = line(&deed(FileDeed::Offered {
            room: lobby,
            to: None,
        }));
        assert_eq!(
            offered,
            "{\"bytes\":12,\"client\":\"17.3\",\"event\":\"file-offered\",\"file\":\"carol\",\
             \"number\":7,\"room\":\"#lobby\",\"time\":\"2026-03-01T12:04:05.007Z\",\
             \"who\":\"alice\"}\n"
        );
        let ended = line(&deed(FileDeed::Ended(FileEnd::Expired)));
        assert_eq!(
            readable(&ended, 200),
            "2026-03-01T12:04:05.007Z file-ended who=alice name=bob bytes=12 file=carol number=7 \
             why=expired"
        );
        assert!(matches(&ended, "bob") && !matches(&ended, "carol"));
        let fetched = line(&deed(FileDeed::Fetched));
        assert!(fetched.contains("file-fetched") && matches(&fetched, "alice"));
        assert!(line(&deed(FileDeed::Refused)).contains("file-refused"));
    }

    #[test]
    fn no_text_makes_a_second_line_or_a_second_field() {
        let text = "x\"}\n{\"event\":\"ban\",\"who\":\"admin\"}\r\u{2028}\u{85}\u{0} who=admin";
        let said = line(&activity(Deed::Said {
            room: None,
            to: None,
            text: text.into(),
        }));
        assert_eq!(said.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&said).unwrap();
        assert_eq!(value["text"], text);
        assert_eq!(value["who"], "alice");
        assert!(!matches(&said, "admin"));
        assert!(matches(&said, "ALICE"));
        let shown = readable(&said, 1_000);
        assert!(!shown.contains('\n'), "{shown}");
        assert!(shown.contains(" text=\"x\\\"}"), "{shown}");
        assert!(readable(&said, 20).ends_with(" ..."));
        assert!(!matches("{\"who\":\"ali", "ali"));
    }
}
