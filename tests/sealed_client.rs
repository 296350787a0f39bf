//! The bundled client in pipe mode, against a real server: who it trusts, what it says, how it
//! exits.

use crate::harness::{Home, Proxy, SILENCE, Server};
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

/// Exit codes, as the interface promises them.
const ALL_ACKNOWLEDGED: i32 = 0;
const REFUSED_OR_LOST: i32 = 1;
const USAGE: i32 = 2;
const SERVER_KEY: i32 = 3;

#[test]
fn netcat_and_the_client_talk_in_one_room() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let mut bob = server.client(&home, "bob", &mut alice);
    bob.send("hello from the sealed door\n");
    alice.expect("[#lobby] bob: hello from the sealed door");
    alice.send("hello from the line door\n/me waves\n");
    bob.find("[#lobby] alice: hello from the line door");
    bob.find("[#lobby] * alice waves");
    // Between rooms, inboxes included, no order is promised.
    alice.send("/msg bob psst\n");
    bob.find("[alice] psst");
    alice.expect("-> sent to bob");
    alice.send("/names\n");
    alice.expect("-> names #lobby: alice(plain) bob");
    bob.send("/msg alice psst yourself\n");
    alice.expect("[bob] psst yourself");
    bob.finish();
    alice.expect(" * #lobby: bob left after {}");
    assert_eq!(bob.exit_code(), ALL_ACKNOWLEDGED);
}

#[test]
fn what_is_piped_in_is_delivered_before_the_client_ends() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let input: String = (0..300).map(|index| format!("line {index}\n")).collect();
    let (code, _, errors) = home.run(&["--name", "bob", server.ready("address")], &input);
    assert_eq!(code, ALL_ACKNOWLEDGED, "{errors}");
    alice.expect(" * #lobby: bob joined (2 here)");
    for index in 0..300 {
        alice.expect(&format!("[#lobby] bob: line {index}"));
    }
    alice.expect(" * #lobby: bob left after {}");
}

#[test]
fn a_message_of_the_longest_size_passes_between_the_doors() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let (home, other) = (Home::new(), Home::new());
    let mut bob = server.client(&home, "bob", &mut alice);
    let mut carol = server.client(&other, "carol", &mut alice);
    let text = "0123456789abcdef".repeat(16 * 1024);
    bob.send(format!("{text}\n"));
    alice.expect(&format!("[#lobby] bob: {text}"));
    carol.find(&format!("[#lobby] bob: {text}"));
    alice.send(format!("{text}\n"));
    bob.find(&format!("[#lobby] alice: {text}"));
    carol.find(&format!("[#lobby] alice: {text}"));
}

#[test]
fn what_is_refused_is_said_and_makes_the_exit_code() {
    let server = Server::start();
    let home = Home::new();
    let (code, lines, errors) = home.run(
        &["--name", "bob", server.ready("address")],
        "/join nowhere\n",
    );
    assert_eq!(code, REFUSED_OR_LOST, "{lines:?} {errors}");
    assert!(lines.iter().any(|line| line.contains("Err: ")), "{lines:?}");
}

#[test]
fn an_unknown_server_is_refused_until_it_is_accepted_and_then_remembered() {
    let server = Server::start();
    let home = Home::new();
    let address = server.sealed().to_string();
    let (code, _, errors) = home.run(&["--name", "bob", &address], "hi\n");
    assert_eq!(code, SERVER_KEY, "{errors}");
    let fingerprint = server.ready("fingerprint");
    let shows = |text: &str| text.replace([' ', '-'], "").contains(fingerprint);
    assert!(shows(&errors), "the fingerprint is not shown: {errors}");
    assert!(errors.contains("--accept-new"), "{errors}");
    assert!(
        !home.known_servers().exists(),
        "a refused server was remembered"
    );

    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &address], "hi\n");
    assert_eq!(code, ALL_ACKNOWLEDGED, "{errors}");
    let mode = std::fs::metadata(home.known_servers())
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let (code, _, errors) = home.run(&["--name", "bob", &address], "hi again\n");
    assert_eq!(code, ALL_ACKNOWLEDGED, "{errors}");
}

#[test]
fn a_changed_key_is_refused_until_the_server_is_forgotten() {
    let (one, other) = (Server::start(), Server::start());
    let mut witness = other.enter("witness");
    // The same address leads to another server from one moment to the next.
    let proxy = Proxy::start(one.sealed());
    let address = proxy.address().to_string();
    let home = Home::new();
    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &address], "hi\n");
    assert_eq!(code, ALL_ACKNOWLEDGED, "{errors}");

    proxy.lead_to(other.sealed());
    for flags in [
        &["--name", "bob", &*address][..],
        &["--accept-new", "--name", "bob", &address],
    ] {
        let (code, _, errors) = home.run(flags, "secret\n");
        assert_eq!(code, SERVER_KEY, "{errors}");
        let spelt = errors.replace([' ', '-'], "");
        for server in [&one, &other] {
            assert!(spelt.contains(server.ready("fingerprint")), "{errors}");
        }
        assert!(errors.contains("forget"), "{errors}");
    }
    witness.expect_silence(SILENCE);

    let (code, _, errors) = home.run(&["forget", &address], "");
    assert_eq!(code, ALL_ACKNOWLEDGED, "{errors}");
    let (code, _, errors) = home.run(&["--name", "bob", &address], "secret\n");
    assert_eq!(code, SERVER_KEY, "still not asked for: {errors}");
    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &address], "hi\n");
    assert_eq!(code, ALL_ACKNOWLEDGED, "{errors}");
    witness.expect(" * #lobby: bob joined (2 here)");
    witness.expect("[#lobby] bob: hi");
}

#[test]
fn a_fingerprint_in_the_address_is_compared_and_nothing_asked() {
    let (server, other) = (Server::start(), Server::start());
    let home = Home::new();
    let address = server.ready("address");
    let (code, _, errors) = home.run(&["--name", "bob", address], "hi\n");
    assert_eq!(code, ALL_ACKNOWLEDGED, "{errors}");
    let wrong = address.replace(server.ready("fingerprint"), other.ready("fingerprint"));
    for flags in [
        &["--name", "bob", &*wrong][..],
        &["--accept-new", "--name", "bob", &wrong],
    ] {
        let (code, _, errors) = home.run(flags, "hi\n");
        assert_eq!(code, SERVER_KEY, "{errors}");
    }
}

#[test]
fn bad_addresses_and_absent_servers_are_told_apart() {
    let home = Home::new();
    for bad in [
        "parlour://",
        "host:port",
        "parlour://h:1#short",
        "http://localhost",
        "a b",
    ] {
        let (code, _, errors) = home.run(&["--name", "bob", bad], "");
        assert_eq!(code, USAGE, "{bad}: {errors}");
        assert!(errors.starts_with("parlour: "), "{bad}: {errors}");
    }
    let (code, _, errors) = home.run(&["--no-such-flag"], "");
    assert_eq!(code, USAGE, "{errors}");
    let (code, _, errors) = home.run(&["--name", "bob", "no-such-host.invalid"], "");
    assert_eq!(code, REFUSED_OR_LOST, "{errors}");
    assert!(errors.contains("no-such-host.invalid"), "{errors}");
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &closed], "");
    assert_eq!(code, REFUSED_OR_LOST, "{errors}");
    assert!(errors.contains("refused"), "{errors}");
}

#[test]
fn the_wrong_door_is_recognised() {
    let server = Server::start();
    let home = Home::new();
    let line = server.line().to_string();
    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &line], "hi\n");
    assert_eq!(code, REFUSED_OR_LOST, "{errors}");
    assert!(!errors.is_empty());
}

#[test]
fn a_taken_name_is_refused_but_one_s_own_key_takes_it_over() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let (home, other) = (Home::new(), Home::new());
    let mut bob = server.client(&home, "bob", &mut alice);

    let (code, lines, errors) = other.run(&["--name", "bob", server.ready("address")], "hi\n");
    assert_eq!(code, REFUSED_OR_LOST, "{lines:?} {errors}");
    let is_said = lines.iter().any(|line| line.contains("taken")) || errors.contains("taken");
    assert!(is_said, "{lines:?} {errors}");

    let mut again = home.start(&["--name", "bob", server.ready("address")]);
    again.send("it is me\n");
    alice.find("[#lobby] bob: it is me");
    assert_eq!(bob.exit_code(), REFUSED_OR_LOST, "{}", bob.errors());
    bob.rest();
    again.send("/quit\n");
    assert_eq!(again.exit_code(), ALL_ACKNOWLEDGED, "{}", again.errors());
}

#[test]
fn the_key_of_an_identity_file_is_the_person() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let (home, other) = (Home::new(), Home::new());
    let identity = home.folder().join("identity");
    let arguments = ["--identity", identity.to_str().unwrap(), "--name", "bob"];
    let with_address = [&arguments[..], &[server.ready("address")]].concat();
    let mut first = home.start(&with_address);
    alice.expect(" * #lobby: bob joined (2 here)");
    let mut second = other.start(&with_address);
    second.send("from elsewhere\n");
    alice.find("[#lobby] bob: from elsewhere");
    assert_eq!(first.exit_code(), REFUSED_OR_LOST, "{}", first.errors());
    let mode = std::fs::metadata(&identity).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_password_file_that_others_may_read_is_refused() {
    let home = Home::new();
    let file = home.folder().join("password");
    std::fs::write(&file, "sesame\n").unwrap();
    let arguments = ["--password-file", file.to_str().unwrap(), "--name", "bob"];
    let mode = std::fs::Permissions::from_mode(0o644);
    std::fs::set_permissions(&file, mode).unwrap();
    let (code, _, errors) = home.run(&arguments, "");
    assert_eq!(code, USAGE, "{errors}");
    assert!(errors.contains("chmod 600"), "{errors}");
    std::fs::remove_file(&file).unwrap();
    let (code, _, errors) = home.run(&arguments, "");
    assert_eq!(code, USAGE, "{errors}");
}

#[test]
fn the_client_leaves_when_asked_to_and_stays_when_told_to() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let arguments = ["--listen", "--name", "bob", server.ready("address")];
    let mut bob = home.start(&arguments);
    alice.expect(" * #lobby: bob joined (2 here)");
    bob.finish();
    alice.expect_silence(Duration::from_millis(700));
    alice.send("are you listening?\n");
    bob.find("[#lobby] alice: are you listening?");
}
