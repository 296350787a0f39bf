//! The disk: what only its owner may read, what is there after a crash, and how much is free.
//!
//! Whoever makes something that is nobody else's makes it here. Its mode is given as it is made: a
//! file that is closed to others afterwards was open to them for a moment. Where a system has no
//! such modes, its own rules for new files hold.
//!
//! Knows nothing of what the files are for. Everything here blocks.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::path::Path;

/// Options with which a file that is made is its owner's alone. One that is there keeps its mode.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// Makes a file that is its owner's alone, to be written.
///
/// # Errors
///
/// `AlreadyExists` when something of that name is there; whatever else the system says.
pub fn create_private(path: &Path) -> io::Result<File> {
    private().write(true).create_new(true).open(path)
}

/// Makes a folder that is its owner's alone, with those it is in. One that is there stays as it is.
///
/// # Errors
///
/// When the system refuses it.
pub fn make_private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Whether anybody but the owner may do anything with a file.
///
/// # Errors
///
/// When the system does not say.
#[cfg(unix)]
pub fn is_open_to_others(file: &File) -> io::Result<bool> {
    let permissions = file.metadata()?.permissions();
    Ok(std::os::unix::fs::PermissionsExt::mode(&permissions) & 0o077 != 0)
}

/// The same where there are no modes.
///
/// # Errors
///
/// Never.
#[cfg(not(unix))]
pub fn is_open_to_others(_: &File) -> io::Result<bool> {
    Ok(false)
}

/// Puts the names in a folder on the disk: a file that was made or moved is there after a crash
/// only once its folder is written, too.
///
/// # Errors
///
/// When the system refuses it.
#[cfg(unix)]
pub fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The same where folders cannot be written.
///
/// # Errors
///
/// Never.
#[cfg(not(unix))]
pub fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// How much of a disk is free.
#[cfg(feature = "server")]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Free {
    /// Bytes that can be written.
    pub bytes: u64,
    /// Bytes of the whole disk.
    pub total: u64,
}

#[cfg(feature = "server")]
impl Free {
    /// Of the disk that holds `folder`; unknown where the system does not say.
    #[cfg(unix)]
    pub fn of(folder: &Path) -> Option<Self> {
        let disk = rustix::fs::statvfs(folder).ok()?;
        let bytes = |blocks: u64| blocks.saturating_mul(disk.f_frsize);
        Some(Self {
            bytes: bytes(disk.f_bavail),
            total: bytes(disk.f_blocks),
        })
    }

    /// Of the disk that holds `folder`; unknown where the system does not say.
    #[cfg(not(unix))]
    pub fn of(_: &Path) -> Option<Self> {
        None
    }

    /// Bytes below which the disk is low.
    pub fn low_bytes(&self) -> u64 {
        use crate::limits::{DISK_LOW_BYTES, DISK_LOW_PERCENT};
        DISK_LOW_BYTES.min(self.total / 100 * DISK_LOW_PERCENT)
    }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_is_made_here_is_its_owners_alone_and_what_was_there_stays() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        make_private_folder(&inner).unwrap();
        make_private_folder(&inner).unwrap();
        let file = inner.join("file");
        let made = create_private(&file).unwrap();
        assert!(!is_open_to_others(&made).unwrap());
        let again = create_private(&file).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
        for (path, expected) in [
            (folder.path().join("a"), 0o700),
            (inner, 0o700),
            (file, 0o600),
        ] {
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, expected, "{path:?}");
        }
    }

    #[test]
    fn any_right_of_anybody_else_is_seen() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let file = create_private(&path).unwrap();
        for mode in [0o640, 0o620, 0o604, 0o601, 0o610] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            assert!(is_open_to_others(&file).unwrap(), "{mode:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        assert!(!is_open_to_others(&file).unwrap());
    }
}
