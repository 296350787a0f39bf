//! Making a request: of the server that uses the folder, or of the folder itself.

use crate::config::Mistake;
use crate::control::{Request, connect, read_answer};
use crate::limits::SIDE_TIMEOUT;
use std::io::{BufRead, BufReader, ErrorKind, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;

/// Has `request` carried out; the chat's answer.
pub(super) fn make(folder: &Path, request: &Request) -> Result<String, Mistake> {
    let is_stopped =
        |kind: ErrorKind| matches!(kind, ErrorKind::NotFound | ErrorKind::ConnectionRefused);
    let outcome = match connect(folder) {
        Ok(stream) => ask(stream, request).map_err(|why| {
            Mistake(format!(
                "the server in {} did not answer: {why}; see its log",
                folder.display()
            ))
        })?,
        Err(error) if is_stopped(error.kind()) => super::folder::make(folder, request)?,
        Err(error) => {
            return Err(Mistake(format!(
                "cannot reach the server in {}: {error}; only its own user may",
                folder.display()
            )));
        }
    };
    outcome.map_err(Mistake)
}

/// Asks a running server: what it did, or why not.
fn ask(stream: UnixStream, request: &Request) -> std::io::Result<Result<String, String>> {
    // A little longer than the server takes to give up.
    stream.set_read_timeout(Some(2 * SIDE_TIMEOUT))?;
    stream.set_write_timeout(Some(2 * SIDE_TIMEOUT))?;
    (&stream).write_all(request.line().as_bytes())?;
    let mut line = String::new();
    BufReader::new(&stream).read_line(&mut line)?;
    read_answer(&line).ok_or_else(|| ErrorKind::UnexpectedEof.into())
}
