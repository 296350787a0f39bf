//! The store: what was said and who may say it, kept in the order in which it happened.
//!
//! Blocking: worker threads own it; nothing here knows the loop. The journal owns the [`Store`],
//! which writes; the reader owns a [`Reader`], which reads what is on the disk beside it. A store
//! gives each room dense ids from 1, recognises a message that was stored before, and decides
//! nothing: it is the durable image of what the chat decided.
//!
//! ```text
//! commit ─> sqlite ─┬─ logs       the numbers and extents of rooms' logs      entries, logs
//!                   ├─ senders    recognising a message sent again            sent
//!                   └─ records    rooms, accounts, measures, sessions         one table each
//! owed                changes that failed go first into the next batch
//! idle ───> chores ─┬─ index      words follow entries, by watermark          words (FTS5)
//!                   └─ retention  what is too old, too much, or ended
//! page, search ─> reader          on a connection of its own
//! ```

mod memory;
mod owed;

#[cfg(feature = "server")]
mod backup;
#[cfg(feature = "server")]
mod chores;
#[cfg(feature = "server")]
mod codec;
#[cfg(feature = "server")]
mod failure;
#[cfg(feature = "server")]
mod index;
#[cfg(feature = "server")]
mod logs;
#[cfg(feature = "server")]
mod look;
#[cfg(feature = "server")]
mod open;
#[cfg(feature = "server")]
mod reader;
#[cfg(feature = "server")]
mod records;
#[cfg(feature = "server")]
mod retention;
#[cfg(feature = "server")]
mod schema;
#[cfg(feature = "server")]
mod search;
#[cfg(feature = "server")]
mod senders;
#[cfg(feature = "server")]
mod snapshot;
#[cfg(feature = "server")]
mod space;
#[cfg(feature = "server")]
mod sqlite;
#[cfg(test)]
#[cfg(feature = "server")]
mod tests;

pub use memory::MemoryStore;
pub use owed::Owed;

#[cfg(feature = "server")]
pub use backup::{back_up, compact, restore};
#[cfg(feature = "server")]
pub use look::{look, reader};
#[cfg(feature = "server")]
pub use open::OpenError;
#[cfg(feature = "server")]
pub use reader::{Clock, SqliteReader};
#[cfg(feature = "server")]
pub use sqlite::SqliteStore;

use crate::chat::{Entry, Outcome, Page, PageRequest, RoomId, Search, Space, StoreFailure, Write};
use std::time::Duration;

/// What keeps messages and records.
pub trait Store: Send {
    /// Carries out all of `batch`, or nothing of it, and answers each in order.
    ///
    /// When it returns, the batch survives whatever this store promises to survive. A message
    /// whose sender and key are known already is answered with the place it has, and not stored
    /// again: at least the newest `limits::UNACKNOWLEDGED_MAX` of each sender are known for
    /// `limits::DEDUPE_AGE_MAX`. A disk that is nearly full refuses messages one by one, and takes
    /// changes.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`] when nothing of the batch was stored. After [`StoreFailure::Broken`]
    /// nothing more may be asked of the store.
    fn commit(&mut self, unix_ms: u64, batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure>;

    /// Does one small piece of what can wait; to be called when there is nothing to store, and once
    /// in a while when there always is.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`]; what was to be done is tried again by a later call.
    fn idle(&mut self, unix_ms: u64) -> Result<Idle, StoreFailure> {
        let _ = unix_ms;
        Ok(Idle::Done)
    }

    /// How much more can be stored. Cheap.
    fn space(&self) -> Space {
        Space::Ample
    }

    /// Leaves everything in good order; the last thing that is asked of a store.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`] when the next start has to look whether all is well; nothing is lost.
    fn close(&mut self) -> Result<(), StoreFailure> {
        Ok(())
    }
}

/// What reads what a store keeps.
pub trait Reader: Send {
    /// Reads entries of one room. Ends within `limits::READ_TIME_MAX`, with fewer if need be.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`] when not even one entry could be read.
    fn page(&mut self, request: &PageRequest) -> Result<Page, StoreFailure>;

    /// Looks for entries. Ends within `limits::READ_TIME_MAX`, with fewer if need be. What was said
    /// within the last moments may be missing.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`] when nothing could be read.
    fn search(&mut self, search: &Search) -> Result<Hits, StoreFailure>;
}

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Hits {
    /// The entries with their rooms, newest last.
    pub entries: Vec<(RoomId, Entry)>,
    /// Whether there was more, or not everything could be looked at in time.
    pub is_cut: bool,
}

/// Whether anything is left of what could wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Idle {
    /// There is; the next piece may be done when nothing else is to do.
    More,
    /// Nothing, until more is stored or time passes.
    Done,
}

/// How long what was said is kept, in every room and inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct Retention {
    /// What is older is deleted; nothing is when absent.
    pub age: Option<Duration>,
    /// Only the newest so many entries of a room are kept; all when absent.
    pub entries: Option<u64>,
}
