//! Known servers: which key each server had when it was first accepted.
//!
//! One line per server, `host:port fingerprint`, in `known_servers`. A server that comes with
//! another key than the one remembered is not spoken to; only `parlour forget` helps.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::address::Address;
use super::folder::{StateFolder, read_file, replace_file};
use crate::crypto::fingerprint::Fingerprint;
use crate::limits::KNOWN_SERVERS_BYTES_MAX;

/// The name of the file.
const FILE_NAME: &str = "known_servers";

/// The file of known servers.
///
/// It is read again before each change, so two clients at once lose nothing but, at worst, the
/// pin of the one that was slower, which is then asked for again.
#[derive(Clone, Debug)]
pub struct Pins {
    path: PathBuf,
}

/// Why the known servers could not be read or written.
#[derive(Debug)]
pub enum PinError {
    /// The file cannot be read or written.
    File(PathBuf, io::Error),
    /// A line of it is not `host:port fingerprint`.
    Line {
        /// The file.
        path: PathBuf,
        /// Which line, counted from 1.
        number: usize,
    },
}

/// What is known of a server's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It is the key it must have.
    Expected,
    /// Nothing is known of that server.
    Unknown,
    /// It must have another key.
    Changed {
        /// The one it must have.
        expected: Fingerprint,
    },
}

impl Pins {
    /// The known servers of a state folder.
    pub fn of(folder: &StateFolder) -> Self {
        Self {
            path: folder.path(FILE_NAME),
        }
    }

    /// Where they are kept.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Compares the key a server has shown with its address, else with what is remembered.
    ///
    /// # Errors
    ///
    /// [`PinError`] when the file cannot be read or is damaged: then nobody is trusted.
    pub fn judge(&self, address: &Address, shown: Fingerprint) -> Result<Judgement, PinError> {
        let expected = match address.fingerprint {
            Some(fingerprint) => Some(fingerprint),
            None => self.remembered(address)?,
        };
        Ok(match expected {
            Some(expected) if expected == shown => Judgement::Expected,
            Some(expected) => Judgement::Changed { expected },
            None => Judgement::Unknown,
        })
    }

    /// Remembers a server's key, replacing what was remembered of it.
    ///
    /// # Errors
    ///
    /// [`PinError`]; nothing is changed then.
    pub fn remember(&self, address: &Address, shown: Fingerprint) -> Result<(), PinError> {
        let mut pins = self.read()?;
        let place = address.to_string();
        pins.retain(|(known, _)| *known != place);
        pins.push((place, shown));
        self.write(&pins)
    }

    /// Forgets a server; tells whether it was known.
    ///
    /// # Errors
    ///
    /// [`PinError`]; nothing is changed then.
    pub fn forget(&self, address: &Address) -> Result<bool, PinError> {
        let mut pins = self.read()?;
        let (before, place) = (pins.len(), address.to_string());
        pins.retain(|(known, _)| *known != place);
        if pins.len() == before {
            return Ok(false);
        }
        self.write(&pins)?;
        Ok(true)
    }

    fn remembered(&self, address: &Address) -> Result<Option<Fingerprint>, PinError> {
        let place = address.to_string();
        let pins = self.read()?;
        Ok(pins
            .iter()
            .find(|(known, _)| *known == place)
            .map(|&(_, fingerprint)| fingerprint))
    }

    fn read(&self) -> Result<Vec<(String, Fingerprint)>, PinError> {
        let bytes = read_file(&self.path, KNOWN_SERVERS_BYTES_MAX)
            .map_err(|error| PinError::File(self.path.clone(), error))?
            .unwrap_or_default();
        let mut pins = Vec::new();
        for (index, line) in bytes.split(|&byte| byte == b'\n').enumerate() {
            let parsed = std::str::from_utf8(line).ok().and_then(parse_line);
            match parsed {
                Some(Some(pin)) => pins.push(pin),
                Some(None) => {}
                None => {
                    return Err(PinError::Line {
                        path: self.path.clone(),
                        number: index + 1,
                    });
                }
            }
        }
        Ok(pins)
    }

    fn write(&self, pins: &[(String, Fingerprint)]) -> Result<(), PinError> {
        let lines: String = pins
            .iter()
            .map(|(place, fingerprint)| format!("{place} {fingerprint}\n"))
            .collect();
        replace_file(&self.path, lines.as_bytes())
            .map_err(|error| PinError::File(self.path.clone(), error))
    }
}

/// `Some(None)` for an empty line or a comment, `None` for what is neither that nor a pin.
fn parse_line(line: &str) -> Option<Option<(String, Fingerprint)>> {
    let line = line.trim();
    if line.is_empty() || line.starts_with('#') {
        return Some(None);
    }
    let (place, fingerprint) = line.split_once(' ')?;
    Some(Some((place.to_owned(), fingerprint.trim().parse().ok()?)))
}

impl fmt::Display for PinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path, error) => {
                write!(f, "the known servers in {}: {error}", path.display())
            }
            Self::Line { path, number } => write!(
                f,
                "line {number} of {} is not \"host:port fingerprint\"; correct or remove it",
                path.display()
            ),
        }
    }
}

impl std::error::Error for PinError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn pins_in(folder: &Path) -> Pins {
        Pins::of(&StateFolder::at(folder.to_owned()))
    }

    fn address(text: &str) -> Address {
        Address::parse(text, None).unwrap()
    }

    #[test]
    fn a_server_is_known_after_it_was_remembered_and_until_it_is_forgotten() {
        let folder = tempfile::tempdir().unwrap();
        let pins = pins_in(folder.path());
        let (first, second) = (Fingerprint([1; 20]), Fingerprint([2; 20]));
        let (here, there) = (address("here"), address("[::1]:5"));
        assert_eq!(pins.judge(&here, first).unwrap(), Judgement::Unknown);
        pins.remember(&here, first).unwrap();
        pins.remember(&there, second).unwrap();
        assert_eq!(pins.judge(&here, first).unwrap(), Judgement::Expected);
        assert_eq!(
            pins.judge(&here, second).unwrap(),
            Judgement::Changed { expected: first }
        );
        assert_eq!(pins.judge(&there, second).unwrap(), Judgement::Expected);
        assert!(pins.forget(&here).unwrap());
        assert!(!pins.forget(&here).unwrap());
        assert_eq!(pins.judge(&here, second).unwrap(), Judgement::Unknown);
        assert_eq!(pins.judge(&there, second).unwrap(), Judgement::Expected);
    }

    #[test]
    fn the_address_outweighs_what_is_remembered() {
        let folder = tempfile::tempdir().unwrap();
        let pins = pins_in(folder.path());
        let (remembered, named) = (Fingerprint([1; 20]), Fingerprint([2; 20]));
        let mut place = address("here");
        pins.remember(&place, remembered).unwrap();
        place.fingerprint = Some(named);
        assert_eq!(pins.judge(&place, named).unwrap(), Judgement::Expected);
        assert_eq!(
            pins.judge(&place, remembered).unwrap(),
            Judgement::Changed { expected: named }
        );
    }

    #[test]
    fn a_damaged_file_trusts_nobody_and_is_not_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let pins = pins_in(folder.path());
        replace_file(pins.path(), b"# mine\n\nhere:4747 nonsense\n").unwrap();
        let print = Fingerprint([1; 20]);
        let refused = pins.judge(&address("here"), print).unwrap_err();
        assert!(matches!(refused, PinError::Line { number: 3, .. }));
        assert!(pins.remember(&address("there"), print).is_err());
    }
}
