//! What somebody on the path of a sealed connection can see and do.

use crate::harness::proxy::{Bit, Way};
use crate::harness::{Home, Proxy, SILENCE, Server};

/// What a conversation is about; none of it may be seen.
const WORDS: [&str; 3] = ["the-quick-brown-secret", "alexandra", "bartholomew"];

/// What a client that is tampered with tries to say.
const SAID: &str = "tampered?";

fn contains(bytes: &[u8], word: &str) -> bool {
    bytes
        .windows(word.len())
        .any(|part| part == word.as_bytes())
}

/// The server's address as seen through the tap.
fn address_through(proxy: &Proxy, server: &Server) -> String {
    format!(
        "parlour://{}#{}",
        proxy.address(),
        server.ready("fingerprint")
    )
}

#[test]
fn neither_names_nor_words_can_be_seen() {
    let server = Server::start();
    let proxy = Proxy::start(server.sealed());
    let address = address_through(&proxy, &server);
    let mut alice = server.enter(WORDS[1]);
    let home = Home::new();
    let mut bob = home.start(&["--name", WORDS[2], &address]);
    alice.expect(" * #lobby: bartholomew joined (2 here)");
    bob.send("the-quick-brown-secret\n");
    alice.expect("[#lobby] bartholomew: the-quick-brown-secret");
    // Between rooms, inboxes included, no order is promised.
    bob.send("/msg alexandra the-quick-brown-secret\n");
    alice.expect("[bartholomew] the-quick-brown-secret");
    alice.send("the-quick-brown-secret, I see\n");
    bob.find("[#lobby] alexandra: the-quick-brown-secret, I see");
    bob.finish();
    assert_eq!(bob.exit_code(), 0);
    proxy.wait_for_end();

    for way in [Way::ToServer, Way::ToClient] {
        let seen = proxy.recorded(way);
        assert!(
            seen.len() > 200,
            "{way:?}: the tap saw only {} bytes",
            seen.len()
        );
        for word in WORDS.iter().chain(&["lobby", "secret", "joined"]) {
            assert!(!contains(&seen, word), "{way:?}: {word} can be seen");
        }
    }
    assert!(
        proxy
            .recorded(Way::ToServer)
            .starts_with(b"PRLR\x01\x02\0\0\0\x20")
    );
}

/// Goal: one flipped bit anywhere ends that connection and no other, and nothing false is shown.
/// Method: the same short conversation again and again, each time with another bit flipped, beside
/// two people who must hear each other throughout.
#[test]
fn one_flipped_bit_ends_that_connection_and_no_other() {
    let server = Server::with_config(
        "[limits]\nhandshake-timeout = \"1s\"\nmessage-timeout = \"500ms\"\n\
         ping-after = \"200ms\"\ngone-after = \"600ms\"\n",
    );
    let proxy = Proxy::start(server.sealed());
    let address = address_through(&proxy, &server);
    let mut alice = server.enter("alice");
    let neighbour_home = Home::new();
    let mut neighbour = server.client(&neighbour_home, "neighbour", &mut alice);

    let home = Home::new();
    let whole = home.run(&["--name", "first", &address], &format!("{SAID}\n"));
    assert_eq!(whole.0, 0, "{whole:?}");
    proxy.wait_for_end();
    let lengths = [Way::ToServer, Way::ToClient].map(|way| (way, proxy.recorded(way).len()));

    let mut flips = 0;
    for (way, length) in lengths {
        for (turn, byte) in spread(length).into_iter().enumerate() {
            let bit = u8::try_from(turn % 8).unwrap();
            let flip = Bit { way, byte, bit };
            proxy.flip(flip);
            let name = format!("t{}{byte}", if way == Way::ToServer { "s" } else { "c" });
            let (code, lines, errors) =
                home.run(&["--name", &name, &address], &format!("{SAID}\n"));
            proxy.wait_for_end();
            if !proxy.has_flipped() {
                continue;
            }
            flips += 1;
            assert_ne!(code, 0, "{flip:?} went unnoticed: {lines:?} {errors}");
            assert!(!errors.contains("panicked"), "{flip:?}: {errors}");
            alice.send(format!("after {name}\n"));
            neighbour.find(&format!("[#lobby] alice: after {name}"));
        }
    }
    assert!(flips >= 30, "only {flips} bits were flipped");
    neighbour.send("well\n");
    alice.find("[#lobby] neighbour: well");
    assert!(!alice.said().contains("panicked"));
    for line in alice.said().lines().filter(|line| line.contains("] t")) {
        assert!(line.ends_with(SAID), "something false was shown: {line}");
    }
    alice.expect_silence(SILENCE);
}

/// Bytes to tamper with in a stream of `length`: the preamble, the handshake, and all the way to
/// just before the closing record, behind which nothing is left to end.
fn spread(length: usize) -> Vec<usize> {
    let steps = 16;
    let end = length.saturating_sub(64);
    (0..8)
        .step_by(3)
        .chain((8..end).step_by((end / steps).max(1)))
        .collect()
}
