//! Files that must not be opened, and files of older versions, which must.

use super::super::schema;
use super::*;
use rusqlite::Connection;
use std::fs;

fn database(folder: &Path) -> std::path::PathBuf {
    folder.join("parlour.db")
}

/// A folder whose server was stopped properly, or not.
fn folder(is_clean: bool) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let batch: Vec<_> = (1..=2_000)
        .map(|key| said(1, key, "some words to fill pages"))
        .collect();
    store.commit(1, &batch).unwrap();
    settle(&mut store, 1);
    if is_clean {
        store.close().unwrap();
    }
    folder
}

#[test]
fn a_second_store_in_one_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let store = open(folder.path());
    let words = refusal(folder.path());
    assert!(words.contains("another server"), "{words}");
    drop(store);
    drop(open(folder.path()));
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    for is_clean in [true, false] {
        for page in [0_usize, 1, 7, 20] {
            let folder = folder(is_clean);
            let path = database(folder.path());
            let _ = fs::remove_file(folder.path().join("parlour.db-wal"));
            let mut bytes = fs::read(&path).unwrap();
            let at = page * 4_096;
            for byte in &mut bytes[at..at + 200] {
                *byte ^= 0xA5;
            }
            fs::write(&path, &bytes).unwrap();
            let words = refusal(folder.path());
            assert!(
                words.contains("parlour.db is damaged") && words.contains("restore"),
                "page {page}: {words}"
            );
            assert!(fs::read(&path).unwrap() == bytes, "page {page} was written");
        }
    }
}

#[test]
fn an_empty_a_cut_or_a_missing_file_is_not_taken_for_a_new_one() {
    let cut = folder(true);
    let length = fs::metadata(database(cut.path())).unwrap().len();
    let file = fs::OpenOptions::new()
        .write(true)
        .open(database(cut.path()))
        .unwrap();
    file.set_len(length / 2).unwrap();
    assert!(refusal(cut.path()).contains("damaged"));
    file.set_len(0).unwrap();
    assert!(refusal(cut.path()).contains("it is empty"));

    let missing = folder(false);
    let mut store = open(missing.path());
    store.commit(1, &[said(1, 9_999, "in the log")]).unwrap();
    drop(store);
    fs::remove_file(database(missing.path())).unwrap();
    assert!(refusal(missing.path()).contains("it is gone"));
    assert!(!database(missing.path()).exists());
}

#[test]
fn a_file_of_another_program_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let other = Connection::open(database(folder.path())).unwrap();
    other
        .execute_batch("CREATE TABLE recipes (name TEXT)")
        .unwrap();
    drop(other);
    let words = refusal(folder.path());
    assert!(words.contains("another program"), "{words}");
}

#[test]
fn a_newer_file_is_refused_and_left_as_it_is() {
    let folder = folder(true);
    let newer = schema::version_known() + 1;
    let connection = Connection::open(database(folder.path())).unwrap();
    connection
        .pragma_update(None, "user_version", newer)
        .unwrap();
    connection.close().unwrap();
    let before = fs::read(database(folder.path())).unwrap();
    let words = refusal(folder.path());
    assert!(
        words.contains("newer version") && words.contains(&format!("format {newer}")),
        "{words}"
    );
    assert!(fs::read(database(folder.path())).unwrap() == before);
}

#[test]
fn a_store_that_was_not_closed_is_whole() {
    let folder = folder(false);
    let mut store = open(folder.path());
    assert_eq!(
        place(&store.commit(2, &[said(1, 1, "x")]).unwrap()[0]),
        (1, false)
    );
    assert_eq!(
        place(&store.commit(2, &[said(1, 2_001, "x")]).unwrap()[0]),
        (2_001, true)
    );
}

#[test]
fn what_a_crash_left_of_a_first_start_is_no_hindrance() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("parlour.db.new"), "half a databas").unwrap();
    assert!(open(folder.path()).is_new());
    assert!(!folder.path().join("parlour.db.new").exists());
}

/// What a database of each older version holds, as SQL: the state of things when that version was
/// the newest. Each has the same content as far as its version could express it.
const FIXTURES: [&str; 1] = [include_str!("version_1.sql")];

#[test]
fn files_of_every_older_version_are_brought_up_to_date() {
    assert_eq!(
        FIXTURES.len(),
        schema::MIGRATIONS.len(),
        "a new migration needs a fixture of the version that it makes"
    );
    for (index, fixture) in FIXTURES.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let connection = Connection::open(database(folder.path())).unwrap();
        connection
            .pragma_update(None, "application_id", schema::APPLICATION_ID)
            .unwrap();
        connection.execute_batch(fixture).unwrap();
        let version = i64::try_from(index + 1).unwrap();
        connection
            .pragma_update(None, "user_version", version)
            .unwrap();
        connection.close().unwrap();
        let mut store = open(folder.path());
        assert_eq!(
            schema::version(&store.connection).unwrap(),
            schema::version_known()
        );
        settle(&mut store, 1_000);
        let snapshot = store.load(1_000).unwrap();
        assert_eq!(snapshot.epoch, EPOCH);
        assert_eq!(snapshot.accounts[0].name.as_str(), "ann");
        assert_eq!(snapshot.rooms[0].0.name.as_str(), "lobby");
        assert_eq!(snapshot.rooms[0].1.newest, EntryId(3));
        assert_eq!(snapshot.waiting.len(), 1);
        let mut reader = reader(&store);
        assert_eq!(
            texts(&page(&mut reader, 1, From::Newest(9))),
            ["hello", "there"]
        );
        assert_eq!(found(&mut reader, &search_for(&["there"])), ["there"]);
        let again = store.commit(1_001, &[said(1, 1, "hello")]).unwrap();
        assert_eq!(place(&again[0]), (1, false));
    }
}

/// Goal: a file that is migrated is the same as one that is made. Method: compare their schemas.
#[test]
fn a_migrated_schema_is_the_schema_of_a_new_file() {
    let shape = |connection: &Connection| -> Vec<(String, Option<String>)> {
        let sql = "SELECT name, sql FROM sqlite_schema ORDER BY name";
        let mut statement = connection.prepare(sql).unwrap();
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
        rows.unwrap().collect::<Result<_, _>>().unwrap()
    };
    let fresh = Connection::open_in_memory().unwrap();
    schema::migrate(&fresh).unwrap();
    for (index, fixture) in FIXTURES.iter().enumerate() {
        let old = Connection::open_in_memory().unwrap();
        old.execute_batch(fixture).unwrap();
        let version = i64::try_from(index + 1).unwrap();
        old.pragma_update(None, "user_version", version).unwrap();
        schema::migrate(&old).unwrap();
        let bare = |rows: Vec<(String, Option<String>)>| -> Vec<(String, Option<String>)> {
            let words = |sql: String| sql.split_whitespace().collect::<Vec<_>>().join(" ");
            rows.into_iter()
                .map(|(name, sql)| (name, sql.map(words)))
                .collect()
        };
        assert_eq!(bare(shape(&old)), bare(shape(&fresh)));
    }
}
