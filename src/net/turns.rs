//! Turns: how long the loop's take, and which phase is to blame for the longest.

use std::time::Duration;

/// A phase of a turn; waiting is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Accept,
    Read,
    Complete,
    Expire,
    Answer,
    Write,
    Reap,
}

impl Phase {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Read => "read",
            Self::Complete => "complete",
            Self::Expire => "expire",
            Self::Answer => "answer",
            Self::Write => "write",
            Self::Reap => "reap",
        }
    }
}

/// A turn that was long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Longest {
    /// How long.
    pub(super) took: Duration,
    /// The phase that took most of it.
    pub(super) phase: Phase,
    /// How long that took.
    pub(super) phase_took: Duration,
}

const NONE: Longest = Longest {
    took: Duration::ZERO,
    phase: Phase::Accept,
    phase_took: Duration::ZERO,
};

/// What is known of all turns.
pub(super) struct Turns {
    count: u64,
    /// When the present turn began, when its present phase did, and its longest phase so far.
    began: Duration,
    phase_began: Duration,
    present: Longest,
    recent: Longest,
    ever: Longest,
}

impl Turns {
    /// No turn yet.
    pub(super) fn new() -> Self {
        Self {
            count: 0,
            began: Duration::ZERO,
            phase_began: Duration::ZERO,
            present: NONE,
            recent: NONE,
            ever: NONE,
        }
    }

    /// A turn begins.
    pub(super) fn begin(&mut self, now: Duration) {
        self.began = now;
        self.phase_began = now;
        self.present = NONE;
    }

    /// A phase has ended, and the next begins.
    pub(super) fn end(&mut self, phase: Phase, now: Duration) {
        let phase_took = now.saturating_sub(self.phase_began);
        self.phase_began = now;
        if phase_took > self.present.phase_took {
            self.present.phase = phase;
            self.present.phase_took = phase_took;
        }
        if phase == Phase::Reap {
            self.present.took = now.saturating_sub(self.began);
            self.count += 1;
            for longest in [&mut self.recent, &mut self.ever] {
                if self.present.took > longest.took {
                    *longest = self.present;
                }
            }
        }
    }

    /// How many there were.
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The longest of all.
    pub(super) fn ever(&self) -> Longest {
        self.ever
    }

    /// The longest since this was last asked.
    pub(super) fn take_recent(&mut self) -> Longest {
        std::mem::replace(&mut self.recent, NONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_turn_names_the_phase_that_took_most_of_it() {
        let at = Duration::from_millis;
        let mut turns = Turns::new();
        for (start, write) in [(0, 5), (100, 50), (200, 1)] {
            turns.begin(at(start));
            turns.end(Phase::Read, at(start + 4));
            turns.end(Phase::Write, at(start + 4 + write));
            turns.end(Phase::Reap, at(start + 5 + write));
        }
        assert_eq!(turns.count(), 3);
        let longest = Longest {
            took: at(55),
            phase: Phase::Write,
            phase_took: at(50),
        };
        assert_eq!(turns.ever(), longest);
        assert_eq!(turns.take_recent(), longest);
        assert_eq!(turns.take_recent(), NONE);
        assert_eq!(turns.ever(), longest);
    }
}
