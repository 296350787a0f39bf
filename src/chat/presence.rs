//! Whether a room lists who comes and goes, or counts them.
//!
//! Listing N arrivals to N members is N^2 lines. So a large room counts, and says so at most once
//! per interval; the interval grows with the room. Two thresholds keep it from flickering.

use crate::limits::{
    PRESENCE_COUNT_INTERVAL_MIN, PRESENCE_COUNT_INTERVAL_PER_MEMBER, PRESENCE_LISTED_MAX,
    PRESENCE_RELISTED_BELOW,
};
use std::time::Duration;

/// How one room tells of arrivals and departures.
#[derive(Debug, Default)]
pub(super) struct Presence {
    counting: bool,
    counts: Counts,
    /// When the counts are told; set while there is something to tell.
    due: Option<Duration>,
}

/// Who came and went since the last count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    /// How many came.
    pub(super) arrived: u32,
    /// How many went.
    pub(super) departed: u32,
}

/// How one arrival or departure is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Telling {
    /// With an entry of its own.
    Listed,
    /// With an entry of its own, after these counts: the room has become small.
    ListedAfter(Counts),
    /// In the next count.
    Counted,
}

impl Presence {
    /// Somebody came, and now so many are here.
    pub(super) fn arrive(&mut self, here: usize) -> Telling {
        self.counting |= here > PRESENCE_LISTED_MAX;
        if !self.counting {
            return Telling::Listed;
        }
        self.counts.arrived += 1;
        Telling::Counted
    }

    /// Somebody went, and now so many are here.
    pub(super) fn depart(&mut self, here: usize) -> Telling {
        if !self.counting {
            return Telling::Listed;
        }
        if here < PRESENCE_RELISTED_BELOW {
            self.counting = false;
            self.due = None;
            return Telling::ListedAfter(std::mem::take(&mut self.counts));
        }
        self.counts.departed += 1;
        Telling::Counted
    }

    /// Sets the time of the next count if there is something to tell and none is set.
    pub(super) fn schedule(&mut self, here: usize, now: Duration) -> Option<Duration> {
        if self.due.is_some() || self.counts == Counts::default() {
            return None;
        }
        let here = u32::try_from(here).unwrap_or(u32::MAX);
        let interval = PRESENCE_COUNT_INTERVAL_PER_MEMBER
            .saturating_mul(here)
            .max(PRESENCE_COUNT_INTERVAL_MIN);
        self.due = Some(now.saturating_add(interval));
        self.due
    }

    /// Takes the counts when their time has come.
    pub(super) fn take(&mut self) -> Counts {
        self.due = None;
        std::mem::take(&mut self.counts)
    }

    /// When the counts are told.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_room_counts_from_51_on_and_lists_again_below_40() {
        let mut presence = Presence::default();
        for here in 1..=PRESENCE_LISTED_MAX {
            assert_eq!(presence.arrive(here), Telling::Listed);
        }
        assert_eq!(presence.arrive(51), Telling::Counted);
        for here in (PRESENCE_RELISTED_BELOW..=50).rev() {
            assert_eq!(presence.depart(here), Telling::Counted);
        }
        let counts = Counts {
            arrived: 1,
            departed: 11,
        };
        assert_eq!(presence.depart(39), Telling::ListedAfter(counts));
        assert_eq!(presence.arrive(40), Telling::Listed);
    }

    #[test]
    fn the_interval_grows_with_the_room_and_is_set_once() {
        let mut presence = Presence::default();
        let now = Duration::from_secs(100);
        assert_eq!(presence.schedule(60, now), None);
        presence.arrive(60);
        assert_eq!(presence.schedule(60, now), Some(Duration::from_secs(101)));
        assert_eq!(presence.schedule(60, now), None);
        presence.take();
        presence.arrive(50_000);
        assert_eq!(
            presence.schedule(50_000, now),
            Some(Duration::from_secs(105))
        );
    }
}
