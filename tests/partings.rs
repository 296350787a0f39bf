//! How others see somebody go: left, or lost, and how.

use crate::harness::network::Network;
use crate::harness::server::Setup;
use crate::harness::{Conversation, Home, Program, SILENCE, Server, tools};
use rustix::process::Signal;
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

#[test]
fn a_silent_netcat_stays() {
    let server = Server::with_config(
        "[limits]\nlogin-timeout = \"1s\"\nmessage-timeout = \"200ms\"\nstall-timeout = \"200ms\"\n\
         ping-after = \"200ms\"\ngone-after = \"400ms\"\n",
    );
    let [mut alice, mut bob] = server.enter_all(["alice", "bob"]);
    // Ten times as long as anybody else could be silent.
    bob.expect_silence(Duration::from_secs(4));
    alice.send("still there?\n");
    bob.expect("[#lobby] alice: still there?");
    bob.send("yes\n");
    alice.expect("[#lobby] bob: yes");
}

#[test]
fn a_silent_sealed_client_answers_pings_and_stays() {
    let server = Server::with_config("[limits]\nping-after = \"200ms\"\ngone-after = \"600ms\"\n");
    let mut alice = server.enter("alice");
    let home = Home::new();
    let mut bob = server.client(&home, "bob", &mut alice);
    alice.expect_silence(Duration::from_secs(3));
    bob.send("here\n");
    alice.expect("[#lobby] bob: here");
}

#[test]
fn a_reset_is_a_lost_connection() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let stream = TcpStream::connect(server.line()).unwrap();
    let mut bob = Conversation::over("bob", stream.try_clone().unwrap());
    bob.send("bob\n");
    bob.find("-> You are bob {}");
    alice.expect(" * #lobby: bob joined (2 here)");
    // No lingering: closing it discards everything and resets the connection.
    let no_time = Some(Duration::ZERO);
    socket2::SockRef::from(&stream).set_linger(no_time).unwrap();
    drop((bob, stream));
    alice.expect(" * #lobby: bob lost the connection after {} (reset)");
}

#[test]
fn a_killed_client_is_lost_and_one_that_quits_has_left() {
    let server = Server::start();
    let mut alice = server.enter("alice");
    let home = Home::new();
    let bob = server.client(&home, "bob", &mut alice);
    bob.signal(Signal::KILL);
    alice.expect(" * #lobby: bob lost the connection after {} (reset)");

    let mut carol = server.client(&home, "carol", &mut alice);
    carol.send("/quit bye\n");
    alice.expect(" * #lobby: carol left after {} (bye)");
    assert_eq!(carol.exit_code(), 0);

    let dave = server.client(&home, "dave", &mut alice);
    dave.signal(Signal::TERM);
    alice.expect(" * #lobby: dave left after {}");
}

#[test]
fn a_killed_netcat_has_ended_its_input_and_so_left() {
    let Some(netcat) = tools::find(&["nc.openbsd", "nc"]) else {
        return;
    };
    let server = Server::start();
    let mut alice = server.enter("alice");
    let (ip, port) = (
        server.line().ip().to_string(),
        server.line().port().to_string(),
    );
    let mut bob = Program::start("nc", Command::new(netcat).args([ip, port]));
    bob.send("bob\n");
    bob.find("-> You are bob {}");
    alice.expect(" * #lobby: bob joined (2 here)");
    bob.signal(Signal::KILL);
    alice.expect(" * #lobby: bob left after {}");
}

/// Two hosts on a wire of their own: this one, and a namespace in which programs can be run.
struct Wire {
    network: Network,
    namespace: String,
}

impl Wire {
    /// Lays the wire; `number` tells the wires of one run apart. The interface here goes with its
    /// end in the namespace.
    fn lay(ip: PathBuf, number: u8) -> Self {
        let mut network = Network::new(ip, number);
        let namespace = network.add_namespace("");
        let wire = Self { network, namespace };
        let (network, name) = (&wire.network, &wire.namespace);
        let (here, there) = (wire.here(), wire.there());
        network.run(&format!("link add {name}a type veth peer name {name}b"));
        network.run(&format!("link set {name}b netns {name}"));
        network.run(&format!("addr add {here}/24 dev {name}a"));
        network.run(&format!("link set {name}a up"));
        network.run(&format!("-n {name} addr add {there}/24 dev {name}b"));
        network.run(&format!("-n {name} link set {name}b up"));
        wire
    }

    fn here(&self) -> String {
        self.network.address(1)
    }

    fn there(&self) -> String {
        self.network.address(2)
    }

    /// Cuts the wire: neither side's system learns of it.
    fn cut(&self) {
        let name = &self.namespace;
        self.network
            .run(&format!("-n {name} link set {name}b down"));
    }

    /// A command that runs `program` on the other host.
    fn command(&self, program: &Command) -> Command {
        self.network.command(&self.namespace, program)
    }
}

#[test]
fn a_dead_link_is_a_lost_connection_on_both_doors() {
    let Some((ip, netcat)) = tools::find(&["ip"]).zip(tools::find(&["nc.openbsd", "nc"])) else {
        return;
    };
    if !tools::is_root() {
        return;
    }
    let wire = Wire::lay(ip, 0);
    let here = wire.here();
    let server = Server::launch(&Setup {
        config: "[limits]\nping-after = \"300ms\"\ngone-after = \"1s\"\nkeepalive = \"1s\"\n\
                 stall-timeout = \"2s\"\n",
        sealed: &format!("{here}:0"),
        line: &format!("insecure:{here}:0"),
        ..Setup::default()
    });
    let mut alice = server.enter("alice");

    let port = server.line().port().to_string();
    let mut bob = Program::start(
        "nc",
        &mut wire.command(Command::new(netcat).args([&here, &port])),
    );
    bob.send("bob\n");
    bob.find("-> You are bob {}");
    alice.expect(" * #lobby: bob joined (2 here)");
    let home = Home::new();
    let client = home.command(&["--name", "carol", server.ready("address")]);
    let _carol = Program::start("parlour", &mut wire.command(&client));
    alice.expect(" * #lobby: carol joined (3 here)");

    alice.expect_silence(SILENCE);
    wire.cut();
    let one = alice.expect(" * #lobby: {} lost the connection after {} ({})");
    let other = alice.expect(" * #lobby: {} lost the connection after {} ({})");
    let lost = [one.split(' ').nth(3), other.split(' ').nth(3)];
    assert!(
        lost.contains(&Some("bob")) && lost.contains(&Some("carol")),
        "{lost:?}"
    );
    alice.send("/names\n");
    alice.expect("-> names #lobby: alice(plain)");
}
