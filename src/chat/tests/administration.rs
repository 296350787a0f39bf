//! What administrators do, through a door and over the control socket.

use super::hall::{Hall, client};
use super::records::{guest, hall, member};
use crate::chat::*;

/// boss administers; alice has an account and gus has none.
fn office() -> Hall {
    let mut hall = hall();
    member(&mut hall, 1, "boss");
    member(&mut hall, 2, "alice");
    guest(&mut hall, 3, "gus");
    for slot in 1..=3 {
        hall.hear(slot);
    }
    hall
}

fn administer(hall: &mut Hall, task: Administer<'_>) -> Result<String, String> {
    let input = Input::Administer(RequestId(7), task);
    assert_eq!(hall.input(input), Verdict::Taken);
    hall.administered.pop().expect("every request is answered")
}

#[test]
fn what_is_for_administrators_is_refused_to_everybody_else() {
    let mut hall = office();
    for line in [
        "/users",
        "/announce hello",
        "/log",
        "/stats",
        "/reload",
        "/shutdown",
        "/ban gus server",
        "/unban gus server",
        "/bans server",
        "/op gus server",
    ] {
        assert_eq!(
            hall.ask(2, line),
            ["Err: only an administrator of this server may do that"],
            "{line}"
        );
    }
    assert!(hall.operations.is_empty());
}

#[test]
fn everybody_who_is_connected_is_listed() {
    let mut hall = office();
    hall.line(3, "/create den");
    let listed = hall.ask(1, "/users");
    let expected = "-> alice: account, plain, from 192.0.2.1, here for 0s, in #lobby\n\
                    boss: administrator, plain, from 192.0.2.1, here for 0s, in #lobby\n\
                    gus: guest, plain, from 192.0.2.1, here for 0s, in #lobby #den";
    assert_eq!(listed, [expected]);
    assert_eq!(hall.ask(1, "/users x"), ["-> nobody is called so"]);
    for slot in 10..130 {
        guest(&mut hall, slot, &format!("n{slot}"));
    }
    let listed = hall.ask(1, "/users");
    assert_eq!(listed[0].lines().count(), 100);
    assert!(listed[0].contains("\nmore: /users n"), "{}", listed[0]);
}

#[test]
fn administrators_see_all_rooms_with_their_owners() {
    let mut hall = office();
    hall.line(2, "/create den sesame");
    hall.line(2, "/set hidden on");
    hall.line(3, "/create cave");
    let expected = "-> #cave (1 here; owner gus)\n\
                    #den (1 here, key, hidden; owner alice)\n\
                    #lobby (3 here)";
    assert_eq!(hall.ask(1, "/rooms"), [expected]);
    assert_eq!(
        hall.ask(3, "/rooms"),
        ["-> #cave (1 here)\n#lobby (3 here)"]
    );
}

#[test]
fn an_announcement_reaches_everybody_who_has_a_name() {
    let mut hall = office();
    hall.line(3, "/leave");
    hall.hear(3);
    assert_eq!(
        hall.ask(1, "/announce tea\nis ready"),
        ["-> announcement from boss: tea is ready"]
    );
    for slot in [2, 3] {
        assert!(
            hall.hear(slot)
                .contains(&"-> announcement from boss: tea is ready".into())
        );
    }
    let deed = Deed::Server {
        what: "announcement: tea is ready".into(),
    };
    assert!(hall.deeds.contains(&deed));
    let long = format!("/announce {}", "x".repeat(1_025));
    assert!(hall.ask(1, &long)[0].starts_with("Err: a message has at most 1024 bytes"));
}

#[test]
fn what_only_the_shell_can_do_is_asked_of_it() {
    let mut hall = office();
    for line in ["/stats", "/reload", "/log gus", "/shutdown for tea"] {
        assert!(hall.ask(1, line).is_empty());
    }
    let name = Name::parse("gus").ok();
    let expected = [
        Operation::Stats(client(1), None),
        Operation::Reload(client(1), None),
        Operation::Log(client(1), None, name),
        Operation::Shutdown(Some("for tea".into())),
    ];
    assert_eq!(hall.operations, expected);
}

#[test]
fn an_operator_grants_and_revokes_from_outside() {
    let mut hall = office();
    let grant = |name, is_given| Administer::Grant { name, is_given };
    let done = administer(&mut hall, grant("alice", true));
    assert_eq!(done, Ok("alice administers the server".into()));
    assert!(hall.ask(2, "/users")[0].starts_with("-> alice: administrator"));
    assert!(administer(&mut hall, grant("alice", false)).is_ok());
    assert!(hall.ask(2, "/users")[0].starts_with("Err"));
    let refused = administer(&mut hall, grant("nobody", true));
    assert_eq!(refused, Err("there is no account called nobody".into()));
}

#[test]
fn an_operator_makes_and_ends_accounts_from_outside() {
    let mut hall = office();
    let hash = PasswordHash("hash".into());
    let set = |name| Administer::SetPassword {
        name,
        hash: hash.clone(),
    };
    assert!(administer(&mut hall, set("admin")).is_ok());
    let admin = Name::parse("admin").unwrap();
    let account = hall.chat.accounts.named(admin).unwrap();
    assert_eq!(
        (account.id, &account.password),
        (AccountId(5), &Some(hash.clone()))
    );
    assert!(administer(&mut hall, set("admin")).is_ok());
    assert!(
        administer(&mut hall, set("gus")).is_err(),
        "somebody is called so"
    );
    hall.line(2, "/create den");
    let done = administer(&mut hall, Administer::RemoveAccount { name: "alice" });
    assert_eq!(done, Ok("alice is no account any more".into()));
    assert_eq!(hall.closing[&2], Close::Removed);
    assert!(hall.changed.contains(&Change::RemoveAccount(AccountId(2))));
    assert_eq!(hall.ask(1, "/rooms den"), ["-> #den (0 here)"]);
}

#[test]
fn an_operator_takes_back_what_was_said_when_that_is_durable() {
    let mut hall = office();
    hall.line(3, "something");
    let erase = |room| Administer::Erase {
        room,
        id: EntryId(1),
    };
    hall.answers = false;
    let input = Input::Administer(RequestId(1), erase("#lobby"));
    assert_eq!(hall.input(input), Verdict::Taken);
    assert!(hall.administered.is_empty() && hall.erased.is_empty());
    hall.answer_changes();
    assert_eq!(hall.erased, [(LOBBY, EntryId(1))]);
    let done = hall.administered.pop();
    assert_eq!(done, Some(Ok("entry 1 of #lobby is taken back".into())));
    assert_eq!(hall.changed.last(), Some(&Change::Erase(LOBBY, EntryId(1))));
    let nowhere = administer(&mut hall, erase("nowhere"));
    assert_eq!(nowhere, Err("there is no room #nowhere".into()));
}

#[test]
fn what_was_never_said_cannot_be_taken_back() {
    let mut hall = office();
    let erase = |id| Administer::Erase {
        room: "lobby",
        id: EntryId(id),
    };
    let none = administer(&mut hall, erase(1));
    let words = "there is no entry 1 in #lobby: nothing was ever said there";
    assert_eq!(none, Err(words.into()));
    hall.line(3, "something");
    for id in [0, 2, u64::MAX] {
        let words = format!("there is no entry {id} in #lobby: the newest is 1");
        assert_eq!(administer(&mut hall, erase(id)), Err(words));
    }
    assert!(hall.erased.is_empty());
    assert!(administer(&mut hall, erase(1)).is_ok());
    // Once more is as good.
    assert!(administer(&mut hall, erase(1)).is_ok());
}

#[test]
fn what_could_not_be_taken_back_on_the_disk_yet_leaves_memory_and_the_operator_is_told() {
    let mut hall = office();
    hall.line(3, "something");
    hall.answers = false;
    let (room, id) = ("lobby", EntryId(1));
    let input = Input::Administer(RequestId(1), Administer::Erase { room, id });
    assert_eq!(hall.input(input), Verdict::Taken);
    let (ticket, _) = hall.changes.pop_front().unwrap();
    let why = StoreFailure::DiskFull;
    let outcome = Outcome::NotStored { ticket, why };
    assert_eq!(hall.input(Input::Outcome(outcome)), Verdict::Taken);
    assert_eq!(hall.erased, [(LOBBY, EntryId(1))]);
    let told = hall.administered.pop().unwrap().unwrap_err();
    assert!(told.contains("not stored yet"), "{told}");
}
