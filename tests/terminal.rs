//! The client on a terminal, lent by tmux: what is typed survives what arrives.

use crate::harness::{Home, Server, Terminal, clock, tools};

#[test]
fn the_first_password_is_asked_for_twice_and_never_shown() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let home = Home::new();
    let data = home.folder().join("data");
    let data = data.to_str().unwrap();
    let server = env!("CARGO_BIN_EXE_parlourd");
    let words = [
        server,
        "--data",
        data,
        "--sealed",
        "127.0.0.1:0",
        "--line",
        "127.0.0.1:0",
    ];
    let terminal = Terminal::run(tmux, &home, &words);
    terminal.wait_for("Password for admin:");
    terminal.type_in("open sesame");
    terminal.press("Enter");
    terminal.wait_for("Once more:");
    terminal.type_in("open barley");
    terminal.press("Enter");
    terminal.wait_for("not the same");
    // What is typed before it is asked for is thrown away.
    for prompt in ["Password for admin:", "Once more:"] {
        let asked_again = || (terminal.screen().matches(prompt).count() == 2).then_some(());
        clock::wait_for(prompt, asked_again);
        terminal.type_in("open rye");
        terminal.press("BSpace");
        terminal.type_in("e");
        terminal.press("Enter");
    }
    terminal.wait_for("ready sealed=");
    let screen = terminal.screen();
    assert!(
        !screen.contains("sesame") && !screen.contains("rye"),
        "{screen}"
    );
    assert!(!home.folder().join("data/admin-password").exists());
}

#[test]
fn what_is_typed_survives_what_arrives() {
    let Some(tmux) = tools::find(&["tmux"]) else {
        return;
    };
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let terminal = Terminal::open(tmux, &home, &["--name", "bob", server.ready("address")]);
    alice.expect(" * #lobby: bob joined (2 here)");
    terminal.type_in("half a sen");
    terminal.wait_for("half a sen");
    for index in 0..50 {
        alice.send(format!("interruption {index}\n"));
    }
    terminal.wait_for("interruption 49");
    terminal.wait_for("half a sen");
    terminal.type_in("tence");
    terminal.press("Enter");
    alice.expect("[#lobby] bob: half a sentence");
    terminal.press("C-d");
    alice.expect(" * #lobby: bob left after {}");
}
