//! The store: what was said, kept in the order in which it was said.
//!
//! Blocking: a worker thread owns a store and hands it batches; nothing here knows the loop. A
//! store gives each room dense ids from 1, and recognises a message that was stored before.

mod memory;

pub use memory::MemoryStore;

use crate::chat::{Outcome, StoreFailure, Write};

/// What keeps messages.
pub trait Store: Send {
    /// Carries out all of `batch`, or nothing of it, and answers each in order.
    ///
    /// When it returns, the batch survives whatever this store promises to survive. A message
    /// whose sender and key are known already is answered with the place it has, and not stored
    /// again.
    ///
    /// # Errors
    ///
    /// [`StoreFailure`] when nothing of the batch was stored.
    fn commit(&mut self, unix_ms: u64, batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure>;
}
