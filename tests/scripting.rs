//! The client in scripts: JSON both ways, back-pressure, the bot of the manual.

use crate::harness::{Home, Program, Proxy, Server, clock, tools};
use serde_json::{Value, json};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

/// Lines of the test of order; a million of them with `PARLOUR_MILLION` in the environment.
const LINES: usize = 20_000;
const LINES_MILLION: usize = 1_000_000;

/// Memory that a client may take however much is put in, KiB.
const MEMORY_KIB_MAX: u64 = 48 * 1024;

/// The next object of that type.
#[track_caller]
fn object(program: &mut Program, kind: &str) -> Value {
    loop {
        let object: Value = serde_json::from_str(&program.line()).unwrap();
        if object["type"] == kind {
            return object;
        }
    }
}

#[test]
fn json_goes_both_ways() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let mut bob = home.start(&["--json", "--name", "bob", server.ready("address")]);
    let welcome = json!({"type": "welcome", "schema": 1, "name": "bob", "resumed": false});
    assert_eq!(object(&mut bob, "welcome"), welcome);
    alice.find(" * #lobby: bob joined (2 here)");

    bob.send("{\"text\":\"two\\nlines\",\"ref\":1}\n");
    let stored = object(&mut bob, "stored");
    assert_eq!(
        (&stored["ref"], &stored["room"]),
        (&json!(1), &json!("lobby"))
    );
    assert!(stored["id"].is_u64());
    alice.expect("[#lobby] bob: two");
    alice.expect("[#lobby] bob: lines");
    bob.send(
        "{\"command\":\"create den\",\"ref\":\"d\"}\n{\"room\":\"lobby\",\"text\":\"still\"}\n",
    );
    assert_eq!(
        object(&mut bob, "stored"),
        json!({"type": "stored", "ref": "d"})
    );
    alice.expect("[#lobby] bob: still");
    bob.send("{\"to\":\"alice\",\"text\":\"psst\",\"ref\":null}\n");
    alice.expect("[bob] psst");
    alice.send("/me waves\n/msg bob yes?\n");
    let waves = object(&mut bob, "action");
    assert_eq!(
        (&waves["from"], &waves["text"]),
        (&json!("alice"), &json!("waves"))
    );
    assert_eq!(
        (&waves["room"], &waves["past"]),
        (&json!("lobby"), &json!(false))
    );
    let private = object(&mut bob, "private");
    assert_eq!(
        (&private["from"], &private["text"]),
        (&json!("alice"), &json!("yes?"))
    );
    assert_eq!(private["room"], Value::Null);

    bob.send("{\"room\":\"nowhere\",\"text\":\"hm\",\"ref\":7}\nnonsense\n");
    let refused = object(&mut bob, "error");
    let not_understood = object(&mut bob, "error");
    let refs = [&refused["ref"], &not_understood["ref"]];
    assert!(
        refs.contains(&&json!(7)) && refs.contains(&&Value::Null),
        "{refs:?}"
    );
    bob.finish();
    object(&mut bob, "bye");
    bob.expect_end();
    assert_eq!(bob.exit_code(), 1, "something was refused");
}

#[test]
fn text_is_sent_whatever_it_begins_with() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let arguments = ["--text", "--name", "bob", server.ready("address")];
    let (code, _, errors) = home.run(&arguments, "/quit\n//x\n");
    assert_eq!(code, 0, "{errors}");
    alice.find("[#lobby] bob: /quit");
    alice.expect("[#lobby] bob: //x");
}

/// Goal: both doors answer alike. Method: somebody says something and asks for it in one burst,
/// once through each.
#[test]
fn history_has_what_one_said_just_before() {
    let server = Server::start();
    let home = Home::new();
    let arguments = ["--name", "bob", server.ready("address")];
    let (code, said, errors) = home.run(&arguments, "last words\n/history 1\n");
    assert_eq!(code, 0, "{errors}");
    let is_it = |line: &String| line.ends_with("Z [#lobby] bob: last words");
    assert!(said.iter().any(is_it), "{said:?}");
    let mut carol = server.enter("carol");
    carol.send("psst\n/history 1\n");
    let line = carol.line();
    assert!(line.ends_with("Z [#lobby] carol: psst"), "{line}");
}

#[test]
fn what_follows_a_refused_login_is_never_said() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let mut carol = server.enter("carol");
    carol.send("/password\nsesame\nsesame\n");
    carol.find("-> carol is your account now; /login carol takes it from elsewhere");
    let home = Home::new();
    for command in ["/login carol", "/Login x y z", "/password"] {
        let input = format!("before\n{command}\nsesame\nsesame\n");
        let arguments = ["--name", "bob", server.ready("address")];
        let (code, _, errors) = home.run(&arguments, &input);
        assert_eq!(code, 1, "{command}: {errors}");
        alice.find("[#lobby] bob: before");
        alice.find(" * #lobby: bob left after {}");
    }
    let mut lost = server.enter("dave");
    lost.send("before\n/login 9\nsesame\n");
    lost.find("Err: {}");
    alice.find("[#lobby] dave: before");
    lost.send("after\n");
    let next = alice.find("[#lobby] {}");
    assert!(next.ends_with("dave: after"), "{next}");
}

#[test]
fn who_listens_stays_until_told_to_stop() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let mut bob = home.start(&["--listen", "--name", "bob", server.ready("address")]);
    bob.finish();
    alice.find(" * #lobby: bob joined (2 here)");
    alice.send("still there?\n");
    bob.find("[#lobby] alice: still there?");
    bob.signal(rustix::process::Signal::TERM);
    bob.find("-> Bye.");
    assert_eq!(bob.exit_code(), 0);
}

#[test]
fn who_retries_is_there_when_the_server_comes() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let proxy = Proxy::start(server.sealed());
    let address = format!("{}#{}", proxy.address(), server.ready("fingerprint"));
    let dead = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.lead_to(dead.local_addr().unwrap());
    drop(dead);
    let home = Home::new();
    let mut bob = home.start(&["--retry", "1m", "--name", "bob", &address]);
    bob.send("hello at last\n");
    clock::wait_for("a failed attempt", || {
        bob.errors().contains("trying again").then_some(())
    });
    proxy.lead_to(server.sealed());
    alice.find("[#lobby] bob: hello at last");
    bob.finish();
    assert_eq!(bob.exit_code(), 0);
}

#[test]
fn many_lines_arrive_once_and_in_order() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let is_million = std::env::var_os("PARLOUR_MILLION").is_some();
    let lines = if is_million { LINES_MILLION } else { LINES };
    let mut client = home
        .command(&["--name", "bob", server.ready("address")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = std::io::BufWriter::new(client.stdin.take().unwrap());
    let feeder = thread::spawn(move || {
        for line in 0..lines {
            writeln!(input, "line {line}").unwrap();
        }
    });
    alice.expect(" * #lobby: bob joined (2 here)");
    for line in 0..lines {
        let heard = alice.line();
        assert_eq!(heard, format!("[#lobby] bob: line {line}"));
    }
    feeder.join().unwrap();
    alice.expect(" * #lobby: bob left after {}");
    assert!(client.wait().unwrap().success());
}

/// Memory of a process that is in use, KiB.
fn memory_kib(process: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let words = line.unwrap().trim().trim_end_matches(" kB");
    words.parse().unwrap()
}

#[test]
fn endless_input_is_taken_no_faster_than_it_is_sent() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    // The proxy passes nothing on, once it is stopped: what is put in has nowhere to go.
    let home = Home::new();
    let mut client = home
        .command(&["--name", "bob", server.ready("address")])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = client.stdin.take().unwrap();
    let feeder = thread::spawn(move || {
        let mut count = 0_u64;
        while writeln!(input, "y {count}").is_ok() {
            count += 1;
        }
        count
    });
    alice.expect(" * #lobby: bob joined (2 here)");
    for line in 0..5_000 {
        alice.expect(&format!("[#lobby] bob: y {line}"));
    }
    // Now nobody reads any more for a while; the server and the client are under way all the same.
    thread::sleep(Duration::from_secs(1));
    let memory = memory_kib(client.id());
    assert!(memory < MEMORY_KIB_MAX, "{memory} KiB");
    client.kill().unwrap();
    client.wait().unwrap();
    let put_in = feeder.join().unwrap();
    let mut arrived = 5_000;
    loop {
        let line = alice.line();
        if !line.starts_with("[#lobby] bob: y ") {
            break;
        }
        assert_eq!(line, format!("[#lobby] bob: y {arrived}"));
        arrived += 1;
    }
    assert!(arrived <= put_in, "{arrived} of {put_in}");
}

#[test]
fn the_bot_of_the_manual_throws_dice() {
    let Some(python) = tools::find(&["python3"]) else {
        return;
    };
    let manual = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/scripting.md");
    let manual = std::fs::read_to_string(manual).unwrap();
    let bot = manual.split("```python\n").nth(1).unwrap();
    let bot = bot.split("```").next().unwrap();
    assert!(bot.lines().filter(|line| !line.is_empty()).count() <= 20);

    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let programs = Path::new(env!("CARGO_BIN_EXE_parlour")).parent().unwrap();
    let path = std::env::var("PATH").unwrap_or_default();
    let mut command = Command::new(python);
    command
        .args(["-c", bot, server.ready("address")])
        .env("PATH", format!("{}:{path}", programs.display()));
    for (key, value) in home.environment() {
        command.env(key, value);
    }
    let mut bot = Program::start("the bot", &mut command);
    alice.find(" * #lobby: dicebot joined (2 here)");
    alice.send("!dice\n");
    let thrown = alice.expect("[#lobby] dicebot: alice throws {}");
    let dots = thrown.rsplit(' ').next().unwrap();
    assert!((1..=6).contains(&dots.parse::<u8>().unwrap()), "{thrown}");
    alice.send("!leave\n");
    alice.expect(" * #lobby: dicebot left after {}");
    assert_eq!(bot.exit_code(), 0, "{}", bot.errors());
}
