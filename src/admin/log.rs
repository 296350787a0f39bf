//! `parlourd admin log`: the activity log's lines as they are, from the folder's files.

use crate::activity::{Follower, pour};
use crate::config::Mistake;
use crate::limits::ACTIVITY_FOLLOW_INTERVAL;
use std::io::{self, BufWriter, ErrorKind};
use std::path::Path;

/// Prints what there is, and with `follow` what comes, until it is interrupted.
pub(super) fn show(folder: &Path, name: Option<&str>, follow: bool) -> Result<String, Mistake> {
    match print(folder, name, follow) {
        Ok(()) => Ok(String::new()),
        // Whoever read it has seen enough.
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(String::new()),
        Err(error) => Err(Mistake(format!(
            "cannot read the activity log in {}: {error}; only the server's own user may",
            folder.display()
        ))),
    }
}

fn print(folder: &Path, name: Option<&str>, follow: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    pour(folder, name, &mut out)?;
    let mut follower = Follower::new(folder);
    loop {
        follower.go_on(name, &mut out)?;
        if !follow {
            return Ok(());
        }
        std::thread::sleep(ACTIVITY_FOLLOW_INTERVAL);
    }
}
