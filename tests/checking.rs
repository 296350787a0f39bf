//! `parlour check`, the manual pages, completions and `--help`.

use crate::harness::server::bare_command;
use crate::harness::{Home, Program, Proxy, Server, tools};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit codes, as the interface promises them.
const WELL: i32 = 0;
const NO_CONNECTION: i32 = 1;
const USAGE: i32 = 2;
const SERVER_KEY: i32 = 3;

/// What `parlour check` says of `address`.
#[track_caller]
fn check(home: &Home, address: &str, code: i32) -> String {
    let (found, lines, errors) = home.run(&["check", address], "");
    let said = lines.join("\n");
    assert_eq!(found, code, "{said} {errors}");
    said
}

#[test]
fn a_connection_that_is_well_is_called_well_and_nobody_joins() {
    let server = Server::start();
    let mut witness = server.enter("witness");
    let home = Home::new();
    let said = check(&home, server.ready("address"), WELL);
    assert!(said.contains("all is well"), "{said}");
    assert!(said.contains("as the address says"), "{said}");
    witness.send("/names\n");
    witness.expect("-> names #lobby: witness(plain)");
    assert!(!home.known_servers().exists(), "it was remembered");
}

#[test]
fn a_key_that_is_unknown_or_another_is_told_with_both_fingerprints() {
    let (one, other) = (Server::start(), Server::start());
    let proxy = Proxy::start(one.sealed());
    let address = proxy.address().to_string();
    let home = Home::new();
    let said = check(&home, &address, SERVER_KEY);
    assert!(said.contains("not known here yet"), "{said}");
    assert!(said.contains(one.ready("fingerprint")), "{said}");

    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &address], "hi\n");
    assert_eq!(code, WELL, "{errors}");
    let said = check(&home, &address, WELL);
    assert!(said.contains("as remembered"), "{said}");

    proxy.lead_to(other.sealed());
    let said = check(&home, &address, SERVER_KEY).replace(' ', "");
    for server in [&one, &other] {
        assert!(said.contains(server.ready("fingerprint")), "{said}");
    }
    assert!(said.contains("parlourforget"), "{said}");
}

#[test]
fn each_step_that_fails_has_its_own_words() {
    let server = Server::start();
    let home = Home::new();
    let said = check(&home, "no-such-host.invalid", NO_CONNECTION);
    assert!(said.contains("name  no-such-host.invalid"), "{said}");

    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let said = check(&home, &closed.to_string(), NO_CONNECTION);
    assert!(said.contains("refused"), "{said}");
    assert!(said.contains("see whether parlourd runs"), "{said}");

    let said = check(&home, &server.line().to_string(), NO_CONNECTION);
    assert!(said.contains("no sealed door"), "{said}");

    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let hangs_up = std::thread::spawn(move || drop(silent.accept().unwrap()));
    let said = check(&home, &address, NO_CONNECTION);
    assert!(said.contains("door"), "{said}");
    hangs_up.join().unwrap();

    let (code, _, errors) = home.run(&["check", "http://localhost"], "");
    assert_eq!(code, USAGE, "{errors}");
}

/// Goal: `--trace` shows what goes both ways and neither mixes it with the output nor gives away
/// what would let somebody else take the session over.
#[test]
fn a_trace_shows_every_message_beside_the_output() {
    let server = Server::start();
    let home = Home::new();
    let arguments = ["--trace", "--name", "bob", server.ready("address")];
    let (code, lines, trace) = home.run(&arguments, "hello, trace\n");
    assert_eq!(code, WELL, "{trace}");
    for message in [
        "> Hello",
        "< Welcome",
        "< Entered",
        "> Say",
        "< Stored",
        "hello, trace",
    ] {
        assert!(trace.contains(message), "no {message} in {trace}");
    }
    assert!(!lines.iter().any(|line| line.starts_with('>')), "{lines:?}");
    assert!(!trace.contains("Token(["), "the token is shown: {trace}");
}

/// Compares with a file below tests/help, or writes it when `PARLOUR_BLESS` is set.
#[track_caller]
fn assert_golden(name: &str, command: &mut Command) {
    let (code, lines, errors) = Program::run(command, "");
    assert_eq!(code, WELL, "{errors}");
    let said = lines.join("\n") + "\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/help/{name}.txt"));
    if std::env::var_os("PARLOUR_BLESS").is_some() {
        std::fs::write(&path, said).unwrap();
        return;
    }
    let wanted = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(said == wanted, "tests/help/{name}.txt should be:\n{said}");
}

#[test]
fn the_help_is_what_the_files_show() {
    let home = Home::new();
    let server = |words: &[&str]| {
        let mut command = bare_command(home.folder());
        command.args(words);
        command
    };
    assert_golden("parlour", &mut home.command(&["--help"]));
    assert_golden("parlour-check", &mut home.command(&["check", "--help"]));
    assert_golden("parlour-forget", &mut home.command(&["forget", "--help"]));
    assert_golden("parlourd", &mut server(&["--help"]));
    assert_golden("parlourd-admin", &mut server(&["admin", "--help"]));
}

/// Both programs, with their names.
fn programs(home: &Home) -> [(&'static str, Command); 2] {
    [
        ("parlour", home.command(&[])),
        ("parlourd", bare_command(home.folder())),
    ]
}

#[test]
fn the_manual_pages_are_fit_for_man() {
    let home = Home::new();
    for (name, mut command) in programs(&home) {
        let (code, lines, errors) = Program::run(command.arg("--man"), "");
        assert_eq!(code, WELL, "{errors}");
        let page = lines.join("\n");
        for title in ["NAME", "SYNOPSIS", "OPTIONS", "COMMANDS", "FILES"] {
            assert!(page.contains(&format!(".SH {title}")), "{name}: no {title}");
        }
        let Some(groff) = tools::find(&["groff"]) else {
            return;
        };
        let mut command = Command::new(groff);
        command.args(["-man", "-Tutf8", "-ww", "-z"]);
        let (code, _, complaints) = Program::run(&mut command, &format!("{page}\n"));
        assert_eq!((code, complaints.as_str()), (WELL, ""), "{name}");
    }
}

/// Goal: what a shell is given works in it. Method: bash itself is asked to complete a flag.
#[test]
fn bash_completes_flags_and_commands() {
    let bash: PathBuf = tools::find(&["bash"]).expect("bash is everywhere");
    let home = Home::new();
    let questions = [
        ("parlour", "--acc", "--accept-new"),
        ("parlour", "che", "check"),
        ("parlourd", "--eph", "--ephemeral"),
        ("parlourd", "adm", "admin"),
    ];
    for (program, typed, wanted) in questions {
        let (_, mut command) = programs(&home)
            .into_iter()
            .find(|(name, _)| *name == program)
            .unwrap();
        let (code, script, errors) = Program::run(command.args(["--completions", "bash"]), "");
        assert_eq!(code, WELL, "{errors}");
        let ask = format!(
            "{}\nCOMP_WORDS=({program} {typed}); COMP_CWORD=1\n\
             _{program} {program} {typed} {program}\necho \"${{COMPREPLY[@]}}\"\n",
            script.join("\n")
        );
        let (code, lines, errors) = Program::run(Command::new(&bash).arg("-s"), &ask);
        assert_eq!(code, WELL, "{errors}");
        assert_eq!(lines, [wanted], "{program} {typed}: {errors}");
    }
}
