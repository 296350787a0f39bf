//! The ledger: what should have arrived, what did, and in which order.
//!
//! Every receiver has an [`Account`] with a [`Track`] per speaker it can hear. A track knows the next number it
//! expects and which numbers were passed over; so a message that comes late is told from one that
//! comes twice, and at the end
//!
//! ```text
//! expected = received + lost
//! ```
//!
//! holds by construction, with duplicates, late and damaged messages beside it.
//!
//! Knows neither time nor connections.

use std::ops::{AddAssign, Range};

/// Counts of what became of messages, each of them per receiver.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug)]
pub(crate) struct Ledger {
    /// What was due: each message times those who should have it.
    pub(crate) expected: u64,
    /// What came, each message once.
    pub(crate) received: u64,
    /// What never came.
    pub(crate) lost: u64,
    /// Of what is lost: what the server itself said would not come.
    pub(crate) announced: u64,
    /// What came again.
    pub(crate) duplicates: u64,
    /// What came after a later one of the same speaker.
    pub(crate) out_of_order: u64,
    /// What was not as it was sent.
    pub(crate) corrupt: u64,
    /// What came to somebody it was not for.
    pub(crate) stray: u64,
}

impl AddAssign for Ledger {
    fn add_assign(&mut self, other: Self) {
        self.expected += other.expected;
        self.received += other.received;
        self.lost += other.lost;
        self.announced += other.announced;
        self.duplicates += other.duplicates;
        self.out_of_order += other.out_of_order;
        self.corrupt += other.corrupt;
        self.stray += other.stray;
    }
}

/// What one message means to its receiver.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Arrival {
    /// The next one; the usual case.
    InOrder,
    /// A later one than the next: so many are missing before it.
    AfterGap(u32),
    /// One that was missing.
    Late,
    /// One that was there.
    Duplicate,
}

/// From which message on a receiver is owed everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Since {
    /// From this number of each speaker: it was there before.
    Number(u32),
    /// From the first one that comes: it arrived while they spoke.
    FirstHeard,
}

/// Up to which message a receiver is owed everything.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Until {
    /// So many were said by the speaker.
    Said(u32),
    /// Up to the last one that came: it went while they spoke.
    LastHeard,
}

/// One speaker's messages at one receiver.
struct Track {
    /// The first number that is owed; `None` until the first one came.
    first: Option<u32>,
    next: u32,
    /// What was passed over, oldest first; almost always nothing.
    missing: Vec<Range<u32>>,
}

impl Track {
    fn new(since: Since) -> Self {
        let (first, next) = match since {
            Since::Number(number) => (Some(number), number),
            Since::FirstHeard => (None, 0),
        };
        Self {
            first,
            next,
            missing: Vec::new(),
        }
    }

    fn note(&mut self, number: u32) -> Arrival {
        if self.first.is_none() {
            self.first = Some(number);
            self.next = number;
        }
        if number == self.next {
            self.next += 1;
            return Arrival::InOrder;
        }
        if number > self.next {
            let passed = self.next..number;
            self.next = number + 1;
            let count = passed.end - passed.start;
            self.missing.push(passed);
            return Arrival::AfterGap(count);
        }
        match self.missing.iter().position(|gap| gap.contains(&number)) {
            Some(index) => {
                let gap = self.missing.remove(index);
                let (before, after) = (gap.start..number, number + 1..gap.end);
                for part in [after, before] {
                    if !part.is_empty() {
                        self.missing.insert(index, part);
                    }
                }
                Arrival::Late
            }
            None => Arrival::Duplicate,
        }
    }

    /// What was owed in all and what of it never came.
    fn balance(&self, until: Until) -> (u64, u64) {
        let first = self.first.unwrap_or(self.next);
        let end = match until {
            Until::Said(count) => count.max(self.next),
            Until::LastHeard => self.next,
        };
        let passed: u64 = self
            .missing
            .iter()
            .map(|gap| u64::from(gap.end - gap.start))
            .sum();
        let tail = u64::from(end - self.next);
        // Who has heard nothing and was owed only from the first heard on was owed nothing.
        let lost = if self.first.is_some() {
            passed + tail
        } else {
            0
        };
        let expected = if self.first.is_some() {
            u64::from(end.saturating_sub(first))
        } else {
            0
        };
        (expected, lost)
    }
}

/// What one receiver hears of the speakers it can hear.
pub(crate) struct Account {
    /// The number of the first of those speakers.
    speaker_first: u16,
    tracks: Box<[Track]>,
    received: u64,
    announced: u64,
}

impl Account {
    /// An account with the speakers whose numbers are `speakers`.
    pub(crate) fn open(speakers: Range<u16>, since: Since) -> Self {
        Self {
            speaker_first: speakers.start,
            tracks: speakers.map(|_| Track::new(since)).collect(),
            received: 0,
            announced: 0,
        }
    }

    /// Enters one message; `None` when it is of nobody this receiver should hear.
    pub(crate) fn note(&mut self, speaker: u16, number: u32) -> Option<Arrival> {
        let index = usize::from(speaker.checked_sub(self.speaker_first)?);
        let arrival = self.tracks.get_mut(index)?.note(number);
        match arrival {
            Arrival::InOrder | Arrival::AfterGap(_) | Arrival::Late => self.received += 1,
            Arrival::Duplicate => {}
        }
        Some(arrival)
    }

    /// Enters that the server said so many would not come.
    pub(crate) fn announce_missing(&mut self, count: u64) {
        self.announced += count;
    }

    /// The next number of `speaker` that it waits for.
    pub(crate) fn next_of(&self, speaker: u16) -> u32 {
        speaker
            .checked_sub(self.speaker_first)
            .and_then(|index| self.tracks.get(usize::from(index)))
            .map_or(0, |track| track.next)
    }

    /// Adds the outcome to `ledger`; `until` tells for a speaker's number up to where it was owed.
    pub(crate) fn settle(&self, until: impl Fn(u16) -> Until, ledger: &mut Ledger) {
        for (speaker, track) in (self.speaker_first..).zip(&self.tracks) {
            let (expected, lost) = track.balance(until(speaker));
            ledger.expected += expected;
            ledger.lost += lost;
        }
        ledger.received += self.received;
        ledger.announced += self.announced;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settled(account: &Account, until: Until) -> Ledger {
        let mut ledger = Ledger::default();
        account.settle(|_| until, &mut ledger);
        assert_eq!(ledger.expected, ledger.received + ledger.lost);
        ledger
    }

    #[test]
    fn a_perfect_run_loses_nothing() {
        let mut account = Account::open(3..5, Since::Number(0));
        for number in 0..10 {
            assert_eq!(account.note(3, number), Some(Arrival::InOrder));
            assert_eq!(account.note(4, number), Some(Arrival::InOrder));
        }
        let ledger = settled(&account, Until::Said(10));
        assert_eq!((ledger.expected, ledger.lost), (20, 0));
    }

    #[test]
    fn what_is_missing_in_the_middle_and_at_the_end_is_lost() {
        let mut account = Account::open(0..1, Since::Number(0));
        for number in [0, 1, 4, 5] {
            account.note(0, number);
        }
        let ledger = settled(&account, Until::Said(8));
        assert_eq!((ledger.expected, ledger.received, ledger.lost), (8, 4, 4));
    }

    #[test]
    fn late_is_told_from_twice() {
        let mut account = Account::open(0..1, Since::Number(0));
        assert_eq!(account.note(0, 3), Some(Arrival::AfterGap(3)));
        assert_eq!(account.note(0, 1), Some(Arrival::Late));
        assert_eq!(account.note(0, 1), Some(Arrival::Duplicate));
        assert_eq!(account.note(0, 3), Some(Arrival::Duplicate));
        assert_eq!(account.note(0, 0), Some(Arrival::Late));
        assert_eq!(account.note(0, 2), Some(Arrival::Late));
        assert_eq!(account.note(0, 4), Some(Arrival::InOrder));
        assert_eq!(settled(&account, Until::Said(5)).lost, 0);
    }

    #[test]
    fn who_comes_and_goes_is_owed_what_lies_between() {
        let mut account = Account::open(0..1, Since::FirstHeard);
        for number in [7, 8, 10] {
            account.note(0, number);
        }
        let ledger = settled(&account, Until::LastHeard);
        assert_eq!((ledger.expected, ledger.lost), (4, 1));
        let silent = Account::open(0..1, Since::FirstHeard);
        assert_eq!(settled(&silent, Until::Said(9)).expected, 0);
    }

    #[test]
    fn a_message_of_another_room_is_not_entered() {
        let mut account = Account::open(2..4, Since::Number(0));
        assert_eq!(account.note(1, 0), None);
        assert_eq!(account.note(4, 0), None);
    }

    /// Goal: the balance holds whatever arrives. Method: numbers drawn from a small generator,
    /// compared with a plain set.
    #[test]
    fn any_order_balances() {
        let mut dice = 1_u64;
        for _ in 0..200 {
            let mut account = Account::open(0..1, Since::Number(0));
            let mut seen = std::collections::BTreeSet::new();
            for _ in 0..60 {
                dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let number = u32::try_from((dice >> 33) % 40).unwrap();
                let arrival = account.note(0, number);
                assert_eq!(arrival == Some(Arrival::Duplicate), !seen.insert(number));
            }
            let ledger = settled(&account, Until::Said(40));
            assert_eq!(ledger.received, seen.len() as u64);
        }
    }
}
