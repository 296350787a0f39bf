//! The fake worker: a store that answers late, in batches, and sometimes not as one would wish.

use super::dice::{Dice, Weather};
use super::faults::{self, Fault};
use super::model::Model;
use crate::chat::{MessageKey, Outcome, SessionId, StoreFailure, Write};
use crate::store::{MemoryStore, Store};
use std::collections::{BTreeSet, VecDeque};

/// The journal as the shell sees it: jobs in, answers out, in order.
pub(super) struct Journal {
    queue: VecDeque<Write>,
    /// Taken, and stored or not at that turn.
    batches: VecDeque<(usize, Vec<Write>)>,
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

    pub(super) fn submit(&mut self, write: Write) {
        self.queue.push_back(write);
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
        batch: &[Write],
        fails: bool,
        model: &mut Model,
    ) -> Vec<Outcome> {
        if fails {
            let why = StoreFailure::DiskFull;
            let refused = |write: &Write| Outcome::NotStored {
                ticket: write.ticket(),
                why,
            };
            return batch.iter().map(refused).collect();
        }
        let outcomes = self
            .store
            .commit(turn as u64, batch)
            .expect("a store in memory never fails");
        for (write, outcome) in batch.iter().zip(&outcomes) {
            if let Write::Append(append) = write {
                model.store(append, outcome);
            }
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
    fn commit(&mut self, unix_ms: u64, batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure> {
        if !faults::is_planted(Fault::RetryStoredTwice) {
            return self.store.commit(unix_ms, batch);
        }
        let mut batch = batch.to_vec();
        for write in &mut batch {
            let Write::Append(append) = write else {
                continue;
            };
            if !self.known.insert(append.sender) {
                self.others += 1;
                append.sender.1 = MessageKey(u64::MAX - self.others);
            }
        }
        self.store.commit(unix_ms, &batch)
    }
}
