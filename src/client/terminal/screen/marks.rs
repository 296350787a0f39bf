//! Marks: where what was not read yet begins.
//!
//! One is owed from the moment one is away, or the connection is; it is drawn above the first thing
//! that somebody says then, so that nothing is drawn when nobody says anything. Pure.

use std::collections::{BTreeMap, BTreeSet};

use crate::chat::RoomName;
use crate::client::time::Moment;

/// Why something may go unread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Absence {
    /// The user has said so.
    Away,
    /// There was no connection.
    Apart,
}

/// The mark that is owed or drawn, and what came behind it.
#[derive(Default)]
pub(super) struct Marks {
    mark: Option<Mark>,
    /// What came late of each room since the connection is there again; of the inbox under none.
    late: BTreeMap<Option<RoomName>, u64>,
    /// Those that have everything.
    caught_up: BTreeSet<Option<RoomName>>,
    /// Whether there was a connection before this one.
    is_back: bool,
}

struct Mark {
    why: Absence,
    since: Moment,
    /// How much came behind it; it is drawn with the first.
    count: u64,
}

impl Marks {
    /// From now on a mark is owed, unless one is already.
    pub(super) fn owe(&mut self, why: Absence, since: Moment) {
        let is_unread = |mark: &Mark| mark.why == Absence::Away || mark.count > 0;
        if !self.mark.as_ref().is_some_and(is_unread) {
            let count = 0;
            self.mark = Some(Mark { why, since, count });
        }
    }

    /// Somebody has said something. The words of the mark, if it is to be drawn now.
    pub(super) fn said(&mut self, past: bool, room: Option<RoomName>) -> Option<String> {
        if past && self.is_back && !self.caught_up.contains(&room) {
            *self.late.entry(room).or_default() += 1;
        }
        let mark = self.mark.as_mut()?;
        if mark.why == Absence::Apart && !past && mark.count == 0 {
            return None;
        }
        mark.count += 1;
        let why = match mark.why {
            Absence::Away => "while you were away",
            Absence::Apart => "missed while away",
        };
        let since = mark.since;
        (mark.count == 1).then(|| format!("-------- {why}, since {since} --------"))
    }

    /// There is a connection; it is not the first one if `again`.
    pub(super) fn connected(&mut self, again: bool) {
        self.is_back = again;
        self.late.clear();
        self.caught_up.clear();
    }

    /// All that came late of `room` has been shown; how much that was. None when it was not
    /// lateness that the room's past was shown for.
    pub(super) fn caught_up(&mut self, room: Option<RoomName>) -> Option<u64> {
        (self.is_back && self.caught_up.insert(room)).then(|| self.late.remove(&room).unwrap_or(0))
    }

    /// The user is here and has read. How much came while they were away, if they were.
    pub(super) fn read(&mut self, why: Absence) -> Option<u64> {
        // What is said without a connection is said before anything was missed.
        let is_over = |mark: &mut Mark| mark.why == why && (why == Absence::Away || mark.count > 0);
        let mark = self.mark.take_if(is_over)?;
        (why == Absence::Away).then_some(mark.count)
    }

    /// Whether the user has said that they are away.
    pub(super) fn is_away(&self) -> bool {
        let mark = self.mark.as_ref();
        mark.is_some_and(|mark| mark.why == Absence::Away)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::time::Zone;

    fn at(seconds: u64) -> Moment {
        Zone::utc().moment(seconds)
    }

    #[test]
    fn a_mark_is_drawn_once_and_only_when_something_came() {
        let mut marks = Marks::default();
        assert_eq!(marks.said(false, None), None);
        marks.owe(Absence::Away, at(60));
        assert!(marks.is_away());
        assert_eq!(
            marks.said(false, None).unwrap(),
            "-------- while you were away, since 00:01 --------"
        );
        assert_eq!(marks.said(false, None), None);
        assert_eq!(marks.read(Absence::Apart), None);
        assert_eq!(marks.read(Absence::Away), Some(2));
        assert_eq!(marks.read(Absence::Away), None);
    }

    #[test]
    fn what_came_late_is_counted_by_room_and_what_is_asked_for_is_not() {
        let mut marks = Marks::default();
        let den = RoomName::parse("den").ok();
        marks.connected(false);
        assert_eq!(marks.said(true, den), None);
        assert_eq!(marks.caught_up(den), None);
        marks.owe(Absence::Apart, at(0));
        marks.connected(true);
        assert_eq!(marks.said(false, None), None);
        assert!(marks.said(true, den).is_some());
        assert_eq!(marks.said(true, den), None);
        assert_eq!(marks.caught_up(den), Some(2));
        marks.said(true, den);
        assert_eq!(marks.caught_up(den), None);
        assert_eq!(marks.caught_up(None), Some(0));
    }
}
