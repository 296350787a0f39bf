//! News in the line door's words, for output that a program may read.

use super::news::News;
use super::safe::safe;
use crate::chat::RoomName;
use crate::wire::line::{
    Tense, encode_entry, encode_error, encode_missed, encode_notice, encode_replay_end, encode_sent,
};

/// Appends what the line door would say of `news` to `out`, fit for a terminal.
///
/// One's own words are not repeated, and the goodbye is left to the end of the program.
pub fn append_words(news: &News<'_>, out: &mut String) {
    let mut words = Vec::new();
    match *news {
        News::Notice(text) => encode_notice(text, &mut words),
        News::Refused { text, .. } => encode_error(text, &mut words),
        News::Sent { to, away } => encode_sent(to, away, &mut words),
        News::ReplayEnd {
            room: None,
            count: 0,
        } => {}
        News::ReplayEnd { room, count } => encode_replay_end(room.as_ref(), count, &mut words),
        News::Missed { room, count } => encode_missed(room.as_ref(), count, &mut words),
        News::Passed(room) => encode_notice(&passed(room), &mut words),
        News::Entry { own: true, .. } => {}
        News::Entry {
            room,
            past,
            ref entry,
            ..
        } => {
            let tense = if past { Tense::Past } else { Tense::Live };
            encode_entry(entry, room.as_ref(), tense, &mut words);
        }
        News::NotSent { text, in_doubt, .. } => {
            let lost = match in_doubt {
                true => "not stored, or stored unseen, when the session ended",
                false => "not sent, its session had ended",
            };
            encode_error(&format!("{lost}: {text}"), &mut words);
        }
        News::Welcome { .. }
        | News::ServerKey(_)
        | News::AskName
        | News::AskSecret(_)
        | News::LoggedIn(_)
        | News::Entered { .. }
        | News::Exited(_)
        | News::Current(_)
        | News::Renamed(_)
        | News::Acknowledged { .. }
        | News::Bye(_)
        | News::File(_)
        | News::FileDone(_)
        | News::FileRefused { .. }
        | News::Closed(_)
        | News::Trace(_)
        | News::Apart(_) => {}
    }
    out.push_str(&safe(&String::from_utf8_lossy(&words)));
}

/// That what was shown of `room` does not reach back to what was known of it.
pub fn passed(room: RoomName) -> String {
    format!("{room}: what is older than this and newer than what you saw: /history {room} 200")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::{EntryId, Name, RoomName};
    use crate::wire::message::{BodyView, EntryView};

    fn words(news: &News<'_>) -> String {
        let mut out = String::new();
        append_words(news, &mut out);
        out
    }

    fn said(past: bool, own: bool) -> News<'static> {
        News::Entry {
            room: RoomName::parse("lobby").ok(),
            past,
            own,
            entry: EntryView {
                room: 1,
                id: Some(EntryId(1)),
                unix_seconds: 1_772_366_645,
                author: Name::parse("bob").unwrap(),
                body: BodyView::Said("hel\u{1b}[2Jlo\nyou"),
            },
        }
    }

    #[test]
    fn pipes_read_the_line_doors_words_without_what_a_terminal_obeys() {
        let live = "[#lobby] bob: hel[2Jlo\n[#lobby] bob: you\n";
        assert_eq!(words(&said(false, false)), live);
        assert!(words(&said(true, false)).starts_with("2026-03-01T12:04:05Z [#lobby] bob: hel"));
        assert_eq!(words(&said(false, true)), "");
        let refused = News::Refused {
            key: None,
            text: "no such room",
            of_command: true,
        };
        assert_eq!(words(&refused), "Err: no such room\n");
        assert_eq!(words(&News::Bye(None)), "");
    }
}
