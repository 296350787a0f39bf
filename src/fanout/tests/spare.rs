//! What may wait for everything else: the bytes of files fill what records have left.

use super::*;

fn notice(text: &str) -> Item {
    Item::Notice(text.into())
}

fn reply(server: &mut Server, text: &str) {
    let event = Event::Notice(text.into());
    server.fanout.reply(client(0), &event);
}

fn offer(server: &mut Server, pieces: usize) {
    server.kernel.spare.insert(client(0), pieces);
    server.fanout.offer_spare(client(0));
}

/// A sealed member, and how many pieces wait for it.
fn server() -> Server {
    let mut server = Server::new();
    server.enter(0, Dialect::Sealed);
    server
}

#[test]
fn it_comes_behind_whatever_else_waits_and_shares_its_record() {
    let mut server = server();
    let before = server.kernel.peer(client(0)).sends;
    offer(&mut server, 2);
    server.say(1, 64);
    reply(&mut server, "first");
    server.settle();
    let expected = [notice("first"), live(1), notice("spare"), notice("spare")];
    assert_eq!(server.read(0), expected);
    assert_eq!(server.kernel.peer(client(0)).sends, before + 1);
    assert!(!server.fanout.has_work(), "nothing more is asked for");
}

#[test]
fn what_is_said_meanwhile_overtakes_what_is_left_of_it() {
    let mut server = server();
    offer(&mut server, 100_000);
    server.kernel.tick = Duration::from_secs(1);
    server.sweep();
    let first = server.read(0).len();
    assert!(
        (1..100_000).contains(&first),
        "{first} fit the first records"
    );
    server.say(1, 64);
    server.kernel.tick = Duration::ZERO;
    server.settle();
    let rest = server.read(0);
    assert_eq!(rest[0], live(1));
    assert_eq!(rest.len() + first, 100_001, "all of it comes");
}

#[test]
fn a_reader_that_is_full_gets_the_rest_of_it_later() {
    let mut server = server();
    server.give(0, 0);
    server.kernel.peer(client(0)).space = 20_000;
    offer(&mut server, 100_000);
    server.settle();
    assert!(server.kernel.peer(client(0)).is_blocked);
    server.give(0, usize::MAX);
    server.settle();
    assert_eq!(server.read(0).len(), 100_000);
}

#[test]
fn who_leaves_does_not_wait_for_it() {
    let mut server = server();
    offer(&mut server, 100_000);
    let bye = Event::Bye(None);
    server.fanout.finish(client(0), Some(&bye), Close::Done);
    server.settle();
    assert_eq!(server.read(0), [Item::Bye]);
}
