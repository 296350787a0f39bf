//! The fake worker: a store that answers late, in batches, and sometimes not as one would wish.

use super::dice::{Dice, Weather};
use super::faults::{self, Fault};
use super::model::Model;
use crate::chat::{Append, MessageKey, Outcome, SessionId, StoreFailure};
use crate::store::{MemoryStore, Store};
use std::collections::{BTreeSet, VecDeque};

/// The journal as the shell sees it: jobs in, answers out, in order.
pub(super) struct Journal {
    queue: VecDeque<Append>,
    /// Taken, and stored or not at that turn.
    batches: VecDeque<(usize, Vec<Append>)>,
    store: Forgetful,
    takes_permille: usize,
    turns_max: usize,
    fails_permille: usize,
}

impl Journal {
    pub(super) fn new(weather: &Weather) -> Self {
        Self {
            queue: VecDeque::new(),
            batches: VecDeque::new(),
            store: Forgetful::default(),
            takes_permille: weather.store_permille,
            turns_max: weather.store_turns_max,
            fails_permille: weather.store_fails_permille,
        }
    }

    /// From now on it answers at once, and as one would wish.
    pub(super) fn calm(&mut self) {
        (self.takes_permille, self.turns_max, self.fails_permille) = (1_000, 0, 0);
    }

    pub(super) fn submit(&mut self, append: Append) {
        self.queue.push_back(append);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty() && self.batches.is_empty()
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
            let fails = dice.chance(self.fails_permille);
            outcomes.extend(self.store_batch(turn, &batch, fails, model));
        }
        outcomes
    }

    fn store_batch(
        &mut self,
        turn: usize,
        batch: &[Append],
        fails: bool,
        model: &mut Model,
    ) -> Vec<Outcome> {
        if fails {
            let why = StoreFailure::DiskFull;
            let refused = |append: &Append| Outcome::NotStored {
                ticket: append.ticket,
                why,
            };
            return batch.iter().map(refused).collect();
        }
        let outcomes = self
            .store
            .append(turn as u64, batch)
            .expect("a store in memory never fails");
        for (append, outcome) in batch.iter().zip(&outcomes) {
            model.store(append, outcome);
        }
        outcomes
    }
}

/// A store in memory, which forgets what it knew of retries when that fault is planted.
#[derive(Default)]
struct Forgetful {
    store: MemoryStore,
    known: BTreeSet<(SessionId, MessageKey)>,
    others: u64,
}

impl Store for Forgetful {
    fn append(&mut self, unix_ms: u64, batch: &[Append]) -> Result<Vec<Outcome>, StoreFailure> {
        if !faults::is_planted(Fault::RetryStoredTwice) {
            return self.store.append(unix_ms, batch);
        }
        let mut batch = batch.to_vec();
        for append in &mut batch {
            if !self.known.insert(append.sender) {
                self.others += 1;
                append.sender.1 = MessageKey(u64::MAX - self.others);
            }
        }
        self.store.append(unix_ms, &batch)
    }
}
