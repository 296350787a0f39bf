//! What is kept, for who has a right to know: the list of accounts, and everything of one.

use super::clock;
use crate::activity::time;
use crate::chat::{
    AccountRecord, Body, Entry, EntryId, From, Name, PageRequest, Role, RoomId, Snapshot,
};
use crate::config::Mistake;
use crate::store::{self, Reader};
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// One line for each account: name, rights, times.
pub(super) fn accounts(folder: &Path) -> Result<String, Mistake> {
    let snapshot = look(folder)?;
    let mut accounts: Vec<&AccountRecord> = snapshot.accounts.iter().collect();
    accounts.sort_by_key(|account| account.name);
    let lines: Vec<String> = accounts
        .into_iter()
        .map(|account| {
            format!(
                "{} {} since {} seen {} password {} keys {}",
                account.name,
                if account.is_admin { "admin" } else { "user" },
                time(account.since_unix_ms),
                time(account.seen_unix_ms),
                if account.password.is_some() {
                    "yes"
                } else {
                    "no"
                },
                account.keys.len(),
            )
        })
        .collect();
    Ok(lines.join("\n"))
}

/// Everything of one account, as JSON.
pub(super) fn account(folder: &Path, name: &str) -> Result<String, Mistake> {
    let snapshot = look(folder)?;
    let accounts = &snapshot.accounts;
    let account = Name::parse(name)
        .ok()
        .and_then(|name| accounts.iter().find(|account| account.name == name));
    let Some(account) = account else {
        return Err(Mistake(format!(
            "there is no account {name}; `parlourd admin accounts` lists them"
        )));
    };
    // Nobody waits: whatever a question takes, it gets.
    let in_no_hurry = Arc::new(|| Duration::ZERO);
    let mut reader =
        store::reader(folder, in_no_hurry).map_err(|error| Mistake(error.to_string()))?;
    let mut said = Vec::new();
    for (room, _) in &snapshot.rooms {
        read_room(&mut reader, room.id, &mut |entry| {
            if entry.author == account.name {
                said.push(message(entry, Some(room.name.to_string())));
            }
        })?;
    }
    let mut private = Vec::new();
    if let Some(inbox) = account.inbox {
        read_room(&mut reader, inbox, &mut |entry| {
            private.push(message(entry, None));
        })?;
    }
    let value = json!({
        "account": described(account),
        "rooms": rooms(&snapshot, account),
        "said": said,
        "private": private,
    });
    Ok(format!("{value:#}"))
}

fn look(folder: &Path) -> Result<Snapshot, Mistake> {
    super::folder::check(folder)?;
    store::look(folder, clock::unix_ms()).map_err(|error| {
        Mistake(format!(
            "{error}; name the server's data folder with --data DIR"
        ))
    })
}

/// The account itself; what it logs in with is nobody's business.
fn described(account: &AccountRecord) -> Value {
    let ignored: Vec<String> = account.ignored.iter().map(Name::to_string).collect();
    json!({
        "name": account.name.to_string(),
        "admin": account.is_admin,
        "since": time(account.since_unix_ms),
        "seen": time(account.seen_unix_ms),
        "has_password": account.password.is_some(),
        "keys_since": account.keys.iter().map(|(_, since)| time(*since)).collect::<Vec<_>>(),
        "ignores": ignored,
    })
}

/// The rooms that the account is in or has a role in.
fn rooms(snapshot: &Snapshot, account: &AccountRecord) -> Vec<Value> {
    let rooms = snapshot.rooms.iter().filter_map(|(room, _)| {
        let role = room.roles.iter().find(|(id, _)| *id == account.id);
        let role = role.map(|(_, role)| match role {
            Role::Moderator => "moderator",
            Role::Owner => "owner",
        });
        let is_in = account.rooms.contains(&room.id);
        (is_in || role.is_some()).then(|| {
            json!({
                "room": room.name.to_string(),
                "in": is_in,
                "role": role,
                "current": account.current == Some(room.id),
            })
        })
    });
    rooms.collect()
}

/// Reads all that was said in a room or an inbox, oldest first.
fn read_room(
    reader: &mut impl Reader,
    room: RoomId,
    take: &mut impl FnMut(&Entry),
) -> Result<(), Mistake> {
    let mut after = EntryId(0);
    loop {
        let request = PageRequest {
            room,
            from: From::After(after),
            before: EntryId(u64::MAX),
        };
        let page = reader
            .page(&request)
            .map_err(|why| Mistake(format!("what was said cannot be read: {why:?}")))?;
        page.entries.iter().for_each(&mut *take);
        let newest = page.entries.iter().filter_map(|entry| entry.id).max();
        match newest {
            Some(newest) if !page.is_last => after = newest,
            Some(_) | None => return Ok(()),
        }
    }
}

fn message(entry: &Entry, room: Option<String>) -> Value {
    let (sort, text) = match &entry.body {
        Body::Said(text) => ("said", text),
        Body::Acted(text) => ("acted", text),
        Body::Received(text) => ("received", text),
        Body::Sent(text) => ("sent", text),
        Body::Topic(text) => ("topic", text),
        Body::Offered(offer) => ("offered", &offer.name),
        Body::Joined { .. }
        | Body::Left { .. }
        | Body::Kicked { .. }
        | Body::Renamed { .. }
        | Body::Counted { .. } => return Value::Null,
    };
    let with = room.is_none().then(|| entry.author.to_string());
    json!({
        "room": room,
        "with": with,
        "id": entry.id.map(|EntryId(id)| id),
        "time": time(entry.unix_ms),
        "type": sort,
        "text": &**text,
    })
}
