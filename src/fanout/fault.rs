//! Bugs that can be planted in tests, to see that the simulator finds them.

use std::cell::Cell;

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Who leaves in the middle of an entry is not sent the rest of it.
    LeaveCutsEntry,
    /// Reaching the mark in one room ends the replay in all rooms of that connection.
    ReplayFlagPerConnection,
}

thread_local! {
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Plants a bug in this thread, or removes it.
pub(crate) fn plant(fault: Option<Fault>) {
    PLANTED.with(|planted| planted.set(fault));
}

/// Whether a bug is planted in this thread.
pub(crate) fn is_planted(fault: Fault) -> bool {
    PLANTED.with(|planted| planted.get() == Some(fault))
}
