//! JSON for scripts: one object a line, in both directions, as docs/scripting.md describes it.
//!
//! Version [`SCHEMA`] of it: fields and types may be added, nothing that is there changes its
//! meaning without another number. Pure: what was read comes in, what is to be printed goes out.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::news::{Apart, News};
use super::words::passed;
use crate::chat::{MessageKey, Name, Parting, RoomName, Way};
use crate::limits::TEXT_BYTES_MAX;
use crate::wire::message::{BodyView, EntryView};

/// The version of the schema, told by each `welcome`.
pub const SCHEMA: u32 = 1;

/// What a line of input asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// What to do.
    pub what: Wanted,
    /// What the answer is to name.
    pub reference: Option<Value>,
}

/// What can be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// To say something, in the current room if none is named.
    Say(Option<RoomName>, String),
    /// To write to one person.
    Tell(Name, String),
    /// To run a command.
    Run(String),
}

/// Why a line of input is not understood, and what it called itself.
pub type NotUnderstood = (String, Option<Value>);

/// Reads one line of input.
///
/// # Errors
///
/// In words, with what the answer is to name.
pub fn read(line: &str) -> Result<Request, NotUnderstood> {
    let object: Map<String, Value> =
        serde_json::from_str(line).map_err(|error| (format!("no JSON object: {error}"), None))?;
    let reference = object.get("ref").cloned();
    let failed = |why: String| (why, reference.clone());
    for key in object.keys() {
        if !["room", "to", "text", "command", "ref"].contains(&key.as_str()) {
            return Err(failed(format!("{key:?} means nothing here")));
        }
    }
    let field = |name: &str| match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.as_str())),
        Some(_) => Err(failed(format!("{name:?} is no string"))),
    };
    let (room, to) = (field("room")?, field("to")?);
    let (text, command) = (field("text")?, field("command")?);
    let room = room.map(RoomName::parse).transpose();
    let room = room.map_err(|error| failed(error.to_string()))?;
    let to = to.map(Name::parse).transpose();
    let to = to.map_err(|error| failed(error.to_string()))?;
    let what = match (command, text, room, to) {
        (Some(command), None, None, None) => Wanted::Run(slashed(command)),
        (None, Some(text), room, None) => Wanted::Say(room, text.to_owned()),
        (None, Some(text), None, Some(to)) => Wanted::Tell(to, text.to_owned()),
        (Some(_), _, _, _) => return Err(failed("a command stands alone".to_owned())),
        (None, Some(_), Some(_), Some(_)) => {
            return Err(failed("there are both a room and a person".to_owned()));
        }
        (None, None, _, _) => return Err(failed("there is neither text nor command".to_owned())),
    };
    let length = match &what {
        Wanted::Say(_, text) | Wanted::Tell(_, text) => text.len(),
        Wanted::Run(line) => line.len(),
    };
    if length > TEXT_BYTES_MAX {
        return Err(failed(format!(
            "the text has {length} bytes; a message may have {TEXT_BYTES_MAX}"
        )));
    }
    Ok(Request { what, reference })
}

/// A command may be written with its slash or without.
fn slashed(command: &str) -> String {
    match command.starts_with('/') {
        true => command.to_owned(),
        false => format!("/{command}"),
    }
}

/// Turns news into lines, and remembers what answers are to name.
#[derive(Default)]
pub struct Writer {
    references: BTreeMap<MessageKey, Value>,
}

impl Writer {
    /// The answer to `key` is to name `reference`.
    pub fn await_answer(&mut self, key: MessageKey, reference: Option<Value>) {
        if let Some(reference) = reference {
            self.references.insert(key, reference);
        }
    }

    /// Appends what is said of `news`, if anything is.
    pub fn append(&mut self, news: &News<'_>, out: &mut String) {
        let object = match *news {
            News::Welcome { name, resumed, .. } => {
                json!({"type": "welcome", "schema": SCHEMA, "name": name.as_str(), "resumed": resumed})
            }
            News::Entry { own: true, .. } => return,
            News::Entry {
                room,
                past,
                ref entry,
                ..
            } => of_entry(entry, room, past),
            News::Notice(text) => json!({"type": "notice", "text": text}),
            News::Passed(room) => {
                json!({"type": "notice", "room": room.as_str(), "text": passed(room)})
            }
            News::Refused { key, text, .. } => self.error(key, text),
            News::NotSent { key, text, .. } => {
                let why = format!("not sent, or not known to be stored: {text}");
                self.error(Some(key), &why)
            }
            News::Acknowledged { key, stored, room } => {
                let Some(reference) = self.references.remove(&key) else {
                    return;
                };
                let mut object = json!({"type": "stored", "ref": reference});
                let place = room.map(|room| json!(room.as_str()));
                set(&mut object, "room", place);
                set(&mut object, "id", stored.map(|id| json!(id.0)));
                object
            }
            News::Missed { room, count } => {
                let mut object = json!({"type": "missed", "count": count});
                set(&mut object, "room", room.map(|room| json!(room.as_str())));
                object
            }
            News::Apart(Apart { why, again_after }) => {
                let mut object = json!({"type": "notice", "text": why});
                let seconds = again_after.map(|wait| json!(wait.as_secs_f64()));
                set(&mut object, "again_in", seconds);
                object
            }
            // The goodbye is left to the end of the program.
            News::Bye(_)
            | News::Sent { .. }
            | News::ReplayEnd { .. }
            | News::ServerKey(_)
            | News::AskName
            | News::AskSecret(_)
            | News::LoggedIn(_)
            | News::Entered { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Renamed(_)
            | News::Trace(_)
            | News::File(_)
            | News::FileDone(_)
            | News::FileRefused { .. }
            | News::Closed(_) => return,
        };
        append_line(&object, out);
    }

    /// Appends that a line of input is not understood.
    pub fn append_not_understood(&self, (why, reference): NotUnderstood, out: &mut String) {
        let mut object = json!({"type": "error", "text": why});
        set(&mut object, "ref", reference);
        append_line(&object, out);
    }

    /// Appends the last line.
    pub fn append_bye(&self, why: Option<&str>, out: &mut String) {
        let mut object = json!({"type": "bye"});
        set(&mut object, "text", why.map(|why| json!(why)));
        append_line(&object, out);
    }

    fn error(&mut self, key: Option<MessageKey>, text: &str) -> Value {
        let mut object = json!({"type": "error", "text": text});
        let reference = key.and_then(|key| self.references.remove(&key));
        set(&mut object, "ref", reference);
        object
    }
}

fn of_entry(entry: &EntryView<'_>, room: Option<RoomName>, past: bool) -> Value {
    let from = entry.author.as_str();
    let (kind, text) = match entry.body {
        BodyView::Said(text) => ("message", Some(text)),
        BodyView::Acted(text) => ("action", Some(text)),
        BodyView::Received(text) | BodyView::Sent(text) => ("private", Some(text)),
        BodyView::Joined { .. } => ("joined", None),
        BodyView::Left { how, why, .. } => match how {
            Parting::Left => ("left", why),
            Parting::Lost(_) => ("lost", why),
        },
        BodyView::Kicked { why, .. } => ("left", why),
        BodyView::Renamed { .. } => ("renamed", None),
        BodyView::Topic(text) => ("topic", Some(text)),
        BodyView::Counted { .. } | BodyView::Offered(_) => ("notice", None),
    };
    let mut object = json!({"type": kind, "time": entry.unix_seconds, "past": past});
    set(&mut object, "room", room.map(|room| json!(room.as_str())));
    set(&mut object, "id", entry.id.map(|id| json!(id.0)));
    set(&mut object, "text", text.map(|text| json!(text)));
    let is_sent = match entry.body {
        BodyView::Sent(_) => true,
        BodyView::Offered(offer) => offer.way == Way::Sent,
        BodyView::Said(_)
        | BodyView::Acted(_)
        | BodyView::Received(_)
        | BodyView::Joined { .. }
        | BodyView::Left { .. }
        | BodyView::Kicked { .. }
        | BodyView::Renamed { .. }
        | BodyView::Topic(_)
        | BodyView::Counted { .. } => false,
    };
    set(
        &mut object,
        if is_sent { "to" } else { "from" },
        Some(json!(from)),
    );
    match entry.body {
        BodyView::Joined { here } => set(&mut object, "here", Some(json!(here))),
        BodyView::Kicked { by, .. } => set(&mut object, "by", Some(json!(by.as_str()))),
        BodyView::Renamed { to } => set(&mut object, "to", Some(json!(to.as_str()))),
        BodyView::Counted {
            arrived,
            departed,
            here,
        } => {
            set(&mut object, "from", None);
            let words = format!("+{arrived}, -{departed}, {here} here");
            set(&mut object, "text", Some(json!(words)));
            set(&mut object, "here", Some(json!(here)));
        }
        BodyView::Offered(offer) => {
            let words = format!("offers {}, N {}", offer.name, offer.file.0);
            set(&mut object, "text", Some(json!(words)));
            let file = json!({"number": offer.file.0, "name": offer.name, "bytes": offer.bytes});
            set(&mut object, "file", Some(file));
        }
        BodyView::Said(_)
        | BodyView::Acted(_)
        | BodyView::Received(_)
        | BodyView::Sent(_)
        | BodyView::Left { .. }
        | BodyView::Topic(_) => {}
    }
    object
}

/// Sets a field, or takes it away.
fn set(object: &mut Value, field: &str, value: Option<Value>) {
    let Value::Object(fields) = object else {
        return;
    };
    match value {
        Some(value) => fields.insert(field.to_owned(), value),
        None => fields.remove(field),
    };
}

fn append_line(object: &Value, out: &mut String) {
    // JSON escapes what a line or a terminal would obey, but for what is beyond ASCII.
    out.push_str(&super::safe::safe(&object.to_string()));
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{EntryId, FileId};
    use crate::wire::message::OfferView;

    fn lines(writer: &mut Writer, news: &[News<'_>]) -> Vec<Value> {
        let mut out = String::new();
        for news in news {
            writer.append(news, &mut out);
        }
        out.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    fn entry<'a>(author: &str, body: BodyView<'a>) -> News<'a> {
        News::Entry {
            room: RoomName::parse("lobby").ok(),
            past: false,
            own: false,
            entry: EntryView {
                room: 1,
                id: Some(EntryId(5)),
                unix_seconds: 1_767_225_600,
                author: Name::parse(author).unwrap(),
                body,
            },
        }
    }

    #[test]
    fn what_is_asked_for_is_read() {
        let what = |line: &str| read(line).map(|request| request.what);
        let den = RoomName::parse("den").ok();
        let bob = Name::parse("bob").unwrap();
        let text = || "hi\nthere".to_owned();
        assert_eq!(
            what(r#"{"text":"hi\nthere"}"#),
            Ok(Wanted::Say(None, text()))
        );
        let in_den = what(r##"{"room":"#den","text":"hi\nthere"}"##);
        assert_eq!(in_den, Ok(Wanted::Say(den, text())));
        let to_bob = what(r#"{"to":"bob","text":"hi\nthere","room":null}"#);
        assert_eq!(to_bob, Ok(Wanted::Tell(bob, text())));
        let run = Ok(Wanted::Run("/join den".to_owned()));
        assert_eq!(what(r#"{"command":"join den"}"#), run);
        assert_eq!(what(r#"{"command":"/join den"}"#), run);
        let request = read(r#"{"text":"a","ref":[1,"x"]}"#).unwrap();
        assert_eq!(request.reference, Some(json!([1, "x"])));
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_reference() {
        for (line, word) in [
            ("hello", "JSON"),
            ("[]", "JSON"),
            (r#"{"ref":7}"#, "neither"),
            (r#"{"text":1,"ref":7}"#, "string"),
            (r#"{"txt":"a","ref":7}"#, "txt"),
            (r#"{"room":"a b","text":"a","ref":7}"#, ""),
            (r#"{"room":"a","to":"b","text":"a","ref":7}"#, "both"),
            (r#"{"command":"me","text":"a","ref":7}"#, "alone"),
        ] {
            let (why, reference) = read(line).unwrap_err();
            assert!(why.contains(word), "{line}: {why}");
            let expected = line.contains("ref").then(|| json!(7));
            assert_eq!(reference, expected, "{line}");
        }
        let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(TEXT_BYTES_MAX + 1));
        assert!(read(&long).unwrap_err().0.contains("bytes"));
    }

    #[test]
    fn each_thing_that_happens_is_one_object() {
        let to = Name::parse("rob").unwrap();
        let said = BodyView::Said("two\nlines \u{1b}[2J\u{202e}");
        let mut writer = Writer::default();
        let found = lines(
            &mut writer,
            &[
                entry("bob", said),
                entry("bob", BodyView::Joined { here: 3 }),
                entry("bob", BodyView::Renamed { to }),
                News::Notice("hello"),
            ],
        );
        let expected = [
            json!({"type": "message", "room": "lobby", "id": 5, "time": 1_767_225_600_u64,
                   "from": "bob", "text": "two\nlines \u{1b}[2J", "past": false}),
            json!({"type": "joined", "room": "lobby", "id": 5, "time": 1_767_225_600_u64,
                   "from": "bob", "here": 3, "past": false}),
            json!({"type": "renamed", "room": "lobby", "id": 5, "time": 1_767_225_600_u64,
                   "from": "bob", "to": "rob", "past": false}),
            json!({"type": "notice", "text": "hello"}),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn an_offer_is_a_notice_with_a_file() {
        let offer = |way| OfferView {
            file: FileId(7),
            name: "photo.jpg",
            bytes: 2_100_000,
            digest: None,
            way,
        };
        let mut writer = Writer::default();
        let offered = |way| entry("bob", BodyView::Offered(offer(way)));
        let found = lines(&mut writer, &[offered(Way::ToRoom), offered(Way::Sent)]);
        let file = json!({"number": 7, "name": "photo.jpg", "bytes": 2_100_000});
        let expected = [
            json!({"type": "notice", "room": "lobby", "id": 5, "time": 1_767_225_600_u64,
                   "from": "bob", "text": "offers photo.jpg, N 7", "file": file, "past": false}),
            json!({"type": "notice", "room": "lobby", "id": 5, "time": 1_767_225_600_u64,
                   "to": "bob", "text": "offers photo.jpg, N 7", "file": file, "past": false}),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn answers_name_what_they_answer_and_only_once() {
        let mut writer = Writer::default();
        writer.await_answer(MessageKey(1), Some(json!("a")));
        writer.await_answer(MessageKey(2), Some(json!(2)));
        writer.await_answer(MessageKey(3), None);
        let room = RoomName::parse("lobby").ok();
        let stored = |key| News::Acknowledged {
            key: MessageKey(key),
            stored: Some(EntryId(9)),
            room,
        };
        let refused = News::Refused {
            key: Some(MessageKey(2)),
            text: "no",
            of_command: true,
        };
        let found = lines(&mut writer, &[stored(1), stored(1), stored(3), refused]);
        let expected = [
            json!({"type": "stored", "ref": "a", "room": "lobby", "id": 9}),
            json!({"type": "error", "ref": 2, "text": "no"}),
        ];
        assert_eq!(found, expected);
    }
}
