//! What it costs to bring entries to a room's members, per member: the log, the cursors and the
//! copy, without cipher and kernel.
//!
//! Run with `cargo bench --bench fanout`; in the test run each measures nothing and runs once, with
//! the smallest room only.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use parlour::chat::{
    Body, ClientId, Close, Entry, EntryId, Extent, From, Name, RoomId, RoomName, RoomOrder,
};
use parlour::fanout::{Bounds, Dialect, Fanout, Outlets, Sent};
use std::hint::black_box;
use std::time::Duration;

const ROOM: RoomId = RoomId(1);
/// 64 bytes, as in the tables of measurements.
const TEXT: &str = "has anybody seen the minutes of the last meeting? I cannot find.";

/// A kernel that takes everything and a sealer that does nothing.
struct Nowhere;

impl Outlets for Nowhere {
    fn seal(&mut self, _: ClientId, record: &mut Vec<u8>) {
        black_box(record);
    }

    fn seal_close(&mut self, _: ClientId, _: Close, _: &mut Vec<u8>) {}

    fn send(&mut self, _: ClientId, bytes: &[u8]) -> Sent {
        black_box(bytes);
        Sent::All
    }

    fn finished(&mut self, _: ClientId) {}

    fn elapsed(&mut self) -> Duration {
        Duration::ZERO
    }
}

/// A room with so many sealed members, all live.
fn room_of(members: u32) -> Fanout {
    let mut fanout = Fanout::new(Bounds::default());
    let name = RoomName::parse("lobby").expect("it is a name");
    fanout.order(RoomOrder::Found {
        room: ROOM,
        name: Some(name),
        history: true,
        extent: Extent::EMPTY,
    });
    for slot in 0..members {
        let client = ClientId {
            slot,
            generation: 1,
        };
        fanout.open(client, Dialect::Sealed);
        fanout.order(RoomOrder::Join {
            room: ROOM,
            client,
            from: From::Newest(0),
            greeting: None,
        });
    }
    sweep(&mut fanout);
    fanout
}

fn sweep(fanout: &mut Fanout) {
    while fanout.has_work() {
        fanout.sweep(Duration::ZERO, &mut Nowhere);
    }
}

fn publish_runs(criterion: &mut Criterion) {
    let is_measured = std::env::args().any(|argument| argument == "--bench");
    let rooms: &[u32] = if is_measured {
        &[100, 1_000, 10_000, 100_000]
    } else {
        &[100]
    };
    let mut group = criterion.benchmark_group("fanout");
    for &members in rooms {
        let mut fanout = room_of(members);
        let mut id = 0;
        for run in [1, 64] {
            group.throughput(Throughput::Elements(u64::from(members) * run));
            let parameter = BenchmarkId::new(format!("run of {run}"), members);
            group.bench_function(parameter, |bencher| {
                bencher.iter(|| {
                    for _ in 0..run {
                        id += 1;
                        fanout.order(RoomOrder::Publish(ROOM, said(id)));
                    }
                    sweep(&mut fanout);
                });
            });
        }
    }
    group.finish();
}

fn said(id: u64) -> Entry {
    Entry {
        id: Some(EntryId(id)),
        unix_ms: 1_800_000_000_000 + id,
        author: Name::parse("carola").expect("it is a name"),
        origin: None,
        body: Body::Said(TEXT.into()),
    }
}

criterion_group!(benches, publish_runs);
criterion_main!(benches);
