//! Files at the keyboard: offered, fetched, refused and given up while one talks.

use crate::harness::{Home, Proxy, Server, Terminal, clock, tools};
use std::path::{Path, PathBuf};

/// Long enough that a transfer is still under way when somebody looks.
const LONG: usize = 24 * 1024 * 1024;
/// So much has come of it when something happens to it.
const SOME: u64 = 1024 * 1024;

/// A file's content: no two places look alike for long.
fn content(bytes: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    std::iter::repeat_with(next).take(bytes).collect()
}

fn put(home: &Home, name: &str, content: &[u8]) {
    std::fs::write(home.folder().join(name), content).unwrap();
}

fn got(home: &Home, name: &str) -> PathBuf {
    home.folder().join("in").join(name)
}

#[track_caller]
fn assert_got(home: &Home, name: &str, expected: &[u8]) {
    let got = std::fs::read(got(home, name)).unwrap();
    assert!(got == expected, "{name} is what was sent");
}

/// Bytes of what is not whole in the folder of received files.
fn part_bytes(home: &Home) -> u64 {
    let entries = std::fs::read_dir(home.folder().join("in"));
    let entries = entries.into_iter().flatten().flatten();
    let parts = entries.filter(|entry| entry.file_name().to_string_lossy().ends_with(".part"));
    parts
        .map(|part| part.metadata().map_or(0, |found| found.len()))
        .sum()
}

fn enter(terminal: &Terminal, line: &str) {
    terminal.type_in(line);
    terminal.press("Enter");
}

/// Two people at their keyboards.
fn alice_and_bob(tmux: &Path, server: &Server, homes: &[Home; 2], address: &str) -> [Terminal; 2] {
    let mut witness = server.enter("witness");
    let [alice, bob] = [("alice", &homes[0]), ("bob", &homes[1])].map(|(name, home)| {
        let terminal = Terminal::open(tmux.to_owned(), home, &["--name", name, address]);
        terminal.wait_for(&format!("You are {name}"));
        witness.find(&format!(" * #lobby: {name} joined ({{}} here)"));
        terminal
    });
    [alice, bob]
}

#[test]
fn files_go_from_one_keyboard_to_another_and_only_where_they_should() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let homes = [Home::new(), Home::new()];
    let [alice, bob] = alice_and_bob(&tmux, &server, &homes, server.ready("address"));
    bob.wait_for("received files go to ~/in");
    std::fs::write(got(&homes[1], "my photo.jpg"), "mine").unwrap();
    put(&homes[0], "my photo.jpg", b"hers");
    put(&homes[0], "..\\..\\up.txt", b"up");
    put(&homes[0], "unwanted", b"unwanted");
    enter(&alice, "/send ~/my photo.jpg bob");
    bob.wait_for("alice offers my photo.jpg (4 B), N 1: /accept 1 fetches it");
    alice.wait_for("my photo.jpg (4 B) is sent to bob, N 1");
    enter(&bob, "/accept 1");
    bob.wait_for("~/in/my photo (1).jpg (4 B) from alice is here");
    assert_got(&homes[1], "my photo.jpg", b"mine");
    assert_got(&homes[1], "my photo (1).jpg", b"hers");

    // A link that lies where the file would go leads nowhere.
    let victim = homes[1].folder().join("victim");
    std::fs::write(&victim, "untouched").unwrap();
    std::os::unix::fs::symlink(&victim, got(&homes[1], "up.txt")).unwrap();
    enter(&alice, "/send ~/..\\..\\up.txt");
    bob.wait_for("up.txt (2 B), N 2");
    enter(&alice, "/send \"~/unwanted\" bob");
    bob.wait_for("alice offers unwanted (8 B), N 3");
    alice.wait_for("unwanted (8 B) is sent to bob");
    enter(&bob, "/refuse 3");
    enter(&bob, "/accept all");
    bob.wait_for("~/in/up (1).txt (2 B) from alice is here");
    assert_got(&homes[1], "up (1).txt", b"up");
    assert_eq!(std::fs::read(&victim).unwrap(), b"untouched");
    enter(&bob, "/files");
    bob.wait_for("up.txt (2 B) from alice in #lobby; it is here");
    enter(&bob, "/accept 3");
    bob.wait_for("there is no N 3 for you");
    enter(&bob, "/send ~/missing");
    bob.wait_for("cannot be opened");
    enter(&alice, "/cancel 2");
    alice.wait_for("N 2 is taken back");
    assert!(!got(&homes[1], "unwanted").exists());
    let names = std::fs::read_dir(homes[1].folder().join("in")).unwrap();
    assert_eq!(names.count(), 4, "nothing else lies there");
}

#[test]
fn long_files_cross_in_both_directions_and_go_on_after_a_lost_connection() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let homes = [Home::new(), Home::new()];
    let file = content(LONG);
    put(&homes[0], "one", &file);
    put(&homes[1], "two", &file[1..]);
    let proxy = Proxy::start(server.sealed());
    let address = format!("{}#{}", proxy.address(), server.ready("fingerprint"));
    let [alice, bob] = alice_and_bob(&tmux, &server, &homes, &address);
    enter(&alice, "/send ~/one bob");
    enter(&bob, "/send ~/two #lobby");
    // They are offered in either order, so who may fetch which is not known here.
    for (terminal, name) in [(&bob, "one"), (&alice, "two")] {
        terminal.wait_for(&format!("offers {name} ("));
        enter(terminal, "/accept all");
    }
    for home in &homes {
        clock::wait_for("some of it", || (part_bytes(home) >= SOME).then_some(()));
    }
    alice.wait_for(" % ");
    enter(&alice, "said beside it");
    bob.wait_for("alice: said beside it");
    proxy.cut();
    for terminal in [&alice, &bob] {
        terminal.wait_for("connected again");
    }
    bob.wait_for("~/in/one (25.1 MB) from alice is here");
    alice.wait_for("~/in/two (25.1 MB) from bob is here");
    alice.wait_for("is sent to bob");
    bob.wait_for("is sent to #lobby");
    assert_got(&homes[1], "one", &file);
    assert_got(&homes[0], "two", &file[1..]);
    assert_eq!(part_bytes(&homes[0]) + part_bytes(&homes[1]), 0);
}

#[test]
fn a_file_is_given_up_and_leaving_is_asked_twice_while_one_comes() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let homes = [Home::new(), Home::new()];
    put(&homes[0], "long", &content(LONG));
    let [alice, bob] = alice_and_bob(&tmux, &server, &homes, server.ready("address"));
    enter(&alice, "/send ~/long #lobby");
    bob.wait_for("offers long (25.1 MB), N 1");
    enter(&bob, "/accept 1");
    clock::wait_for("some of it", || (part_bytes(&homes[1]) > 0).then_some(()));
    enter(&bob, "/cancel 1");
    bob.wait_for("N 1 is not fetched any more");
    clock::wait_for("the part to go", || {
        (part_bytes(&homes[1]) == 0).then_some(())
    });
    assert!(!got(&homes[1], "long").exists());
    enter(&bob, "/accept 1");
    clock::wait_for("some of it", || (part_bytes(&homes[1]) > 0).then_some(()));
    bob.press("C-d");
    bob.wait_for("files are under way; once more leaves nevertheless");
    enter(&alice, "/cancel 1");
    bob.wait_for("long is not received: it was taken back");
    alice.wait_for("long is not sent to #lobby: it was taken back");
    clock::wait_for("the part to go", || {
        (part_bytes(&homes[1]) == 0).then_some(())
    });
}

#[test]
fn what_is_sent_twice_to_the_same_goes_once() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let homes = [Home::new(), Home::new()];
    let file = content(LONG);
    put(&homes[0], "one", &file);
    let [alice, bob] = alice_and_bob(&tmux, &server, &homes, server.ready("address"));
    enter(&alice, "/send ~/one bob");
    enter(&alice, "/send ~/one bob");
    bob.wait_for("offers one (");
    enter(&bob, "/accept 1");
    bob.wait_for("~/in/one (25.1 MB) from alice is here");
    assert_got(&homes[1], "one", &file);
    alice.wait_for("one is on its way to bob already");
    alice.wait_for("one (25.1 MB) is sent to bob, N 1");
    assert!(!alice.screen().contains("connection"), "{}", alice.screen());
}

#[test]
fn the_folder_is_asked_for_once() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let home = Home::new();
    let settings = home.folder().join("config/parlour/client.toml");
    let address = server.ready("address");
    let mut words = Terminal::client(&home, &["--name", "alice", address]);
    words.retain(|word| !["--downloads", "~/in"].contains(&word.as_str()));
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let terminal = Terminal::run(tmux.clone(), &home, &words);
    terminal.wait_for("Enter takes ~/Downloads/Parlour:");
    std::fs::write(home.folder().join("taken"), "a file").unwrap();
    enter(&terminal, "~/taken/in");
    terminal.wait_for("cannot be used");
    enter(&terminal, "~/Got Here");
    terminal.wait_for("You are alice");
    assert!(home.folder().join("Got Here").is_dir());
    let remembered = std::fs::read_to_string(&settings).unwrap();
    assert!(remembered.contains("Got Here"), "{remembered}");
    drop(terminal);
    let terminal = Terminal::run(tmux, &home, &words);
    terminal.wait_for("received files go to ~/Got Here");
    terminal.wait_for("You are alice");
}

/// Whether this system holds programs to what they may write.
fn is_held(server: &Server) -> bool {
    let home = Home::new();
    let words = [
        "receive",
        "--accept-all",
        "--name",
        "held",
        "--server",
        server.ready("address"),
    ];
    let (_, _, errors) = home.run(&words, "");
    let is_held = errors.contains("can write nowhere else");
    assert!(
        is_held || std::env::var_os("PARLOUR_CI").is_none(),
        "not held: {errors}"
    );
    if !is_held {
        eprintln!("SKIPPED: {errors}");
    }
    is_held
}

/// Goal: what leads out of the client's own folder does not make it write there.
/// Method: a link in the place of the folder of its keys, which it makes at the first contact.
#[test]
fn a_client_that_is_led_astray_cannot_write_outside() {
    let server = Server::start();
    if !is_held(&server) {
        return;
    }
    let (home, outside) = (Home::new(), tempfile::tempdir().unwrap());
    let state = home.folder().join("state/parlour");
    std::fs::create_dir_all(&state).unwrap();
    std::os::unix::fs::symlink(outside.path(), state.join("keys")).unwrap();
    let words = ["--name", "alice", server.ready("address")];
    let (code, _, errors) = home.run(&words, "hi\n");
    assert_eq!(code, 1, "{errors}");
    assert_eq!(std::fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[test]
fn a_confined_client_finds_its_server_and_its_own_files() {
    let server = Server::start();
    if !is_held(&server) {
        return;
    }
    let home = Home::new();
    let (port, fingerprint) = (server.sealed().port(), server.ready("fingerprint"));
    let address = format!("parlour://localhost:{port}#{fingerprint}");
    let words = [
        "--confine",
        "--identity",
        "my.key",
        "--name",
        "alice",
        &address,
    ];
    // The key is made by the first and read by the second.
    for _ in 0..2 {
        let (code, _, errors) = home.run(&words, "hi\n");
        assert_eq!((code, errors.as_str()), (0, ""));
    }
    assert!(home.folder().join("my.key").exists());
}

#[test]
fn a_confined_client_sends_what_was_named_and_nothing_else() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    if !is_held(&server) {
        return;
    }
    let home = Home::new();
    put(&home, "named", b"named");
    put(&home, "secret", b"secret");
    let named = home.folder().join("named");
    let words = ["--confine", "--readable", named.to_str().unwrap()];
    let words = [&words[..], &["--name", "alice", server.ready("address")]].concat();
    let alice = Terminal::open(tmux, &home, &words);
    alice.wait_for("read nothing of yours but ~/named");
    alice.wait_for("You are alice");
    enter(&alice, "/send ~/secret");
    alice.wait_for("(os error 13); only what");
    enter(&alice, "/send ~/named");
    alice.wait_for("named (5 B) is sent to #lobby, N 1");
}
