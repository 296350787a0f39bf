//! Whether the server is the right one, and who the client is to it.
//!
//! Nothing of the client is shown before [`Trust::judge`] was asked; the client's own key is
//! looked up by the server's, so that no two servers see the same one.

use std::io;
use std::path::{Path, PathBuf};

use super::address::Address;
use super::clock::random_bytes;
use super::declined::Declined;
use super::folder::{StateFolder, read_file, replace_file};
use super::pins::{Judgement, Pins};
use crate::chat::Name;
use crate::crypto::fingerprint::Fingerprint;
use crate::crypto::handshake::{PublicKey, StaticKey};
use crate::crypto::key_file::{self, KEY_FILE_BYTES};

/// What is known of servers, and the client's keys.
#[derive(Debug)]
pub struct Trust {
    address: Address,
    folder: Option<StateFolder>,
    identity: Option<PathBuf>,
    accept_new: bool,
}

/// What to do with a server that has shown its key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Go on.
    Accept,
    /// It is not known; only its user can tell.
    Ask(Fingerprint),
    /// Not this one; in words.
    Refuse(String),
}

impl Trust {
    /// What is known of the server at `address`. Without a folder nothing is remembered.
    pub fn new(
        address: Address,
        folder: Option<StateFolder>,
        identity: Option<PathBuf>,
        accept_new: bool,
    ) -> Self {
        Self {
            address,
            folder,
            identity,
            accept_new,
        }
    }

    /// Where the server is.
    pub fn address(&self) -> &Address {
        &self.address
    }

    /// Compares the server's key with what it must be.
    pub fn judge(&self, key: &PublicKey) -> Decision {
        let shown = Fingerprint::of_server(key);
        let judged = match (&self.folder, self.address.fingerprint) {
            (Some(folder), _) => Pins::of(folder).judge(&self.address, shown),
            (None, Some(expected)) if expected != shown => Ok(Judgement::Changed { expected }),
            (None, Some(_)) => Ok(Judgement::Expected),
            (None, None) => Ok(Judgement::Unknown),
        };
        match judged {
            Ok(Judgement::Expected) => Decision::Accept,
            Ok(Judgement::Unknown) if !self.accept_new => Decision::Ask(shown),
            Ok(Judgement::Unknown) => match self.remember(shown) {
                Ok(()) => Decision::Accept,
                Err(why) => Decision::Refuse(why),
            },
            Ok(Judgement::Changed { expected }) => {
                Decision::Refuse(self.changed_words(expected, shown))
            }
            Err(error) => Decision::Refuse(error.to_string()),
        }
    }

    /// Remembers the server's key.
    ///
    /// # Errors
    ///
    /// In words, when it cannot be written.
    pub fn remember(&self, shown: Fingerprint) -> Result<(), String> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        Pins::of(folder)
            .remember(&self.address, shown)
            .map_err(|error| error.to_string())
    }

    /// The client's key for the server with `key`, made if there is none.
    ///
    /// `None` when there is no folder to keep one in: then a fresh one serves each connection.
    ///
    /// # Errors
    ///
    /// In words, when the file is damaged or cannot be read or made.
    pub fn identity_for(&self, key: &PublicKey) -> Result<Option<StaticKey>, String> {
        let path = match (&self.identity, &self.folder) {
            (Some(path), _) => path.clone(),
            (None, Some(folder)) => {
                let server = Fingerprint::of_server(key);
                folder.path(&format!("keys/{server}"))
            }
            (None, None) => return Ok(None),
        };
        load_or_make(&path).map(Some).map_err(|error| {
            let path = path.display();
            format!("this client's key in {path}: {error}; --identity FILE names another")
        })
    }

    /// Whether it makes sense to ask the user to let this client's key in to the account `name` of
    /// the server with `key`: there is a key that stays, and the user has not declined.
    pub fn may_enrol(&self, key: &PublicKey, name: Name) -> bool {
        let server = Fingerprint::of_server(key);
        let declined = |folder| Declined::of(folder).contains(server, name);
        match &self.folder {
            // Who cannot be remembered as having declined is not asked either.
            Some(folder) => declined(folder).is_ok_and(|declined| !declined),
            None => false,
        }
    }

    /// Remembers that the user goes on typing the password of that account.
    ///
    /// # Errors
    ///
    /// In words, when it cannot be written.
    pub fn decline(&self, key: &PublicKey, name: Name) -> Result<(), String> {
        let Some(folder) = &self.folder else {
            return Ok(());
        };
        Declined::of(folder)
            .add(Fingerprint::of_server(key), name)
            .map_err(|error| format!("your answer could not be remembered: {error}"))
    }

    /// What to tell who cannot be asked.
    pub fn unknown_words(&self, shown: Fingerprint) -> String {
        format!(
            "the server at {address} is not known here yet. Its fingerprint is\n  {grouped}\n\
             Compare it with the one the server printed when it started. If it is the same, use\n  \
             parlour 'parlour://{address}#{shown}'\n\
             or accept this key, whosever it is, with --accept-new.",
            address = self.address,
            grouped = shown.grouped(),
        )
    }

    fn changed_words(&self, expected: Fingerprint, shown: Fingerprint) -> String {
        let advice = match self.address.fingerprint {
            Some(_) => "Ask whoever runs the server for its address; nothing was sent.".to_owned(),
            None => format!(
                "If you know from whoever runs it that it has a new key:  parlour forget {}",
                self.address
            ),
        };
        format!(
            "THE SERVER AT {address} HAS ANOTHER KEY THAN IT MUST HAVE.\n  \
             expected  {expected}\n  shown     {shown}\n\
             Somebody may be posing as the server. {advice}",
            address = self.address,
            expected = expected.grouped(),
            shown = shown.grouped(),
        )
    }
}

fn load_or_make(path: &Path) -> io::Result<StaticKey> {
    // A file of another length is told from the key by its length, so one byte more is enough.
    if let Some(bytes) = read_file(path, KEY_FILE_BYTES + 1)? {
        let bytes = zeroize::Zeroizing::new(bytes);
        return key_file::decode(&bytes).map_err(|error| io::Error::other(error.to_string()));
    }
    let key = StaticKey::generate(random_bytes());
    replace_file(path, key_file::encode(&key).as_slice())?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trust(folder: &Path, accept_new: bool) -> Trust {
        let address = Address::parse("chat.example", None).unwrap();
        let folder = StateFolder::at(folder.to_owned());
        Trust::new(address, Some(folder), None, accept_new)
    }

    #[test]
    fn a_new_server_is_asked_about_and_a_changed_one_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (first, second) = (PublicKey([1; 32]), PublicKey([2; 32]));
        let shown = Fingerprint::of_server(&first);
        let trust_none = trust(folder.path(), false);
        assert_eq!(trust_none.judge(&first), Decision::Ask(shown));
        assert_eq!(trust(folder.path(), true).judge(&first), Decision::Accept);
        assert_eq!(trust_none.judge(&first), Decision::Accept);
        for accept_new in [false, true] {
            let refused = trust(folder.path(), accept_new).judge(&second);
            let Decision::Refuse(words) = refused else {
                panic!("{refused:?}");
            };
            assert!(words.contains(&shown.grouped()));
            assert!(words.contains(&Fingerprint::of_server(&second).grouped()));
            assert!(words.contains("parlour forget chat.example:4747"));
        }
    }

    #[test]
    fn the_clients_key_is_kept_per_server() {
        let folder = tempfile::tempdir().unwrap();
        let trust = trust(folder.path(), false);
        let identity = |server: u8| {
            let key = trust.identity_for(&PublicKey([server; 32])).unwrap();
            key.unwrap().public()
        };
        let first = identity(1);
        assert_eq!(identity(1), first);
        assert_ne!(identity(2), first);
    }

    #[test]
    fn a_damaged_key_is_reported_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        replace_file(&path, b"nonsense").unwrap();
        assert!(load_or_make(&path).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), b"nonsense");
    }
}
