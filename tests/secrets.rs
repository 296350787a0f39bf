//! What must stay secret: which names are accounts, and passwords.

use crate::accounts::{WRONG, make_account, script};
use crate::harness::house::{activity, figure, house_with, metrics_of, scrape};
use crate::harness::server::Setup;
use crate::harness::{Home, Server, clock};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

#[test]
fn nobody_learns_which_names_are_accounts_from_words() {
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let known = script(&server, "/login alice\nwrong\n");
    let unknown = script(&server, "/login nobody\nwrong\n");
    let nameless = |lines: Vec<String>, name: &str| -> Vec<String> {
        lines
            .iter()
            .map(|line| line.replace(name, "NAME"))
            .collect()
    };
    assert_eq!(nameless(known, "alice"), nameless(unknown, "nobody"));
}

/// Goal: the time says no more than the words. Method: many tries of each, in turn, from addresses
/// of their own so that none waits for another; an answer without a hash would be ten times faster.
#[test]
fn nobody_learns_which_names_are_accounts_from_the_time() {
    const TRIES: u8 = 20;
    const FACTOR: u32 = 3;
    let server = Server::start();
    make_account(&server, "alice", "sesame");
    let (mut known, mut unknown) = (Vec::new(), Vec::new());
    for number in 0..TRIES {
        known.push(time_to_refuse(&server, "alice", 10 + 2 * number));
        unknown.push(time_to_refuse(&server, "nobody", 11 + 2 * number));
    }
    let median = |mut times: Vec<Duration>| {
        times.sort();
        times[times.len() / 2]
    };
    let (known, unknown) = (median(known), median(unknown));
    let is_alike = known < unknown * FACTOR && unknown < known * FACTOR;
    assert!(is_alike, "known {known:?}, unknown {unknown:?}");
}

/// How long a wrong password takes, from a loopback address of its own.
fn time_to_refuse(server: &Server, name: &str, last: u8) -> Duration {
    let mut thief = server.connect_from(last, "thief");
    thief.send(format!("/login {name}\n"));
    thief.find("-> Password for {}");
    let begin = clock::now();
    thief.send("wrong\n");
    thief.find(WRONG);
    begin.elapsed()
}

/// Goal: the work says no more, either. Method: the server's own count of hashes.
#[test]
fn a_wrong_password_costs_one_hash_whether_there_is_such_an_account_or_not() {
    let (server, _data) = house_with(&["--metrics", "127.0.0.1:0"]);
    make_account(&server, "alice", "sesame");
    let hashes = || {
        figure(
            &scrape(metrics_of(&server)),
            "parlour_password_hashes_total",
        )
    };
    let mut before = hashes();
    for (last, name) in [(10, "alice"), (11, "nobody"), (12, "alice"), (13, "admin")] {
        time_to_refuse(&server, name, last);
        let now = hashes();
        assert!((now - before - 1.0).abs() < f64::EPSILON, "{name}");
        before = now;
    }
}

/// Goal: whoever reads what the server writes down learns no password. Method: passwords of every
/// fate are typed, at both doors, with the logs as talkative as they can be; then all of the data
/// folder and of what was said on standard error is searched.
#[test]
fn no_password_is_written_down() {
    const PASSWORDS: [&str; 4] = [
        "first-sesame",
        "wrong-sesame",
        "early-sesame",
        "half-sesame",
    ];
    let data = tempfile::tempdir().unwrap();
    let config = data.path().join("parlour.toml");
    std::fs::write(&config, "log-messages = true\n").unwrap();
    let mut server = Server::launch(&Setup {
        data: Some(data.path()),
        log: Some("trace"),
        ..Setup::default()
    });
    make_account(&server, "alice", PASSWORDS[0]);
    // Typed behind a name that is refused, and given up in the middle.
    script(&server, &format!("alice\n\nadmin\n{}\n", PASSWORDS[2]));
    let mut bob = server.enter("bob");
    bob.send(format!("/password\n{}\n\n", PASSWORDS[3]));
    bob.find("-> nothing is changed");
    bob.send("what is said is in the log\n/quit\n");
    bob.rest();
    let home = Home::new();
    let path = home.folder().join("password");
    std::fs::write(&path, PASSWORDS[0]).unwrap();
    std::fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let file = path.to_str().unwrap();
    let address = server.ready("address");
    let arguments = ["--name", "alice", "--password-file", file, address];
    let (code, _, errors) = home.run(&arguments, "/keys add\n");
    assert_eq!(code, 0, "{errors}");
    script(&server, &format!("/login alice\n{}\n", PASSWORDS[1]));
    activity(data.path(), |lines| {
        let text = serde_json::to_string(lines).unwrap();
        text.contains("what is said is in the log") && text.contains("key added")
    });
    server.terminate();
    assert_eq!(server.exit_code(), 0);
    let mut written = vec![server.errors().into_bytes()];
    let paths = std::fs::read_dir(data.path())
        .unwrap()
        .map(|entry| entry.unwrap().path());
    // The one folder in it has the files that were sent; nobody sends any here.
    for path in paths.filter(|path| path.is_file()) {
        written.push(std::fs::read(path).unwrap());
    }
    assert!(written.len() > 4);
    for text in written {
        let text = String::from_utf8_lossy(&text);
        for password in PASSWORDS {
            assert!(!text.contains(password), "{password}: {text}");
        }
    }
}
