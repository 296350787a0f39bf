//! The password file: its first line answers when nobody is there to type a password.
//!
//! Like a key of ssh's, it must be its owner's alone: a file that others can read is refused, not
//! warned about, since in a script nobody reads the warning.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use zeroize::Zeroizing;

use crate::disk;
use crate::limits::CLIENT_PASSWORD_FILE_BYTES_MAX;

/// A password from a file, tried once for each connection.
pub struct PasswordFile {
    password: Zeroizing<String>,
    is_tried: bool,
}

impl PasswordFile {
    /// Reads the first line of the file at `path`.
    ///
    /// # Errors
    ///
    /// In words, when it cannot be read, is open to others, or does not begin with a password.
    pub fn read(path: &Path) -> Result<Self, String> {
        let failed = |why: &dyn std::fmt::Display| {
            let path = path.display();
            format!("the password file {path}: {why}")
        };
        let file = File::open(path).map_err(|error| failed(&error))?;
        if disk::is_open_to_others(&file).map_err(|error| failed(&error))? {
            let path = path.display();
            return Err(format!(
                "the password file {path} can be read by others; make it yours alone: chmod 600 {path}"
            ));
        }
        let password = first_line(file).map_err(|error| failed(&error))?;
        Ok(Self {
            password,
            is_tried: false,
        })
    }

    /// The password, unless it was given already since the last time it was right.
    pub fn next_try(&mut self) -> Option<Zeroizing<String>> {
        (!std::mem::replace(&mut self.is_tried, true)).then(|| self.password.clone())
    }

    /// It was right, so it may be given again when it is asked for again.
    pub fn taken(&mut self) {
        self.is_tried = false;
    }
}

fn first_line(file: File) -> io::Result<Zeroizing<String>> {
    // Room for all of it: a vector that moves while it grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(CLIENT_PASSWORD_FILE_BYTES_MAX + 2));
    // One byte more than allowed tells a file that is too long from one that just fits.
    file.take(CLIENT_PASSWORD_FILE_BYTES_MAX as u64 + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() > CLIENT_PASSWORD_FILE_BYTES_MAX {
        return Err(io::Error::other(format!(
            "it has more than {CLIENT_PASSWORD_FILE_BYTES_MAX} bytes"
        )));
    }
    let line = bytes
        .split(|&byte| byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let text =
        std::str::from_utf8(line).map_err(|_| io::Error::other("its first line is not UTF-8"))?;
    if text.is_empty() {
        return Err(io::Error::other("its first line is empty"));
    }
    Ok(Zeroizing::new(text.to_owned()))
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn file(content: &[u8], mode: u32) -> (tempfile::TempDir, std::path::PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("password");
        std::fs::write(&path, content).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
        (folder, path)
    }

    #[test]
    fn the_first_line_is_the_password() {
        for (content, expected) in [
            (&b"sesame"[..], "sesame"),
            (b"sesame\n", "sesame"),
            (b" open sesame \r\nand the rest\n", " open sesame "),
        ] {
            let (_folder, path) = file(content, 0o600);
            let mut found = PasswordFile::read(&path).unwrap();
            let expected = Some(Zeroizing::new(expected.to_owned()));
            assert_eq!(found.next_try(), expected);
            assert_eq!(found.next_try(), None, "a wrong one is not given twice");
            found.taken();
            assert_eq!(found.next_try(), expected);
        }
    }

    #[test]
    fn what_others_may_read_is_refused() {
        for mode in [0o640, 0o604, 0o620, 0o666] {
            let (_folder, path) = file(b"sesame\n", mode);
            let why = PasswordFile::read(&path).err().unwrap();
            assert!(why.contains("chmod 600"), "{why}");
        }
    }

    #[test]
    fn what_is_no_password_is_refused() {
        let long = vec![b'x'; CLIENT_PASSWORD_FILE_BYTES_MAX + 1];
        for (content, word) in [
            (&b""[..], "empty"),
            (b"\nsesame\n", "empty"),
            (b"\xff\n", "UTF-8"),
            (&long, "bytes"),
        ] {
            let (_folder, path) = file(content, 0o400);
            let why = PasswordFile::read(&path).err().unwrap();
            assert!(why.contains(word), "{why}");
        }
        assert!(PasswordFile::read(Path::new("/no/such/file")).is_err());
    }
}
