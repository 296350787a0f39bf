//! What is there of a file, and whoever is sending the rest.

use super::{Job, Transfers, Violation, Wanted, too_many};
use crate::chat::{
    ClientId, Digest, FileEnd, FileEvent, FileId, FileOutcome, MessageKey, OfferRecord,
    SpoolFailure,
};
use crate::limits::{
    FILE_WINDOW_BYTES_MAX, FILE_WINDOW_BYTES_MIN, FILE_WINDOW_SHARE, FILE_WINDOWS_BYTES_MAX,
    TRANSFERS_PER_CLIENT_MAX,
};
use std::collections::BTreeSet;

/// One file.
///
/// Invariant: `have <= received <= bytes`, and `gathered` is what lies between what the spool has
/// or is being given, and `received`.
pub(super) struct File {
    bytes: u64,
    /// What it hashes to, as far as that is known.
    digest: Option<Digest>,
    /// Bytes that the spool has.
    have: u64,
    is_whole: bool,
    /// Bytes that were received.
    received: u64,
    /// Received while an append was out.
    gathered: Vec<u8>,
    /// Whether the spool is appending or finishing.
    is_busy: bool,
    sender: Option<Sender>,
    /// Who fetches it.
    pub(super) receivers: BTreeSet<ClientId>,
}

/// Whoever is sending a file.
struct Sender {
    client: ClientId,
    /// The first byte that it must not send yet.
    until: u64,
    /// What it says the whole hashes to, once it has sent it.
    digest: Option<Digest>,
}

impl File {
    pub(super) fn of(record: &OfferRecord, have: u64) -> Self {
        Self {
            bytes: record.bytes,
            digest: record.digest,
            have,
            is_whole: record.is_whole,
            received: have,
            gathered: Vec::new(),
            is_busy: false,
            sender: None,
            receivers: BTreeSet::new(),
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Bytes that can be read.
    pub(super) fn have(&self) -> u64 {
        self.have
    }

    /// What it hashes to, when all of it is there.
    pub(super) fn whole(&self) -> Option<Digest> {
        self.digest.filter(|_| self.is_whole)
    }

    pub(super) fn uploader(&self) -> Option<ClientId> {
        self.sender.as_ref().map(|sender| sender.client)
    }

    /// What its sender has sent, or may have sent, beyond what the spool has.
    pub(super) fn granted(&self) -> u64 {
        let until = self.sender.as_ref().map(|sender| sender.until);
        until.unwrap_or(self.received).saturating_sub(self.have)
    }
}

impl Transfers {
    pub(super) fn is_uploading(&self, client: ClientId, file: FileId) -> bool {
        let files = self.uploads.get(&client);
        files.is_some_and(|files| files.contains(&file))
    }

    /// Takes a file's bytes from a client, from where they end.
    pub(super) fn take(&mut self, client: ClientId, key: Option<MessageKey>, file: FileId) {
        let Some(state) = self.files.get_mut(&file) else {
            return self.tell_over(client, file, FileEnd::Failed);
        };
        if state.is_whole {
            let (have, until) = (state.bytes, state.bytes);
            self.tell(
                client,
                FileEvent::Take {
                    key,
                    file,
                    have,
                    until,
                },
            );
            return self.tell(client, FileEvent::Kept(file));
        }
        if let Some(former) = state.uploader() {
            self.drop_upload(former, file);
            if former != client {
                self.tell_over(former, file, FileEnd::TakenOver);
            }
        }
        let own = self.uploads.get(&client).map_or(0, BTreeSet::len);
        if own >= TRANSFERS_PER_CLIENT_MAX {
            return self.refuse(client, key, too_many());
        }
        let state = self.files.get_mut(&file).expect("it was just looked up");
        if state.is_busy || !state.gathered.is_empty() {
            // Where to go on is known when the spool has what came.
            let former = self.waiting.insert(file, (client, key));
            if let Some((former, _)) = former.filter(|(former, _)| *former != client) {
                self.tell_over(former, file, FileEnd::TakenOver);
            }
            return;
        }
        state.received = state.have;
        state.sender = Some(Sender {
            client,
            until: state.have,
            digest: None,
        });
        self.uploads.entry(client).or_default().insert(file);
        self.grant(file, key, true);
    }

    /// Takes some bytes in.
    ///
    /// # Errors
    ///
    /// [`Violation`] when they are not the next ones, or more than may be sent.
    pub fn chunk(
        &mut self,
        client: ClientId,
        file: FileId,
        offset: u64,
        bytes: &[u8],
    ) -> Result<(), Violation> {
        if !self.is_uploading(client, file) {
            // It was on its way when the transfer ended.
            return Ok(());
        }
        let state = self.files.get_mut(&file).expect("uploads have their file");
        let sender = state.sender.as_ref().expect("uploads have their sender");
        let count = u64::try_from(bytes.len()).expect("a chunk is small");
        let end = offset.checked_add(count).ok_or(Violation)?;
        let is_next = offset == state.received && end <= sender.until && sender.digest.is_none();
        if !is_next {
            return Err(Violation);
        }
        state.received = end;
        state.gathered.extend_from_slice(bytes);
        self.append_gathered(file);
        Ok(())
    }

    /// A client says that it has sent all.
    pub fn uploaded(&mut self, client: ClientId, file: FileId, digest: Digest) {
        if !self.is_uploading(client, file) {
            return;
        }
        let state = self.files.get_mut(&file).expect("uploads have their file");
        let is_offered = state.digest.is_none_or(|offered| offered == digest);
        if state.received != state.bytes || !is_offered {
            let spoilt = FileOutcome::Spoilt(file, FileEnd::Spoilt);
            return self.want(Wanted::Outcome(spoilt));
        }
        if let Some(sender) = &mut state.sender {
            sender.digest = Some(digest);
        }
        self.finish_if_there(file);
    }

    /// Gives the spool what was gathered, unless it is busy with the file.
    fn append_gathered(&mut self, file: FileId) {
        let Some(state) = self.files.get_mut(&file) else {
            return;
        };
        if state.is_busy || state.gathered.is_empty() {
            return;
        }
        state.is_busy = true;
        let (offset, bytes) = (state.have, std::mem::take(&mut state.gathered));
        self.want_job(Job::Append {
            file,
            offset,
            bytes,
        });
    }

    fn finish_if_there(&mut self, file: FileId) {
        let Some(state) = self.files.get_mut(&file) else {
            return;
        };
        let digest = state.sender.as_ref().and_then(|sender| sender.digest);
        if let Some(digest) = digest
            && !state.is_busy
            && state.have == state.bytes
        {
            state.is_busy = true;
            self.want_job(Job::Finish { file, digest });
        }
    }

    /// The spool has appended, or could not.
    pub(super) fn appended(&mut self, file: FileId, result: Result<u64, SpoolFailure>) {
        let Some(state) = self.files.get_mut(&file) else {
            return;
        };
        state.is_busy = false;
        match result {
            Ok(have) => {
                self.alter(file, |state| state.have = have);
                self.append_gathered(file);
                self.finish_if_there(file);
                self.grant(file, None, false);
                self.advance_all(file);
            }
            Err(why) => {
                self.alter(file, |state| {
                    state.gathered = Vec::new();
                    state.received = state.have;
                });
                let end = match why {
                    SpoolFailure::DiskFull => FileEnd::DiskFull,
                    SpoolFailure::Io => FileEnd::Failed,
                };
                self.fail_upload(file, end);
            }
        }
        self.admit_waiting(file);
    }

    /// The spool has all of a file for good, or failed at that.
    pub(super) fn finished(&mut self, file: FileId, result: Result<Digest, SpoolFailure>) {
        let Some(state) = self.files.get_mut(&file) else {
            return;
        };
        state.is_busy = false;
        match result {
            Ok(digest) => {
                state.digest = Some(digest);
                state.is_whole = true;
                if let Some(client) = state.uploader() {
                    self.drop_upload(client, file);
                    self.tell(client, FileEvent::Kept(file));
                }
                let whole = FileOutcome::Whole(file, digest);
                self.want(Wanted::Outcome(whole));
                self.advance_all(file);
            }
            Err(_) => self.fail_upload(file, FileEnd::Failed),
        }
        self.admit_waiting(file);
    }

    /// Whoever sends a file is told that this transfer has ended, and why.
    fn fail_upload(&mut self, file: FileId, end: FileEnd) {
        let sender = self.files.get(&file).and_then(File::uploader);
        if let Some(client) = sender {
            self.drop_upload(client, file);
            self.tell_over(client, file, end);
        }
    }

    fn admit_waiting(&mut self, file: FileId) {
        let Some(state) = self.files.get_mut(&file) else {
            return;
        };
        let is_settled = !state.is_busy && state.gathered.is_empty();
        if is_settled && let Some((client, key)) = self.waiting.remove(&file) {
            self.take(client, key, file);
        }
    }

    pub(super) fn drop_upload(&mut self, client: ClientId, file: FileId) {
        if let Some(files) = self.uploads.get_mut(&client) {
            files.remove(&file);
            if files.is_empty() {
                self.uploads.remove(&client);
            }
        }
        self.end_upload(file);
    }

    /// Nobody sends the file any more; what has come of it stays.
    pub(super) fn end_upload(&mut self, file: FileId) {
        // What it has sent already still waits for the disk, and counts.
        self.alter(file, |state| state.sender = None);
    }

    /// Changes a file, so that [`Transfers::granted`] stays the sum of all files'.
    fn alter(&mut self, file: FileId, alter: impl FnOnce(&mut File)) {
        if let Some(state) = self.files.get_mut(&file) {
            let before = state.granted();
            alter(state);
            self.granted = self.granted + state.granted() - before;
        }
    }

    /// Lets the sender go on, if it is worth telling it.
    ///
    /// Each window is a share of what is left of all, so that many senders have small ones and one
    /// has a large one, and there is always something for another.
    fn grant(&mut self, file: FileId, key: Option<MessageKey>, is_first: bool) {
        let left = FILE_WINDOWS_BYTES_MAX.saturating_sub(self.granted);
        let Some(state) = self.files.get(&file) else {
            return;
        };
        let (bytes, have, before) = (state.bytes, state.have, state.granted());
        let Some(sender) = state.sender.as_ref() else {
            return;
        };
        let (client, told) = (sender.client, sender.until);
        let share = (left + before) / FILE_WINDOW_SHARE;
        let window = share.clamp(FILE_WINDOW_BYTES_MIN, FILE_WINDOW_BYTES_MAX);
        let until = have.saturating_add(window).min(bytes).max(told);
        let is_worth_it = until - told >= window / FILE_WINDOW_SHARE || until == bytes;
        if !is_first && (until == told || !is_worth_it) {
            return;
        }
        self.alter(file, |state| {
            if let Some(sender) = &mut state.sender {
                sender.until = until;
            }
        });
        self.tell(
            client,
            FileEvent::Take {
                key,
                file,
                have,
                until,
            },
        );
    }
}
