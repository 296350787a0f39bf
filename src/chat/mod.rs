//! The chat itself: who is there, what was said, what may be done.
//!
//! Pure: it knows no socket, clock, thread, encoding or disk. Everything comes in as an [`Input`] with
//! the time beside it, and everything that must happen leaves as an [`Effect`], in order. So the
//! same code runs in the server, in the simulator and in the benches.

pub mod name;
pub mod refusal;
pub mod vocabulary;

pub use name::{Name, RoomName};
pub use refusal::Refusal;
pub use vocabulary::*;
