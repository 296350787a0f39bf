//! Logs: which numbers the logs of rooms and inboxes have, and what they hold.
//!
//! All of them are in memory as well, so that storing a message looks nothing up. The table is
//! written in the transaction that changes them; when that comes to nothing, memory is read again.
//!
//! A number is given again only when nothing of its former log is left, so numbers stay small.

use super::codec::{number, number_if_any};
use crate::chat::{EntryId, Extent, RoomId};
use crate::limits::{LOGS_MAX, PLACE_ID_BITS};
use rusqlite::{Connection, OptionalExtension, Row, params};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

/// Where the entries of one room or inbox are. They are held from `first` to `newest`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Log {
    pub(super) number: u32,
    pub(super) first: u64,
    pub(super) newest: u64,
    pub(super) newest_unix_ms: u64,
    /// The newest entry that the index knows.
    pub(super) indexed: u64,
}

impl Log {
    /// Where the entry of that id is.
    ///
    /// # Panics
    ///
    /// When a log holds more entries than a place has bits for.
    pub(super) fn place(&self, id: u64) -> i64 {
        assert!(
            id >> PLACE_ID_BITS == 0,
            "a room's log ends after 2^{PLACE_ID_BITS} entries"
        );
        (u64::from(self.number) << PLACE_ID_BITS | id).cast_signed()
    }

    /// The same for a range of ids, each cut to what a place has bits for.
    pub(super) fn places(&self, ids: RangeInclusive<u64>) -> (i64, i64) {
        let most = (1 << PLACE_ID_BITS) - 1;
        let (first, last) = ids.into_inner();
        (self.place(first.min(most)), self.place(last.min(most)))
    }

    /// What the store holds, as others see it.
    pub(super) fn extent(&self) -> Extent {
        Extent {
            first: EntryId(self.first),
            newest: EntryId(self.newest),
            newest_unix_ms: self.newest_unix_ms,
        }
    }

    /// Writes the log of a room, or of a room that has ended.
    fn write(&self, connection: &Connection, room: Option<RoomId>) -> rusqlite::Result<()> {
        let sql = "INSERT INTO logs (number, room, first, newest, newest_unix_ms, indexed) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
                   ON CONFLICT (number) DO UPDATE SET room = ?2, first = ?3, newest = ?4, \
                   newest_unix_ms = ?5, indexed = ?6";
        connection.prepare_cached(sql)?.execute(params![
            self.number,
            room.map(|room| room.0.cast_signed()),
            self.first.cast_signed(),
            self.newest.cast_signed(),
            self.newest_unix_ms.cast_signed(),
            self.indexed.cast_signed(),
        ])?;
        Ok(())
    }

    /// The log of a room, as the table has it.
    pub(super) fn of_room(connection: &Connection, room: RoomId) -> rusqlite::Result<Option<Self>> {
        let sql = "SELECT number, room, first, newest, newest_unix_ms, indexed \
                   FROM logs WHERE room = ?1";
        connection
            .prepare_cached(sql)?
            .query_row([room.0.cast_signed()], read)
            .map(|(_, log)| log)
            .optional()
    }
}

/// The id of the entry at a place.
pub(super) fn id_of(place: i64) -> u64 {
    place.cast_unsigned() & ((1 << PLACE_ID_BITS) - 1)
}

fn read(row: &Row<'_>) -> rusqlite::Result<(Option<RoomId>, Log)> {
    let log = Log {
        number: row.get(0)?,
        first: number(row, 2)?,
        newest: number(row, 3)?,
        newest_unix_ms: number(row, 4)?,
        indexed: number(row, 5)?,
    };
    Ok((number_if_any(row, 1)?.map(RoomId), log))
}

/// All logs there are.
#[derive(Debug, Default)]
pub(super) struct Logs {
    by_room: BTreeMap<RoomId, Log>,
    /// Logs of rooms that ended, of which something is left, by number.
    ended: BTreeMap<u32, Log>,
    /// Logs with entries that the index does not know, by number.
    behind: BTreeSet<(u32, RoomId)>,
    /// Rooms whose logs the table does not have as they are here.
    changed: BTreeSet<RoomId>,
    /// Numbers below `next` that no log has.
    free: Vec<u32>,
    next: u32,
}

impl Logs {
    /// Reads all of them.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let sql = "SELECT number, room, first, newest, newest_unix_ms, indexed \
                   FROM logs ORDER BY number";
        let mut statement = connection.prepare(sql)?;
        let mut rows = statement.query([])?;
        let mut logs = Self::default();
        while let Some(row) = rows.next()? {
            let (room, log) = read(row)?;
            logs.free.extend(logs.next..log.number);
            logs.next = log.number + 1;
            match room {
                Some(room) => {
                    logs.by_room.insert(room, log);
                    if log.indexed < log.newest {
                        logs.behind.insert((log.number, room));
                    }
                }
                None => {
                    logs.ended.insert(log.number, log);
                }
            }
        }
        Ok(logs)
    }

    /// Writes what has changed since the last time.
    pub(super) fn save(&mut self, connection: &Connection) -> rusqlite::Result<()> {
        for room in std::mem::take(&mut self.changed) {
            if let Some(log) = self.by_room.get(&room) {
                log.write(connection, Some(room))?;
            }
        }
        Ok(())
    }

    /// The log of a room; none when nothing was ever stored there.
    pub(super) fn get(&self, room: RoomId) -> Option<&Log> {
        self.by_room.get(&room)
    }

    /// Gives the next entry of a room its place, and makes the room's log if there is none.
    ///
    /// # Panics
    ///
    /// When there are more logs than a place has bits for.
    pub(super) fn append(&mut self, room: RoomId, unix_ms: u64) -> (u64, i64) {
        self.changed.insert(room);
        let (free, next) = (&mut self.free, &mut self.next);
        let log = self.by_room.entry(room).or_insert_with(|| {
            let number = free.pop().unwrap_or_else(|| {
                *next += 1;
                *next - 1
            });
            assert!(
                number < LOGS_MAX,
                "rooms and accounts are bounded far below"
            );
            Log {
                number,
                first: 1,
                newest: 0,
                newest_unix_ms: 0,
                indexed: 0,
            }
        });
        log.newest += 1;
        log.newest_unix_ms = log.newest_unix_ms.max(unix_ms);
        self.behind.insert((log.number, room));
        (log.newest, log.place(log.newest))
    }

    /// Ends a room's log: it is invisible at once, and deleted piece by piece.
    pub(super) fn end(&mut self, connection: &Connection, room: RoomId) -> rusqlite::Result<()> {
        let Some(log) = self.by_room.remove(&room) else {
            return Ok(());
        };
        self.behind.remove(&(log.number, room));
        self.changed.remove(&room);
        log.write(connection, None)?;
        self.ended.insert(log.number, log);
        Ok(())
    }

    /// Notes what the index knows of a room.
    pub(super) fn set_indexed(&mut self, room: RoomId, id: u64) {
        if let Some(log) = self.by_room.get_mut(&room) {
            log.indexed = id;
            self.changed.insert(room);
            if log.indexed >= log.newest {
                self.behind.remove(&(log.number, room));
            }
        }
    }

    /// Notes that a room's entries before `id` are gone.
    pub(super) fn set_first(&mut self, room: RoomId, id: u64) {
        if let Some(log) = self.by_room.get_mut(&room) {
            log.first = id;
            log.indexed = log.indexed.max(id - 1);
            self.changed.insert(room);
            if log.indexed >= log.newest {
                self.behind.remove(&(log.number, room));
            }
        }
    }

    /// Notes that the entries of an ended log before `id` are gone; with the last of them it goes.
    pub(super) fn set_first_of_ended(
        &mut self,
        connection: &Connection,
        number: u32,
        id: u64,
    ) -> rusqlite::Result<()> {
        let Some(log) = self.ended.get_mut(&number) else {
            return Ok(());
        };
        log.first = id;
        if id <= log.newest {
            return log.write(connection, None);
        }
        self.ended.remove(&number);
        self.free.push(number);
        connection
            .prepare_cached("DELETE FROM logs WHERE number = ?1")?
            .execute([number])?;
        Ok(())
    }

    /// A log that has ended and is not deleted yet.
    pub(super) fn any_ended(&self) -> Option<Log> {
        self.ended.first_key_value().map(|(_, log)| *log)
    }

    /// Whether the index does not know everything.
    pub(super) fn is_behind(&self) -> bool {
        !self.behind.is_empty()
    }

    /// The rooms of which the index does not know everything, by the numbers of their logs,
    /// beginning after `number` and going round.
    pub(super) fn behind_after(&self, number: u32) -> Vec<(RoomId, Log)> {
        let after = (number.saturating_add(1), RoomId(0));
        let (before, later) = (self.behind.range(..after), self.behind.range(after..));
        later
            .chain(before)
            .filter_map(|(_, room)| Some((*room, *self.by_room.get(room)?)))
            .collect()
    }

    /// The next rooms after `room` that have a log.
    pub(super) fn after(&self, room: RoomId, count: usize) -> Vec<(RoomId, Log)> {
        let next = RoomId(room.0.saturating_add(1));
        let rooms = self.by_room.range(next..).take(count);
        rooms.map(|(room, log)| (*room, *log)).collect()
    }
}
