//! The log's files: the one being written, and the older ones behind it.

use super::path;
use crate::disk;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The log, open for writing. Only its owner may read the files.
pub struct LogFile {
    folder: PathBuf,
    file: File,
    bytes: u64,
    bytes_max: u64,
    older_max: u32,
}

impl LogFile {
    /// Opens the log in `folder`, or begins it.
    ///
    /// # Errors
    ///
    /// When the system refuses it.
    pub fn open(folder: &Path, bytes_max: u64, older_max: u32) -> io::Result<Self> {
        let (file, bytes) = open(folder)?;
        Ok(Self {
            folder: folder.to_owned(),
            file,
            bytes,
            bytes_max,
            older_max,
        })
    }

    /// Goes by another size and number of older files from now on.
    pub fn configure(&mut self, bytes_max: u64, older_max: u32) {
        self.bytes_max = bytes_max;
        self.older_max = older_max;
    }

    /// Writes one line, to a new file if this one is large enough.
    ///
    /// # Errors
    ///
    /// When the system refuses it; nothing is in the log then, or a part that the next line closes.
    pub fn append(&mut self, line: &str) -> io::Result<()> {
        let bytes = u64::try_from(line.len()).unwrap_or(u64::MAX);
        if self.bytes > 0 && self.bytes.saturating_add(bytes) > self.bytes_max {
            self.rotate()?;
        }
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            // Half a line may have been written: the next one must not be joined to it.
            (self.file, self.bytes) = open(&self.folder)?;
            return Err(error);
        }
        self.bytes += bytes;
        Ok(())
    }

    /// Makes each file the next older one and begins a new one.
    fn rotate(&mut self) -> io::Result<()> {
        // As many as there are, for the number may have been greater before.
        let mut oldest = 0;
        while path(&self.folder, oldest + 1).exists() {
            oldest += 1;
        }
        for age in (0..=oldest).rev() {
            let from = path(&self.folder, age);
            if age >= self.older_max {
                fs::remove_file(from)?;
            } else {
                fs::rename(from, path(&self.folder, age + 1))?;
            }
        }
        (self.file, self.bytes) = open(&self.folder)?;
        Ok(())
    }
}

/// Opens the file being written, with its length; a line that a crash cut off is closed.
fn open(folder: &Path) -> io::Result<(File, u64)> {
    let mut options = disk::private();
    options.read(true).append(true).create(true);
    let mut file = options.open(path(folder, 0))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(fs::Permissions::from_mode(0o600))?;
    }
    let mut bytes = file.seek(SeekFrom::End(0))?;
    if bytes > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            file.write_all(b"\n")?;
            bytes += 1;
        }
    }
    Ok((file, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn contents(folder: &Path, age: u32) -> String {
        fs::read_to_string(path(folder, age)).unwrap_or_else(|_| "none".to_owned())
    }

    #[test]
    fn files_are_begun_by_size_and_the_oldest_goes() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut log = LogFile::open(folder, 8, 2).unwrap();
        for line in ["one\n", "two\n", "three\n", "four\n", "five\n"] {
            log.append(line).unwrap();
        }
        let files: Vec<String> = (0..4).map(|age| contents(folder, age)).collect();
        assert_eq!(files, ["five\n", "four\n", "three\n", "none"]);
        log.configure(8, 1);
        log.append("six6\n").unwrap();
        let files: Vec<String> = (0..4).map(|age| contents(folder, age)).collect();
        assert_eq!(files, ["six6\n", "five\n", "none", "none"]);
        log.configure(8, 0);
        log.append("seven\n").unwrap();
        assert_eq!(contents(folder, 0), "seven\n");
        assert_eq!(contents(folder, 1), "none");
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_closed() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path(), 0), "{\"half").unwrap();
        let mut log = LogFile::open(folder.path(), 1_000, 1).unwrap();
        log.append("{}\n").unwrap();
        assert_eq!(contents(folder.path(), 0), "{\"half\n{}\n");
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        fs::write(path(folder.path(), 0), "").unwrap();
        fs::set_permissions(path(folder.path(), 0), fs::Permissions::from_mode(0o644)).unwrap();
        LogFile::open(folder.path(), 1_000, 1).unwrap();
        let mode = fs::metadata(path(folder.path(), 0)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }
}
