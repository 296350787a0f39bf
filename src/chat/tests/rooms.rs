//! Rooms: making, entering, leaving and arranging them.

use super::hall::{Hall, client};
use crate::chat::*;
use crate::limits::{ROOMS_JOINED_MAX, ROOMS_PER_GUEST_MAX};

fn three() -> Hall {
    let mut hall = Hall::new();
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.sealed_client(3, "carol");
    hall
}

#[test]
fn a_guests_room_goes_with_its_last_member() {
    let mut hall = three();
    hall.line(1, "/create den");
    assert!(hall.ask(2, "/create DEN")[0].starts_with("Err: #den exists"));
    hall.line(2, "/join den");
    hall.line(1, "/leave den");
    assert!(hall.room("#den").is_some());
    assert_eq!(
        hall.ask(2, "/leave"),
        ["-> you left #den; what you type goes to #lobby"]
    );
    assert!(hall.room("#den").is_none());
    assert!(hall.ask(1, "/join den")[0].starts_with("Err: there is no room #den"));
    for slot in [1, 2, 3] {
        hall.close(slot, Parting::Left);
    }
    assert!(hall.room("#lobby").is_some());
}

#[test]
fn a_room_with_a_message_under_way_goes_after_it() {
    let mut hall = three();
    hall.line(1, "/create den");
    let den = hall.room("#den").unwrap();
    hall.answers = false;
    hall.line(1, "last words");
    hall.line(1, "/leave");
    assert!(hall.members.contains_key(&den));
    hall.answer();
    assert!(!hall.members.contains_key(&den));
}

#[test]
fn a_room_stays_until_those_who_leave_the_server_have_heard_the_last_of_it() {
    let mut hall = three();
    hall.line(1, "/create den");
    let den = hall.room("#den").unwrap();
    hall.line(1, "/quit");
    assert!(hall.members.contains_key(&den));
    hall.close(1, Parting::Left);
    assert!(!hall.members.contains_key(&den));
}

#[test]
fn a_sealed_client_is_told_its_rooms() {
    let mut hall = three();
    hall.line(1, "/create den");
    hall.line(1, "/topic all about dens");
    hall.hear(3);
    let key = hall.run(3, "/join #den").0;
    let expected = [
        "entered #den (all about dens)".to_owned(),
        "current Some(\"#den\")".into(),
        "reads #den from Newest(20)".into(),
        format!("done {key}"),
    ];
    assert_eq!(hall.hear(3), expected);
    hall.run(3, "/room lobby");
    assert_eq!(hall.hear(3)[0], "current Some(\"#lobby\")");
    hall.run(3, "/leave lobby");
    assert_eq!(
        hall.hear(3)[..2],
        ["exited #lobby", "current Some(\"#den\")"]
    );
    hall.run(3, "/leave");
    assert_eq!(hall.hear(3)[..2], ["exited #den", "current None"]);
}

#[test]
fn keys_limits_and_doors_are_checked() {
    let mut hall = three();
    hall.line(1, "/create den sesame");
    assert!(hall.ask(2, "/join den")[0].starts_with("Err: #den needs its key"));
    assert!(hall.ask(2, "/join den Sesame")[0].starts_with("Err: #den needs its key"));
    hall.line(1, "/set limit 1");
    assert!(hall.ask(2, "/join den sesame")[0].starts_with("Err: #den is full"));
    hall.line(1, "/set limit 2");
    hall.line(1, "/set plain off");
    assert!(hall.ask(2, "/join den sesame")[0].starts_with("Err: #den admits encrypted"));
    hall.hear(3);
    hall.run(3, "/join den sesame");
    assert_eq!(hall.hear(3)[0], "entered #den");
    assert!(hall.ask(1, "/join den")[0].starts_with("Err: you are in #den"));
    // Who made it needs none of that.
    hall.line(1, "/leave den");
    assert!(hall.ask(1, "/join den")[0].starts_with("reads #den"));
}

#[test]
fn settings_are_shown_and_changed_by_the_owner_only() {
    let mut hall = three();
    hall.line(1, "/create den");
    hall.line(2, "/join den");
    let shown = "-> #den: history on, hidden off, limit none, key none, plain on; owner alice";
    assert_eq!(hall.ask(2, "/set"), [shown]);
    assert!(hall.ask(2, "/set hidden on")[0].starts_with("Err: only an owner of #den"));
    assert!(hall.ask(1, "/set #lobby hidden on")[0].starts_with("Err: only an owner of #lobby"));
    for wrong in [
        "/set hidden perhaps",
        "/set limit 0",
        "/set limit x",
        "/set colour red",
    ] {
        assert!(
            hall.ask(1, wrong)[0].starts_with("Err: settings are"),
            "{wrong}"
        );
    }
    hall.line(1, "/set key sesame");
    assert!(hall.ask(1, "/set")[0].contains("key sesame"));
    assert!(hall.ask(2, "/set")[0].contains("key set"));
    hall.line(1, "/set key none");
    assert!(hall.ask(2, "/history")[0].starts_with("replay #den from Newest(100)"));
    hall.line(1, "/set history off");
    assert!(hall.ask(2, "/history")[0].starts_with("Err: #den keeps no history"));
    hall.hear(3);
    hall.run(3, "/join den");
    assert_eq!(hall.hear(3)[2], "reads #den from Newest(0)");
    hall.line(1, "/set hidden on");
    hall.close(3, Parting::Left);
    hall.line_client(4, "dave");
    assert!(!hall.ask(4, "/rooms")[0].contains("#den"));
    assert!(hall.ask(2, "/rooms")[0].contains("#den"));
}

#[test]
fn the_topic_is_the_owners_while_it_is_here() {
    let mut hall = three();
    hall.line(1, "/create den");
    hall.line(2, "/join den");
    hall.hear(1);
    assert!(hall.ask(2, "/topic mine")[0].starts_with("Err: only a moderator"));
    assert_eq!(hall.ask(2, "/topic"), ["-> #den has no topic"]);
    hall.hear(2);
    hall.line(1, "/topic dens\nand caves");
    assert_eq!(
        hall.hear(2),
        ["* #den: alice set the topic: dens and caves"]
    );
    assert_eq!(hall.ask(2, "/topic"), ["-> topic of #den: dens and caves"]);
    hall.line(1, "/leave den");
    assert!(hall.ask(2, "/topic mine").is_empty());
    assert!(hall.ask(2, "/set hidden on")[0].starts_with("Err: only an owner"));
    hall.line(1, "/join den");
    assert!(hall.ask(2, "/topic again")[0].starts_with("Err: only a moderator"));
    assert!(hall.ask(1, "/set hidden on")[0].contains("hidden on"));
    let long = format!("/topic {}", "x".repeat(391));
    assert!(hall.ask(1, &long)[0].starts_with("Err: a message has at most 390 bytes"));
    // Nobody made the lobby.
    assert!(hall.ask(2, "/topic #lobby hello").is_empty());
    assert_eq!(hall.ask(1, "/topic #lobby"), ["-> topic of #lobby: hello"]);
}

#[test]
fn history_is_asked_for_by_number_or_age() {
    let mut hall = three();
    assert_eq!(hall.ask(1, "/history 5"), ["replay #lobby from Newest(5)"]);
    assert_eq!(
        hall.ask(1, "/history 99999"),
        ["replay #lobby from Newest(1000)"]
    );
    let since = hall.now.unix_ms - 2 * 3_600_000;
    assert_eq!(
        hall.ask(1, "/history #lobby 2h"),
        [format!("replay #lobby from Since({since})")]
    );
    let mut hall = Hall::with(Settings {
        kept: Kept::No,
        ..Settings::default()
    });
    hall.line_client(1, "alice");
    assert!(hall.ask(1, "/history")[0].starts_with("Err: #lobby keeps no history"));
    hall.line(1, "/create den");
    assert!(hall.ask(1, "/set history on")[0].starts_with("Err: #den keeps no history"));
}

#[test]
fn rooms_are_bounded_per_owner_per_member_and_in_all() {
    let mut hall = Hall::with(Settings {
        rooms_max: 4,
        ..Settings::default()
    });
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    for index in 0..ROOMS_PER_GUEST_MAX {
        hall.line(1, &format!("/create a{index}"));
    }
    assert!(hall.ask(1, "/create more")[0].starts_with("Err: you own 3 rooms"));
    assert!(hall.ask(2, "/create more")[0].starts_with("Err: this server has no place"));
    hall.line(1, "/leave a0");
    assert!(hall.ask(1, "/create more")[0].starts_with("reads #more"));

    let mut hall = Hall::new();
    let owners = u32::try_from(ROOMS_JOINED_MAX / ROOMS_PER_GUEST_MAX).unwrap() + 1;
    for owner in 1..=owners {
        hall.line_client(owner, &format!("n{owner}"));
        for index in 0..ROOMS_PER_GUEST_MAX {
            hall.line(owner, &format!("/create r{owner}-{index}"));
        }
    }
    hall.line_client(99, "zoe");
    let rooms: Vec<String> = hall.names.values().skip(1).cloned().collect();
    let refused = rooms
        .iter()
        .map(|room| hall.ask(99, &format!("/join {room}")));
    let refused: Vec<String> = refused
        .flatten()
        .filter(|words| words.starts_with("Err"))
        .collect();
    assert_eq!(refused.len(), rooms.len() - (ROOMS_JOINED_MAX - 1));
    assert!(refused[0].starts_with("Err: you are in 64 rooms"));
    assert!(hall.ask(99, "/create x")[0].starts_with("Err: you are in 64 rooms"));
}

#[test]
fn room_ids_are_never_used_again_and_can_be_spent() {
    let mut hall = Hall::with(Settings {
        rooms_from: RoomId(u64::from(u32::MAX)),
        ..Settings::default()
    });
    hall.line_client(1, "alice");
    hall.line_client(2, "bob");
    hall.line(1, "/create den");
    hall.line(1, "/leave den");
    assert!(hall.ask(1, "/create den")[0].starts_with("Err: this server has no place"));
    assert!(hall.ask(1, "/msg bob hi")[0].starts_with("Err: this server has no place"));
}

#[test]
fn the_operator_may_forbid_guests_to_create_rooms() {
    let mut hall = Hall::with(Settings {
        guests_create_rooms: false,
        ..Settings::default()
    });
    hall.line_client(1, "alice");
    assert!(hall.ask(1, "/create den")[0].starts_with("Err: guests cannot create rooms"));
}

#[test]
fn rooms_are_listed_with_their_topic_and_in_pages() {
    let mut hall = three();
    hall.line(1, "/create den key");
    hall.line(1, "/topic dens");
    let expected = "-> #den (1 here, key) dens\n#lobby (3 here)";
    assert_eq!(hall.ask(2, "/rooms"), [expected]);
    assert_eq!(hall.ask(2, "/rooms LO"), ["-> #lobby (3 here)"]);
    assert_eq!(hall.ask(2, "/rooms #x"), ["-> there is no such room"]);
    for slot in 10..60 {
        hall.line_client(slot, &format!("n{slot}"));
        hall.line(slot, &format!("/create r{slot}"));
        hall.line(slot, &format!("/create s{slot}"));
    }
    let heard = hall.ask(2, "/rooms");
    assert_eq!(heard[0].lines().count(), 100);
    assert!(heard[0].ends_with("\nmore: /rooms s57"), "{}", heard[0]);
    assert_eq!(hall.input(Input::EndOfInput(client(2))), Verdict::Taken);
}
