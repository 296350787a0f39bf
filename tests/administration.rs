//! What operators rely on: configuration from everywhere and while running, figures, the activity
//! log, the control socket, the first start.

use crate::harness::house::{
    activity, admin, ask, figure, house, house_with, metrics_of, scrape, wait_for_error,
};
use crate::harness::server::{Setup, bare_command};
use crate::harness::{Program, Server, clock, tools};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

#[test]
fn the_printed_configuration_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let print = |flag: &str| {
        let mut command = bare_command(folder.path());
        command.args([flag, "--data"]).arg(folder.path());
        let (code, lines, errors) = Program::run(&mut command, "");
        assert_eq!(code, 0, "{errors}");
        lines
    };
    let before = print("--check-config");
    let printed = print("--print-config");
    std::fs::write(folder.path().join("parlour.toml"), printed.join("\n")).unwrap();
    let values = |lines: Vec<String>| -> Vec<String> {
        let keep = lines.into_iter().filter(|line| !line.starts_with('#'));
        keep.map(|line| line.split(" # from ").next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(values(print("--check-config")), values(before.clone()));
    assert_eq!(values(before), values(printed));
}

#[test]
fn the_environment_overrides_the_file_and_a_flag_both() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(
        folder.path().join("parlour.toml"),
        "log-messages = true\n[limits]\nrooms = 5\nclients = 9\n",
    )
    .unwrap();
    let mut command = bare_command(folder.path());
    command
        .args(["--check-config", "--metrics", "on"])
        .env("PARLOUR_DATA", folder.path())
        .env("PARLOUR_METRICS", "off")
        .env("PARLOUR_LIMITS_ROOMS", "6");
    let (code, lines, errors) = Program::run(&mut command, "");
    assert_eq!(code, 0, "{errors}");
    for line in [
        "metrics = \"127.0.0.1:4750\" # from --metrics",
        "rooms = 6 # from $PARLOUR_LIMITS_ROOMS",
    ] {
        assert!(lines.contains(&line.to_owned()), "{line}: {lines:?}");
    }
    let from_file = |line: &&String| line.starts_with("clients = 9 # from /");
    assert_eq!(lines.iter().filter(from_file).count(), 1, "{lines:?}");
    command.env("PARLOUR_LIMITS_ROOMS", "lots");
    let (code, _, errors) = Program::run(&mut command, "");
    assert_eq!(code, 2);
    assert!(errors.contains("$PARLOUR_LIMITS_ROOMS: "), "{errors}");
}

#[test]
fn a_reload_changes_what_it_can_and_refuses_a_bad_file_whole() {
    let (server, data) = house();
    let mut alice = server.enter("alice");
    let write = |text: &str| std::fs::write(data.path().join("parlour.toml"), text).unwrap();
    write("guests-create-rooms = false\n[limits]\nclients = 7\n");
    server.hang_up();
    wait_for_error(&server, "changed: guests-create-rooms was true, is false");
    wait_for_error(
        &server,
        "after a restart: limits.clients is 1000000, becomes 7",
    );
    alice.send("/create here\n");
    alice.find("Err: {}");

    write("guests-create-rooms = true\nnonsense = 1\n");
    server.hang_up();
    wait_for_error(&server, "not reloaded, nothing changed");
    alice.send("/create here\n");
    alice.find("Err: {}");

    write("guests-create-rooms = true\n");
    server.hang_up();
    wait_for_error(&server, "changed: guests-create-rooms was false, is true");
    alice.send("/create here\n");
    alice.find("-> #here: 0 earlier lines end here");
    let lines = activity(data.path(), |lines| lines.len() >= 4);
    let reloads = lines.iter().filter(|line| {
        let what = line["what"].as_str();
        what.is_some_and(|what| what.starts_with("reload: "))
    });
    assert_eq!(reloads.count(), 3, "{lines:?}");
}

#[test]
fn other_times_hold_for_who_is_there_already() {
    let (server, data) = house();
    let mut slow = server.connect("slow");
    slow.find("-> Your name?");
    std::fs::write(
        data.path().join("parlour.toml"),
        "[limits]\nlogin-timeout = \"100ms\"\n",
    )
    .unwrap();
    server.hang_up();
    slow.find("-> Bye (no name was given in time).");
}

#[test]
fn the_figures_say_how_it_goes() {
    let (server, _data) = house_with(&["--metrics", "0"]);
    let address = metrics_of(&server);
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    for index in 0..5 {
        alice.send(format!("number {index}\n"));
    }
    bob.find("[#lobby] alice: number 4");
    let page = scrape(address);
    assert_eq!(figure(&page, "parlour_connections{door=\"line\"}"), 2.0);
    assert_eq!(figure(&page, "parlour_connections_unnamed"), 0.0);
    assert!(figure(&page, "parlour_published_total") >= 5.0);
    assert!(figure(&page, "parlour_deliveries_total") >= 10.0);
    assert!(figure(&page, "parlour_loop_turns_total") > 5.0);
    assert!(page.contains("parlour_loop_turn_longest_seconds{phase=\""));
    assert!(page.contains("# TYPE parlour_queue_length gauge"));
    let length = page.split_once("\r\n\r\n").unwrap().1.len();
    assert!(page.contains(&format!("Content-Length: {length}\r\n")));
    let silent = Server::start();
    assert_eq!(silent.ready("metrics"), "off");
}

#[test]
fn nobody_holds_up_the_metrics_door() {
    let (server, _data) = house_with(&["--metrics", "0"]);
    let address = metrics_of(&server);
    for (request, status) in [
        (&b"POST /metrics HTTP/1.1\r\n\r\n"[..], "405"),
        (b"GET /secret HTTP/1.1\r\n\r\n", "404"),
        (b"\x16\x03\x01\x02\n\n", "400"),
    ] {
        let answer = ask(address, request);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{answer}"
        );
    }
    assert_eq!(ask(address, &[b'x'; 64 * 1024]), "", "too long is closed");
    // Twice as many as there are places, each with a request that never ends.
    let slow: Vec<TcpStream> = (0..32)
        .map(|_| {
            let mut stream = TcpStream::connect(address).unwrap();
            stream.write_all(b"GET /met").unwrap();
            stream
        })
        .collect();
    scrape(address);
    let mut alice = server.enter("alice");
    alice.send("/names\n");
    alice.find("-> names #lobby: alice(plain)");
    drop(slow);
    // One that asks and never reads is no hindrance either.
    let mut deaf = TcpStream::connect(address).unwrap();
    deaf.write_all(b"GET /metrics HTTP/1.1\r\n\r\n").unwrap();
    scrape(address);
}

#[test]
fn the_control_socket_is_its_user_s_alone_and_goes_with_the_server() {
    let (mut server, data) = house();
    let path = data.path().join("control");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let ask = |request: &[u8]| {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    for nonsense in [
        &b"hello\n"[..],
        b"{}\n",
        b"\xff\xfe\n",
        b"{\"do\":\"fly\"}\n",
    ] {
        let answer: Value = serde_json::from_str(&ask(nonsense)).unwrap();
        let why = answer["refused"].as_str().unwrap();
        assert!(why.contains("JSON"), "{why}");
    }
    assert_eq!(ask(&[b'x'; 64 * 1024]), "", "too long is closed");
    let answer = ask(b"{\"do\":\"grant\",\"name\":\"nobody_here\"}\n");
    assert!(answer.starts_with("{\"refused\":"), "{answer}");
    let (code, _, errors) = admin(data.path(), &["grant", "nobody_here"], "");
    assert_eq!(code, 2, "{errors}");
    server.terminate();
    assert_eq!(server.exit_code(), 0);
    assert!(!path.exists(), "it is left behind");
    // What a killed server leaves is replaced.
    let _stale = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let again = Server::launch(&Setup {
        data: Some(data.path()),
        ..Setup::default()
    });
    assert!(ask(b"{}\n").contains("refused"));
    drop(again);
}

#[test]
fn an_ephemeral_server_writes_nothing_but_its_key() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::launch(&Setup {
        data: Some(data.path()),
        flags: &["--ephemeral"],
        ..Setup::default()
    });
    server.enter("alice");
    let names: Vec<_> = std::fs::read_dir(data.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["server.key"]);
}

#[test]
fn the_activity_log_is_private_and_is_read_by_the_operator() {
    let (mut server, data) = house();
    drop(server.enter("alice"));
    server.terminate();
    assert_eq!(server.exit_code(), 0);
    let path = data.path().join("activity.jsonl");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, lines, errors) = admin(data.path(), &["log"], "");
    assert_eq!(code, 0, "{errors}");
    let events: Vec<Value> = lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events[0]["event"], "server");
    assert!(events[0]["what"].as_str().unwrap().starts_with("started"));
    assert_eq!(events.last().unwrap()["what"], "stopping");
    let (_, lines, _) = admin(data.path(), &["log", "--user", "nobody_here"], "");
    assert!(lines.is_empty(), "{lines:?}");
}

#[test]
fn without_a_terminal_the_first_password_is_left_in_a_file() {
    let (server, data) = house();
    let path = data.path().join("admin-password");
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let password = std::fs::read_to_string(&path).unwrap();
    assert!(password.trim().len() >= 20);
    let errors = server.errors();
    assert!(errors.contains(path.to_str().unwrap()), "{errors}");
    assert!(!errors.contains(password.trim()), "only the path is told");
}

#[test]
fn a_password_given_beforehand_is_taken_and_a_bad_one_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("password");
    std::fs::write(&file, "open sesame\n").unwrap();
    let (_server, data) = house_with(&["--admin-password-file", file.to_str().unwrap()]);
    assert!(!data.path().join("admin-password").exists());
    std::fs::write(&file, "\n").unwrap();
    let data = tempfile::tempdir().unwrap();
    let mut command = Setup {
        data: Some(data.path()),
        flags: &["--admin-password-file", file.to_str().unwrap()],
        ..Setup::default()
    }
    .command(folder.path());
    let (code, _, errors) = Program::run(&mut command, "");
    assert_eq!(code, 2, "{errors}");
    assert!(errors.contains("password"), "{errors}");
}

#[test]
fn administration_needs_words_that_say_what_to_do() {
    let data = tempfile::tempdir().unwrap();
    let (code, _, errors) = admin(data.path(), &["set-password", "bob"], "");
    assert_eq!(code, 2);
    assert!(errors.contains("--password-file"), "{errors}");
    let (code, _, errors) = admin(data.path(), &["fly"], "");
    assert_eq!(code, 2);
    assert!(errors.contains("fly"), "{errors}");
}

#[test]
fn the_service_manager_accepts_the_unit() {
    let Some(analyze) = tools::find(&["systemd-analyze"]) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let unit = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/parlourd.service");
    let text = std::fs::read_to_string(unit).unwrap();
    // The program is not installed where the unit expects it.
    let text = text.replace("/usr/local/bin/parlourd", env!("CARGO_BIN_EXE_parlourd"));
    let copy = folder.path().join("parlourd.service");
    std::fs::write(&copy, text).unwrap();
    let output = Command::new(analyze)
        .args(["verify", "--recursive-errors=no"])
        .arg(&copy)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    let about_us: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("parlourd"))
        .collect();
    assert!(about_us.is_empty(), "{about_us:?}");
}

#[test]
fn the_service_manager_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify");
    let socket = std::os::unix::net::UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let heard = || {
        let mut bytes = [0; 256];
        let count = socket.recv(&mut bytes).unwrap();
        String::from_utf8_lossy(&bytes[..count]).into_owned()
    };
    let mut command = Setup::default().command(folder.path());
    command.env("NOTIFY_SOCKET", &path);
    let mut program = Program::start("parlourd", &mut command);
    program.find("ready {}");
    assert_eq!(heard().trim(), "READY=1");
    program.signal(rustix::process::Signal::HUP);
    let reloading = heard();
    assert!(
        reloading.starts_with("RELOADING=1\nMONOTONIC_USEC="),
        "{reloading}"
    );
    assert_eq!(heard().trim(), "READY=1");
    program.signal(rustix::process::Signal::TERM);
    assert_eq!(heard().trim(), "STOPPING=1");
    assert_eq!(program.exit_code(), 0);
}

/// A file with a password.
fn password_file(folder: &TempDir, text: &str) -> String {
    let path = folder.path().join("password");
    std::fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

/// The accounts by name, with their second word.
fn accounts(data: &Path) -> Vec<String> {
    let (code, lines, errors) = admin(data, &["accounts"], "");
    assert_eq!(code, 0, "{errors}");
    lines
        .iter()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect()
}

#[test]
fn accounts_are_looked_after_with_and_without_a_server() {
    let (mut server, data) = house();
    let folder = tempfile::tempdir().unwrap();
    let file = password_file(&folder, "sesame\n");
    let done = |words: &[&str]| {
        let (code, lines, errors) = admin(data.path(), words, "");
        assert_eq!(code, 0, "{words:?}: {errors}");
        lines.join("\n")
    };
    let settle = |expected: &[&str]| {
        clock::wait_for("the accounts", || {
            (accounts(data.path()) == expected).then_some(())
        });
    };
    settle(&["admin admin"]);
    done(&["set-password", "bob", "--password-file", &file]);
    assert!(done(&["grant", "bob"]).contains("bob"));
    settle(&["admin admin", "bob admin"]);
    server.terminate();
    assert_eq!(server.exit_code(), 0);

    assert!(done(&["revoke", "bob"]).contains("bob"));
    done(&["set-password", "carol", "--password-file", &file]);
    assert_eq!(
        accounts(data.path()),
        ["admin admin", "bob user", "carol user"]
    );
    done(&["remove-account", "bob"]);
    assert_eq!(accounts(data.path()), ["admin admin", "carol user"]);
    let (code, _, errors) = admin(data.path(), &["grant", "bob"], "");
    assert_eq!(code, 2);
    assert!(errors.contains("bob"), "{errors}");
    let exported = done(&["export", "--account", "carol"]);
    let exported: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!(exported["account"]["name"], "carol");
    assert!(!exported.to_string().contains("argon2"));
    let (_, lines, _) = admin(data.path(), &["log", "--user", "bob"], "");
    assert!(lines.len() >= 4, "{lines:?}");

    // The next start finds an administrator and asks nothing.
    std::fs::remove_file(data.path().join("admin-password")).unwrap();
    let again = Server::launch(&Setup {
        data: Some(data.path()),
        ..Setup::default()
    });
    assert!(!data.path().join("admin-password").exists());
    drop(again);
    let nowhere = tempfile::tempdir().unwrap();
    let (code, _, errors) = admin(nowhere.path(), &["grant", "bob"], "");
    assert_eq!(code, 2);
    assert!(errors.contains("start the server once"), "{errors}");
}

#[test]
fn a_backup_is_made_while_the_server_runs_and_comes_back_elsewhere() {
    let (server, data) = house();
    let fingerprint = server.ready("fingerprint").to_owned();
    let mut alice = server.enter("alice");
    alice.send("before the backup\n");
    alice.send("/names\n");
    alice.find("-> names {}");
    clock::wait_for("the first account", || {
        (accounts(data.path()) == ["admin admin"]).then_some(())
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("backup.tar");
    let path = file.to_str().unwrap();
    let (code, _, errors) = admin(data.path(), &["backup", path], "");
    assert_eq!(code, 0, "{errors}");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let names: Vec<_> = std::fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(names.len(), 1, "nothing else is left: {names:?}");
    let (code, _, errors) = admin(data.path(), &["backup", path], "");
    assert_eq!(code, 2);
    assert!(errors.contains("exists"), "{errors}");

    // Not over a server that runs, nor over another one's data.
    let (code, _, errors) = admin(data.path(), &["restore", path], "");
    assert_eq!(code, 2, "{errors}");
    let (mut other, other_data) = house();
    other.terminate();
    other.exit_code();
    let (code, _, errors) = admin(other_data.path(), &["restore", path], "");
    assert_eq!(code, 2);
    assert!(errors.contains("another server"), "{errors}");

    let elsewhere = folder.path().join("new/place");
    let (code, _, errors) = admin(&elsewhere, &["restore", path], "");
    assert_eq!(code, 0, "{errors}");
    assert_eq!(accounts(&elsewhere), ["admin admin"]);
    let restored = Server::launch(&Setup {
        data: Some(&elsewhere),
        ..Setup::default()
    });
    assert_eq!(restored.ready("fingerprint"), fingerprint);
    for bad in [&b"not a backup"[..], &std::fs::read(&file).unwrap()[..3000]] {
        let damaged = folder.path().join("damaged");
        std::fs::write(&damaged, bad).unwrap();
        let place = folder.path().join("nothing");
        let words = ["restore", damaged.to_str().unwrap()];
        let (code, _, errors) = admin(&place, &words, "");
        assert_eq!(code, 2, "{errors}");
        assert!(!place.join("parlour.db").exists());
        assert!(!place.join("server.key").exists());
    }
}
