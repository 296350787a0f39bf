//! Sessions that outlast the process.

use super::hall::{Hall, arrival};
use crate::chat::*;
use crate::limits::{
    ACCOUNT_RESUME_AGE_MAX, GUEST_RESUME_AGE_MAX, SESSION_NOTED_INTERVAL, SESSIONS_PER_ACCOUNT_MAX,
};
use std::time::Duration;

const LOST: Parting = Parting::Lost(Loss::Silent);

/// alice, with an account, sealed, in the lobby and the den, which is bob's, who watches. He has
/// a room with a key and one without history, too.
fn alice_and_bob() -> Hall {
    let mut hall = Hall::stored();
    hall.line_client(9, "bob");
    hall.line(9, "/create safe word");
    hall.line(9, "/create quiet");
    hall.line(9, "/set history off");
    hall.line(9, "/create den");
    hall.choose_password(9);
    hall.line_account(8, "alice");
    hall.line(8, "/quit");
    hall.close(8, Parting::Left);
    hall.sealed_account(1, "alice");
    hall.run(1, "/join den");
    hall.hear(9);
    hall.hear(1);
    hall
}

#[test]
fn a_token_lets_an_account_in_after_a_restart_and_on_with_what_it_read() {
    let hall = alice_and_bob();
    let (token, den) = (hall.tokens[&1], hall.room("#den").unwrap());
    let mut hall = hall.restart();
    let expected = [
        "named",
        "welcome alice resumed true",
        "entered #den",
        "current Some(\"#den\")",
        "reads #den from After(EntryId(5))",
        "entered #lobby",
        "reads #lobby from Newest(20)",
    ];
    assert_eq!(
        hall.come_back(2, "alice", token, vec![(den, EntryId(5))]),
        expected
    );
    assert!(hall.passwords.is_empty());
    // The next time again, and from memory if it is only the connection that was lost.
    hall.close(2, LOST);
    let heard = hall.come_back(3, "alice", token, vec![]);
    assert_eq!(heard[1], "welcome alice resumed true");
    let mut hall = hall.restart();
    let heard = hall.come_back(4, "alice", token, vec![]);
    assert_eq!(heard[1], "welcome alice resumed true");
    // A forged one asks for the password.
    let heard = hall.come_back(5, "alice", Token([99; 16]), vec![]);
    assert_eq!(heard, ["secret? Login(alice)"]);
}

#[test]
fn what_is_sent_again_after_a_restart_is_stored_once() {
    let mut hall = alice_and_bob();
    let token = hall.tokens[&1];
    let key = hall.run(1, "once");
    let mut hall = hall.restart();
    hall.line_client(7, "carol");
    hall.come_back(2, "alice", token, vec![]);
    hall.hear(7);
    let again = Input::Run(super::hall::client(2), key, "/say lobby once");
    assert_eq!(hall.input(again), Verdict::Taken);
    assert_eq!(
        hall.hear(2).last().unwrap(),
        &format!("stored {} as 1", key.0)
    );
    assert!(hall.hear(7).is_empty());
    // The same for a guest, and for who had to give the password.
    for (slot, name) in [(20, "guest"), (30, "alice")] {
        let mut hall = alice_and_bob();
        hall.open(slot, arrival(Door::Sealed, slot));
        hall.hello(slot, name);
        hall.secret(slot, "pw");
        let token = hall.tokens[&slot];
        let key = hall.run(slot, "once");
        hall.archive.sessions.clear();
        let mut hall = hall.restart();
        hall.come_back(slot + 1, name, token, vec![]);
        hall.secret(slot + 1, "pw");
        hall.hear(slot + 1);
        let again = Input::Run(super::hall::client(slot + 1), key, "/say lobby once");
        assert_eq!(hall.input(again), Verdict::Taken);
        let stored = format!("stored {} as 1", key.0);
        assert_eq!(hall.hear(slot + 1).last().unwrap(), &stored, "{name}");
    }
}

#[test]
fn a_token_is_forgotten_a_day_after_its_session_was_last_in_use() {
    let mut hall = alice_and_bob();
    let token = hall.tokens[&1];
    // It is noted that the session is in use, though not often.
    let before = hall.archive.sessions[&TokenHash(token.0)].seen_unix_ms;
    hall.pass_with_ticks(ACCOUNT_RESUME_AGE_MAX + SESSION_NOTED_INTERVAL);
    assert!(hall.archive.sessions[&TokenHash(token.0)].seen_unix_ms > before);
    let mut hall = hall.restart();
    hall.pass(ACCOUNT_RESUME_AGE_MAX - SESSION_NOTED_INTERVAL);
    let heard = hall.come_back(2, "alice", token, vec![]);
    assert_eq!(heard[1], "welcome alice resumed true");
    let mut hall = hall.restart();
    hall.pass(ACCOUNT_RESUME_AGE_MAX);
    let heard = hall.come_back(3, "alice", token, vec![]);
    assert_eq!(heard, ["secret? Login(alice)"]);
}

#[test]
fn a_lost_connection_is_resumed_by_token_when_the_session_is_gone_from_memory() {
    let mut hall = alice_and_bob();
    let token = hall.tokens[&1];
    hall.close(1, LOST);
    hall.hear(9);
    hall.pass_with_ticks(GUEST_RESUME_AGE_MAX);
    assert_eq!(hall.chat.people.count(), 1);
    let heard = hall.come_back(2, "alice", token, vec![]);
    assert_eq!(heard[1], "welcome alice resumed true");
    assert!(heard.contains(&"entered #den".to_owned()));
}

#[test]
fn a_goodbye_ends_a_session_for_good_and_another_password_those_that_are_not_here() {
    let mut hall = alice_and_bob();
    let token = hall.tokens[&1];
    hall.sealed_account(2, "alice");
    hall.run(2, "/quit");
    assert_eq!(hall.archive.sessions.len(), 1);
    hall.close(1, LOST);
    hall.sealed_account(3, "alice");
    assert_eq!(hall.archive.sessions.len(), 2);
    hall.run(3, "/password");
    for text in ["pw", "other", "other"] {
        hall.secret(3, text);
    }
    assert_eq!(hall.archive.sessions.len(), 1);
    let mut hall = hall.restart();
    let heard = hall.come_back(4, "alice", token, vec![]);
    assert_eq!(heard, ["secret? Login(alice)"]);
}

#[test]
fn an_account_has_so_many_sessions_to_resume() {
    let mut hall = alice_and_bob();
    let count = u32::try_from(SESSIONS_PER_ACCOUNT_MAX).unwrap();
    for slot in 100..100 + count {
        hall.pass(Duration::from_secs(1));
        hall.sealed_account(slot, "alice");
    }
    assert_eq!(hall.archive.sessions.len(), SESSIONS_PER_ACCOUNT_MAX);
    let first = TokenHash(hall.tokens[&1].0);
    assert!(!hall.archive.sessions.contains_key(&first));
}

#[test]
fn an_account_made_by_a_session_is_resumed_by_it_once_it_came_back() {
    let mut hall = Hall::stored();
    hall.sealed_client(1, "alice");
    let token = hall.tokens[&1];
    hall.run(1, "/password");
    hall.secret(1, "pw");
    hall.secret(1, "pw");
    hall.close(1, LOST);
    hall.come_back(2, "alice", token, vec![]);
    let mut hall = hall.restart();
    let heard = hall.come_back(3, "alice", token, vec![]);
    assert_eq!(heard[1], "welcome alice resumed true");
}

#[test]
fn a_session_that_became_an_accounts_is_resumed_by_it_although_it_never_left() {
    // By a password of its own choice, and by the one that the account has.
    let mut hall = Hall::stored();
    hall.sealed_client(1, "alice");
    hall.run(1, "/password");
    hall.secret(1, "pw");
    hall.secret(1, "pw");
    hall.sealed_client(2, "stranger");
    hall.run(2, "/login alice");
    hall.secret(2, "pw");
    let tokens = [hall.tokens[&1], hall.tokens[&2]];
    let mut hall = hall.restart();
    for (slot, token) in (3..).zip(tokens) {
        let heard = hall.come_back(slot, "alice", token, vec![]);
        assert_eq!(heard[1], "welcome alice resumed true");
    }
}

#[test]
fn an_account_is_brought_back_into_its_rooms_and_those_that_are_gone_are_mentioned() {
    let mut hall = alice_and_bob();
    hall.line_client(7, "guest");
    hall.line(7, "/create hut");
    hall.run(1, "/join hut");
    hall.run(1, "/room lobby");
    hall.run(1, "/quit");
    hall.line(7, "/quit");
    hall.close(1, Parting::Left);
    hall.close(7, Parting::Left);
    let mut hall = hall.restart();
    hall.open(2, arrival(Door::Line, 2));
    hall.line(2, "alice");
    hall.hear(2);
    let expected = [
        "named",
        "reads #lobby from Newest(20)",
        "-> You are alice, in #lobby with 0 others. /help lists the commands.",
        "reads #den from Newest(20)",
        "-> a room that you were in is gone",
    ];
    assert_eq!(hall.ask(2, "pw"), expected);
    let account = hall.archive.accounts.values();
    let mut account = account.filter(|account| account.name.as_str() == "alice");
    assert_eq!(account.next().unwrap().rooms.len(), 2);
}

#[test]
fn what_an_account_leaves_it_is_not_brought_back_into() {
    let mut hall = alice_and_bob();
    hall.sealed_account(2, "alice");
    hall.run(1, "/leave den");
    // Another connection of it is still there.
    let alice = |hall: &Hall| {
        let mut accounts = hall.archive.accounts.values();
        accounts
            .find(|of| of.name.as_str() == "alice")
            .unwrap()
            .clone()
    };
    assert_eq!(alice(&hall).rooms.len(), 2);
    hall.run(2, "/leave den");
    assert_eq!(alice(&hall).rooms, [LOBBY]);
    assert_eq!(alice(&hall).current, Some(LOBBY));
}

#[test]
fn coming_back_into_many_rooms_is_one_change() {
    let mut hall = alice_and_bob();
    hall.run(1, "/join quiet");
    hall.run(1, "/join safe word");
    hall.run(1, "/quit");
    hall.close(1, Parting::Left);
    hall.open(2, arrival(Door::Sealed, 2));
    hall.hello(2, "alice");
    hall.answers = false;
    hall.secret(2, "pw");
    let puts = hall.changes.iter();
    let puts = puts.filter(|(_, change)| matches!(change, Change::PutAccount(_)));
    assert_eq!(puts.count(), 1);
    let rooms = hall
        .members
        .values()
        .filter(|of| of.contains(&super::hall::client(2)));
    assert_eq!(rooms.count(), 4);
}

#[test]
fn a_guest_goes_on_after_a_restart_where_it_may_and_nowhere_else() {
    let mut hall = alice_and_bob();
    hall.sealed_client(2, "guest");
    hall.run(2, "/join den");
    let ids = ["#den", "#safe", "#quiet"].map(|name| hall.room(name).unwrap());
    let token = hall.tokens[&2];
    let mut positions: Vec<_> = ids.into_iter().map(|room| (room, EntryId(3))).collect();
    positions.push((RoomId(99), EntryId(1)));
    positions.push((LOBBY, EntryId(4)));
    let mut hall = hall.restart();
    let expected = [
        "named",
        "welcome guest resumed true",
        "entered #lobby",
        "current Some(\"#lobby\")",
        "reads #lobby from After(EntryId(4))",
        "entered #den",
        "reads #den from After(EntryId(3))",
        "entered #quiet",
        "reads #quiet from Newest(0)",
    ];
    assert_eq!(hall.come_back(3, "guest", token, positions), expected);
    assert!(hall.chat.people.with_token(token).is_some());
}

#[test]
fn a_guest_that_said_goodbye_since_the_restart_begins_anew() {
    let mut hall = alice_and_bob();
    hall.sealed_client(2, "guest");
    let (token, read) = (hall.tokens[&2], vec![(LOBBY, EntryId(4))]);
    let mut hall = hall.restart();
    let heard = hall.come_back(3, "guest", token, read.clone());
    assert_eq!(heard[1], "welcome guest resumed true");
    hall.run(3, "/quit");
    let heard = hall.come_back(4, "guest", token, read);
    assert_eq!(heard[1], "welcome guest resumed false");
    assert_eq!(hall.chat.people.with_token(token), None);
}

#[test]
fn a_guests_inbox_waits_a_while_for_it_after_a_restart() {
    let hall = || {
        let mut hall = alice_and_bob();
        hall.sealed_client(2, "guest");
        hall.line(9, "/msg guest psst");
        hall
    };
    let before = hall();
    let token = before.tokens[&2];
    let mut inboxes = before.archive.inboxes.values();
    let guest = |inbox: &&InboxRecord| matches!(inbox.owner, Owner::Session(_));
    let inbox = inboxes.find(guest).unwrap().id;
    let mut after = before.restart();
    let heard = after.come_back(3, "guest", token, vec![(inbox, EntryId(1))]);
    assert!(
        heard.contains(&"reads inbox from After(EntryId(1))".to_owned()),
        "{heard:?}"
    );
    after.pass_with_ticks(GUEST_RESUME_AGE_MAX);
    assert!(after.archive.inboxes.contains_key(&inbox));
    let mut after = hall().restart();
    after.line_client(7, "carol");
    after.pass_with_ticks(GUEST_RESUME_AGE_MAX);
    assert!(!after.archive.inboxes.contains_key(&inbox));
    let heard = after.come_back(3, "guest", token, vec![(inbox, EntryId(1))]);
    assert_eq!(heard[1], "welcome guest resumed false");
    assert!(
        !heard.iter().any(|words| words.contains("inbox")),
        "{heard:?}"
    );
}

#[test]
fn what_an_account_had_read_is_kept_when_the_server_stops() {
    let mut hall = alice_and_bob();
    hall.line(9, "/msg alice one");
    hall.answers = false;
    hall.line(9, "/msg alice two");
    assert_eq!(hall.input(Input::Stop), Verdict::Taken);
    hall.answers = true;
    hall.answer();
    assert!(hall.chat.is_settled());
    let mut effects = Effects::new();
    hall.chat.farewell(None, &mut effects);
    hall.chat.assert_invariants();
    let mut hall = hall.restart();
    hall.open(2, arrival(Door::Line, 2));
    hall.line(2, "alice");
    hall.hear(2);
    let heard = hall.ask(2, "pw");
    assert_eq!(heard[1], "reads inbox from After(EntryId(2))");
}
