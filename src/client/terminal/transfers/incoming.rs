//! A file on its way in, as it is seen at the keyboard.

use std::time::Duration;

use super::chores::Chores;
use super::{Fate, percent};
use crate::chat::{FileEnd, FileId, MessageKey, Size};
use crate::client::files::{self, Downloads, FolderError, Offered, Part, Received, Receiving};
use crate::client::folder::shown_path;
use crate::client::session::Session;
use crate::client::terminal::progress::Progress;
use crate::wire::message::{FileAnswer, FileRequest};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Others are before it.
    Waits,
    /// What is there of it is looked at.
    Opens,
    /// It is fetched.
    Fetches,
    /// It is put on the disk for good.
    Finishes,
}

/// A file on its way in.
pub(super) struct Incoming {
    offered: Offered,
    stage: Stage,
    /// While it is fetched.
    receiving: Option<Receiving>,
    /// Whether the server was asked for it on this connection.
    is_asked: bool,
    /// The bound that is to be told the server next.
    more: Option<u64>,
    progress: files::Progress,
}

impl Incoming {
    pub(super) fn new(offered: Offered) -> Self {
        Self {
            offered,
            stage: Stage::Waits,
            receiving: None,
            is_asked: false,
            more: None,
            progress: files::Progress::default(),
        }
    }

    /// Its number.
    pub(super) fn file(&self) -> FileId {
        self.offered.file
    }

    /// Whether all of it has come: it gets its name in any case.
    pub(super) fn is_finishing(&self) -> bool {
        self.stage == Stage::Finishes
    }

    /// Why it is not received from a server that has begun anew. What is there of it stays, for when
    /// it is offered again.
    pub(super) fn unknown(&self) -> Fate {
        let Offered { file, name, .. } = &self.offered;
        Fate::Ill(format!(
            "N {file}: {name} is not received: the server has begun anew and knows it no more"
        ))
    }

    /// Looks at what is there of it, if that was not begun.
    pub(super) fn begin(&mut self, id: u64, chores: &Chores, downloads: &Downloads) {
        if self.stage == Stage::Waits {
            self.stage = Stage::Opens;
            chores.open(id, downloads, &self.offered);
        }
    }

    /// What is there of it is known.
    pub(super) fn opened(&mut self, part: Part) {
        self.stage = Stage::Fetches;
        self.receiving = Some(Receiving::new(part, &self.offered));
    }

    /// Asks for it, once per connection, and for more of it.
    pub(super) fn ask(&mut self, session: &mut Session) {
        let Some(receiving) = &mut self.receiving else {
            return;
        };
        let file = self.offered.file;
        if !std::mem::replace(&mut self.is_asked, true) {
            let key = session.draw_file_key();
            session.ask_file(&receiving.fetch(key), &mut |_| {});
        }
        if let Some(until) = self.more.take() {
            session.ask_file(&FileRequest::More { file, until }, &mut |_| {});
        }
    }

    /// The connection is lost.
    pub(super) fn disconnected(&mut self) {
        self.is_asked = false;
        self.more = None;
        if let Some(receiving) = &mut self.receiving {
            receiving.disconnected();
        }
    }

    /// Whether it waits for the answer to that.
    pub(super) fn has_asked(&self, key: MessageKey) -> bool {
        let receiving = self.receiving.as_ref();
        receiving.is_some_and(|receiving| receiving.has_asked(key))
    }

    pub(super) fn hear(
        &mut self,
        id: u64,
        answer: &FileAnswer<'_>,
        chores: &Chores,
    ) -> Option<Fate> {
        let receiving = self.receiving.as_mut()?;
        match receiving.hear(answer) {
            Ok(Received::NotMine | Received::On) => None,
            Ok(Received::More(_, until)) => {
                self.more = Some(until);
                None
            }
            Ok(Received::Again) => {
                self.is_asked = false;
                None
            }
            Ok(Received::Whole) => {
                self.stage = Stage::Finishes;
                if let Some(receiving) = self.receiving.take() {
                    chores.finish(id, receiving);
                }
                None
            }
            Ok(Received::Over(end)) => Some(self.ended(end)),
            Err(error) => {
                if matches!(error, FolderError::Spoilt(_)) {
                    self.discard();
                }
                Some(self.failed(&error))
            }
        }
    }

    /// It has its name, or failed to get it.
    pub(super) fn finished(
        &self,
        downloads: &Downloads,
        done: Result<String, FolderError>,
    ) -> Fate {
        match done {
            Ok(name) => Fate::Well(format!(
                "{} ({}) from {} is here",
                shown_path(&downloads.path().join(name)),
                Size(self.offered.bytes),
                self.offered.from
            )),
            Err(error) => self.failed(&error),
        }
    }

    /// The server gives no more of it.
    fn ended(&mut self, end: FileEnd) -> Fate {
        let file = self.offered.file;
        let advice = match end {
            FileEnd::DiskFull | FileEnd::Failed | FileEnd::NotAllowed | FileEnd::TakenOver => {
                format!("; /accept {file} goes on where it was")
            }
            FileEnd::Cancelled | FileEnd::Refused | FileEnd::Expired | FileEnd::Spoilt => {
                // Nobody will ever have the rest.
                self.discard();
                String::new()
            }
        };
        let name = &self.offered.name;
        Fate::Ill(format!("N {file}: {name} is not received: {end}{advice}"))
    }

    /// It cannot be written.
    pub(super) fn failed(&self, error: &FolderError) -> Fate {
        let file = self.offered.file;
        let advice = match error {
            FolderError::NotWritten(..) => format!("; then /accept {file} goes on where it was"),
            FolderError::Spoilt(_) => format!("; /accept {file} fetches it again"),
            FolderError::Planted(_) | FolderError::Busy(_) | FolderError::NoName(_) => {
                format!("; then /accept {file} again")
            }
            FolderError::NoFolder(..) => String::new(),
        };
        Fate::Ill(format!("N {file} is not received: {error}{advice}"))
    }

    /// Gives it up and deletes what is there of it.
    pub(super) fn discard(&mut self) {
        if let Some(receiving) = self.receiving.take() {
            receiving.discard();
        }
    }

    /// Deletes its part if nothing is in it.
    pub(super) fn discard_nothing(&mut self) {
        let is_empty = |receiving: &mut Receiving| receiving.have() == 0;
        if let Some(receiving) = self.receiving.take_if(is_empty) {
            receiving.discard();
        }
    }

    /// How far it is, in a few words.
    pub(super) fn words(&self) -> String {
        match (self.stage, &self.receiving) {
            (Stage::Fetches, Some(receiving)) => {
                format!("coming, {}", percent(receiving.have(), self.offered.bytes))
            }
            (Stage::Finishes, _) => "nearly here".to_owned(),
            (Stage::Waits | Stage::Opens | Stage::Fetches, _) => "about to come".to_owned(),
        }
    }

    /// Its row, if it is time for another.
    pub(super) fn row(&mut self, now: Duration) -> Option<Progress> {
        let Offered {
            file,
            ref name,
            from,
            bytes,
            ..
        } = self.offered;
        let done = match (self.stage, &self.receiving) {
            (Stage::Finishes, _) => bytes,
            (Stage::Waits | Stage::Opens | Stage::Fetches, Some(receiving)) => receiving.have(),
            (Stage::Waits | Stage::Opens | Stage::Fetches, None) => return None,
        };
        let label = format!("N {file} {name} from {from}");
        let is_due = self.progress.note(now, done);
        is_due.then(|| super::row(label, &self.progress, done, bytes))
    }
}
