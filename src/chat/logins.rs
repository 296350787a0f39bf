//! Passwords under way, and how long the next wrong one must wait.
//!
//! What one source can make the server hash is bounded, and each wrong password for one name from
//! one source doubles the wait for the next. Names that are no account's are counted like those
//! that are, so that nothing can be learned from the wait.

use super::held::Source;
use super::name::Name;
use super::vocabulary::{ClientId, Ticket};
use crate::limits::{
    LOGIN_DELAY_MAX, LOGIN_DELAY_MIN, LOGIN_DELAYS_MAX, PASSWORD_JOBS_MAX,
    PASSWORD_JOBS_PER_SOURCE_MAX,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// What the password worker was given and has not answered.
#[derive(Debug, Default)]
pub(super) struct PasswordJobs {
    outstanding: BTreeMap<Ticket, (ClientId, Source)>,
    by_source: BTreeMap<Source, usize>,
}

impl PasswordJobs {
    /// Whether another job may be submitted; one place in all is everybody's bound, the source's
    /// only that of those who are not trusted.
    pub(super) fn has_room_for(&self, source: Source, is_trusted: bool) -> bool {
        let of_source = self.by_source.get(&source).copied().unwrap_or(0);
        self.outstanding.len() < PASSWORD_JOBS_MAX
            && (is_trusted || of_source < PASSWORD_JOBS_PER_SOURCE_MAX)
    }

    pub(super) fn submit(&mut self, ticket: Ticket, client: ClientId, source: Source) {
        self.outstanding.insert(ticket, (client, source));
        *self.by_source.entry(source).or_default() += 1;
    }

    /// A job is answered; from which connection it came.
    pub(super) fn finish(&mut self, ticket: Ticket) -> Option<ClientId> {
        let (client, source) = self.outstanding.remove(&ticket)?;
        if let Some(count) = self.by_source.get_mut(&source) {
            *count -= 1;
            if *count == 0 {
                self.by_source.remove(&source);
            }
        }
        Some(client)
    }
}

/// Who got a password wrong lately: for which name, from where.
#[derive(Debug, Default)]
pub(super) struct LoginDelays {
    delays: BTreeMap<(Name, Source), Delay>,
    /// In the order of their newest wrong password.
    by_age: BTreeMap<u64, (Name, Source)>,
    last: u64,
}

#[derive(Debug)]
struct Delay {
    /// The next password is looked at then.
    until: Duration,
    /// How long that was.
    wait: Duration,
    number: u64,
}

impl LoginDelays {
    /// How long the next password must still wait; nothing if it may be looked at now.
    pub(super) fn left(&self, name: Name, source: Source, now: Duration) -> Option<Duration> {
        let delay = self.delays.get(&(name, source))?;
        let left = delay.until.saturating_sub(now);
        (!left.is_zero()).then_some(left)
    }

    /// A password was wrong.
    pub(super) fn note(&mut self, name: Name, source: Source, now: Duration) {
        let former = self.delays.remove(&(name, source));
        // Who has waited for longer than the longest wait begins anew.
        let wait = former
            .as_ref()
            .filter(|former| now < former.until + LOGIN_DELAY_MAX)
            .map_or(LOGIN_DELAY_MIN, |former| former.wait * 2)
            .min(LOGIN_DELAY_MAX);
        if let Some(former) = former {
            self.by_age.remove(&former.number);
        }
        self.last += 1;
        let delay = Delay {
            until: now + wait,
            wait,
            number: self.last,
        };
        self.by_age.insert(self.last, (name, source));
        self.delays.insert((name, source), delay);
        if self.delays.len() > LOGIN_DELAYS_MAX
            && let Some((_, oldest)) = self.by_age.pop_first()
        {
            self.delays.remove(&oldest);
        }
    }

    /// A password was right.
    pub(super) fn forget(&mut self, name: Name, source: Source) {
        if let Some(delay) = self.delays.remove(&(name, source)) {
            self.by_age.remove(&delay.number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn source(last: u8) -> Source {
        Source::of(IpAddr::from([192, 0, 2, last]))
    }

    #[test]
    fn each_wrong_password_doubles_the_wait_up_to_the_longest() {
        let (mut delays, alice) = (LoginDelays::default(), Name::parse("alice").unwrap());
        let mut now = Duration::from_secs(1);
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            assert_eq!(delays.left(alice, source(1), now), None);
            delays.note(alice, source(1), now);
            let left = delays.left(alice, source(1), now);
            assert_eq!(left, Some(Duration::from_secs(expected)));
            now += Duration::from_secs(expected);
        }
        assert_eq!(delays.left(alice, source(2), now), None);
        delays.note(alice, source(1), now + LOGIN_DELAY_MAX);
        let left = delays.left(alice, source(1), now + LOGIN_DELAY_MAX);
        assert_eq!(left, Some(LOGIN_DELAY_MIN), "it was quiet for long enough");
        delays.forget(alice, source(1));
        assert!(delays.delays.is_empty() && delays.by_age.is_empty());
    }

    #[test]
    fn of_too_many_delays_the_oldest_is_forgotten() {
        let (mut delays, alice) = (LoginDelays::default(), Name::parse("alice").unwrap());
        let address = |number: u32| Source::of(IpAddr::from(number.to_be_bytes()));
        let count = u32::try_from(LOGIN_DELAYS_MAX).unwrap();
        for number in 0..=count {
            delays.note(alice, address(number), Duration::ZERO);
        }
        assert_eq!(delays.left(alice, address(0), Duration::ZERO), None);
        assert!(delays.left(alice, address(1), Duration::ZERO).is_some());
        assert_eq!(delays.delays.len(), LOGIN_DELAYS_MAX);
    }

    #[test]
    fn a_source_has_so_many_jobs_out_unless_it_is_trusted() {
        let mut jobs = PasswordJobs::default();
        let client = ClientId {
            slot: 0,
            generation: 0,
        };
        for number in 0..PASSWORD_JOBS_PER_SOURCE_MAX {
            assert!(jobs.has_room_for(source(1), false));
            jobs.submit(Ticket(number as u64), client, source(1));
        }
        assert!(!jobs.has_room_for(source(1), false));
        assert!(jobs.has_room_for(source(1), true));
        assert!(jobs.has_room_for(source(2), false));
        assert_eq!(jobs.finish(Ticket(0)), Some(client));
        assert_eq!(jobs.finish(Ticket(0)), None);
        assert!(jobs.has_room_for(source(1), false));
    }
}
