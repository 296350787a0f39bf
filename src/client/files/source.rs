//! A file to be sent: what it is, and whether it is still that.

use crate::chat::{Digest, Size};
use crate::crypto::digest::FileHasher;
use std::fmt;
use std::fs::{File, Metadata};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Why a file cannot be sent.
#[derive(Debug)]
pub enum SourceError {
    /// It cannot be opened.
    NotOpened(PathBuf, io::Error),
    /// It is a folder.
    Folder(PathBuf),
    /// It is a device, a pipe or the like, which has no length.
    NotAFile(PathBuf),
    /// It has no name.
    Nameless(PathBuf),
    /// It cannot be read.
    NotRead(PathBuf, io::Error),
    /// It grew while it was sent.
    Grew {
        /// Which.
        path: PathBuf,
        /// How long it was.
        bytes: u64,
    },
    /// It shrank while it was sent.
    Shrank {
        /// Which.
        path: PathBuf,
        /// How long it was.
        bytes: u64,
    },
    /// It was written to while it was sent.
    Changed(PathBuf),
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpened(path, error) => {
                write!(f, "{} cannot be opened: {error}", path.display())
            }
            Self::Folder(path) => write!(
                f,
                "{} is a folder; pack it first, for example with tar",
                path.display()
            ),
            Self::NotAFile(path) => write!(
                f,
                "{} is no file with a beginning and an end",
                path.display()
            ),
            Self::Nameless(path) => write!(f, "{} names no file", path.display()),
            Self::NotRead(path, error) => write!(f, "{} cannot be read: {error}", path.display()),
            Self::Grew { path, bytes } => write!(
                f,
                "{} grew while it was sent, it had {}; send it again when it is done",
                path.display(),
                Size(*bytes)
            ),
            Self::Shrank { path, bytes } => write!(
                f,
                "{} shrank while it was sent, it had {}; send it again when it is done",
                path.display(),
                Size(*bytes)
            ),
            Self::Changed(path) => write!(
                f,
                "{} was changed while it was sent; send it again when it is done",
                path.display()
            ),
        }
    }
}

/// A file to be sent.
pub struct Source {
    path: PathBuf,
    name: String,
    file: File,
    bytes: u64,
    modified: Option<SystemTime>,
    /// Where the next read begins.
    position: u64,
    hasher: FileHasher,
    digest: Option<Digest>,
}

impl Source {
    /// Opens a file to be sent.
    ///
    /// # Errors
    ///
    /// [`SourceError`], when it is not a file that can be read.
    pub fn open(path: &Path) -> Result<Self, SourceError> {
        let not_opened = |error| SourceError::NotOpened(path.to_owned(), error);
        // Asked by name first: opening a pipe would wait for whoever writes to it.
        Self::check(path, &std::fs::metadata(path).map_err(not_opened)?)?;
        let file = File::open(path).map_err(not_opened)?;
        let metadata = file.metadata().map_err(not_opened)?;
        Self::check(path, &metadata)?;
        let name = path.file_name();
        let name = name.ok_or_else(|| SourceError::Nameless(path.to_owned()))?;
        Ok(Self {
            path: path.to_owned(),
            name: name.to_string_lossy().into_owned(),
            file,
            bytes: metadata.len(),
            modified: metadata.modified().ok(),
            position: 0,
            hasher: FileHasher::default(),
            digest: None,
        })
    }

    fn check(path: &Path, metadata: &Metadata) -> Result<(), SourceError> {
        if metadata.is_dir() {
            Err(SourceError::Folder(path.to_owned()))
        } else if metadata.is_file() {
            Ok(())
        } else {
            Err(SourceError::NotAFile(path.to_owned()))
        }
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How long it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// What it hashes to, once all of it was hashed.
    pub fn digest(&self) -> Option<Digest> {
        self.digest
    }

    /// Bytes that were hashed, while it has no digest.
    pub fn hashed(&self) -> u64 {
        self.position
    }

    /// Hashes the next piece, as much as fits `buffer`; to be repeated until there is a digest.
    ///
    /// # Errors
    ///
    /// [`SourceError`], when it cannot be read or is not what it was.
    pub fn hash_some(&mut self, buffer: &mut [u8]) -> Result<(), SourceError> {
        if self.digest.is_some() {
            return Ok(());
        }
        let count = self.read_at(self.position, buffer)?;
        self.hasher.update(&buffer[..count]);
        if self.position == self.bytes {
            self.check_unchanged()?;
            let hasher = std::mem::take(&mut self.hasher);
            self.digest = Some(Digest(hasher.finish()));
        }
        Ok(())
    }

    /// Reads what stands at `offset`, as much as fits `buffer` or is left.
    ///
    /// # Errors
    ///
    /// [`SourceError`], when it cannot be read or is shorter than it was.
    pub fn read_at(&mut self, offset: u64, buffer: &mut [u8]) -> Result<usize, SourceError> {
        let left = usize::try_from(self.bytes.saturating_sub(offset)).unwrap_or(usize::MAX);
        let count = left.min(buffer.len());
        let read = self.file.seek(SeekFrom::Start(offset));
        let read = read.and_then(|_| self.file.read_exact(&mut buffer[..count]));
        match read {
            Ok(()) => {
                self.position = offset + u64::try_from(count).expect("a buffer is small");
                Ok(count)
            }
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Err(SourceError::Shrank {
                    path: self.path.clone(),
                    bytes: self.bytes,
                })
            }
            Err(error) => Err(SourceError::NotRead(self.path.clone(), error)),
        }
    }

    /// Checks that it is what it was when it was opened.
    ///
    /// # Errors
    ///
    /// [`SourceError`], when it is not.
    pub fn check_unchanged(&self) -> Result<(), SourceError> {
        let not_read = |error| SourceError::NotRead(self.path.clone(), error);
        let metadata = self.file.metadata().map_err(not_read)?;
        let (path, bytes) = (self.path.clone(), self.bytes);
        if metadata.len() > bytes {
            Err(SourceError::Grew { path, bytes })
        } else if metadata.len() < bytes {
            Err(SourceError::Shrank { path, bytes })
        } else if metadata.modified().ok() == self.modified {
            Ok(())
        } else {
            Err(SourceError::Changed(path))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn hashed(source: &mut Source) -> Result<Digest, SourceError> {
        let mut buffer = [0; 7];
        loop {
            source.hash_some(&mut buffer)?;
            if let Some(digest) = source.digest() {
                return Ok(digest);
            }
        }
    }

    fn words(outcome: Result<impl Sized, SourceError>) -> String {
        outcome.err().unwrap().to_string()
    }

    #[test]
    fn a_file_is_read_and_hashed_whatever_its_length() {
        let folder = tempfile::tempdir().unwrap();
        for size in [0, 1, 7, 20] {
            let path = folder.path().join(format!("file {size}"));
            let content = vec![3; size];
            std::fs::write(&path, &content).unwrap();
            let mut source = Source::open(&path).unwrap();
            let mut hasher = FileHasher::default();
            hasher.update(&content);
            assert_eq!(hashed(&mut source).unwrap(), Digest(hasher.finish()));
            let mut buffer = [0; 5];
            let count = source.read_at(3.min(source.bytes()), &mut buffer).unwrap();
            assert_eq!(count, size.saturating_sub(3).min(5));
            source.check_unchanged().unwrap();
        }
    }

    #[test]
    fn what_changes_while_it_is_sent_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        std::fs::write(&path, "0123456789").unwrap();
        let mut source = Source::open(&path).unwrap();
        hashed(&mut source).unwrap();
        let mut file = File::options().append(true).open(&path).unwrap();
        file.write_all(b"more").unwrap();
        assert!(words(source.check_unchanged()).contains("grew"));
        file.set_len(4).unwrap();
        assert!(words(source.check_unchanged()).contains("shrank"));
        let mut source_again = Source::open(&path).unwrap();
        file.set_len(2).unwrap();
        assert!(words(hashed(&mut source_again)).contains("shrank"));
    }

    #[test]
    fn what_cannot_be_sent_is_refused_in_words() {
        let folder = tempfile::tempdir().unwrap();
        assert!(words(Source::open(folder.path())).contains("is a folder"));
        let absent = folder.path().join("absent");
        assert!(words(Source::open(&absent)).contains("cannot be opened"));
        #[cfg(target_os = "linux")]
        assert!(words(Source::open(Path::new("/dev/null"))).contains("no file"));
    }
}
