//! A full disk, and another process that holds the database.

use super::*;
use rusqlite::Connection;

/// Lets the database grow by no more than a few pages.
fn fill(store: &SqliteStore) {
    let pages: i64 = store
        .connection
        .pragma_query_value(None, "page_count", |row| row.get(0))
        .unwrap();
    let more = pages + 4;
    store
        .connection
        .pragma_query_value(None, "max_page_count", |_| Ok(()))
        .unwrap();
    store
        .connection
        .pragma_update_and_check(None, "max_page_count", more, |_| Ok(()))
        .unwrap();
}

#[test]
fn a_full_disk_is_told_and_recovers() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store.commit(1, &[said(1, 1, "small")]).unwrap();
    fill(&store);
    let large = "x".repeat(100_000);
    let batch = [said(1, 2, &large), change(Change::PutRoom(room_record(9)))];
    for _ in 0..3 {
        let why = store.commit(2, &batch).unwrap_err();
        assert_eq!(why, StoreFailure::DiskFull);
    }
    assert_eq!(
        texts(&page(&mut reader(&store), 1, From::Newest(9))),
        ["small"]
    );
    assert!(store.load(2).unwrap().rooms.is_empty());
    store
        .connection
        .pragma_update_and_check(None, "max_page_count", 1 << 20, |_| Ok(()))
        .unwrap();
    let stored = store.commit(3, &batch).unwrap();
    assert_eq!(
        place(&stored[0]),
        (2, true),
        "nothing of the failed ones is left"
    );
    assert_eq!(store.load(3).unwrap().rooms_from, RoomId(10));
    settle(&mut store, 3);
}

/// Goal: what another process does is waited for, not failed by. Method: it holds the database for
/// a while; then for longer than the journal waits.
#[test]
fn a_database_that_is_held_delays_and_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let other = Connection::open(folder.path().join("parlour.db")).unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let holder = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(300));
        other.execute_batch("COMMIT").unwrap();
        other
    });
    let stored = store.commit(1, &[said(1, 1, "late")]).unwrap();
    assert_eq!(place(&stored[0]), (1, true));
    let other = holder.join().unwrap();
    other.execute_batch("BEGIN EXCLUSIVE").unwrap();
    store
        .connection
        .busy_timeout(Duration::from_millis(50))
        .unwrap();
    let batch = [said(1, 2, "never"), said(1, 3, "never")];
    assert_eq!(store.commit(2, &batch).unwrap_err(), StoreFailure::Io);
    assert_eq!(store.idle(2).unwrap_err(), StoreFailure::Io);
    other.execute_batch("COMMIT").unwrap();
    let stored = store.commit(3, &[said(1, 3, "now")]).unwrap();
    assert_eq!(place(&stored[0]), (2, true));
}

#[test]
fn a_reader_at_work_does_not_hold_up_the_journal() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    store
        .commit(1, &[said(1, 1, "one"), said(1, 2, "vanishing")])
        .unwrap();
    settle(&mut store, 1);
    let other = Connection::open(folder.path().join("parlour.db")).unwrap();
    other.execute_batch("BEGIN").unwrap();
    let count = |sql| {
        other
            .query_row(sql, [], |row| row.get::<_, i64>(0))
            .unwrap()
    };
    assert_eq!(count("SELECT count(*) FROM entries"), 2);
    store
        .commit(2, &[change(Change::Erase(RoomId(1), EntryId(2)))])
        .unwrap();
    // What the reader still sees cannot go; it is tried again.
    settle(&mut store, 2);
    assert!(is_on_disk(folder.path(), b"vanishing"));
    other.execute_batch("COMMIT").unwrap();
    settle(&mut store, 3);
    assert!(!is_on_disk(folder.path(), b"vanishing"));
}
