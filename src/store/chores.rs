//! Chores: what the journal does when there is nothing to store.
//!
//! One call does one small piece: the write-ahead log is brought to its place, the index follows,
//! what must go is deleted. They take turns, so that under constant load none of them starves.

use super::retention::{self, Progress};
use super::sqlite::SqliteStore;
use super::{Idle, Retention, index, open};
use crate::chat::{RoomId, StoreFailure};
use crate::limits::{RETENTION_INTERVAL, WAL_PAGES_IDLE, WAL_PAGES_MAX};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// What is to be done, and where it has come to.
#[derive(Debug)]
pub(super) struct Chores {
    retention: Retention,
    progress: Progress,
    /// When the next look at everything begins, milliseconds since 1970.
    next_look: u64,
    /// The number of the log that the index followed last.
    followed: u32,
    /// Whose turn it is.
    turn: usize,
    /// Pages in the write-ahead log after the last commit.
    wal_pages: Arc<AtomicU32>,
    /// Something was taken back, and the write-ahead log may still hold a copy.
    pub(super) is_erased: bool,
}

/// One kind of work; they take turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chore {
    Index,
    Ended,
    Senders,
    Look,
}

const CHORES: [Chore; 4] = [Chore::Index, Chore::Ended, Chore::Senders, Chore::Look];

impl Chores {
    pub(super) fn new(retention: Retention, wal_pages: Arc<AtomicU32>) -> Self {
        Self {
            retention,
            progress: Progress::Over,
            next_look: 0,
            followed: 0,
            turn: 0,
            wal_pages,
            is_erased: false,
        }
    }
}

impl SqliteStore {
    /// Does one piece of what can wait.
    pub(super) fn do_chore(&mut self, unix_ms: u64) -> Result<Idle, StoreFailure> {
        if self.wal_pages() > WAL_PAGES_MAX {
            return self.bring_wal_to_its_place();
        }
        // Looked at again by the time it is that old: a clock set back must not stop it.
        let interval = u64::try_from(RETENTION_INTERVAL.as_millis()).expect("a minute fits");
        if unix_ms >= self.chores.next_look || self.chores.next_look > unix_ms + interval {
            self.chores.next_look = unix_ms + interval;
            self.chores.progress = Progress::Rooms(RoomId(0));
        }
        for _ in CHORES {
            let chore = CHORES[self.chores.turn % CHORES.len()];
            self.chores.turn += 1;
            if self.is_due(chore) {
                self.transact(|store| store.do_one(chore, unix_ms))?;
                return Ok(Idle::More);
            }
        }
        if self.chores.is_erased {
            self.chores.is_erased = !open::truncate_wal(&self.connection)
                .map_err(|error| self.report(&error.into()))?;
            return Ok(Idle::Done);
        }
        if self.wal_pages() > WAL_PAGES_IDLE {
            return self.bring_wal_to_its_place();
        }
        Ok(Idle::Done)
    }

    fn is_due(&self, chore: Chore) -> bool {
        match chore {
            Chore::Index => self.logs.is_behind(),
            Chore::Ended => self.logs.any_ended().is_some(),
            Chore::Senders => self.senders.is_any_full(),
            Chore::Look => self.chores.progress != Progress::Over,
        }
    }

    fn do_one(&mut self, chore: Chore, unix_ms: u64) -> rusqlite::Result<()> {
        match chore {
            Chore::Index => {
                let after = self.chores.followed;
                self.chores.followed = index::follow(&self.connection, &mut self.logs, after)?;
            }
            Chore::Ended => {
                retention::delete_ended(&self.connection, &mut self.logs)?;
                self.chores.is_erased = true;
            }
            Chore::Senders => self.senders.trim_one(&self.connection)?,
            Chore::Look => {
                self.chores.progress = retention::step(
                    &self.connection,
                    &mut self.logs,
                    self.chores.retention,
                    unix_ms,
                    self.chores.progress,
                    &mut self.chores.is_erased,
                )?;
            }
        }
        Ok(())
    }

    fn wal_pages(&self) -> u32 {
        self.chores.wal_pages.load(Ordering::Relaxed)
    }

    fn bring_wal_to_its_place(&mut self) -> Result<Idle, StoreFailure> {
        // Counted anew by the next commit.
        self.chores.wal_pages.store(0, Ordering::Relaxed);
        open::checkpoint(&self.connection).map_err(|error| self.report(&error.into()))?;
        Ok(Idle::More)
    }
}
