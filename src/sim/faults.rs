//! Planted bugs: the simulator must find each of them within the default seeds.

use crate::{chat, fanout};
use std::cell::Cell;

/// A bug in what surrounds the code under test.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The store does not recognise a message that is sent again.
    RetryStoredTwice,
    /// The store answers before what it was given would survive a crash.
    AnsweredBeforeSynced,
    /// The store does not know after a crash what was sent before.
    SendersForgotten,
    /// Of a batch that failed, only the first message is said not to be stored.
    FailedBatchPartlyShown,
    /// A change of a batch that failed is not tried again.
    FailedChangeForgotten,
    /// Who has to wait for the journal a second time in a row is forgotten.
    NeverResumed,
}

thread_local! {
    static PLANTED: Cell<Option<Fault>> = const { Cell::new(None) };
}

/// Whether that bug is planted in this thread.
pub(super) fn is_planted(fault: Fault) -> bool {
    PLANTED.get() == Some(fault)
}

/// A bug planted for as long as this lives.
struct Planted;

impl Planted {
    fn here(fault: Fault) -> Self {
        PLANTED.set(Some(fault));
        Self
    }

    fn in_chat(fault: chat::fault::Fault) -> Self {
        chat::fault::plant(Some(fault));
        Self
    }

    fn in_fanout(fault: fanout::fault::Fault) -> Self {
        fanout::fault::plant(Some(fault));
        Self
    }
}

impl Drop for Planted {
    fn drop(&mut self) {
        PLANTED.set(None);
        chat::fault::plant(None);
        fanout::fault::plant(None);
    }
}

/// Runs the default seeds until one fails, and says which.
fn find(what: &str, planted: Planted) {
    let fails = |seed| super::run(seed).err().map(|why| (seed, why));
    let found = super::default_seeds().find_map(fails);
    drop(planted);
    let (seed, why) = found.unwrap_or_else(|| panic!("no seed finds this: {what}"));
    println!("{what}: found by seed {seed}: {why}");
}

#[test]
fn an_acknowledgement_before_the_store_answered_is_found() {
    find(
        "acknowledged before stored",
        Planted::in_chat(chat::fault::Fault::AcknowledgeEarly),
    );
}

#[test]
fn an_entry_that_overtakes_a_pending_one_is_found() {
    find("overtaken", Planted::in_chat(chat::fault::Fault::Overtake));
}

#[test]
fn a_leave_that_cuts_a_begun_message_is_found() {
    find(
        "cut by a leave",
        Planted::in_fanout(fanout::fault::Fault::LeaveCutsEntry),
    );
}

#[test]
fn a_retry_stored_twice_is_found() {
    find("stored twice", Planted::here(Fault::RetryStoredTwice));
}

#[test]
fn an_answer_before_what_was_said_is_safe_is_found() {
    find(
        "answered before synced",
        Planted::here(Fault::AnsweredBeforeSynced),
    );
}

#[test]
fn a_retry_stored_twice_after_a_crash_is_found() {
    find("senders forgotten", Planted::here(Fault::SendersForgotten));
}

#[test]
fn a_failed_batch_whose_later_part_is_shown_is_found() {
    find(
        "failed batch partly shown",
        Planted::here(Fault::FailedBatchPartlyShown),
    );
}

#[test]
fn a_failed_change_that_is_not_tried_again_is_found() {
    find(
        "failed change forgotten",
        Planted::here(Fault::FailedChangeForgotten),
    );
}

#[test]
fn a_paused_connection_that_is_never_resumed_is_found() {
    find("never resumed", Planted::here(Fault::NeverResumed));
}

#[test]
fn a_replay_flag_per_connection_is_found() {
    find(
        "replay flag per connection",
        Planted::in_fanout(fanout::fault::Fault::ReplayFlagPerConnection),
    );
}
