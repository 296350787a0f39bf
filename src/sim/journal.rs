//! The fake workers: a journal that answers late, in batches, and sometimes not as one would wish,
//! and a reader that does the same with pages.

use super::dice::{Dice, Weather};
use super::disk::Disk;
use super::faults::{self, Fault};
use super::model::Model;
use crate::chat::{Outcome, Page, PageRequest, StoreFailure, Write};
use crate::store::Owed;
use std::collections::VecDeque;

/// An answer of the reader.
type PageAnswer = (PageRequest, Result<Page, StoreFailure>);

/// The workers as the shell sees them: jobs in, answers out.
pub(super) struct Journal {
    queue: VecDeque<Write>,
    /// Taken, and stored or not at that turn.
    batches: VecDeque<(usize, Vec<Write>)>,
    /// Asked for, and answered at that turn.
    requests: Vec<(usize, PageRequest)>,
    disk: Disk,
    /// Changes that failed.
    owed: Owed,
    /// The disk before the batch that is answered though not synced; with that fault only.
    unsynced: Option<(Disk, usize)>,
    takes_permille: usize,
    turns_max: usize,
    fails_permille: usize,
    page_fails_permille: usize,
    page_entries_max: usize,
}

impl Journal {
    pub(super) fn new(weather: &Weather) -> Self {
        Self {
            queue: VecDeque::new(),
            batches: VecDeque::new(),
            requests: Vec::new(),
            disk: Disk::default(),
            owed: Owed::default(),
            unsynced: None,
            takes_permille: weather.store_permille,
            turns_max: weather.store_turns_max,
            fails_permille: weather.store_fails_permille,
            page_fails_permille: weather.page_fails_permille,
            page_entries_max: weather.page_entries_max,
        }
    }

    /// From now on they answer at once, and as one would wish.
    pub(super) fn calm(&mut self) {
        (self.takes_permille, self.turns_max, self.fails_permille) = (1_000, 0, 0);
        self.page_fails_permille = 0;
    }

    pub(super) fn disk(&self) -> &Disk {
        &self.disk
    }

    pub(super) fn submit(&mut self, write: Write) {
        self.queue.push_back(write);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.batches.is_empty()
    }

    /// Whether the reader owes an answer.
    pub(super) fn is_read(&self) -> bool {
        self.requests.is_empty()
    }

    /// Works for one turn; what it has stored the model knows, what it answers is returned.
    pub(super) fn work(&mut self, turn: usize, dice: &mut Dice, model: &mut Model) -> Vec<Outcome> {
        if !self.queue.is_empty() && dice.chance(self.takes_permille) {
            let due = turn + dice.between(0, self.turns_max);
            let batch = self.queue.drain(..).collect();
            self.batches.push_back((due, batch));
        }
        let mut outcomes = Vec::new();
        while let Some((_, batch)) = self.batches.pop_front_if(|(due, _)| *due <= turn) {
            // Changes are few, and what follows when one fails is seen only after a crash.
            let is_change = |write: &Write| matches!(write, Write::Change { .. });
            let often = if batch.iter().any(is_change) { 4 } else { 1 };
            let fails = dice.chance(self.fails_permille * often);
            outcomes.extend(self.store_batch(turn, &batch, fails, model));
        }
        if self.is_empty() && !self.owed.is_empty() && !dice.chance(self.fails_permille) {
            let _ = self.store_batch(turn, &[], false, model);
        }
        outcomes
    }

    fn store_batch(
        &mut self,
        turn: usize,
        batch: &[Write],
        fails: bool,
        model: &mut Model,
    ) -> Vec<Outcome> {
        if faults::is_planted(Fault::AnsweredBeforeSynced) {
            let is_synced = |(_, since): &(Disk, usize)| since + self.turns_max < turn;
            if self.unsynced.as_ref().is_none_or(is_synced) {
                self.unsynced = Some((self.disk.clone(), turn));
            }
        }
        let disk = &mut self.disk;
        let stored = self.owed.commit(batch, |all| {
            if fails {
                Err(StoreFailure::DiskFull)
            } else {
                Ok(disk.commit(turn as u64, all))
            }
        });
        let Ok(outcomes) = stored else {
            if faults::is_planted(Fault::FailedChangeForgotten) {
                self.owed = Owed::default();
            }
            return self.refuse_batch(batch);
        };
        for (write, outcome) in batch.iter().zip(&outcomes) {
            if let Write::Append(append) = write {
                model.store(append, outcome);
            }
        }
        outcomes
    }

    /// Nothing of a batch was stored.
    fn refuse_batch(&self, batch: &[Write]) -> Vec<Outcome> {
        let why = StoreFailure::DiskFull;
        let refused = |write: &Write| Outcome::NotStored {
            ticket: write.ticket(),
            why,
        };
        let mut outcomes: Vec<Outcome> = batch.iter().map(refused).collect();
        if faults::is_planted(Fault::FailedBatchPartlyShown) {
            // As if only what came first had failed.
            let mut disk = self.disk.clone();
            let later = &batch[1..];
            outcomes.truncate(1);
            outcomes.extend(disk.commit(0, later));
        }
        outcomes
    }

    // --- The reader ---

    pub(super) fn ask(&mut self, turn: usize, request: PageRequest, dice: &mut Dice) {
        let due = turn + dice.between(0, self.turns_max);
        self.requests.push((due, request));
    }

    /// What the reader answers in this turn, in any order.
    pub(super) fn read(&mut self, turn: usize, dice: &mut Dice) -> Vec<PageAnswer> {
        let due = self.requests.extract_if(.., |(due, _)| *due <= turn);
        let mut answers = Vec::new();
        for (_, request) in due {
            let entries_max = dice.between(1, self.page_entries_max);
            let answer = if dice.chance(self.page_fails_permille) {
                Err(StoreFailure::Io)
            } else {
                Ok(self.disk.page(&request, entries_max))
            };
            let at = dice.between(0, answers.len());
            answers.insert(at, (request, answer));
        }
        answers
    }

    // --- Crashes ---

    /// The process dies. What was on its way may have been committed, the first of it first;
    /// nobody was told. What was not is lost.
    pub(super) fn crash(&mut self, turn: usize, dice: &mut Dice, model: &mut Model) {
        let committed = dice.between(0, self.batches.len());
        let batches = std::mem::take(&mut self.batches);
        for (_, batch) in batches.iter().take(committed) {
            let _ = self.store_batch(turn, batch, false, model);
        }
        self.queue.clear();
        self.requests.clear();
        self.owed = Owed::default();
        if let Some((disk, _)) = self.unsynced.take() {
            self.disk = disk;
        }
        if faults::is_planted(Fault::SendersForgotten) {
            self.disk.forget_senders();
        }
    }
}
