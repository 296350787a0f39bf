//! Declined: the accounts for which the user goes on typing the password.
//!
//! After a password has opened an account the client offers to enrol its key, so that no password
//! is asked for again. Who says no is not asked a second time: one line for each account,
//! `FINGERPRINT name`, in `passwords_only`.

use std::io;
use std::path::PathBuf;

use super::folder::{StateFolder, read_file, replace_file};
use crate::chat::Name;
use crate::crypto::fingerprint::Fingerprint;
use crate::limits::CLIENT_DECLINED_BYTES_MAX;

/// The name of the file.
const FILE_NAME: &str = "passwords_only";

/// The file of accounts that keep their password.
#[derive(Clone, Debug)]
pub struct Declined {
    path: PathBuf,
}

impl Declined {
    /// Those of a state folder.
    pub fn of(folder: &StateFolder) -> Self {
        Self {
            path: folder.path(FILE_NAME),
        }
    }

    /// Whether `name` at `server` is among them.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is too long.
    pub fn contains(&self, server: Fingerprint, name: Name) -> io::Result<bool> {
        let wanted = line(server, name);
        Ok(self.read()?.lines().any(|found| found == wanted))
    }

    /// Adds `name` at `server`.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or written; nothing is changed then.
    pub fn add(&self, server: Fingerprint, name: Name) -> io::Result<()> {
        if self.contains(server, name)? {
            return Ok(());
        }
        let mut lines = self.read()?;
        lines.push_str(&line(server, name));
        lines.push('\n');
        replace_file(&self.path, lines.as_bytes())
    }

    fn read(&self) -> io::Result<String> {
        let bytes = read_file(&self.path, CLIENT_DECLINED_BYTES_MAX)?.unwrap_or_default();
        // Nothing but our own lines is looked for, so what is not text harms nobody.
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// Names are the same in either case.
fn line(server: Fingerprint, name: Name) -> String {
    format!("{server} {}", name.as_str().to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_no_is_remembered_for_one_account_of_one_server() {
        let folder = tempfile::tempdir().unwrap();
        let declined = Declined::of(&StateFolder::at(folder.path().join("parlour")));
        let name = |text| Name::parse(text).unwrap();
        let (one, other) = (Fingerprint([1; 20]), Fingerprint([2; 20]));
        assert!(!declined.contains(one, name("alice")).unwrap());
        declined.add(one, name("alice")).unwrap();
        declined.add(one, name("Alice")).unwrap();
        declined.add(other, name("bob")).unwrap();
        assert!(declined.contains(one, name("ALICE")).unwrap());
        assert!(declined.contains(other, name("bob")).unwrap());
        assert!(!declined.contains(other, name("alice")).unwrap());
        assert!(!declined.contains(one, name("ali")).unwrap());
        assert_eq!(declined.read().unwrap().lines().count(), 2);
    }
}
