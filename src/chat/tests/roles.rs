//! Who may do what in a room: owners, moderators, the invited, administrators.

use super::hall::{Hall, client};
use super::records::{guest, hall, member, record};
use crate::chat::people::PersonId;
use crate::chat::*;

/// alice's account owns #den; bob's account and gus, a guest, are in it; boss administers.
fn den() -> Hall {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    member(&mut hall, 2, "bob");
    guest(&mut hall, 3, "gus");
    member(&mut hall, 4, "boss");
    hall.line(1, "/create den");
    for slot in [2, 3] {
        hall.line(slot, "/join den");
    }
    for slot in 1..=4 {
        hall.hear(slot);
    }
    hall
}

fn person(hall: &Hall, name: &str) -> PersonId {
    hall.chat
        .people
        .named(Name::parse(name).unwrap())
        .unwrap()
        .0
}

#[test]
fn owners_moderators_and_administrators_have_their_roles() {
    let mut hall = den();
    hall.line(1, "/op bob");
    hall.line(1, "/op gus");
    let den = hall.room("#den").unwrap();
    let role = |name| hall.chat.role(person(&hall, name), den);
    assert_eq!(role("alice"), Some(Role::Owner));
    assert_eq!(role("bob"), Some(Role::Moderator));
    assert_eq!(role("gus"), Some(Role::Moderator));
    assert_eq!(role("boss"), Some(Role::Owner));
    let role = |name| hall.chat.role(person(&hall, name), LOBBY);
    assert_eq!((role("alice"), role("boss")), (None, Some(Role::Owner)));
    let names = hall.ask(1, "/names");
    assert_eq!(
        names,
        ["-> names #den: @alice(plain) @bob(plain) @gus(plain)"]
    );
}

#[test]
fn an_owner_appoints_and_both_are_told() {
    let mut hall = den();
    let told = hall.ask(1, "/op bob");
    assert_eq!(told, ["-> bob is a moderator of #den"]);
    assert_eq!(hall.hear(2), ["-> alice made you a moderator of #den"]);
    assert!(hall.ask(2, "/op gus")[0].starts_with("Err: only an owner of #den"));
    let told = hall.ask(1, "/deop bob");
    assert_eq!(told, ["-> bob has no rights in #den any more"]);
    assert!(hall.ask(2, "/mute gus")[0].starts_with("Err: only a moderator"));
    assert!(hall.ask(1, "/op nobody")[0].starts_with("Err: nobody called nobody"));
    assert!(hall.ask(1, "/op alice")[0].starts_with("Err: that would be yourself"));
    // carol has an account and is not here.
    hall.line(1, "/op carol");
    assert_eq!(record(&hall, "den").roles.len(), 2);
}

#[test]
fn a_guests_role_goes_with_its_session() {
    let mut hall = den();
    hall.line(1, "/op gus");
    assert!(hall.ask(3, "/topic mine").is_empty());
    hall.close(3, Parting::Left);
    guest(&mut hall, 5, "gus");
    hall.line(5, "/join den");
    assert!(hall.ask(5, "/topic mine")[0].starts_with("Err: only a moderator"));
    assert_eq!(record(&hall, "den").roles.len(), 1);
}

#[test]
fn nobody_takes_the_rights_of_who_may_do_as_much() {
    let mut hall = den();
    assert!(hall.ask(1, "/deop boss")[0].starts_with("Err: boss may do as much here as you"));
    hall.line(4, "/deop #den alice");
    assert!(hall.ask(1, "/set limit 3")[0].starts_with("Err: only an owner"));
}

#[test]
fn moderators_set_the_topic_though_the_owner_is_here() {
    let mut hall = den();
    assert!(hall.ask(2, "/topic mine")[0].starts_with("Err: only a moderator"));
    hall.line(1, "/op bob");
    hall.line(2, "/topic mine");
    assert_eq!(hall.ask(2, "/topic"), ["-> topic of #den: mine"]);
    hall.line(1, "/leave den");
    assert!(hall.ask(3, "/topic anybody's").is_empty());
}

#[test]
fn the_lobby_belongs_to_administrators() {
    let mut hall = den();
    assert!(hall.ask(1, "/set #lobby limit 9")[0].starts_with("Err: only an owner of #lobby"));
    assert!(hall.ask(4, "/set #lobby limit 9")[0].contains("limit 9"));
    assert!(hall.ask(4, "/close lobby")[0].starts_with("Err: #lobby always stays"));
}

#[test]
fn a_closed_room_takes_everybody_out_and_its_history_with_it() {
    let mut hall = den();
    let den = hall.room("#den").unwrap();
    hall.sealed_client(5, "sue");
    hall.run(5, "/join den");
    hall.hear(5);
    assert!(hall.ask(2, "/close den")[0].starts_with("Err: only an owner of #den"));
    hall.answers = false;
    hall.line(2, "last words");
    let told = hall.ask(1, "/close den");
    assert_eq!(told, ["-> #den was closed by alice"]);
    assert_eq!(hall.hear(2), ["-> #den was closed by alice"]);
    let told = [
        "exited #den",
        "current Some(\"#lobby\")",
        "-> #den was closed by alice",
    ];
    assert_eq!(hall.hear(5), told);
    // The name is free at once, the room goes when the last message is settled.
    assert!(hall.members.contains_key(&den));
    hall.line(3, "/create den");
    assert_ne!(hall.room("#den"), None);
    hall.answer();
    hall.answer_changes();
    assert!(!hall.members.contains_key(&den));
    assert!(hall.hear(1).contains(&"-> #den is closed".to_owned()));
    assert!(hall.changed.contains(&Change::RemoveRoom(den)));
    let removals = hall
        .changed
        .iter()
        .filter(|change| **change == Change::RemoveRoom(den));
    assert_eq!(removals.count(), 1);
    hall.answers = true;
    assert!(hall.ask(3, "/set limit 4")[0].contains("limit 4"));
    // Administrators close any, from outside, too.
    assert_eq!(hall.ask(4, "/close den"), ["-> #den is closed"]);
}

#[test]
fn the_invited_pass_the_key_but_not_the_limit_and_only_once() {
    let mut hall = den();
    hall.line(1, "/set key sesame");
    hall.line(1, "/set hidden on");
    hall.line(2, "/leave den");
    hall.line(3, "/leave den");
    hall.hear(2);
    assert!(hall.ask(2, "/join den")[0].starts_with("Err: #den needs its key"));
    assert!(!hall.ask(2, "/rooms")[0].contains("#den"));
    assert_eq!(hall.ask(1, "/invite bob"), ["-> bob is invited to #den"]);
    assert_eq!(
        hall.hear(2),
        ["-> alice invites you to #den; /join #den enters it"]
    );
    assert!(hall.ask(2, "/rooms")[0].contains("#den"));
    hall.line(1, "/set limit 1");
    assert!(hall.ask(2, "/join den")[0].starts_with("Err: #den is full"));
    hall.line(1, "/set limit none");
    assert!(hall.ask(2, "/join den")[0].starts_with("reads #den"));
    assert!(record(&hall, "den").invited.is_empty());
    hall.line(2, "/leave den");
    assert!(hall.ask(2, "/join den")[0].starts_with("Err: #den needs its key"));
    // A guest's invitation is its session's.
    hall.line(1, "/invite gus");
    assert!(record(&hall, "den").invited.is_empty());
    assert!(hall.ask(3, "/join den")[0].starts_with("reads #den"));
    assert!(hall.ask(1, "/invite gus")[0].starts_with("-> gus is in #den"));
}

#[test]
fn who_ignores_somebody_is_not_told_of_their_invitations() {
    let mut hall = den();
    hall.line(2, "/leave den");
    hall.line(2, "/ignore alice");
    hall.hear(2);
    hall.line(1, "/invite bob");
    assert!(hall.hear(2).is_empty());
}

#[test]
fn administrators_are_made_of_accounts_only() {
    let mut hall = den();
    assert!(hall.ask(1, "/op bob server")[0].starts_with("Err: only an administrator"));
    assert!(hall.ask(4, "/op gus server")[0].starts_with("Err: that needs an account"));
    assert!(hall.ask(4, "/deop boss server")[0].starts_with("Err: that would be yourself"));
    assert_eq!(
        hall.ask(4, "/op bob server"),
        ["-> bob administers this server"]
    );
    assert!(hall.hear(2)[0].starts_with("-> you administer this server now"));
    let put = hall.changed.last().unwrap();
    let Change::PutAccount(record) = put else {
        panic!("{put:?}");
    };
    assert!(record.is_admin);
    assert!(hall.ask(2, "/set limit 4")[0].contains("limit 4"));
    hall.line(4, "/deop bob server");
    assert!(hall.ask(2, "/users")[0].starts_with("Err: only an administrator"));
}

#[test]
fn an_account_takes_over_what_the_guest_was_granted_and_burdened_with() {
    let mut hall = den();
    hall.line(3, "/create cave");
    hall.line(1, "/op gus");
    hall.line(4, "/mute #lobby gus");
    let id = person(&hall, "gus");
    let account = super::records::account(9, "gus");
    hall.chat.accounts.put(account);
    hall.chat.people.get_mut(id).unwrap().rare_mut().account = Some(AccountId(9));
    let mut effects = Effects::new();
    hall.chat.adopt(id, AccountId(9), &mut effects);
    hall.chat.assert_invariants();
    let (cave, den) = (hall.room("#cave").unwrap(), hall.room("#den").unwrap());
    assert_eq!(hall.chat.role(id, cave), Some(Role::Owner));
    assert_eq!(hall.chat.role(id, den), Some(Role::Moderator));
    assert!(hall.ask(3, "/say lobby hello")[0].starts_with("Err: you may not speak in #lobby"));
    let is_change =
        |effect: &&Effect| matches!(effect, Effect::Submit(Job::Write(Write::Change { .. })));
    assert_eq!(effects.iter().filter(is_change).count(), 3);
    hall.close(3, Parting::Left);
    assert!(hall.members.contains_key(&cave), "it is an account's now");
}

#[test]
fn help_lists_operators_commands_to_operators() {
    let mut hall = den();
    let words = |heard: Vec<String>| heard.join("\n");
    assert!(!words(hall.ask(1, "/help")).contains("/announce"));
    assert!(words(hall.ask(4, "/help")).contains("/announce"));
    assert!(words(hall.ask(1, "/help")).contains("/kick"));
    assert_eq!(hall.input(Input::EndOfInput(client(1))), Verdict::Taken);
}
