-- A database of version 1.
CREATE TABLE meta (
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
CREATE INDEX sessions_by_account ON sessions (account);

-- What this version wrote: two messages and one that was taken back, an account with one message
-- waiting, and what is needed around them.
INSERT INTO meta (key, value) VALUES ('epoch', x'07070707070707070707070707070707');
INSERT INTO meta (key, value) VALUES ('clean', 1);
INSERT INTO meta (key, value) VALUES ('rooms_from', 6);
INSERT INTO meta (key, value) VALUES ('accounts_from', 2);
INSERT INTO logs VALUES (0, 1, 1, 3, 30, 1);
INSERT INTO logs VALUES (1, 5, 1, 2, 40, 2);
INSERT INTO entries VALUES (1, 10, 1, 'bob', 'hello');
INSERT INTO entries VALUES (2, 20, 0, 'bob', '');
INSERT INTO entries VALUES (3, 30, 1, 'bob', 'there');
INSERT INTO entries VALUES (68719476737, 10, 4, 'bob', 'are you in?');
INSERT INTO entries VALUES (68719476738, 40, 3, 'bob', 'psst');
INSERT INTO words (rowid, author, text) VALUES (1, 'bob', 'hello');
INSERT INTO words (rowid, author, text) VALUES (68719476737, 'bob', 'are you in?');
INSERT INTO words (rowid, author, text) VALUES (68719476738, 'bob', 'psst');
INSERT INTO sent VALUES (1, 1, 1, NULL, 10);
INSERT INTO rooms VALUES (1, 'lobby', 'talk', NULL, NULL, 0, 1, 1, NULL);
INSERT INTO roles VALUES (1, 1, 2);
INSERT INTO inboxes VALUES (5, 1, NULL);
INSERT INTO accounts VALUES (1, 'ann', '$argon2id$x', x'', 1, 5, 6, 5, 1, '1', 1, 'eve');
INSERT INTO sanctions VALUES (1, 3, 1, 'eve', NULL, 3, '192.0.2.1', NULL, 'ann', NULL, 7, NULL, NULL, NULL);
