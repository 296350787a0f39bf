//! The store on disk: it keeps what it promised, and refuses what it cannot promise.

mod conformance;
mod damage;
mod model;
mod pages;
mod space;

use super::*;
use crate::chat::{
    Append, Body, Change, EntryId, Epoch, From, MessageKey, Name, RoomName, RoomRecord, SessionId,
    Ticket,
};
use std::path::Path;
use std::sync::Arc;

pub(super) const EPOCH: Epoch = Epoch([7; 16]);

pub(super) fn open(folder: &Path) -> SqliteStore {
    open_with(folder, Retention::default())
}

pub(super) fn open_with(folder: &Path, retention: Retention) -> SqliteStore {
    SqliteStore::open(folder, EPOCH, retention).unwrap()
}

/// A reader whose clock stands still, so that no question is ever over.
pub(super) fn reader(store: &SqliteStore) -> SqliteReader {
    store.reader(Arc::new(|| Duration::ZERO)).unwrap()
}

/// Why a store cannot be opened, in words.
pub(super) fn refusal(folder: &Path) -> String {
    match SqliteStore::open(folder, EPOCH, Retention::default()) {
        Ok(_) => panic!("it was opened"),
        Err(error) => error.to_string(),
    }
}

pub(super) fn entry(unix_ms: u64, author: &str, text: &str) -> Entry {
    Entry {
        id: None,
        unix_ms,
        author: Name::parse(author).unwrap(),
        origin: None,
        body: Body::Said(text.into()),
    }
}

/// A message of a sender of the same number as the room.
pub(super) fn said(room: u64, key: u64, text: &str) -> Write {
    said_at(room, key, text, key)
}

pub(super) fn said_at(room: u64, key: u64, text: &str, unix_ms: u64) -> Write {
    Write::Append(Append {
        ticket: Ticket(key),
        sender: (SessionId(room), MessageKey(key)),
        row: (RoomId(room), entry(unix_ms, "bob", text)),
        second: None,
    })
}

pub(super) fn change(change: Change) -> Write {
    Write::Change {
        ticket: Ticket(0),
        change,
    }
}

pub(super) fn room_record(id: u64) -> RoomRecord {
    RoomRecord {
        id: RoomId(id),
        name: RoomName::parse(&format!("room{id}")).unwrap(),
        topic: None,
        key: None,
        limit: None,
        is_hidden: false,
        admits_plain: true,
        has_history: true,
        guest: None,
        roles: Vec::new(),
        invited: Vec::new(),
    }
}

/// Does all that can wait.
pub(super) fn settle(store: &mut SqliteStore, unix_ms: u64) {
    for _ in 0..10_000 {
        if store.idle(unix_ms).unwrap() == Idle::Done {
            return;
        }
    }
    panic!("the chores never end");
}

pub(super) fn page(reader: &mut SqliteReader, room: u64, from: From) -> Page {
    let before = EntryId(u64::MAX);
    let room = RoomId(room);
    reader.page(&PageRequest { room, from, before }).unwrap()
}

pub(super) fn texts(page: &Page) -> Vec<String> {
    page.entries.iter().map(text).collect()
}

pub(super) fn text(entry: &Entry) -> String {
    codec::of_body(&entry.body).unwrap().1.to_string()
}

/// The outcome of storing one message: its id, and whether it was not known before.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "anything else fails the test"
)]
pub(super) fn place(outcome: &Outcome) -> (u64, bool) {
    match outcome {
        Outcome::Stored { id, fresh, .. } => (id.0, *fresh),
        other => panic!("not stored: {other:?}"),
    }
}

pub(super) fn search_for(words: &[&str]) -> Search {
    Search {
        ticket: Ticket(0),
        rooms: vec![RoomId(1)],
        words: words.iter().map(|word| (*word).into()).collect(),
        from: None,
        since_unix_ms: None,
        hits_max: 50,
    }
}

pub(super) fn found(reader: &mut SqliteReader, search: &Search) -> Vec<String> {
    let hits = reader.search(search).unwrap();
    hits.entries.iter().map(|(_, entry)| text(entry)).collect()
}

/// Whether the bytes are in any file of the folder.
pub(super) fn is_on_disk(folder: &Path, bytes: &[u8]) -> bool {
    std::fs::read_dir(folder).unwrap().any(|file| {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        content.windows(bytes.len()).any(|part| part == bytes)
    })
}

#[test]
fn a_new_store_is_private_and_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    assert!(store.is_new());
    store.commit(1, &[said(1, 1, "hello")]).unwrap();
    drop(store);
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let file = file.unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", file.path().display());
        }
    }
    let other = Epoch([9; 16]);
    let store = SqliteStore::open(folder.path(), other, Retention::default()).unwrap();
    assert!(!store.is_new());
    assert_eq!(store.load(2).unwrap().epoch, EPOCH);
    assert_eq!(
        texts(&page(&mut reader(&store), 1, From::Newest(5))),
        ["hello"]
    );
}

#[test]
fn another_history_has_another_epoch() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.set_epoch(Epoch([1; 16])).unwrap();
    drop(store);
    assert_eq!(open(folder.path()).load(0).unwrap().epoch, Epoch([1; 16]));
}

#[test]
fn a_message_sent_again_is_recognised_after_a_restart_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let stored = store
        .commit(1, &[said(1, 1, "a"), said(1, 2, "b")])
        .unwrap();
    assert_eq!(
        stored.iter().map(place).collect::<Vec<_>>(),
        [(1, true), (2, true)]
    );
    drop(store);
    let mut store = open(folder.path());
    let batch = [said(1, 2, "b"), said(1, 3, "c"), said(1, 3, "c")];
    let stored = store.commit(2, &batch).unwrap();
    let places: Vec<_> = stored.iter().map(place).collect();
    assert_eq!(places, [(2, false), (3, true), (3, false)]);
}

#[test]
fn what_one_sender_sent_is_remembered_within_bounds() {
    use crate::limits::{DEDUPE_AGE_MAX, UNACKNOWLEDGED_MAX};
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let most = UNACKNOWLEDGED_MAX as u64;
    for key in 1..=most + 500 {
        store.commit(key, &[said(1, key, "x")]).unwrap();
    }
    settle(&mut store, most + 500);
    let count = |store: &SqliteStore| -> i64 {
        let sql = "SELECT count(*) FROM sent";
        store
            .connection
            .query_row(sql, [], |row| row.get(0))
            .unwrap()
    };
    assert!(count(&store) < 1_500, "{}", count(&store));
    assert!(!place(&store.commit(9_999, &[said(1, 501, "x")]).unwrap()[0]).1);
    let day = u64::try_from(DEDUPE_AGE_MAX.as_millis()).unwrap();
    settle(&mut store, day + 20_000);
    assert_eq!(count(&store), 0, "nobody sends again after a day");
}

#[test]
fn both_inboxes_of_a_conversation_or_none() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let private = Write::Append(Append {
        ticket: Ticket(1),
        sender: (SessionId(1), MessageKey(1)),
        row: (RoomId(5), entry(1, "bob", "psst")),
        second: Some((RoomId(6), entry(1, "ann", "psst"))),
    });
    for fresh in [true, false] {
        let stored = store.commit(1, std::slice::from_ref(&private)).unwrap();
        assert!(
            matches!(
                stored[..],
                [Outcome::Stored { id: EntryId(1), second: Some(EntryId(1)), fresh: found, .. }]
                if found == fresh
            ),
            "{stored:?}"
        );
    }
    let mut reader = reader(&store);
    for room in [5, 6] {
        assert_eq!(texts(&page(&mut reader, room, From::Newest(9))), ["psst"]);
    }
}

/// Goal: what is taken back is gone from the disk, not only from sight. Method: look for its bytes
/// in all files.
#[test]
fn what_is_taken_back_leaves_no_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let secret = "xylophone-marzipan-4711";
    let long = format!("{secret} {}", "zeppelin ".repeat(2_000));
    let batch = [
        said(1, 1, "before"),
        said(1, 2, secret),
        said(1, 3, &long),
        said(1, 4, "after"),
    ];
    store.commit(4, &batch).unwrap();
    settle(&mut store, 4);
    assert!(is_on_disk(folder.path(), secret.as_bytes()));
    assert!(is_on_disk(folder.path(), b"xylophone"));
    store.commit(5, &[said(1, 5, "quokka")]).unwrap();
    let erased = [2, 3, 5].map(|id| change(Change::Erase(RoomId(1), EntryId(id))));
    store.commit(6, &erased).unwrap();
    settle(&mut store, 6);
    for word in [secret, "xylophone", "marzipan", "zeppelin", "quokka"] {
        assert!(
            !is_on_disk(folder.path(), word.as_bytes()),
            "{word} is there"
        );
    }
    let mut reader = reader(&store);
    let page = page(&mut reader, 1, From::After(EntryId(0)));
    assert_eq!(texts(&page), ["before", "after"]);
    assert_eq!(page.missed, 0, "taken back is not missed");
    let ids: Vec<_> = page
        .entries
        .iter()
        .map(|entry| entry.id.unwrap().0)
        .collect();
    assert_eq!(ids, [1, 4]);
    assert!(found(&mut reader, &search_for(&["xylophone"])).is_empty());
    assert_eq!(
        place(&store.commit(7, &[said(1, 6, "next")]).unwrap()[0]),
        (6, true)
    );
}

#[test]
fn a_room_that_ends_takes_along_what_was_said_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let mut batch = vec![change(Change::PutRoom(room_record(2)))];
    batch.extend((1..=700).map(|key| said(2, key, "rhubarb")));
    batch.push(said(1, 1, "elsewhere"));
    store.commit(1, &batch).unwrap();
    settle(&mut store, 1);
    let mut reader = reader(&store);
    store
        .commit(2, &[change(Change::RemoveRoom(RoomId(2)))])
        .unwrap();
    assert!(
        texts(&page(&mut reader, 2, From::Newest(9))).is_empty(),
        "at once"
    );
    drop(store);
    let mut store = open(folder.path());
    settle(&mut store, 3);
    assert!(!is_on_disk(folder.path(), b"rhubarb"));
    assert!(is_on_disk(folder.path(), b"elsewhere"));
    let snapshot = store.load(3).unwrap();
    assert!(snapshot.rooms.is_empty());
    assert_eq!(
        snapshot.rooms_from,
        RoomId(3),
        "its number is not given again"
    );
    // The next log takes its number.
    store.commit(4, &[said(3, 1, "fresh start")]).unwrap();
    settle(&mut store, 4);
    assert_eq!(
        texts(&page(&mut reader, 3, From::Newest(9))),
        ["fresh start"]
    );
}

/// Goal: a number that is given again shows nothing of its former log. Method: end and begin rooms
/// while the chores are at any point.
#[test]
fn rooms_that_follow_each_other_do_not_mix() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    for room in 1..=40 {
        let text = format!("room {room}");
        let batch: Vec<_> = (1..=300).map(|key| said(room, key, &text)).collect();
        store.commit(room, &batch).unwrap();
        for _ in 0..room % 5 {
            store.idle(room).unwrap();
        }
        if room > 2 {
            store
                .commit(room, &[change(Change::RemoveRoom(RoomId(room - 2)))])
                .unwrap();
        }
    }
    settle(&mut store, 41);
    let mut reader = reader(&store);
    for room in [39, 40] {
        let search = Search {
            rooms: vec![RoomId(room)],
            ..search_for(&["room"])
        };
        let wanted = format!("room {room}");
        let hits = found(&mut reader, &search);
        assert_eq!(hits.len(), 50);
        assert!(hits.iter().all(|text| *text == wanted), "{hits:?}");
    }
}

#[test]
fn what_is_too_old_or_too_much_goes() {
    let folder = tempfile::tempdir().unwrap();
    let hour = Duration::from_secs(3_600);
    let retention = Retention {
        age: Some(hour),
        entries: Some(1_000),
    };
    let mut store = open_with(folder.path(), retention);
    let batch: Vec<_> = (1..=3_000)
        .map(|key| said_at(1, key, "porridge", key))
        .collect();
    store.commit(3_000, &batch).unwrap();
    let old: Vec<_> = (1..=10).map(|key| said_at(2, key, "ancient", 1)).collect();
    store.commit(3_000, &old).unwrap();
    settle(&mut store, 3_000);
    let mut reader = reader(&store);
    let page = page(&mut reader, 1, From::After(EntryId(5)));
    assert_eq!(page.missed, 1_995);
    assert_eq!(page.entries[0].id, Some(EntryId(2_001)));
    let late = u64::try_from(hour.as_millis()).unwrap() + 2;
    settle(&mut store, late);
    assert!(!is_on_disk(folder.path(), b"ancient"));
    let request = PageRequest {
        room: RoomId(2),
        from: From::After(EntryId(3)),
        before: EntryId(20),
    };
    let page = reader.page(&request).unwrap();
    assert!(page.entries.is_empty() && page.is_last);
    assert_eq!(page.missed, 7);
    assert_eq!(
        place(&store.commit(late, &[said(2, 11, "new")]).unwrap()[0]),
        (11, true)
    );
    drop(store);
    assert_eq!(
        place(
            &open(folder.path())
                .commit(late, &[said(2, 12, "newer")])
                .unwrap()[0]
        ),
        (12, true)
    );
}

#[test]
fn a_backup_is_whole_and_can_be_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.commit(1, &[said(1, 1, "kept")]).unwrap();
    settle(&mut store, 1);
    let file = folder.path().join("copy.db");
    back_up(folder.path(), &file).unwrap();
    assert!(
        back_up(folder.path(), &file).is_err(),
        "nothing is overwritten"
    );
    store.commit(2, &[said(1, 2, "after the backup")]).unwrap();
    let other = Epoch([3; 16]);
    assert!(
        restore(&file, folder.path(), other).is_err(),
        "it is in use"
    );
    drop(store);
    restore(&file, folder.path(), other).unwrap();
    let store = open(folder.path());
    assert_eq!(store.load(3).unwrap().epoch, other);
    assert_eq!(
        texts(&page(&mut reader(&store), 1, From::Newest(9))),
        ["kept"]
    );
    drop(store);
    let elsewhere = tempfile::tempdir().unwrap();
    restore(&file, elsewhere.path(), other).unwrap();
    let store = open(elsewhere.path());
    assert_eq!(found(&mut reader(&store), &search_for(&["kept"])), ["kept"]);
}

/// Goal: not even what the database left behind when it rearranged its pages outlasts compacting.
/// Method: let rooms that grow beside each other split many pages, and look for every text.
#[test]
fn compacting_removes_every_copy_of_what_is_gone() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let word = |room, round| format!("needle{room}x{round}y");
    for round in 1..=100 {
        let text = |room| format!("{} {}", word(room, round), "z".repeat(round % 90));
        let key = round as u64;
        let batch: Vec<_> = (1..=24).map(|room| said(room, key, &text(room))).collect();
        store.commit(key, &batch).unwrap();
        if round % 7 == 0 {
            settle(&mut store, key);
        }
    }
    settle(&mut store, 100);
    let mut batch: Vec<_> = (1..=100)
        .map(|id| change(Change::Erase(RoomId(5), EntryId(id))))
        .collect();
    batch.push(change(Change::RemoveRoom(RoomId(6))));
    store.commit(101, &batch).unwrap();
    settle(&mut store, 102);
    assert!(compact(folder.path()).is_err(), "it is in use");
    drop(store);
    compact(folder.path()).unwrap();
    for round in 1..=100 {
        for room in [5, 6] {
            assert!(!is_on_disk(folder.path(), word(room, round).as_bytes()));
        }
    }
    let store = open(folder.path());
    let seventh = Search {
        rooms: vec![RoomId(7)],
        ..search_for(&["needle7x50y"])
    };
    assert_eq!(
        found(&mut reader(&store), &seventh).len(),
        1,
        "the rest is there"
    );
}

#[test]
fn what_is_no_backup_is_not_brought_back() {
    let folder = tempfile::tempdir().unwrap();
    drop(open(folder.path()));
    let file = folder.path().join("notes.txt");
    std::fs::write(
        &file,
        "these are not the messages you are looking for".repeat(100),
    )
    .unwrap();
    let words = restore(&file, folder.path(), EPOCH)
        .unwrap_err()
        .to_string();
    assert!(words.contains("notes.txt"), "{words}");
    drop(open(folder.path()));
}
