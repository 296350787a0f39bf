//! Files that are offered: who may, who is told, who may fetch, and when they go.

use super::hall::{Hall, arrival, client};
use crate::chat::*;
use crate::limits::FILES_PER_PERSON_MAX;
use std::time::Duration;

const FILE: FileId = FileId(1);
const DIGEST: Digest = Digest([4; 32]);

fn offer<'a>(room: Option<RoomRef<'a>>, to: Option<&'a str>, bytes: u64) -> FileCommand<'a> {
    FileCommand::Offer {
        room,
        to,
        name: "\tdir/photo\u{7}.jpg\r\n",
        bytes,
        digest: Some(DIGEST),
    }
}

/// Asks something about files; what that client heard.
fn ask(hall: &mut Hall, slot: u32, command: FileCommand<'_>) -> Vec<String> {
    let key = hall.draw_key();
    hall.hear(slot);
    let input = Input::Command(client(slot), key, Command::File(command));
    assert_eq!(hall.input(input), Verdict::Taken);
    hall.hear(slot)
}

fn tell(hall: &mut Hall, outcome: FileOutcome) {
    let input = Input::Outcome(Outcome::File(outcome));
    assert_eq!(hall.input(input), Verdict::Taken);
}

/// Offers a file for which there is a place; what its sender heard.
fn offered(hall: &mut Hall, slot: u32, command: FileCommand<'_>, file: FileId) -> Vec<String> {
    assert!(ask(hall, slot, command).is_empty());
    let order = hall.file_orders.pop();
    assert!(matches!(order, Some(FileOrder::Open(record)) if record.file == file));
    tell(hall, FileOutcome::Opened(file, Ok(())));
    hall.hear(slot)
}

/// alice and bob are there over sealed connections, carol over a plain one.
fn hall() -> Hall {
    let mut hall = Hall::new();
    hall.sealed_client(1, "alice");
    hall.sealed_client(2, "bob");
    hall.line_client(3, "carol");
    for slot in 1..=3 {
        hall.hear(slot);
    }
    hall
}

/// Whether all that was ordered is to take that file from that client.
#[track_caller]
fn assert_taken(hall: &Hall, slot: u32, file: FileId) {
    let [order] = &hall.file_orders[..] else {
        panic!("one order: {:?}", hall.file_orders);
    };
    let (client, key) = (client(slot), order_key(order));
    assert!(key.is_some(), "it is answered");
    assert_eq!(*order, FileOrder::Take { client, key, file });
}

fn order_key(order: &FileOrder) -> Option<MessageKey> {
    match order {
        FileOrder::Take { key, .. } => *key,
        FileOrder::Open(_) | FileOrder::Give(_) | FileOrder::Remove(..) => None,
    }
}

fn fetch(file: FileId, offset: u64) -> FileCommand<'static> {
    let until = 100;
    FileCommand::Fetch {
        file,
        offset,
        until,
    }
}

#[test]
fn an_offer_stands_in_its_room_once_there_is_a_place_for_it() {
    let mut hall = hall();
    let heard = offered(&mut hall, 1, offer(None, None, 10), FILE);
    assert_eq!(heard, ["stored 1 as 1"]);
    assert_taken(&hall, 1, FILE);
    let seen = "* #lobby: alice offers dir/photo.jpg as ToRoom";
    assert_eq!(hall.hear(3), [seen]);
    let listed = hall.ask(3, "/files");
    assert_eq!(
        listed,
        ["-> N 1: dir/photo.jpg (10 B) from alice in #lobby, on its way"]
    );
    tell(&mut hall, FileOutcome::Whole(FILE, DIGEST));
    let listed = hall.ask(3, "/files");
    assert_eq!(
        listed,
        ["-> N 1: dir/photo.jpg (10 B) from alice in #lobby"]
    );
}

#[test]
fn a_files_name_is_one_line_without_columns() {
    let mut hall = hall();
    let named = |name| FileCommand::Offer {
        room: None,
        to: None,
        name,
        bytes: 1,
        digest: None,
    };
    let heard = ask(&mut hall, 1, named("\u{202e}\u{1b}\t\u{85}"));
    assert!(heard[0].contains("a name of 1 to 255 bytes"), "{heard:?}");
    offered(&mut hall, 1, named("a\tb\nc\u{202e}\u{1b}"), FILE);
    let listed = hall.ask(3, "/files");
    let words = "-> N 1: a b c (1 B) from alice in #lobby, on its way";
    assert_eq!(listed, [words]);
}

#[test]
fn without_a_place_nobody_but_the_sender_is_told() {
    let mut hall = hall();
    ask(&mut hall, 1, offer(None, None, 10));
    let full = FileOutcome::Opened(FILE, Err(SpoolFailure::DiskFull));
    tell(&mut hall, full);
    let heard = hall.hear(1);
    assert!(heard[0].contains("the server's disk would be too full"));
    assert!(hall.hear(2).is_empty() && hall.ask(3, "/files")[0].contains("no files"));
    // Its number is spent.
    offered(&mut hall, 1, offer(None, None, 10), FileId(2));
}

#[test]
fn who_is_gone_before_there_is_a_place_offers_nothing() {
    let mut hall = hall();
    ask(&mut hall, 1, offer(None, None, 10));
    hall.close(1, Parting::Left);
    hall.file_orders.clear();
    tell(&mut hall, FileOutcome::Opened(FILE, Ok(())));
    let removed = FileOrder::Remove(FILE, FileEnd::Cancelled);
    assert_eq!(hall.file_orders, [removed]);
}

#[test]
fn only_who_is_in_the_room_may_fetch() {
    let mut hall = hall();
    hall.run(1, "/create den");
    let den = hall.room("#den").or(hall.room("den"));
    let room = RoomRef::Id(den.unwrap());
    hall.hear(1);
    offered(&mut hall, 1, offer(Some(room), None, 10), FILE);
    hall.file_orders.clear();
    hall.hear(2);
    let heard = ask(&mut hall, 2, fetch(FILE, 0));
    assert!(heard[0].contains("there is no N 1 for you"), "{heard:?}");
    let heard = ask(&mut hall, 2, offer(Some(room), None, 10));
    assert!(heard[0].contains("you are in no room"), "{heard:?}");
    assert!(hall.file_orders.is_empty());
    hall.run(2, "/join den");
    hall.hear(2);
    assert!(ask(&mut hall, 2, fetch(FILE, 3)).is_empty());
    let [FileOrder::Give(give)] = &hall.file_orders[..] else {
        panic!("it may be fetched: {:?}", hall.file_orders);
    };
    assert_eq!((give.client, give.offset, give.room), (client(2), 3, den));
    let heard = ask(&mut hall, 2, fetch(FILE, 11));
    assert!(heard[0].contains("only 10 bytes long"), "{heard:?}");
}

#[test]
fn what_is_offered_to_one_person_is_seen_and_fetched_by_that_person_alone() {
    let mut hall = hall();
    let heard = offered(&mut hall, 1, offer(None, Some("bob"), 10), FILE);
    assert!(heard.iter().any(|line| line.contains("sent to bob")));
    assert!(hall.hear(2).iter().any(|line| line.contains("as Received")));
    assert!(hall.hear(3).is_empty());
    assert!(hall.ask(3, "/files")[0].contains("no files"));
    for slot in [1, 3] {
        let heard = ask(&mut hall, slot, fetch(FILE, 0));
        assert!(heard[0].contains("there is no N 1"), "{heard:?}");
    }
    assert!(ask(&mut hall, 2, fetch(FILE, 0)).is_empty());
    let heard = ask(&mut hall, 1, offer(None, Some("alice"), 10));
    assert!(heard[0].contains("yourself"), "{heard:?}");
}

#[test]
fn the_same_offer_goes_on_until_it_is_whole() {
    let mut hall = hall();
    offered(&mut hall, 1, offer(None, None, 10), FILE);
    hall.file_orders.clear();
    assert!(ask(&mut hall, 1, offer(None, None, 10)).is_empty());
    assert_taken(&hall, 1, FILE);
    hall.file_orders.clear();
    assert!(ask(&mut hall, 1, FileCommand::SendOn(FILE)).is_empty());
    assert_taken(&hall, 1, FILE);
    // Somebody else's, another length, or one that is whole, is another.
    offered(&mut hall, 2, offer(None, None, 10), FileId(2));
    offered(&mut hall, 1, offer(None, None, 11), FileId(3));
    tell(&mut hall, FileOutcome::Whole(FILE, DIGEST));
    offered(&mut hall, 1, offer(None, None, 10), FileId(4));
    let heard = ask(&mut hall, 2, FileCommand::SendOn(FILE));
    assert!(
        heard.last().unwrap().contains("N 1 is not yours"),
        "{heard:?}"
    );
}

#[test]
fn the_same_offer_does_not_stand_twice_though_it_comes_before_the_first_stands() {
    let mut hall = hall();
    assert!(ask(&mut hall, 1, offer(None, None, 10)).is_empty());
    assert!(ask(&mut hall, 1, offer(None, None, 10)).is_empty());
    assert_eq!(hall.file_orders.len(), 1, "one place is made");
    hall.answers = false;
    hall.file_orders.clear();
    tell(&mut hall, FileOutcome::Opened(FILE, Ok(())));
    let (client, file, key) = (client(1), FILE, hall.draw_key());
    let again = Input::Command(client, key, Command::File(offer(None, None, 10)));
    assert_eq!(hall.input(again), Verdict::Taken);
    hall.answer();
    let taken = FileOrder::Take {
        client,
        key: Some(key),
        file,
    };
    assert_eq!(hall.file_orders, [taken]);
    assert_eq!(hall.hear(2).len(), 1, "it is seen once");
    // Another file under the same number is another file.
    tell(&mut hall, FileOutcome::Whole(FILE, DIGEST));
    hall.file_orders.clear();
    let other = Input::Command(client, key, Command::File(offer(None, None, 11)));
    assert_eq!(hall.input(other), Verdict::Taken);
    assert!(matches!(&hall.file_orders[..], [FileOrder::Open(_)]));
}

#[test]
fn offers_are_refused_and_taken_back_by_whom_they_concern() {
    let mut hall = hall();
    offered(&mut hall, 1, offer(None, None, 10), FILE);
    offered(&mut hall, 1, offer(None, Some("bob"), 10), FileId(2));
    hall.file_orders.clear();
    for slot in 1..=3 {
        hall.hear(slot);
    }
    assert!(hall.ask(3, "/cancel 1")[0].contains("not yours"));
    assert!(hall.ask(3, "/refuse 1").is_empty());
    assert_eq!(hall.hear(1), ["-> carol does not want dir/photo.jpg (N 1)"]);
    assert!(
        hall.ask(3, "/files")[0].contains("no files"),
        "it is hidden"
    );
    assert!(hall.ask(3, "/refuse 2")[0].contains("there is no N 2"));
    assert!(hall.file_orders.is_empty(), "others may still want it");
    hall.run(2, "/refuse 2");
    let refused = FileOrder::Remove(FileId(2), FileEnd::Refused);
    assert_eq!(hall.file_orders, [refused]);
    hall.run(1, "/cancel 1");
    let cancelled = FileOrder::Remove(FILE, FileEnd::Cancelled);
    assert_eq!(hall.file_orders.last(), Some(&cancelled));
    assert!(hall.ask(3, "/accept 1")[0].contains("with the parlour client"));
    assert!(hall.ask(3, "/send a")[0].contains("with the parlour client"));
    assert!(hall.ask(3, "/cancel one")[0].contains("/cancel N"));
}

#[test]
fn there_are_only_so_many_and_so_much() {
    let mut hall = Hall::with(Settings {
        file_quota: 1_000,
        ..Settings::default()
    });
    hall.sealed_client(1, "alice");
    hall.hear(1);
    offered(&mut hall, 1, offer(None, None, 900), FILE);
    let heard = ask(&mut hall, 1, offer(None, None, 101));
    assert!(heard[0].contains("keeps 1.0 kB of files and has place for 100 B"));
    hall.run(1, "/cancel 1");
    hall.hear(1);
    for number in 0..FILES_PER_PERSON_MAX {
        let file = FileId(2 + u64::try_from(number).unwrap());
        let bytes = u64::try_from(number % 10).unwrap();
        ask(&mut hall, 1, offer(None, None, bytes));
        tell(&mut hall, FileOutcome::Opened(file, Ok(())));
        tell(&mut hall, FileOutcome::Whole(file, DIGEST));
        hall.hear(1);
    }
    let heard = ask(&mut hall, 1, offer(None, None, 1));
    assert!(heard[0].contains("which is the most"), "{heard:?}");
    let mut closed = Hall::with(Settings {
        file_quota: 0,
        ..Settings::default()
    });
    closed.sealed_client(1, "alice");
    closed.hear(1);
    assert!(ask(&mut closed, 1, offer(None, None, 0))[0].contains("takes no files"));
}

#[test]
fn what_is_too_old_goes_and_so_does_what_a_room_takes_along() {
    let mut hall = hall();
    hall.run(1, "/create den");
    hall.hear(1);
    offered(&mut hall, 1, offer(None, None, 10), FILE);
    hall.file_orders.clear();
    hall.close(1, Parting::Left);
    let gone = FileOrder::Remove(FILE, FileEnd::Expired);
    hall.pass_with_ticks(Duration::from_secs(1));
    assert_eq!(
        hall.file_orders,
        std::slice::from_ref(&gone),
        "the room has ended"
    );
    let mut hall = self::hall();
    offered(&mut hall, 1, offer(None, None, 10), FILE);
    hall.file_orders.clear();
    let age = Settings::default().file_age;
    hall.pass_with_ticks(age / 2);
    assert!(hall.file_orders.is_empty());
    hall.pass_with_ticks(age);
    assert_eq!(hall.file_orders, [gone]);
}

#[test]
fn what_outlived_the_process_is_there_for_who_shows_the_same_key() {
    let record = |file, place| OfferRecord {
        file: FileId(file),
        by: Party {
            name: Name::parse("alice").unwrap(),
            account: None,
            session: Some(SessionId(5)),
            key: Some(ClientKey([1; 20])),
        },
        place,
        name: "a".into(),
        bytes: 10,
        digest: Some(DIGEST),
        since_unix_ms: 1_800_000_000_000,
        is_whole: false,
    };
    let mut hall = Hall::new();
    let mut effects = Effects::new();
    let offers = vec![
        record(3, OfferPlace::Room(LOBBY)),
        record(4, OfferPlace::Room(RoomId(99))),
    ];
    hall.chat.adopt_files(offers, FileId(7), &mut effects);
    let gone = FileOrder::Remove(FileId(4), FileEnd::Expired);
    assert!(matches!(&effects[0], Effect::File(order) if *order == gone));
    for (slot, key) in [(1, 1), (2, 2)] {
        let arrival = Arrival {
            key: Some(ClientKey([key; 20])),
            ..arrival(Door::Sealed, slot)
        };
        hall.open(slot, arrival);
        hall.hello(slot, &format!("guest{slot}"));
        hall.hear(slot);
    }
    assert!(ask(&mut hall, 1, FileCommand::SendOn(FileId(3))).is_empty());
    assert_taken(&hall, 1, FileId(3));
    hall.hear(2);
    let heard = ask(&mut hall, 2, FileCommand::SendOn(FileId(3)));
    assert!(heard[0].contains("not yours"), "{heard:?}");
    offered(&mut hall, 2, offer(None, None, 10), FileId(8));
}

#[test]
fn what_is_done_about_a_file_is_in_the_activity_log() {
    let mut hall = hall();
    let file_deeds = |hall: &mut Hall| -> Vec<(u64, FileDeed)> {
        let deeds = std::mem::take(&mut hall.deeds);
        let of_file = |deed| {
            let Deed::File(about) = deed else { return None };
            assert_eq!(about.of.as_str(), "alice");
            Some((about.file.0, about.what))
        };
        deeds.into_iter().filter_map(of_file).collect()
    };
    let in_lobby = FileDeed::Offered {
        room: RoomName::parse("lobby").ok(),
        to: None,
    };
    let to_bob = FileDeed::Offered {
        room: None,
        to: Name::parse("bob").ok(),
    };
    offered(&mut hall, 1, offer(None, None, 10), FILE);
    offered(&mut hall, 1, offer(None, Some("bob"), 10), FileId(2));
    assert_eq!(file_deeds(&mut hall), [(1, in_lobby), (2, to_bob)]);
    tell(&mut hall, FileOutcome::Fetched(FILE, client(2)));
    hall.run(3, "/refuse 1");
    hall.run(2, "/refuse 2");
    hall.run(1, "/cancel 1");
    assert_eq!(
        file_deeds(&mut hall),
        [
            (1, FileDeed::Fetched),
            (1, FileDeed::Refused),
            (2, FileDeed::Refused),
            (1, FileDeed::Ended(FileEnd::Cancelled)),
        ]
    );
    // What never stood is not told of.
    ask(&mut hall, 1, offer(None, None, 10));
    hall.close(1, Parting::Left);
    tell(&mut hall, FileOutcome::Opened(FileId(3), Ok(())));
    assert_eq!(file_deeds(&mut hall), []);
}

#[test]
fn who_becomes_an_account_keeps_its_files() {
    let mut hall = hall();
    offered(&mut hall, 1, offer(None, Some("bob"), 10), FILE);
    offered(&mut hall, 2, offer(None, Some("alice"), 10), FileId(2));
    hall.run(2, "/password");
    hall.secret(2, "a secret");
    hall.secret(2, "a secret");
    hall.hear(2);
    assert!(hall.ask(3, "/whois bob")[0].contains("account"));
    hall.file_orders.clear();
    assert!(hall.ask(2, "/files")[0].contains("N 1: dir/photo.jpg (10 B) from alice"));
    assert!(ask(&mut hall, 2, fetch(FILE, 0)).is_empty());
    assert!(matches!(&hall.file_orders[..], [FileOrder::Give(_)]));
    assert!(ask(&mut hall, 2, FileCommand::SendOn(FileId(2))).is_empty());
    assert!(hall.ask(3, "/files")[0].contains("no files"));
}
