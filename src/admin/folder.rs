//! The folder of a stopped server.

use crate::config::Mistake;
use crate::control::Request;
use std::path::Path;

/// Has `request` carried out by the folder's own chat; its answer.
pub(super) fn make(folder: &Path, _request: &Request) -> Result<Result<String, String>, Mistake> {
    Err(Mistake(format!(
        "no server uses {}; start it first",
        folder.display()
    )))
}
