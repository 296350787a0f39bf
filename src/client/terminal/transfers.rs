//! Transfers: files on their way in and out while one talks.
//!
//! ```text
//! /send    -> outgoing: hash -> ask -> chunks while little waits for the socket -> said, row gone
//! /accept  -> incoming: open -> ask -> pieces as they come -> finish            -> said, row gone
//! ```
//!
//! They outlive connections: after a lost one each asks to go on where it was. So that nobody waits
//! for them, their bytes fill only the little that may wait for the socket anyway, one chunk of each
//! in turn, and what a disk may take long for is done by [`chores`]. What is said of them is shown
//! by the front.

mod chores;
mod commands;
mod incoming;
mod listing;
mod outgoing;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use mio::Waker;

use self::chores::{Chores, Done};
use self::incoming::Incoming;
use self::listing::Wishes;
use self::outgoing::Outgoing;
use super::progress::{Progress, ProgressRows};
use crate::chat::{FileId, FileListing, MessageKey, Way};
use crate::client::files::{self, Downloads, Offered, SourceError};
use crate::client::news::News;
use crate::client::session::Session;
use crate::limits::{
    CLIENT_FILE_UNSENT_BYTES, CLIENT_OFFERS_MAX, CLIENT_PROGRESS_EVERY, FILE_CHUNK_BYTES_MAX,
    TRANSFERS_PER_CLIENT_MAX,
};
use crate::wire::message::{BodyView, FileAnswer, FileRequest};

/// What is to be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It went well.
    Well(String),
    /// It did not.
    Ill(String),
}

/// All files on their way.
pub(super) struct Transfers {
    downloads: Downloads,
    /// Whether the program can read only what was named.
    is_confined: bool,
    chores: Chores,
    next_id: u64,
    outgoing: BTreeMap<u64, Outgoing>,
    incoming: BTreeMap<u64, Incoming>,
    /// What was offered by others, as far as it was seen.
    offers: BTreeMap<FileId, Offered>,
    /// What has come.
    received: BTreeSet<FileId>,
    wishes: Wishes,
    /// The question what there is, and what was answered so far.
    listing: Option<(MessageKey, Vec<FileListing>)>,
    /// What the server is not to send any more.
    stopped: Vec<FileId>,
    /// What the server is to take back.
    cancelled: Vec<FileId>,
    /// Which file sent the last chunk; the next one is another's.
    turn: u64,
    /// What is to be said.
    said: Vec<Fate>,
    /// Whose rows are to go.
    gone: Vec<u64>,
    buffer: Box<[u8; FILE_CHUNK_BYTES_MAX]>,
}

impl Transfers {
    pub(super) fn new(downloads: Downloads, is_confined: bool, waker: Arc<Waker>) -> Self {
        Self {
            downloads,
            is_confined,
            chores: Chores::new(waker),
            next_id: 0,
            outgoing: BTreeMap::new(),
            incoming: BTreeMap::new(),
            offers: BTreeMap::new(),
            received: BTreeSet::new(),
            wishes: Wishes::default(),
            listing: None,
            stopped: Vec::new(),
            cancelled: Vec::new(),
            turn: 0,
            said: Vec::new(),
            gone: Vec::new(),
            buffer: Box::new([0; FILE_CHUNK_BYTES_MAX]),
        }
    }

    /// How many are under way.
    pub(super) fn count(&self) -> usize {
        self.outgoing.len() + self.incoming.len()
    }

    /// When their rows have to be looked at though nothing happens.
    pub(super) fn next_change(&self) -> Option<Duration> {
        (self.count() > 0).then_some(CLIENT_PROGRESS_EVERY)
    }

    pub(super) fn hear(&mut self, news: &News<'_>) {
        match *news {
            News::Welcome { history_reset, .. } => {
                self.disconnected();
                if history_reset {
                    self.history_reset();
                }
            }
            News::Apart(_) => self.disconnected(),
            News::Entry {
                own: false, entry, ..
            } => {
                if let BodyView::Offered(offer) = entry.body
                    && offer.way != Way::Sent
                {
                    self.remember(Offered::said(entry.author, &offer));
                }
            }
            News::File(answer) => self.hear_answer(answer),
            News::FileDone(key) => self.listed(key),
            News::FileRefused { key, text } => self.refused(key, text),
            News::Entry { .. }
            | News::ServerKey(_)
            | News::AskName
            | News::AskSecret(_)
            | News::LoggedIn(_)
            | News::Entered { .. }
            | News::Exited(_)
            | News::Current(_)
            | News::Renamed(_)
            | News::Notice(_)
            | News::Acknowledged { .. }
            | News::Refused { .. }
            | News::Sent { .. }
            | News::NotSent { .. }
            | News::ReplayEnd { .. }
            | News::Missed { .. }
            | News::Passed(_)
            | News::Bye(_)
            | News::Closed(_)
            | News::Trace(_) => {}
        }
    }

    /// What was asked on the connection before is not answered any more.
    fn disconnected(&mut self) {
        self.listing = None;
        self.stopped.clear();
        self.outgoing.values_mut().for_each(Outgoing::disconnected);
        self.incoming.values_mut().for_each(Incoming::disconnected);
    }

    /// The server has begun anew: its numbers mean other files now.
    fn history_reset(&mut self) {
        self.offers.clear();
        self.received.clear();
        self.wishes.numbers.clear();
        self.cancelled.clear();
        let outgoing = self.outgoing.values_mut();
        outgoing.for_each(Outgoing::history_reset);
        let coming = self.incoming.iter().filter(|(_, one)| !one.is_finishing());
        let coming: Vec<_> = coming.map(|(id, one)| (*id, one.unknown())).collect();
        for (id, fate) in coming {
            self.end(id, fate);
        }
        self.stopped.clear();
    }

    fn remember(&mut self, offered: Offered) {
        self.offers.insert(offered.file, offered);
        if self.offers.len() > CLIENT_OFFERS_MAX {
            self.offers.pop_first();
        }
    }

    fn hear_answer(&mut self, answer: &FileAnswer<'_>) {
        if let FileAnswer::Listed(listed) = answer {
            // No server has more than that to tell.
            if let Some((_, answered)) = &mut self.listing
                && answered.len() < CLIENT_OFFERS_MAX
            {
                answered.push(listed.clone());
            }
            return;
        }
        let mut ended = Vec::new();
        for (id, outgoing) in &mut self.outgoing {
            ended.extend(outgoing.hear(answer).map(|fate| (*id, fate)));
        }
        for (id, incoming) in &mut self.incoming {
            let fate = incoming.hear(*id, answer, &self.chores);
            ended.extend(fate.map(|fate| (*id, fate)));
        }
        for (id, fate) in ended {
            self.end(id, fate);
        }
    }

    /// It is over, one way or the other.
    fn end(&mut self, id: u64, fate: Fate) {
        self.outgoing.remove(&id);
        if let Some(mut incoming) = self.incoming.remove(&id) {
            incoming.discard_nothing();
            match fate {
                Fate::Well(_) => {
                    self.received.insert(incoming.file());
                }
                // It is not wanted any more, whoever ended it.
                Fate::Ill(_) => self.stopped.push(incoming.file()),
            }
        }
        self.gone.push(id);
        self.said.push(fate);
    }

    fn refused(&mut self, key: MessageKey, text: &str) {
        if self.listing.take_if(|(asked, _)| *asked == key).is_some() {
            self.wishes = Wishes::default();
            return self.said.push(Fate::Ill(text.to_owned()));
        }
        let mut outgoing = self.outgoing.iter();
        let mut incoming = self.incoming.iter();
        let refused = outgoing
            .find(|(_, outgoing)| outgoing.has_asked(key))
            .map(|(id, outgoing)| (*id, outgoing.name().to_owned()))
            .or_else(|| {
                let found = incoming.find(|(_, incoming)| incoming.has_asked(key));
                found.map(|(id, incoming)| (*id, format!("N {}", incoming.file())))
            });
        if let Some((id, name)) = refused {
            self.end(id, Fate::Ill(format!("{name}: {text}")));
        }
    }

    /// Goes on with everything as far as it goes; tells whether there is more to be done at once.
    pub(super) fn go_on(&mut self, session: &mut Session) -> bool {
        while let Some((id, done)) = self.chores.next_done() {
            self.take_chore(id, done);
        }
        for (id, outgoing) in self.outgoing.iter_mut().take(TRANSFERS_PER_CLIENT_MAX) {
            outgoing.begin(*id, &self.chores);
        }
        for (id, incoming) in self.incoming.iter_mut().take(TRANSFERS_PER_CLIENT_MAX) {
            incoming.begin(*id, &self.chores, &self.downloads);
        }
        if !session.conversation().is_ready() {
            return false;
        }
        for file in self.cancelled.drain(..) {
            session.run(&format!("/cancel {file}"), &mut |_| {});
        }
        for file in self.stopped.drain(..) {
            session.ask_file(&FileRequest::Stop { file }, &mut |_| {});
        }
        self.ask_list(session);
        for outgoing in self.outgoing.values_mut().take(TRANSFERS_PER_CLIENT_MAX) {
            outgoing.ask(session);
        }
        for incoming in self.incoming.values_mut() {
            incoming.ask(session);
        }
        self.send_chunks(session)
    }

    fn take_chore(&mut self, id: u64, done: Done) {
        match done {
            Done::Hashed(Ok(source)) => {
                if let Some(outgoing) = self.outgoing.get_mut(&id) {
                    outgoing.hashed(source);
                    self.end_if_superfluous(id);
                }
            }
            Done::Hashed(Err(error)) => self.source_failed(id, &error),
            Done::Opened(Ok(part)) => match self.incoming.get_mut(&id) {
                Some(incoming) => incoming.opened(part),
                None => part.discard(),
            },
            Done::Opened(Err(error)) => {
                if let Some(incoming) = self.incoming.get(&id) {
                    self.end(id, incoming.failed(&error));
                }
            }
            Done::Finished(finished) => {
                if let Some(incoming) = self.incoming.get(&id) {
                    self.end(id, incoming.finished(&self.downloads, finished));
                }
            }
        }
    }

    /// Ends one that is on its way to the same already: the server would take both for one offer,
    /// and the bytes of each for a mistake of the other's.
    fn end_if_superfluous(&mut self, id: u64) {
        let Some(outgoing) = self.outgoing.get(&id) else {
            return;
        };
        let mut others = self.outgoing.iter().filter(|(other, _)| **other != id);
        if others.any(|(_, other)| outgoing.is_same(other)) {
            self.end(id, outgoing.superfluous());
        }
    }

    /// A file to be sent is not what it was.
    fn source_failed(&mut self, id: u64, error: &SourceError) {
        let Some(outgoing) = self.outgoing.get(&id) else {
            return;
        };
        // Those who fetch it must not wait for the rest of what is no more.
        self.cancelled.extend(outgoing.file());
        self.end(id, Fate::Ill(error.to_string()));
    }

    /// Sends chunks, one of each file in turn, while little waits for the socket.
    fn send_chunks(&mut self, session: &mut Session) -> bool {
        // What still waits after a turn waits for the socket, which tells when it takes more.
        if session.unsent() >= CLIENT_FILE_UNSENT_BYTES {
            return false;
        }
        let mut idle = 0;
        while idle < self.outgoing.len() {
            if session.unsent() >= CLIENT_FILE_UNSENT_BYTES {
                return true;
            }
            let after = (Bound::Excluded(self.turn), Bound::Unbounded);
            let next = self.outgoing.range(after).next();
            let Some(id) = next.or(self.outgoing.iter().next()).map(|(id, _)| *id) else {
                return false;
            };
            self.turn = id;
            let outgoing = self.outgoing.get_mut(&id).expect("it was just found");
            match outgoing.send_chunk(session, &mut self.buffer) {
                Ok(true) => idle = 0,
                Ok(false) => idle += 1,
                Err(error) => self.source_failed(id, &error),
            }
        }
        // What is to be taken back is so with the next turn.
        !self.cancelled.is_empty()
    }

    fn tell(&mut self, words: &str) {
        self.said.push(Fate::Well(words.to_owned()));
    }

    /// Whether that file is on its way in.
    fn has(&self, file: FileId) -> bool {
        self.incoming.values().any(|one| one.file() == file)
    }

    fn fetch(&mut self, offered: Offered) {
        if self.has(offered.file) {
            return self.tell(&format!("N {} is on its way", offered.file));
        }
        self.next_id += 1;
        self.incoming.insert(self.next_id, Incoming::new(offered));
    }

    /// Gives up fetching that file, if it is on its way; tells whether it was.
    fn give_up(&mut self, file: FileId) -> bool {
        self.wishes.numbers.remove(&file);
        let mut incoming = self.incoming.iter();
        let found = incoming.find(|(_, one)| one.file() == file && !one.is_finishing());
        let Some(id) = found.map(|(id, _)| *id) else {
            return false;
        };
        if let Some(mut incoming) = self.incoming.remove(&id) {
            incoming.discard();
        }
        self.stopped.push(file);
        self.gone.push(id);
        true
    }

    /// Brings the rows up to date.
    pub(super) fn show(&mut self, now: Duration, rows: &mut ProgressRows) {
        for (id, outgoing) in &mut self.outgoing {
            if let Some(row) = outgoing.row(now) {
                rows.set(*id, row);
            }
        }
        for (id, incoming) in &mut self.incoming {
            if let Some(row) = incoming.row(now) {
                rows.set(*id, row);
            }
        }
        for id in self.gone.drain(..) {
            rows.remove(id);
        }
    }

    /// What is to be said since it was asked for last.
    pub(super) fn take_said(&mut self) -> Vec<Fate> {
        std::mem::take(&mut self.said)
    }
}

fn percent(done: u64, bytes: u64) -> String {
    files::Progress::default().words(done, bytes)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "it is for a bar of a few columns"
)]
fn row(label: String, progress: &files::Progress, done: u64, bytes: u64) -> Progress {
    let fraction = match bytes {
        0 => 1.0,
        bytes => done as f64 / bytes as f64,
    };
    Progress {
        label,
        fraction: Some(fraction),
        bytes_per_second: progress.rate(),
        left: progress.left(done, bytes),
    }
}
