//! What storing messages costs, by the size of the batch, with the index and without.
//!
//! Run with `cargo bench --bench store`; in the test run each measures nothing and runs once. The
//! database is made where temporary files are; name a folder on the disk in question with TMPDIR.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use parlour::chat::{
    Append, Body, Entry, EntryId, Epoch, From, MessageKey, Name, PageRequest, RoomId, Search,
    SessionId, Ticket, Write,
};
use parlour::store::{Idle, Reader, Retention, SqliteStore, Store};
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A text of the usual length.
const TEXT: &str = "has anybody seen the minutes of the last meeting? I cannot find them";
/// Rooms and senders among which messages are spread.
const ROOMS: u64 = 16;
const SENDERS: u64 = 1_000;

fn open(folder: &Path) -> SqliteStore {
    SqliteStore::open(folder, Epoch([1; 16]), Retention::default()).expect("the folder is new")
}

/// The next messages, of many senders to some rooms.
fn batch(next: &mut u64, count: u64) -> Vec<Write> {
    let message = |number: u64| {
        let entry = Entry {
            id: None,
            unix_ms: number,
            author: Name::parse("alice").expect("it is a name"),
            origin: None,
            body: Body::Said(format!("{TEXT} {number}").into()),
        };
        Write::Append(Append {
            ticket: Ticket(number),
            sender: (
                SessionId(number % SENDERS),
                MessageKey(number.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
            ),
            row: (RoomId(1 + number % ROOMS), entry),
            second: None,
        })
    };
    let first = *next;
    *next += count;
    (first..*next).map(message).collect()
}

fn commits(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("store");
    for (label, is_indexed) in [("commit", false), ("commit and index", true)] {
        for count in [1, 64, 1_024] {
            let folder = tempfile::tempdir().expect("there is a place for temporary files");
            let mut store = open(folder.path());
            let mut next = 0;
            group.throughput(Throughput::Elements(count));
            group.bench_function(format!("{label}, {count} at a time"), |bencher| {
                bencher.iter_batched(
                    || batch(&mut next, count),
                    |batch| {
                        let stored = store.commit(1, &batch).expect("the disk takes it");
                        while is_indexed && store.idle(1) == Ok(Idle::More) {}
                        stored
                    },
                    BatchSize::PerIteration,
                );
            });
        }
    }
    group.finish();
}

fn questions(criterion: &mut Criterion) {
    let folder = tempfile::tempdir().expect("there is a place for temporary files");
    let mut store = open(folder.path());
    let mut next = 0;
    for _ in 0..10 {
        store
            .commit(1, &batch(&mut next, 1_000))
            .expect("the disk takes it");
        while store.idle(1) == Ok(Idle::More) {}
    }
    let mut reader = store
        .reader(Arc::new(|| Duration::ZERO))
        .expect("it was opened before");
    let mut group = criterion.benchmark_group("reader, 10,000 messages");
    for from in [
        From::Newest(20),
        From::Newest(1_000),
        From::After(EntryId(300)),
    ] {
        let request = PageRequest {
            room: RoomId(5),
            from,
            before: EntryId(u64::MAX),
        };
        group.bench_function(format!("page of {from:?}"), |bencher| {
            bencher.iter(|| reader.page(black_box(&request)));
        });
    }
    for (label, word) in [
        ("common", "meeting"),
        ("rare", "7777"),
        ("unknown", "xyzzy"),
    ] {
        let search = Search {
            ticket: Ticket(1),
            rooms: (1..=ROOMS).map(RoomId).collect(),
            words: vec![word.into(), "minutes".into()],
            from: None,
            since_unix_ms: None,
            hits_max: 50,
        };
        group.bench_function(format!("search for a {label} word"), |bencher| {
            bencher.iter(|| reader.search(black_box(&search)));
        });
    }
    group.finish();
}

criterion_group!(benches, commits, questions);
criterion_main!(benches);
