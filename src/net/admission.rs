//! Admission: who may come in, by what else comes from the same place.
//!
//! A source is an IPv4 address or an IPv6 /64, which is what one subscriber has. Connections
//! without a name are the cheap ones to make, so they are counted apart and, when they are many,
//! new ones are refused at random: a flood then loses most of its share, and others still get in.
//! Trusted sources are the operator's own and take no part in that lottery: when a network comes
//! back, all its clients are without a name at once, and refusing them only makes it last longer.
//! They are counted all the same, because the slots that they take are the ones strangers want.
//!
//! Knows no clock and no randomness: both are passed in.

use crate::config::{Bounds, Config};
use crate::limits::{
    FAILURE_WINDOW, SOURCES_MAX, UNNAMED_REFUSAL_BEGINS_PERCENT, UNNAMED_REFUSAL_FULL_PERCENT,
    UNNAMED_REFUSAL_RATE_PERCENT,
};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// Why a connection is not let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denial {
    /// The server holds as many as it can, or as many without a name.
    Full,
    /// Too many, or too many failures, from this source.
    TooManyFromSource,
    /// An administrator has banned this source.
    Banned,
}

/// An address, as far as it tells one subscriber from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source(u64);

impl Source {
    /// The source of `address`.
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            // In ::ffff:0:0/96, which no IPv6 source is in after the canonical form.
            IpAddr::V4(address) => Self(u64::from(address.to_bits())),
            IpAddr::V6(address) => {
                Self(u64::try_from(Ipv6Addr::to_bits(address) >> 64).expect("64 bits are left"))
            }
        }
    }
}

/// What is known of one source.
#[derive(Default)]
struct Count {
    unnamed: usize,
    named: usize,
    failures: usize,
    /// When the failures counted began.
    failing_since: Duration,
    /// It stands in the queue of those that left failures behind.
    is_queued: bool,
}

impl Count {
    fn is_present(&self) -> bool {
        self.unnamed > 0 || self.named > 0
    }

    fn forget_old_failures(&mut self, now: Duration) {
        if now >= self.failing_since + FAILURE_WINDOW {
            self.failures = 0;
        }
    }
}

/// Who is in, by source.
///
/// Invariant: every source has a connection, or stands in `departed`.
pub(super) struct Admission {
    sources: BTreeMap<Source, Count>,
    /// Sources that left failures behind, in the order in which they went: at most `SOURCES_MAX`.
    departed: VecDeque<Source>,
    unnamed: usize,
    clients_max: usize,
    unnamed_per_source: usize,
    named_per_source: usize,
    failures_per_source: usize,
    never_refused_below: usize,
}

impl Admission {
    /// Nobody is in; at most `clients_max` ever will be.
    pub(super) fn new(config: &Config, clients_max: usize) -> Self {
        let mut admission = Self {
            sources: BTreeMap::new(),
            departed: VecDeque::new(),
            unnamed: 0,
            clients_max,
            unnamed_per_source: 0,
            named_per_source: 0,
            failures_per_source: 0,
            never_refused_below: 0,
        };
        admission.configure(&config.bounds);
        admission
    }

    /// Goes by other bounds from now on; who is in stays.
    pub(super) fn configure(&mut self, bounds: &Bounds) {
        self.unnamed_per_source = bounds.unnamed_per_source;
        self.named_per_source = bounds.named_per_source;
        self.failures_per_source = bounds.failures_per_source;
        self.never_refused_below = bounds.unnamed_never_refused_below;
    }

    /// Counts a new connection without a name, or says why it must not come in.
    ///
    /// `dice` is uniformly random. A trusted source has no bounds of its own, and is not refused
    /// at random.
    ///
    /// # Errors
    ///
    /// [`Denial`]; nothing was counted.
    pub(super) fn enter(
        &mut self,
        source: Source,
        trusted: bool,
        dice: u32,
        now: Duration,
    ) -> Result<(), Denial> {
        if !trusted && self.refuses_at_random(dice) {
            return Err(Denial::Full);
        }
        self.forget_departed(now);
        if let Some(count) = self.sources.get_mut(&source) {
            count.forget_old_failures(now);
            let bounds = [
                count.unnamed >= self.unnamed_per_source,
                count.named >= self.named_per_source,
                count.failures >= self.failures_per_source,
            ];
            if !trusted && bounds.contains(&true) {
                return Err(Denial::TooManyFromSource);
            }
        }
        let count = self.sources.entry(source).or_default();
        count.unnamed += 1;
        self.unnamed += 1;
        Ok(())
    }

    /// Whether the many without a name are reason to refuse one more.
    fn refuses_at_random(&self, dice: u32) -> bool {
        let begins = self.clients_max * UNNAMED_REFUSAL_BEGINS_PERCENT / 100;
        let full = self.clients_max * UNNAMED_REFUSAL_FULL_PERCENT / 100;
        if self.unnamed < self.never_refused_below || self.unnamed < begins {
            return false;
        }
        let into = (self.unnamed - begins) * (100 - UNNAMED_REFUSAL_RATE_PERCENT);
        let percent = UNNAMED_REFUSAL_RATE_PERCENT + into / (full - begins).max(1);
        usize::try_from(dice % 100).expect("a percentage fits") < percent
    }

    /// A connection has been given its name.
    pub(super) fn name(&mut self, source: Source) {
        self.unnamed -= 1;
        let count = self
            .sources
            .get_mut(&source)
            .expect("a client's source is counted");
        count.unnamed -= 1;
        count.named += 1;
    }

    /// A connection is gone.
    pub(super) fn exit(&mut self, source: Source, named: bool, now: Duration) {
        let count = self
            .sources
            .get_mut(&source)
            .expect("a client's source is counted");
        if named {
            count.named -= 1;
        } else {
            count.unnamed -= 1;
            self.unnamed -= 1;
        }
        count.forget_old_failures(now);
        if count.is_present() || count.is_queued {
            return;
        }
        if count.failures == 0 {
            self.sources.remove(&source);
        } else {
            count.is_queued = true;
            self.departed.push_back(source);
            self.forget_departed(now);
        }
    }

    /// A connection failed its handshake, or broke the protocol before it had a name.
    pub(super) fn failed(&mut self, source: Source, now: Duration) {
        let count = self
            .sources
            .get_mut(&source)
            .expect("a client's source is counted");
        count.forget_old_failures(now);
        if count.failures == 0 {
            count.failing_since = now;
        }
        count.failures += 1;
    }

    /// Forgets sources without connections whose failures are old, or are too many to remember.
    fn forget_departed(&mut self, now: Duration) {
        while let Some(&source) = self.departed.front() {
            let count = self
                .sources
                .get_mut(&source)
                .expect("a departed source is counted");
            count.forget_old_failures(now);
            let is_gone = !count.is_present();
            if is_gone && count.failures > 0 && self.departed.len() <= SOURCES_MAX {
                return;
            }
            // One that came back is queued again when it goes.
            count.is_queued = false;
            self.departed.pop_front();
            if is_gone {
                self.sources.remove(&source);
            }
        }
    }

    /// How many connections have no name, and how many have one.
    pub(super) fn counts(&self) -> (usize, usize) {
        let named = self.sources.values().map(|count| count.named).sum();
        (self.unnamed, named)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(1);

    fn admission(clients_max: usize) -> Admission {
        Admission::new(&Config::default(), clients_max)
    }

    fn source(text: &str) -> Source {
        Source::of(text.parse().unwrap())
    }

    #[test]
    fn a_source_is_an_address_or_a_subnet() {
        assert_eq!(source("::ffff:192.0.2.1"), source("192.0.2.1"));
        assert_ne!(source("192.0.2.1"), source("192.0.2.2"));
        assert_eq!(source("2001:db8::1"), source("2001:db8::ffff:2"));
        assert_ne!(source("2001:db8:0:1::1"), source("2001:db8:0:2::1"));
    }

    #[test]
    fn one_source_has_its_bounds_and_a_trusted_one_has_none() {
        let mut admission = admission(10_000);
        let (one, other) = (source("192.0.2.1"), source("192.0.2.2"));
        for _ in 0..16 {
            admission.enter(one, false, 0, NOW).unwrap();
        }
        assert_eq!(
            admission.enter(one, false, 0, NOW),
            Err(Denial::TooManyFromSource)
        );
        assert_eq!(admission.enter(one, true, 0, NOW), Ok(()));
        assert_eq!(admission.enter(other, false, 0, NOW), Ok(()));
        admission.exit(one, false, NOW);
        admission.name(one);
        assert_eq!(admission.enter(one, false, 0, NOW), Ok(()));
        assert_eq!(admission.unnamed, 17);
    }

    #[test]
    fn failures_count_for_their_window() {
        let mut admission = admission(10_000);
        let one = source("192.0.2.1");
        for _ in 0..32 {
            admission.enter(one, false, 0, NOW).unwrap();
            admission.failed(one, NOW);
            admission.exit(one, false, NOW);
        }
        assert_eq!(
            admission.enter(one, false, 0, NOW),
            Err(Denial::TooManyFromSource)
        );
        assert_eq!(admission.enter(one, false, 0, NOW + FAILURE_WINDOW), Ok(()));
    }

    #[test]
    fn the_nameless_are_refused_at_random_and_then_all() {
        let mut admission = admission(1_000);
        let mut address = 0u32;
        let mut enter = |admission: &mut Admission, dice| {
            address += 1;
            admission.enter(Source::of(IpAddr::V4(address.into())), false, dice, NOW)
        };
        for _ in 0..100 {
            enter(&mut admission, 0).unwrap();
        }
        assert_eq!(enter(&mut admission, 29), Err(Denial::Full));
        for _ in 100..250 {
            enter(&mut admission, 99).unwrap();
        }
        assert_eq!(enter(&mut admission, 99), Err(Denial::Full));
    }

    #[test]
    fn a_trusted_source_is_never_refused_at_random_and_still_counts() {
        let mut admission = admission(1_000);
        let (ours, stranger) = (source("192.0.2.1"), source("198.51.100.1"));
        for _ in 0..1_000 {
            admission.enter(ours, true, 0, NOW).unwrap();
        }
        assert_eq!(admission.enter(stranger, false, 99, NOW), Err(Denial::Full));
        for _ in 0..1_000 {
            admission.name(ours);
        }
        assert_eq!(admission.enter(stranger, false, 0, NOW), Ok(()));
    }

    #[test]
    fn failures_are_remembered_without_connections_for_so_many_sources_and_so_long() {
        let mut admission = admission(1_000_000);
        let fail = |admission: &mut Admission, address: u32| {
            let source = Source::of(IpAddr::V4(address.into()));
            admission.enter(source, false, 99, NOW).unwrap();
            admission.failed(source, NOW);
            admission.exit(source, false, NOW);
        };
        for address in 0..u32::try_from(SOURCES_MAX).unwrap() + 10 {
            fail(&mut admission, address);
            fail(&mut admission, address);
        }
        assert_eq!(admission.sources.len(), SOURCES_MAX);
        assert_eq!(admission.departed.len(), SOURCES_MAX);
        let one = source("192.0.2.1");
        admission
            .enter(one, false, 0, NOW + FAILURE_WINDOW)
            .unwrap();
        assert_eq!(admission.sources.len(), 1);
        admission.exit(one, false, NOW + FAILURE_WINDOW);
        assert!(admission.sources.is_empty());
    }

    #[test]
    fn a_server_may_hold_more_clients_than_failing_sources_are_remembered() {
        let mut admission = admission(1_000_000);
        for address in 0..u32::try_from(SOURCES_MAX).unwrap() + 10 {
            let source = Source::of(IpAddr::V4(address.into()));
            admission.enter(source, false, 99, NOW).unwrap();
            admission.name(source);
        }
    }

    #[test]
    fn sources_that_are_gone_take_no_memory() {
        let mut admission = admission(1_000);
        let one = source("192.0.2.1");
        admission.enter(one, false, 0, NOW).unwrap();
        admission.exit(one, false, NOW);
        assert!(admission.sources.is_empty());
    }
}
