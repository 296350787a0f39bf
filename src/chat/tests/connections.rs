//! One account, connected several times.

use super::hall::{Hall, client};
use crate::chat::*;

/// alice is in the lobby and the den, behind the line door and sealed; bob watches.
fn alice_twice() -> Hall {
    let mut hall = Hall::stored();
    hall.line_client(9, "bob");
    hall.line_client(1, "alice");
    hall.line(1, "/create den");
    hall.line(9, "/join den");
    hall.choose_password(1);
    hall.hear(9);
    hall.sealed_account(2, "alice");
    hall
}

#[test]
fn only_the_first_arrival_and_the_last_departure_are_told() {
    let mut hall = alice_twice();
    assert!(hall.hear(9).is_empty());
    assert!(hall.ask(9, "/names")[0].ends_with("alice(plain) bob(plain)"));
    assert!(hall.ask(9, "/rooms")[0].contains("#den (2 here)"));
    hall.pass(Duration::from_secs(60));
    hall.line(1, "/quit");
    hall.close(1, Parting::Left);
    assert!(hall.hear(9).is_empty());
    assert!(hall.ask(9, "/names")[0].contains("alice bob(plain)"));
    hall.sealed_account(3, "alice");
    assert!(hall.hear(9).is_empty());
    hall.close(3, Parting::Lost(Loss::Reset));
    assert!(hall.hear(9).is_empty());
    hall.run(2, "/leave den");
    assert_eq!(hall.hear(9), ["* #den: alice left after 1m"]);
    hall.run(2, "/quit");
    assert_eq!(hall.hear(9), ["* #lobby: alice left after 1m"]);
    hall.sealed_account(4, "alice");
    assert_eq!(hall.hear(9), ["* #lobby: alice joined (2 here)"]);
}

#[test]
fn what_one_connection_says_the_others_see() {
    let mut hall = alice_twice();
    hall.line(1, "hi");
    assert_eq!(hall.hear(2), ["[#den] alice: hi"]);
    assert_eq!(hall.hear(1).last().unwrap(), "stored 1 as 1");
    let key = hall.run(2, "/msg bob psst").0;
    assert_eq!(
        hall.hear(2),
        ["inbox", "reads inbox from Newest(0)", "sent to bob (None)"]
    );
    assert!(key > 0);
    assert_eq!(hall.hear(1)[1], "to bob: psst");
    hall.hear(9);
    hall.line(9, "/reply hey");
    for slot in [1, 2] {
        assert_eq!(hall.hear(slot), ["[bob] hey"]);
    }
    hall.line(1, "/r you");
    assert_eq!(hall.hear(9).last().unwrap(), "[alice] you");
    let refused = hall.ask(1, "/msg alice hi");
    assert_eq!(refused, ["Err: that would be yourself"]);
}

#[test]
fn a_new_name_is_that_of_all_connections_and_told_once() {
    let mut hall = alice_twice();
    hall.hear(1);
    hall.hear(2);
    let key = hall.run(2, "/nick zoe").0;
    let told = ["* #lobby: alice is now zoe", "* #den: alice is now zoe"];
    assert_eq!(hall.hear(9), told);
    let answers = ["renamed zoe", "-> you are now zoe", &format!("done {key}")];
    assert_eq!(hall.hear(2), answers);
    assert_eq!(hall.hear(1)[0], "-> you are now zoe");
    hall.line(1, "hi");
    assert_eq!(hall.hear(9), ["[#den] zoe: hi"]);
}

#[test]
fn a_guest_that_becomes_who_is_there_already_goes() {
    let mut hall = alice_twice();
    hall.line_client(3, "carol");
    hall.hear(9);
    hall.line(3, "/login alice");
    hall.line(3, "pw");
    assert_eq!(hall.hear(9), ["* #lobby: carol left after 0s"]);
    assert!(hall.ask(9, "/names lobby a")[0].ends_with("#lobby: alice(plain)"));
    hall.line(1, "/quit");
    hall.run(2, "/quit");
    assert!(hall.hear(9).is_empty());
    hall.line(3, "hi");
    assert_eq!(hall.hear(9), ["[#lobby] alice: hi"]);
}

#[test]
fn whom_one_ignores_is_ignored_on_all_connections_and_later() {
    let mut hall = alice_twice();
    hall.hear(1);
    let key = hall.run(2, "/ignore bob").0;
    assert_eq!(hall.hear(1), ["ignores [bob]"]);
    let answers = ["ignores [bob]", "-> you ignore bob", &format!("done {key}")];
    assert_eq!(hall.hear(2), answers);
    hall = hall.restart();
    hall.open(3, super::hall::arrival(Door::Sealed, 3));
    hall.hello(3, "alice");
    hall.secret(3, "pw");
    assert!(hall.hear(3).contains(&"ignores [bob]".to_owned()));
}

#[test]
fn away_is_who_is_away_wherever_it_is_connected() {
    let mut hall = alice_twice();
    hall.line(1, "/away lunch");
    assert_eq!(
        hall.ask(9, "/msg alice 1").last().unwrap(),
        "sent to alice (None)"
    );
    hall.run(2, "/away");
    let sent = "sent to alice (Some(\"lunch\"))";
    assert_eq!(hall.ask(9, "/msg alice 2").last().unwrap(), sent);
}

#[test]
fn the_goodbye_of_one_connection_is_not_that_of_another() {
    let mut hall = alice_twice();
    hall.answers = false;
    hall.line(1, "one");
    hall.run(2, "two");
    hall.line(1, "/quit");
    hall.hear(1);
    hall.answer();
    assert_eq!(hall.hear(1).last().unwrap(), "bye None");
    assert!(!hall.closing.contains_key(&2));
    hall.answer();
    assert!(hall.members[&LOBBY].contains(&client(2)));
}
