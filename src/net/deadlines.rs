//! Deadlines: who must be looked at when.
//!
//! One FIFO per kind, because a fixed delay added to a rising clock is already sorted. A client
//! that speaks is not moved: when its entry surfaces, the server looks at what became of it and
//! arms it again. So arming is O(1), and an idle client costs one pop per period.
//!
//! Pauses end at any time, so they alone are kept in order by a heap.
//!
//! Knows no clock: `now` is passed in. Entries carry a generation, since slots are reused; one
//! that names a client who is gone is for the server to ignore.

use crate::chat::ClientId;
use crate::limits::DEADLINE_SHARES;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::time::Duration;

/// What is looked at when the time has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// The handshake must be done.
    Handshake,
    /// The name must be given.
    Login,
    /// A begun message must be whole.
    Message,
    /// The peer must have been heard.
    Silence,
    /// An empty line has stood alone.
    EmptyLine,
    /// The peer must have closed its side.
    Close,
    /// A line connection must have closed its side.
    Linger,
}

const KINDS: usize = 7;

/// The delays of the kinds, in their order.
pub(super) struct Delays(pub(super) [Duration; KINDS]);

/// A time in nanoseconds, half the size of a [`Duration`]: every connection waits in a queue or two.
#[derive(Clone, Copy)]
struct Due(u64);

impl Due {
    fn time(self) -> Duration {
        Duration::from_nanos(self.0)
    }
}

/// Who must be looked at when.
pub(super) struct Deadlines {
    delays: [Duration; KINDS],
    queues: [VecDeque<(Due, ClientId)>; KINDS],
    pauses: BinaryHeap<Reverse<(Duration, ClientId)>>,
}

impl Deadlines {
    /// Nobody yet.
    pub(super) fn new(delays: Delays) -> Self {
        Self {
            delays: delays.0,
            queues: Default::default(),
            pauses: BinaryHeap::new(),
        }
    }

    /// Looks at `client` once the delay of `kind` has passed, or a little later.
    ///
    /// Times are rounded up to a share of the delay: ten thousand idle clients that came one after
    /// the other are then looked at a few times a second, and not each in a turn of its own.
    pub(super) fn arm(&mut self, kind: Kind, client: ClientId, now: Duration) {
        let delay = self.delays[kind as usize];
        let due = round_up(now + delay, delay / DEADLINE_SHARES);
        self.queues[kind as usize].push_back((due, client));
    }

    /// Looks at a paused `client` at the time `due`.
    pub(super) fn pause(&mut self, client: ClientId, due: Duration) {
        self.pauses.push(Reverse((due, client)));
    }

    /// The next that is due, of any kind but pauses.
    pub(super) fn pop(&mut self, now: Duration) -> Option<(Kind, ClientId)> {
        const ORDER: [Kind; KINDS] = [
            Kind::Handshake,
            Kind::Login,
            Kind::Message,
            Kind::Silence,
            Kind::EmptyLine,
            Kind::Close,
            Kind::Linger,
        ];
        ORDER.into_iter().find_map(|kind| {
            let queue = &mut self.queues[kind as usize];
            queue
                .pop_front_if(|(due, _)| due.time() <= now)
                .map(|(_, client)| (kind, client))
        })
    }

    /// Whoever lingers for longest, due or not.
    pub(super) fn pop_lingering(&mut self) -> Option<ClientId> {
        let (_, client) = self.queues[Kind::Linger as usize].pop_front()?;
        Some(client)
    }

    /// The next pause that has ended.
    pub(super) fn pop_pause(&mut self, now: Duration) -> Option<ClientId> {
        let Reverse((due, client)) = *self.pauses.peek()?;
        (due <= now).then(|| {
            self.pauses.pop();
            client
        })
    }

    /// Goes by other delays from now on. Who waits already waits no longer than they say.
    ///
    /// Each queue stays sorted: no entry in it is due later than one armed now would be.
    pub(super) fn configure(&mut self, delays: Delays, now: Duration) {
        self.delays = delays.0;
        for (queue, delay) in self.queues.iter_mut().zip(self.delays) {
            let latest = round_up(now + delay, delay / DEADLINE_SHARES);
            for (due, _) in queue {
                if due.time() > latest.time() {
                    *due = latest;
                }
            }
        }
    }

    /// How many are paused.
    pub(super) fn paused_len(&self) -> usize {
        self.pauses.len()
    }

    /// Everybody who is paused.
    #[cfg(debug_assertions)]
    pub(super) fn paused(&self) -> impl Iterator<Item = ClientId> + '_ {
        self.pauses.iter().map(|Reverse((_, client))| *client)
    }

    /// When somebody is due next.
    pub(super) fn next(&self) -> Option<Duration> {
        let queued = self
            .queues
            .iter()
            .filter_map(|queue| queue.front())
            .map(|(due, _)| due.time());
        queued
            .chain(self.pauses.peek().map(|Reverse((due, _))| *due))
            .min()
    }
}

/// The first multiple of `unit` that is not before `time`.
fn round_up(time: Duration, unit: Duration) -> Due {
    let nanos = unit.as_nanos().max(1);
    let multiple = time.as_nanos().div_ceil(nanos) * nanos;
    Due(u64::try_from(multiple).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLIENT: ClientId = ClientId {
        slot: 1,
        generation: 0,
    };
    const OTHER: ClientId = ClientId {
        slot: 2,
        generation: 0,
    };

    fn seconds(count: u64) -> Duration {
        Duration::from_secs(count)
    }

    fn deadlines() -> Deadlines {
        Deadlines::new(Delays([10, 60, 60, 15, 1, 60, 2].map(seconds)))
    }

    #[test]
    fn each_surfaces_when_its_delay_has_passed_and_once() {
        let mut deadlines = deadlines();
        deadlines.arm(Kind::Handshake, CLIENT, seconds(0));
        deadlines.arm(Kind::EmptyLine, OTHER, seconds(2));
        assert_eq!(deadlines.next(), Some(seconds(3)));
        assert_eq!(deadlines.pop(seconds(2)), None);
        assert_eq!(deadlines.pop(seconds(3)), Some((Kind::EmptyLine, OTHER)));
        assert_eq!(deadlines.pop(seconds(9)), None);
        assert_eq!(deadlines.pop(seconds(10)), Some((Kind::Handshake, CLIENT)));
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn who_came_one_after_the_other_surfaces_together() {
        let mut deadlines = deadlines();
        for slot in 1..=100 {
            let client = ClientId {
                slot,
                generation: 0,
            };
            deadlines.arm(
                Kind::Silence,
                client,
                Duration::from_millis(u64::from(slot)),
            );
        }
        let due = deadlines.next().unwrap();
        assert!(due > seconds(15) && due < seconds(16));
        (0..100).for_each(|_| assert!(deadlines.pop(due).is_some()));
        assert_eq!(deadlines.next(), None);
    }

    #[test]
    fn pauses_surface_in_the_order_of_their_end() {
        let mut deadlines = deadlines();
        deadlines.pause(CLIENT, seconds(9));
        deadlines.pause(OTHER, seconds(4));
        assert_eq!(deadlines.next(), Some(seconds(4)));
        assert_eq!(deadlines.pop_pause(seconds(3)), None);
        assert_eq!(deadlines.pop_pause(seconds(9)), Some(OTHER));
        assert_eq!(deadlines.pop_pause(seconds(9)), Some(CLIENT));
        assert_eq!(deadlines.pop_pause(seconds(9)), None);
    }
}
