//! Goal: what happens looks as people expect it, with and without colours.
//! Method: news made by hand, and the lines that come of them.

use super::*;
use crate::chat::EntryId;
use crate::wire::message::BodyView;

/// 2026-01-01T13:05:00Z.
const THEN_UNIX_SECONDS: u64 = 1_767_225_600 + 13 * 3_600 + 5 * 60;

fn news<'a>(author: &str, body: BodyView<'a>, own: bool) -> News<'a> {
    let is_private = matches!(body, BodyView::Received(_) | BodyView::Sent(_));
    News::Entry {
        room: RoomName::parse("lobby").ok().filter(|_| !is_private),
        past: false,
        own,
        entry: EntryView {
            room: 1,
            id: Some(EntryId(1)),
            unix_seconds: THEN_UNIX_SECONDS,
            author: Name::parse(author).unwrap(),
            body,
        },
    }
}

fn said<'a>(author: &str, text: &'a str, own: bool) -> News<'a> {
    news(author, BodyView::Said(text), own)
}

/// The same, from the past and so many seconds later.
fn late<'a>(author: &str, text: &'a str, seconds: u64) -> News<'a> {
    let News::Entry {
        room, mut entry, ..
    } = said(author, text, false)
    else {
        unreachable!("that is what it is");
    };
    entry.unix_seconds += seconds;
    News::Entry {
        room,
        past: true,
        own: false,
        entry,
    }
}

fn screen(ability: Ability) -> Screen {
    let mut screen = Screen::new(ability, Zone::utc(), Bell::All, false);
    screen.name = Name::parse("alice").ok();
    screen.day = Some(screen.zone.moment(THEN_UNIX_SECONDS).day());
    screen
}

fn rings(screen: &mut Screen) -> bool {
    let mut out = String::new();
    screen.append_bell(&mut out);
    !out.is_empty()
}

fn welcome(resumed: bool) -> News<'static> {
    News::Welcome {
        name: Name::parse("alice").unwrap(),
        resumed,
        history_reset: false,
    }
}

/// What the screen makes of `news`.
fn shown(screen: &mut Screen, news: &News<'_>) -> String {
    screen.above.clear();
    screen.hear(news);
    std::mem::take(&mut screen.above)
}

#[test]
fn what_is_said_has_a_time_and_each_line_its_prefix() {
    let mut screen = screen(Ability::Nothing);
    assert_eq!(
        shown(&mut screen, &said("bob", "one\ntwo\u{1b}[2J\n", false)),
        "13:05 [#lobby] bob: one\n13:05 [#lobby] bob: two[2J\n"
    );
    let waves = news("bob", BodyView::Acted("waves"), false);
    assert_eq!(shown(&mut screen, &waves), "13:05 [#lobby] * bob waves\n");
}

#[test]
fn ones_own_name_is_marked_and_rings() {
    let marked = "\x1b[1;33m";
    let mut screen = screen(Ability::Colours);
    let lines = shown(&mut screen, &said("bob", "Alice, malice, alice", false));
    assert!(rings(&mut screen));
    assert_eq!(lines.matches(marked).count(), 2);
    screen.set_bell(Bell::Pm);
    screen.hear(&said("bob", "alice", false));
    assert!(!rings(&mut screen));
    screen.set_bell(Bell::All);
    let lines = shown(&mut screen, &said("alice", "alice said so", true));
    assert!(!rings(&mut screen));
    assert!(!lines.contains(marked));
}

#[test]
fn what_is_said_in_private_looks_different_and_rings() {
    let mut screen = screen(Ability::Nothing);
    let psst = news("bob", BodyView::Received("psst"), false);
    let yes = news("bob", BodyView::Sent("yes, alice?"), false);
    assert_eq!(shown(&mut screen, &psst), "13:05 [bob -> you] psst\n");
    assert!(rings(&mut screen));
    assert_eq!(shown(&mut screen, &yes), "13:05 [you -> bob] yes, alice?\n");
    assert!(!rings(&mut screen));
    screen.set_bell(Bell::Off);
    screen.hear(&psst);
    assert!(!rings(&mut screen));
}

#[test]
fn another_day_is_announced() {
    let mut screen = screen(Ability::Nothing);
    let next = shown(&mut screen, &late("bob", "late", 11 * 3_600));
    assert_eq!(
        next,
        "-- Friday, 2 January 2026\n00:05 [#lobby] bob: late\n"
    );
    let back = shown(&mut screen, &said("bob", "now", false));
    assert!(back.starts_with("-- Thursday, 1 January 2026\n13:05 "));
}

#[test]
fn who_wants_quiet_does_not_see_who_comes_and_goes() {
    let mut screen = screen(Ability::Nothing);
    let came = news("bob", BodyView::Joined { here: 2 }, false);
    assert_eq!(
        shown(&mut screen, &came),
        "13:05  * #lobby: bob joined (2 here)\n"
    );
    screen.set_quiet(true);
    assert_eq!(shown(&mut screen, &came), "");
    let topic = news("bob", BodyView::Topic("tea"), false);
    assert!(shown(&mut screen, &topic).contains("tea"));
}

#[test]
fn what_came_while_one_was_away_is_marked_and_counted() {
    let mut screen = screen(Ability::Nothing);
    screen.hear(&welcome(false));
    screen.go_away(THEN_UNIX_SECONDS);
    let first = shown(&mut screen, &said("bob", "one", false));
    assert_eq!(
        first,
        "-------- while you were away, since 13:05 --------\n13:05 [#lobby] bob: one\n"
    );
    screen.hear(&said("bob", "two", false));
    screen.above.clear();
    screen.come_back();
    assert_eq!(
        screen.above,
        "-- 2 came while you were away; they begin at the mark\n"
    );
    assert!(!screen.is_away());
}

#[test]
fn what_was_missed_is_marked_and_counted() {
    let mut screen = screen(Ability::Nothing);
    screen.hear(&welcome(false));
    let (why, again_after) = (
        "the connection broke",
        Some(std::time::Duration::from_secs(2)),
    );
    let apart = shown(&mut screen, &News::Apart(Apart { why, again_after }));
    assert!(
        apart.contains("broke; trying again in 2.0 s (Enter tries now"),
        "{apart}"
    );
    let again = News::Apart(Apart { why, again_after });
    assert_eq!(shown(&mut screen, &again), "", "it is not said twice");
    screen.lose_touch(THEN_UNIX_SECONDS);
    assert_eq!(shown(&mut screen, &welcome(true)), "-- connected again\n");
    screen.hear(&late("bob", "one", 0));
    let marked = std::mem::take(&mut screen.above);
    assert!(
        marked.starts_with("-------- missed while away, since 13:05"),
        "{marked}"
    );
    screen.hear(&late("bob", "two", 0));
    let room = RoomName::parse("lobby").ok();
    let end = shown(&mut screen, &News::ReplayEnd { room, count: 2 });
    assert_eq!(
        end,
        "-- #lobby: 2 missed while away, from the mark to here\n"
    );
    let end = shown(&mut screen, &News::ReplayEnd { room, count: 2 });
    assert_eq!(end, "-> #lobby: 2 earlier lines end here\n");
}

#[test]
fn who_was_kicked_is_told_how_to_come_back() {
    let mut screen = screen(Ability::Nothing);
    let by = Name::parse("carol").unwrap();
    let why = Some("noise");
    let mut kicked = |whom: &str| {
        let news = news(whom, BodyView::Kicked { by, why }, false);
        shown(&mut screen, &news)
    };
    let told = kicked("alice");
    assert!(told.contains("alice was kicked by carol (noise)"), "{told}");
    assert!(told.contains("/join #lobby"), "{told}");
    assert!(!kicked("bob").contains("/join"));
}

#[test]
fn a_terminal_that_knows_nothing_gets_no_escape_sequence() {
    let mut screen = screen(Ability::Nothing);
    screen.hear(&said("bob", "alice!", false));
    screen.hear(&news("bob", BodyView::Received("psst"), false));
    screen.hear(&News::Refused {
        key: None,
        text: "no",
        of_command: true,
    });
    screen.hear(&News::Notice("hello"));
    assert!(!screen.above.contains('\x1b'));
    assert!(screen.above.ends_with("Err: no\n-> hello\n"));
}
