//! The activity log: who did what, as JSON lines in the data folder.
//!
//! ```text
//! Activity -> line (one JSON object) -> LogFile (activity.jsonl, .1, .2 ...) -> newest, pour, Follower
//! ```
//!
//! Blocking: the server gives it a thread of its own, `parlourd admin log` reads the files directly.
//! A line is one object whatever names and texts are in it, since JSON escapes what could end it.
//! Knows no clock; lines carry the times that they were given.

mod file;
mod line;
mod read;

pub use file::LogFile;
pub use line::{line, lost_line, matches, readable, time};
pub use read::{Follower, newest, pour};

use std::path::{Path, PathBuf};

/// The name of the log in the data folder.
const LOG_FILE: &str = "activity.jsonl";

/// The file with the `age`-th newest lines: 0 is the one being written.
fn path(folder: &Path, age: u32) -> PathBuf {
    match age {
        0 => folder.join(LOG_FILE),
        age => folder.join(format!("{LOG_FILE}.{age}")),
    }
}
