//! Bugs that can be planted, so that the simulator can prove it would find them.

use std::cell::Cell;

/// A bug that can be switched on for the current thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// Messages are shown and acknowledged before the store has answered.
    AcknowledgeEarly,
    /// What is settled is published though something before it is not.
    Overtake,
}

thread_local! {
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Plants a bug, or removes it.
pub(crate) fn plant(fault: Option<Fault>) {
    PLANTED.set(fault);
}

/// Whether that bug is planted.
pub(crate) fn is_planted(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// Whether there is any bug that invariants would meet.
pub(crate) fn is_any_planted() -> bool {
    PLANTED.get().is_some()
}
