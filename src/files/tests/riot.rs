//! Transfers among clients that do what they like, and a disk that fails now and then.

use super::*;

/// Transfers among clients that do what they like, and a disk that fails now and then.
struct Riot {
    transfers: Transfers,
    spool: MemorySpool,
    reader: MemoryReader,
    jobs: VecDeque<Job>,
    dice: Dice,
    /// Where each sender may go on, and how far.
    windows: BTreeMap<(ClientId, FileId), (u64, u64)>,
    opened: u64,
}

impl Riot {
    fn new(seed: u64) -> Self {
        let spool = MemorySpool::default();
        Self {
            transfers: Transfers::default(),
            reader: spool.reader(),
            spool,
            jobs: VecDeque::new(),
            dice: Dice(seed),
            windows: BTreeMap::new(),
            opened: 0,
        }
    }

    fn place(&mut self) -> u64 {
        match self.dice.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => u64::MAX - 1,
            _ => self.dice.below(200_000),
        }
    }

    fn step(&mut self) {
        let one = client(u32::try_from(self.dice.below(4)).unwrap());
        let file = FileId(1 + self.dice.below(self.opened.max(1) + 1));
        match self.dice.below(14) {
            0 if self.opened < 6 => self.open(),
            0 | 1 => {
                let key = Some(MessageKey(1));
                let order = FileOrder::Take {
                    client: one,
                    key,
                    file,
                };
                self.transfers.order(order);
            }
            2 => self.give(one, file),
            3 if self.dice.below(20) == 0 => {
                let order = FileOrder::Remove(file, FileEnd::Expired);
                self.transfers.order(order);
            }
            3..=5 => self.chunk(one, file),
            6 => {
                let digest = Digest([u8::try_from(self.dice.below(2)).unwrap(); 32]);
                self.transfers.uploaded(one, file, digest);
            }
            7 => {
                let until = self.place();
                self.transfers.more(one, file, until);
            }
            8 if self.dice.below(4) == 0 => self.transfers.stop(one, file),
            9 if self.dice.below(4) == 0 => self.transfers.closed(one),
            10 if self.dice.below(4) == 0 => self.transfers.left(one, RoomId(1)),
            8..=10 => {
                let space = self.dice.count(20_000);
                let mut out = Vec::new();
                self.transfers.fill(one, space, &mut out);
                assert!(out.len() <= space);
            }
            _ => self.work(true),
        }
        self.pump();
    }

    fn open(&mut self) {
        self.opened += 1;
        let bytes = [0, 1, 16_320, 150_000][self.dice.count(4)];
        let record = OfferRecord {
            file: FileId(self.opened),
            ..record(bytes)
        };
        self.transfers.order(FileOrder::Open(Box::new(record)));
    }

    fn give(&mut self, client: ClientId, file: FileId) {
        let (offset, until) = (self.dice.below(150_001), self.place());
        let bytes = self.transfers.files.get(&file).map_or(0, File::bytes);
        self.transfers.order(FileOrder::Give(Give {
            client,
            key: None,
            file,
            room: Some(RoomId(1)),
            from: name(),
            name: "photo.jpg".into(),
            // The chat lets nothing else through.
            offset: offset.min(bytes),
            until,
        }));
    }

    fn chunk(&mut self, client: ClientId, file: FileId) {
        let bytes = vec![7; 1 + self.dice.count(FILE_CHUNK_BYTES_MAX)];
        let window = self.windows.get(&(client, file)).copied();
        let (mut offset, until) = window.unwrap_or_default();
        let allowed = usize::try_from(until - offset).unwrap().min(bytes.len());
        let mut count = allowed;
        if allowed == 0 || self.dice.below(50) == 0 {
            (offset, count) = (self.place(), bytes.len());
        }
        match self.transfers.chunk(client, file, offset, &bytes[..count]) {
            Ok(()) => {
                if let Some((next, until)) = self.windows.get_mut(&(client, file)) {
                    *next = (*next + u64::try_from(allowed).unwrap()).min(*until);
                }
            }
            Err(Violation) => self.transfers.closed(client),
        }
    }

    fn work(&mut self, may_fail: bool) {
        let fails = may_fail && self.dice.below(10) == 0;
        let failed = SpoolFailure::Io;
        let done = match self.jobs.pop_front() {
            None => return,
            Some(Job::Open(record)) if fails => Done::Opened(record, Err(failed)),
            Some(Job::Open(record)) => Done::Opened(record.clone(), self.spool.open(&record)),
            Some(Job::Append { file, .. }) if fails => Done::Appended(file, Err(failed)),
            Some(Job::Append {
                file,
                offset,
                bytes,
            }) => Done::Appended(file, self.spool.append(file, offset, &bytes)),
            Some(Job::Finish { file, .. }) if fails => Done::Finished(file, Err(failed)),
            Some(Job::Finish { file, digest }) => {
                Done::Finished(file, self.spool.finish(file, digest).map(|()| digest))
            }
            Some(Job::Remove(file)) => return self.spool.remove(file),
            Some(Job::Read {
                client,
                file,
                serial,
                offset,
                count,
            }) => {
                let read = self.reader.read(file, offset, count);
                Done::Read {
                    client,
                    file,
                    serial,
                    result: if fails { Err(failed) } else { read },
                }
            }
        };
        self.transfers.settle(done);
        self.pump();
    }

    fn pump(&mut self) {
        while let Some(wanted) = self.transfers.next_wanted() {
            match wanted {
                Wanted::Job(job) => self.jobs.push_back(job),
                Wanted::Outcome(FileOutcome::Spoilt(file, end)) => {
                    self.transfers.order(FileOrder::Remove(file, end));
                }
                Wanted::Reply(
                    client,
                    Event::File(FileEvent::Take {
                        key,
                        file,
                        have,
                        until,
                    }),
                ) => {
                    let window = self.windows.entry((client, file)).or_default();
                    let next = if key.is_some() { have } else { window.0 };
                    *window = (next.min(until), until);
                }
                Wanted::Reply(..) | Wanted::Outcome(_) | Wanted::Ready(_) => {}
            }
        }
        let granted: u64 = self.transfers.files.values().map(File::granted).sum();
        assert_eq!(self.transfers.granted, granted);
        let downloads = self.transfers.downloads.values().map(VecDeque::len);
        assert_eq!(self.transfers.downloads_count, downloads.sum::<usize>());
    }
}

/// Goal: nothing that clients send or the disk does makes this panic, or leaves anything behind in
/// its counts. Method: random steps of four clients with six files, sensible and not.
#[test]
fn whatever_clients_and_the_disk_do_every_count_comes_back_to_nothing() {
    let mut whole = 0;
    for seed in 0..300 {
        let mut riot = Riot::new(seed);
        for _ in 0..600 {
            riot.step();
        }
        for slot in 0..4 {
            riot.transfers.closed(client(slot));
        }
        while !riot.jobs.is_empty() {
            riot.work(false);
        }
        let transfers = &riot.transfers;
        assert_eq!((transfers.granted, transfers.counts()), (0, (0, 0)));
        assert!(transfers.abandoned.is_empty() && transfers.waiting.is_empty());
        let files = transfers.files.values();
        whole += files.filter(|file| file.whole().is_some()).count();
    }
    assert!(whole > 100, "some of it goes well: {whole}");
}
