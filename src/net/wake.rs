//! Waking the loop from a worker's thread, once for any number of outcomes.

use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// A worker's end of the waker.
///
/// `woken` is shared with whoever takes the outcomes: it clears it *before* it looks for some, so
/// that an outcome put in after the look wakes the loop again.
pub(super) struct Wake {
    waker: Arc<Waker>,
    woken: Arc<AtomicBool>,
}

impl Wake {
    pub(super) fn new(waker: Arc<Waker>, woken: Arc<AtomicBool>) -> Self {
        Self { waker, woken }
    }

    /// Wakes the loop, unless it has been woken and has not looked yet.
    pub(super) fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            log::error!("cannot wake the loop: {error}");
        }
    }
}

impl Drop for Wake {
    /// The thread ends, of itself or by a panic: the loop must not sleep over it.
    fn drop(&mut self) {
        self.woken.store(false, Ordering::SeqCst);
        self.wake();
    }
}
