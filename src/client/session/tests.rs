//! Goal: the protocol side keeps its promises whatever happens to its connections.
//! Method: a fake server made of the server's own codecs, and bytes carried by hand.

mod fake;
mod secrets;

use self::fake::FakeServer;
use super::*;
use crate::chat::{
    Body, Entry, EntryId, Epoch, Event, MessageKey, Refusal, RoomId, RoomName, Token, Welcome,
};
use crate::wire::sealed::{HandshakeError, RefusalCode};

const NOW: Duration = Duration::from_secs(100);
const LOBBY: RoomId = RoomId(1);

fn entry(id: u64, author: &str, text: &str) -> Entry {
    Entry {
        id: Some(EntryId(id)),
        unix_ms: 1_800_000_000_000,
        author: Name::parse(author).unwrap(),
        origin: None,
        body: Body::Said(text.into()),
    }
}

fn random() -> ConnectionRandom {
    ConnectionRandom {
        ephemeral: [5; 32],
        throwaway: [6; 32],
        rekey: 0,
    }
}

fn lobby() -> RoomName {
    RoomName::parse("lobby").unwrap()
}

fn welcome(resumed: bool) -> Event {
    Event::Welcome(Welcome {
        epoch: Epoch([1; 16]),
        token: Token([2; 16]),
        name: Name::parse("alice").unwrap(),
        resumed,
    })
}

fn entered() -> [Event; 3] {
    [
        Event::Entered {
            room: LOBBY,
            name: lobby(),
            topic: None,
        },
        Event::Current(Some(LOBBY)),
        Event::ReplayEnd {
            room: LOBBY,
            count: 0,
        },
    ]
}

fn stored(key: MessageKey, id: u64) -> Event {
    Event::Stored {
        key,
        room: LOBBY,
        id: EntryId(id),
        sent: None,
    }
}

fn session() -> Session {
    let wish = Wish {
        name: Name::parse("alice").ok(),
        room: None,
    };
    Session::new(wish, Suite::DEFAULT, 77, false)
}

/// Gives bytes to the session; returns what it tells of them.
fn receive(session: &mut Session, bytes: &[u8]) -> Vec<String> {
    let mut news = Vec::new();
    session
        .receive(bytes, NOW, &mut |heard| news.push(format!("{heard:?}")))
        .unwrap();
    news
}

fn say(session: &mut Session, text: &str) {
    session.say(text, &mut |_| {});
}

/// A connection up to and with the hello.
fn connected(session: &mut Session) -> FakeServer {
    let mut server = FakeServer::new();
    session.connect(random(), NOW);
    let reply = server.take(session);
    receive(session, &reply);
    assert!(session.awaits_acceptance());
    session.accept(None, NOW, &mut |_| {}).unwrap();
    server.take(session);
    server
}

/// A connection that is welcome and in the lobby.
fn talking(session: &mut Session, resumed: bool) -> FakeServer {
    let mut server = connected(session);
    let bytes = server.events(&[welcome(resumed)]);
    receive(session, &bytes);
    let bytes = server.events(&entered());
    receive(session, &bytes);
    server.take(session);
    server
}

#[test]
fn nothing_of_the_client_is_sent_before_the_servers_key_is_accepted() {
    let mut session = session();
    let mut server = FakeServer::new();
    session.connect(random(), NOW);
    say(&mut session, "typed early");
    let reply = server.take(&mut session);
    let news = receive(&mut session, &reply);
    assert!(news[0].starts_with("ServerKey"), "{news:?}");
    session.flush(NOW).unwrap();
    assert!(session.outgoing().is_empty());
    let identity = StaticKey::from_bytes(&[4; 32]);
    session.accept(Some(&identity), NOW, &mut |_| {}).unwrap();
    server.take(&mut session);
    assert_eq!(server.client_key, Some(identity.public()));
    assert_eq!(server.heard.len(), 1);
    assert!(server.heard[0].starts_with("Hello(Hello { name: Some(\"alice\")"));
}

#[test]
fn what_was_typed_early_waits_for_the_welcome() {
    let mut session = session();
    say(&mut session, "one");
    say(&mut session, "two");
    let mut server = connected(&mut session);
    assert!(server.texts().is_empty());
    let bytes = server.events(&[welcome(false)]);
    receive(&mut session, &bytes);
    server.take(&mut session);
    assert_eq!(server.texts(), ["one", "two"]);
    assert_eq!(session.conversation().unacknowledged_count(), 2);
    let acknowledged = [stored(server.keys[0], 1), stored(server.keys[1], 2)];
    let bytes = server.events(&acknowledged);
    receive(&mut session, &bytes);
    assert_eq!(session.conversation().unacknowledged_count(), 0);
}

#[test]
fn every_split_of_the_servers_bytes_is_heard_the_same() {
    let mut whole = session();
    let mut server = connected(&mut whole);
    let mut bytes = server.events(&[welcome(false)]);
    bytes.extend(server.events(&entered()));
    bytes.extend(server.says(1, "bob", "hello"));
    let expected = receive(&mut whole, &bytes);
    assert_eq!(expected.len(), 5);
    for split in 0..=bytes.len() {
        let mut session = session();
        connected(&mut session);
        let mut news = receive(&mut session, &bytes[..split]);
        news.extend(receive(&mut session, &bytes[split..]));
        assert_eq!(news, expected, "split at {split}");
    }
}

#[test]
fn a_lost_acknowledgement_makes_a_retry_under_the_same_key_and_place() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    say(&mut session, "one");
    say(&mut session, "two");
    server.take(&mut session);
    let bytes = server.says(1, "bob", "hello");
    receive(&mut session, &bytes);
    let bytes = server.events(&[stored(server.keys[0], 2)]);
    receive(&mut session, &bytes);
    let key = server.keys[1];
    session.disconnect();
    say(&mut session, "three");

    let mut server = connected(&mut session);
    assert!(
        server.heard[0].contains("(RoomId(1), EntryId(1))"),
        "{:?}",
        server.heard
    );
    let bytes = server.events(&[welcome(true)]);
    receive(&mut session, &bytes);
    server.take(&mut session);
    assert_eq!(server.texts(), ["two", "three"]);
    assert_eq!(server.keys[0], key);
    let acknowledged = [stored(server.keys[0], 3), stored(server.keys[1], 4)];
    let bytes = server.events(&acknowledged);
    receive(&mut session, &bytes);
    assert_eq!(session.conversation().unacknowledged_count(), 0);
}

#[test]
fn messages_of_a_session_that_is_over_are_reported_not_repeated() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    say(&mut session, "arrived or not");
    server.take(&mut session);
    session.disconnect();
    say(&mut session, "after it");
    let mut server = connected(&mut session);
    let bytes = server.events(&[welcome(false)]);
    let news = receive(&mut session, &bytes);
    assert!(news[0].contains("text: \"arrived or not\", in_doubt: true"));
    assert!(news[1].contains("text: \"after it\", in_doubt: false"));
    server.take(&mut session);
    assert!(server.texts().is_empty());
    assert_eq!(session.conversation().unacknowledged_count(), 0);
}

#[test]
fn a_new_session_goes_back_to_the_rooms_of_the_old_one() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    let den = Event::Entered {
        room: RoomId(2),
        name: RoomName::parse("den").unwrap(),
        topic: None,
    };
    let bytes = server.events(&[den]);
    receive(&mut session, &bytes);
    session.disconnect();
    let mut server = talking(&mut session, false);
    assert!(server.heard[1].contains("/join #den"), "{:?}", server.heard);
    assert!(server.heard[2].contains("/room #lobby"));
    assert_eq!(server.heard.len(), 3);
    let bytes = server.events(&[Event::Done(server.keys[0]), Event::Done(server.keys[1])]);
    receive(&mut session, &bytes);
    assert_eq!(session.conversation().unacknowledged_count(), 0);
}

/// Goal: a session that could not be resumed shows what was missed, and nothing twice.
/// Method: the history that a new session begins with, with and without what was had before.
#[test]
fn a_new_session_shows_only_what_was_not_seen_in_the_old_one() {
    for (history, expected) in [
        (&[3, 4, 5][..], &["4", "5", "End"][..]),
        (&[6, 7], &["6", "7", "Passed", "End"]),
        (&[], &["End"]),
    ] {
        let mut session = session();
        let mut server = talking(&mut session, false);
        let bytes = server.says(3, "bob", "text 3");
        receive(&mut session, &bytes);
        session.disconnect();
        let mut server = connected(&mut session);
        let [enter, current, _] = entered();
        let mut bytes = server.events(&[welcome(false), enter, current]);
        for id in history {
            bytes.extend(server.says(*id, "bob", &format!("text {id}")));
        }
        let count = history.len() as u64;
        bytes.extend(server.events(&[Event::ReplayEnd { room: LOBBY, count }]));
        let news = receive(&mut session, &bytes);
        let shown: Vec<_> = news
            .iter()
            .filter_map(|line| match line {
                line if line.starts_with("Entry") => {
                    assert!(line.contains("past: true"), "{line}");
                    let text = line.split_once("text ").unwrap().1;
                    Some(&text[..1])
                }
                line if line.starts_with("Passed") => Some("Passed"),
                line if line.starts_with("ReplayEnd") => Some("End"),
                _ => None,
            })
            .collect();
        assert_eq!(shown, expected, "{news:?}");
    }
}

#[test]
fn own_words_and_the_past_are_told_apart_from_the_rest() {
    let mut session = session();
    let mut server = connected(&mut session);
    let [enter, current, end] = entered();
    let mut bytes = server.events(&[welcome(false), enter, current]);
    bytes.extend(server.says(7, "alice", "said in an earlier life"));
    bytes.extend(server.events(&[end]));
    bytes.extend(server.says(8, "bob", "new"));
    bytes.extend(server.says(9, "alice", "mine"));
    bytes.extend(server.says(8, "bob", "asked for again"));
    let news: Vec<_> = receive(&mut session, &bytes)
        .into_iter()
        .filter(|line| line.starts_with("Entry"))
        .map(|line| (line.contains("past: true"), line.contains("own: true")))
        .collect();
    let expected = [(true, false), (false, false), (false, true), (true, false)];
    assert_eq!(news, expected);
}

#[test]
fn what_is_meant_for_a_room_never_goes_to_another() {
    let wish = Wish {
        name: Name::parse("alice").ok(),
        room: RoomName::parse("den").ok(),
    };
    let mut session = Session::new(wish, Suite::DEFAULT, 1, false);
    say(&mut session, "secret");
    let mut server = connected(&mut session);
    let refused = Event::Refused(None, Refusal::NoSuchRoom(RoomName::parse("den").unwrap()));
    let [enter, current, end] = entered();
    let bytes = server.events(&[welcome(false), refused, enter, current, end]);
    let news = receive(&mut session, &bytes);
    assert!(
        news.iter().any(|line| line.contains("of_command: false")),
        "{news:?}"
    );
    server.take(&mut session);
    assert!(server.texts().is_empty());
    session.give_up_room(&mut |_| {});
    server.take(&mut session);
    assert_eq!(server.texts(), ["secret"]);
}

#[test]
fn a_session_taken_over_elsewhere_asks_for_its_room() {
    let wish = Wish {
        name: Name::parse("alice").ok(),
        room: RoomName::parse("den").ok(),
    };
    let mut session = Session::new(wish, Suite::DEFAULT, 1, false);
    say(&mut session, "hello den");
    let mut server = connected(&mut session);
    let [enter, current, _] = entered();
    let bytes = server.events(&[welcome(false), enter, current]);
    receive(&mut session, &bytes);
    server.take(&mut session);
    assert!(server.heard[1].contains("/join #den"), "{:?}", server.heard);
    assert!(server.texts().is_empty());
    let bytes = server.events(&[Event::Done(server.keys[0])]);
    receive(&mut session, &bytes);
    server.take(&mut session);
    assert_eq!(server.texts(), ["hello den"]);
}

#[test]
fn a_full_queue_has_no_room_until_something_is_acknowledged() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    let mut count = 0;
    while session.has_room() {
        say(&mut session, "x");
        server.take(&mut session);
        count += 1;
    }
    assert_eq!(count, crate::limits::UNACKNOWLEDGED_MAX);
    let bytes = server.events(&[stored(server.keys[0], 1)]);
    receive(&mut session, &bytes);
    assert!(session.has_room());
}

#[test]
fn the_longest_text_arrives_whole() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    let text = "x".repeat(crate::limits::TEXT_BYTES_MAX);
    say(&mut session, &text);
    server.take(&mut session);
    assert_eq!(server.texts(), [text]);
}

#[test]
fn pings_are_answered_and_the_close_comes_last() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    let bytes = server.events(&[Event::Ping]);
    receive(&mut session, &bytes);
    say(&mut session, "last words");
    session.close();
    server.take(&mut session);
    assert!(session.is_established(), "the goodbye is still awaited");
    assert!(server.closed);
    assert_eq!(server.heard[1], "Pong");
    assert_eq!(server.texts(), ["last words"]);
    assert!(session.has_closed());
    let mut goodbye = Vec::new();
    let (sealer, _) = server.records.as_mut().unwrap();
    sealer.seal_close(CloseCode::Done, &mut goodbye).unwrap();
    let news = receive(&mut session, &goodbye);
    assert_eq!(news, ["Closed(Done)"]);
    assert_eq!(session.server_close(), Some(CloseCode::Done));
}

#[test]
fn a_refused_name_can_be_given_again() {
    let mut session = session();
    let mut server = connected(&mut session);
    let taken = Refusal::NameTaken(Name::parse("alice").unwrap());
    let bytes = server.events(&[Event::Refused(None, taken), Event::AskName]);
    let news = receive(&mut session, &bytes);
    assert!(news[0].contains("of_command: false"));
    assert_eq!(news[1], "AskName");
    session.choose_name(Name::parse("alicia").unwrap(), &mut |_| {});
    server.take(&mut session);
    assert!(server.heard[1].contains("alicia"));
}

#[test]
fn a_refusal_before_the_handshake_is_said_in_words() {
    for (code, word) in [
        (RefusalCode::Full, "full"),
        (RefusalCode::TooManyFromSource, "too many"),
        (RefusalCode::Banned, "banned"),
        (RefusalCode::UnknownVersion, "version"),
        (RefusalCode::UnknownSuite, "suite"),
    ] {
        let mut session = session();
        session.connect(random(), NOW);
        let refused = session.receive(&code.encode(), NOW, &mut |_| {});
        let error = refused.unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn another_protocol_on_the_port_is_named() {
    for (greeting, word) in [
        (&b"-> Welcome to Parlour.\n"[..], "plain text"),
        (b"HTTP/1.1 400 Bad Request\r\n", "HTTP"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "plain text"),
    ] {
        let mut session = session();
        session.connect(random(), NOW);
        let error = session.receive(greeting, NOW, &mut |_| {}).unwrap_err();
        assert!(matches!(
            error,
            ChannelError::Handshake(HandshakeError::NotParlour { .. })
        ));
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_changed_bit_ends_the_connection() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    let mut bytes = server.says(1, "bob", "hello");
    bytes[20] ^= 1;
    let error = session.receive(&bytes, NOW, &mut |_| {}).unwrap_err();
    assert!(matches!(error, ChannelError::Record(_)), "{error}");
    server.take(&mut session);
    assert!(server.closed, "the server is told");
}

/// Goal: what `/history` shows a client that lags is not taken for what it has come to.
/// Method: a replay runs ahead of the live entries, then the connection is lost.
#[test]
fn a_replay_does_not_move_the_place_from_which_to_resume() {
    let mut session = session();
    let mut server = talking(&mut session, false);
    let bytes = server.says(1, "bob", "one");
    receive(&mut session, &bytes);
    let bytes = server.events(&[Event::ReplayBegin { room: LOBBY }]);
    receive(&mut session, &bytes);
    let bytes = server.says(9, "bob", "nine");
    let news = receive(&mut session, &bytes);
    assert!(news[0].contains("past: true"), "{news:?}");
    let end = Event::ReplayEnd {
        room: LOBBY,
        count: 1,
    };
    let bytes = server.events(&[end]);
    receive(&mut session, &bytes);
    session.disconnect();
    let server = connected(&mut session);
    let hello = &server.heard[0];
    assert!(hello.contains("(RoomId(1), EntryId(1))"), "{hello}");
}
