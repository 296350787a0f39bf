//! Records: rooms, inboxes, accounts, measures and sessions, each replaced as a whole.
//!
//! The chat has decided already, so nothing is checked here and nothing can be in conflict. Names
//! of accounts that ended or were renamed are set aside here, because only here the former record
//! is at hand.

use super::codec;
use super::index;
use super::logs::Logs;
use crate::chat::{
    AccountId, AccountRecord, Change, EntryId, InboxRecord, Measure, Owner, Role, RoomId,
    RoomRecord, SanctionId, SanctionRecord, SessionRecord, TokenHash,
};
use rusqlite::{Connection, OptionalExtension, params};

/// The first numbers that no room, account or measure ever had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    pub(super) rooms: u64,
    pub(super) accounts: u64,
    pub(super) sanctions: u64,
}

const ROOMS_FROM: &str = "rooms_from";
const ACCOUNTS_FROM: &str = "accounts_from";
const SANCTIONS_FROM: &str = "sanctions_from";

impl Numbers {
    /// Reads them; a new database has none.
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Self> {
        let read = |key: &str, first: u64| -> rusqlite::Result<u64> {
            let found: Option<i64> = connection
                .query_row("SELECT value FROM meta WHERE key = ?1", [key], |row| {
                    row.get(0)
                })
                .optional()?;
            Ok(found.map_or(first, i64::cast_unsigned))
        };
        Ok(Self {
            // The first id is the lobby's.
            rooms: read(ROOMS_FROM, 2)?,
            accounts: read(ACCOUNTS_FROM, 1)?,
            sanctions: read(SANCTIONS_FROM, 1)?,
        })
    }

    /// Writes those that differ from `former`.
    pub(super) fn save(&self, connection: &Connection, former: Self) -> rusqlite::Result<()> {
        let all = [
            (ROOMS_FROM, self.rooms, former.rooms),
            (ACCOUNTS_FROM, self.accounts, former.accounts),
            (SANCTIONS_FROM, self.sanctions, former.sanctions),
        ];
        for (key, number, former) in all {
            if number != former {
                connection
                    .prepare_cached("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)")?
                    .execute(params![key, number.cast_signed()])?;
            }
        }
        Ok(())
    }

    /// Notes that a room or an inbox has that number.
    pub(super) fn note_room(&mut self, room: RoomId) {
        self.rooms = self.rooms.max(room.0.saturating_add(1));
    }

    fn note_account(&mut self, account: AccountId) {
        self.accounts = self.accounts.max(account.0.saturating_add(1));
    }

    fn note_sanction(&mut self, sanction: SanctionId) {
        self.sanctions = self.sanctions.max(sanction.0.saturating_add(1));
    }
}

/// What a change may touch.
pub(super) struct Records<'a> {
    pub(super) connection: &'a Connection,
    pub(super) logs: &'a mut Logs,
    pub(super) numbers: &'a mut Numbers,
    /// Set when a text was taken back, of which the write-ahead log may still hold a copy.
    pub(super) is_erased: &'a mut bool,
    pub(super) unix_ms: u64,
}

impl Records<'_> {
    /// Carries out one change.
    pub(super) fn change(&mut self, change: &Change) -> rusqlite::Result<()> {
        match change {
            Change::PutRoom(record) => self.put_room(record),
            Change::PutInbox(record) => self.put_inbox(record),
            Change::RemoveRoom(room) => self.remove_room(*room),
            Change::PutAccount(record) => self.put_account(record),
            Change::RemoveAccount(account) => self.remove_account(*account),
            Change::PutSanction(record) => self.put_sanction(record),
            Change::PutSession(record) => self.put_session(record),
            Change::RemoveSession(token) => self.remove_session(*token),
            Change::Erase(room, entry) => self.erase(*room, *entry),
        }
    }

    fn put_room(&mut self, record: &RoomRecord) -> rusqlite::Result<()> {
        self.numbers.note_room(record.id);
        let id = record.id.0.cast_signed();
        let sql = "INSERT OR REPLACE INTO rooms (id, name, topic, key, member_limit, is_hidden, \
                   admits_plain, has_history, guest) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            record.name.as_str(),
            record.topic.as_deref(),
            record.key.as_deref(),
            record.limit,
            record.is_hidden,
            record.admits_plain,
            record.has_history,
            record.guest.map(|session| session.0.cast_signed()),
        ])?;
        self.forget_people_of(record.id)?;
        let sql = "INSERT OR REPLACE INTO roles (room, account, role) VALUES (?1, ?2, ?3)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for (account, role) in &record.roles {
            statement.execute([id, account.0.cast_signed(), of_role(*role)])?;
        }
        let sql = "INSERT OR REPLACE INTO invited (room, account) VALUES (?1, ?2)";
        let mut statement = self.connection.prepare_cached(sql)?;
        for account in &record.invited {
            statement.execute([id, account.0.cast_signed()])?;
        }
        Ok(())
    }

    fn forget_people_of(&self, room: RoomId) -> rusqlite::Result<()> {
        let id = room.0.cast_signed();
        self.run("DELETE FROM roles WHERE room = ?1", id)?;
        self.run("DELETE FROM invited WHERE room = ?1", id)
    }

    fn put_inbox(&mut self, record: &InboxRecord) -> rusqlite::Result<()> {
        self.numbers.note_room(record.id);
        let (account, session) = match record.owner {
            Owner::Account(account) => (Some(account.0.cast_signed()), None),
            Owner::Session(session) => (None, Some(session.0.cast_signed())),
        };
        self.connection
            .prepare_cached(
                "INSERT OR REPLACE INTO inboxes (id, account, session) VALUES (?1, ?2, ?3)",
            )?
            .execute(params![record.id.0.cast_signed(), account, session])?;
        Ok(())
    }

    fn remove_room(&mut self, room: RoomId) -> rusqlite::Result<()> {
        let id = room.0.cast_signed();
        self.run("DELETE FROM rooms WHERE id = ?1", id)?;
        self.run("DELETE FROM inboxes WHERE id = ?1", id)?;
        self.run("DELETE FROM sanctions WHERE room = ?1", id)?;
        self.forget_people_of(room)?;
        self.logs.end(self.connection, room)
    }

    fn put_account(&mut self, record: &AccountRecord) -> rusqlite::Result<()> {
        self.numbers.note_account(record.id);
        let id = record.id.0.cast_signed();
        let former = self.name_of(id)?;
        if let Some(former) = former.filter(|name| !name.eq_ignore_ascii_case(record.name.as_str()))
        {
            self.retire(&former)?;
        }
        self.connection
            .prepare_cached("DELETE FROM retired WHERE name = ?1")?
            .execute([record.name.as_str()])?;
        let sql = "INSERT OR REPLACE INTO accounts (id, name, password, keys, is_admin, \
                   since_unix_ms, seen_unix_ms, inbox, inbox_read, rooms, current, ignored) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
        self.connection.prepare_cached(sql)?.execute(params![
            id,
            record.name.as_str(),
            record.password.as_ref().map(|hash| &*hash.0),
            codec::of_keys(&record.keys),
            record.is_admin,
            record.since_unix_ms.cast_signed(),
            record.seen_unix_ms.cast_signed(),
            record.inbox.map(|inbox| inbox.0.cast_signed()),
            record.inbox_read.0.cast_signed(),
            codec::joined(record.rooms.iter().map(|room| room.0)),
            record.current.map(|room| room.0.cast_signed()),
            codec::joined(record.ignored.iter().map(|name| name.as_str())),
        ])?;
        Ok(())
    }

    fn name_of(&self, account: i64) -> rusqlite::Result<Option<String>> {
        self.connection
            .prepare_cached("SELECT name FROM accounts WHERE id = ?1")?
            .query_row([account], |row| row.get(0))
            .optional()
    }

    /// Sets aside a name that an account no longer has.
    fn retire(&self, name: &str) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO retired (name, since_unix_ms) VALUES (?1, ?2)")?
            .execute(params![name, self.unix_ms.cast_signed()])?;
        Ok(())
    }

    fn remove_account(&mut self, account: AccountId) -> rusqlite::Result<()> {
        let id = account.0.cast_signed();
        if let Some(name) = self.name_of(id)? {
            self.retire(&name)?;
        }
        self.run("DELETE FROM accounts WHERE id = ?1", id)?;
        self.run("DELETE FROM sessions WHERE account = ?1", id)?;
        self.run("DELETE FROM roles WHERE account = ?1", id)?;
        self.run("DELETE FROM invited WHERE account = ?1", id)?;
        let inboxes = {
            let sql = "SELECT id FROM inboxes WHERE account = ?1";
            let mut statement = self.connection.prepare_cached(sql)?;
            let found = statement.query_map([id], |row| codec::number(row, 0).map(RoomId))?;
            found.collect::<rusqlite::Result<Vec<RoomId>>>()?
        };
        inboxes
            .into_iter()
            .try_for_each(|inbox| self.remove_room(inbox))
    }

    fn put_sanction(&mut self, record: &SanctionRecord) -> rusqlite::Result<()> {
        self.numbers.note_sanction(record.id);
        let culprit = &record.culprit;
        let sql = "INSERT OR REPLACE INTO sanctions (id, measure, room, name, account, session, \
                   source, key, decided_by, why, since_unix_ms, until_unix_ms, lifted_by, \
                   lifted_unix_ms) \
                   VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14)";
        self.connection.prepare_cached(sql)?.execute(params![
            record.id.0.cast_signed(),
            of_measure(record.measure),
            record.room.map(|room| room.0.cast_signed()),
            culprit.name.as_str(),
            culprit.account.map(|account| account.0.cast_signed()),
            culprit.session.map(|session| session.0.cast_signed()),
            culprit.source.map(|source| source.to_string()),
            culprit.key.as_ref().map(|key| key.0.as_slice()),
            record.by.as_str(),
            record.why.as_deref(),
            record.since_unix_ms.cast_signed(),
            record.until_unix_ms.map(u64::cast_signed),
            record.lifted.as_ref().map(|(by, _)| by.as_str()),
            record.lifted.as_ref().map(|(_, when)| when.cast_signed()),
        ])?;
        Ok(())
    }

    fn put_session(&mut self, record: &SessionRecord) -> rusqlite::Result<()> {
        let sql =
            "INSERT OR REPLACE INTO sessions (token, account, seen_unix_ms) VALUES (?1, ?2, ?3)";
        self.connection.prepare_cached(sql)?.execute(params![
            record.token.0.as_slice(),
            record.account.0.cast_signed(),
            record.seen_unix_ms.cast_signed(),
        ])?;
        Ok(())
    }

    fn remove_session(&mut self, token: TokenHash) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("DELETE FROM sessions WHERE token = ?1")?
            .execute([token.0.as_slice()])?;
        Ok(())
    }

    /// Takes back what was said: text and words go, the place stays. A copy that the database left
    /// in unused space of a page goes when that is used, or by [`super::compact`].
    fn erase(&mut self, room: RoomId, entry: EntryId) -> rusqlite::Result<()> {
        let Some(log) = self.logs.get(room) else {
            return Ok(());
        };
        if entry.0 < log.first || entry.0 > log.newest {
            return Ok(());
        }
        let place = log.place(entry.0);
        if entry.0 <= log.indexed {
            index::forget(self.connection, place..=place)?;
        }
        self.connection
            .prepare_cached("UPDATE entries SET kind = ?2, text = '' WHERE place = ?1")?
            .execute([place, codec::TAKEN_BACK])?;
        *self.is_erased = true;
        Ok(())
    }

    fn run(&self, sql: &str, id: i64) -> rusqlite::Result<()> {
        self.connection.prepare_cached(sql)?.execute([id])?;
        Ok(())
    }
}

fn of_role(role: Role) -> i64 {
    match role {
        Role::Moderator => 1,
        Role::Owner => 2,
    }
}

/// A role as a column holds it.
pub(super) fn role(number: i64) -> Option<Role> {
    [Role::Moderator, Role::Owner]
        .into_iter()
        .find(|role| of_role(*role) == number)
}

fn of_measure(measure: Measure) -> i64 {
    match measure {
        Measure::Kick => 1,
        Measure::Mute => 2,
        Measure::Ban => 3,
    }
}

/// A measure as a column holds it.
pub(super) fn measure(number: i64) -> Option<Measure> {
    [Measure::Kick, Measure::Mute, Measure::Ban]
        .into_iter()
        .find(|measure| of_measure(*measure) == number)
}
