//! Pages: what readers want of the store, what was asked for, and what has come.
//!
//! ```text
//! ask ---> queued ---> sent ---> held ---> gone when all its readers have read it
//!         (urgent      |  ^        \_____> or when others need its place and all of them are stuck
//!          first)      v  |supply
//!                     store
//! ```
//!
//! A page belongs to the connections that wait for it or read it; equal requests are one. So many
//! are sent or held at once; a page that nobody wants any more keeps its place until it is
//! answered, because the store works on it.
//!
//! Knows no connection: a reader finds out by the page's serial number whether it is still there.

use super::segment::Segment;
use crate::chat::{ClientId, EntryId, From, PageRequest, RoomId};
use std::collections::{BTreeMap, BTreeSet};

/// How much a page is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// For somebody who lags behind what is live.
    CatchUp,
    /// For somebody who has come.
    Join,
    /// For somebody who asked to see it once more.
    Replay,
}

/// A page that has come, encoded.
pub(super) struct Page {
    pub(super) segment: Segment,
    /// Entries that are gone before its first one.
    pub(super) missed: u64,
    /// Every entry up to this one that there is, is here or was before.
    pub(super) reaches: u64,
}

/// How far a page has come.
pub(super) enum State {
    Queued,
    Sent,
    Held(Page),
    /// The store could not read it.
    Failed,
}

struct Wanted {
    request: PageRequest,
    urgency: Urgency,
    state: State,
    /// How many connections want it.
    count: usize,
    /// Who asked for it; some may have turned away since.
    readers: Vec<ClientId>,
}

/// An order over requests; the kind of beginning, then its number.
type Key = (RoomId, EntryId, u8, u64);

/// All pages.
///
/// Invariants: `taken` counts the pages sent and held, and is at most `pages_max`; whatever is
/// queued is wanted by somebody.
pub(super) struct Pages {
    pages_max: usize,
    last_serial: u64,
    wanted: BTreeMap<u64, Wanted>,
    by_request: BTreeMap<Key, u64>,
    queue: BTreeSet<(Urgency, u64)>,
    taken: usize,
    bytes: usize,
}

fn key(request: &PageRequest) -> Key {
    let (kind, number) = match request.from {
        From::Newest(count) => (0, count as u64),
        From::Since(unix_ms) => (1, unix_ms),
        From::After(id) => (2, id.0),
    };
    (request.room, request.before, kind, number)
}

impl Pages {
    pub(super) fn new(pages_max: usize) -> Self {
        Self {
            pages_max,
            last_serial: 0,
            wanted: BTreeMap::new(),
            by_request: BTreeMap::new(),
            queue: BTreeSet::new(),
            taken: 0,
            bytes: 0,
        }
    }

    // --- Readers ---

    /// Notes that `client` wants a page; returns the page's serial number.
    pub(super) fn ask(&mut self, client: ClientId, request: PageRequest, urgency: Urgency) -> u64 {
        if let Some(&serial) = self.by_request.get(&key(&request)) {
            let wanted = self.wanted.get_mut(&serial);
            let wanted = wanted.expect("requests name pages that are wanted");
            wanted.count += 1;
            wanted.readers.push(client);
            return serial;
        }
        self.last_serial += 1;
        let serial = self.last_serial;
        let wanted = Wanted {
            request,
            urgency,
            state: State::Queued,
            count: 1,
            readers: vec![client],
        };
        self.wanted.insert(serial, wanted);
        self.by_request.insert(key(&request), serial);
        self.queue.insert((urgency, serial));
        serial
    }

    /// How far a page has come; nothing of one that had to go.
    pub(super) fn state(&self, serial: u64) -> Option<&State> {
        self.wanted.get(&serial).map(|wanted| &wanted.state)
    }

    /// A reader turns away from a page. Returns what was held of it if it was the last one.
    pub(super) fn release(&mut self, serial: u64) -> Option<Segment> {
        let wanted = self.wanted.get_mut(&serial)?;
        wanted.count -= 1;
        match wanted.state {
            _ if wanted.count > 0 => None,
            // Its place is the store's until it is answered.
            State::Sent => None,
            State::Queued | State::Held(_) | State::Failed => self.remove(serial),
        }
    }

    fn remove(&mut self, serial: u64) -> Option<Segment> {
        let wanted = self.wanted.remove(&serial)?;
        self.forget_request(serial, &wanted.request);
        match wanted.state {
            State::Queued => {
                self.queue.remove(&(wanted.urgency, serial));
                None
            }
            State::Sent => {
                self.taken -= 1;
                None
            }
            State::Held(page) => {
                self.taken -= 1;
                self.bytes -= page.segment.bytes();
                Some(page.segment)
            }
            State::Failed => None,
        }
    }

    fn forget_request(&mut self, serial: u64, request: &PageRequest) {
        let key = key(request);
        if self.by_request.get(&key) == Some(&serial) {
            self.by_request.remove(&key);
        }
    }

    // --- The store ---

    /// Whether a request could be handed over now.
    pub(super) fn has_requests(&self) -> bool {
        !self.queue.is_empty() && self.taken < self.pages_max
    }

    /// Takes the most urgent request, if there is a place for it.
    pub(super) fn take_request(&mut self) -> Option<PageRequest> {
        if self.taken >= self.pages_max {
            return None;
        }
        let (_, serial) = self.queue.pop_first()?;
        let wanted = self.wanted.get_mut(&serial);
        let wanted = wanted.expect("what is queued is wanted");
        wanted.state = State::Sent;
        self.taken += 1;
        Some(wanted.request)
    }

    /// Gives up the page that has been wanted for longest of those all of whose readers are stuck,
    /// if others wait for a place; they ask for the rest of it when they can go on.
    pub(super) fn give_up_stuck(
        &mut self,
        is_stuck: impl Fn(ClientId, u64) -> bool,
    ) -> Option<Segment> {
        if self.queue.is_empty() || self.taken < self.pages_max {
            return None;
        }
        let is_spare = |(serial, wanted): &(&u64, &Wanted)| {
            matches!(wanted.state, State::Held(_))
                && wanted.readers.iter().all(|one| is_stuck(*one, **serial))
        };
        let serial = self
            .wanted
            .iter()
            .find(is_spare)
            .map(|(serial, _)| *serial)?;
        self.remove(serial)
    }

    /// Whether the store was asked for this.
    pub(super) fn is_sent(&self, request: &PageRequest) -> bool {
        let serial = self.by_request.get(&key(request));
        let wanted = serial.and_then(|serial| self.wanted.get(serial));
        wanted.is_some_and(|wanted| matches!(wanted.state, State::Sent))
    }

    /// The store has answered a request that [`Self::is_sent`]. Returns the page's serial number
    /// and who may go on with it.
    pub(super) fn answer(
        &mut self,
        request: &PageRequest,
        page: Option<Page>,
    ) -> (u64, Vec<ClientId>) {
        let serial = self.by_request[&key(request)];
        let wanted = self.wanted.get_mut(&serial);
        let wanted = wanted.expect("requests name pages that are wanted");
        if wanted.count == 0 {
            self.remove(serial);
            return (serial, Vec::new());
        }
        let readers = wanted.readers.clone();
        match page {
            Some(page) => {
                self.bytes += page.segment.bytes();
                wanted.state = State::Held(page);
            }
            None => {
                wanted.state = State::Failed;
                self.taken -= 1;
                // Whoever asks later has it tried again.
                self.forget_request(serial, request);
            }
        }
        (serial, readers)
    }

    // --- Counts ---

    /// Pages sent or held.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// Those of them that are sent.
    pub(super) fn asked(&self) -> usize {
        let is_sent = |wanted: &&Wanted| matches!(wanted.state, State::Sent);
        self.wanted.values().filter(is_sent).count()
    }

    /// Bytes of those that are held.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Pages that are wanted and not asked for.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// How many connections want a page, as the pages count them.
    #[cfg(test)]
    pub(super) fn assert_invariants(&self, wanted_by: impl Fn(u64) -> usize) {
        let (mut taken, mut bytes) = (0, 0);
        for (serial, wanted) in &self.wanted {
            assert_eq!(
                wanted.count,
                wanted_by(*serial),
                "a page knows how many want it"
            );
            let is_queued = self.queue.contains(&(wanted.urgency, *serial));
            assert_eq!(is_queued, matches!(wanted.state, State::Queued));
            match &wanted.state {
                State::Queued | State::Failed => {
                    assert!(wanted.count > 0, "somebody wants it");
                }
                State::Sent => taken += 1,
                State::Held(page) => {
                    assert!(wanted.count > 0, "somebody reads it");
                    taken += 1;
                    bytes += page.segment.bytes();
                }
            }
        }
        assert_eq!(
            (taken, bytes),
            (self.taken, self.bytes),
            "pages are counted"
        );
        assert!(self.taken <= self.pages_max, "pages are bounded");
    }
}
