//! A disk that is soon full.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// A small disk of its own, in memory; goes with this. Only root may make one.
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    /// An empty one; `size` as `mount` has it.
    #[track_caller]
    pub(crate) fn new(size: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &format!("size={size}"), "none"]);
        let status = mount.arg(folder.path()).status().unwrap();
        assert!(status.success(), "no tmpfs can be mounted");
        Self(folder)
    }

    /// Where it is.
    pub(crate) fn folder(&self) -> &Path {
        self.0.path()
    }

    /// Takes all space but so much; nothing is left when it is 0, or when somebody else takes the
    /// rest meanwhile.
    pub(crate) fn fill(&self, left: u64) {
        let disk = rustix::fs::statvfs(self.0.path()).unwrap();
        let free = disk.f_bavail * disk.f_frsize;
        let ballast = self.0.path().join("ballast");
        let mut file = OpenOptions::new().create(true).append(true).open(ballast);
        let zeros = vec![0; usize::try_from(free.saturating_sub(left)).unwrap()];
        match file.as_mut().unwrap().write_all(&zeros) {
            Ok(()) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::StorageFull, "{error}"),
        }
    }

    /// Gives back what [`Self::fill`] took.
    pub(crate) fn empty(&self) {
        fs::remove_file(self.0.path().join("ballast")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a server that is still being killed may have files there.
        let _ = Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
