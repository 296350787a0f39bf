//! The cipher suites as the doors and the bundled client show them: both side by side, no third,
//! and no second try.

use crate::harness::proxy::Way;
use crate::harness::{Conversation, Home, Proxy, Server};
use std::io::{Read, Write};
use std::net::TcpListener;

/// What a server answers that does not speak the suite; the last byte is the highest version.
const UNKNOWN_SUITE: [u8; 4] = [0xff, 0xff, 2, 1];
/// Preamble, length and ephemeral key.
const HELLO_BYTES: usize = 8 + 2 + 32;

#[test]
fn both_suites_and_netcat_talk_in_one_room() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let proxies = [(); 2].map(|()| Proxy::start(server.sealed()));
    let homes = [Home::new(), Home::new()];
    let fingerprint = server.ready("fingerprint");
    let mut enter = |index: usize, name: &str, suite: &str| {
        let address = format!("parlour://{}#{fingerprint}", proxies[index].address());
        let client = homes[index].start(&["--suite", suite, "--name", name, &address]);
        alice.expect(&format!(" * #lobby: {name} joined ({{}} here)"));
        client
    };
    let mut bob = enter(0, "bob", "1");
    let mut carol = enter(1, "carol", "2");
    bob.send("from suite 1\n");
    alice.find("[#lobby] bob: from suite 1");
    carol.find("[#lobby] bob: from suite 1");
    carol.send("from suite 2\n");
    alice.expect("[#lobby] carol: from suite 2");
    bob.find("[#lobby] carol: from suite 2");
    alice.send("from neither\n");
    bob.find("[#lobby] alice: from neither");
    carol.find("[#lobby] alice: from neither");
    for mut client in [bob, carol] {
        client.finish();
        assert_eq!(client.exit_code(), 0);
    }
    for (proxy, suite) in proxies.iter().zip([1, 2]) {
        proxy.wait_for_end();
        let sent = proxy.recorded(Way::ToServer);
        assert_eq!(sent[..8], [b"PRLR\x01", &[suite, 0, 0][..]].concat());
    }
}

#[test]
fn an_unknown_suite_is_refused_and_harms_nobody() {
    let server = Server::start();
    let mut bob = server.enter("bob");
    for suite in [0, 3, 0x81, 0xff] {
        let mut guest = Conversation::connect("guest", server.sealed());
        guest.send([b"PRLR\x01", &[suite, 0, 0][..]].concat());
        assert_eq!(guest.bytes_to_end(), UNKNOWN_SUITE, "suite {suite}");
    }
    bob.send("/names\n");
    bob.expect("-> names #lobby: bob(plain)");
}

/// Goal: a refusal, which anybody on the path can forge, does not make the client ask for less.
/// Method: a server that refuses every suite counts who comes, though the client may retry.
#[test]
fn a_refused_client_says_so_and_tries_no_other_suite() {
    for suite in ["1", "2"] {
        let refuser = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = refuser.local_addr().unwrap().to_string();
        let first = std::thread::spawn(move || {
            let (mut socket, _) = refuser.accept().unwrap();
            let mut hello = [0; HELLO_BYTES];
            socket.read_exact(&mut hello).unwrap();
            socket.write_all(&UNKNOWN_SUITE).unwrap();
            (hello, refuser)
        });
        let (code, _, errors) = Home::new().run(
            &[
                "--suite", suite, "--retry", "20s", "--name", "bob", &address,
            ],
            "hi\n",
        );
        assert_eq!(code, 1, "{errors}");
        assert!(errors.contains("suite"), "{errors}");
        let (hello, refuser) = first.join().unwrap();
        assert_eq!(hello[5].to_string(), suite);
        refuser.set_nonblocking(true).unwrap();
        assert!(refuser.accept().is_err(), "suite {suite}: it came again");
    }
}
