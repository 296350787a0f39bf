//! Files: sent and received by scripts, whatever happens to either side and to the server.

use crate::harness::house::admin;
use crate::harness::server::Setup;
use crate::harness::{Home, Program, Server, clock};
use rustix::process::Signal;
use std::path::{Path, PathBuf};

/// Long enough that a transfer is still under way when somebody looks.
const LONG: usize = 24 * 1024 * 1024;
/// So much has come of it when something happens to it.
const SOME: u64 = 1024 * 1024;

/// A file's content: no two places look alike for long.
pub(crate) fn content(bytes: usize, seed: u32) -> Vec<u8> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

pub(crate) fn put(home: &Home, name: &str, content: &[u8]) {
    std::fs::write(home.folder().join(name), content).unwrap();
}

#[track_caller]
pub(crate) fn assert_got(home: &Home, name: &str, expected: &[u8]) {
    let got = std::fs::read(home.folder().join("in").join(name)).unwrap();
    assert!(got == expected, "{name} is what was sent");
}

/// The arguments that every errand of `who` ends with.
pub(crate) fn with<'a>(words: &[&'a str], who: &'a str, server: &'a str) -> Vec<&'a str> {
    [words, &["--name", who, "--server", server]].concat()
}

#[track_caller]
pub(crate) fn send(home: &Home, server: &Server, words: &[&str]) -> String {
    let words = [&["send"], words].concat();
    let (code, _, errors) = home.run(&with(&words, "alice", server.ready("address")), "");
    assert_eq!(code, 0, "{errors}");
    errors
}

pub(crate) const FETCH_ALL: [&str; 4] = ["receive", "--accept-all", "--downloads", "in"];

pub(crate) fn receive(home: &Home, who: &str, server: &Server) -> (i32, Vec<String>, String) {
    home.run(&with(&FETCH_ALL, who, server.ready("address")), "")
}

/// How long the longest file beneath `folder` is whose name ends with `ending`.
pub(crate) fn longest(folder: &Path, ending: &str) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let length = |path: PathBuf| match path.is_dir() {
        true => longest(&path, ending),
        false if path.to_string_lossy().ends_with(ending) => {
            path.metadata().map_or(0, |found| found.len())
        }
        false => 0,
    };
    entries.map(|entry| length(entry.path())).max().unwrap_or(0)
}

/// Waits until some of a long file has come, and not all.
#[track_caller]
fn wait_for_some(folder: &Path, ending: &str) {
    let come = || Some(longest(folder, ending)).filter(|come| *come >= SOME);
    let come = clock::wait_for("some of the file", come);
    assert!(come < LONG as u64, "it is still under way");
}

pub(crate) fn stored<'a>(data: &'a Path, sealed: &'a str) -> Setup<'a> {
    Setup {
        data: Some(data),
        sealed,
        ..Setup::default()
    }
}

#[test]
fn files_of_every_length_come_as_they_were_sent_to_several() {
    let server = Server::start();
    let alice = Home::new();
    let lengths = [0, 1, 16_383, 16_384, 16_385, 1024 * 1024];
    let names = lengths.map(|length| format!("of {length}.bin"));
    for (name, length) in names.iter().zip(lengths) {
        put(&alice, name, &content(length, 7));
    }
    let waiting = [
        "receive",
        "--accept-all",
        "--downloads",
        "in",
        "--wait",
        "6",
    ];
    let homes = [Home::new(), Home::new()];
    let mut early: Vec<Program> = homes
        .iter()
        .zip(["bob", "carol"])
        .map(|(home, who)| home.start(&with(&waiting, who, server.ready("address"))))
        .collect();
    let mut words: Vec<&str> = names.iter().map(String::as_str).collect();
    words.extend(["--to", "#lobby"]);
    send(&alice, &server, &words);
    let late = Home::new();
    let (code, lines, errors) = receive(&late, "dave", &server);
    assert_eq!((code, lines.len()), (0, 6), "{errors}");
    for program in &mut early {
        assert_eq!(program.exit_code(), 0);
    }
    for (name, length) in names.iter().zip(lengths) {
        for home in homes.iter().chain([&late]) {
            assert_got(home, name, &content(length, 7));
        }
    }
}

#[test]
fn the_plain_door_is_told_of_files_and_what_to_do() {
    let server = Server::start();
    let alice = Home::new();
    put(&alice, "photo.jpg", &content(2_100_000, 1));
    let mut guest = server.enter("gus");
    send(&alice, &server, &["photo.jpg", "--to", "#lobby"]);
    guest.find(" * #lobby: alice offers photo.jpg (2.1 MB), N 1; fetch it with the client");
    guest.send("/files\n/accept 1\n");
    guest.find("-> N 1: photo.jpg (2.1 MB) from alice in #lobby");
    guest.find("Err: files are sent and fetched with the parlour client{}");
    send(&alice, &server, &["photo.jpg", "--to", "gus"]);
    guest.find("[alice] * alice offers photo.jpg (2.1 MB), N 2; fetch it with the client");
}

#[test]
fn what_is_sent_to_one_person_is_for_that_person_and_no_name_leads_elsewhere() {
    let server = Server::start();
    let (alice, bob, carol) = (Home::new(), Home::new(), Home::new());
    put(&alice, ".hidden", b"one");
    std::fs::create_dir(bob.folder().join("in")).unwrap();
    std::fs::write(bob.folder().join("in/hidden"), "mine").unwrap();
    let waiting = [
        "receive",
        "--accept-all",
        "--downloads",
        "in",
        "--wait",
        "1",
    ];
    let mut witness = server.enter("witness");
    let mut receiver = bob.start(&with(&waiting, "bob", server.ready("address")));
    witness.find(" * #lobby: bob joined ({} here)");
    send(&alice, &server, &[".hidden", "--to", "bob"]);
    receiver.find("in/hidden (1)");
    assert_eq!(receiver.exit_code(), 0);
    assert_got(&bob, "hidden", b"mine");
    assert_got(&bob, "hidden (1)", b"one");
    let words = ["receive", "1", "--downloads", "in"];
    let (code, _, errors) = carol.run(&with(&words, "carol", server.ready("address")), "");
    assert_eq!(code, 1);
    assert!(errors.contains("there is no N 1 for you"), "{errors}");
}

#[test]
fn a_sender_that_is_killed_goes_on_where_it_was() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::launch(&stored(data.path(), "127.0.0.1:0"));
    let (alice, bob) = (Home::new(), Home::new());
    let file = content(LONG, 3);
    put(&alice, "long", &file);
    let words = ["send", "long", "--to", "#lobby"];
    let sender = alice.start(&with(&words, "alice", server.ready("address")));
    wait_for_some(data.path(), ".bytes");
    sender.signal(Signal::KILL);
    drop(sender);
    let said = send(&alice, &server, &words[1..]);
    assert!(said.contains("N 1"), "it is the same offer: {said}");
    assert_eq!(receive(&bob, "bob", &server).0, 0);
    assert_got(&bob, "long", &file);
}

#[test]
fn a_receiver_that_is_killed_goes_on_where_it_was() {
    let server = Server::start();
    let (alice, bob) = (Home::new(), Home::new());
    let file = content(LONG, 4);
    put(&alice, "long", &file);
    send(&alice, &server, &["long", "--to", "#lobby"]);
    let receiver = bob.start(&with(&FETCH_ALL, "bob", server.ready("address")));
    wait_for_some(bob.folder(), ".part");
    receiver.signal(Signal::KILL);
    drop(receiver);
    let before = longest(bob.folder(), ".part");
    let (code, lines, errors) = receive(&bob, "bob", &server);
    assert_eq!((code, lines), (0, vec!["in/long".to_owned()]), "{errors}");
    assert!((SOME..LONG as u64).contains(&before));
    assert_got(&bob, "long", &file);
    assert_eq!(longest(bob.folder(), ".part"), 0, "nothing is left over");
}

#[test]
fn a_server_that_is_killed_keeps_what_is_there_and_both_sides_go_on() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::launch(&stored(data.path(), "127.0.0.1:0"));
    let (address, sealed) = (
        server.ready("address").to_owned(),
        server.sealed().to_string(),
    );
    let (alice, bob) = (Home::new(), Home::new());
    let file = content(LONG, 5);
    put(&alice, "long", &file);
    let waiting = [&FETCH_ALL[..], &["--wait", "1", "--retry", "25s"]].concat();
    let mut receiver = bob.start(&with(&waiting, "bob", &address));
    let words = ["send", "long", "--to", "#lobby", "--retry", "25s"];
    let mut sender = alice.start(&with(&words, "alice", &address));
    wait_for_some(bob.folder(), ".part");
    drop(server);
    let server = Server::launch(&stored(data.path(), &sealed));
    assert_eq!(sender.exit_code(), 0);
    assert_eq!(receiver.exit_code(), 0);
    assert_got(&bob, "long", &file);
    drop(server);
}

/// Goal: numbers of a history that is gone lead to no other's file. Method: while a file is on its
/// way, its server dies and comes back from a backup, where another file gets the same number.
#[test]
fn what_was_on_its_way_before_a_restore_is_offered_again_and_never_another_file() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::launch(&stored(data.path(), "127.0.0.1:0"));
    let (address, sealed) = (
        server.ready("address").to_owned(),
        server.sealed().to_string(),
    );
    let backup = data.path().join("backup.tar");
    let backup = backup.to_str().unwrap();
    let (code, _, errors) = admin(data.path(), &["backup", backup], "");
    assert_eq!(code, 0, "{errors}");
    let (alice, bob, carol) = (Home::new(), Home::new(), Home::new());
    let file = content(LONG, 6);
    put(&alice, "long", &file);
    put(&carol, "other", b"other");
    let fetch = ["receive", "1", "--downloads", "in", "--retry", "25s"];
    let words = ["send", "long", "--to", "#lobby", "--retry", "25s"];
    let mut sender = alice.start(&with(&words, "alice", &address));
    clock::wait_for("the offer", || {
        (longest(data.path(), ".bytes") > 0).then_some(())
    });
    let mut receiver = bob.start(&with(&fetch, "bob", &address));
    wait_for_some(bob.folder(), ".part");
    drop(server);
    let (code, _, errors) = admin(data.path(), &["restore", backup], "");
    assert_eq!(code, 0, "{errors}");
    let server = Server::launch(&stored(data.path(), &sealed));
    let words = ["send", "other", "--to", "#lobby"];
    let (code, _, errors) = carol.run(&with(&words, "carol", &address), "");
    assert_eq!(code, 0, "{errors}");
    assert_eq!(sender.exit_code(), 0, "it is offered again");
    assert_eq!(receiver.exit_code(), 1, "its number is unknown");
    let named = std::fs::read_dir(bob.folder().join("in")).unwrap();
    let is_part = |name: &std::ffi::OsStr| name.to_string_lossy().ends_with(".part");
    assert!(named.flatten().all(|one| is_part(&one.file_name())));
    let (code, _, errors) = receive(&bob, "bob", &server);
    assert_eq!(code, 0, "{errors}");
    assert_got(&bob, "long", &file);
    assert_got(&bob, "other", b"other");
}

#[test]
fn what_is_too_much_is_refused_and_what_is_taken_back_is_gone_at_once() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::launch(&Setup {
        config: "[limits]\nfile-bytes = 1000\n",
        ..stored(data.path(), "127.0.0.1:0")
    });
    let (alice, bob) = (Home::new(), Home::new());
    put(&alice, "large", &content(1_001, 1));
    put(&alice, "small", &content(900, 1));
    let address = server.ready("address");
    let large = ["send", "large", "--to", "#lobby"];
    let (code, _, errors) = alice.run(&with(&large, "alice", address), "");
    assert_eq!(code, 1);
    assert!(errors.contains("keeps 1.0 kB of files"), "{errors}");
    send(&alice, &server, &["small", "--to", "#lobby"]);
    assert_eq!(longest(data.path(), ".bytes"), 900);
    let cancel = ["--name", "alice", address];
    assert_eq!(alice.run(&cancel, "/cancel 1\n").0, 0);
    let gone = || (longest(data.path(), ".bytes") == 0).then_some(());
    clock::wait_for("the file to go", gone);
    let words = ["receive", "1", "--downloads", "in"];
    assert_eq!(bob.run(&with(&words, "bob", address), "").0, 1);
    // What it took is free again.
    send(&alice, &server, &["small", "--to", "#lobby"]);
    let words = ["receive", "--accept-all", "--downloads", "in"];
    assert_eq!(bob.run(&with(&words, "bob", address), "").0, 0);
    // All that is in the activity log.
    let log = data.path().join("activity.jsonl");
    let events = || {
        let text = std::fs::read_to_string(&log).unwrap_or_default();
        let of_file = |line: &str| {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            let event = line["event"].as_str().unwrap().strip_prefix("file-")?;
            let (who, number) = (line["who"].as_str().unwrap_or("-"), &line["number"]);
            assert_eq!(
                (&line["file"], &line["bytes"]),
                (&"small".into(), &900.into())
            );
            Some(format!(
                "{who} {event} {number} {}",
                line["why"].as_str().unwrap_or("")
            ))
        };
        text.lines().filter_map(of_file).collect::<Vec<_>>()
    };
    let expected = [
        "alice offered 1 ",
        "alice ended 1 taken-back",
        "alice offered 2 ",
        "bob fetched 2 ",
    ];
    clock::wait_for("the log to tell it", || {
        (events() == expected).then_some(())
    });
}

#[test]
fn a_file_that_is_too_old_goes() {
    let server = Server::with_config("[limits]\nfile-age = \"1s\"\n");
    let (alice, bob) = (Home::new(), Home::new());
    put(&alice, "small", b"small");
    send(&alice, &server, &["small", "--to", "#lobby"]);
    let gone = || {
        let (code, lines, _) = receive(&bob, "bob", &server);
        (code == 0 && lines.is_empty()).then_some(())
    };
    clock::wait_for("the file to go", gone);
}

#[test]
fn what_cannot_be_sent_is_said_before_anything_is_connected_to() {
    let alice = Home::new();
    for (file, complaint) in [("absent", "cannot be opened"), (".", "is a folder")] {
        let words = [
            "send",
            file,
            "--to",
            "bob",
            "--name",
            "alice",
            "--server",
            "localhost:1",
        ];
        let (code, _, errors) = alice.run(&words, "");
        assert_eq!(code, 1);
        assert!(errors.contains(complaint), "{errors}");
    }
    let words = ["send", "x", "--to", "two words", "--name", "alice"];
    assert_eq!(alice.run(&words, "").0, 2);
    assert_eq!(
        alice.run(&["send", "x", "--to", "bob"], "").0,
        2,
        "a name is needed"
    );
}
