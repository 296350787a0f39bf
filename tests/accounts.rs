//! Accounts from outside: a name becomes somebody's, and nobody else gets it.
//!
//! Through netcat's door and the bundled client, in a pipe and on a terminal.

use crate::harness::{Conversation, DEADLINE, Home, SILENCE, Server, Terminal, clock, tools};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

const DONE: i32 = 0;
const REFUSED_OR_LOST: i32 = 1;

pub(crate) const WRONG: &str = "Err: wrong name or password; try again";
const ASKED: &str = "-> Password for alice? (it will be visible as you type)";

/// Longer than the wait after so many wrong passwords.
fn wait_after_wrong(count: u32) {
    let wait = Duration::from_secs(1 << (count - 1)) + Duration::from_millis(200);
    std::thread::sleep(wait);
}

/// Makes `who` an account with that password, and leaves.
#[track_caller]
pub(crate) fn make_account(server: &Server, who: &str, password: &str) {
    let mut guest = server.enter(who);
    guest.send("/password\n");
    guest.find("-> The new password? (it will be visible as you type)");
    guest.send(format!("{password}\n"));
    guest.find("-> The new password once more?");
    guest.send(format!("{password}\n"));
    guest.find("-> {}");
    guest.send("/quit\n");
    guest.rest();
}

/// The next line that holds `text`.
#[track_caller]
fn find_with(conversation: &mut Conversation, text: &str) -> String {
    loop {
        let line = conversation.line();
        if line.contains(text) {
            return line;
        }
    }
}

/// Says `text` at the line door in one piece; everything that comes back until the end.
#[track_caller]
pub(crate) fn script(server: &Server, text: &str) -> Vec<String> {
    let mut script = server.connect("script");
    script.send(text);
    script.finish();
    script.rest()
}

/// Arguments for the client to be alice, with the password from a file.
struct Alice {
    home: Home,
    file: String,
}

impl Alice {
    fn new(password: &str) -> Self {
        let home = Home::new();
        let path = home.folder().join("password");
        std::fs::write(&path, format!("{password}\n")).unwrap();
        let mode = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&path, mode).unwrap();
        let file = path.to_str().unwrap().to_owned();
        Self { home, file }
    }

    fn arguments<'a>(&'a self, server: &'a Server) -> [&'a str; 5] {
        let address = server.ready("address");
        ["--name", "alice", "--password-file", &self.file, address]
    }
}

#[test]
fn a_guest_takes_its_name_for_good() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut alice = server.connect("alice");
    alice.send("alice\n");
    alice.find(ASKED);
    alice.send("sesame\n");
    let greeting = alice.find("-> You are alice{}");
    assert!(!greeting.contains("guest"), "{greeting}");
    alice.send("/password\n");
    alice.find("-> Your password as it is? (it will be visible as you type)");
    alice.send("sesame\n");
    alice.find("-> The new password? {}");
    alice.send("open\n");
    alice.find("-> The new password once more?");
    alice.send("closed\n");
    alice.find("Err: the two were not the same; nothing is changed, try again");
    // It is asked once more, and nothing but an empty line gives up.
    alice.find("-> The new password? {}");
    alice.send("\n");
    alice.find("-> nothing is changed");
    alice.send("/quit\n");
    alice.rest();
    let lines = script(&server, "/login alice\nsesame\n/quit\n");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("-> You are alice")),
        "{lines:?}"
    );
}

#[test]
fn an_empty_line_gives_up_a_prompt_and_changes_nothing() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    alice.send("/password\n");
    alice.find("-> The new password? {}");
    alice.send("\n");
    // It is an answer, not a goodbye; so this is said in the room.
    std::thread::sleep(SILENCE);
    alice.send("/whois alice\n");
    let line = find_with(&mut alice, "alice");
    assert!(line.contains("guest"), "{line}");
}

#[test]
fn three_wrong_passwords_close_the_connection() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut witness = server.enter("witness");
    let mut thief = server.connect("thief");
    thief.send("alice\n");
    thief.find(ASKED);
    for count in 1..=3 {
        thief.send(format!("guess {count}\n"));
        thief.find(WRONG);
        if count < 3 {
            wait_after_wrong(count);
        }
    }
    let rest = thief.rest();
    assert!(
        rest.iter().all(|line| line.starts_with("-> Bye")),
        "{rest:?}"
    );
    witness.expect_silence(SILENCE);
}

#[test]
fn a_script_that_begins_with_a_wrong_login_says_nothing() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut witness = server.enter("witness");
    for login in ["/login alice\nwrong\n", "/login nobody\nwrong\n"] {
        let lines = script(
            &server,
            &format!("{login}hello everybody\n/nick other\n/quit\n"),
        );
        assert!(lines.iter().any(|line| line == WRONG), "{lines:?}");
        let is_in = |line: &String| line.starts_with("-> You are");
        assert!(!lines.iter().any(is_in), "{lines:?}");
    }
    witness.expect_silence(SILENCE);
    wait_after_wrong(1);
    let lines = script(&server, "/login alice\nsesame\nhello everybody\n/quit\n");
    assert_eq!(lines.last().unwrap(), "-> Bye.", "{lines:?}");
    witness.find("[#lobby] alice: hello everybody");
}

#[test]
fn what_was_typed_ahead_of_a_refusal_is_never_said() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut witness = server.enter("witness");
    // Taken, an account's, reserved, and no name at all: with a password behind each.
    for name in ["witness", "alice", "admin", "1st"] {
        let mut hasty = server.connect("hasty");
        hasty.send(format!("{name}\nopen-sesame\nopen-sesame\n"));
        let line = hasty.find("-> Your name?");
        assert!(!line.is_empty());
        std::thread::sleep(SILENCE);
        hasty.finish();
        let said: Vec<_> = hasty.rest();
        assert!(
            !said.iter().any(|line| line.starts_with("-> You are")),
            "{said:?}"
        );
    }
    witness.expect_silence(SILENCE);
    assert!(
        !witness.said().contains("open-sesame"),
        "{}",
        witness.said()
    );
}

#[test]
fn an_enrolled_key_opens_the_account_and_no_other_does() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut witness = server.enter("witness");
    let alice = Alice::new("sesame");
    let (code, lines, errors) = alice.home.run(&alice.arguments(&server), "/keys add\n");
    assert_eq!(code, DONE, "{lines:?} {errors}");
    witness.find(" * #lobby: alice left after {}");

    let bare = ["--name", "alice", server.ready("address")];
    let (code, lines, errors) = alice.home.run(&bare, "no password was asked\n");
    assert_eq!(code, DONE, "{lines:?} {errors}");
    witness.find("[#lobby] alice: no password was asked");
    witness.find(" * #lobby: alice left after {}");

    let (code, _, errors) = Home::new().run(&bare, "it was not me\n");
    assert_eq!(code, REFUSED_OR_LOST, "{errors}");
    assert!(errors.contains("--password-file"), "{errors}");
    witness.expect_silence(SILENCE);
}

#[test]
fn a_wrong_password_file_is_tried_once() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut witness = server.enter("witness");
    let thief = Alice::new("wrong");
    let (code, lines, errors) = thief.home.run(&thief.arguments(&server), "it was not me\n");
    assert_eq!(code, REFUSED_OR_LOST, "{lines:?} {errors}");
    let wrongs = lines.iter().filter(|line| *line == WRONG).count();
    assert_eq!(wrongs, 1, "{lines:?}");
    witness.expect_silence(SILENCE);
}

#[test]
fn one_account_has_as_many_sessions_as_it_likes() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut witness = server.enter("witness");
    let (first, second) = (Alice::new("sesame"), Alice::new("sesame"));
    let start = |alice: &Alice| {
        let arguments = alice.arguments(&server);
        alice.home.start(&[&["--listen"], &arguments[..]].concat())
    };
    let mut one = start(&first);
    one.send("from one\n");
    witness.find("[#lobby] alice: from one");
    let mut other = start(&second);
    other.send("from the other\n");
    witness.find("[#lobby] alice: from the other");
    one.send("one still talks\n");
    witness.find("[#lobby] alice: one still talks");
    // No order is promised between a room and private messages.
    for (said, heard) in [
        ("to both", "[#lobby] witness: to both"),
        ("/msg alice to you", "[witness] to you"),
    ] {
        witness.send(format!("{said}\n"));
        for session in [&mut one, &mut other] {
            find_with(session, heard);
        }
    }
}

#[test]
fn private_messages_wait_for_an_account() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut bob = server.enter("bob");
    bob.send("/msg alice one\n/msg alice two\n");
    for _ in 0..2 {
        bob.find("-> sent to alice");
    }
    let mut alice = server.connect("alice");
    alice.send("/login alice\nsesame\n");
    let begin = clock::now();
    let (mut texts, mut is_told) = (Vec::new(), false);
    while texts.len() < 2 || !is_told {
        assert!(begin.elapsed() < DEADLINE);
        let line = alice.line();
        is_told |= line.contains("2 while you were away");
        if let Some((_, text)) = line.split_once("[bob] ") {
            texts.push(text.to_owned());
        }
    }
    assert_eq!(texts, ["one", "two"]);
    alice.send("/quit\n");
    let rest = alice.rest();
    assert!(!rest.iter().any(|line| line.contains("[bob]")), "{rest:?}");
    // What was shown does not wait any more.
    let lines = script(&server, "/login alice\nsesame\n/quit\n");
    assert!(
        !lines
            .iter()
            .any(|line| line.contains("while you were away")),
        "{lines:?}"
    );
}

/// The client on a terminal as alice.
fn terminal(server: &Server, home: &Home) -> Option<Terminal> {
    let tmux = tools::find(&["tmux"])?;
    let arguments = ["--name", "alice", server.ready("address")];
    Some(Terminal::open(tmux, home, &arguments))
}

#[test]
fn a_password_is_typed_unseen_and_then_needed_no_more() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut witness = server.enter("witness");
    let home = Home::new();
    let Some(screen) = terminal(&server, &home) else {
        return;
    };
    screen.wait_for("Password for alice:");
    screen.type_in("wrong");
    screen.press("Enter");
    screen.wait_for("wrong name or password");
    wait_after_wrong(1);
    screen.type_in("sesame");
    screen.press("Enter");
    screen.wait_for("Log in without a password from now on? [Y/n]");
    screen.press("Enter");
    screen.wait_for("#lobby>");
    screen.press("Up");
    screen.type_in("hello");
    screen.press("Enter");
    witness.find("[#lobby] alice: hello");
    assert!(!screen.screen().contains("sesame"), "{}", screen.screen());
    screen.press("C-d");
    witness.find(" * #lobby: alice left after {}");
    drop(screen);

    let screen = terminal(&server, &home).expect("tmux was there before");
    screen.wait_for("#lobby>");
    screen.type_in("back");
    screen.press("Enter");
    witness.find("[#lobby] alice: back");
    let shown = screen.screen();
    assert!(!shown.contains("Password for"), "{shown}");
    assert!(!witness.said().contains("sesame"), "{}", witness.said());
}

#[test]
fn who_keeps_typing_the_password_is_asked_once() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let mut witness = server.enter("witness");
    let home = Home::new();
    for is_first in [true, false] {
        let Some(screen) = terminal(&server, &home) else {
            return;
        };
        screen.wait_for("Password for alice:");
        screen.type_in("sesame");
        screen.press("Enter");
        if is_first {
            screen.wait_for("[Y/n]");
            screen.type_in("n");
            screen.press("Enter");
        }
        screen.wait_for("#lobby>");
        assert!(!screen.screen().contains("[Y/n]"));
        screen.press("C-d");
        witness.find(" * #lobby: alice left after {}");
    }
}

#[test]
fn a_guest_at_the_keyboard_takes_its_name_or_thinks_better_of_it() {
    let server = Server::start();
    let home = Home::new();
    let Some(screen) = terminal(&server, &home) else {
        return;
    };
    screen.wait_for("#lobby>");
    screen.type_in("/password");
    screen.press("Enter");
    screen.wait_for("The new password:");
    screen.type_in("sesame");
    screen.press("Escape");
    screen.wait_for("#lobby>");
    screen.type_in("/password");
    screen.press("Enter");
    screen.wait_for("The new password:");
    screen.type_in("sesame");
    screen.press("Enter");
    screen.wait_for("The new password once more:");
    screen.type_in("sesame");
    screen.press("Enter");
    screen.wait_for("alice is your account now");
    screen.wait_for("#lobby>");
    assert!(!screen.screen().contains("sesame"), "{}", screen.screen());
    drop(screen);
    let mut thief = server.connect("thief");
    thief.send("alice\n");
    thief.find(ASKED);
}
