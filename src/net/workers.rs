//! Workers: threads that do blocking work, each the sole owner of one kind of it.
//!
//! Jobs go in through a bounded queue and outcomes come back in the same order; one coalesced
//! waker tells the loop that there are some. Whoever asks never has more out than the queue holds,
//! so handing a job over never blocks.

mod journal;
mod reader;

use super::wake::Wake;
use crate::chat::{Job, Outcome, Page, PageRequest, Space, StoreFailure, Write};
use crate::limits::JOURNAL_JOBS_MAX;
use crate::store::{Reader, Store};
use journal::Journal;
use mio::Waker;
use reader::{Answer, Question, ReaderThread};
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// The threads, and what waits to be handed to them.
pub(super) struct Workers {
    /// Jobs of this turn for the journal, not handed over yet.
    submitted: Vec<Write>,
    /// Absent when nothing is kept that could be read. Ends first, so that nobody reads what the
    /// journal leaves in good order.
    reader: Option<ReaderThread>,
    journal: Journal,
    /// Answers that no thread has to give.
    answered: Vec<Outcome>,
    /// Pages that were read.
    pages: VecDeque<(PageRequest, Result<Page, StoreFailure>)>,
    /// What the chat was told of the space there is.
    space: Space,
    wake: Wake,
}

/// Why the process cannot go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkerFailure {
    /// A worker ended although nobody asked it to.
    Died,
    /// What was to be stored may not be on the disk, and nothing can be promised any more.
    Broken,
}

impl Workers {
    /// Starts the threads.
    ///
    /// # Errors
    ///
    /// When the system refuses a thread.
    pub(super) fn start(
        store: Box<dyn Store>,
        reader: Option<Box<dyn Reader>>,
        waker: Arc<Waker>,
    ) -> io::Result<Self> {
        let wake = Wake::new(waker);
        Ok(Self {
            submitted: Vec::new(),
            reader: reader
                .map(|reader| ReaderThread::start(reader, wake.clone()))
                .transpose()?,
            journal: Journal::start(store, wake.clone())?,
            answered: Vec::new(),
            pages: VecDeque::new(),
            space: Space::default(),
            wake,
        })
    }

    /// Notes a job; what is for the journal is handed over with the others of this turn.
    ///
    /// # Panics
    ///
    /// When more jobs are out than the chat allows itself.
    pub(super) fn submit(&mut self, job: Job) {
        match job {
            Job::Write(write) => self.submitted.push(write),
            Job::Search(search) => self.ask(Question::Search(search)),
            Job::Password(_) => {}
        }
        assert!(
            self.submitted.len() <= JOURNAL_JOBS_MAX,
            "the chat has at most {JOURNAL_JOBS_MAX} jobs out"
        );
    }

    /// Asks for entries that are no longer in memory, at most `limits::PAGES_MAX` times at once.
    /// The answer comes by [`Self::next_pages`]; where nothing is kept it is a failure.
    pub(super) fn read_page(&mut self, request: PageRequest) {
        self.ask(Question::Page(request));
    }

    fn ask(&mut self, question: Question) {
        let refused = match &self.reader {
            Some(reader) => reader.ask(question),
            None => Some(question.unanswered()),
        };
        if let Some(answer) = refused {
            self.sort(answer);
            self.wake.wake();
        }
    }

    fn sort(&mut self, answer: Answer) {
        match answer {
            Answer::Page(request, page) => self.pages.push_back((request, page)),
            Answer::Found(outcome) => self.answered.push(outcome),
        }
    }

    /// The pages that were read since the last call.
    pub(super) fn next_pages(&mut self) -> Vec<(PageRequest, Result<Page, StoreFailure>)> {
        self.collect_answers();
        self.pages.drain(..).collect()
    }

    /// Sorts what the reader has answered.
    fn collect_answers(&mut self) {
        // Cleared before looking, so that an answer put in after the look wakes the loop again.
        self.wake.clear();
        let answers: Vec<Answer> = self.reader.iter().flat_map(ReaderThread::answers).collect();
        for answer in answers {
            self.sort(answer);
        }
    }

    /// Hands this turn's jobs to the journal, all at once: one by one, the journal would begin
    /// with a batch of the first.
    ///
    /// # Errors
    ///
    /// [`WorkerFailure`] when there is no such worker any more.
    ///
    /// # Panics
    ///
    /// When more batches are out than the chat allows itself jobs.
    pub(super) fn hand_over(&mut self) -> Result<(), WorkerFailure> {
        if self.submitted.is_empty() {
            return Ok(());
        }
        self.journal.hand_over(std::mem::take(&mut self.submitted))
    }

    /// Whether outcomes are there that were not taken yet.
    pub(super) fn have_outcomes(&self) -> bool {
        self.wake.is_woken()
    }

    /// The next outcomes that wait; none when there is none.
    ///
    /// # Errors
    ///
    /// [`WorkerFailure`] when no outcome can ever come again.
    pub(super) fn next_outcomes(&mut self) -> Result<Vec<Outcome>, WorkerFailure> {
        self.collect_answers();
        if self.reader.as_ref().is_some_and(ReaderThread::is_dead) {
            return Err(WorkerFailure::Died);
        }
        if !self.answered.is_empty() {
            return Ok(std::mem::take(&mut self.answered));
        }
        self.journal.next_outcomes()
    }

    /// How much more the store can keep, when that is different from what was told last. Cheap.
    pub(super) fn next_space(&mut self) -> Option<Space> {
        let space = self.journal.space();
        let former = std::mem::replace(&mut self.space, space);
        (former != space).then_some(space)
    }
}

#[cfg(test)]
mod tests;
