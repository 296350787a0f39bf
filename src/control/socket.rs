//! The socket's file: made so that nobody else can ever connect, found again, removed.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

/// The name of the socket in the data folder.
const SOCKET: &str = "control";

/// Longest path that every system takes for a socket, bytes, with room for a name behind it.
const FOLDER_BYTES_MAX: usize = 60;

/// Listens on the socket of `folder`, instead of whatever was there before. Only to be called by
/// who holds the folder's lock.
///
/// It is made in a folder that only this user may enter, given its mode there, and only then moved
/// to its place: at no time can anybody else connect, whatever the mode of `folder`.
///
/// # Errors
///
/// When the system refuses it.
pub fn bind(folder: &Path) -> io::Result<UnixListener> {
    let (short, _open) = shorten(folder)?;
    let nest = short.join(format!(".{SOCKET}.{}", std::process::id()));
    // One that a crash left; not there is the usual case.
    let _ = fs::remove_dir_all(&nest);
    DirBuilder::new().mode(0o700).create(&nest)?;
    let made = make(&nest, &short.join(SOCKET));
    fs::remove_dir_all(&nest)?;
    made
}

fn make(nest: &Path, place: &Path) -> io::Result<UnixListener> {
    let draft = nest.join(SOCKET);
    let listener = UnixListener::bind(&draft)?;
    fs::set_permissions(&draft, Permissions::from_mode(0o600))?;
    fs::rename(&draft, place)?;
    Ok(listener)
}

/// Connects to the server that uses `folder`.
///
/// # Errors
///
/// `NotFound` or `ConnectionRefused` when none does; whatever else the system says.
pub fn connect(folder: &Path) -> io::Result<UnixStream> {
    let (short, _open) = shorten(folder)?;
    UnixStream::connect(short.join(SOCKET))
}

/// Removes the socket of `folder`, as far as it is there.
pub fn remove(folder: &Path) {
    // One that is left does no harm: nobody answers, and the next server replaces it.
    let _ = fs::remove_file(folder.join(SOCKET));
}

/// A path to `folder` that is short enough for a socket in it: where the kernel offers one, by way
/// of the open folder, which is to be kept open meanwhile.
fn shorten(folder: &Path) -> io::Result<(PathBuf, Option<File>)> {
    if folder.as_os_str().as_bytes().len() <= FOLDER_BYTES_MAX {
        return Ok((folder.to_owned(), None));
    }
    use std::os::fd::AsRawFd;
    let open = File::open(folder)?;
    let by_number = PathBuf::from(format!("/proc/self/fd/{}", open.as_raw_fd()));
    if by_number.exists() {
        return Ok((by_number, Some(open)));
    }
    Ok((folder.to_owned(), None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_socket_is_private_replaces_a_stale_one_and_goes() {
        let folder = tempfile::tempdir().unwrap();
        let long = folder.path().join("a".repeat(120));
        fs::create_dir(&long).unwrap();
        for folder in [folder.path(), &long] {
            fs::set_permissions(folder, Permissions::from_mode(0o777)).unwrap();
            assert_eq!(connect(folder).unwrap_err().kind(), io::ErrorKind::NotFound);
            drop(bind(folder).unwrap());
            assert_eq!(
                connect(folder).unwrap_err().kind(),
                io::ErrorKind::ConnectionRefused
            );
            let listener = bind(folder).unwrap();
            let mode = fs::metadata(folder.join(SOCKET)).unwrap().permissions();
            assert_eq!(mode.mode() & 0o777, 0o600);
            let mut client = connect(folder).unwrap();
            client.write_all(b"x").unwrap();
            let mut byte = [0];
            listener.accept().unwrap().0.read_exact(&mut byte).unwrap();
            let left: Vec<_> = fs::read_dir(folder).unwrap().flatten().collect();
            let hidden = left
                .iter()
                .filter(|entry| entry.file_name().as_bytes().starts_with(b"."));
            assert_eq!(hidden.count(), 0, "nothing else is left");
            remove(folder);
            assert_eq!(connect(folder).unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }
}
