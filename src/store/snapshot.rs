//! The snapshot: everything a chat begins with, read once at the start.

use super::codec::{self, number, number_if_any, unreadable};
use super::logs::Log;
use super::records::{self, Numbers};
use crate::chat::{
    AccountId, AccountRecord, ClientKey, Culprit, EntryId, Epoch, Extent, InboxRecord, Measure,
    Name, Owner, PasswordHash, Role, RoomId, RoomName, RoomRecord, SanctionId, SanctionRecord,
    SessionId, SessionRecord, Snapshot, TokenHash, Waiting,
};
use crate::limits::{ACCOUNT_NAME_RESERVED, ACCOUNT_RESUME_AGE_MAX, PLACE_ID_BITS};
use rusqlite::{Connection, Row};
use std::collections::BTreeMap;
use std::time::Duration;

/// Reads all that is in force at that time.
pub(super) fn load(connection: &Connection, unix_ms: u64) -> rusqlite::Result<Snapshot> {
    let transaction = connection.unchecked_transaction()?;
    let numbers = Numbers::load(&transaction)?;
    Ok(Snapshot {
        epoch: epoch(&transaction)?,
        rooms: rooms(&transaction)?,
        inboxes: inboxes(&transaction)?,
        accounts: all(
            &transaction,
            "SELECT id, name, password, keys, is_admin, since_unix_ms, seen_unix_ms, inbox, \
             inbox_read, rooms, current, ignored FROM accounts ORDER BY id",
            account,
        )?,
        retired: retired(&transaction, unix_ms)?,
        sanctions: sanctions(&transaction, unix_ms)?,
        sessions: sessions(&transaction, unix_ms)?,
        waiting: waiting(&transaction)?,
        rooms_from: RoomId(numbers.rooms),
        accounts_from: AccountId(numbers.accounts),
        sanctions_from: SanctionId(numbers.sanctions),
    })
}

/// Which history this is.
pub(super) fn epoch(connection: &Connection) -> rusqlite::Result<Epoch> {
    connection.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| {
        row.get(0).map(Epoch)
    })
}

fn all<T>(
    connection: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    let mut statement = connection.prepare(sql)?;
    statement.query_map([], read)?.collect()
}

/// What the log of a room holds; nothing when nothing was ever said there.
fn extent(connection: &Connection, room: RoomId) -> rusqlite::Result<Extent> {
    let log = Log::of_room(connection, room)?;
    Ok(log.map_or(Extent::EMPTY, |log| log.extent()))
}

fn rooms(connection: &Connection) -> rusqlite::Result<Vec<(RoomRecord, Extent)>> {
    let mut roles = BTreeMap::<RoomId, Vec<(AccountId, Role)>>::new();
    let sql = "SELECT room, account, role FROM roles";
    for (room, account, role) in all(connection, sql, |row| {
        let role = records::role(row.get(2)?).ok_or_else(|| unreadable(2))?;
        Ok((number(row, 0)?, number(row, 1)?, role))
    })? {
        let of_room = roles.entry(RoomId(room)).or_default();
        of_room.push((AccountId(account), role));
    }
    let mut invited = BTreeMap::<RoomId, Vec<AccountId>>::new();
    let sql = "SELECT room, account FROM invited";
    for (room, account) in all(connection, sql, |row| {
        Ok((number(row, 0)?, number(row, 1)?))
    })? {
        let of_room = invited.entry(RoomId(room)).or_default();
        of_room.push(AccountId(account));
    }
    let sql = "SELECT id, name, topic, key, member_limit, is_hidden, admits_plain, has_history, \
               guest FROM rooms ORDER BY id";
    let mut rooms = Vec::new();
    for mut record in all(connection, sql, room)? {
        record.roles = roles.remove(&record.id).unwrap_or_default();
        record.invited = invited.remove(&record.id).unwrap_or_default();
        rooms.push((extent(connection, record.id)?, record));
    }
    Ok(rooms
        .into_iter()
        .map(|(extent, record)| (record, extent))
        .collect())
}

/// A room without those who may do something in it.
fn room(row: &Row<'_>) -> rusqlite::Result<RoomRecord> {
    let name = RoomName::parse(row.get_ref(1)?.as_str()?).map_err(|_| unreadable(1))?;
    Ok(RoomRecord {
        id: RoomId(number(row, 0)?),
        name,
        topic: codec::text_if_any(row, 2)?,
        key: codec::text_if_any(row, 3)?,
        limit: row.get(4)?,
        is_hidden: row.get(5)?,
        admits_plain: row.get(6)?,
        has_history: row.get(7)?,
        guest: number_if_any(row, 8)?.map(SessionId),
        roles: Vec::new(),
        invited: Vec::new(),
    })
}

fn inboxes(connection: &Connection) -> rusqlite::Result<Vec<(InboxRecord, Extent)>> {
    let sql = "SELECT id, account, session FROM inboxes ORDER BY id";
    let records = all(connection, sql, |row| {
        let account = number_if_any(row, 1)?.map(|id| Owner::Account(AccountId(id)));
        let session = number_if_any(row, 2)?.map(|id| Owner::Session(SessionId(id)));
        Ok(InboxRecord {
            id: RoomId(number(row, 0)?),
            owner: account.or(session).ok_or_else(|| unreadable(1))?,
        })
    })?;
    let with_extent = |record: InboxRecord| Ok((record, extent(connection, record.id)?));
    records.into_iter().map(with_extent).collect()
}

fn account(row: &Row<'_>) -> rusqlite::Result<AccountRecord> {
    Ok(AccountRecord {
        id: AccountId(number(row, 0)?),
        name: codec::name(row, 1)?,
        password: codec::text_if_any(row, 2)?.map(PasswordHash),
        keys: codec::keys(row, 3)?,
        is_admin: row.get(4)?,
        since_unix_ms: number(row, 5)?,
        seen_unix_ms: number(row, 6)?,
        inbox: number_if_any(row, 7)?.map(RoomId),
        inbox_read: EntryId(number(row, 8)?),
        rooms: codec::split(row, 9, |word| word.parse().ok().map(RoomId))?,
        current: number_if_any(row, 10)?.map(RoomId),
        ignored: codec::split(row, 11, |word| Name::parse(word).ok())?,
    })
}

/// The time before which something of that age is too old.
pub(super) fn cutoff(unix_ms: u64, age: Duration) -> i64 {
    let age = u64::try_from(age.as_millis()).unwrap_or(u64::MAX);
    unix_ms.saturating_sub(age).cast_signed()
}

fn retired(connection: &Connection, unix_ms: u64) -> rusqlite::Result<Vec<(Name, u64)>> {
    let sql = "SELECT name, since_unix_ms FROM retired WHERE since_unix_ms > ?1";
    connection
        .prepare(sql)?
        .query_map([cutoff(unix_ms, ACCOUNT_NAME_RESERVED)], |row| {
            Ok((codec::name(row, 0)?, number(row, 1)?))
        })?
        .collect()
}

fn sessions(connection: &Connection, unix_ms: u64) -> rusqlite::Result<Vec<SessionRecord>> {
    let sql = "SELECT token, account, seen_unix_ms FROM sessions WHERE seen_unix_ms > ?1";
    connection
        .prepare(sql)?
        .query_map([cutoff(unix_ms, ACCOUNT_RESUME_AGE_MAX)], |row| {
            Ok(SessionRecord {
                token: TokenHash(row.get(0)?),
                account: AccountId(number(row, 1)?),
                seen_unix_ms: number(row, 2)?,
            })
        })?
        .collect()
}

/// The measures that are in force. One who was kicked is free to come back.
fn sanctions(connection: &Connection, unix_ms: u64) -> rusqlite::Result<Vec<SanctionRecord>> {
    let sql = "SELECT id, measure, room, name, account, session, source, key, decided_by, why, \
               since_unix_ms, until_unix_ms, lifted_by, lifted_unix_ms FROM sanctions \
               WHERE lifted_by IS NULL AND (until_unix_ms IS NULL OR until_unix_ms > ?1) \
               ORDER BY id";
    let found: Vec<SanctionRecord> = connection
        .prepare(sql)?
        .query_map([unix_ms.cast_signed()], sanction)?
        .collect::<rusqlite::Result<_>>()?;
    let holds = |record: &SanctionRecord| record.measure != Measure::Kick;
    Ok(found.into_iter().filter(holds).collect())
}

fn sanction(row: &Row<'_>) -> rusqlite::Result<SanctionRecord> {
    let source = codec::text_if_any(row, 6)?;
    let source = source.map(|text| text.parse().map_err(|_| unreadable(6)));
    let lifted_by = match codec::text_if_any(row, 12)? {
        Some(name) => Some(Name::parse(&name).map_err(|_| unreadable(12))?),
        None => None,
    };
    Ok(SanctionRecord {
        id: SanctionId(number(row, 0)?),
        measure: records::measure(row.get(1)?).ok_or_else(|| unreadable(1))?,
        room: number_if_any(row, 2)?.map(RoomId),
        culprit: Culprit {
            name: codec::name(row, 3)?,
            account: number_if_any(row, 4)?.map(AccountId),
            session: number_if_any(row, 5)?.map(SessionId),
            source: source.transpose()?,
            key: row.get::<_, Option<[u8; 20]>>(7)?.map(ClientKey),
        },
        by: codec::name(row, 8)?,
        why: codec::text_if_any(row, 9)?,
        since_unix_ms: number(row, 10)?,
        until_unix_ms: number_if_any(row, 11)?,
        lifted: lifted_by.zip(number_if_any(row, 13)?),
    })
}

/// What came into each account's inbox since it was last here, by sender.
fn waiting(connection: &Connection) -> rusqlite::Result<Vec<Waiting>> {
    let sql = "SELECT accounts.id, author, count(*), sum(octet_length(text)) \
               FROM accounts JOIN logs ON logs.room = accounts.inbox \
               JOIN entries ON place > (number << ?1) + max(inbox_read, first - 1) \
               AND place <= (number << ?1) + newest \
               WHERE newest > inbox_read AND kind = ?2 \
               GROUP BY accounts.id, author COLLATE NOCASE";
    connection
        .prepare(sql)?
        .query_map([i64::from(PLACE_ID_BITS), codec::RECEIVED], |row| {
            Ok(Waiting {
                account: AccountId(number(row, 0)?),
                from: codec::name(row, 1)?,
                count: row.get(2)?,
                bytes: number(row, 3)?,
            })
        })?
        .collect()
}
