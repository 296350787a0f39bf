//! The schema: numbered migrations, to which further ones are only ever appended.
//!
//! The database's `user_version` says how many of them it has. A migration that was published is
//! never changed: files of every older version must become the same as new ones.
//!
//! An entry's `place` is its log's number above its id (`limits::PLACE_ID_BITS`), so that a log is
//! contiguous on the disk: pages are read, and rooms deleted, as ranges.

use rusqlite::Connection;

/// How the file says that it is ours: "Parl" in ASCII.
pub(super) const APPLICATION_ID: i32 = 0x5061_726C;

/// What turns a database of each version into one of the next.
pub(super) const MIGRATIONS: [&str; 1] = ["CREATE TABLE meta (
        key TEXT NOT NULL PRIMARY KEY,
        value ANY NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- The log of a room or an inbox. Entries are held from `first` to `newest`, and are in the
    -- index up to `indexed`. A log without a room has ended, and is deleted piece by piece.
    CREATE TABLE logs (
        number INTEGER PRIMARY KEY,
        room INTEGER UNIQUE,
        first INTEGER NOT NULL,
        newest INTEGER NOT NULL,
        newest_unix_ms INTEGER NOT NULL,
        indexed INTEGER NOT NULL
    ) STRICT;

    -- kind: 0 taken back, 1 said, 2 acted, 3 received, 4 sent.
    CREATE TABLE entries (
        place INTEGER PRIMARY KEY,
        unix_ms INTEGER NOT NULL,
        kind INTEGER NOT NULL,
        author TEXT NOT NULL,
        text TEXT NOT NULL
    ) STRICT;

    CREATE VIRTUAL TABLE words USING fts5 (
        author, text, content='', columnsize=0, tokenize='unicode61 remove_diacritics 2'
    );
    INSERT INTO words (words, rank) VALUES ('secure-delete', 1);

    -- What each sender sent lately, and the places it was given.
    CREATE TABLE sent (
        sender INTEGER NOT NULL,
        key INTEGER NOT NULL,
        id INTEGER NOT NULL,
        second INTEGER,
        unix_ms INTEGER NOT NULL,
        PRIMARY KEY (sender, key)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sent_by_age ON sent (unix_ms);

    CREATE TABLE rooms (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        topic TEXT,
        key TEXT,
        member_limit INTEGER,
        is_hidden INTEGER NOT NULL,
        admits_plain INTEGER NOT NULL,
        has_history INTEGER NOT NULL,
        guest INTEGER
    ) STRICT;

    -- role: 1 moderator, 2 owner.
    CREATE TABLE roles (
        room INTEGER NOT NULL,
        account INTEGER NOT NULL,
        role INTEGER NOT NULL,
        PRIMARY KEY (room, account)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX roles_by_account ON roles (account);

    CREATE TABLE invited (
        room INTEGER NOT NULL,
        account INTEGER NOT NULL,
        PRIMARY KEY (room, account)
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX invited_by_account ON invited (account);

    -- Exactly one of account and session is set.
    CREATE TABLE inboxes (
        id INTEGER PRIMARY KEY,
        account INTEGER,
        session INTEGER
    ) STRICT;
    CREATE INDEX inboxes_by_account ON inboxes (account) WHERE account IS NOT NULL;

    -- keys: 20 bytes of fingerprint and 8 of time each; rooms: numbers, and ignored: names, with
    -- spaces between them.
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY,
        name TEXT NOT NULL,
        password TEXT,
        keys BLOB NOT NULL,
        is_admin INTEGER NOT NULL,
        since_unix_ms INTEGER NOT NULL,
        seen_unix_ms INTEGER NOT NULL,
        inbox INTEGER,
        inbox_read INTEGER NOT NULL,
        rooms TEXT NOT NULL,
        current INTEGER,
        ignored TEXT NOT NULL
    ) STRICT;

    -- Names of accounts that ended or were renamed.
    CREATE TABLE retired (
        name TEXT NOT NULL PRIMARY KEY COLLATE NOCASE,
        since_unix_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;

    -- measure: 1 kick, 2 mute, 3 ban.
    CREATE TABLE sanctions (
        id INTEGER PRIMARY KEY,
        measure INTEGER NOT NULL,
        room INTEGER,
        name TEXT NOT NULL,
        account INTEGER,
        session INTEGER,
        source TEXT,
        key BLOB,
        decided_by TEXT NOT NULL,
        why TEXT,
        since_unix_ms INTEGER NOT NULL,
        until_unix_ms INTEGER,
        lifted_by TEXT,
        lifted_unix_ms INTEGER
    ) STRICT;
    CREATE INDEX sanctions_by_room ON sanctions (room) WHERE room IS NOT NULL;

    CREATE TABLE sessions (
        token BLOB NOT NULL PRIMARY KEY,
        account INTEGER NOT NULL,
        seen_unix_ms INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX sessions_by_account ON sessions (account);"];

/// How many migrations a database has.
pub(super) fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// How many migrations there are.
pub(super) fn version_known() -> i64 {
    i64::try_from(MIGRATIONS.len()).expect("there are few migrations")
}

/// Applies the migrations that a database lacks, each as a whole or not at all.
pub(super) fn migrate(connection: &Connection) -> rusqlite::Result<()> {
    let found = usize::try_from(version(connection)?).unwrap_or(0);
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(found) {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(migration)?;
        let version = i64::try_from(index + 1).expect("there are few migrations");
        transaction.pragma_update(None, "user_version", version)?;
        transaction.commit()?;
    }
    Ok(())
}
