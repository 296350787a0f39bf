//! From one machine to another: two network namespaces on a wire of their own, joined by the
//! address that the server prints; and somebody in between who has another key.

use crate::harness::network::Network;
use crate::harness::proxy::Way;
use crate::harness::server::bare_command;
use crate::harness::{Home, Program, Proxy, SILENCE, Server, tools};
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a client says before it knows who it talks to: preamble, length and ephemeral key.
const HELLO_BYTES: usize = 8 + 2 + 32;

/// Two hosts, each a namespace with a loopback, on one wire.
struct Hosts {
    network: Network,
    names: [String; 2],
}

impl Hosts {
    /// Makes them; the first has a default route over the wire, as a server's host has.
    fn make(ip: PathBuf) -> Self {
        let mut network = Network::new(ip, 3);
        let names = ["a", "b"].map(|end| network.add_namespace(end));
        let hosts = Self { network, names };
        let (network, [one, other]) = (&hosts.network, &hosts.names);
        network.run(&format!(
            "-n {one} link add wire type veth peer name wire netns {other}"
        ));
        for (index, name) in hosts.names.iter().enumerate() {
            let address = hosts.address(index);
            network.run(&format!("-n {name} addr add {address}/24 dev wire"));
            network.run(&format!("-n {name} link set wire up"));
            network.run(&format!("-n {name} link set lo up"));
        }
        network.run(&format!("-n {one} route add default dev wire"));
        hosts
    }

    fn address(&self, index: usize) -> String {
        self.network.address(index + 1)
    }

    /// A command that runs `program` on one of them.
    fn command(&self, index: usize, program: &Command) -> Command {
        self.network.command(&self.names[index], program)
    }
}

#[test]
fn the_printed_address_leads_from_one_host_to_the_other() {
    let Some(ip) = tools::find(&["ip"]) else {
        return;
    };
    if !tools::is_root() {
        return;
    }
    let hosts = Hosts::make(ip);
    let folder = tempfile::tempdir().unwrap();
    // Without a word about doors: the defaults must be right.
    let mut command = bare_command(folder.path());
    let command = command.arg("--ephemeral");
    let mut server = Program::start("parlourd", &mut hosts.command(0, command));
    let ready = server.find("ready {}");
    let address = ready
        .split(' ')
        .find_map(|word| word.strip_prefix("address="))
        .expect("the ready line has the address");
    let host = format!("parlour://{}:4747#", hosts.address(0));
    assert!(address.starts_with(&host), "{ready}");

    let (home, other_home) = (Home::new(), Home::new());
    let start = |home: &Home, name| {
        let client = home.command(&["--name", name, address]);
        Program::start(name, &mut hosts.command(1, &client))
    };
    let mut alice = start(&home, "alice");
    alice.find("-> You are alice {}");
    let mut bob = start(&other_home, "bob");
    alice.find(" * #lobby: bob joined (2 here)");
    bob.send("from the other host\n");
    alice.find("[#lobby] bob: from the other host");

    let check = |place: &str| {
        let client = home.command(&["check", place]);
        Program::run(&mut hosts.command(1, &client), "")
    };
    let (code, lines, errors) = check(address);
    assert_eq!(code, 0, "{lines:?} {errors}");
    // The line door is for its own host alone, and nobody has the third address.
    let (code, lines, _) = check(&format!("{}:4748", hosts.address(0)));
    assert_eq!(code, 1, "{lines:?}");
    assert!(
        lines.join("\n").contains("nothing listens there"),
        "{lines:?}"
    );
    let (code, lines, _) = check(&hosts.address(2));
    assert_eq!(code, 1, "{lines:?}");
    assert!(
        lines.join("\n").contains("network that leads there"),
        "{lines:?}"
    );
}

/// Goal: who stands in between with another key learns nothing and is never given a word, whatever
/// the client was told and however often. Method: a tap that leads to an impostor counts the bytes.
#[test]
fn a_man_in_the_middle_with_another_key_gets_no_word() {
    let (server, impostor) = (Server::start(), Server::start());
    let mut witness = impostor.enter("witness");
    let proxy = Proxy::start(server.sealed());
    let place = proxy.address().to_string();
    let named = format!("parlour://{place}#{}", server.ready("fingerprint"));
    let home = Home::new();
    // On the first contact the way is clear, and the key is remembered.
    let (code, _, errors) = home.run(&["--accept-new", "--name", "bob", &place], "hi\n");
    assert_eq!(code, 0, "{errors}");
    proxy.wait_for_end();

    proxy.lead_to(impostor.sealed());
    let mut told_before = proxy.recorded(Way::ToServer).len();
    let mut told = || {
        proxy.wait_for_end();
        let before = told_before;
        told_before = proxy.recorded(Way::ToServer).len();
        told_before - before
    };
    for arguments in [
        &["--name", "bob", &*place][..],
        &["--name", "bob", &named],
        &["--accept-new", "--name", "bob", &place],
        &["--accept-new", "--retry", "20s", "--name", "bob", &named],
        &["--suite", "1", "--name", "bob", &named],
        &["check", &place],
        &["check", &named],
    ] {
        let (code, lines, errors) = home.run(arguments, "secret\n");
        assert_eq!(code, 3, "{arguments:?}: {lines:?} {errors}");
        assert_eq!(told(), HELLO_BYTES, "{arguments:?}");
    }
    if let Some(python) = tools::python_with_ciphers() {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/other_client.py");
        let mut command = Command::new(python);
        let (code, _, errors) = Program::run(command.arg(script).args([&named, "bob"]), "hi\n");
        assert_eq!(code, 1, "{errors}");
        assert_eq!(told(), HELLO_BYTES);
    }
    witness.expect_silence(SILENCE);
    proxy.lead_to(server.sealed());
    let (code, _, errors) = home.run(&["--name", "bob", &place], "hi again\n");
    assert_eq!(code, 0, "{errors}");
}
