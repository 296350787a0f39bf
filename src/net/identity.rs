//! The server's key file: read it, or make it, without ever showing a half-written one.

use crate::config::Mistake;
use crate::crypto::handshake::StaticKey;
use crate::crypto::key_file;
use crate::disk;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::Path;

/// The name of the key file in the data folder.
const KEY_FILE: &str = "server.key";

/// Reads the server key in `folder`, or makes folder and key from `random`; tells whether it did
/// make it.
///
/// # Errors
///
/// A [`Mistake`] when the file cannot be read or written, is readable by others, or is damaged. A
/// damaged key is never replaced: clients would take the new one for an attack.
pub(super) fn load_or_create(
    folder: &Path,
    random: [u8; 32],
) -> Result<(StaticKey, bool), Mistake> {
    disk::make_private_folder(folder).map_err(|error| {
        Mistake(format!(
            "cannot make the folder {}: {error}",
            folder.display()
        ))
    })?;
    let path = folder.join(KEY_FILE);
    match File::open(&path) {
        Ok(file) => load(&path, file).map(|key| (key, false)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => create(folder, &path, random)
            .map(|key| (key, true))
            .map_err(|error| Mistake(format!("cannot write {}: {error}", path.display()))),
        Err(error) => Err(Mistake(format!(
            "cannot read {}: {error}; the server must be able to read its key",
            path.display()
        ))),
    }
}

fn load(path: &Path, file: File) -> Result<StaticKey, Mistake> {
    refuse_shared(path, &file)?;
    let mut bytes = zeroize::Zeroizing::new(Vec::new());
    // One byte more than a key file has is enough to see that it is none.
    let limit = u64::try_from(key_file::KEY_FILE_BYTES + 1).expect("a small number");
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| Mistake(format!("cannot read {}: {error}", path.display())))?;
    key_file::decode(&bytes).map_err(|error| Mistake(format!("{}: {error}", path.display())))
}

/// A key that others could have read is no longer a secret.
#[cfg(unix)]
fn refuse_shared(path: &Path, file: &File) -> Result<(), Mistake> {
    use std::os::unix::fs::PermissionsExt;
    let mode = file
        .metadata()
        .map(|metadata| metadata.permissions().mode());
    match mode {
        Ok(mode) if mode & 0o077 != 0 => Err(Mistake(format!(
            "{0}: others may read it (mode {1:03o}); make it private with chmod 600 {0}",
            path.display(),
            mode & 0o777
        ))),
        Ok(_) => Ok(()),
        Err(error) => Err(Mistake(format!("cannot read {}: {error}", path.display()))),
    }
}

#[cfg(not(unix))]
fn refuse_shared(_path: &Path, _file: &File) -> Result<(), Mistake> {
    Ok(())
}

/// Writes the key beside its place and links it there, so that a crash leaves all or nothing, and
/// two servers starting at once agree on one key.
fn create(folder: &Path, path: &Path, random: [u8; 32]) -> io::Result<StaticKey> {
    let key = StaticKey::generate(random);
    let draft = folder.join(format!("{KEY_FILE}.{}", std::process::id()));
    let mut options = disk::private();
    options.write(true).create(true).truncate(true);
    let mut file = options.open(&draft)?;
    file.write_all(&*key_file::encode(&key))?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Ok(()) => {
            disk::sync_folder(folder)?;
            Ok(key)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            load(path, File::open(path)?).map_err(|mistake| io::Error::other(mistake.0))
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_made_once_and_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        let (made, is_new) = load_or_create(&data, [7; 32]).unwrap();
        assert!(is_new);
        let (found, is_new) = load_or_create(&data, [8; 32]).unwrap();
        assert!(!is_new);
        assert_eq!(made.public().0, found.public().0);
        assert_eq!(
            fs::read_dir(&data).unwrap().count(),
            1,
            "nothing but the key is left"
        );
    }

    #[test]
    fn a_damaged_key_is_refused_and_kept() {
        let folder = tempfile::tempdir().unwrap();
        load_or_create(folder.path(), [7; 32]).unwrap();
        let path = folder.path().join(KEY_FILE);
        let mut bytes = fs::read(&path).unwrap();
        bytes[20] ^= 1;
        fs::write(&path, &bytes).unwrap();
        let Err(mistake) = load_or_create(folder.path(), [8; 32]) else {
            panic!("accepted")
        };
        assert!(mistake.0.contains("server.key"), "{mistake}");
        assert_eq!(fs::read(&path).unwrap(), bytes);
    }

    #[cfg(unix)]
    #[test]
    fn a_key_that_others_may_read_is_refused() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        load_or_create(folder.path(), [7; 32]).unwrap();
        let path = folder.path().join(KEY_FILE);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        let Err(mistake) = load_or_create(folder.path(), [8; 32]) else {
            panic!("accepted")
        };
        assert!(mistake.0.contains("chmod 600"), "{mistake}");
    }
}
