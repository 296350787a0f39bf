//! What reading and writing the two dialects costs, per message and per byte.
//!
//! Run with `cargo bench --bench codec`; in the test run each measures nothing and runs once.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use parlour::chat::{
    Body, Entry, EntryId, Event, MessageKey, Name, Refusal, RoomId, RoomName, Sent,
};
use parlour::limits::{MESSAGE_BYTES_MAX, READ_BYTES_PER_VISIT, TEXT_BYTES_MAX};
use parlour::wire::frame::{Frame, FrameReader};
use parlour::wire::line::{self, LineItem, LineReader, Tense};
use parlour::wire::message::{
    ClientMessage, EntryView, decode_client, encode_client, encode_entry, encode_event,
};
use std::hint::black_box;

/// A text of the usual length.
const TEXT: &str = "has anybody seen the minutes of the last meeting? I cannot find them";

fn bytes(count: usize) -> Throughput {
    Throughput::Bytes(u64::try_from(count).expect("a length fits 64 bits"))
}

fn said(text: &str) -> Entry {
    Entry {
        id: Some(EntryId(1_000_000)),
        unix_ms: 1_800_000_000_000,
        author: Name::parse("alice").expect("it is a name"),
        origin: None,
        body: Body::Said(text.into()),
    }
}

/// As many commands as one visit reads.
fn client_stream() -> Vec<u8> {
    let mut stream = Vec::new();
    while stream.len() < READ_BYTES_PER_VISIT {
        let message = ClientMessage::Say {
            key: MessageKey(0x0123_4567_89ab_cdef),
            room: Some(RoomId(7)),
            action: false,
            text: TEXT,
        };
        encode_client(&message, &mut stream);
    }
    stream
}

fn frames(criterion: &mut Criterion) {
    let stream = client_stream();
    let mut group = criterion.benchmark_group("frame reader");
    group.throughput(bytes(stream.len()));
    for (label, piece_bytes) in [("whole", stream.len()), ("in pieces of 50", 50)] {
        group.bench_function(label, |bencher| {
            bencher.iter(|| {
                let mut reader = FrameReader::new(MESSAGE_BYTES_MAX);
                for mut input in black_box(&stream[..]).chunks(piece_bytes) {
                    while let Some(frame) = reader.peek(&mut input).expect("they are frames") {
                        black_box(frame);
                        reader.consume(&mut input);
                    }
                }
            });
        });
    }
    group.finish();
}

fn client(criterion: &mut Criterion) {
    let mut stream = client_stream();
    let mut group = criterion.benchmark_group("client message");
    group.bench_function("decode", |bencher| {
        let (frame, _) = Frame::first(&stream).expect("it begins with a frame");
        bencher.iter(|| black_box(decode_client(black_box(frame))).is_ok());
    });
    group.bench_function("encode", |bencher| {
        let message = ClientMessage::Run {
            key: MessageKey(7),
            line: TEXT,
        };
        bencher.iter(|| {
            stream.clear();
            encode_client(black_box(&message), &mut stream);
        });
    });
    group.finish();
}

fn entry(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("entry");
    let full = "x".repeat(TEXT_BYTES_MAX);
    for (label, text) in [("usual", TEXT), ("longest", &full)] {
        let (entry, mut stream) = (said(text), Vec::new());
        group.throughput(bytes(text.len()));
        group.bench_function(format!("encode {label}"), |bencher| {
            bencher.iter(|| {
                stream.clear();
                encode_entry(RoomId(7), black_box(&entry), &mut stream);
            });
        });
        stream.clear();
        encode_entry(RoomId(7), &entry, &mut stream);
        group.bench_function(format!("decode {label}"), |bencher| {
            let (frame, _) = Frame::first(&stream).expect("it is a frame");
            bencher.iter(|| EntryView::decode(black_box(frame)).map(|view| view.unix_seconds));
        });
    }
    group.finish();
}

fn event(criterion: &mut Criterion) {
    let to = Name::parse("bob").expect("it is a name");
    let events = [
        (
            "stored",
            Event::Stored {
                key: MessageKey(1 << 60),
                room: RoomId(7),
                id: EntryId(1_000_000),
                sent: Some(Sent { to, away: None }),
            },
        ),
        ("refused", Event::Refused(None, Refusal::NameTaken(to))),
        ("notice", Event::Notice(TEXT.into())),
    ];
    let mut group = criterion.benchmark_group("event");
    let mut out = Vec::new();
    for (label, event) in &events {
        group.bench_function(format!("sealed {label}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                encode_event(black_box(event), &mut out);
            });
        });
        group.bench_function(format!("line {label}"), |bencher| {
            bencher.iter(|| {
                out.clear();
                line::encode_event(black_box(event), &mut out);
            });
        });
    }
    group.finish();
}

fn lines(criterion: &mut Criterion) {
    let mut stream = String::new();
    while stream.len() < READ_BYTES_PER_VISIT {
        stream.push_str(TEXT);
        stream.push('\n');
    }
    let mut group = criterion.benchmark_group("line reader");
    group.throughput(bytes(stream.len()));
    for (label, piece_bytes) in [("whole", stream.len()), ("in pieces of 50", 50)] {
        group.bench_function(label, |bencher| {
            let read = |mut reader: LineReader| {
                for mut input in black_box(stream.as_bytes()).chunks(piece_bytes) {
                    while let Some(item) = reader.peek(&mut input) {
                        assert!(matches!(item, LineItem::Line(_)), "they are lines");
                        reader.consume(&mut input);
                    }
                }
            };
            let new = || LineReader::new(TEXT_BYTES_MAX);
            bencher.iter_batched(new, read, BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn words(criterion: &mut Criterion) {
    let room = RoomName::parse("lobby").expect("it is a room's name");
    let entry = said(TEXT);
    let view = EntryView::of(RoomId(7), &entry);
    let mut group = criterion.benchmark_group("line entry");
    let mut out = Vec::new();
    for (label, tense) in [("live", Tense::Live), ("past", Tense::Past)] {
        group.bench_function(label, |bencher| {
            bencher.iter(|| {
                out.clear();
                line::encode_entry(black_box(&view), Some(&room), tense, &mut out);
            });
        });
    }
    group.finish();
}

criterion_group!(codec, frames, client, entry, event, lines, words);
criterion_main!(codec);
