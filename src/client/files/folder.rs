//! The folder of received files: the only place where a file from elsewhere is written.
//!
//! Every name is opened [`beneath`] the open folder and never through a link, so neither a name nor
//! a link that somebody planted leads out of it. A file is written under a name of its own until it is
//! whole and hashes to what its sender said; then it gets its name, and never another file's.

use super::beneath;
use super::names::{numbered, part_name, safe_name};
use crate::chat::Digest;
use crate::crypto::digest::FileHasher;
use crate::limits::{CLIENT_READ_BYTES, FILE_NAMES_TRIED_MAX};
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a file was not received.
#[derive(Debug)]
pub enum FolderError {
    /// The folder cannot be used.
    NoFolder(PathBuf, io::Error),
    /// The file cannot be written.
    NotWritten(String, io::Error),
    /// What lies where it would be written is not a file of ours.
    Planted(String),
    /// Another program receives the same file.
    Busy(String),
    /// What came is not what was sent.
    Spoilt(String),
    /// Too many files have that name.
    NoName(String),
}

impl fmt::Display for FolderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFolder(path, error) => {
                write!(f, "the folder {} cannot be used: {error}", path.display())
            }
            Self::NotWritten(name, error) => write!(f, "{name} cannot be written: {error}"),
            Self::Planted(name) => write!(
                f,
                "{name} lies in the folder and is no file of this program's; remove it first"
            ),
            Self::Busy(name) => write!(f, "{name} is being received by another program"),
            Self::Spoilt(name) => write!(
                f,
                "{name} does not have the contents that its sender named, and is thrown away"
            ),
            Self::NoName(name) => write!(f, "too many files are called {name}"),
        }
    }
}

/// The folder of received files.
#[derive(Clone, Debug)]
pub struct Downloads {
    path: PathBuf,
    folder: Arc<File>,
}

/// A file that is not whole.
pub struct Part {
    downloads: Downloads,
    file: File,
    /// What it is to be called.
    name: String,
    part_name: String,
    have: u64,
    hasher: FileHasher,
}

impl Downloads {
    /// Opens the folder, made if absent.
    ///
    /// # Errors
    ///
    /// [`FolderError::NoFolder`].
    pub fn open(path: &Path) -> Result<Self, FolderError> {
        let failed = |error| FolderError::NoFolder(path.to_owned(), error);
        std::fs::create_dir_all(path).map_err(failed)?;
        Ok(Self {
            path: path.to_owned(),
            folder: Arc::new(beneath::open_folder(path).map_err(failed)?),
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens what was received of a file already, or begins it. `mark` tells it from others of the
    /// same name; of `bytes` it has at most all.
    ///
    /// # Errors
    ///
    /// [`FolderError`].
    pub fn part(&self, name: &str, mark: &str, bytes: u64) -> Result<Part, FolderError> {
        let name = safe_name(name);
        let part_name = part_name(&name, mark);
        let failed = |error| FolderError::NotWritten(part_name.clone(), error);
        let file = match beneath::open_part(&self.folder, &self.path, &part_name) {
            Ok(file) => file,
            Err(error) if beneath::is_link(&error) => {
                return Err(FolderError::Planted(part_name));
            }
            Err(error) => return Err(failed(error)),
        };
        if !beneath::is_ours(&file).map_err(failed)? {
            return Err(FolderError::Planted(part_name));
        }
        if !beneath::lock(&file) {
            return Err(FolderError::Busy(name));
        }
        let mut part = Part {
            downloads: self.clone(),
            file,
            name,
            part_name,
            have: 0,
            hasher: FileHasher::default(),
        };
        part.hash_what_is_there(bytes)
            .map_err(|error| FolderError::NotWritten(part.part_name.clone(), error))?;
        Ok(part)
    }
}

impl Part {
    /// Bytes it has.
    pub fn have(&self) -> u64 {
        self.have
    }

    /// What it is to be called; another name if that is taken.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn hash_what_is_there(&mut self, bytes: u64) -> io::Result<()> {
        if self.file.metadata()?.len() > bytes {
            return self.begin_anew();
        }
        let mut buffer = vec![0; CLIENT_READ_BYTES];
        loop {
            let count = self.file.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            self.hasher.update(&buffer[..count]);
            self.have += u64::try_from(count).expect("a buffer is small");
        }
    }

    fn begin_anew(&mut self) -> io::Result<()> {
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.have = 0;
        self.hasher = FileHasher::default();
        Ok(())
    }

    /// Throws away what it has, to be received again from the beginning.
    ///
    /// # Errors
    ///
    /// [`FolderError::NotWritten`].
    pub fn restart(&mut self) -> Result<(), FolderError> {
        let done = self.begin_anew();
        done.map_err(|error| FolderError::NotWritten(self.part_name.clone(), error))
    }

    /// Appends bytes.
    ///
    /// # Errors
    ///
    /// [`FolderError::NotWritten`], for example when the disk is full; what was there stays.
    pub fn append(&mut self, bytes: &[u8]) -> Result<(), FolderError> {
        if let Err(error) = self.file.write_all(bytes) {
            // What was written of it would be taken for received.
            let _ = self.file.set_len(self.have);
            let _ = self.file.seek(SeekFrom::Start(self.have));
            return Err(FolderError::NotWritten(self.part_name.clone(), error));
        }
        self.hasher.update(bytes);
        self.have += u64::try_from(bytes.len()).expect("a piece is small");
        Ok(())
    }

    /// Whether what it has hashes to `digest`.
    pub fn hashes_to(&self, digest: Digest) -> bool {
        self.hasher.clone().finish() == digest.0
    }

    /// Gives a whole file its name, or the next that is free; returns it.
    ///
    /// # Errors
    ///
    /// [`FolderError`]; the part stays.
    pub fn finish(self) -> Result<String, FolderError> {
        let failed = |error| FolderError::NotWritten(self.part_name.clone(), error);
        self.file.sync_all().map_err(failed)?;
        let Downloads { folder, path } = &self.downloads;
        let mut name = self.name.clone();
        for number in 1..=FILE_NAMES_TRIED_MAX {
            match beneath::give_name(folder, path, &self.part_name, &name) {
                Ok(()) => return Ok(name),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    name = numbered(&self.name, number);
                }
                Err(error) => return Err(failed(error)),
            }
        }
        Err(FolderError::NoName(self.name))
    }

    /// Deletes it.
    pub fn discard(self) {
        let Downloads { folder, path } = &self.downloads;
        // What cannot be deleted stays; nobody takes it for whole.
        let _ = beneath::delete(folder, path, &self.part_name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(bytes: &[u8]) -> Digest {
        let mut hasher = FileHasher::default();
        hasher.update(bytes);
        Digest(hasher.finish())
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let name = |entry: io::Result<std::fs::DirEntry>| {
            entry.unwrap().file_name().into_string().unwrap()
        };
        let mut names: Vec<String> = entries.map(name).collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_gets_its_name_when_it_is_whole_and_never_another_files() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::open(&folder.path().join("new/here")).unwrap();
        for expected in ["photo.jpg", "photo (1).jpg", "photo (2).jpg"] {
            let mut part = downloads.part("../photo.jpg", "7", 5).unwrap();
            part.append(b"hello").unwrap();
            assert!(part.hashes_to(digest(b"hello")) && !part.hashes_to(digest(b"hellO")));
            assert_eq!(part.finish().unwrap(), expected);
        }
        let expected = ["photo (1).jpg", "photo (2).jpg", "photo.jpg"];
        assert_eq!(names(downloads.path()), expected);
    }

    #[test]
    fn what_is_there_of_a_file_is_gone_on_with() {
        let folder = tempfile::tempdir().unwrap();
        let downloads = Downloads::open(folder.path()).unwrap();
        let mut part = downloads.part("a", "7", 5).unwrap();
        part.append(b"hel").unwrap();
        assert!(matches!(
            downloads.part("a", "7", 5),
            Err(FolderError::Busy(_))
        ));
        drop(part);
        let mut part = downloads.part("a", "7", 5).unwrap();
        assert_eq!(part.have(), 3);
        part.append(b"lo").unwrap();
        assert!(part.hashes_to(digest(b"hello")));
        part.restart().unwrap();
        assert_eq!(part.have(), 0);
        part.append(b"x").unwrap();
        drop(part);
        // More than it can have is of another file.
        assert_eq!(downloads.part("a", "7", 0).unwrap().have(), 0);
        downloads.part("a", "7", 0).unwrap().discard();
        assert!(names(folder.path()).is_empty());
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn planted_links_pipes_and_folders_lead_nowhere() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let (within, victim) = (folder.path().join("in"), folder.path().join("victim"));
        let downloads = Downloads::open(&within).unwrap();
        std::fs::write(&victim, "untouched").unwrap();
        let planted = within.join("a.7.part");
        let is_planted = || matches!(downloads.part("a", "7", 5), Err(FolderError::Planted(_)));
        symlink(&victim, &planted).unwrap();
        assert!(is_planted(), "a symbolic link");
        std::fs::remove_file(&planted).unwrap();
        symlink(folder.path().join("absent"), &planted).unwrap();
        assert!(is_planted(), "one that leads to nothing");
        std::fs::remove_file(&planted).unwrap();
        std::fs::hard_link(&victim, &planted).unwrap();
        assert!(is_planted(), "a hard link");
        std::fs::remove_file(&planted).unwrap();
        std::fs::create_dir(&planted).unwrap();
        assert!(is_planted(), "a folder");
        std::fs::remove_dir(&planted).unwrap();
        // A link where the whole file would go is another's name like any.
        symlink(&victim, within.join("a")).unwrap();
        let mut part = downloads.part("a", "7", 5).unwrap();
        part.append(b"hello").unwrap();
        assert_eq!(part.finish().unwrap(), "a (1)");
        assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
        assert!(!folder.path().join("absent").exists());
    }
}
