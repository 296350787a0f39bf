//! A sender, receivers of every speed, and a spool that answers late: what arrives is what was sent.

mod riot;

use super::*;
use crate::chat::{Digest, Name, OfferPlace, Party, SpoolFailure};
use crate::limits::{FILE_CHUNK_BYTES_MAX, FILE_READ_AHEAD_BYTES, FILE_READ_BYTES, KIB};
use crate::spool::{MemoryReader, MemorySpool, Spool, SpoolReader};
use crate::wire::frame::Frame;
use crate::wire::message::{FileAnswer, ServerMessage, decode_server};

const FILE: FileId = FileId(7);
const DIGEST: Digest = Digest([1; 32]);
const SENDER: ClientId = client(0);

const fn client(slot: u32) -> ClientId {
    ClientId {
        slot,
        generation: 0,
    }
}

fn name() -> Name {
    Name::parse("bob").unwrap()
}

fn record(bytes: u64) -> OfferRecord {
    OfferRecord {
        file: FILE,
        by: Party {
            name: name(),
            account: None,
            session: None,
            key: None,
        },
        place: OfferPlace::Room(RoomId(1)),
        name: "photo.jpg".into(),
        bytes,
        digest: None,
        since_unix_ms: 0,
        is_whole: false,
    }
}

/// A file's content: no two places look alike for long.
fn content(bytes: usize) -> Vec<u8> {
    let mut state = 1_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

/// What a client has got.
#[derive(Default)]
struct Receiver {
    got: Vec<u8>,
    until: u64,
    is_whole: bool,
    over: Option<FileEnd>,
    refused: usize,
}

/// Transfers with everything around them.
struct Stage {
    transfers: Transfers,
    spool: MemorySpool,
    reader: MemoryReader,
    /// Jobs the spool has not done.
    jobs: VecDeque<Job>,
    receivers: BTreeMap<ClientId, Receiver>,
    outcomes: Vec<FileOutcome>,
    /// Up to where the sender may send, and whether all is kept.
    until: u64,
    have: u64,
    is_kept: bool,
    sender_over: Option<FileEnd>,
    content: Vec<u8>,
    sent: usize,
}

impl Stage {
    fn new(bytes: usize) -> Self {
        let spool = MemorySpool::default();
        let mut stage = Self {
            transfers: Transfers::default(),
            reader: spool.reader(),
            spool,
            jobs: VecDeque::new(),
            receivers: BTreeMap::new(),
            outcomes: Vec::new(),
            until: 0,
            have: 0,
            is_kept: false,
            sender_over: None,
            content: content(bytes),
            sent: 0,
        };
        let record = Box::new(record(u64::try_from(bytes).unwrap()));
        stage.order(FileOrder::Open(record));
        stage.work(usize::MAX);
        assert_eq!(stage.outcomes, [FileOutcome::Opened(FILE, Ok(()))]);
        stage
    }

    fn order(&mut self, order: FileOrder) {
        self.transfers.order(order);
        self.pump();
    }

    fn take(&mut self) {
        let (client, key) = (SENDER, None);
        let file = FILE;
        self.order(FileOrder::Take { client, key, file });
    }

    fn give(&mut self, client: ClientId, window: u64) {
        let receiver = self.receivers.entry(client).or_default();
        let offset = u64::try_from(receiver.got.len()).unwrap();
        receiver.until = offset + window;
        let until = receiver.until;
        self.order(FileOrder::Give(Give {
            client,
            key: None,
            file: FILE,
            room: Some(RoomId(1)),
            from: name(),
            name: "photo.jpg".into(),
            offset,
            until,
        }));
    }

    /// Carries out what is wanted; the spool's jobs wait.
    fn pump(&mut self) {
        while let Some(wanted) = self.transfers.next_wanted() {
            match wanted {
                Wanted::Job(job) => self.jobs.push_back(job),
                Wanted::Ready(_) => {}
                Wanted::Outcome(outcome) => self.outcomes.push(outcome),
                Wanted::Reply(client, event) => self.hear(client, event),
            }
        }
    }

    fn hear(&mut self, client: ClientId, event: Event) {
        let receiver = self.receivers.entry(client).or_default();
        let Event::File(event) = event else {
            receiver.refused += 1;
            return;
        };
        match event {
            FileEvent::Take { have, until, .. } => (self.have, self.until) = (have, until),
            FileEvent::Kept(_) => self.is_kept = true,
            FileEvent::Whole { bytes, digest, .. } => {
                assert_eq!(bytes, u64::try_from(receiver.got.len()).unwrap());
                assert_eq!(digest, DIGEST);
                receiver.is_whole = true;
            }
            FileEvent::Over(_, end) if client == SENDER => self.sender_over = Some(end),
            FileEvent::Over(_, end) => receiver.over = Some(end),
            FileEvent::Give { .. } | FileEvent::Listed(_) => {}
        }
    }

    /// Lets the spool do some of its jobs.
    fn work(&mut self, jobs: usize) {
        for _ in 0..jobs {
            let Some(job) = self.jobs.pop_front() else {
                return;
            };
            let done = match job {
                Job::Open(record) => Done::Opened(record.clone(), self.spool.open(&record)),
                Job::Append {
                    file,
                    offset,
                    bytes,
                } => Done::Appended(file, self.spool.append(file, offset, &bytes)),
                Job::Finish { file, digest } => {
                    Done::Finished(file, self.spool.finish(file, digest).map(|()| digest))
                }
                Job::Remove(file) => {
                    self.spool.remove(file);
                    continue;
                }
                Job::Read {
                    client,
                    file,
                    serial,
                    offset,
                    count,
                } => Done::Read {
                    client,
                    file,
                    serial,
                    result: self.reader.read(file, offset, count),
                },
            };
            self.transfers.settle(done);
            self.pump();
        }
    }

    /// Sends one chunk, if the sender may.
    fn send(&mut self, bytes: usize) -> bool {
        let allowed = usize::try_from(self.until).unwrap() - self.sent;
        let count = bytes.min(allowed).min(FILE_CHUNK_BYTES_MAX);
        if count == 0 {
            return false;
        }
        let bytes = &self.content[self.sent..self.sent + count];
        let offset = u64::try_from(self.sent).unwrap();
        self.transfers.chunk(SENDER, FILE, offset, bytes).unwrap();
        self.sent += count;
        self.pump();
        true
    }

    fn say_uploaded(&mut self) {
        self.transfers.uploaded(SENDER, FILE, DIGEST);
        self.pump();
    }

    /// Lets a receiver have one record; says whether anything was in it.
    fn receive(&mut self, client: ClientId, space: usize) -> bool {
        let mut out = Vec::new();
        self.transfers.fill(client, space, &mut out);
        assert!(out.len() <= space, "a record is not overfilled");
        let receiver = self.receivers.get_mut(&client).unwrap();
        let mut rest = &out[..];
        while let Some((frame, behind)) = Frame::first(rest) {
            receiver.take(frame);
            rest = behind;
        }
        assert!(rest.is_empty(), "a piece is never begun and left");
        self.pump();
        !out.is_empty()
    }

    fn more(&mut self, client: ClientId, window: u64) {
        let receiver = self.receivers.get_mut(&client).unwrap();
        let until = u64::try_from(receiver.got.len()).unwrap() + window;
        receiver.until = receiver.until.max(until);
        self.transfers.more(client, FILE, receiver.until);
        self.pump();
    }
}

impl Receiver {
    fn take(&mut self, frame: Frame<'_>) {
        let Ok(Some(ServerMessage::File(FileAnswer::Piece { offset, bytes, .. }))) =
            decode_server(frame)
        else {
            panic!("only pieces are filled in");
        };
        assert_eq!(offset, u64::try_from(self.got.len()).unwrap());
        self.got.extend_from_slice(bytes);
        let have = u64::try_from(self.got.len()).unwrap();
        assert!(have <= self.until, "no more than was asked for");
    }
}

/// Draws small numbers; the same seed draws the same.
struct Dice(u64);

impl Dice {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % bound
    }

    fn count(&mut self, bound: usize) -> usize {
        usize::try_from(self.below(u64::try_from(bound).unwrap())).unwrap()
    }
}

/// Goal: whatever the order of chunks, reads, windows and lost connections, every receiver gets the
/// file as it was sent. Method: random steps until all have it, for sizes around every edge.
#[test]
fn every_receiver_gets_the_file_however_its_bytes_come() {
    let sizes = [
        0,
        1,
        FILE_CHUNK_BYTES_MAX - 1,
        FILE_CHUNK_BYTES_MAX + 1,
        16 * KIB,
        FILE_READ_BYTES + 1,
        200 * KIB,
    ];
    for (seed, size) in (0..8).flat_map(|seed| sizes.map(|size| (seed, size))) {
        let mut dice = Dice(seed * 31 + 7);
        let mut stage = Stage::new(size);
        stage.take();
        let clients = [client(1), client(2), client(3)];
        for (index, client) in clients.into_iter().enumerate() {
            stage.give(client, 1_000 << (4 * index));
        }
        let mut has_said_uploaded = false;
        let mut steps = 0;
        while !(stage.is_kept
            && clients
                .iter()
                .all(|client| stage.receivers[client].is_whole))
        {
            steps += 1;
            assert!(steps < 200_000, "seed {seed} size {size}: no end");
            match dice.below(8) {
                0 | 1 => {
                    stage.send(1 + dice.count(FILE_CHUNK_BYTES_MAX));
                }
                2 | 3 => stage.work(1 + dice.count(3)),
                4 if stage.sent == size && !has_said_uploaded => {
                    has_said_uploaded = true;
                    stage.say_uploaded();
                }
                5 if dice.below(40) == 0 && !stage.is_kept => {
                    // The sender is lost and comes back.
                    stage.transfers.closed(SENDER);
                    stage.take();
                    stage.work(usize::MAX);
                    stage.sent = usize::try_from(stage.have).unwrap();
                    has_said_uploaded = stage.is_kept;
                }
                6 if dice.below(40) == 0 => {
                    // A receiver is lost and comes back.
                    let client = clients[dice.count(clients.len())];
                    stage.transfers.closed(client);
                    if !stage.receivers[&client].is_whole {
                        stage.give(client, 50_000);
                    }
                }
                _ => {
                    let client = clients[dice.count(clients.len())];
                    stage.receive(client, 100 + dice.count(16 * KIB));
                    stage.more(client, 1 + dice.below(60_000));
                }
            }
        }
        for client in clients {
            assert!(stage.receivers[&client].got == stage.content, "size {size}");
        }
        assert_eq!(stage.transfers.granted, 0, "nobody is promised anything");
        assert_eq!(stage.transfers.counts(), (0, 0));
    }
}

#[test]
fn a_file_is_fetched_while_it_is_sent() {
    let mut stage = Stage::new(100_000);
    stage.take();
    stage.give(client(1), u64::MAX);
    stage.send(10_000);
    stage.work(usize::MAX);
    assert!(stage.receive(client(1), 16 * KIB));
    assert_eq!(stage.receivers[&client(1)].got.len(), 10_000);
}

#[test]
fn the_sender_is_held_to_its_window_and_to_the_order_of_bytes() {
    let mut stage = Stage::new(8 * 1024 * KIB);
    stage.take();
    let window = stage.until;
    assert!(window <= crate::limits::FILE_WINDOW_BYTES_MAX);
    while stage.send(FILE_CHUNK_BYTES_MAX) {}
    assert_eq!(
        u64::try_from(stage.sent).unwrap(),
        window,
        "the disk is slow"
    );
    let beyond = stage.transfers.chunk(SENDER, FILE, window, b"x");
    assert_eq!(beyond, Err(Violation));
    stage.work(usize::MAX);
    assert!(stage.until > window);
    for offset in [window - 1, window + 1, u64::MAX] {
        let elsewhere = stage.transfers.chunk(SENDER, FILE, offset, b"x");
        assert_eq!(elsewhere, Err(Violation), "{offset}");
    }
    // Of a transfer that has ended, something may still be on its way.
    stage.transfers.stop(SENDER, FILE);
    assert_eq!(stage.transfers.chunk(SENDER, FILE, window, b"x"), Ok(()));
    assert_eq!(stage.transfers.granted, 0);
}

#[test]
fn a_receiver_that_takes_nothing_costs_a_bounded_amount() {
    let mut stage = Stage::new(1024 * KIB);
    stage.take();
    stage.give(client(1), u64::MAX);
    while stage.send(FILE_CHUNK_BYTES_MAX) {
        stage.work(usize::MAX);
    }
    stage.work(usize::MAX);
    let downloads = &stage.transfers.downloads[&client(1)];
    let held: usize = downloads[0].buffered();
    assert!(
        held <= FILE_READ_BYTES + FILE_READ_AHEAD_BYTES,
        "{held} bytes"
    );
}

#[test]
fn what_is_not_what_was_offered_spoils_the_offer() {
    let spoilt = FileOutcome::Spoilt(FILE, FileEnd::Spoilt);
    let mut stage = Stage::new(10);
    stage.take();
    stage.send(5);
    stage.say_uploaded();
    assert_eq!(stage.outcomes.last(), Some(&spoilt), "too short");
    stage.give(client(1), 100);
    stage.order(FileOrder::Remove(FILE, FileEnd::Spoilt));
    assert_eq!(stage.receivers[&client(1)].over, Some(FileEnd::Spoilt));
    assert_eq!(stage.sender_over, Some(FileEnd::Spoilt));
    stage.work(usize::MAX);
    stage.give(client(1), 100);
    assert_eq!(stage.receivers[&client(1)].refused, 1, "it is gone");
}

#[test]
fn what_is_removed_before_there_is_a_place_for_it_leaves_nothing() {
    let mut stage = Stage::new(10);
    let file = FileId(8);
    let record = Box::new(OfferRecord { file, ..record(5) });
    stage.order(FileOrder::Open(record));
    stage.order(FileOrder::Remove(file, FileEnd::Expired));
    stage.work(usize::MAX);
    assert_eq!(stage.outcomes.len(), 1, "nobody asks for it any more");
    assert_eq!(stage.transfers.files.len(), 1);
}

#[test]
fn a_full_disk_stops_the_sender_and_keeps_what_is_there() {
    let mut stage = Stage::new(20);
    stage.take();
    stage.send(5);
    stage.work(usize::MAX);
    stage.send(5);
    stage.jobs.clear();
    let full = Done::Appended(FILE, Err(SpoolFailure::DiskFull));
    stage.transfers.settle(full);
    stage.pump();
    assert_eq!(stage.sender_over, Some(FileEnd::DiskFull));
    stage.take();
    assert_eq!(stage.have, 5, "it goes on where the disk is");
}

#[test]
fn who_leaves_the_room_gets_no_more_and_a_second_sender_takes_over() {
    let mut stage = Stage::new(100);
    stage.take();
    stage.give(client(1), 100);
    stage.transfers.left(client(1), RoomId(2));
    stage.pump();
    assert_eq!(stage.receivers[&client(1)].over, None);
    stage.transfers.left(client(1), RoomId(1));
    stage.pump();
    assert_eq!(stage.receivers[&client(1)].over, Some(FileEnd::NotAllowed));
    let (client, key, file) = (client(5), None, FILE);
    stage.order(FileOrder::Take { client, key, file });
    assert_eq!(stage.sender_over, Some(FileEnd::TakenOver));
}

#[test]
fn one_client_fetches_so_many_at_once_and_they_take_turns() {
    let mut transfers = Transfers::new((0..20).map(|number| {
        let file = FileId(number);
        (
            OfferRecord {
                file,
                ..record(40_000)
            },
            40_000,
        )
    }));
    let receiver = client(1);
    for number in 0..20 {
        transfers.order(FileOrder::Give(Give {
            client: receiver,
            key: None,
            file: FileId(number),
            room: None,
            from: name(),
            name: "x".into(),
            offset: 0,
            until: u64::MAX,
        }));
    }
    assert_eq!(transfers.counts(), (0, TRANSFERS_PER_CLIENT_MAX));
    let mut reads = Vec::new();
    while let Some(wanted) = transfers.next_wanted() {
        if let Wanted::Job(Job::Read {
            client,
            file,
            serial,
            count,
            ..
        }) = wanted
        {
            reads.push(Done::Read {
                client,
                file,
                serial,
                result: Ok(vec![0; count]),
            });
        }
    }
    for done in reads {
        transfers.settle(done);
    }
    let mut served = BTreeSet::new();
    for _ in 0..TRANSFERS_PER_CLIENT_MAX {
        let mut out = Vec::new();
        assert!(transfers.fill(receiver, 16 * KIB, &mut out));
        let (frame, _) = Frame::first(&out).unwrap();
        if let Ok(Some(ServerMessage::File(FileAnswer::Piece { file, .. }))) = decode_server(frame)
        {
            served.insert(file);
        }
    }
    assert_eq!(served.len(), TRANSFERS_PER_CLIENT_MAX);
}

#[test]
fn who_waits_to_send_is_told_when_another_takes_over_and_may_give_up() {
    let mut stage = Stage::new(100_000);
    stage.take();
    stage.send(5_000);
    stage.transfers.closed(SENDER);
    let (second, third) = (client(7), client(8));
    for client in [second, third] {
        stage.order(FileOrder::Take {
            client,
            key: None,
            file: FILE,
        });
    }
    let told = stage.receivers.get(&second).and_then(|one| one.over);
    assert_eq!(told, Some(FileEnd::TakenOver));
    stage.transfers.stop(third, FILE);
    stage.work(usize::MAX);
    assert_eq!(stage.transfers.counts().0, 0, "who gave up sends nothing");
}

/// The threads of the spool are never given more than they can be: nobody's reads pile up, however
/// often it asks, stops and comes back while the disk does nothing.
#[test]
fn reads_that_nobody_waits_for_count_until_they_are_answered() {
    let mut stage = Stage::new(100_000);
    stage.take();
    while stage.send(FILE_CHUNK_BYTES_MAX) {}
    stage.work(usize::MAX);
    let eager = client(2);
    for _ in 0..3 * TRANSFERS_PER_CLIENT_MAX {
        stage.give(eager, 100_000);
        stage.transfers.stop(eager, FILE);
    }
    assert_eq!(stage.jobs.len(), TRANSFERS_PER_CLIENT_MAX);
    assert!(stage.receivers[&eager].refused > 0);
    for slot in 10..10 + u32::try_from(2 * DOWNLOADS_MAX).unwrap() {
        stage.give(client(slot), 100_000);
        stage.transfers.closed(client(slot));
    }
    assert_eq!(stage.jobs.len(), DOWNLOADS_MAX);
    stage.work(usize::MAX);
    stage.give(eager, 100_000);
    stage.work(usize::MAX);
    assert!(stage.receive(eager, 10_000), "it may ask again");
}

#[test]
fn what_waits_for_the_disk_counts_though_its_sender_is_gone() {
    let mut stage = Stage::new(4 * 1024 * 1024);
    stage.take();
    while stage.send(FILE_CHUNK_BYTES_MAX) {}
    stage.transfers.closed(SENDER);
    assert_eq!(stage.transfers.granted, u64::try_from(stage.sent).unwrap());
    stage.work(1);
    assert!(stage.transfers.granted > 0, "the rest was gathered");
    stage.work(usize::MAX);
    assert_eq!(stage.transfers.granted, 0);
    stage.take();
    while stage.send(FILE_CHUNK_BYTES_MAX) {}
    stage.order(FileOrder::Remove(FILE, FileEnd::Cancelled));
    assert_eq!(stage.transfers.granted, 0);
}
