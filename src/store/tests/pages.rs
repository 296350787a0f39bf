//! Pages and searches.

use super::*;
use crate::limits::{PAGE_BYTES_MAX, READ_TIME_MAX, SEARCH_HITS_MAX};
use std::sync::atomic::{AtomicU64, Ordering};

/// A store with the numbers from 1 to `count` said at ten times their value.
fn counted(folder: &Path, count: u64) -> SqliteStore {
    let mut store = open(folder);
    let batch: Vec<_> = (1..=count)
        .map(|key| said_at(1, key, &key.to_string(), key * 10))
        .collect();
    store.commit(count, &batch).unwrap();
    store
}

fn asked(reader: &mut SqliteReader, from: From, before: u64) -> (Vec<String>, bool) {
    let request = PageRequest {
        room: RoomId(1),
        from,
        before: EntryId(before),
    };
    let page = reader.page(&request).unwrap();
    (texts(&page), page.is_last)
}

#[test]
fn a_page_begins_where_it_is_asked_to_and_ends_before() {
    let folder = tempfile::tempdir().unwrap();
    let store = counted(folder.path(), 9);
    let mut reader = reader(&store);
    let mut ask = |from, before| asked(&mut reader, from, before).0.join(" ");
    assert_eq!(ask(From::Newest(3), 100), "7 8 9");
    assert_eq!(ask(From::Newest(3), 6), "3 4 5");
    assert_eq!(ask(From::Newest(0), 6), "");
    assert_eq!(ask(From::Newest(99), 4), "1 2 3");
    assert_eq!(ask(From::Newest(usize::MAX), u64::MAX), "1 2 3 4 5 6 7 8 9");
    assert_eq!(ask(From::Newest(3), 0), "");
    assert_eq!(ask(From::After(EntryId(7)), 100), "8 9");
    assert_eq!(ask(From::After(EntryId(7)), 8), "");
    assert_eq!(ask(From::After(EntryId(u64::MAX)), 8), "");
    assert_eq!(ask(From::Since(75), 100), "8 9");
    assert_eq!(ask(From::Since(80), 100), "8 9");
    assert_eq!(ask(From::Since(0), 3), "1 2");
    assert_eq!(ask(From::Since(u64::MAX), 3), "");
    let unknown = page(&mut reader, 77, From::Newest(3));
    assert!(unknown.entries.is_empty() && unknown.is_last);
}

#[test]
fn a_long_answer_comes_in_pages_without_gap_or_double() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let long = "x".repeat(PAGE_BYTES_MAX / 3);
    let batch: Vec<_> = (1..=10).map(|key| said(1, key, &long)).collect();
    store.commit(1, &batch).unwrap();
    let huge = "y".repeat(2 * PAGE_BYTES_MAX);
    store
        .commit(1, &[said(1, 11, &huge), said(1, 12, "z")])
        .unwrap();
    let mut reader = reader(&store);
    let (mut from, mut ids, mut pages) = (From::Newest(12), Vec::new(), 0);
    loop {
        let page = page(&mut reader, 1, from);
        let bytes: usize = page.entries.iter().map(|entry| text(entry).len()).sum();
        assert!(bytes <= PAGE_BYTES_MAX || page.entries.len() == 1);
        ids.extend(page.entries.iter().map(|entry| entry.id.unwrap().0));
        pages += 1;
        if page.is_last {
            break;
        }
        from = From::After(page.entries.last().unwrap().id.unwrap());
    }
    assert_eq!(ids, (1..=12).collect::<Vec<_>>());
    assert!(pages >= 6, "{pages}");
}

/// Goal: no question holds up the next one. Method: a clock that runs by a step at every look.
#[test]
fn a_question_ends_when_its_time_is_over() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = counted(folder.path(), 5_000);
    settle(&mut store, 1);
    let looks = Arc::new(AtomicU64::new(0));
    let step = READ_TIME_MAX / 5;
    let clock = {
        let looks = looks.clone();
        Arc::new(move || step * u32::try_from(looks.fetch_add(1, Ordering::Relaxed)).unwrap())
    };
    let mut reader = store.reader(clock).unwrap();
    let (texts, is_last) = asked(&mut reader, From::Since(0), u64::MAX);
    assert!(
        !is_last && !texts.is_empty() && texts.len() < 4_000,
        "{}",
        texts.len()
    );
    let nobody = Name::parse("nobody").unwrap();
    let everything = Search {
        from: Some(nobody),
        ..search_for(&[])
    };
    // The index knows at once that nobody of that name spoke; without it all would be looked at.
    assert!(!reader.search(&everything).unwrap().is_cut);
    let underscore = Search {
        from: Some(Name::parse("_").unwrap()),
        ..search_for(&[])
    };
    assert!(reader.search(&underscore).unwrap().is_cut);
    // The time of the next question is its own.
    assert_eq!(asked(&mut reader, From::Newest(1), u64::MAX).0, ["5000"]);
}

#[test]
fn a_search_finds_what_has_all_words_and_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let say = |room, key, author: &str, text: &str| {
        Write::Append(Append {
            ticket: Ticket(key),
            sender: (SessionId(1), MessageKey(key)),
            row: (RoomId(room), entry(key * 10, author, text)),
            second: None,
        })
    };
    let batch = [
        say(1, 1, "bob", "The quick brown fox"),
        say(1, 2, "ann", "a QUICK answer, caf\u{e9}"),
        say(1, 3, "bob_x", "brown bread"),
        say(2, 4, "bob", "the fox is elsewhere"),
        say(1, 5, "x-bob", "quick \" AND brown"),
    ];
    store.commit(1, &batch).unwrap();
    settle(&mut store, 1);
    let mut reader = reader(&store);
    let mut find = |words: &[&str]| found(&mut reader, &search_for(words)).len();
    assert_eq!(find(&["quick"]), 3);
    assert_eq!(find(&["quick", "brown"]), 2);
    assert_eq!(find(&["Quick", "BROWN", "fox"]), 1);
    assert_eq!(find(&["cafe"]), 1, "without its accent");
    assert_eq!(find(&["fox"]), 1, "elsewhere does not count");
    assert_eq!(find(&["bob"]), 0, "who spoke is no word");
    assert_eq!(find(&["qui"]), 0);
    assert_eq!(find(&["quick-answer"]), 1, "one after the other");
    assert_eq!(find(&["answer-quick"]), 0);
    for odd in [
        "\"",
        "AND",
        "\"quick",
        "quick*",
        "text:quick",
        "(",
        "^quick",
        "!!!",
        "a\0b",
    ] {
        let count = find(&[odd]);
        assert!(count <= 3, "{odd} found {count}");
    }
    assert_eq!(find(&["!!!"]), 0);
    assert_eq!(find(&["!!!", "quick"]), 3);
    let many: Vec<&str> = std::iter::repeat_n("quick", 5_000).collect();
    assert_eq!(find(&many), 3);
}

#[test]
fn a_search_is_narrowed_by_name_time_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let mut store = open(folder.path());
    let mut batch = Vec::new();
    for key in 1..=200 {
        let room = 1 + key % 2;
        let author = if key % 10 == 0 { "bob_x" } else { "bob-x" };
        let row = (RoomId(room), entry(key, author, &format!("egg {key}")));
        batch.push(Write::Append(Append {
            ticket: Ticket(key),
            sender: (SessionId(1), MessageKey(key)),
            row,
            second: None,
        }));
    }
    store.commit(1, &batch).unwrap();
    settle(&mut store, 1);
    let mut reader = reader(&store);
    let both = Search {
        rooms: vec![RoomId(2), RoomId(1), RoomId(99)],
        ..search_for(&["egg"])
    };
    let hits = reader.search(&both).unwrap();
    assert!(hits.is_cut);
    let times: Vec<_> = hits
        .entries
        .iter()
        .map(|(_, entry)| entry.unix_ms)
        .collect();
    assert_eq!(times, (151..=200).collect::<Vec<_>>(), "newest last");
    let of_name = Search {
        from: Some(Name::parse("BOB_x").unwrap()),
        ..both.clone()
    };
    let hits = reader.search(&of_name).unwrap();
    assert_eq!(hits.entries.len(), 20);
    assert!(!hits.is_cut);
    let all_of_name = Search {
        words: Vec::new(),
        since_unix_ms: Some(101),
        ..of_name
    };
    assert_eq!(reader.search(&all_of_name).unwrap().entries.len(), 10);
    let few = Search {
        hits_max: 3,
        ..both.clone()
    };
    assert_eq!(found(&mut reader, &few), ["egg 198", "egg 199", "egg 200"]);
    let greedy = Search {
        hits_max: usize::MAX,
        ..both
    };
    assert_eq!(
        reader.search(&greedy).unwrap().entries.len(),
        SEARCH_HITS_MAX
    );
}
