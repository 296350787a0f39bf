//! News in the line door's words, for output that a program may read.

use super::news::News;
use super::safe::safe;
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
        News::NotSent { text, in_doubt } => {
            let lost = match in_doubt {
                true => "not stored, or stored unseen, when the session ended",
                false => "not sent, its session had ended",
            };
            encode_error(&format!("{lost}: {text}"), &mut words);
        }
        News::Welcome { .. }
        | News::ServerKey(_)
        | News::AskName
        | News::Entered { .. }
        | News::Exited(_)
        | News::Current(_)
        | News::Renamed(_)
        | News::Bye(_)
        | News::Closed(_)
        | News::Trace(_)
        | News::Apart(_) => {}
    }
    out.push_str(&safe(&String::from_utf8_lossy(&words)));
}
