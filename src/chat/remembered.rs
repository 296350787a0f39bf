//! Sessions of accounts that may be resumed, also after a restart: who holds the token of one is
//! let in without a password.
//!
//! Only hashes of tokens are known here. How long a session is remembered is counted from when it
//! was last known to be in use; that is noted when it begins, when it ends, and now and then between.

use super::people::PersonId;
use super::vocabulary::{AccountId, SessionRecord, TokenHash};
use crate::limits::{ACCOUNT_RESUME_AGE_MAX, SESSION_NOTED_INTERVAL, SESSIONS_PER_ACCOUNT_MAX};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// The sessions that may be resumed.
#[derive(Debug, Default)]
pub(super) struct Remembered {
    by_hash: BTreeMap<TokenHash, SessionRecord>,
    /// Of each account, in the order in which they were last in use.
    by_account: BTreeSet<(AccountId, u64, TokenHash)>,
    /// Sessions on a connection, and when their use is noted next.
    due: VecDeque<(Duration, PersonId)>,
    /// Those in it.
    queued: BTreeSet<PersonId>,
}

impl Remembered {
    /// The sessions there are at the start.
    pub(super) fn new(sessions: Vec<SessionRecord>) -> Self {
        let mut remembered = Self::default();
        for record in sessions {
            remembered.insert(record);
        }
        remembered
    }

    fn insert(&mut self, record: SessionRecord) {
        self.remove(record.token);
        self.by_hash.insert(record.token, record);
        self.by_account
            .insert((record.account, record.seen_unix_ms, record.token));
    }

    /// Remembers a session, or that it was used; gives back another one of its account that there
    /// is no place for any more.
    pub(super) fn put(&mut self, record: SessionRecord) -> Option<TokenHash> {
        self.insert(record);
        let too_many = self.of(record.account).count() > SESSIONS_PER_ACCOUNT_MAX;
        let oldest = self.of(record.account).next().filter(|_| too_many)?;
        self.remove(oldest);
        Some(oldest)
    }

    /// Forgets a session; whether it was remembered.
    pub(super) fn remove(&mut self, token: TokenHash) -> bool {
        let Some(record) = self.by_hash.remove(&token) else {
            return false;
        };
        self.by_account
            .remove(&(record.account, record.seen_unix_ms, token))
    }

    /// Whose session that is, unless it is too old.
    pub(super) fn find(&self, token: TokenHash, unix_ms: u64) -> Option<AccountId> {
        let record = self.by_hash.get(&token)?;
        let age = Duration::from_millis(unix_ms.saturating_sub(record.seen_unix_ms));
        (age < ACCOUNT_RESUME_AGE_MAX).then_some(record.account)
    }

    /// The sessions of an account, the one unused for longest first.
    pub(super) fn of(&self, account: AccountId) -> impl Iterator<Item = TokenHash> {
        let ends = (
            (account, 0, TokenHash([0; 16])),
            (account, u64::MAX, TokenHash([u8::MAX; 16])),
        );
        let records = self.by_account.range(ends.0..=ends.1);
        records.map(|(_, _, token)| *token)
    }

    /// The use of a session is to be noted again after the usual time.
    pub(super) fn note_later(&mut self, id: PersonId, now: Duration) {
        if self.queued.insert(id) {
            let due = now.saturating_add(SESSION_NOTED_INTERVAL);
            self.due.push_back((due, id));
        }
    }

    /// When a session's use is to be noted next.
    pub(super) fn next_due(&self) -> Option<Duration> {
        self.due.front().map(|(due, _)| *due)
    }

    /// Takes the next session whose use is to be noted now; it may have ended.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<PersonId> {
        let (_, id) = self.due.pop_front_if(|(due, _)| *due <= now)?;
        self.queued.remove(&id);
        Some(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(token: u8, account: u64, seen_unix_ms: u64) -> SessionRecord {
        SessionRecord {
            token: TokenHash([token; 16]),
            account: AccountId(account),
            seen_unix_ms,
        }
    }

    #[test]
    fn a_session_is_found_for_a_day_after_it_was_last_used() {
        let day = u64::try_from(ACCOUNT_RESUME_AGE_MAX.as_millis()).unwrap();
        let mut remembered = Remembered::new(vec![record(1, 7, 1_000)]);
        let token = TokenHash([1; 16]);
        assert_eq!(remembered.find(token, 999 + day), Some(AccountId(7)));
        assert_eq!(remembered.find(token, 1_000 + day), None);
        remembered.put(record(1, 7, 2_000));
        assert_eq!(remembered.find(token, 1_000 + day), Some(AccountId(7)));
        assert!(remembered.remove(token) && !remembered.remove(token));
        assert_eq!(remembered.find(token, 2_000), None);
    }

    #[test]
    fn of_too_many_sessions_of_one_account_the_one_unused_for_longest_goes() {
        let mut remembered = Remembered::default();
        let count = u8::try_from(SESSIONS_PER_ACCOUNT_MAX).unwrap();
        remembered.put(record(200, 8, 0));
        for token in 0..count {
            let seen = 1_000 - u64::from(token);
            assert_eq!(remembered.put(record(token, 7, seen)), None);
        }
        let gone = remembered.put(record(100, 7, 2_000));
        assert_eq!(gone, Some(TokenHash([count - 1; 16])));
        assert_eq!(remembered.of(AccountId(7)).count(), usize::from(count));
        assert_eq!(remembered.of(AccountId(8)).count(), 1);
    }
}
