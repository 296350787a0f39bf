//! Parlour: an encrypted chat server for very many connections.
//!
//! The modules, in import order: each may import only those above it, and a test in the tree
//! checks it. `chat` decides, `fanout`, `wire` and `crypto` translate; none of them knows a socket,
//! a clock, a thread or a disk. `net` and `client` own those.
//!
//! | module | is |
//! |---|---|
//! | [`limits`] | every bound, with its reason |
//! | [`buffer`] | a queue of bytes |
//! | [`disk`] | what is private, what lasts, what is free |
//! | [`chat`] | the chat itself: who is there, what was said, what may be done |
//! | [`crypto`] | handshake, key schedule, records, fingerprints |
//! | [`wire`] | bytes to messages and back, sealed and plain |
//! | [`fanout`] | a room's encoded log and its members' cursors |
//! | [`files`] | files on their way |
//! | `keylog` | the file for decoding captures, in builds made for that |
//! | [`manual`] | man pages and shell completions |
//! | [`store`] | what was said, kept |
//! | [`spool`] | the bytes of files, kept |
//! | [`activity`] | the activity log: its lines, its files |
//! | [`control`] | what is asked over the control socket |
//! | [`config`] | what the operator may change |
//! | [`net`] | the loop, its sockets and its workers |
//! | [`admin`] | what an operator does from a shell |
//! | [`client`] | the bundled client |

pub mod limits;

pub mod buffer;
pub mod disk;

pub mod chat;
pub mod crypto;
pub mod fanout;
pub mod files;
pub mod wire;

#[cfg(feature = "keylog")]
pub mod keylog;
#[cfg(any(feature = "server", feature = "client"))]
pub mod manual;
pub mod spool;

pub mod store;

#[cfg(feature = "server")]
pub mod activity;
#[cfg(feature = "server")]
pub mod control;

#[cfg(feature = "server")]
pub mod config;
#[cfg(feature = "server")]
pub mod net;

#[cfg(feature = "server")]
pub mod admin;

#[cfg(feature = "client")]
pub mod client;

#[cfg(test)]
mod sim;
#[cfg(test)]
mod tidy;
