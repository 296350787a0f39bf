//! A file on its way in: fetched from where its part ends, hashed, given its name.

use super::folder::{FolderError, Part};
use super::offered::Offered;
use crate::chat::{Digest, FileEnd, FileId, MessageKey};
use crate::limits::CLIENT_FILE_WINDOW_BYTES;
use crate::wire::message::{FileAnswer, FileRequest};

/// What the server's word means for a file on its way in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Received {
    /// It was about something else.
    NotMine,
    /// It goes on.
    On,
    /// It goes on when this is asked for.
    More(FileId, u64),
    /// All of it is there and as it was sent: it can be finished.
    Whole,
    /// What was there before was of another file; it has to be fetched again.
    Again,
    /// It goes no further.
    Over(FileEnd),
}

/// A file on its way in. It outlives its connections.
pub struct Receiving {
    part: Part,
    file: FileId,
    bytes: u64,
    /// What it hashes to by the offer that was accepted, if that said so.
    digest: Option<Digest>,
    key: Option<MessageKey>,
    until: u64,
    /// Whether it began with something that was there before.
    is_resumed: bool,
    is_given: bool,
}

impl Receiving {
    /// A file that was offered, of which `part` has some.
    pub fn new(part: Part, offered: &Offered) -> Self {
        Self {
            is_resumed: part.have() > 0,
            part,
            file: offered.file,
            bytes: offered.bytes,
            digest: offered.digest,
            key: None,
            until: 0,
            is_given: false,
        }
    }

    /// Its number.
    pub fn file(&self) -> FileId {
        self.file
    }

    /// What it is to be called.
    pub fn name(&self) -> &str {
        self.part.name()
    }

    /// How long it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that are there.
    pub fn have(&self) -> u64 {
        self.part.have()
    }

    /// Asks for what is not there.
    pub fn fetch(&mut self, key: MessageKey) -> FileRequest<'static> {
        self.key = Some(key);
        self.until = self.part.have().saturating_add(CLIENT_FILE_WINDOW_BYTES);
        FileRequest::Fetch {
            key,
            file: self.file,
            offset: self.part.have(),
            until: self.until,
        }
    }

    /// Whether it waits for the answer to that command.
    pub fn has_asked(&self, key: MessageKey) -> bool {
        self.key == Some(key)
    }

    /// The connection is lost; on the next one it has to be asked for again.
    pub fn disconnected(&mut self) {
        self.key = None;
        self.is_given = false;
    }

    /// Takes in what the server says.
    ///
    /// # Errors
    ///
    /// [`FolderError`], when it cannot be written, or is not what was sent: its part is emptied
    /// then.
    pub fn hear(&mut self, answer: &FileAnswer<'_>) -> Result<Received, FolderError> {
        match *answer {
            FileAnswer::Give {
                file, key, bytes, ..
            } if file == self.file && key.is_some() && key == self.key => {
                self.key = None;
                if bytes != self.bytes {
                    return Ok(Received::Over(FileEnd::Spoilt));
                }
                self.is_given = true;
                Ok(Received::On)
            }
            FileAnswer::Piece {
                file,
                offset,
                bytes,
            } if file == self.file => self.piece(offset, bytes),
            FileAnswer::Whole { file, digest, .. } if file == self.file && self.is_given => {
                self.is_given = false;
                // What was accepted counts, not what the server says of it at the end.
                let expected = self.digest.unwrap_or(digest);
                if self.part.have() == self.bytes && self.part.hashes_to(expected) {
                    return Ok(Received::Whole);
                }
                self.part.restart()?;
                if std::mem::replace(&mut self.is_resumed, false) {
                    return Ok(Received::Again);
                }
                Err(FolderError::Spoilt(self.part.name().to_owned()))
            }
            FileAnswer::Over(file, end) if file == self.file => {
                self.is_given = false;
                Ok(Received::Over(end))
            }
            FileAnswer::Take { .. }
            | FileAnswer::Kept(_)
            | FileAnswer::Over(..)
            | FileAnswer::Give { .. }
            | FileAnswer::Piece { .. }
            | FileAnswer::Whole { .. }
            | FileAnswer::Listed(_) => Ok(Received::NotMine),
        }
    }

    fn piece(&mut self, offset: u64, bytes: &[u8]) -> Result<Received, FolderError> {
        let have = self.part.have();
        let count = u64::try_from(bytes.len()).expect("a piece is small");
        // What was on its way from an earlier request is not wanted.
        if !self.is_given || offset != have || count > self.bytes.saturating_sub(have) {
            return Ok(Received::On);
        }
        self.part.append(bytes)?;
        let left = self.until.saturating_sub(self.part.have());
        if left > CLIENT_FILE_WINDOW_BYTES / 2 || self.until >= self.bytes {
            return Ok(Received::On);
        }
        self.until = self.part.have().saturating_add(CLIENT_FILE_WINDOW_BYTES);
        Ok(Received::More(self.file, self.until))
    }

    /// Gives it its name; returns that.
    ///
    /// # Errors
    ///
    /// [`FolderError`]; the part stays.
    pub fn finish(self) -> Result<String, FolderError> {
        self.part.finish()
    }

    /// Gives it up and deletes what is there.
    pub fn discard(self) {
        self.part.discard();
    }
}

#[cfg(test)]
mod tests {
    use super::super::folder::Downloads;
    use super::*;
    use crate::chat::Digest;
    use crate::crypto::digest::FileHasher;

    const FILE: FileId = FileId(7);

    fn digest(bytes: &[u8]) -> Digest {
        let mut hasher = FileHasher::default();
        hasher.update(bytes);
        Digest(hasher.finish())
    }

    fn offered(digest: Option<Digest>) -> Offered {
        Offered {
            file: FILE,
            from: crate::chat::Name::parse("bob").unwrap(),
            name: "a".to_owned(),
            bytes: 5,
            digest,
        }
    }

    fn give(key: u64) -> FileAnswer<'static> {
        FileAnswer::Give {
            key: Some(MessageKey(key)),
            file: FILE,
            from: crate::chat::Name::parse("bob").unwrap(),
            name: "a",
            bytes: 5,
            offset: 0,
        }
    }

    fn piece(offset: u64, bytes: &[u8]) -> FileAnswer<'_> {
        let file = FILE;
        FileAnswer::Piece {
            file,
            offset,
            bytes,
        }
    }

    fn whole(content: &[u8]) -> FileAnswer<'static> {
        FileAnswer::Whole {
            file: FILE,
            bytes: 5,
            digest: digest(content),
        }
    }

    #[test]
    fn what_was_there_of_another_file_is_fetched_again_once() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::open(folder.path()).unwrap();
        downloads.part("a", "7", 5).unwrap().append(b"XX").unwrap();
        let part = downloads.part("a", "7", 5).unwrap();
        let mut receiving = Receiving::new(part, &offered(None));
        let asked = receiving.fetch(MessageKey(1));
        assert!(matches!(asked, FileRequest::Fetch { offset: 2, .. }));
        receiving.hear(&give(1)).unwrap();
        receiving.hear(&piece(2, b"llo")).unwrap();
        assert_eq!(receiving.hear(&whole(b"hello")).unwrap(), Received::Again);
        let asked = receiving.fetch(MessageKey(2));
        assert!(matches!(asked, FileRequest::Fetch { offset: 0, .. }));
        receiving.hear(&give(2)).unwrap();
        receiving.hear(&piece(3, b"zz")).unwrap();
        receiving.hear(&piece(0, b"hello")).unwrap();
        assert_eq!(receiving.hear(&whole(b"hello")).unwrap(), Received::Whole);
        assert_eq!(receiving.finish().unwrap(), "a");
        assert_eq!(std::fs::read(folder.path().join("a")).unwrap(), b"hello");
    }

    #[test]
    fn what_is_not_what_was_sent_gets_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::open(folder.path()).unwrap();
        let part = downloads.part("a", "7", 5).unwrap();
        let mut receiving = Receiving::new(part, &offered(None));
        receiving.fetch(MessageKey(1));
        receiving.hear(&give(1)).unwrap();
        receiving.hear(&piece(0, b"hello, too much")).unwrap();
        receiving.hear(&piece(0, b"hellO")).unwrap();
        let spoilt = receiving.hear(&whole(b"hello"));
        assert!(matches!(spoilt, Err(FolderError::Spoilt(_))));
        receiving.discard();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn another_file_under_the_same_number_gets_no_name() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::open(folder.path()).unwrap();
        let part = downloads.part("a", "7", 5).unwrap();
        let mut receiving = Receiving::new(part, &offered(Some(digest(b"hello"))));
        receiving.fetch(MessageKey(1));
        receiving.hear(&give(1)).unwrap();
        receiving.hear(&piece(0, b"other")).unwrap();
        let spoilt = receiving.hear(&whole(b"other"));
        assert!(matches!(spoilt, Err(FolderError::Spoilt(_))));
        receiving.fetch(MessageKey(2));
        let FileAnswer::Give {
            key,
            file,
            from,
            name,
            offset,
            ..
        } = give(2)
        else {
            panic!("it is a give");
        };
        let longer = FileAnswer::Give {
            key,
            file,
            from,
            name,
            bytes: 6,
            offset,
        };
        let heard = receiving.hear(&longer).unwrap();
        assert_eq!(heard, Received::Over(FileEnd::Spoilt));
    }
}
