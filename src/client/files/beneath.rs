//! Beneath a folder: what is asked of the system so that a name leads nowhere else.
//!
//! Each call has the open folder and its path, for one system goes by the one and the others by the
//! other. Names are one component, and safe: see [`super::names`].

pub(super) use self::system::{delete, give_name, is_link, is_ours, lock, open_folder, open_part};

/// On Linux: by the open folder alone, through no link.
#[cfg(target_os = "linux")]
mod system {
    use rustix::fs::{
        AtFlags, FlockOperation, Mode, OFlags, RenameFlags, ResolveFlags, flock, linkat, openat,
        openat2, renameat_with, unlinkat,
    };
    use rustix::io::Errno;
    use std::fs::File;
    use std::io;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;

    pub(in crate::client::files) fn open_folder(path: &Path) -> io::Result<File> {
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(rustix::fs::open(path, flags, Mode::empty())?.into())
    }

    pub(in crate::client::files) fn open_part(
        folder: &File,
        _path: &Path,
        name: &str,
    ) -> io::Result<File> {
        // A pipe that somebody planted must not make us wait.
        let flags =
            OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC | OFlags::NOFOLLOW | OFlags::NONBLOCK;
        let mode = Mode::RUSR | Mode::WUSR;
        let resolve =
            ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS;
        match openat2(folder, name, flags, mode, resolve) {
            // Before Linux 5.6. A safe name is one component, so this leads nowhere else either.
            Err(Errno::NOSYS) => Ok(openat(folder, name, flags, mode)?.into()),
            opened => Ok(opened?.into()),
        }
    }

    pub(in crate::client::files) fn is_link(error: &io::Error) -> bool {
        let planted = [Errno::LOOP, Errno::XDEV, Errno::ISDIR, Errno::NXIO];
        let number = error.raw_os_error();
        planted.iter().any(|one| Some(one.raw_os_error()) == number)
    }

    /// Whether it is a file that is nowhere else: writing into another's hard link would change it.
    pub(in crate::client::files) fn is_ours(file: &File) -> io::Result<bool> {
        let metadata = file.metadata()?;
        Ok(metadata.is_file() && metadata.nlink() == 1)
    }

    pub(in crate::client::files) fn lock(file: &File) -> bool {
        !matches!(
            flock(file, FlockOperation::NonBlockingLockExclusive),
            Err(Errno::WOULDBLOCK)
        )
    }

    pub(in crate::client::files) fn give_name(
        folder: &File,
        _path: &Path,
        from: &str,
        to: &str,
    ) -> io::Result<()> {
        match renameat_with(folder, from, folder, to, RenameFlags::NOREPLACE) {
            // Not every file system can do that.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
                linkat(folder, from, folder, to, AtFlags::empty())?;
                Ok(unlinkat(folder, from, AtFlags::empty())?)
            }
            done => Ok(done?),
        }
    }

    pub(in crate::client::files) fn delete(
        folder: &File,
        _path: &Path,
        name: &str,
    ) -> io::Result<()> {
        Ok(unlinkat(folder, name, AtFlags::empty())?)
    }
}

/// Elsewhere: names are safe, and a link is looked for first.
#[cfg(not(target_os = "linux"))]
mod system {
    use std::fs::{self, File};
    use std::io;
    use std::path::Path;

    pub(in crate::client::files) fn open_folder(path: &Path) -> io::Result<File> {
        // Nothing is done by it; any file will do where folders cannot be opened.
        File::open(path).or_else(|_| File::open(std::env::current_exe()?))
    }

    pub(in crate::client::files) fn open_part(
        _folder: &File,
        path: &Path,
        name: &str,
    ) -> io::Result<File> {
        let path = path.join(name);
        if fs::symlink_metadata(&path).is_ok_and(|found| !found.is_file()) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let mut options = File::options();
        options.read(true).write(true).create(true).truncate(false);
        options.open(path)
    }

    pub(in crate::client::files) fn is_link(error: &io::Error) -> bool {
        error.kind() == io::ErrorKind::InvalidInput
    }

    pub(in crate::client::files) fn is_ours(file: &File) -> io::Result<bool> {
        Ok(file.metadata()?.is_file())
    }

    pub(in crate::client::files) fn lock(file: &File) -> bool {
        !matches!(file.try_lock(), Err(fs::TryLockError::WouldBlock))
    }

    pub(in crate::client::files) fn give_name(
        _folder: &File,
        path: &Path,
        from: &str,
        to: &str,
    ) -> io::Result<()> {
        fs::hard_link(path.join(from), path.join(to))?;
        fs::remove_file(path.join(from))
    }

    pub(in crate::client::files) fn delete(
        _folder: &File,
        path: &Path,
        name: &str,
    ) -> io::Result<()> {
        fs::remove_file(path.join(name))
    }
}
