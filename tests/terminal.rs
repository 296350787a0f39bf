//! The client on a terminal, lent by tmux: what is typed survives what arrives.

use crate::harness::{Home, Server, Terminal, tools};

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
