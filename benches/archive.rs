//! An old server's database: how long it takes to make one of millions of messages, to open it, and
//! to read and search in it.
//!
//! Written as the journal writes, by the store's own code, in large batches with the chores between
//! them. Messages are spread over a year, half of them in the lobby, the rest in other rooms; words
//! are as unevenly spread as in speech, with one that is common and one that is rare.
//!
//! `cargo bench --bench archive -- --folder DIR --messages 5000000`. A folder that has a database is
//! measured as it is; without a folder it is made among temporary files and goes. To see a server
//! start on it: `loadtest idle -c 10 -d 1s --data DIR`. In the test run it is small, and nothing is
//! said of time.

use parlour::chat::{
    Append, Body, Change, Entry, EntryId, Epoch, From, LOBBY, LOBBY_NAME, MessageKey, Name,
    PageRequest, RoomId, RoomName, RoomRecord, Search, SessionId, Ticket, Write,
};
use parlour::limits::{SEARCH_HITS_MAX, UNACKNOWLEDGED_MAX};
use parlour::store::{Idle, Reader, Retention, SqliteReader, SqliteStore, Store, reader};
use std::error::Error;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// How many, when nothing else is asked for: as many as are made in a second or two.
const MESSAGES: u64 = 100_000;
const TESTED: u64 = 3_000;
/// Messages of one commit; as many as queue while a slow disk syncs.
const BATCH: u64 = 4_096;
/// Rooms beside the lobby.
const ROOMS: u64 = 16;
/// Different words.
const WORDS: f64 = 50_000.0;
const WORDS_PER_MESSAGE: usize = 10;
/// In one message of so many is the common word.
const COMMON_EVERY: u64 = 10;
const COMMON: &str = "meeting";
/// How many messages have the rare one.
const RARE_COUNT: u64 = 5;
const RARE: &str = "needle";
/// When the first message was said, and how long the last one is after it.
const BEGIN_UNIX_MS: u64 = 1_700_000_000_000;
const YEAR_MS: u64 = 365 * 24 * 3_600 * 1_000;
const DAY_MS: u64 = YEAR_MS / 365;
/// Times each question is asked.
const ROUNDS: u32 = 101;
/// An odd number without a pattern, to mix with.
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;

/// The messages, each made of its number.
struct Archive {
    messages: u64,
}

impl Archive {
    fn unix_ms(&self, number: u64) -> u64 {
        BEGIN_UNIX_MS + number.min(self.messages) * YEAR_MS / self.messages
    }

    fn message(&self, number: u64) -> Write {
        let mut dice = Dice(number.wrapping_mul(MIX));
        let room = if dice.next().is_multiple_of(2) {
            LOBBY
        } else {
            RoomId(LOBBY.0 + 1 + dice.next() % ROOMS)
        };
        let mut text = String::new();
        for _ in 0..WORDS_PER_MESSAGE {
            let share = dice.share();
            // The lower the number, the more often the word is said.
            let _ = write!(text, "w{:.0} ", WORDS * share * share * share);
        }
        if number.is_multiple_of(COMMON_EVERY) {
            text.push_str(COMMON);
            text.push(' ');
        }
        if number.is_multiple_of((self.messages / RARE_COUNT).max(1)) {
            text.push_str(RARE);
        }
        let entry = Entry {
            id: None,
            unix_ms: self.unix_ms(number),
            author: Name::parse(&format!("user{}", dice.next() % 1_000)).expect("it is a name"),
            origin: None,
            body: Body::Said(text.trim_end().into()),
        };
        let session = SessionId((number / UNACKNOWLEDGED_MAX as u64).wrapping_mul(MIX));
        Write::Append(Append {
            ticket: Ticket(number),
            sender: (session, MessageKey(number)),
            row: (room, entry),
            second: None,
        })
    }

    /// Writes all of them, and lets the index follow; how long each took.
    fn fill(&self, store: &mut SqliteStore) -> Outcome<(Duration, Duration)> {
        let failed = |why| format!("not stored: {why:?}");
        let rooms: Vec<_> = (LOBBY.0..=LOBBY.0 + ROOMS).map(put_room).collect();
        store.commit(BEGIN_UNIX_MS, &rooms).map_err(failed)?;
        let (mut committing, mut idling) = (Duration::ZERO, Duration::ZERO);
        let mut next = 0;
        while next < self.messages {
            let end = (next + BATCH).min(self.messages);
            let batch: Vec<_> = (next..end).map(|number| self.message(number)).collect();
            next = end;
            let unix_ms = self.unix_ms(end);
            let begin = now();
            store.commit(unix_ms, &batch).map_err(failed)?;
            committing += begin.elapsed();
            let begin = now();
            while store.idle(unix_ms).map_err(failed)? == Idle::More {}
            idling += begin.elapsed();
        }
        Ok((committing, idling))
    }
}

fn put_room(number: u64) -> Write {
    let id = RoomId(number);
    let name = if id == LOBBY {
        LOBBY_NAME.to_owned()
    } else {
        format!("room{number}")
    };
    Write::Change {
        ticket: Ticket(0),
        change: Change::PutRoom(RoomRecord {
            id,
            name: RoomName::parse(&name).expect("it is a name"),
            topic: None,
            key: None,
            limit: None,
            is_hidden: false,
            admits_plain: true,
            has_history: true,
            guest: None,
            roles: Vec::new(),
            invited: Vec::new(),
        }),
    }
}

/// Numbers without a pattern, the same ones each time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(MIX);
        let mixed = (self.0 ^ (self.0 >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
        mixed ^ (mixed >> 32)
    }

    /// A number from 0 to 1.
    fn share(&mut self) -> f64 {
        let bits = u32::try_from(self.next() >> 32).expect("32 bits are left");
        f64::from(bits) / f64::from(u32::MAX)
    }
}

#[expect(clippy::disallowed_methods, reason = "a bench measures time")]
fn now() -> Instant {
    Instant::now()
}

fn open(folder: &Path) -> Outcome<SqliteStore> {
    let store = SqliteStore::open(folder, Epoch([1; 16]), Retention::default());
    Ok(store.map_err(|why| why.to_string())?)
}

/// Opens the database and reads what a server begins with.
fn start(folder: &Path) -> Outcome<(SqliteStore, Duration)> {
    let begin = now();
    let store = open(folder)?;
    let loaded = store.load(BEGIN_UNIX_MS + YEAR_MS);
    loaded.map_err(|why| why.to_string())?;
    Ok((store, begin.elapsed()))
}

fn bytes(folder: &Path) -> u64 {
    let file = folder.join("parlour.db");
    file.metadata().map_or(0, |file| file.len())
}

/// Asks `ROUNDS` times; prints the first, the median and the longest time.
fn ask(label: &str, mut question: impl FnMut(u32) -> Outcome<String>) -> Outcome<()> {
    let mut times = Vec::new();
    let mut answer = String::new();
    for round in 0..ROUNDS {
        let begin = now();
        answer = question(round)?;
        times.push(begin.elapsed());
    }
    let first = times[0];
    times.sort_unstable();
    let (median, last) = (times[times.len() / 2], times[times.len() - 1]);
    println!("{label:44} {median:>10.2?}   first {first:.2?}, longest {last:.2?}: {answer}");
    Ok(())
}

fn ask_pages(reader: &mut SqliteReader, newest: u64) -> Outcome<()> {
    let end = BEGIN_UNIX_MS + YEAR_MS;
    let mut page = |label: &str, from: &dyn Fn(u32) -> From| {
        ask(label, |round| {
            let request = PageRequest {
                room: LOBBY,
                from: from(round),
                before: EntryId(u64::MAX),
            };
            let page = reader.page(&request).map_err(|why| format!("{why:?}"))?;
            Ok(format!("{} entries", page.entries.len()))
        })
    };
    page("newest 20", &|_| From::Newest(20))?;
    page("newest 1,000", &|_| From::Newest(1_000))?;
    page("a page after an entry, all over the log", &|round| {
        From::After(EntryId(u64::from(round) * newest / u64::from(ROUNDS)))
    })?;
    page("a page from 2 hours ago", &|_| {
        From::Since(end - DAY_MS / 12)
    })?;
    page("a page from some day of the year", &|round| {
        From::Since(end - DAY_MS * u64::from(1 + round))
    })
}

fn ask_searches(reader: &mut SqliteReader) -> Outcome<()> {
    let everywhere: Vec<_> = (LOBBY.0..=LOBBY.0 + ROOMS).map(RoomId).collect();
    for (label, words, from, rooms) in [
        ("common word, lobby", &[COMMON][..], None, &everywhere[..1]),
        ("common word, 17 rooms", &[COMMON], None, &everywhere),
        ("rare word, 17 rooms", &[RARE], None, &everywhere),
        ("unknown word, 17 rooms", &["xyzzy"], None, &everywhere),
        (
            "common and rare, 17 rooms",
            &[COMMON, RARE],
            None,
            &everywhere,
        ),
        (
            "two common words, 17 rooms",
            &[COMMON, "w0"],
            None,
            &everywhere,
        ),
        (
            "what one of 1,000 people said",
            &[],
            Some("user7"),
            &everywhere,
        ),
    ] {
        let search = Search {
            ticket: Ticket(1),
            rooms: rooms.to_vec(),
            words: words.iter().map(|word| Box::from(*word)).collect(),
            from: from.map(|name| Name::parse(name).expect("it is a name")),
            since_unix_ms: None,
            hits_max: SEARCH_HITS_MAX,
        };
        ask(label, |_| {
            let hits = reader.search(&search).map_err(|why| format!("{why:?}"))?;
            let more = if hits.is_cut { " and more" } else { "" };
            Ok(format!("{} hits{more}", hits.entries.len()))
        })?;
    }
    Ok(())
}

fn measure(folder: &Path, messages: u64) -> Outcome<()> {
    if bytes(folder) == 0 {
        let mut store = open(folder)?;
        let (committing, idling) = Archive { messages }.fill(&mut store)?;
        store.close().map_err(|why| format!("{why:?}"))?;
        println!("{messages} messages stored in {committing:.1?}, indexed in {idling:.1?}");
    }
    println!("{} bytes", bytes(folder));
    let (store, unknown) = start(folder)?;
    // Not closed: the next start finds it as a crash leaves it.
    drop(store);
    let (mut store, unclean) = start(folder)?;
    store.close().map_err(|why| format!("{why:?}"))?;
    drop(store);
    let (mut store, clean) = start(folder)?;
    println!(
        "opened in {clean:.2?}; after a crash in {unclean:.2?}; first of all in {unknown:.2?}"
    );
    let clock = now();
    let reader = reader(folder, Arc::new(move || clock.elapsed()));
    let mut reader = reader.map_err(|why| why.to_string())?;
    ask_pages(&mut reader, messages / 2)?;
    ask_searches(&mut reader)?;
    store.close().map_err(|why| format!("{why:?}"))?;
    Ok(())
}

/// The word behind `name`.
fn option(name: &str) -> Option<String> {
    let mut words = std::env::args().skip_while(|word| word != name);
    words.nth(1)
}

fn main() -> Outcome<()> {
    let has = |name: &str| std::env::args().any(|word| word == name);
    let is_bench = has("--bench") && !has("--test");
    let usual = if is_bench { MESSAGES } else { TESTED };
    let messages = option("--messages").map_or(Ok(usual), |text| text.parse())?;
    match option("--folder") {
        Some(folder) => measure(Path::new(&folder), messages),
        None => measure(tempfile::tempdir()?.path(), messages),
    }
}
