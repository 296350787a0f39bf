//! Names of guests who have gone, held for the client key that used them.
//!
//! Bounded in all and per source; the oldest goes first. What has expired is removed when it is met.

use super::name::Name;
use super::vocabulary::ClientKey;
use crate::limits::{HELD_NAME_AGE_MAX, HELD_NAMES_MAX, HELD_NAMES_PER_SOURCE_MAX};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

/// The held names.
#[derive(Debug, Default)]
pub(super) struct HeldNames {
    by_name: BTreeMap<Name, Held>,
    /// In the order in which they came.
    by_age: BTreeMap<u64, Name>,
    by_source: BTreeSet<(Source, u64)>,
    last: u64,
}

#[derive(Debug)]
struct Held {
    key: ClientKey,
    since: Duration,
    source: Source,
    number: u64,
}

/// Where somebody came from: an IPv4 address, or the /64 of an IPv6 one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Source(u128);

impl HeldNames {
    /// Whether the name may not be used by whom this key belongs to.
    pub(super) fn is_held_from(
        &mut self,
        name: Name,
        key: Option<ClientKey>,
        now: Duration,
    ) -> bool {
        let Some(held) = self.by_name.get(&name) else {
            return false;
        };
        if now.saturating_sub(held.since) < HELD_NAME_AGE_MAX {
            return key != Some(held.key);
        }
        self.release(name);
        false
    }

    /// Holds a name from now on.
    pub(super) fn hold(&mut self, name: Name, key: ClientKey, source: IpAddr, now: Duration) {
        self.release(name);
        self.last += 1;
        let (number, source) = (self.last, Source::of(source));
        let held = Held {
            key,
            since: now,
            source,
            number,
        };
        self.by_name.insert(name, held);
        self.by_age.insert(number, name);
        self.by_source.insert((source, number));
        self.make_room(source);
    }

    /// Holds a name no longer: it is used, or has expired.
    pub(super) fn release(&mut self, name: Name) {
        if let Some(held) = self.by_name.remove(&name) {
            self.by_age.remove(&held.number);
            self.by_source.remove(&(held.source, held.number));
        }
    }

    fn make_room(&mut self, source: Source) {
        let of_source = || self.by_source.range((source, 0)..=(source, u64::MAX));
        let too_many = of_source().count() > HELD_NAMES_PER_SOURCE_MAX;
        let oldest = of_source().next().filter(|_| too_many);
        if let Some(name) = oldest.and_then(|(_, number)| self.by_age.get(number)) {
            self.release(*name);
        }
        if self.by_name.len() > HELD_NAMES_MAX
            && let Some((_, name)) = self.by_age.first_key_value()
        {
            self.release(*name);
        }
    }
}

impl Source {
    pub(super) fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.to_ipv6_mapped().to_bits()),
            IpAddr::V6(address) => Self(address.to_bits() >> 64 << 64),
        }
    }

    /// The same as an address.
    pub(super) fn address(self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from_bits(self.0)).to_canonical()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        Name::parse(text).unwrap()
    }

    const ALICE: ClientKey = ClientKey([1; 20]);
    const BOB: ClientKey = ClientKey([2; 20]);
    const HOME: &str = "192.0.2.1";

    #[test]
    fn a_name_is_held_for_its_key_and_for_a_day() {
        let (mut held, now) = (HeldNames::default(), Duration::from_secs(5));
        held.hold(name("alice"), ALICE, HOME.parse().unwrap(), now);
        assert!(held.is_held_from(name("ALICE"), Some(BOB), now));
        assert!(held.is_held_from(name("alice"), None, now));
        assert!(!held.is_held_from(name("alice"), Some(ALICE), now));
        assert!(!held.is_held_from(name("alice"), None, now + HELD_NAME_AGE_MAX));
    }

    #[test]
    fn one_source_holds_so_many_names_and_the_oldest_goes() {
        let (mut held, now) = (HeldNames::default(), Duration::ZERO);
        for index in 0..=HELD_NAMES_PER_SOURCE_MAX {
            let source = format!("2001:db8::{index:x}").parse().unwrap();
            held.hold(name(&format!("n{index}")), ALICE, source, now);
        }
        let elsewhere = "2001:db8:0:1::1".parse().unwrap();
        held.hold(name("other"), ALICE, elsewhere, now);
        assert!(!held.is_held_from(name("n0"), None, now));
        assert!(held.is_held_from(name("n1"), None, now));
        assert!(held.is_held_from(name("other"), None, now));
    }
}
