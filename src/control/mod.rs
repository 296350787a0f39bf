//! The control socket: how `parlourd admin` asks a running server for something.
//!
//! ```text
//! {"do":"grant","name":"bob"}\n  ->  {"done":"bob administers the server"}\n  or  {"refused":"why"}\n
//! ```
//!
//! One request for each connection, one JSON object on one line; then one answer, and the server
//! closes. What may be asked is [`Administer`]. The socket is `control` in the data folder, and
//! only the user whose folder it is may connect.

mod request;
#[cfg(unix)]
mod socket;

pub use request::{Request, answer, read_answer};
#[cfg(unix)]
pub use socket::{bind, connect, remove};

#[cfg(doc)]
use crate::chat::Administer;
