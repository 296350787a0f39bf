//! Waking the loop from a worker's thread, once for any number of outcomes.

use mio::Waker;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Wakes the loop, once until it has looked.
#[derive(Clone)]
pub(super) struct Wake {
    waker: Arc<Waker>,
    woken: Arc<AtomicBool>,
}

impl Wake {
    pub(super) fn new(waker: Arc<Waker>) -> Self {
        Self {
            waker,
            woken: Arc::default(),
        }
    }

    /// Wakes the loop, unless it has been woken and has not looked yet.
    pub(super) fn wake(&self) {
        if !self.woken.swap(true, Ordering::SeqCst)
            && let Err(error) = self.waker.wake()
        {
            log::error!("cannot wake the loop: {error}");
        }
    }

    /// To be called before looking for outcomes, so that one put in after the look wakes the loop
    /// again.
    pub(super) fn clear(&self) {
        self.woken.store(false, Ordering::SeqCst);
    }

    /// Whether the loop was woken and has not looked. Only a hint: who misses it is woken for it.
    pub(super) fn is_woken(&self) -> bool {
        self.woken.load(Ordering::Relaxed)
    }
}

/// Held by a thread: when it ends, of itself or by a panic, the loop must not sleep over it.
pub(super) struct WakeAtEnd(pub(super) Wake);

impl Drop for WakeAtEnd {
    fn drop(&mut self) {
        self.0.clear();
        self.0.wake();
    }
}
