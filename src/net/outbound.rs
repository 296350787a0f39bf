//! Outbound: what the fan-out borrows to seal and send, for the length of a sweep.

use super::clock::Clock;
use super::connection::Connections;
use super::random;
use super::workers::Workers;
use crate::chat::{ClientId, Close};
use crate::crypto::record::{CloseCode, Padding};
use crate::fanout::{Outlets, Sent};
use crate::files::Transfers;
use mio::net::TcpStream;
#[cfg(target_os = "linux")]
use rustix::net::{SendFlags, send};
use std::io;
use std::time::Duration;

/// The connections' sealing and sending ends.
pub(super) struct Outbound<'a> {
    pub(super) connections: &'a mut Connections,
    pub(super) clock: &'a Clock,
    /// Who may have stored what is now to be published.
    pub(super) workers: &'a Workers,
    /// Files that fill what records have left.
    pub(super) transfers: &'a mut Transfers,
    /// When the sweep began.
    pub(super) began: Duration,
    pub(super) rekey_after: Duration,
    pub(super) rekeys_left: usize,
    /// Whose socket failed.
    pub(super) failed: &'a mut Vec<ClientId>,
    /// To whom everything has been said.
    pub(super) finished: &'a mut Vec<ClientId>,
}

impl Outbound<'_> {
    /// Changes the key behind the record just sealed, when its time has come.
    fn rekey(&mut self, client: ClientId, record: &mut Vec<u8>) {
        let now = self.began;
        let Some(records) = self.connections.records(client) else {
            return;
        };
        let sealer = &mut records.sealer;
        let by_time = self.rekeys_left > 0 && sealer.rekey_due(now);
        if !by_time && !sealer.rekey_required() {
            return;
        }
        self.rekeys_left = self.rekeys_left.saturating_sub(1);
        // Drawn only here: a system call per record would cost more than the record.
        let rekey_at = now + draw(self.rekey_after);
        sealer
            .seal_key_update(rekey_at, record)
            .expect("a key change has its reserve in every key");
    }
}

/// A quarter more or less than `period`, so that keys made together are not changed together.
pub(super) fn draw(period: Duration) -> Duration {
    period.mul_f64(0.75 + f64::from(random::number()) / f64::from(u32::MAX) / 2.0)
}

impl Outlets for Outbound<'_> {
    fn seal(&mut self, client: ClientId, record: &mut Vec<u8>) {
        // Plain lines go out as they are.
        let Some(records) = self.connections.records(client) else {
            return;
        };
        records
            .sealer
            .seal(Padding::Blocks, record, 0)
            .expect("a key is changed before it is exhausted, and nothing follows a goodbye");
        self.rekey(client, record);
    }

    fn seal_close(&mut self, client: ClientId, close: Close, record: &mut Vec<u8>) {
        let Some(records) = self.connections.records(client) else {
            return;
        };
        records
            .sealer
            .seal_close(close_code(close), record)
            .expect("a goodbye has its reserve in every key, and is said once");
    }

    fn send(&mut self, client: ClientId, bytes: &[u8]) -> Sent {
        let Some(socket) = self.connections.socket(client) else {
            return Sent::Failed;
        };
        loop {
            match offer(socket, bytes) {
                Ok(count) if count == bytes.len() => return Sent::All,
                Ok(count) => return Sent::Part(count),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Sent::Part(0),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => {
                    self.failed.push(client);
                    return Sent::Failed;
                }
            }
        }
    }

    fn fill_spare(&mut self, client: ClientId, space: usize, record: &mut Vec<u8>) -> bool {
        self.transfers.fill(client, space, record)
    }

    fn finished(&mut self, client: ClientId) {
        self.finished.push(client);
    }

    fn elapsed(&mut self) -> Duration {
        self.clock.elapsed().saturating_sub(self.began)
    }

    fn has_news(&self) -> bool {
        self.workers.have_outcomes()
    }
}

/// Offers bytes to the kernel, once.
///
/// The call is made directly: in a process with threads, a C library's own marks around it where a
/// thread may be cancelled, and that is felt where one small write is one delivery.
#[cfg(target_os = "linux")]
fn offer(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    Ok(send(socket, bytes, SendFlags::NOSIGNAL)?)
}

/// Offers bytes to the kernel, once.
#[cfg(not(target_os = "linux"))]
fn offer(socket: &mut TcpStream, bytes: &[u8]) -> io::Result<usize> {
    io::Write::write(socket, bytes)
}

fn close_code(close: Close) -> CloseCode {
    match close {
        Close::Done => CloseCode::Done,
        Close::RecordError => CloseCode::RecordError,
        Close::Stopping => CloseCode::ServerStopping,
        Close::TakenOver => CloseCode::TakenOver,
        Close::TooSlow => CloseCode::TooSlow,
        Close::Removed => CloseCode::Removed,
    }
}
