//! A file on its way out, as it is seen at the keyboard.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::chores::Chores;
use super::{Fate, percent};
use crate::chat::{FileEnd, FileId, MessageKey, Size};
use crate::client::files::{self, Sending, Sent, Source, SourceError, Target};
use crate::client::session::Session;
use crate::client::terminal::progress::Progress;
use crate::limits::FILE_CHUNK_BYTES_MAX;
use crate::wire::message::FileAnswer;

/// A file on its way out: it waits, it is hashed, it is sent.
pub(super) struct Outgoing {
    target: Target,
    name: String,
    bytes: u64,
    /// While it waits.
    source: Option<Source>,
    /// Bytes of it that were hashed, while that is done.
    hashed: Arc<AtomicU64>,
    /// Once it has a hash.
    sending: Option<Sending>,
    /// Whether the server was asked on this connection to take it.
    is_asked: bool,
    progress: files::Progress,
}

impl Outgoing {
    pub(super) fn new(source: Source, target: Target) -> Self {
        Self {
            target,
            name: source.name().to_owned(),
            bytes: source.bytes(),
            source: Some(source),
            hashed: Arc::default(),
            sending: None,
            is_asked: false,
            progress: files::Progress::default(),
        }
    }

    /// Its number, once the server has given one.
    pub(super) fn file(&self) -> Option<FileId> {
        self.sending.as_ref()?.file()
    }

    /// The server has begun anew: it is offered again.
    pub(super) fn history_reset(&mut self) {
        self.is_asked = false;
        if let Some(sending) = &mut self.sending {
            sending.history_reset();
        }
    }

    /// Whether the server would take both for one offer.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let both = self.sending.as_ref().zip(other.sending.as_ref());
        self.target == other.target && both.is_some_and(|(one, other)| one.is_same(other))
    }

    /// Why it is not sent while the same is.
    pub(super) fn superfluous(&self) -> Fate {
        Fate::Ill(format!(
            "{} is on its way to {} already",
            self.name, self.target
        ))
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Begins to hash it, if that was not begun.
    pub(super) fn begin(&mut self, id: u64, chores: &Chores) {
        if let Some(source) = self.source.take() {
            chores.hash(id, source, Arc::clone(&self.hashed));
        }
    }

    /// It has a hash.
    pub(super) fn hashed(&mut self, source: Source) {
        self.progress = files::Progress::default();
        self.sending = Some(Sending::new(source));
    }

    /// Asks the server to take it, once per connection and as soon as one is where it goes.
    pub(super) fn ask(&mut self, session: &mut Session) {
        let Some(sending) = self.sending.as_mut().filter(|_| !self.is_asked) else {
            return;
        };
        let Some((room, to)) = self.target.place(session.conversation()) else {
            return;
        };
        self.is_asked = true;
        let key = session.draw_file_key();
        session.ask_file(&sending.ask(key, room, to), &mut |_| {});
    }

    /// The connection is lost.
    pub(super) fn disconnected(&mut self) {
        self.is_asked = false;
        if let Some(sending) = &mut self.sending {
            sending.disconnected();
        }
    }

    /// Whether it waits for the answer to that.
    pub(super) fn has_asked(&self, key: MessageKey) -> bool {
        let sending = self.sending.as_ref();
        sending.is_some_and(|sending| sending.has_asked(key))
    }

    /// Sends its next chunk, if it may; tells whether there was one.
    pub(super) fn send_chunk(
        &mut self,
        session: &mut Session,
        buffer: &mut [u8; FILE_CHUNK_BYTES_MAX],
    ) -> Result<bool, SourceError> {
        let Some(sending) = &mut self.sending else {
            return Ok(false);
        };
        let request = sending.next(buffer)?;
        if let Some(request) = &request {
            session.ask_file(request, &mut |_| {});
        }
        Ok(request.is_some())
    }

    pub(super) fn hear(&mut self, answer: &FileAnswer<'_>) -> Option<Fate> {
        let sending = self.sending.as_mut()?;
        match sending.hear(answer) {
            Sent::NotMine | Sent::On => None,
            Sent::Kept => {
                let (name, target, size) = (&self.name, self.target, Size(self.bytes));
                let take_back = self.file().map_or(String::new(), |file| {
                    format!(", N {file}; /cancel {file} takes it back")
                });
                let words = format!("{name} ({size}) is sent to {target}{take_back}");
                Some(Fate::Well(words))
            }
            Sent::Over(end) => Some(Fate::Ill(format!(
                "{} is not sent to {}: {end}{}",
                self.name,
                self.target,
                advice(end)
            ))),
        }
    }

    /// What it is and how far, in a few words.
    pub(super) fn words(&self) -> String {
        format!("{}; {}", self.label(), self.far())
    }

    /// How far it is, in a few words.
    pub(super) fn far(&self) -> String {
        match &self.sending {
            None if self.source.is_some() => "waits for others".to_owned(),
            None => "is being read".to_owned(),
            Some(_) if !self.is_asked => "waits for the server".to_owned(),
            Some(sending) => format!("going, {}", percent(sending.sent(), self.bytes)),
        }
    }

    fn label(&self) -> String {
        let number = self
            .file()
            .map_or(String::new(), |file| format!("N {file} "));
        format!("{number}{} to {}", self.name, self.target)
    }

    /// Its row, if it is time for another.
    pub(super) fn row(&mut self, now: Duration) -> Option<Progress> {
        let (done, is_reading) = match &self.sending {
            Some(sending) => (sending.sent(), false),
            None => (self.hashed.load(Ordering::Relaxed), true),
        };
        if !self.progress.note(now, done) {
            return None;
        }
        let label = match is_reading {
            true => format!("reading {}", self.name),
            false => self.label(),
        };
        Some(super::row(label, &self.progress, done, self.bytes))
    }
}

/// What to do about a file that is not sent, where the reason does not say it.
fn advice(end: FileEnd) -> &'static str {
    match end {
        FileEnd::DiskFull => "; the same /send goes on where it was",
        FileEnd::Expired | FileEnd::Failed => "; the same /send offers it again",
        FileEnd::Cancelled
        | FileEnd::Refused
        | FileEnd::Spoilt
        | FileEnd::NotAllowed
        | FileEnd::TakenOver => "",
    }
}
