//! A room as the model knows it: everything that was ever published, in order, nothing forgotten.

use crate::chat::{Body, Entry, From, Name, RoomName};
use std::collections::{BTreeMap, BTreeSet};

/// What surrounds a text on a wire, at most about: on the line door a stamp and a prefix per line.
const ENVELOPE_BYTES: usize = 200;

/// One entry, and when it became visible.
pub(super) struct Published {
    pub(super) entry: Entry,
    pub(super) step: u64,
}

impl Published {
    /// Bytes it takes on a wire, about.
    pub(super) fn bytes(&self) -> usize {
        let text = match &self.entry.body {
            Body::Said(text)
            | Body::Acted(text)
            | Body::Received(text)
            | Body::Sent(text)
            | Body::Topic(text) => text.len(),
            Body::Joined { .. }
            | Body::Left { .. }
            | Body::Kicked { .. }
            | Body::Renamed { .. }
            | Body::Counted { .. } => 0,
        };
        text + ENVELOPE_BYTES
    }

    /// In an inbox: what its owner wrote. It comes under the other's name.
    pub(super) fn is_own_copy(&self) -> bool {
        matches!(self.entry.body, Body::Sent(_))
    }
}

/// One room, or inbox.
pub(super) struct Log {
    pub(super) name: Option<RoomName>,
    pub(super) entries: Vec<Published>,
    /// Indexes by id, from 1.
    pub(super) by_id: Vec<usize>,
    pub(super) by_number: BTreeMap<u64, usize>,
    /// Below this index newcomers see nothing.
    pub(super) visible_from: usize,
    pub(super) has_history: bool,
    /// It was dissolved.
    pub(super) is_over: bool,
    /// Numbers of the messages the store has, by id from 1.
    pub(super) stored: Vec<u64>,
    /// Messages the store has not answered.
    pub(super) outstanding: usize,
    /// The time of the newest entry.
    newest_unix_ms: u64,
    /// Who is here, as far as the entries tell.
    present: BTreeSet<Name>,
}

impl Log {
    pub(super) fn new(name: Option<RoomName>, has_history: bool) -> Self {
        Self {
            name,
            entries: Vec::new(),
            by_id: Vec::new(),
            by_number: BTreeMap::new(),
            visible_from: 0,
            has_history,
            is_over: false,
            stored: Vec::new(),
            outstanding: 0,
            newest_unix_ms: 0,
            present: BTreeSet::new(),
        }
    }

    /// The server begins again: whoever was here is gone, and what was stored though it was never
    /// shown is part of the past.
    pub(super) fn restart(&mut self, rows: &[Option<Entry>], has_history: bool, step: u64) {
        assert!(
            rows.len() >= self.stored.len(),
            "{:?}: what was stored survives a crash",
            self.name
        );
        for (index, row) in rows.iter().enumerate() {
            let entry = row.as_ref().expect("nothing is taken back in here");
            let number = number_of(entry).expect("every message in here has a number");
            assert_eq!(
                self.stored.get(index),
                Some(&number),
                "{:?}: what is stored is what was",
                self.name
            );
            if index >= self.by_id.len() {
                let former = self.by_number.insert(number, self.entries.len());
                assert!(former.is_none(), "message {number} is stored once");
                self.by_id.push(self.entries.len());
                self.entries.push(Published {
                    entry: entry.clone(),
                    step,
                });
            }
        }
        // What was not stored has no time any more.
        let newest = rows.last().and_then(Option::as_ref);
        self.newest_unix_ms = newest.map_or(0, |entry| entry.unix_ms);
        self.present.clear();
        self.outstanding = 0;
        self.has_history = has_history;
        self.visible_from = if has_history { 0 } else { self.entries.len() };
    }

    pub(super) fn keep(&mut self, has_history: bool) {
        if self.has_history != has_history {
            self.has_history = has_history;
            self.visible_from = self.entries.len();
        }
    }

    /// An entry becomes visible: it must be the next, stored, and by somebody who is here.
    pub(super) fn publish(&mut self, entry: &Entry, step: u64) {
        assert!(
            entry.unix_ms >= self.newest_unix_ms,
            "time does not go back in a room"
        );
        self.newest_unix_ms = entry.unix_ms;
        if let Some(id) = entry.id {
            let number = number_of(entry).expect("every message in here has a number");
            let index = usize::try_from(id.0 - 1).expect("ids are small here");
            assert_eq!(
                index,
                self.by_id.len(),
                "{:?}: ids come in order",
                self.name
            );
            let stored = self.stored.get(index);
            assert_eq!(
                stored,
                Some(&number),
                "{:?}: shown is what is stored",
                self.name
            );
            let former = self.by_number.insert(number, self.entries.len());
            assert!(former.is_none(), "message {number} is shown once");
            self.by_id.push(self.entries.len());
        } else {
            assert!(!entry.body.is_stored(), "a message has an id");
        }
        self.follow(entry);
        self.entries.push(Published {
            entry: entry.clone(),
            step,
        });
        if !self.has_history {
            self.visible_from = self.entries.len();
        }
    }

    /// Follows who is here; whatever they do, they do under the name of that moment.
    fn follow(&mut self, entry: &Entry) {
        let author = entry.author;
        match &entry.body {
            Body::Said(_) | Body::Acted(_) | Body::Topic(_) => {
                assert!(self.present.contains(&author), "{author} speaks while here");
            }
            Body::Joined { .. } => {
                assert!(self.present.insert(author), "{author} comes when not here");
            }
            Body::Left { .. } | Body::Kicked { .. } => {
                assert!(self.present.remove(&author), "{author} goes when here");
            }
            Body::Renamed { to } => {
                assert!(
                    self.present.remove(&author),
                    "{author} is renamed when here"
                );
                assert!(self.present.insert(*to), "{to} is nobody else's name");
            }
            Body::Received(_) | Body::Sent(_) => {
                assert!(self.name.is_none(), "private messages go to inboxes");
            }
            Body::Counted { .. } => {}
        }
    }

    /// A few entries from `index` on, shortened, for whoever looks for a mistake.
    pub(super) fn excerpt(&self, index: usize) -> String {
        let near = self
            .entries
            .iter()
            .enumerate()
            .skip(index.saturating_sub(2));
        let line = |(index, one): (usize, &Published)| {
            let entry = format!("{:?}", one.entry);
            format!("\n  {index} (step {}): {entry:.160}", one.step)
        };
        near.take(12).map(line).collect()
    }

    /// The index at which a reader begins who asks for `from`.
    pub(super) fn start(&self, from: From) -> usize {
        let end = self.entries.len();
        match from {
            From::Newest(0) => end,
            From::Newest(count) => {
                let wanted = self.by_id.len().saturating_sub(count);
                let index = self.by_id.get(wanted).copied().unwrap_or(end);
                index.max(self.visible_from)
            }
            From::Since(unix_ms) => {
                let is_older = |one: &Published| one.entry.unix_ms < unix_ms;
                self.entries
                    .partition_point(is_older)
                    .max(self.visible_from)
            }
            From::After(id) => {
                let id = usize::try_from(id.0).expect("ids are small here");
                match id.checked_sub(1) {
                    None => 0,
                    Some(index) => self.by_id.get(index).map_or(end, |index| index + 1),
                }
            }
        }
    }
}

/// The number that every message of a simulated person begins with.
pub(super) fn number_of(entry: &Entry) -> Option<u64> {
    match &entry.body {
        Body::Said(text) | Body::Acted(text) | Body::Received(text) | Body::Sent(text) => {
            number_in(text)
        }
        Body::Joined { .. }
        | Body::Left { .. }
        | Body::Kicked { .. }
        | Body::Renamed { .. }
        | Body::Topic(_)
        | Body::Counted { .. } => None,
    }
}

/// The number at the start of a text: `m17 ...`.
pub(super) fn number_in(text: &str) -> Option<u64> {
    let (number, _) = text.strip_prefix('m')?.split_once(' ')?;
    number.parse().ok()
}
