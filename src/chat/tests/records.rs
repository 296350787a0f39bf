//! Rooms that outlive the process: what the store is told of them, and what a chat begins with.

use super::hall::{EPOCH, Hall, client};
use crate::chat::*;
use crate::limits::{GUEST_RESUME_AGE_MAX, ROOMS_PER_ACCOUNT_MAX};
use std::time::Duration;

pub(super) fn stored() -> Settings {
    Settings {
        kept: Kept::Stored,
        ..Settings::default()
    }
}

pub(super) fn account(id: u64, name: &str) -> AccountRecord {
    AccountRecord {
        id: AccountId(id),
        name: Name::parse(name).unwrap(),
        password: None,
        keys: Vec::new(),
        is_admin: false,
        since_unix_ms: 0,
        seen_unix_ms: 0,
        inbox: None,
        inbox_read: EntryId(0),
        rooms: Vec::new(),
        current: None,
        ignored: Vec::new(),
    }
}

/// Accounts: root is the administrator, alice, bob and carol are not.
pub(super) fn snapshot() -> Snapshot {
    let names = ["boss", "alice", "bob", "carol"];
    let accounts = names.iter().zip(1..).map(|(name, id)| AccountRecord {
        is_admin: id == 1,
        ..account(id, name)
    });
    Snapshot {
        accounts: accounts.collect(),
        accounts_from: AccountId(5),
        ..Snapshot::empty(EPOCH)
    }
}

/// A hall with a disk, in which those accounts are known.
pub(super) fn hall() -> Hall {
    Hall::around(Chat::begin(stored(), snapshot()))
}

/// A client that is a guest.
pub(super) fn guest(hall: &mut Hall, slot: u32, name: &str) {
    hall.line_client(slot, name);
}

/// A client that is logged in to the account of that name, however that came about.
pub(super) fn member(hall: &mut Hall, slot: u32, name: &str) {
    let stand_in = format!("guest{slot}");
    hall.line_client(slot, &stand_in);
    let name = Name::parse(name).unwrap();
    let account = hall.chat.accounts.named(name).expect("there is one").id;
    let stand_in = Name::parse(&stand_in).unwrap();
    let (id, _) = hall.chat.people.named(stand_in).unwrap();
    hall.chat.people.rename(id, name);
    let person = hall.chat.people.get_mut(id).unwrap();
    person.rare_mut().account = Some(account);
    hall.hear(slot);
}

/// The newest record of a room the store was given.
pub(super) fn record(hall: &Hall, name: &str) -> RoomRecord {
    let name = RoomName::parse(name).unwrap();
    for change in hall.changed.iter().rev() {
        if let Change::PutRoom(record) = change
            && record.name == name
        {
            return record.clone();
        }
    }
    panic!("the store knows the room {name}");
}

fn is_removed(hall: &Hall, room: RoomId) -> bool {
    hall.changed.contains(&Change::RemoveRoom(room))
}

#[test]
fn the_store_hears_of_the_lobby_once() {
    let hall = hall();
    assert_eq!(hall.changed.len(), 1);
    let lobby = record(&hall, "lobby");
    let mut again = snapshot();
    again.rooms.push((lobby, Extent::EMPTY));
    let hall = Hall::around(Chat::begin(stored(), again));
    assert!(hall.changed.is_empty());
}

#[test]
fn the_store_follows_whatever_is_changed_about_a_room() {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    guest(&mut hall, 2, "gus");
    hall.line(1, "/create den sesame");
    let made = record(&hall, "den");
    assert_eq!(made.roles, [(AccountId(2), Role::Owner)]);
    assert_eq!((made.guest, made.key.as_deref()), (None, Some("sesame")));
    hall.line(1, "/topic all about dens");
    hall.line(1, "/set limit 7");
    hall.line(1, "/set hidden on");
    hall.line(1, "/invite bob");
    hall.line(1, "/op carol");
    let changed = record(&hall, "den");
    assert_eq!(changed.topic.as_deref(), Some("all about dens"));
    assert_eq!((changed.limit, changed.is_hidden), (Some(7), true));
    assert_eq!(changed.invited, [AccountId(3)]);
    let roles = [(AccountId(2), Role::Owner), (AccountId(4), Role::Moderator)];
    assert_eq!(changed.roles, roles);
    hall.line(2, "/create cave");
    assert!(record(&hall, "cave").guest.is_some());
    assert!(record(&hall, "cave").roles.is_empty());
}

#[test]
fn a_change_is_answered_when_it_is_durable() {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    hall.sealed_client(2, "gus");
    hall.line(1, "/create den");
    hall.line(1, "/set limit 7");
    hall.hear(1);
    hall.answers = false;
    hall.line(1, "/set limit 8");
    assert!(hall.hear(1).is_empty());
    hall.answer_changes();
    assert!(hall.hear(1)[0].contains("limit 8"));
    let key = hall.run(2, "/create cave").0;
    assert!(!hall.hear(2).contains(&format!("done {key}")));
    let (ticket, _) = hall.changes.pop_front().unwrap();
    let outcome = Outcome::NotStored {
        ticket,
        why: StoreFailure::DiskFull,
    };
    assert_eq!(hall.input(Input::Outcome(outcome)), Verdict::Taken);
    let told = hall.hear(2);
    assert!(told[0].starts_with(&format!("Err {key}: it holds, but is not stored yet")));
    assert_eq!(
        hall.ask(1, "/rooms cave"),
        ["-> #cave (1 here)"],
        "it holds"
    );
}

#[test]
fn a_disk_that_is_nearly_full_keeps_messages_of_accounts_only() {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    guest(&mut hall, 2, "gus");
    (1..=2).for_each(|slot| drop(hall.hear(slot)));
    assert_eq!(hall.input(Input::Space(Space::Low)), Verdict::Taken);
    for line in ["hello", "/me waves", "/msg alice psst"] {
        let told = hall.ask(2, line);
        assert_eq!(told.len(), 1);
        assert!(told[0].contains("nearly full"), "{told:?}");
    }
    assert_eq!(hall.hear(1), [""; 0]);
    hall.line(1, "hello");
    assert_eq!(hall.hear(2), ["[#lobby] alice: hello"]);
    // The rest of what a guest does goes on.
    assert_eq!(hall.ask(2, "/names").len(), 1);
    // When there is hardly anything left, the store knows better whose message it has already.
    assert_eq!(hall.input(Input::Space(Space::Exhausted)), Verdict::Taken);
    hall.answers = false;
    hall.line(2, "sent again");
    assert_eq!(hall.jobs.len(), 1);
    hall.fail();
    assert!(
        hall.hear(2)
            .iter()
            .any(|line| line.contains("disk is full"))
    );
    hall.answers = true;
    assert_eq!(hall.input(Input::Space(Space::Ample)), Verdict::Taken);
    hall.hear(1);
    hall.line(2, "hello");
    assert_eq!(hall.hear(1), ["[#lobby] gus: hello"]);
}

#[test]
fn who_leaves_hears_first_what_became_of_its_commands() {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    hall.line(1, "/create den");
    hall.answers = false;
    hall.hear(1);
    hall.line(1, "/set limit 8");
    hall.line(1, "/quit");
    assert!(hall.hear(1).is_empty());
    hall.answer_changes();
    let heard = hall.hear(1);
    assert!(
        heard[0].contains("limit 8") && heard[1] == "bye None",
        "{heard:?}"
    );
}

#[test]
fn an_accounts_room_stays_when_it_is_empty_and_its_owner_owns_it_in_every_session() {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    hall.line(1, "/create den");
    let den = hall.room("#den").unwrap();
    hall.line(1, "/quit");
    hall.close(1, Parting::Left);
    assert!(hall.members.contains_key(&den) && !is_removed(&hall, den));
    member(&mut hall, 2, "alice");
    hall.line(2, "/join den");
    assert!(hall.ask(2, "/set limit 5")[0].contains("limit 5"));
}

#[test]
fn a_guests_room_is_removed_with_its_last_member() {
    let mut hall = hall();
    guest(&mut hall, 1, "gus");
    hall.line(1, "/create den");
    let den = hall.room("#den").unwrap();
    hall.line(1, "/leave");
    assert!(!hall.members.contains_key(&den) && is_removed(&hall, den));
}

fn with_guests_room() -> Hall {
    let mut hall = hall();
    guest(&mut hall, 1, "gus");
    hall.line(1, "/create den");
    let mut next = snapshot();
    for name in ["lobby", "den"] {
        next.rooms.push((record(&hall, name), Extent::EMPTY));
    }
    next.rooms_from = RoomId(3);
    Hall::around(Chat::begin(stored(), next))
}

#[test]
fn after_a_restart_a_guests_room_waits_for_somebody_and_then_goes() {
    let mut hall = with_guests_room();
    let den = hall.room("#den").unwrap();
    hall.pass_with_ticks(GUEST_RESUME_AGE_MAX - Duration::from_secs(1));
    assert!(hall.members.contains_key(&den));
    hall.pass_with_ticks(Duration::from_secs(2));
    assert!(!hall.members.contains_key(&den) && is_removed(&hall, den));
    assert_eq!(hall.chat.next_deadline(), None);
}

#[test]
fn a_guests_room_somebody_came_back_into_stays_until_they_leave() {
    let mut hall = with_guests_room();
    let den = hall.room("#den").unwrap();
    guest(&mut hall, 1, "gus");
    hall.line(1, "/join den");
    hall.pass_with_ticks(2 * GUEST_RESUME_AGE_MAX);
    assert!(hall.members.contains_key(&den));
    hall.line(1, "/leave den");
    assert!(is_removed(&hall, den));
}

#[test]
fn a_guest_that_comes_back_with_its_sessions_number_owns_its_room_again() {
    let mut hall = with_guests_room();
    let den = hall.room("#den").unwrap();
    // The number is made of the token, which a client shows when it comes back.
    guest(&mut hall, 1, "gus");
    hall.line(1, "/join den");
    assert!(hall.ask(1, "/set limit 4")[0].contains("limit 4"));
    assert!(hall.ask(1, "/set")[0].contains("owner gus"));
    guest(&mut hall, 2, "other");
    hall.line(2, "/join den");
    assert!(hall.ask(2, "/set limit 4")[0].starts_with("Err: only an owner"));
    hall.close(1, Parting::Left);
    hall.close(2, Parting::Left);
    assert!(is_removed(&hall, den));
}

#[test]
fn a_room_begins_as_it_was() {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    hall.line(1, "/create den sesame");
    hall.line(1, "/topic dens");
    hall.line(1, "/set plain off");
    let mut next = snapshot();
    let kept = record(&hall, "den");
    next.rooms.push((kept.clone(), Extent::EMPTY));
    let mut hall = Hall::around(Chat::begin(stored(), next));
    guest(&mut hall, 1, "gus");
    assert!(hall.ask(1, "/join den")[0].starts_with("Err: #den needs its key"));
    member(&mut hall, 2, "alice");
    hall.line(2, "/set #den limit 3");
    let changed = RoomRecord {
        limit: Some(3),
        ..kept
    };
    assert_eq!(record(&hall, "den"), changed);
}

#[test]
fn an_account_owns_so_many_rooms() {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    for index in 0..ROOMS_PER_ACCOUNT_MAX {
        hall.line(1, &format!("/create r{index}"));
    }
    assert!(hall.ask(1, "/create more")[0].starts_with("Err: you own 20 rooms"));
    hall.line(1, "/close r3");
    assert!(hall.ask(1, "/create more")[0].starts_with("reads #more"));
}

#[test]
fn the_operator_forbids_rooms_to_guests_only() {
    let settings = Settings {
        guests_create_rooms: false,
        ..stored()
    };
    let mut hall = Hall::around(Chat::begin(settings, snapshot()));
    guest(&mut hall, 1, "gus");
    member(&mut hall, 2, "alice");
    assert!(hall.ask(1, "/create den")[0].starts_with("Err: guests cannot"));
    assert!(hall.ask(2, "/create den")[0].starts_with("reads #den"));
}

#[test]
fn commands_that_change_records_wait_while_too_many_changes_do() {
    let settings = Settings {
        journal_jobs_max: 1,
        ..stored()
    };
    let mut hall = Hall::around(Chat::begin(settings, snapshot()));
    member(&mut hall, 1, "alice");
    hall.line(1, "/create den");
    hall.answers = false;
    for _ in 0..=crate::limits::CHANGES_WAITING_MAX {
        hall.line(1, "/set limit 5");
    }
    let more = Input::Line(client(1), "/set limit 6");
    assert_eq!(hall.input(more), Verdict::Paused(Pause::Journal));
    hall.line(1, "/rooms");
    hall.answer_changes();
    hall.answers = true;
    hall.line(1, "/set limit 6");
    assert_eq!(record(&hall, "den").limit, Some(6));
}

#[test]
fn what_happens_in_rooms_is_put_down_in_the_activity_log() {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    hall.deeds.clear();
    hall.line(1, "/create den");
    hall.line(1, "/topic dens");
    hall.line(1, "/set key sesame");
    hall.line(1, "/leave den");
    hall.line(1, "/close den");
    let den = RoomName::parse("den").unwrap();
    let set = |what: &str| Deed::Set {
        room: den,
        what: what.into(),
    };
    let expected = [
        Deed::Created(den),
        Deed::Joined(den),
        set("topic dens"),
        // Who reads the log is not told the key.
        set("key set"),
        Deed::Left(den),
        Deed::Closed(den),
    ];
    assert_eq!(hall.deeds, expected);
}
