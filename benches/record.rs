//! What a record costs, to seal and to open, by the size of its content.
//!
//! A server touches its connections in no order, so a thousand are held and touched shuffled: the
//! keys then come from the cache that a busy server would find them in, not from the nearest one.
//!
//! `cargo bench --bench record`

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};

use parlour::crypto::handshake::StaticKey;
use parlour::crypto::record::{
    Opener, Padding, RECORD_CONTENT_OFFSET, Sealer, Suite, begin_record,
};
use parlour::limits::{RECORD_INNER_BYTES_SENT_MAX, RECORD_PREFIX_BYTES, WRITE_BUFFER_BYTES_MAX};
use parlour::wire::sealed::{ClientHandshake, Identity, Introduction, ServerHandshake, Step};

const CONNECTIONS: usize = 1_000;
const CONTENT_BYTES: [usize; 5] = [
    32,
    64,
    256,
    1_024,
    RECORD_INNER_BYTES_SENT_MAX - RECORD_PREFIX_BYTES,
];
/// Records sealed ahead of being opened; few enough to stay in the cache when they are small.
const OPENED_PER_BATCH: u64 = 256;

/// The server's sealers and the clients' openers, connection by connection.
struct Connections {
    sealers: Vec<Sealer>,
    openers: Vec<Opener>,
    order: Vec<usize>,
    sealed: usize,
}

impl Connections {
    fn new(suite: Suite) -> Self {
        let identity = Arc::new(StaticKey::from_bytes(&[1; 32]));
        let (sealers, openers) = (0..CONNECTIONS)
            .map(|index| connect(suite, &identity, index))
            .unzip();
        Self {
            sealers,
            openers,
            order: shuffled(),
            sealed: 0,
        }
    }

    /// Seals `content` on the next connection, which it returns, into the empty `buffer`.
    fn seal(&mut self, content: &[u8], padding: Padding, buffer: &mut Vec<u8>) -> usize {
        let connection = self.order[self.sealed % CONNECTIONS];
        self.sealed += 1;
        buffer.clear();
        let start = begin_record(buffer);
        buffer.extend_from_slice(content);
        self.sealers[connection]
            .seal(padding, buffer, start)
            .expect("a benchmark is shorter than the life of a key");
        connection
    }
}

/// A connection made by a true handshake, whose ephemeral keys are told apart by `index`.
fn connect(suite: Suite, identity: &Arc<StaticKey>, index: usize) -> (Sealer, Opener) {
    let random = |role: u8| {
        let mut bytes = [role; 32];
        bytes[..8].copy_from_slice(&(index as u64).to_le_bytes());
        bytes
    };
    let (mut to_server, mut to_client) = (Vec::new(), Vec::new());
    let mut client = ClientHandshake::start(suite, random(2), &mut to_server);
    let mut server = ServerHandshake::new(Arc::clone(identity), 0);
    server.push(&mut to_server.as_slice()).expect("a hello");
    server
        .step(random(3), 0, &mut to_client)
        .expect("a genuine hello");
    let offer = client
        .read_reply(&mut to_client.as_slice())
        .expect("a genuine reply")
        .expect("a whole reply");
    to_server.clear();
    let introduction = Introduction {
        features: 0,
        client_name: "bench",
    };
    let client = offer
        .accept(Identity::Throwaway(random(4)), introduction, &mut to_server)
        .expect("a good key");
    server.push(&mut to_server.as_slice()).expect("an end");
    let Ok(Step::Done(server)) = server.step(random(5), 0, &mut to_client) else {
        panic!("the handshake is done");
    };
    let established = *server;
    (
        established.sealer.start(Duration::MAX),
        client.opener.start(),
    )
}

/// Each connection once, in an order without a pattern, the same in every run.
fn shuffled() -> Vec<usize> {
    let mut order: Vec<usize> = (0..CONNECTIONS).collect();
    let mut dice = 7u64;
    for end in (1..CONNECTIONS).rev() {
        dice = dice
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let other = usize::try_from(dice >> 33).expect("31 bits fit") % (end + 1);
        order.swap(end, other);
    }
    order
}

/// Both suites by turns, size by size, so that what else the machine does touches both.
fn seal(criterion: &mut Criterion) {
    let mut all = Suite::ALL.map(|suite| (suite, Connections::new(suite)));
    let mut buffer = Vec::with_capacity(WRITE_BUFFER_BYTES_MAX);
    for bytes in CONTENT_BYTES {
        let content = vec![b'x'; bytes];
        for (padding, name) in [(Padding::None, "exact"), (Padding::Blocks, "padded")] {
            for (suite, connections) in &mut all {
                let mut group = criterion.benchmark_group(group_name("seal", *suite));
                group.throughput(Throughput::Bytes(bytes as u64));
                group.bench_function(BenchmarkId::new(name, bytes), |bencher| {
                    bencher.iter(|| connections.seal(black_box(&content), padding, &mut buffer));
                });
            }
        }
    }
}

fn open(criterion: &mut Criterion) {
    let mut all = Suite::ALL.map(|suite| (suite, Connections::new(suite)));
    for bytes in CONTENT_BYTES {
        let content = vec![b'x'; bytes];
        for (suite, connections) in &mut all {
            let mut openers = std::mem::take(&mut connections.openers);
            let mut group = criterion.benchmark_group(group_name("open", *suite));
            group.throughput(Throughput::Bytes(bytes as u64));
            group.bench_function(BenchmarkId::new("padded", bytes), |bencher| {
                bencher.iter_batched(
                    || {
                        let mut record = Vec::with_capacity(RECORD_CONTENT_OFFSET + 2 * bytes);
                        let connection = connections.seal(&content, Padding::Blocks, &mut record);
                        (connection, record)
                    },
                    |(connection, mut record)| {
                        let opened = openers[connection].open(&mut record, Duration::ZERO);
                        assert!(opened.is_ok(), "each record is opened in its turn");
                        record
                    },
                    BatchSize::NumIterations(OPENED_PER_BATCH),
                );
            });
            drop(group);
            connections.openers = openers;
        }
    }
}

fn group_name(what: &str, suite: Suite) -> String {
    format!("{what}-suite-{}", suite.to_wire())
}

criterion_group!(benches, seal, open);
criterion_main!(benches);
