//! The reader: the thread that reads pages and searches, the most urgent first.
//!
//! Who fell behind waits in the middle of a conversation, so catching up goes before joining,
//! joining before history that was asked for, and all of it before searches.

use super::super::wake::{Wake, WakeAtEnd};
use crate::chat::{From, Outcome, Page, PageRequest, Search, StoreFailure};
use crate::limits::{JOIN_HISTORY_ENTRIES, PAGES_MAX, SEARCHES_MAX};
use crate::store::Reader;
use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Questions that may be out at once.
const QUESTIONS_MAX: usize = PAGES_MAX + SEARCHES_MAX;

/// What the reader is asked.
pub(super) enum Question {
    /// For entries of one room.
    Page(PageRequest),
    /// For entries with certain words.
    Search(Search),
}

/// What it answers.
pub(super) enum Answer {
    /// The entries, or why there are none.
    Page(PageRequest, Result<Page, StoreFailure>),
    /// What a search found.
    Found(Outcome),
}

/// How many kinds of urgency there are.
const URGENCIES: usize = 4;

impl Question {
    /// The answer when it could not be looked at.
    pub(super) fn unanswered(self) -> Answer {
        match self {
            Self::Page(request) => Answer::Page(request, Err(StoreFailure::Io)),
            Self::Search(search) => Answer::Found(Outcome::Found {
                ticket: search.ticket,
                hits: Err(StoreFailure::Io),
                is_cut: false,
            }),
        }
    }

    /// How many kinds of questions go before this one.
    fn urgency(&self) -> usize {
        match self {
            Self::Page(request) => match request.from {
                From::After(_) => 0,
                From::Newest(count) if count <= JOIN_HISTORY_ENTRIES => 1,
                From::Newest(_) | From::Since(_) => 2,
            },
            Self::Search(_) => 3,
        }
    }
}

/// The loop's end of the reader.
pub(super) struct ReaderThread {
    questions: Option<SyncSender<Question>>,
    answers: Receiver<Answer>,
    thread: Option<JoinHandle<()>>,
}

impl ReaderThread {
    /// Starts the thread.
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    pub(super) fn start(mut reader: Box<dyn Reader>, wake: Wake) -> io::Result<Self> {
        let (questions, asked) = sync_channel(QUESTIONS_MAX);
        let (told, answers) = sync_channel(QUESTIONS_MAX);
        let thread = Builder::new().name("reader".into()).spawn(move || {
            let end = WakeAtEnd(wake);
            serve(&mut *reader, &asked, &told, &end.0);
        })?;
        Ok(Self {
            questions: Some(questions),
            answers,
            thread: Some(thread),
        })
    }

    /// Asks; a question for which there is no place is answered at once.
    pub(super) fn ask(&self, question: Question) -> Option<Answer> {
        let questions = self.questions.as_ref().expect("taken only when dropped");
        match questions.try_send(question) {
            Ok(()) => None,
            // That the thread has ended is seen when the answers are looked at.
            Err(TrySendError::Disconnected(question) | TrySendError::Full(question)) => {
                Some(question.unanswered())
            }
        }
    }

    /// The answers that wait.
    pub(super) fn answers(&self) -> impl Iterator<Item = Answer> {
        self.answers.try_iter()
    }

    /// Whether the thread has ended.
    pub(super) fn is_dead(&self) -> bool {
        self.thread.as_ref().is_none_or(JoinHandle::is_finished)
    }
}

impl Drop for ReaderThread {
    fn drop(&mut self) {
        drop(self.questions.take());
        if let Some(thread) = self.thread.take() {
            // A reader that panicked has said so; there is nothing to add while stopping.
            let _ = thread.join();
        }
    }
}

/// Answers the most urgent question that waits, until nobody asks any more.
fn serve(
    reader: &mut dyn Reader,
    asked: &Receiver<Question>,
    told: &SyncSender<Answer>,
    wake: &Wake,
) {
    let mut waiting: [VecDeque<Question>; URGENCIES] = Default::default();
    while let Ok(question) = asked.recv() {
        waiting[question.urgency()].push_back(question);
        loop {
            for question in asked.try_iter() {
                waiting[question.urgency()].push_back(question);
            }
            let Some(question) = waiting.iter_mut().find_map(VecDeque::pop_front) else {
                break;
            };
            if told.send(answer(reader, question)).is_err() {
                return;
            }
            wake.wake();
        }
    }
}

fn answer(reader: &mut dyn Reader, question: Question) -> Answer {
    match question {
        Question::Page(request) => Answer::Page(request, reader.page(&request)),
        Question::Search(search) => {
            let found = reader.search(&search);
            Answer::Found(Outcome::Found {
                ticket: search.ticket,
                is_cut: found.as_ref().is_ok_and(|hits| hits.is_cut),
                hits: found.map(|hits| hits.entries),
            })
        }
    }
}
