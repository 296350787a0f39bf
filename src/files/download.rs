//! Whoever fetches a file: a place in it that moves forward.

use super::{Job, Transfers, Wanted};
use crate::chat::{ClientId, FileEnd, FileEvent, FileId, FileOutcome, RoomId, SpoolFailure};
use crate::limits::{
    FILE_CHUNK_BYTES_MAX, FILE_PIECE_BYTES_MIN, FILE_PIECE_ENVELOPE_BYTES, FILE_READ_AHEAD_BYTES,
    FILE_READ_BYTES,
};
use crate::wire::message::write_piece;
use std::collections::VecDeque;

/// One file on its way to one client.
pub(super) struct Download {
    pub(super) file: FileId,
    /// In which room the client must be to go on.
    pub(super) room: Option<RoomId>,
    /// The next byte to be sent.
    offset: u64,
    /// The first byte that must not be sent yet.
    until: u64,
    /// What was read, and how much of the first is sent already.
    blocks: VecDeque<Vec<u8>>,
    sent_of_first: usize,
    /// Bytes in them that are not sent.
    buffered: usize,
    /// The read that is out.
    read: Option<u64>,
}

impl Download {
    pub(super) fn new(file: FileId, room: Option<RoomId>, offset: u64, until: u64) -> Self {
        Self {
            file,
            room,
            offset,
            until,
            blocks: VecDeque::new(),
            sent_of_first: 0,
            buffered: 0,
            read: None,
        }
    }

    /// The read that is out.
    pub(super) fn read(&self) -> Option<u64> {
        self.read
    }

    #[cfg(test)]
    pub(super) fn buffered(&self) -> usize {
        self.buffered
    }

    /// How many bytes can be sent in one piece now.
    fn sendable(&self) -> usize {
        let first = self.blocks.front().map_or(0, Vec::len) - self.sent_of_first;
        let allowed = usize::try_from(self.until.saturating_sub(self.offset));
        first
            .min(allowed.unwrap_or(usize::MAX))
            .min(FILE_CHUNK_BYTES_MAX)
    }

    /// Writes a piece into `out`, of at most so many bytes in all; says whether it did.
    fn write(&mut self, space: usize, out: &mut Vec<u8>) -> bool {
        let wanted = self.sendable();
        let count = wanted.min(space.saturating_sub(FILE_PIECE_ENVELOPE_BYTES));
        // Not a crumb of what could be sent at once a moment later.
        if count == 0 || count < wanted.min(FILE_PIECE_BYTES_MIN) {
            return false;
        }
        let first = self.blocks.front().expect("it has what can be sent");
        let bytes = &first[self.sent_of_first..self.sent_of_first + count];
        write_piece(self.file, self.offset, bytes, out);
        self.offset += u64::try_from(count).expect("a piece is small");
        self.buffered -= count;
        self.sent_of_first += count;
        if self.sent_of_first == first.len() {
            self.blocks.pop_front();
            self.sent_of_first = 0;
        }
        true
    }

    /// What is to be read next, of a file of which so much is there.
    fn next_read(&self, have: u64) -> Option<(u64, usize)> {
        if self.read.is_some() || self.buffered > FILE_READ_AHEAD_BYTES {
            return None;
        }
        let position = self.offset + u64::try_from(self.buffered).expect("a buffer is small");
        let available = have.min(self.until).saturating_sub(position);
        let count =
            usize::try_from(available).map_or(FILE_READ_BYTES, |all| all.min(FILE_READ_BYTES));
        (count > 0).then_some((position, count))
    }
}

impl Transfers {
    /// Fills `out`, which may grow by `space`, with bytes for a client; each of its files in turn.
    /// Says whether there is more.
    pub fn fill(&mut self, client: ClientId, space: usize, out: &mut Vec<u8>) -> bool {
        let end = out.len() + space;
        let mut reached = Vec::new();
        let Some(downloads) = self.downloads.get_mut(&client) else {
            return false;
        };
        for _ in 0..downloads.len() {
            let Some(mut download) = downloads.pop_front() else {
                break;
            };
            let mut has_written = false;
            while download.write(end - out.len(), out) {
                has_written = true;
            }
            let is_full = download.sendable() > 0;
            if has_written {
                reached.push(download.file);
            }
            if is_full && !has_written {
                downloads.push_front(download);
                break;
            }
            downloads.push_back(download);
            if is_full {
                break;
            }
        }
        let has_more = downloads.iter().any(|download| download.sendable() > 0);
        for file in reached {
            self.advance(client, file);
        }
        has_more
    }

    /// A client takes more bytes of a file.
    pub fn more(&mut self, client: ClientId, file: FileId, until: u64) {
        let Some(download) = self.download_mut(client, file) else {
            return;
        };
        download.until = download.until.max(until);
        let is_ready = download.sendable() > 0;
        if is_ready {
            self.want(Wanted::Ready(client));
        }
        self.advance(client, file);
    }

    /// The spool has read something, or could not.
    pub(super) fn supplied(
        &mut self,
        client: ClientId,
        file: FileId,
        serial: u64,
        result: Result<Vec<u8>, SpoolFailure>,
    ) {
        if self.abandoned.remove(&serial).is_some() {
            return;
        }
        let download = self.download_mut(client, file);
        let Some(download) = download.filter(|download| download.read == Some(serial)) else {
            return;
        };
        download.read = None;
        match result {
            Ok(bytes) => {
                download.buffered += bytes.len();
                if !bytes.is_empty() {
                    download.blocks.push_back(bytes);
                }
                self.want(Wanted::Ready(client));
                self.advance(client, file);
            }
            Err(_) => {
                self.drop_download(client, file);
                self.tell_over(client, file, FileEnd::Failed);
            }
        }
    }

    /// There is more of a file.
    pub(super) fn advance_all(&mut self, file: FileId) {
        let Some(state) = self.files.get(&file) else {
            return;
        };
        let receivers: Vec<ClientId> = state.receivers.iter().copied().collect();
        for client in receivers {
            self.advance(client, file);
        }
    }

    /// Reads on for a receiver, or tells it that it has had all.
    pub(super) fn advance(&mut self, client: ClientId, file: FileId) {
        let Some(state) = self.files.get(&file) else {
            return;
        };
        let (have, bytes, whole) = (state.have(), state.bytes(), state.whole());
        let serial = self.reads + 1;
        let Some(download) = self.download_mut(client, file) else {
            return;
        };
        if download.offset == bytes
            && let Some(digest) = whole
        {
            self.drop_download(client, file);
            let whole = FileEvent::Whole {
                file,
                bytes,
                digest,
            };
            self.tell(client, whole);
            return self.want(Wanted::Outcome(FileOutcome::Fetched(file, client)));
        }
        if let Some((offset, count)) = download.next_read(have) {
            download.read = Some(serial);
            self.reads = serial;
            self.want_job(Job::Read {
                client,
                file,
                serial,
                offset,
                count,
            });
        }
    }

    fn download_mut(&mut self, client: ClientId, file: FileId) -> Option<&mut Download> {
        let downloads = self.downloads.get_mut(&client)?;
        downloads.iter_mut().find(|download| download.file == file)
    }

    /// A client fetches a file no longer.
    pub(super) fn drop_download(&mut self, client: ClientId, file: FileId) {
        let Some(downloads) = self.downloads.get_mut(&client) else {
            return;
        };
        let found = downloads.iter().position(|one| one.file == file);
        if let Some(download) = found.and_then(|at| downloads.remove(at)) {
            self.downloads_count -= 1;
            self.abandoned
                .extend(download.read.map(|serial| (serial, client)));
        }
        if downloads.is_empty() {
            self.downloads.remove(&client);
        }
        if let Some(state) = self.files.get_mut(&file) {
            state.receivers.remove(&client);
        }
    }
}
