//! Files at the client: what is sent is read as it was, what comes is written only where it may be.
//!
//! ```text
//! file -> source (hash, then chunks) -> sending   -> session
//! file <- folder (part, then name)   <- receiving <- session
//!                  ^ names: a name from elsewhere, made safe
//! ```
//!
//! [`sending`](Sending) and [`receiving`](Receiving) are told what the server says and say what is
//! to be asked next; they know no connection and go on over the next one. Every front uses them; the
//! one for scripts is [`script`].

mod beneath;
mod folder;
pub mod names;
mod offered;
mod progress;
mod receiving;
pub mod script;
mod sending;
mod source;
mod target;

pub use folder::{Downloads, FolderError, Part};
pub use offered::Offered;
pub use progress::{Progress, Rate};
pub use receiving::{Received, Receiving};
pub use sending::{Sending, Sent};
pub use source::{Source, SourceError};
pub use target::Target;
