//! Every way to write a command.

use crate::chat::command::{TABLE, parse};
use crate::chat::*;
use crate::limits::ANSWER_LINES_MAX;
use std::time::Duration;

fn say<'a>(room: Option<&'a str>, text: &'a str) -> Command<'a> {
    Command::Say {
        room: room.map(RoomRef::Name),
        action: false,
        text,
    }
}

fn assert_reads(lines: &[&str], expected: &Command<'_>) {
    for line in lines {
        assert_eq!(parse(line).as_ref(), Ok(expected), "{line}");
    }
}

#[test]
fn what_does_not_begin_with_a_slash_is_said() {
    assert_reads(&["hello / there"], &say(None, "hello / there"));
    assert_reads(&[" /join x"], &say(None, " /join x"));
    assert_reads(&["//join x"], &say(None, "/join x"));
    assert_reads(&["///"], &say(None, "//"));
}

#[test]
fn every_alias_is_read_whatever_its_case() {
    let name = "bob";
    assert_reads(
        &["/nick bob", "/u bob", "/NICK bob", "/nick  bob "],
        &Command::Nick { name },
    );
    assert_reads(&["/login bob"], &Command::Login { name: "bob" });
    let room = "den";
    let (none, some) = (None, Some("k"));
    assert_reads(
        &["/create den k", "/c den k"],
        &Command::Create { room, key: some },
    );
    assert_reads(&["/create den"], &Command::Create { room, key: none });
    assert_reads(&["/join den", "/j den"], &Command::Join { room, key: none });
    assert_reads(&["/join den k"], &Command::Join { room, key: some });
    let room = Some("den");
    assert_reads(
        &["/leave den", "/l den", "/part den"],
        &Command::Leave { room },
    );
    assert_reads(&["/leave", "/l "], &Command::Leave { room: None });
    assert_reads(
        &["/room den", "/cd den", "/default den"],
        &Command::Room { room: "den" },
    );
    assert_reads(
        &["/say den hi you", "/public den hi you"],
        &say(room, "hi you"),
    );
    let tell = Command::Tell {
        to: "bob",
        text: "hi you",
    };
    let aliases = [
        "/msg bob hi you",
        "/private bob hi you",
        "/w bob hi you",
        "/query bob hi you",
    ];
    assert_reads(&aliases, &tell);
    assert_reads(&["/msg #den hi"], &say(Some("#den"), "hi"));
    assert_reads(
        &["/reply hi you", "/r hi you"],
        &Command::Reply { text: "hi you" },
    );
}

#[test]
fn every_alias_of_commands_about_people_is_read() {
    let name = "bob";
    let acted = Command::Say {
        room: None,
        action: true,
        text: "waves",
    };
    assert_reads(&["/me waves"], &acted);
    assert_reads(&["/whois bob"], &Command::Whois { name });
    assert_reads(&["/rooms", "/list"], &Command::Rooms { prefix: None });
    assert_reads(
        &["/rooms d", "/list d"],
        &Command::Rooms { prefix: Some("d") },
    );
    assert_reads(&["/away"], &Command::Away { text: None });
    let text = Some("at lunch");
    assert_reads(&["/away at lunch"], &Command::Away { text });
    assert_reads(&["/back"], &Command::Back);
    assert_reads(&["/ignore"], &Command::Ignore { name: None });
    assert_reads(&["/ignore bob"], &Command::Ignore { name: Some("bob") });
    assert_reads(&["/unignore bob"], &Command::Unignore { name });
    assert_reads(&["/help", "/?"], &Command::Help { topic: None });
    assert_reads(&["/help me", "/? me"], &Command::Help { topic: Some("me") });
    assert_reads(
        &["/quit", "/exit", "/logout"],
        &Command::Quit { text: None },
    );
    assert_reads(
        &["/quit at lunch", "/logout at lunch"],
        &Command::Quit { text },
    );
}

#[test]
fn a_first_word_with_a_number_sign_names_the_room() {
    let names = |room, prefix| Command::Names { room, prefix };
    assert_reads(&["/names", "/who"], &names(None, None));
    assert_reads(&["/names bo", "/who bo"], &names(None, Some("bo")));
    assert_reads(&["/names #den"], &names(Some("#den"), None));
    assert_reads(&["/names #den bo"], &names(Some("#den"), Some("bo")));
    assert_reads(&["/names den bo"], &names(Some("den"), Some("bo")));
    let topic = |room, text| Command::Topic { room, text };
    assert_reads(&["/topic"], &topic(None, None));
    assert_reads(&["/topic all of it"], &topic(None, Some("all of it")));
    assert_reads(&["/topic #den"], &topic(Some("#den"), None));
    assert_reads(
        &["/topic #den all of it"],
        &topic(Some("#den"), Some("all of it")),
    );
    let set = |room, change| Command::Set { room, change };
    assert_reads(&["/set"], &set(None, None));
    assert_reads(&["/set #den"], &set(Some("#den"), None));
    assert_reads(&["/set den"], &set(Some("den"), None));
    assert_reads(
        &["/set den limit 5"],
        &set(Some("den"), Some(("limit", "5"))),
    );
    assert_reads(&["/set colour red"], &set(None, Some(("colour", "red"))));
    assert_reads(&["/set limit 5"], &set(None, Some(("limit", "5"))));
    assert_reads(
        &["/set #den key none"],
        &set(Some("#den"), Some(("key", "none"))),
    );
}

#[test]
fn history_goes_back_by_number_or_by_time() {
    let history = |room, depth| Command::History { room, depth };
    let age = |seconds| Depth::Age(Duration::from_secs(seconds));
    assert_reads(&["/history"], &history(None, Depth::Entries(100)));
    assert_reads(&["/history 5"], &history(None, Depth::Entries(5)));
    assert_reads(&["/history 2h"], &history(None, age(7_200)));
    assert_reads(
        &["/history 1d12h", "/history 36H"],
        &history(None, age(129_600)),
    );
    assert_reads(
        &["/history den", "/history den 100"],
        &history(Some("den"), Depth::Entries(100)),
    );
    assert_reads(&["/history #den 30s"], &history(Some("#den"), age(30)));
    for wrong in [
        "/history #den x",
        "/history den 1 2",
        "/history den 99999999999999999999w",
    ] {
        assert!(parse(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn brackets_around_arguments_are_taken_off() {
    let tell = Command::Tell {
        to: "bob",
        text: "<hi> [you]",
    };
    assert_reads(
        &["/msg <bob> <hi> [you]", "/private [bob] <hi> [you]"],
        &tell,
    );
    assert_reads(&["/msg <#den> hi"], &say(Some("#den"), "hi"));
    assert_reads(&["/nick <bob>"], &Command::Nick { name: "bob" });
    assert_reads(&["/nick <bob"], &Command::Nick { name: "<bob" });
    let join = Command::Join {
        room: "den",
        key: Some("word"),
    };
    assert_reads(&["/join [den] <word>"], &join);
}

#[test]
fn what_is_written_wrongly_is_shown_how() {
    for spelling in &TABLE {
        assert!(
            spelling
                .usage
                .starts_with(&format!("/{}", spelling.words[0]))
        );
        assert!(!spelling.help.is_empty());
    }
    assert!(TABLE.len() < ANSWER_LINES_MAX);
    for wrong in [
        "/nick",
        "/nick a b",
        "/join",
        "/join a b c",
        "/create",
        "/room",
        "/say",
        "/say den",
        "/msg",
        "/msg bob",
        "/msg bob  ",
        "/reply",
        "/me",
        "/whois",
        "/unignore",
        "/ignore a b",
        "/set limit",
        "/set a b c d",
        "/names #den #x y",
        "/back now",
        "/login",
    ] {
        let usage = parse(wrong);
        assert!(
            matches!(usage, Err(Refusal::Usage { .. })),
            "{wrong}: {usage:?}"
        );
    }
    let unknown = |word: &str| Err(Refusal::UnknownCommand { word: word.into() });
    assert_eq!(parse("/dance wildly"), unknown("dance"));
    assert_eq!(parse("/"), unknown(""));
    assert_eq!(parse("/\u{1b}x\u{202e}"), unknown("x"));
    let long = format!("/{}", "é".repeat(40));
    assert_eq!(parse(&long), unknown(&"é".repeat(16)));
}

#[test]
fn a_text_may_have_several_lines() {
    assert_reads(
        &["/me a\nb"],
        &Command::Say {
            room: None,
            action: true,
            text: "a\nb",
        },
    );
    assert_reads(&["a\n/quit"], &say(None, "a\n/quit"));
}

/// Goal: no text of a peer makes the parser panic. Method: texts drawn from pieces that matter.
#[test]
fn any_text_is_read_or_refused() {
    let pieces = [
        "/", "#", " ", "<", ">", "\n", "é", "\u{2028}", "9", "h", "join", "names", "\u{0}",
        "history",
    ];
    let mut dice = super::audiences::Dice::new(1);
    for _ in 0..20_000 {
        let count = dice.below(9);
        let drawn = (0..count).map(|_| pieces[dice.below(pieces.len())]);
        let text: String = drawn.collect();
        let _ = parse(&text);
        let _ = parse(&format!("/{text}"));
    }
}
