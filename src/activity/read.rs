//! Reading the log back: its newest lines, all of it, or what is written from now on.

use super::line::matches;
use super::path;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The newest `count` lines that concern `name`, or anybody; oldest first, without line ends.
///
/// Looks at no more than about `bytes_max` of the newest files, so that it takes a bounded time.
///
/// # Errors
///
/// When a file cannot be read.
pub fn newest(
    folder: &Path,
    name: Option<&str>,
    count: usize,
    bytes_max: u64,
) -> io::Result<Vec<String>> {
    let mut found: Vec<String> = Vec::new();
    let mut left = bytes_max;
    for age in 0.. {
        if found.len() >= count || left == 0 {
            break;
        }
        let Some(mut file) = open(&path(folder, age))? else {
            break;
        };
        let bytes = file.metadata()?.len();
        let skipped = bytes.saturating_sub(left);
        file.seek(SeekFrom::Start(skipped))?;
        let mut tail = Vec::new();
        // What is written meanwhile is not wanted: it would be unbounded.
        file.take(left).read_to_end(&mut tail)?;
        left -= bytes.min(left);
        let tail = String::from_utf8_lossy(&tail);
        let mut lines = tail.lines();
        if skipped > 0 {
            // Most likely only the end of one.
            lines.next();
        }
        let wanted = |line: &&str| name.is_none_or(|name| matches(line, name));
        let newer = count - found.len();
        found.extend(lines.rev().filter(wanted).take(newer).map(str::to_owned));
    }
    found.reverse();
    Ok(found)
}

/// Writes all lines that concern `name`, or anybody, oldest first.
///
/// # Errors
///
/// When a file cannot be read, or `out` not written.
pub fn pour(folder: &Path, name: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    let mut oldest = 0;
    while path(folder, oldest + 1).exists() {
        oldest += 1;
    }
    for age in (1..=oldest).rev() {
        if let Some(file) = open(&path(folder, age))? {
            copy(&mut BufReader::new(file), name, out)?;
        }
    }
    Ok(())
}

/// The file being written, read as it grows; when a new one is begun, that one.
pub struct Follower {
    path: PathBuf,
    file: Option<BufReader<File>>,
    /// The beginning of a line whose end is not there yet.
    begun: Vec<u8>,
}

impl Follower {
    /// Begins with the first line of the file being written in `folder`.
    pub fn new(folder: &Path) -> Self {
        Self {
            path: path(folder, 0),
            file: None,
            begun: Vec::new(),
        }
    }

    /// Writes the lines that are there now.
    ///
    /// # Errors
    ///
    /// When the file cannot be read, or `out` not written.
    pub fn go_on(&mut self, name: Option<&str>, out: &mut impl Write) -> io::Result<()> {
        if self.file.is_none() {
            self.file = open(&self.path)?.map(BufReader::new);
        }
        if let Some(file) = &mut self.file {
            // Looked at before reading: what was written until a new one was begun is read first.
            let is_replaced = is_replaced(file.get_ref(), &self.path)?;
            read_lines(file, &mut self.begun, name, out)?;
            if is_replaced {
                self.begun.clear();
                self.file = open(&self.path)?.map(BufReader::new);
                if let Some(file) = &mut self.file {
                    read_lines(file, &mut self.begun, name, out)?;
                }
            }
        }
        out.flush()
    }
}

/// Opens a file that may not be there.
fn open(path: &Path) -> io::Result<Option<File>> {
    match File::open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn is_replaced(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let own = file.metadata()?;
    Ok(match std::fs::metadata(path) {
        Ok(other) => (own.dev(), own.ino()) != (other.dev(), other.ino()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) => return Err(error),
    })
}

#[cfg(not(unix))]
fn is_replaced(file: &File, path: &Path) -> io::Result<bool> {
    let other = std::fs::metadata(path)?;
    Ok(other.len() < file.metadata()?.len())
}

fn copy(file: &mut impl BufRead, name: Option<&str>, out: &mut impl Write) -> io::Result<()> {
    read_lines(file, &mut Vec::new(), name, out)
}

fn read_lines(
    file: &mut impl BufRead,
    begun: &mut Vec<u8>,
    name: Option<&str>,
    out: &mut impl Write,
) -> io::Result<()> {
    loop {
        file.read_until(b'\n', begun)?;
        if begun.last() != Some(&b'\n') {
            return Ok(());
        }
        let line = String::from_utf8_lossy(begun);
        if name.is_none_or(|name| matches(&line, name)) {
            out.write_all(line.as_bytes())?;
        }
        begun.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::super::LogFile;
    use super::*;

    fn line(who: &str, number: usize) -> String {
        format!("{{\"who\":\"{who}\",\"n\":{number}}}\n")
    }

    fn write(log: &mut LogFile, from: usize, to: usize) {
        for number in from..to {
            let who = if number % 3 == 0 { "bob" } else { "alice" };
            log.append(&line(who, number)).unwrap();
        }
    }

    #[test]
    fn the_newest_lines_come_from_as_many_files_as_needed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut log = LogFile::open(folder, 100, 50).unwrap();
        write(&mut log, 0, 40);
        let all = newest(folder, None, 7, 100_000).unwrap();
        let expected: Vec<String> = (33..40)
            .map(|number| line(if number % 3 == 0 { "bob" } else { "alice" }, number))
            .map(|line| line.trim_end().to_owned())
            .collect();
        assert_eq!(all, expected);
        let bobs = newest(folder, Some("BOB"), 3, 100_000).unwrap();
        assert_eq!(
            bobs,
            [33, 36, 39].map(|number| line("bob", number).trim_end().to_owned())
        );
        assert!(newest(folder, None, 40, 150).unwrap().len() < 10);
        assert!(newest(&folder.join("none"), None, 3, 9).unwrap().is_empty());
    }

    #[test]
    fn a_follower_reads_each_line_once_across_new_files() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let mut log = LogFile::open(folder, 100, 50).unwrap();
        write(&mut log, 0, 10);
        let mut out = Vec::new();
        pour(folder, Some("bob"), &mut out).unwrap();
        let mut follower = Follower::new(folder);
        follower.go_on(Some("bob"), &mut out).unwrap();
        for number in 10..40 {
            write(&mut log, number, number + 1);
            follower.go_on(Some("bob"), &mut out).unwrap();
        }
        let expected: String = (0..40)
            .filter(|number| number % 3 == 0)
            .map(|number| line("bob", number))
            .collect();
        assert_eq!(String::from_utf8(out).unwrap(), expected);
    }
}
