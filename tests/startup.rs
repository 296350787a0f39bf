//! The server's start: what it says when it can be reached, and the operator's mistakes, each
//! with exit code 2 and words that name the cause.

use crate::harness::server::{Setup, bare_command};
use crate::harness::{Conversation, Program, Server, clock};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

/// Starts a server that must refuse; what it complains.
#[track_caller]
fn refused(setup: &Setup<'_>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let (code, lines, errors) = Program::run(&mut setup.command(folder.path()), "");
    assert_eq!(code, 2, "{errors}");
    assert!(
        lines.is_empty(),
        "standard output is for scripts: {lines:?}"
    );
    assert!(!errors.contains("panicked"), "{errors}");
    errors
}

/// Asserts that a complaint names what it is about.
#[track_caller]
fn assert_names(complaint: &str, what: &str) {
    let complaint = complaint.to_lowercase();
    assert!(
        complaint.contains(&what.to_lowercase()),
        "{complaint:?} does not say {what:?}"
    );
}

#[test]
fn the_ready_line_is_for_programs() {
    let server = Server::start();
    let fingerprint = server.ready("fingerprint");
    assert_eq!(fingerprint.len(), 32, "{fingerprint}");
    assert!(
        fingerprint
            .bytes()
            .all(|b| b.is_ascii_lowercase() || (b'2'..=b'7').contains(&b))
    );
    let port = server.sealed().port();
    let address = format!("parlour://127.0.0.1:{port}#{fingerprint}");
    assert_eq!(server.ready("address"), address);
    assert_ne!(port, 0);
    assert_ne!(server.line().port(), 0);
}

#[test]
fn the_public_name_is_in_the_address_and_doors_can_be_closed() {
    let server = Server::launch(&Setup {
        config: "public-name = \"chat.example.org\"\n",
        line: "off",
        ..Setup::default()
    });
    assert_eq!(server.ready("line"), "off");
    let port = server.sealed().port();
    let start = format!("parlour://chat.example.org:{port}#");
    assert!(
        server.ready("address").starts_with(&start),
        "{}",
        server.ready("address")
    );
}

#[test]
fn the_key_is_kept_in_the_data_folder_and_only_its_owner_reads_it() {
    let data = tempfile::tempdir().unwrap();
    let setup = Setup {
        data: Some(data.path()),
        ..Setup::default()
    };
    let first = Server::launch(&setup).ready("fingerprint").to_owned();
    let key = data.path().join("server.key");
    let mode = std::fs::metadata(&key).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600, "others may read the key");
    assert_eq!(Server::launch(&setup).ready("fingerprint"), first);
    assert_ne!(
        Server::start().ready("fingerprint"),
        first,
        "the key of a run is its own"
    );
}

#[test]
fn a_damaged_key_file_is_refused_and_left_alone() {
    let data = tempfile::tempdir().unwrap();
    let setup = Setup {
        data: Some(data.path()),
        ..Setup::default()
    };
    let key = data.path().join("server.key");
    drop(Server::launch(&setup));
    let good = std::fs::read(&key).unwrap();
    let mut flipped = good.clone();
    flipped[3] ^= 1;
    let short = &good[..good.len() / 2];
    for bad in [&flipped, short, b"", b"not a key at all\n"] {
        std::fs::write(&key, bad).unwrap();
        assert_names(&refused(&setup), "server.key");
        assert_eq!(std::fs::read(&key).unwrap(), bad, "the file was changed");
    }
    // Not readable, for root too.
    std::fs::remove_file(&key).unwrap();
    std::fs::create_dir(&key).unwrap();
    assert_names(&refused(&setup), "server.key");
}

#[test]
fn a_port_in_use_is_said() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for (sealed, line) in [(&*address, "127.0.0.1:0"), ("127.0.0.1:0", &*address)] {
        let complaint = refused(&Setup {
            sealed,
            line,
            ..Setup::default()
        });
        let port = taken.local_addr().unwrap().port();
        assert_names(&complaint, &format!("{port} is in use"));
    }
}

#[test]
fn a_second_server_in_the_same_place_is_refused() {
    let server = Server::start();
    let complaint = refused(&Setup {
        sealed: server.ready("sealed"),
        line: server.ready("line"),
        ..Setup::default()
    });
    assert_names(&complaint, "in use");
    server.enter("alice");
}

#[test]
fn a_bad_address_is_said() {
    for bad in ["300.1.1.1:99", "127.0.0.1:99999", "nonsense", ""] {
        let complaint = refused(&Setup {
            sealed: bad,
            ..Setup::default()
        });
        assert_names(&complaint, bad);
        assert_names(&complaint, "address");
    }
    // Not an address of this machine.
    let complaint = refused(&Setup {
        sealed: "192.0.2.1:4747",
        ..Setup::default()
    });
    assert_names(&complaint, "192.0.2.1");
}

#[test]
fn the_plain_door_is_opened_to_others_only_when_spelt_out() {
    for open in ["0.0.0.0:0", "[::]:0"] {
        let complaint = refused(&Setup {
            line: open,
            ..Setup::default()
        });
        assert_names(&complaint, "insecure:");
    }
    let server = Server::launch(&Setup {
        line: "insecure:0.0.0.0:0",
        ..Setup::default()
    });
    assert_ne!(server.line().port(), 0);
}

#[test]
fn a_bad_configuration_is_said() {
    for (config, cause) in [
        ("nonsense = 3\n", "nonsense"),
        ("[limits]\nclinets = 3\n", "clinets"),
        (
            "[limits]\nhandshake-timeout = \"soon\"\n",
            "handshake-timeout",
        ),
        ("[limits]\nclients = \"many\"\n", "clients"),
        ("[limits]\nclients = 0\n", "clients"),
        ("trusted = [\"127.0.0.0/99\"]\n", "127.0.0.0/99"),
        ("empty-line = \"stay\"\n", "empty-line"),
        ("public-name = \n", "line 1"),
    ] {
        let complaint = refused(&Setup {
            config,
            ..Setup::default()
        });
        assert_names(&complaint, cause);
        let complaint = refused(&Setup {
            config,
            flags: &["--check-config"],
            ..Setup::default()
        });
        assert_names(&complaint, cause);
    }
    let folder = tempfile::tempdir().unwrap();
    let mut command = bare_command(folder.path());
    command.args(["--config", "/no/such/file.toml"]);
    let (code, _, complaint) = Program::run(&mut command, "");
    assert_eq!(code, 2);
    assert_names(&complaint, "/no/such/file.toml");
}

#[test]
fn questions_are_answered_without_starting() {
    let folder = tempfile::tempdir().unwrap();
    for (flag, answer) in [
        ("--help", "--sealed"),
        ("--version", env!("CARGO_PKG_VERSION")),
        ("--limits", "clients\t"),
        ("--print-config", "[limits]"),
    ] {
        let (code, lines, errors) = Program::run(bare_command(folder.path()).arg(flag), "");
        assert_eq!(code, 0, "{flag}: {errors}");
        assert_names(&lines.join("\n"), answer);
    }
    let (code, _, errors) = Program::run(bare_command(folder.path()).arg("--check-config"), "");
    assert_eq!(code, 0, "{errors}");
    let (code, _, errors) = Program::run(bare_command(folder.path()).arg("--no-such-flag"), "");
    assert_eq!(code, 2);
    assert_names(&errors, "--no-such-flag");
}

#[test]
fn what_is_printed_as_configuration_is_accepted_as_one() {
    let folder = tempfile::tempdir().unwrap();
    let (_, lines, _) = Program::run(bare_command(folder.path()).arg("--print-config"), "");
    let config = lines.join("\n");
    let mut command = Setup {
        config: &config,
        flags: &["--check-config"],
        ..Setup::default()
    }
    .command(folder.path());
    let (code, _, errors) = Program::run(&mut command, "");
    assert_eq!(code, 0, "{errors}\n{config}");
}

#[test]
fn no_more_clients_than_allowed_come_in() {
    let server = Server::with_config("[limits]\nclients = 3\n");
    let mut in_time: Vec<_> = ["a", "b", "c"].map(|who| server.enter(who)).into();
    let mut late = server.connect("late");
    let refusal = late.rest();
    assert!(refusal.len() <= 1, "{refusal:?}");
    let mut sealed = Conversation::connect("sealed", server.sealed());
    assert_eq!(sealed.bytes_to_end(), [0xff, 0xff, 3, 1]);
    let mut gone = in_time.pop().unwrap();
    gone.send("/quit\n");
    gone.find("-> Bye.");
    drop(gone);
    clock::wait_for("a place to become free", || {
        let mut next = server.connect("next");
        next.send("next\n");
        let is_in = |line: String| line.starts_with("-> Welcome");
        is_in(next.line()).then_some(())
    });
}
