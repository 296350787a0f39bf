//! The threads, each with a store made up for the test.

use super::*;
use crate::chat::{EntryId, From, RoomId, Search, Ticket};
use crate::store::{Hits, Idle};
use mio::{Events, Poll, Token};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Longer than any thread takes that works.
const PATIENCE: Duration = Duration::from_secs(10);

struct Bench {
    poll: Poll,
    events: Events,
    workers: Workers,
}

impl Bench {
    fn new(store: Box<dyn Store>, reader: Option<Box<dyn Reader>>) -> Self {
        let poll = Poll::new().unwrap();
        let waker = Waker::new(poll.registry(), Token(0)).unwrap();
        Self {
            workers: Workers::start(store, reader, Arc::new(waker)).unwrap(),
            poll,
            events: Events::with_capacity(8),
        }
    }

    /// Sleeps as the loop does, until a worker wakes it.
    fn wait(&mut self) {
        self.poll.poll(&mut self.events, Some(PATIENCE)).unwrap();
        assert!(!self.events.is_empty(), "nobody woke the loop");
    }
}

fn change(ticket: u64) -> Job {
    Job::Write(Write::Change {
        ticket: Ticket(ticket),
        change: crate::chat::Change::Erase(RoomId(1), EntryId(ticket)),
    })
}

fn request(from: From) -> PageRequest {
    PageRequest {
        room: RoomId(1),
        from,
        before: EntryId(u64::MAX),
    }
}

/// Fails as it is told to.
struct Failing(StoreFailure);

impl Store for Failing {
    fn commit(&mut self, _: u64, _: &[Write]) -> Result<Vec<Outcome>, StoreFailure> {
        Err(self.0)
    }
}

#[test]
fn what_a_full_disk_does_not_take_is_answered_for() {
    let mut bench = Bench::new(Box::new(Failing(StoreFailure::DiskFull)), None);
    bench.workers.submit(change(7));
    bench.workers.hand_over().unwrap();
    bench.wait();
    let outcomes = bench.workers.next_outcomes().unwrap();
    assert!(
        matches!(
            outcomes[..],
            [Outcome::NotStored {
                ticket: Ticket(7),
                why: StoreFailure::DiskFull
            }]
        ),
        "{outcomes:?}"
    );
}

#[test]
fn a_store_that_is_broken_ends_the_process() {
    let mut bench = Bench::new(Box::new(Failing(StoreFailure::Broken)), None);
    bench.workers.submit(change(7));
    bench.workers.hand_over().unwrap();
    bench.wait();
    assert_eq!(
        bench.workers.next_outcomes().unwrap_err(),
        WorkerFailure::Broken
    );
}

/// Is full until it is told otherwise, and tells what it stored.
struct Full(Receiver<()>, SyncSender<Vec<u64>>);

impl Store for Full {
    fn commit(&mut self, _: u64, batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure> {
        self.0.try_recv().map_err(|_| StoreFailure::DiskFull)?;
        let tickets = batch.iter().map(|write| write.ticket().0);
        self.1.send(tickets.collect()).unwrap();
        let changed = |write: &Write| Outcome::Changed(write.ticket());
        Ok(batch.iter().map(changed).collect())
    }
}

#[test]
fn a_change_that_failed_is_tried_again_though_nobody_says_anything_more() {
    let (emptied, room) = sync_channel(1);
    let (told, heard) = sync_channel(1);
    let mut bench = Bench::new(Box::new(Full(room, told)), None);
    bench.workers.submit(change(7));
    bench.workers.hand_over().unwrap();
    bench.wait();
    assert_eq!(bench.workers.next_outcomes().unwrap().len(), 1);
    emptied.send(()).unwrap();
    assert_eq!(heard.recv_timeout(PATIENCE), Ok(vec![7]));
    assert!(bench.workers.next_outcomes().unwrap().is_empty());
}

/// Tells of its chores.
struct Chores(SyncSender<&'static str>, usize);

impl Store for Chores {
    fn commit(&mut self, _: u64, batch: &[Write]) -> Result<Vec<Outcome>, StoreFailure> {
        let changed = |write: &Write| Outcome::Changed(write.ticket());
        Ok(batch.iter().map(changed).collect())
    }

    fn idle(&mut self, _: u64) -> Result<Idle, StoreFailure> {
        self.0.send("chore").unwrap();
        self.1 -= 1;
        Ok(if self.1 > 0 { Idle::More } else { Idle::Done })
    }

    fn space(&self) -> Space {
        Space::Low
    }

    fn close(&mut self) -> Result<(), StoreFailure> {
        self.0.send("closed").unwrap();
        Ok(())
    }
}

#[test]
fn chores_are_done_in_silence_and_the_store_is_closed_at_the_end() {
    let (told, heard): (_, Receiver<&'static str>) = sync_channel(16);
    let mut bench = Bench::new(Box::new(Chores(told, 3)), None);
    for _ in 0..3 {
        assert_eq!(heard.recv_timeout(PATIENCE), Ok("chore"));
    }
    assert_eq!(bench.workers.next_space(), Some(Space::Low));
    assert_eq!(bench.workers.next_space(), None, "it is told once");
    drop(bench);
    assert_eq!(heard.recv_timeout(PATIENCE), Ok("closed"));
}

/// Answers when it is let, and tells in what order it was asked.
struct Slow {
    lets: Receiver<()>,
    asked: SyncSender<String>,
}

impl Reader for Slow {
    fn page(&mut self, request: &PageRequest) -> Result<Page, StoreFailure> {
        self.asked.send(format!("{:?}", request.from)).unwrap();
        self.lets.recv().unwrap();
        Ok(Page::default())
    }

    fn search(&mut self, _: &Search) -> Result<Hits, StoreFailure> {
        self.asked.send("search".into()).unwrap();
        self.lets.recv().unwrap();
        Ok(Hits::default())
    }
}

#[test]
fn the_reader_answers_the_most_urgent_first() {
    let (letting, lets) = sync_channel(16);
    let (asked, asking) = sync_channel(16);
    let slow = Slow { lets, asked };
    let mut bench = Bench::new(Box::new(Failing(StoreFailure::Io)), Some(Box::new(slow)));
    let next = || asking.recv_timeout(PATIENCE).unwrap();
    bench.workers.read_page(request(From::Since(0)));
    assert_eq!(next(), "Since(0)", "it has begun with that");
    bench.workers.submit(Job::Search(Search {
        ticket: Ticket(1),
        rooms: Vec::new(),
        words: Vec::new(),
        from: None,
        since_unix_ms: None,
        hits_max: 1,
    }));
    bench.workers.read_page(request(From::Newest(1_000)));
    bench.workers.read_page(request(From::Newest(20)));
    bench.workers.read_page(request(From::After(EntryId(5))));
    for _ in 0..5 {
        letting.send(()).unwrap();
    }
    let order = [next(), next(), next(), next()];
    assert_eq!(
        order,
        ["After(EntryId(5))", "Newest(20)", "Newest(1000)", "search"]
    );
    let (mut pages, mut found) = (0, 0);
    while pages < 4 || found < 1 {
        bench.wait();
        pages += bench.workers.next_pages().len();
        found += bench.workers.next_outcomes().unwrap().len();
    }
    assert_eq!((pages, found), (4, 1));
}

#[test]
fn without_a_reader_questions_are_answered_all_the_same() {
    let mut bench = Bench::new(Box::new(Failing(StoreFailure::Io)), None);
    bench.workers.read_page(request(From::Newest(1)));
    bench.wait();
    let pages = bench.workers.next_pages();
    assert!(matches!(pages[..], [(_, Err(StoreFailure::Io))]));
}
