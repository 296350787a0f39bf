//! Kicks, mutes and bans: whom they hit, where, until when, and who may undo them.

use super::hall::{Hall, arrival, client};
use super::records::{guest, hall, member, snapshot, stored};
use crate::chat::*;
use crate::limits::SANCTIONS_PER_ROOM_MAX;
use std::net::IpAddr;
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3_600);

/// A guest from an address of its own.
fn guest_from(hall: &mut Hall, slot: u32, name: &str, source: &str) {
    let arrival = Arrival {
        source: source.parse().unwrap(),
        ..arrival(Door::Line, slot)
    };
    hall.open(slot, arrival);
    hall.line(slot, name);
    hall.hear(slot);
}

/// alice owns #den and bob moderates it; gus, from elsewhere, and carol are in it; boss administers.
fn den() -> Hall {
    let mut hall = hall();
    member(&mut hall, 1, "alice");
    member(&mut hall, 2, "bob");
    guest_from(&mut hall, 3, "gus", "198.51.100.7");
    member(&mut hall, 4, "carol");
    member(&mut hall, 5, "boss");
    hall.line(1, "/create den");
    for slot in [2, 3, 4] {
        hall.line(slot, "/join den");
    }
    hall.line(1, "/op bob");
    for slot in 1..=5 {
        hall.hear(slot);
    }
    hall
}

fn sanctions(hall: &Hall) -> Vec<SanctionRecord> {
    let mut records = Vec::new();
    for change in &hall.changed {
        if let Change::PutSanction(record) = change {
            records.push(record.clone());
        }
    }
    records
}

#[test]
fn a_kick_is_seen_by_the_room_and_told_to_who_is_kicked() {
    let mut hall = den();
    assert_eq!(
        hall.ask(2, "/kick gus too loud"),
        ["* #den: gus kicked by bob Some(\"too loud\")"]
    );
    assert_eq!(
        hall.hear(3),
        ["-> you were kicked from #den by bob (too loud)"]
    );
    let records = sanctions(&hall);
    assert_eq!(records.len(), 1);
    assert_eq!(records[0].until_unix_ms, Some(records[0].since_unix_ms));
    assert_eq!(records[0].culprit.source, None, "a kick hits no network");
    assert!(hall.ask(3, "/join den")[0].starts_with("reads #den"));
    assert!(hall.ask(4, "/kick gus")[0].starts_with("Err: only a moderator or an owner of #den"));
    assert!(hall.ask(2, "/kick boss")[0].starts_with("Err: boss may do as much"));
    hall.line(3, "/leave den");
    assert!(hall.ask(2, "/kick gus")[0].starts_with("Err: nobody called gus"));
}

#[test]
fn a_sealed_client_that_is_kicked_is_told_where_it_is() {
    let mut hall = den();
    hall.sealed_client(6, "sue");
    hall.run(6, "/join den");
    hall.hear(6);
    hall.line(1, "/kick sue");
    let told = [
        "exited #den",
        "current Some(\"#lobby\")",
        "-> you were kicked from #den by alice",
    ];
    assert_eq!(hall.hear(6), told);
}

#[test]
fn the_muted_read_and_come_in_but_do_not_speak() {
    let mut hall = den();
    assert_eq!(
        hall.ask(2, "/mute gus 10m flood"),
        ["-> gus is muted in #den for 10m"]
    );
    assert_eq!(
        hall.hear(3),
        ["-> you were muted in #den by bob for 10m (flood)"]
    );
    let refused = "Err: you may not speak in #den for another 10m";
    assert_eq!(hall.ask(3, "hello"), [refused]);
    assert_eq!(hall.ask(3, "/me waves"), [refused]);
    assert!(hall.ask(3, "/say lobby hello")[0].starts_with("stored"));
    hall.line(3, "/leave den");
    assert!(hall.ask(3, "/join den")[0].starts_with("reads #den"));
    hall.line(2, "hear this");
    assert!(hall.hear(3).contains(&"[#den] bob: hear this".into()));
    hall.pass(Duration::from_secs(601));
    assert!(hall.ask(3, "hello")[0].starts_with("stored"));
}

#[test]
fn a_mute_ends_when_it_is_lifted_and_who_did_it_is_recorded() {
    let mut hall = den();
    hall.line(2, "/mute carol");
    assert_eq!(hall.ask(4, "hello"), ["Err: you may not speak in #den"]);
    assert_eq!(
        hall.ask(1, "/unmute carol"),
        ["-> carol may speak in #den again"]
    );
    assert!(
        hall.hear(4)
            .contains(&"-> you may speak in #den again".into())
    );
    assert!(hall.ask(4, "hello")[0].starts_with("stored"));
    let lifted = sanctions(&hall).pop().unwrap().lifted;
    assert_eq!(lifted.map(|(by, _)| by), Name::parse("alice").ok());
    assert!(hall.ask(1, "/unmute carol")[0].starts_with("Err: nothing like that is in force"));
}

#[test]
fn a_ban_removes_and_keeps_out_for_its_time() {
    let mut hall = den();
    assert_eq!(
        hall.ask(1, "/ban carol 2h rude"),
        [
            "* #den: carol kicked by alice Some(\"rude\")",
            "-> carol is banned from #den for 2h"
        ]
    );
    let told = hall.hear(4);
    assert_eq!(
        told,
        ["-> you were banned from #den by alice for 2h (rude)"]
    );
    hall.pass(HOUR);
    assert_eq!(
        hall.ask(4, "/join den"),
        ["Err: you are banned from #den for another 1h (rude)"]
    );
    // An invitation does not help.
    hall.line(1, "/invite carol");
    assert!(hall.ask(4, "/join den")[0].starts_with("Err: you are banned"));
    hall.pass(HOUR);
    assert!(hall.ask(4, "/join den")[0].starts_with("reads #den"));
}

#[test]
fn a_guests_ban_hits_its_session_and_its_network_but_no_account() {
    let mut hall = den();
    hall.line(1, "/ban gus");
    assert!(hall.ask(3, "/join den")[0].starts_with("Err: you are banned from #den"));
    hall.line(3, "/nick gustav");
    assert!(hall.ask(3, "/join den")[0].starts_with("Err: you are banned from #den"));
    guest_from(&mut hall, 7, "neighbour", "198.51.100.7");
    assert!(hall.ask(7, "/join den")[0].starts_with("Err: you are banned from #den"));
    guest_from(&mut hall, 8, "stranger", "198.51.100.8");
    assert!(hall.ask(8, "/join den")[0].starts_with("reads #den"));
}

#[test]
fn a_ban_never_hits_the_network_of_who_decides_it_or_of_this_machine() {
    let mut hall = den();
    // Everybody who has no address of its own comes from the same.
    guest(&mut hall, 6, "gil");
    guest(&mut hall, 7, "gale");
    hall.line(1, "/ban gil");
    assert!(hall.ask(6, "/join den")[0].starts_with("Err: you are banned"));
    assert!(hall.ask(7, "/join den")[0].starts_with("reads #den"));
    guest_from(&mut hall, 8, "lou", "127.0.0.1");
    hall.line(1, "/ban lou");
    assert_eq!(sanctions(&hall).pop().unwrap().culprit.source, None);
}

#[test]
fn absent_people_are_banned_by_their_account_or_while_the_room_remembers_them() {
    let mut hall = den();
    hall.close(4, Parting::Left);
    hall.close(3, Parting::Left);
    hall.line(1, "/ban carol");
    hall.line(1, "/ban gus");
    member(&mut hall, 6, "carol");
    assert!(hall.ask(6, "/join den")[0].starts_with("Err: you are banned"));
    guest_from(&mut hall, 7, "other", "198.51.100.7");
    assert!(hall.ask(7, "/join den")[0].starts_with("Err: you are banned"));
    assert!(hall.ask(1, "/ban nobody")[0].starts_with("Err: nobody called nobody"));
}

#[test]
fn nobody_acts_against_oneself_or_who_may_do_as_much() {
    let mut hall = den();
    hall.line(1, "/op carol");
    assert!(hall.ask(2, "/ban bob")[0].starts_with("Err: that would be yourself"));
    for equal in ["carol", "alice", "boss"] {
        for measure in ["mute", "ban"] {
            let refused = hall.ask(2, &format!("/{measure} {equal}"));
            assert!(
                refused[0].starts_with(&format!("Err: {equal} may do as much")),
                "{refused:?}"
            );
        }
    }
    assert!(hall.ask(1, "/ban boss")[0].starts_with("Err: boss may do as much"));
    assert!(hall.ask(5, "/ban #den alice")[0].starts_with("-> alice is banned from #den"));
    // A moderator's rank is its account's, wherever it is.
    hall.close(4, Parting::Left);
    assert!(hall.ask(2, "/ban carol")[0].starts_with("Err: carol may do as much"));
}

#[test]
fn a_role_does_not_protect_from_somebody_above() {
    let mut hall = den();
    hall.line(1, "/mute bob 1h");
    assert!(
        hall.ask(2, "hello")
            .last()
            .unwrap()
            .starts_with("Err: you may not speak in #den")
    );
    hall.line(5, "/ban #den alice");
    assert!(
        hall.ask(1, "/join den")
            .last()
            .unwrap()
            .starts_with("Err: you are banned from #den")
    );
}

#[test]
fn who_has_a_role_is_not_kept_out_for_its_networks_sake() {
    let mut hall = den();
    guest_from(&mut hall, 6, "gil", "198.51.100.7");
    hall.line(6, "/join den");
    hall.line(1, "/op gil");
    hall.line(6, "/leave den");
    hall.line(1, "/ban gus");
    assert!(hall.ask(6, "/join den")[0].starts_with("reads #den"));
}

#[test]
fn bans_are_listed_with_who_why_and_until_when() {
    let mut hall = den();
    assert_eq!(
        hall.ask(2, "/bans"),
        ["-> nobody is banned or muted in #den"]
    );
    hall.line(1, "/ban carol 2h rude");
    hall.line(2, "/mute gus");
    hall.pass(HOUR);
    assert_eq!(
        hall.ask(2, "/bans"),
        [
            "-> carol: banned by alice 1h ago, for another 1h (rude)\ngus: muted by bob 1h ago, for good"
        ]
    );
    hall.pass(HOUR);
    assert_eq!(
        hall.ask(2, "/bans"),
        ["-> gus: muted by bob 2h ago, for good"]
    );
    assert!(hall.ask(3, "/bans")[0].starts_with("Err: only a moderator"));
    assert!(hall.ask(1, "/bans server")[0].starts_with("Err: only an administrator"));
}

#[test]
fn a_second_ban_takes_the_place_of_the_first() {
    let mut hall = den();
    hall.line(1, "/ban carol 1h");
    hall.line(1, "/ban carol 3h");
    assert_eq!(hall.ask(1, "/bans")[0].lines().count(), 1);
    let records = sanctions(&hall);
    assert_eq!(records.len(), 3);
    assert!(records.iter().any(|record| record.lifted.is_some()));
    hall.line(1, "/unban carol");
    assert!(
        hall.ask(4, "/join den")
            .last()
            .unwrap()
            .starts_with("reads #den")
    );
}

#[test]
fn a_ban_from_the_server_closes_the_connection_and_the_door() {
    let mut hall = den();
    hall.line(3, "/join lobby");
    assert!(hall.ask(1, "/ban gus server")[0].starts_with("Err: only an administrator"));
    assert!(
        hall.ask(5, "/ban gus server 1h spam")[..]
            .contains(&"-> gus is banned from this server for 1h".into())
    );
    let heard = hall.hear(3);
    let bye = "bye Some(\"you were banned from this server by boss for 1h (spam)\")";
    assert!(heard.contains(&bye.to_owned()), "{heard:?}");
    assert_eq!(hall.closing[&3], Close::Removed);
    assert!(
        hall.hear(1)
            .contains(&"* #den: gus kicked by boss Some(\"spam\")".into())
    );
    hall.close(3, Parting::Left);
    let source: IpAddr = "198.51.100.7".parse().unwrap();
    let banned = hall.chat.is_banned(source, None, hall.now.unix_ms).unwrap();
    assert!(
        banned
            .to_string()
            .starts_with("you are banned from this server for another")
    );
    hall.open(
        6,
        Arrival {
            source,
            ..arrival(Door::Line, 6)
        },
    );
    let refused = "Err: you are banned from this server for another 1h (spam)";
    assert_eq!(hall.hear(6), [refused, "bye None"]);
    assert_eq!(hall.closing[&6], Close::Removed);
    assert_eq!(hall.input(Input::Line(client(6), "gus")), Verdict::Taken);
    assert!(hall.hear(6).is_empty());
    hall.line(5, "/unban gus server");
    assert_eq!(hall.chat.is_banned(source, None, hall.now.unix_ms), None);
    guest_from(&mut hall, 7, "gus", "198.51.100.7");
}

#[test]
fn an_account_is_banned_from_the_server_wherever_it_comes_from() {
    let mut hall = den();
    hall.line(5, "/ban carol server");
    assert_eq!(hall.closing[&4], Close::Removed);
    let refused = hall.chat.banned_account(AccountId(4));
    assert!(matches!(refused, Some(Refusal::Banned { room: None, .. })));
    assert_eq!(hall.chat.banned_account(AccountId(3)), None);
    assert!(hall.ask(5, "/bans server")[0].starts_with("-> carol: banned by boss"));
    assert!(hall.ask(5, "/ban boss server")[0].starts_with("Err: that would be yourself"));
}

#[test]
fn a_clients_key_carries_a_guests_ban() {
    let mut hall = den();
    let with_key = |slot| Arrival {
        key: Some(ClientKey([5; 20])),
        source: IpAddr::from([203, 0, 113, slot]),
        ..arrival(Door::Sealed, u32::from(slot))
    };
    hall.open(6, with_key(6));
    hall.hello(6, "kim");
    hall.line(5, "/ban kim server");
    assert_eq!(hall.closing[&6], Close::Removed);
    hall.close(6, Parting::Left);
    hall.hear(7);
    hall.open(7, with_key(7));
    assert!(hall.hear(7)[0].starts_with("Err: you are banned from this server"));
}

#[test]
fn sanctions_outlast_a_restart() {
    let mut hall = den();
    hall.line(1, "/ban carol 2h");
    let records = sanctions(&hall);
    let mut next = snapshot();
    for name in ["lobby", "den"] {
        next.rooms
            .push((super::records::record(&hall, name), Extent::EMPTY));
    }
    next.sanctions = records;
    next.sanctions_from = SanctionId(2);
    let mut hall = Hall::around(Chat::begin(stored(), next));
    member(&mut hall, 4, "carol");
    assert!(
        hall.ask(4, "/join den")[0].starts_with("Err: you are banned from #den for another 2h")
    );
}

#[test]
fn who_is_banned_from_the_lobby_comes_in_and_is_in_no_room() {
    let mut hall = den();
    hall.line(5, "/ban #lobby gus");
    hall.close(3, Parting::Left);
    let arrival = Arrival {
        source: "198.51.100.7".parse().unwrap(),
        ..arrival(Door::Line, 6)
    };
    hall.open(6, arrival);
    hall.hear(6);
    hall.line(6, "gerd");
    let heard = hall.hear(6);
    assert_eq!(heard[1], "Err: you are banned from #lobby");
    assert!(heard[2].starts_with("-> You are gerd"), "{heard:?}");
    assert!(hall.ask(6, "/join den")[0].starts_with("reads #den"));
}

#[test]
fn a_dropped_guest_does_not_come_back_into_a_room_it_was_banned_from() {
    let mut hall = den();
    hall.sealed_client(6, "sue");
    hall.run(6, "/join den");
    let token = hall.tokens[&6];
    hall.close(6, Parting::Lost(Loss::Reset));
    hall.line(1, "/ban sue");
    hall.open(7, arrival(Door::Sealed, 7));
    hall.resume(7, token, Vec::new());
    let heard = hall.hear(7);
    assert!(
        heard.contains(&"Err: you are banned from #den".into()),
        "{heard:?}"
    );
    assert!(heard.contains(&"entered #lobby".into()));
}

#[test]
fn a_room_has_so_many_sanctions_and_they_go_with_it() {
    let mut hall = den();
    let den = hall.room("#den").unwrap();
    let record = SanctionRecord {
        id: SanctionId(0),
        measure: Measure::Mute,
        room: Some(den),
        culprit: Culprit {
            name: Name::parse("x").unwrap(),
            account: None,
            session: None,
            source: None,
            key: None,
        },
        by: Name::parse("alice").unwrap(),
        why: None,
        since_unix_ms: 0,
        until_unix_ms: None,
        lifted: None,
    };
    for id in 0..SANCTIONS_PER_ROOM_MAX as u64 {
        let id = SanctionId(1_000 + id);
        hall.chat.sanctions.impose(SanctionRecord {
            id,
            ..record.clone()
        });
    }
    assert!(hall.ask(1, "/ban gus")[0].starts_with("Err: a room has at most 1000"));
    assert_eq!(hall.ask(1, "/bans")[0].lines().count(), 100);
    assert!(hall.ask(1, "/bans")[0].ends_with("and 901 more"));
    hall.line(1, "/close den");
    assert_eq!(hall.chat.sanctions.in_place(Some(den)).count(), 0);
}
