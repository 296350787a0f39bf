//! Files on their way: a file is a log of bytes, and whoever fetches it is a cursor in it.
//!
//! ```text
//! chunk -> gathered -> [append] -> have ...........|        one append of a file is out at a time
//!                                      ^       ^
//!                                   carol     bob           each [reads] ahead of itself, a little
//! ```
//!
//! Bytes go once to the spool and are read from there by each receiver at its own pace, while more
//! still come. Both sides are told up to where they may go: the sender up to a window beyond what
//! the disk has, a receiver is sent what it has asked for. So what is in memory is bounded whatever
//! the peers and the disk do.
//!
//! Pure: what the spool is to do comes out as a [`Job`], what it did goes in as a [`Done`]. Who may
//! send or fetch was decided before, by the chat.

mod download;
mod job;
#[cfg(test)]
mod tests;
mod upload;

pub use job::{Done, Job};

use crate::chat::{
    ClientId, Event, FileEnd, FileEvent, FileId, FileOrder, FileOutcome, FileRefusal, Give,
    MessageKey, OfferRecord, Refusal, RoomId,
};
use crate::limits::{DOWNLOADS_MAX, TRANSFERS_PER_CLIENT_MAX};
use download::Download;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use upload::File;

/// What a client did that no client of this protocol does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation;

/// What is to be done by others.
#[derive(Debug)]
pub enum Wanted {
    /// A client is told something.
    Reply(ClientId, Event),
    /// The spool has to do something.
    Job(Job),
    /// A client has bytes to be sent.
    Ready(ClientId),
    /// The chat is told something.
    Outcome(FileOutcome),
}

/// Every file that is being sent or fetched, or could be.
#[derive(Default)]
pub struct Transfers {
    files: BTreeMap<FileId, File>,
    /// Those for which the spool makes a place, and which are still wanted.
    opening: BTreeSet<FileId>,
    /// By receiver; the one whose turn it is comes first.
    downloads: BTreeMap<ClientId, VecDeque<Download>>,
    downloads_count: usize,
    /// Which files a client is sending.
    uploads: BTreeMap<ClientId, BTreeSet<FileId>>,
    /// Who wants to send a file as soon as what came from somebody else is in the spool.
    waiting: BTreeMap<FileId, (ClientId, Option<MessageKey>)>,
    /// Bytes that senders have sent, or may have sent, beyond what the disk has, of all files.
    granted: u64,
    /// Numbers for reads, so that a late answer is not taken for another's.
    reads: u64,
    /// Reads that are out and whose answer nobody waits for any more. They count as their client's
    /// until they are answered, so that the spool is given no more than it can be.
    abandoned: BTreeMap<u64, ClientId>,
    wanted: VecDeque<Wanted>,
}

impl Transfers {
    /// Nothing on its way, and the files that outlived the last process, each with how much of it
    /// is there.
    pub fn new(offers: impl IntoIterator<Item = (OfferRecord, u64)>) -> Self {
        let mut transfers = Self::default();
        for (record, have) in offers {
            transfers.files.insert(record.file, File::of(&record, have));
        }
        transfers
    }

    /// The next thing to be done by others, in order.
    pub fn next_wanted(&mut self) -> Option<Wanted> {
        self.wanted.pop_front()
    }

    /// Whether there is something to be done by others.
    pub fn has_wanted(&self) -> bool {
        !self.wanted.is_empty()
    }

    /// How many files are sent, and how many fetched, at present.
    pub fn counts(&self) -> (usize, usize) {
        let uploads = self.uploads.values().map(BTreeSet::len).sum();
        (uploads, self.downloads_count)
    }

    /// Does what the chat orders.
    pub fn order(&mut self, order: FileOrder) {
        match order {
            FileOrder::Open(record) => {
                self.opening.insert(record.file);
                self.want_job(Job::Open(record));
            }
            FileOrder::Take { client, key, file } => self.take(client, key, file),
            FileOrder::Give(give) => self.give(&give),
            FileOrder::Remove(file, end) => self.remove(file, end),
        }
    }

    /// Deals with what the spool has done.
    pub fn settle(&mut self, done: Done) {
        match done {
            Done::Opened(record, result) => {
                let file = record.file;
                if !self.opening.remove(&file) {
                    // It was removed meanwhile, and the spool knows.
                    return;
                }
                if result.is_ok() {
                    self.files.insert(file, File::of(&record, 0));
                }
                self.want(Wanted::Outcome(FileOutcome::Opened(file, result)));
            }
            Done::Appended(file, result) => self.appended(file, result),
            Done::Finished(file, result) => self.finished(file, result),
            Done::Read {
                client,
                file,
                serial,
                result,
            } => self.supplied(client, file, serial, result),
        }
    }

    /// A client sends and fetches nothing more.
    pub fn closed(&mut self, client: ClientId) {
        for download in self.downloads.remove(&client).into_iter().flatten() {
            self.downloads_count -= 1;
            self.abandoned
                .extend(download.read().map(|serial| (serial, client)));
            if let Some(file) = self.files.get_mut(&download.file) {
                file.receivers.remove(&client);
            }
        }
        for file in self.uploads.remove(&client).into_iter().flatten() {
            self.end_upload(file);
        }
        self.waiting.retain(|_, (other, _)| *other != client);
    }

    /// A client is no longer in a room, and fetches nothing more that was offered there.
    pub fn left(&mut self, client: ClientId, room: RoomId) {
        let downloads = self.downloads.get(&client).into_iter().flatten();
        let over = downloads.filter(|download| download.room == Some(room));
        let files: Vec<FileId> = over.map(|download| download.file).collect();
        for file in files {
            self.drop_download(client, file);
            self.tell_over(client, file, FileEnd::NotAllowed);
        }
    }

    /// A client stops sending or fetching a file; the offer stays.
    pub fn stop(&mut self, client: ClientId, file: FileId) {
        self.drop_download(client, file);
        if self.is_uploading(client, file) {
            self.drop_upload(client, file);
        }
        let waiting = self.waiting.get(&file);
        if waiting.is_some_and(|(other, _)| *other == client) {
            self.waiting.remove(&file);
        }
    }

    /// A file goes: whoever sends or fetches it is told why.
    fn remove(&mut self, file: FileId, end: FileEnd) {
        self.opening.remove(&file);
        self.want_job(Job::Remove(file));
        let Some(state) = self.files.get(&file) else {
            return;
        };
        let receivers: Vec<ClientId> = state.receivers.iter().copied().collect();
        let sender = state.uploader();
        for client in receivers {
            self.drop_download(client, file);
            self.tell_over(client, file, end);
        }
        if let Some(client) = sender {
            self.drop_upload(client, file);
            self.tell_over(client, file, end);
        }
        if let Some((client, _)) = self.waiting.remove(&file) {
            self.tell_over(client, file, end);
        }
        if let Some(state) = self.files.remove(&file) {
            self.granted -= state.granted();
        }
    }

    /// Lets a client fetch a file.
    fn give(&mut self, give: &Give) {
        let (client, file) = (give.client, give.file);
        // It may ask again, from elsewhere.
        self.drop_download(client, file);
        let abandoned = self.abandoned.values().filter(|other| **other == client);
        let own = self.downloads.get(&client).map_or(0, VecDeque::len) + abandoned.count();
        let all = self.downloads_count + self.abandoned.len();
        let refusal = match self.files.get(&file) {
            None => Some(Refusal::File(FileRefusal::NoSuchFile(file))),
            Some(_) if own >= TRANSFERS_PER_CLIENT_MAX => Some(too_many()),
            Some(_) if all >= DOWNLOADS_MAX => Some(Refusal::Busy),
            Some(_) => None,
        };
        if let Some(refusal) = refusal {
            return self.refuse(client, give.key, refusal);
        }
        let state = self.files.get_mut(&file).expect("it was just looked up");
        state.receivers.insert(client);
        let event = FileEvent::Give {
            key: give.key,
            file,
            from: give.from,
            name: give.name.clone(),
            bytes: state.bytes(),
            offset: give.offset,
        };
        let download = Download::new(file, give.room, give.offset, give.until);
        self.downloads
            .entry(client)
            .or_default()
            .push_back(download);
        self.downloads_count += 1;
        self.tell(client, event);
        self.advance(client, file);
    }

    fn tell_over(&mut self, client: ClientId, file: FileId, end: FileEnd) {
        self.tell(client, FileEvent::Over(file, end));
    }

    fn tell(&mut self, client: ClientId, event: FileEvent) {
        self.want(Wanted::Reply(client, Event::File(event)));
    }

    fn refuse(&mut self, client: ClientId, key: Option<MessageKey>, refusal: Refusal) {
        let refused = Event::Refused(key, refusal);
        self.want(Wanted::Reply(client, refused));
    }

    fn want_job(&mut self, job: Job) {
        self.want(Wanted::Job(job));
    }

    fn want(&mut self, wanted: Wanted) {
        self.wanted.push_back(wanted);
    }
}

fn too_many() -> Refusal {
    let max = TRANSFERS_PER_CLIENT_MAX;
    Refusal::File(FileRefusal::TooManyTransfers { max })
}
