//! Voices: the speakers of one thread, and when each may or must speak.

use crate::plan::{Group, Pace};
use parlour::limits::UNACKNOWLEDGED_MAX;
use std::time::Duration;

/// Messages one speaker sends in one turn; then others are served.
const MESSAGES_PER_TURN: u32 = 64;

/// One speaker.
pub(super) struct Voice {
    /// Its number.
    pub(super) speaker: u16,
    /// Its member, among those of its thread.
    pub(super) seat: usize,
    /// Messages it has sent.
    pub(super) said: u32,
    /// Messages of it that were acknowledged, where they are.
    pub(super) stored: u32,
    said_max: u32,
    pace: Pace,
    /// Time between two messages of it, in an open loop.
    interval: Duration,
    /// How much after the beginning its first one is.
    offset: Duration,
}

impl Voice {
    /// A speaker of `group`.
    pub(super) fn new(speaker: u16, seat: usize, group: &Group) -> Self {
        let places = u32::try_from(group.speakers.len()).expect("speakers are u16");
        let place = u32::from(speaker - group.speakers.start);
        let (interval, offset) = match group.pace {
            Pace::Silent | Pace::Closed { .. } => (Duration::ZERO, Duration::ZERO),
            Pace::Open { per_second } => {
                let interval = Duration::from_secs_f64(f64::from(places) / per_second);
                (interval, interval * place / places)
            }
        };
        Self {
            speaker,
            seat,
            said: 0,
            stored: 0,
            said_max: share_of(group.messages_max, place, places),
            pace: group.pace,
            interval,
            offset,
        }
    }

    /// When its next message is due, in an open loop that began at `begin`.
    pub(super) fn due(&self, begin: Duration) -> Option<Duration> {
        match self.pace {
            Pace::Silent | Pace::Closed { .. } => None,
            Pace::Open { .. } if self.said >= self.said_max => None,
            Pace::Open { .. } => {
                let nanos = self.interval.as_nanos() * u128::from(self.said);
                let since = Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX));
                Some(begin + self.offset + since)
            }
        }
    }

    /// How many messages it may send now.
    ///
    /// `complete` is how many everybody has. `acknowledges` tells whether the server remembers
    /// which are unacknowledged: then it bounds them, and so must we.
    pub(super) fn allowance(
        &self,
        begin: Duration,
        now: Duration,
        complete: u32,
        acknowledges: bool,
    ) -> u32 {
        let wanted = match self.pace {
            Pace::Silent => 0,
            Pace::Closed { window } => window.saturating_sub(self.said.saturating_sub(complete)),
            Pace::Open { .. } => self.overdue(begin, now),
        };
        let bound = u32::try_from(UNACKNOWLEDGED_MAX).expect("the limit is small");
        let unacknowledged = self.said.saturating_sub(self.stored);
        let free = if acknowledges {
            bound.saturating_sub(unacknowledged)
        } else {
            bound
        };
        let left = self.said_max.saturating_sub(self.said);
        wanted.min(free).min(left).min(MESSAGES_PER_TURN)
    }

    /// When the message it sends next counts as sent.
    pub(super) fn sent_at(&self, begin: Duration, now: Duration) -> Duration {
        self.due(begin).unwrap_or(now)
    }

    /// How many messages are due and not sent.
    fn overdue(&self, begin: Duration, now: Duration) -> u32 {
        let Some(due) = self.due(begin).filter(|due| *due <= now) else {
            return 0;
        };
        let behind = (now - due).as_nanos() / self.interval.as_nanos().max(1);
        u32::try_from(behind).unwrap_or(u32::MAX).saturating_add(1)
    }
}

/// How many of `messages_max` the speaker at `place` of `places` says; without a bound for all
/// there is none for each.
fn share_of(messages_max: u32, place: u32, places: u32) -> u32 {
    if messages_max == u32::MAX {
        return u32::MAX;
    }
    messages_max / places + u32::from(place < messages_max % places)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn group(pace: Pace, speakers: u16, messages_max: u32) -> Group {
        Group {
            room: None,
            speakers: 0..speakers,
            pace,
            messages_max,
            apart: false,
        }
    }

    #[test]
    fn an_open_loop_keeps_its_times_however_late_it_is() {
        let pace = Pace::Open { per_second: 20.0 };
        let mut voice = Voice::new(1, 0, &group(pace, 2, u32::MAX));
        // Two speakers share the rate: ten a second each, half an interval apart.
        assert_eq!(voice.due(SECOND), Some(SECOND + Duration::from_millis(50)));
        assert_eq!(voice.allowance(SECOND, SECOND, 0, false), 0);
        assert_eq!(voice.allowance(SECOND, 2 * SECOND, 0, false), 10);
        voice.said = 9;
        let due = SECOND + Duration::from_millis(950);
        assert_eq!(voice.sent_at(SECOND, 2 * SECOND), due);
        assert_eq!(voice.allowance(SECOND, 2 * SECOND, 0, false), 1);
    }

    #[test]
    fn a_closed_loop_never_has_more_outstanding_than_its_window() {
        let mut voice = Voice::new(0, 0, &group(Pace::Closed { window: 8 }, 1, u32::MAX));
        assert_eq!(voice.allowance(SECOND, SECOND, 0, true), 8);
        voice.said = 8;
        assert_eq!(voice.allowance(SECOND, SECOND, 3, true), 3);
        assert_eq!(voice.allowance(SECOND, SECOND, u32::MAX, true), 8);
    }

    #[test]
    fn what_the_server_must_remember_is_bounded() {
        let mut voice = Voice::new(0, 0, &group(Pace::Closed { window: 4096 }, 1, u32::MAX));
        voice.said = 1020;
        assert_eq!(voice.allowance(SECOND, SECOND, 1020, true), 4);
        voice.stored = 1020;
        assert_eq!(
            voice.allowance(SECOND, SECOND, 1020, true),
            MESSAGES_PER_TURN
        );
    }

    #[test]
    fn a_count_is_divided_without_a_rest() {
        let shares: Vec<u32> = (0..3).map(|place| share_of(50, place, 3)).collect();
        assert_eq!(shares, [17, 17, 16]);
        assert_eq!(share_of(u32::MAX, 1, 3), u32::MAX);
    }

    #[test]
    fn nobody_says_more_than_was_asked_for() {
        for pace in [
            Pace::Closed { window: 64 },
            Pace::Open { per_second: 1000.0 },
        ] {
            let voice = Voice::new(0, 0, &group(pace, 1, 3));
            assert_eq!(voice.allowance(SECOND, 2 * SECOND, 0, false), 3);
        }
    }
}
