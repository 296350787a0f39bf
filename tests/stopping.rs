//! The server stops: everybody is told, and nothing that was acknowledged is missing.

use crate::harness::{Conversation, Home, Server, clock};
use std::thread;

#[test]
fn a_stop_in_the_middle_of_traffic_loses_nothing_acknowledged() {
    let mut server = Server::start();
    let [mut alice, mut bob, mut carol] = server.enter_all(["alice", "bob", "carol"]);
    let home = Home::new();
    let mut dave = server.client(&home, "dave", &mut carol);

    let talker = thread::spawn(move || {
        // Until the server no longer reads, or is gone.
        for index in 0_u32.. {
            let is_sent = alice.try_send(format!("/msg bob {index}\nnumber {index}\n"));
            if is_sent.is_err() || !is_open(&mut alice) {
                break;
            }
        }
        alice
    });
    carol.find("[#lobby] alice: number 200");
    server.terminate();

    let mut alice = talker.join().unwrap();
    let heard = bob.rest();
    let seen = carol.rest();
    let rest = alice.rest();
    assert_eq!(server.exit_code(), 0, "{}", server.errors());

    for lines in [&heard, &seen] {
        assert_eq!(lines.last().unwrap(), "-> Bye (server is stopping).");
    }
    let acknowledged = alice.said().matches("< -> sent to bob").count();
    let arrived: Vec<&String> = heard
        .iter()
        .filter(|line| line.starts_with("[alice] "))
        .collect();
    assert!(
        arrived.len() >= acknowledged,
        "{acknowledged} acknowledged, {} arrived; then {rest:?}",
        arrived.len()
    );
    for (index, line) in arrived.iter().enumerate() {
        assert_eq!(
            **line,
            format!("[alice] {index}"),
            "out of order or missing"
        );
    }
    let lines = dave.rest();
    assert!(
        lines
            .iter()
            .any(|line| line == "[#lobby] alice: number 200")
    );
    let is_told = lines.iter().any(|line| line.contains("stopping"));
    assert!(
        is_told || dave.errors().contains("stopping"),
        "the client was not told"
    );
}

/// Waits for the acknowledgement; false when the server has said goodbye.
fn is_open(alice: &mut Conversation) -> bool {
    let line = alice.line();
    !line.starts_with("-> Bye") && !line.starts_with("Err:")
}

#[test]
fn a_peer_that_reads_nothing_does_not_hold_up_a_stop_for_ever() {
    let mut server = Server::with_config("[limits]\nshutdown-grace = \"500ms\"\n");
    let mut alice = server.enter("alice");
    let deaf = server.enter("deaf");
    let _unnamed = server.connect("unnamed");
    let _half = {
        let mut half = Conversation::connect("half", server.sealed());
        half.send(b"PRLR");
        half
    };
    alice.find(" * #lobby: deaf joined (2 here)");
    for _ in 0..60 {
        alice.send("x".repeat(200 * 1024));
        alice.send("\n");
    }
    let begin = clock::now();
    server.terminate();
    assert_eq!(server.exit_code(), 0, "{}", server.errors());
    let took = begin.elapsed();
    assert!(took.as_secs() < 5, "stopping took {took:?}");
    drop(deaf);
}

#[test]
fn an_interrupt_stops_it_as_well() {
    let mut server = Server::start();
    let mut alice = server.enter("alice");
    server.interrupt();
    alice.expect("-> Bye (server is stopping).");
    alice.expect_end();
    assert_eq!(server.exit_code(), 0);
}
