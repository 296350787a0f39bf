//! The key log's file, in builds with the feature `keylog`.
//!
//! It takes both: the feature, and a file named by [`VARIABLE`]. Whoever can read that file can
//! read every connection of this process, so it is its owner's alone and nothing is quiet about
//! it: the program warns when it starts and at each connection.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::Mutex;

use crate::crypto::key_log;
use crate::disk;

/// The variable that names the file.
pub const VARIABLE: &str = "PARLOUR_KEYLOGFILE";

/// Begins to log if the variable asks for it; `warn` is told at once and at each connection.
///
/// # Errors
///
/// When the file cannot be opened, or others may read it.
pub fn begin(warn: fn(&str)) -> io::Result<()> {
    let Some(path) = std::env::var_os(VARIABLE).filter(|path| !path.is_empty()) else {
        return Ok(());
    };
    let path = Path::new(&path);
    let shown = path.display();
    let file = open(path).map_err(|error| {
        io::Error::other(format!("the key log {shown} (from {VARIABLE}): {error}"))
    })?;
    warn(&format!(
        "THE KEYS OF ALL CONNECTIONS ARE WRITTEN TO {shown}: who can read it can read everything"
    ));
    let file = Mutex::new(file);
    key_log::install(Box::new(move |line| {
        let written = file
            .lock()
            .map_err(|_| io::Error::other("another thread failed while it wrote"))
            // One write for the whole line: several processes may share the file.
            .and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
        match written {
            Ok(()) => warn("the keys of this connection are in the key log"),
            Err(error) => warn(&format!("the key log cannot be written: {error}")),
        }
    }));
    Ok(())
}

fn open(path: &Path) -> io::Result<File> {
    let file = disk::private().append(true).create(true).open(path)?;
    if disk::is_open_to_others(&file)? {
        return Err(io::Error::other(
            "others may read it; remove it or chmod 600",
        ));
    }
    Ok(file)
}
