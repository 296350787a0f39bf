//! The activity log's thread: lines are written where nobody waits for the disk.
//!
//! The loop hands over and goes on. When the queue is full, lines are lost and counted, and the
//! log says how many where they would stand: a slow disk must not stop a chat.

use super::clock;
use crate::activity::{LogFile, line, lost_line, newest, readable};
use crate::chat::{Activity, ClientId, MessageKey, Name};
use crate::limits::{
    ACTIVITY_BYTES_SEARCHED, ACTIVITY_LINES_SHOWN, ACTIVITY_QUEUE_MAX, ANSWER_BYTES_MAX,
};
use mio::Waker;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::{Builder, JoinHandle};

/// What the thread is given.
enum Note {
    /// Write this.
    Line(Activity),
    /// So many are missing here.
    Lost(u64),
    /// The size of a file and the number of older ones, from now on.
    Configure(u64, u32),
    /// Somebody wants to see the newest lines, of one name or of all.
    Show(Asker, Option<Name>),
}

/// Who asked: the connection, and the key that comes back in the answer.
pub(super) type Asker = (ClientId, Option<MessageKey>);

/// The loop's end of the log.
pub(super) struct ActivityLog {
    thread: Option<Thread>,
    /// Lines lost since one was last taken.
    lost: u64,
}

struct Thread {
    /// None once it is to end.
    notes: Option<SyncSender<Note>>,
    answers: Receiver<(Asker, String)>,
    lost_ever: Arc<AtomicU64>,
    handle: Option<JoinHandle<()>>,
}

impl ActivityLog {
    /// A log that keeps nothing.
    pub(super) fn none() -> Self {
        Self {
            thread: None,
            lost: 0,
        }
    }

    /// Opens the log in `folder` and starts its thread.
    ///
    /// # Errors
    ///
    /// When the file cannot be written, or the system refuses a thread.
    pub(super) fn start(
        folder: &Path,
        bytes_max: u64,
        older_max: u32,
        waker: Arc<Waker>,
    ) -> io::Result<Self> {
        let file = LogFile::open(folder, bytes_max, older_max)?;
        let (notes, queue) = sync_channel(ACTIVITY_QUEUE_MAX);
        let (sender, answers) = channel();
        let lost_ever = Arc::new(AtomicU64::new(0));
        let scribe = Scribe {
            folder: folder.to_owned(),
            file,
            lost: 0,
            lost_ever: lost_ever.clone(),
            answers: sender,
            waker,
        };
        let handle = Builder::new()
            .name("activity".into())
            .spawn(move || scribe.run(&queue))?;
        Ok(Self {
            thread: Some(Thread {
                notes: Some(notes),
                answers,
                lost_ever,
                handle: Some(handle),
            }),
            lost: 0,
        })
    }

    /// Writes a line, some time soon.
    pub(super) fn record(&mut self, activity: Activity) {
        let Some(thread) = &self.thread else {
            return;
        };
        if self.lost > 0 && thread.offer(Note::Lost(self.lost)) {
            self.lost = 0;
        }
        if self.lost > 0 || !thread.offer(Note::Line(activity)) {
            if self.lost == 0 {
                log::warn!("activity log: the disk is too slow; lines are lost");
            }
            self.lost += 1;
            thread.lost_ever.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Goes by another size and number of older files from now on. Whether that could be said.
    pub(super) fn configure(&self, bytes_max: u64, older_max: u32) -> bool {
        let note = Note::Configure(bytes_max, older_max);
        self.thread.as_ref().is_none_or(|thread| thread.offer(note))
    }

    /// Asks for the newest lines; they come out of [`Self::next_answer`].
    ///
    /// # Errors
    ///
    /// In words, when they will not.
    pub(super) fn show(&self, asker: Asker, name: Option<Name>) -> Result<(), &'static str> {
        let Some(thread) = &self.thread else {
            return Err("there is no activity log: this server keeps nothing");
        };
        match thread.offer(Note::Show(asker, name)) {
            true => Ok(()),
            false => Err("the activity log is busy; try again in a minute"),
        }
    }

    /// The next answer that has come.
    pub(super) fn next_answer(&self) -> Option<(Asker, String)> {
        self.thread.as_ref()?.answers.try_recv().ok()
    }

    /// How many lines were lost, ever.
    pub(super) fn lost(&self) -> u64 {
        let thread = self.thread.as_ref();
        thread.map_or(0, |thread| thread.lost_ever.load(Ordering::Relaxed))
    }
}

impl Thread {
    fn offer(&self, note: Note) -> bool {
        self.notes
            .as_ref()
            .is_some_and(|notes| notes.try_send(note).is_ok())
    }
}

impl Drop for Thread {
    /// Lets the thread write what it was given, then ends it.
    fn drop(&mut self) {
        drop(self.notes.take());
        if let Some(handle) = self.handle.take() {
            // One that panicked has said so.
            let _ = handle.join();
        }
    }
}

/// The thread's end.
struct Scribe {
    folder: PathBuf,
    file: LogFile,
    /// Lines that could not be written since one last was.
    lost: u64,
    lost_ever: Arc<AtomicU64>,
    answers: Sender<(Asker, String)>,
    waker: Arc<Waker>,
}

impl Scribe {
    fn run(mut self, queue: &Receiver<Note>) {
        for note in queue {
            match note {
                Note::Line(activity) => {
                    if !self.write(&line(&activity)) {
                        self.lost += 1;
                        self.lost_ever.fetch_add(1, Ordering::Relaxed);
                    }
                }
                // Counted as lost when they were; they only have to be told still.
                Note::Lost(count) => self.lost += count,
                Note::Configure(bytes_max, older_max) => self.file.configure(bytes_max, older_max),
                Note::Show(asker, name) => {
                    if self.answers.send((asker, self.shown(name))).is_err() {
                        return;
                    }
                    if let Err(error) = self.waker.wake() {
                        log::error!("cannot wake the loop: {error}");
                    }
                }
            }
        }
    }

    /// Writes a line, after what is to be said of lost ones; whether that went well.
    fn write(&mut self, line: &str) -> bool {
        let told = match self.lost {
            0 => Ok(()),
            lost => self.file.append(&lost_line(clock::unix_ms(), lost)),
        };
        if told.is_ok() {
            self.lost = 0;
        }
        match told.and_then(|()| self.file.append(line)) {
            Ok(()) => true,
            Err(error) => {
                if self.lost == 0 {
                    log::warn!("activity log: {error}; lines are lost until that is better");
                }
                false
            }
        }
    }

    fn shown(&self, name: Option<Name>) -> String {
        let name = name.map(|name| name.to_string());
        let lines = newest(
            &self.folder,
            name.as_deref(),
            ACTIVITY_LINES_SHOWN,
            ACTIVITY_BYTES_SEARCHED,
        );
        let whose = name.map_or(String::new(), |name| format!(" of {name}"));
        match lines {
            Ok(lines) if lines.is_empty() => format!("nothing{whose} lately"),
            Ok(lines) => lines
                .iter()
                // Four bytes for each character at most, so that all of them fit one answer.
                .map(|line| readable(line, ANSWER_BYTES_MAX / ACTIVITY_LINES_SHOWN / 4 - 4))
                .collect::<Vec<_>>()
                .join("\n"),
            Err(error) => format!("the activity log cannot be read: {error}"),
        }
    }
}
