//! A file on its way out: offered, sent on from where the server has it, kept.

use super::source::{Source, SourceError};
use crate::chat::{FileEnd, FileId, MessageKey, RoomId};
use crate::limits::FILE_CHUNK_BYTES_MAX;
use crate::wire::message::{FileAnswer, FileRequest};

/// What the server's word means for a file on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It was about something else.
    NotMine,
    /// It goes on.
    On,
    /// All of it is kept.
    Kept,
    /// It goes no further.
    Over(FileEnd),
}

/// A file on its way out. It outlives its connections.
pub struct Sending {
    source: Source,
    /// The command that is not answered.
    key: Option<MessageKey>,
    /// Its number, once the server has given one.
    file: Option<FileId>,
    /// The next byte to be sent.
    next: u64,
    /// The first byte that must not be sent yet.
    until: u64,
    /// Whether bytes are taken on this connection.
    is_taken: bool,
    has_said_all: bool,
}

impl Sending {
    /// A file that was hashed.
    pub fn new(source: Source) -> Self {
        Self {
            source,
            key: None,
            file: None,
            next: 0,
            until: 0,
            is_taken: false,
            has_said_all: false,
        }
    }

    /// What is sent.
    pub fn source(&self) -> &Source {
        &self.source
    }

    /// Its number, once the server has given one.
    pub fn file(&self) -> Option<FileId> {
        self.file
    }

    /// Bytes that were sent.
    pub fn sent(&self) -> u64 {
        self.next
    }

    /// Asks the server to take it, or, if it has a number, to take the rest.
    pub fn ask<'a>(
        &'a mut self,
        key: MessageKey,
        room: Option<RoomId>,
        to: Option<&'a str>,
    ) -> FileRequest<'a> {
        self.key = Some(key);
        match self.file {
            Some(file) => FileRequest::SendOn { key, file },
            None => FileRequest::Offer {
                key,
                room,
                to,
                name: self.source.name(),
                bytes: self.source.bytes(),
                digest: self.source.digest(),
            },
        }
    }

    /// Whether it waits for the answer to that command.
    pub fn has_asked(&self, key: MessageKey) -> bool {
        self.key == Some(key)
    }

    /// The connection is lost; on the next one it has to be asked for again.
    pub fn disconnected(&mut self) {
        self.key = None;
        self.is_taken = false;
    }

    /// The server has begun anew: its numbers mean other files, and this one is offered again.
    pub fn history_reset(&mut self) {
        self.disconnected();
        self.file = None;
    }

    /// Whether it is the same file, which the server takes for the same offer when it also goes to
    /// the same.
    pub fn is_same(&self, other: &Self) -> bool {
        let (one, other) = (&self.source, &other.source);
        let is_same = one.name() == other.name() && one.bytes() == other.bytes();
        is_same && one.digest() == other.digest()
    }

    /// Takes in what the server says.
    pub fn hear(&mut self, answer: &FileAnswer<'_>) -> Sent {
        let is_mine = |file: FileId| self.file == Some(file);
        match *answer {
            FileAnswer::Take {
                key: Some(key),
                file,
                have,
                until,
            } if self.has_asked(key) => {
                self.key = None;
                self.file = Some(file);
                self.is_taken = true;
                self.has_said_all = false;
                self.next = have.min(self.source.bytes());
                self.until = until;
                Sent::On
            }
            FileAnswer::Take {
                key: Some(_), file, ..
            } if is_mine(file) => {
                // Another offer of this connection turned out to be the same file.
                self.is_taken = false;
                Sent::Over(FileEnd::TakenOver)
            }
            FileAnswer::Take {
                key: None,
                file,
                until,
                ..
            } if is_mine(file) => {
                self.until = self.until.max(until);
                Sent::On
            }
            FileAnswer::Kept(file) if is_mine(file) => Sent::Kept,
            FileAnswer::Over(file, end) if is_mine(file) => {
                self.is_taken = false;
                Sent::Over(end)
            }
            FileAnswer::Take { .. }
            | FileAnswer::Kept(_)
            | FileAnswer::Over(..)
            | FileAnswer::Give { .. }
            | FileAnswer::Piece { .. }
            | FileAnswer::Whole { .. }
            | FileAnswer::Listed(_) => Sent::NotMine,
        }
    }

    /// What to send next, if anything may be sent now; `buffer` takes at most one chunk.
    ///
    /// # Errors
    ///
    /// [`SourceError`], when the file is not what was offered any more; the offer should be
    /// cancelled then.
    pub fn next<'b>(
        &mut self,
        buffer: &'b mut [u8; FILE_CHUNK_BYTES_MAX],
    ) -> Result<Option<FileRequest<'b>>, SourceError> {
        let (Some(file), true) = (self.file, self.is_taken && !self.has_said_all) else {
            return Ok(None);
        };
        if self.next == self.source.bytes() {
            self.source.check_unchanged()?;
            self.has_said_all = true;
            let digest = self.source.digest();
            return Ok(digest.map(|digest| FileRequest::Uploaded { file, digest }));
        }
        let allowed = self.until.saturating_sub(self.next);
        let count = usize::try_from(allowed).map_or(buffer.len(), |all| all.min(buffer.len()));
        if count == 0 {
            return Ok(None);
        }
        let offset = self.next;
        let count = self.source.read_at(offset, &mut buffer[..count])?;
        self.next += u64::try_from(count).expect("a chunk is small");
        let bytes = &buffer[..count];
        Ok(Some(FileRequest::Chunk {
            file,
            offset,
            bytes,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: FileId = FileId(7);

    fn sending(folder: &std::path::Path, bytes: usize) -> Sending {
        let path = folder.join("a");
        std::fs::write(&path, vec![5; bytes]).unwrap();
        let mut source = Source::open(&path).unwrap();
        while source.digest().is_none() {
            source.hash_some(&mut [0; 1_000]).unwrap();
        }
        Sending::new(source)
    }

    fn take(key: Option<u64>, have: u64, until: u64) -> FileAnswer<'static> {
        FileAnswer::Take {
            key: key.map(MessageKey),
            file: FILE,
            have,
            until,
        }
    }

    #[test]
    fn it_sends_what_it_may_and_goes_on_over_the_next_connection() {
        let folder = tempfile::tempdir().unwrap();
        let mut sending = sending(folder.path(), 100);
        let mut buffer = [0; FILE_CHUNK_BYTES_MAX];
        let asked = sending.ask(MessageKey(1), None, Some("bob"));
        assert!(matches!(
            asked,
            FileRequest::Offer {
                bytes: 100,
                to: Some("bob"),
                ..
            }
        ));
        assert_eq!(sending.next(&mut buffer).unwrap(), None);
        assert_eq!(sending.hear(&take(Some(2), 0, 100)), Sent::NotMine);
        assert_eq!(sending.hear(&take(Some(1), 0, 60)), Sent::On);
        let chunk = sending.next(&mut buffer).unwrap();
        assert!(
            matches!(chunk, Some(FileRequest::Chunk { offset: 0, bytes, .. }) if bytes.len() == 60)
        );
        assert_eq!(
            sending.next(&mut buffer).unwrap(),
            None,
            "the window is spent"
        );
        sending.disconnected();
        let asked = sending.ask(MessageKey(3), None, None);
        assert_eq!(
            asked,
            FileRequest::SendOn {
                key: MessageKey(3),
                file: FILE
            }
        );
        sending.hear(&take(Some(3), 40, 90));
        sending.hear(&take(None, 40, 100));
        let chunk = sending.next(&mut buffer).unwrap();
        assert!(
            matches!(chunk, Some(FileRequest::Chunk { offset: 40, bytes, .. }) if bytes.len() == 60)
        );
        let said = sending.next(&mut buffer).unwrap();
        assert!(matches!(said, Some(FileRequest::Uploaded { .. })));
        assert_eq!(sending.next(&mut buffer).unwrap(), None);
        assert_eq!(sending.hear(&FileAnswer::Kept(FILE)), Sent::Kept);
    }

    #[test]
    fn one_of_two_that_turn_out_to_be_the_same_stops_and_numbers_are_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let [mut first, mut second] = [0, 1].map(|_| sending(folder.path(), 100));
        assert!(first.is_same(&second));
        let mut buffer = [0; FILE_CHUNK_BYTES_MAX];
        first.ask(MessageKey(1), None, Some("bob"));
        first.hear(&take(Some(1), 0, 60));
        second.ask(MessageKey(2), None, Some("BOB"));
        let taken = take(Some(2), 0, 60);
        assert_eq!(first.hear(&taken), Sent::Over(FileEnd::TakenOver));
        assert_eq!(first.next(&mut buffer).unwrap(), None);
        assert_eq!(second.hear(&taken), Sent::On);
        second.history_reset();
        assert_eq!(second.next(&mut buffer).unwrap(), None);
        let asked = second.ask(MessageKey(3), None, None);
        assert!(
            matches!(asked, FileRequest::Offer { .. }),
            "its number is another's"
        );
    }

    #[test]
    fn an_empty_file_is_sent_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut sending = sending(folder.path(), 0);
        sending.ask(MessageKey(1), None, None);
        sending.hear(&take(Some(1), 0, 0));
        let mut buffer = [0; FILE_CHUNK_BYTES_MAX];
        let said = sending.next(&mut buffer).unwrap();
        assert!(matches!(said, Some(FileRequest::Uploaded { .. })));
    }
}
