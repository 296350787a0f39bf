//! Passwords, logging in, keys and names of accounts.

use super::hall::{Hall, arrival, client};
use crate::chat::*;
use crate::limits::{
    ACCOUNT_NAME_RESERVED, KEYS_PER_ACCOUNT_MAX, LOGIN_DELAY_MAX, LOGIN_DELAY_MIN,
    PASSWORD_BYTES_MAX, PASSWORD_JOBS_PER_SOURCE_MAX,
};
use std::time::Duration;

const WRONG: &str = "Err: wrong name or password; try again";

fn keyed(slot: u32, key: u8) -> Arrival {
    Arrival {
        key: Some(ClientKey([key; 20])),
        ..arrival(Door::Sealed, slot)
    }
}

/// alice has an account and is gone; bob watches the lobby.
fn alice_away() -> Hall {
    let mut hall = Hall::stored();
    hall.line_client(9, "bob");
    hall.line_account(1, "alice");
    hall.line(1, "/quit");
    hall.close(1, Parting::Left);
    hall.hear(9);
    hall
}

#[test]
fn a_guest_chooses_a_password_twice_and_has_an_account() {
    let mut hall = Hall::stored();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    assert_eq!(hall.ask(1, "/password"), ["secret? New"]);
    assert_eq!(hall.ask(1, "pass word"), ["secret? Again"]);
    assert!(hall.ask(1, "pass word")[0].starts_with("-> alice is your account now"));
    assert!(hall.hear(2).is_empty(), "nobody else is told");
    assert!(hall.jobs.is_empty());
    let account = hall.archive.accounts.values().next().unwrap();
    assert_eq!(&*account.password.as_ref().unwrap().0, "pass word");
    assert_eq!(account.rooms, [LOBBY]);
    assert_eq!(account.current, Some(LOBBY));
    let alice = Name::parse("alice").unwrap();
    assert!(hall.deeds.contains(&Deed::Account {
        name: alice,
        what: "made"
    }));
    let whois = hall.ask(2, "/whois alice");
    assert_eq!(whois, ["-> alice: account, plain, here for 0s"]);
}

#[test]
fn a_secret_is_never_a_message_or_a_command_whatever_it_looks_like() {
    let mut hall = Hall::stored();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.hear(1);
    hall.line(1, "/password");
    assert_eq!(hall.ask(1, "/quit"), ["secret? Again"]);
    let heard = hall.ask(1, "/quit");
    assert!(heard[0].starts_with("-> alice is your account now"));
    hall.line(1, "/password");
    hall.line(1, "/quit");
    hall.line(1, "hello bob");
    hall.line(1, "hello bob");
    assert!(hall.hear(2).is_empty());
    assert!(hall.jobs.is_empty());
    let account = hall.archive.accounts.values().next().unwrap();
    assert_eq!(&*account.password.as_ref().unwrap().0, "hello bob");
    assert!(!format!("{:?}", hall.deeds).contains("hello"));
}

#[test]
fn an_empty_answer_cancels_and_two_that_differ_are_asked_again() {
    let mut hall = Hall::stored();
    hall.line_client(1, "alice");
    hall.line(1, "/password");
    hall.hear(1);
    assert_eq!(hall.ask(1, ""), ["-> nothing is changed"]);
    hall.line(1, "/password");
    hall.line(1, "one");
    let heard = hall.ask(1, "two");
    assert!(heard[0].starts_with("Err: the two were not the same"));
    assert_eq!(heard[1..], ["discarded", "secret? New"]);
    let long = "x".repeat(PASSWORD_BYTES_MAX + 1);
    let heard = hall.ask(1, &long);
    assert!(heard[0].starts_with("Err: a password has 1 to 256 bytes"));
    hall.line(1, "");
    assert!(hall.archive.accounts.is_empty());
    // And it is an ordinary guest again.
    assert_eq!(hall.ask(1, "hi"), ["stored 1 as 1"]);
}

#[test]
fn the_password_as_it_is_comes_before_another_one() {
    let mut hall = Hall::stored();
    hall.line_account(1, "alice");
    assert_eq!(hall.ask(1, "/password"), ["secret? Current"]);
    assert_eq!(
        hall.ask(1, "wrong"),
        [WRONG, "discarded", "secret? Current"]
    );
    hall.pass(LOGIN_DELAY_MIN);
    assert_eq!(hall.ask(1, "pw"), ["secret? New"]);
    hall.line(1, "other");
    assert_eq!(hall.ask(1, "other"), ["-> your password is changed"]);
    hall.line(1, "/quit");
    hall.open(2, arrival(Door::Line, 2));
    hall.line(2, "alice");
    hall.line(2, "pw");
    hall.pass(LOGIN_DELAY_MIN);
    hall.hear(2);
    assert_eq!(hall.ask(2, "other")[0], "named");
}

#[test]
fn nothing_is_heard_while_a_password_is_looked_at_and_nothing_is_lost() {
    let mut hall = Hall::stored();
    hall.line_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.hashes = false;
    for line in ["/password", "pw", "pw"] {
        hall.line(1, line);
    }
    let paused = Verdict::Paused(Pause::Password);
    assert_eq!(hall.input(Input::Line(client(1), "hi")), paused);
    hall.run(2, "/password");
    hall.secret(2, "pw");
    hall.secret(2, "pw");
    hall.hear(2);
    assert_eq!(
        hall.input(Input::Run(client(2), MessageKey(99), "hi")),
        paused
    );
    assert_eq!(
        hall.input(Input::Secret(client(2), MessageKey(98), "hi")),
        paused
    );
    hall.answer_password();
    hall.line(1, "hi");
    assert_eq!(
        hall.input(Input::Run(client(2), MessageKey(99), "hi")),
        paused
    );
    hall.answer_password();
    hall.run(2, "hi");
    assert_eq!(hall.hear(1).last().unwrap(), "[#lobby] bob: hi");
    assert_eq!(hall.archive.accounts.len(), 2);
}

#[test]
fn the_end_of_input_waits_for_the_password_worker_and_for_the_store() {
    let mut hall = Hall::stored();
    hall.line_client(1, "alice");
    hall.hear(1);
    (hall.hashes, hall.answers) = (false, false);
    for line in ["/password", "pw", "pw"] {
        hall.line(1, line);
    }
    hall.hear(1);
    assert_eq!(hall.input(Input::EndOfInput(client(1))), Verdict::Taken);
    assert!(hall.hear(1).is_empty());
    hall.answer_password();
    assert!(hall.hear(1).is_empty(), "it is not durable");
    hall.answer_changes();
    let heard = hall.hear(1);
    assert!(heard[0].starts_with("-> alice is your account now"));
    assert_eq!(heard[1], "bye None");
    // The same before there is a name.
    hall.answers = true;
    hall.open(2, arrival(Door::Line, 2));
    hall.line(2, "/login alice");
    hall.line(2, "pw");
    hall.hear(2);
    assert_eq!(hall.input(Input::EndOfInput(client(2))), Verdict::Taken);
    assert!(hall.hear(2).is_empty());
    hall.answer_password();
    let heard = hall.hear(2);
    assert_eq!(
        (&*heard[0], &**heard.last().unwrap()),
        ("named", "bye None")
    );
}

#[test]
fn a_name_that_is_an_accounts_needs_the_password() {
    let mut hall = alice_away();
    hall.open(2, arrival(Door::Line, 2));
    assert_eq!(hall.ask(2, "Alice"), ["secret? Login(Alice)"]);
    assert_eq!(
        hall.ask(2, "wrong"),
        [WRONG, "discarded", "secret? Login(Alice)"]
    );
    assert_eq!(hall.ask(2, ""), ["name?"]);
    hall.pass(LOGIN_DELAY_MIN);
    hall.line(2, "/nick alice");
    let heard = hall.ask(2, "pw");
    let expected = [
        "named",
        "reads #lobby from Newest(20)",
        "-> You are alice, in #lobby with 1 other: bob. /help lists the commands.",
    ];
    assert_eq!(heard, expected);
    assert_eq!(hall.hear(9), ["* #lobby: alice joined (2 here)"]);
    let heard = hall.ask(9, "/nick alice");
    assert!(heard[0].starts_with("Err: alice is an account's name"));
}

#[test]
fn an_unknown_account_is_told_from_a_wrong_password_by_nothing() {
    let mut hall = alice_away();
    let mut tries = Vec::new();
    for (slot, name) in [(2, "alice"), (3, "nobody")] {
        hall.hashes = false;
        hall.open(slot, arrival(Door::Line, slot));
        hall.hear(slot);
        let mut heard = Vec::new();
        for wait in [0, 1, 2] {
            hall.pass(Duration::from_secs(wait));
            if wait == 0 {
                hall.line(slot, "/help");
                hall.hear(slot);
                heard.extend(hall.ask(slot, &format!("/login {name}")));
            }
            heard.extend(hall.ask(slot, "wrong"));
            assert_eq!(hall.passwords.len(), 1, "each is looked at");
            hall.answer_password();
            heard.extend(hall.hear(slot));
            // At once it is not looked at again.
            if wait < 2 {
                heard.extend(hall.ask(slot, "wrong"));
            }
        }
        tries.push(heard.join("\n").replace(name, "NAME"));
    }
    assert_eq!(tries[0], tries[1]);
    assert!(tries[0].contains("Err: too many tries; the next one is looked at in 2s"));
    assert!(hall.archive.accounts.len() == 1, "nothing is created");
}

#[test]
fn three_wrong_passwords_close_the_connection() {
    let mut hall = alice_away();
    hall.open(2, arrival(Door::Line, 2));
    hall.line(2, "alice");
    for wait in [1, 2] {
        hall.line(2, "wrong");
        hall.pass(Duration::from_secs(wait));
    }
    let heard = hall.ask(2, "wrong");
    assert_eq!(
        heard,
        [WRONG, "discarded", "bye Some(\"too many wrong passwords\")"]
    );
    assert_eq!(hall.closing[&2], Close::Done);
    let failed = hall.deeds.iter();
    let failed = failed.filter(|deed| matches!(deed, Deed::LoginFailed { .. }));
    assert_eq!(failed.count(), 3);
    // Whoever has a name says goodbye.
    hall.pass(LOGIN_DELAY_MAX);
    hall.line_client(3, "carol");
    hall.line(3, "/login alice");
    for wait in [60, 60] {
        hall.line(3, "wrong");
        hall.pass(Duration::from_secs(wait));
    }
    assert_eq!(hall.ask(3, "wrong"), [WRONG, "discarded", "bye None"]);
}

#[test]
fn a_script_whose_login_fails_is_closed_and_nothing_more_is_read() {
    for (first, then) in [("/login alice", "wrong"), ("/nick alice", "wrong")] {
        let mut hall = alice_away();
        hall.open(2, arrival(Door::Line, 2));
        hall.line(2, first);
        let heard = hall.ask(2, then);
        assert_eq!(heard, [WRONG, "discarded", "closed"]);
        assert!(hall.ask(2, "secret").is_empty());
        assert_eq!(hall.closing[&2], Close::Done);
        hall.close(2, Parting::Left);
        // The next one comes too early.
        hall.open(3, arrival(Door::Line, 3));
        let heard = hall.ask(3, first);
        assert!(heard.concat().contains("Err: too many tries"), "{heard:?}");
        assert_eq!(heard.last().unwrap(), "closed");
        assert!(hall.hear(9).is_empty());
    }
}

#[test]
fn where_passwords_could_be_overheard_none_is_asked_for() {
    let mut hall = alice_away();
    let open = |hall: &mut Hall, slot| {
        let arrival = Arrival {
            takes_passwords: false,
            ..arrival(Door::Line, slot)
        };
        hall.open(slot, arrival);
        hall.hear(slot);
    };
    let refused = "Err: this connection is not encrypted";
    for first in ["/login alice", "/login nobody", "/nick alice"] {
        open(&mut hall, 2);
        let heard = hall.ask(2, first);
        assert!(heard[0].starts_with(refused), "{heard:?}");
        assert_eq!(heard[1..], ["discarded", "closed"]);
        hall.close(2, Parting::Left);
    }
    open(&mut hall, 3);
    let heard = hall.ask(3, "alice");
    assert_eq!(heard[1..], ["discarded", "name?"]);
    hall.line(3, "carol");
    assert!(hall.ask(3, "/password")[0].starts_with(refused));
    assert!(hall.ask(3, "/login alice")[0].starts_with(refused));
    assert!(hall.passwords.is_empty());
}

#[test]
fn one_source_has_so_many_passwords_under_way_and_the_rest_is_busy() {
    let mut hall = alice_away();
    hall.hashes = false;
    let count = u32::try_from(PASSWORD_JOBS_PER_SOURCE_MAX).unwrap();
    for slot in 20..=20 + count {
        let arrival = Arrival {
            trusted: false,
            ..arrival(Door::Line, slot)
        };
        hall.open(slot, arrival);
        hall.line(slot, "alice");
        hall.line(slot, "pw");
    }
    assert_eq!(hall.passwords.len(), PASSWORD_JOBS_PER_SOURCE_MAX);
    let heard = hall.hear(20 + count);
    assert!(heard[3].starts_with("Err: too much waits"), "{heard:?}");
    assert_eq!(heard[4..], ["discarded", "secret? Login(alice)"]);
    hall.answer_password();
    hall.line(20 + count, "pw");
    hall.hashes = true;
    hall.answer_password();
    assert_eq!(
        hall.chat.people.count(),
        2 + usize::try_from(count).unwrap()
    );
}

#[test]
fn the_answer_for_a_connection_that_is_gone_changes_nothing() {
    let mut hall = alice_away();
    hall.hashes = false;
    hall.open(2, arrival(Door::Line, 2));
    hall.line(2, "alice");
    hall.line(2, "pw");
    hall.close(2, Parting::Lost(Loss::Reset));
    let next = ClientId {
        slot: 2,
        generation: 2,
    };
    let opened = Input::Opened(next, arrival(Door::Line, 2));
    assert_eq!(hall.input(opened), Verdict::Taken);
    hall.hear(2);
    hall.answer_password();
    assert!(hall.hear(2).is_empty());
    assert!(hall.hear(9).is_empty());
}

#[test]
fn a_guest_that_logs_in_is_renamed_where_it_is() {
    let mut hall = alice_away();
    hall.sealed_client(2, "carol");
    hall.run(2, "/create den");
    hall.line(9, "/join den");
    hall.hear(2);
    hall.hear(9);
    let login = hall.run(2, "/login alice").0;
    let password = hall.secret(2, "pw").0;
    let expected = [
        "secret? Login(alice)".to_owned(),
        format!("done {login}"),
        "* #lobby: carol is now alice".into(),
        "renamed alice".into(),
        "-> You are alice, in #den with 1 other: bob. /help lists the commands.".into(),
        format!("done {password}"),
    ];
    let heard = hall.hear(2);
    let own = |words: &&String| !words.starts_with("* ");
    assert!(
        heard.iter().filter(own).eq(expected.iter().filter(own)),
        "{heard:?}"
    );
    let told = ["* #lobby: carol is now alice", "* #den: carol is now alice"];
    assert_eq!(hall.hear(9), told);
    assert!(hall.ask(9, "/whois alice")[0].starts_with("-> alice: account, encrypted"));
    let key = hall.run(2, "/login alice").0;
    assert!(hall.hear(2)[0].starts_with(&format!("Err {key}: write it like this")));
}

#[test]
fn an_enrolled_key_lets_in_without_a_password() {
    let mut hall = Hall::stored();
    hall.open(1, keyed(1, 1));
    hall.hello(1, "alice");
    let refused = hall.run(1, "/keys").0;
    assert!(hall.hear(1).contains(&format!(
        "Err {refused}: that needs an account; /password makes one of your name"
    )));
    hall.run(1, "/password");
    hall.secret(1, "pw");
    hall.secret(1, "pw");
    hall.run(1, "/keys add");
    hall.hear(1);
    hall.run(1, "/keys");
    let listed = hall.hear(1);
    assert!(listed[0].contains("aeaqcaibaeaqcaibaeaqcaibaeaqcaib for 0s, this connection's"));
    hall.run(1, "/quit");
    // With another key, or none, the password is asked for.
    for (slot, arrival) in [(2, keyed(2, 2)), (3, arrival(Door::Sealed, 3))] {
        hall.open(slot, arrival);
        hall.hello(slot, "alice");
        assert_eq!(hall.hear(slot), ["secret? Login(alice)"]);
    }
    hall.open(4, keyed(4, 1));
    hall.hello(4, "alice");
    assert_eq!(hall.hear(4)[1], "welcome alice resumed false");
    hall.run(4, "/keys remove AEAQ-CAIB");
    hall.run(4, "/quit");
    hall.open(5, keyed(5, 1));
    hall.hello(5, "alice");
    assert_eq!(hall.hear(5), ["secret? Login(alice)"]);
    assert!(hall.passwords.is_empty());
}

/// Goal: the line behind a refused /login is a password, and must not be said. Method: what was
/// typed ahead must be thrown away, whatever the reason of the refusal.
#[test]
fn what_was_typed_behind_a_refused_login_is_thrown_away() {
    let mut hall = Hall::stored();
    hall.line_account(1, "alice");
    for line in ["/login bob", "/login 9"] {
        let heard = hall.ask(1, line);
        assert!(heard[0].starts_with("Err: "), "{heard:?}");
        assert_eq!(heard[1..], ["discarded"], "{line}");
    }
}

/// Goal: who became an account's by its key is not lost when the server ends before the next
/// resume. Method: its session must be among the changes when it is told that it is in.
#[test]
fn a_guest_who_logs_in_by_its_key_is_remembered_at_once() {
    let mut hall = Hall::stored();
    hall.open(1, keyed(1, 1));
    hall.hello(1, "alice");
    hall.run(1, "/password");
    hall.secret(1, "pw");
    hall.secret(1, "pw");
    hall.run(1, "/keys add");
    hall.open(2, keyed(2, 1));
    hall.hello(2, "carol");
    hall.hear(2);
    hall.changed.clear();
    let key = hall.run(2, "/login alice").0;
    let heard = hall.hear(2);
    assert!(heard.contains(&format!("done {key}")), "{heard:?}");
    let is_session = |change: &Change| matches!(change, Change::PutSession(_));
    assert!(hall.changed.iter().any(is_session), "{:?}", hall.changed);
}

#[test]
fn keys_are_bounded_and_only_those_there_are_can_be_removed() {
    let mut hall = alice_away();
    for key in 0..=u8::try_from(KEYS_PER_ACCOUNT_MAX).unwrap() {
        let slot = 20 + u32::from(key);
        hall.open(slot, keyed(slot, key));
        hall.hello(slot, "alice");
        hall.secret(slot, "pw");
        hall.hear(slot);
        hall.run(slot, "/keys add");
    }
    let last = 20 + u32::try_from(KEYS_PER_ACCOUNT_MAX).unwrap();
    assert!(hall.hear(last)[0].contains("an account has at most 16 keys"));
    hall.run(last, "/keys remove");
    assert!(hall.hear(last)[0].contains("that key is not enrolled"));
    hall.run(last, "/keys remove zz");
    assert!(hall.hear(last)[0].contains("that key is not enrolled"));
    hall.line_client(2, "carol");
    hall.line(2, "/login alice");
    hall.line(2, "pw");
    assert!(hall.ask(2, "/keys add")[0].contains("your client showed no key"));
}

#[test]
fn a_renamed_account_keeps_its_old_name_from_others() {
    let mut hall = Hall::stored();
    hall.line_account(1, "alice");
    hall.line_client(9, "bob");
    assert_eq!(hall.ask(1, "/nick Alicia"), ["-> you are now Alicia"]);
    assert_eq!(hall.hear(9), ["* #lobby: alice is now Alicia"]);
    assert_eq!(
        hall.ask(9, "/nick alice")[0],
        "Err: alice is reserved; try another name"
    );
    assert!(hall.ask(1, "/nick bob")[0].starts_with("Err: bob is taken"));
    assert_eq!(hall.ask(1, "/nick ALICIA"), ["-> you are now ALICIA"]);
    hall = hall.restart();
    hall.open(2, arrival(Door::Line, 2));
    assert!(hall.ask(2, "alice")[0].starts_with("Err: alice is reserved"));
    assert_eq!(hall.ask(2, "alicia"), ["secret? Login(alicia)"]);
    hall.line(2, "");
    hall.pass(ACCOUNT_NAME_RESERVED);
    hall.hear(2);
    assert_eq!(hall.ask(2, "alice")[0], "named");
}

#[test]
fn rooms_and_inbox_of_a_guest_become_its_accounts() {
    let mut hall = Hall::stored();
    hall.line_client(1, "alice");
    hall.line_client(9, "bob");
    hall.line(1, "/create den");
    hall.line(9, "/msg alice psst");
    let den = hall.room("#den").unwrap();
    for line in ["/password", "pw", "pw"] {
        hall.line(1, line);
    }
    let account = hall.archive.accounts.values().next().unwrap().clone();
    let room = &hall.archive.rooms[&den];
    assert_eq!(room.roles, [(account.id, Role::Owner)]);
    assert_eq!(room.guest, None);
    let inbox = hall.archive.inboxes[&account.inbox.unwrap()];
    assert_eq!(inbox.owner, Owner::Account(account.id));
    hall.line(1, "/quit");
    hall.close(1, Parting::Left);
    assert_eq!(hall.names[&den], "#den", "it stays");
    assert!(hall.archive.rooms.contains_key(&den));
}

#[test]
fn an_operator_makes_changes_and_removes_accounts() {
    let mut hall = Hall::stored();
    hall.line_client(9, "bob");
    let set = |name| Administer::SetPassword {
        name,
        hash: PasswordHash("pw".into()),
    };
    let administer = |hall: &mut Hall, task| {
        let verdict = hall.input(Input::Administer(RequestId(1), task));
        assert_eq!(verdict, Verdict::Taken);
        hall.administered.pop().unwrap()
    };
    assert!(administer(&mut hall, set("bob")).is_err());
    assert!(administer(&mut hall, set("1x")).is_err());
    // The server's own names are the operator's to give.
    assert!(administer(&mut hall, set("admin")).is_ok());
    let grant = Administer::Grant {
        name: "admin",
        is_given: true,
    };
    assert!(administer(&mut hall, grant).is_ok());
    hall.sealed_account(1, "admin");
    hall.run(1, "/whois bob");
    let whois = "-> bob: guest, plain, here for 0s, from 192.0.2.1";
    assert!(hall.hear(1).contains(&whois.to_owned()));
    hall.line(9, "/msg admin psst");
    assert!(administer(&mut hall, set("admin")).is_ok());
    assert_eq!(hall.archive.sessions.len(), 1, "who is here stays");
    hall.hear(9);
    let remove = || Administer::RemoveAccount { name: "admin" };
    assert!(administer(&mut hall, remove()).is_ok());
    assert_eq!(hall.closing[&1], Close::Removed);
    assert_eq!(hall.hear(9), ["* #lobby: admin left after 0s"]);
    assert!(administer(&mut hall, remove()).is_err());
    assert!(hall.archive.accounts.is_empty() && hall.archive.sessions.is_empty());
    let inboxes = hall.archive.inboxes.values();
    let owners: Vec<_> = inboxes.map(|inbox| inbox.owner).collect();
    assert!(matches!(owners[..], [Owner::Session(_)]), "bob's stays");
    assert!(hall.ask(9, "/nick admin")[0].starts_with("Err: admin is reserved"));
    let heard = hall.ask(9, "/msg admin hi");
    assert!(heard[0].starts_with("Err: nobody called admin"));
}

#[test]
fn an_account_that_is_banned_from_the_server_is_not_let_in() {
    let mut hall = alice_away();
    for line in ["/password", "pw", "pw"] {
        hall.line(9, line);
    }
    let grant = Administer::Grant {
        name: "bob",
        is_given: true,
    };
    let verdict = hall.input(Input::Administer(RequestId(1), grant));
    assert_eq!(verdict, Verdict::Taken);
    hall.line(9, "/ban alice server 1h");
    hall.open(2, arrival(Door::Line, 2));
    hall.line(2, "alice");
    let heard = hall.ask(2, "pw");
    assert!(heard[0].starts_with("Err: you are banned from this server"));
    assert_eq!(heard[1..], ["bye None"]);
    assert_eq!(hall.closing[&2], Close::Removed);
    hall.line_client(3, "carol");
    hall.line(3, "/login alice");
    let heard = hall.ask(3, "pw");
    assert!(heard[0].starts_with("Err: you are banned from this server"));
    assert_eq!(hall.ask(3, "/whois carol").len(), 1, "it is still itself");
}

#[test]
fn what_is_said_is_logged_only_when_the_operator_wants_it() {
    for log_messages in [false, true] {
        let mut hall = Hall::with(Settings {
            log_messages,
            ..Settings::default()
        });
        hall.line_client(1, "alice");
        hall.line_client(2, "bob");
        hall.line(1, "hello");
        hall.line(1, "/msg bob psst");
        let said = |deed: &&Deed| matches!(deed, Deed::Said { .. });
        let said: Vec<_> = hall.deeds.iter().filter(said).cloned().collect();
        let to = Name::parse("bob").ok();
        let expected = [
            Deed::Said {
                room: RoomName::parse("lobby").ok(),
                to: None,
                text: "hello".into(),
            },
            Deed::Said {
                room: None,
                to,
                text: "psst".into(),
            },
        ];
        assert_eq!(said, if log_messages { &expected[..] } else { &[] });
    }
}

#[test]
fn comings_and_goings_are_logged() {
    let mut hall = Hall::stored();
    hall.sealed_client(1, "alice");
    hall.run(1, "/nick alicia");
    hall.pass(Duration::from_secs(3));
    hall.close(1, Parting::Lost(Loss::Silent));
    hall.come_back(2, "alicia", hall.tokens[&1], vec![]);
    hall.run(2, "/quit");
    let came = |resumed| Deed::Came {
        source: [192, 0, 2, 1].into(),
        door: Door::Sealed,
        has_account: false,
        resumed,
    };
    let went = |lost| Deed::Went {
        after: Duration::from_secs(3),
        lost,
    };
    let to = Name::parse("alicia").unwrap();
    let expected = [
        came(false),
        Deed::Renamed { to },
        went(Some(Loss::Silent)),
        came(true),
        went(None),
    ];
    let is_in_rooms = |deed: &Deed| matches!(deed, Deed::Joined(_) | Deed::Left(_));
    hall.deeds.retain(|deed| !is_in_rooms(deed));
    assert_eq!(hall.deeds, expected);
}

/// Goal: what ends up in a log or a failure says no password. Method: everything that carries one
/// is written out as it would be there.
#[test]
fn a_password_is_never_shown() {
    let mut hall = Hall::stored();
    hall.hashes = false;
    hall.line_client(1, "alice");
    hall.line(1, "/password");
    hall.line(1, "sesame");
    hall.line(1, "sesame");
    let inputs = [
        Input::Line(client(1), "sesame"),
        Input::Secret(client(1), MessageKey(1), "sesame"),
        Input::Run(client(1), MessageKey(1), "sesame"),
    ];
    let shown = format!("{inputs:?} {:?} {:?}", hall.passwords, hall.chat);
    assert!(shown.contains("Secret(..)"));
    assert!(!shown.contains("sesame"), "{shown}");
}
