//! Who is sent away, as those see it who are: words, codes, and doors that stay closed.

use crate::harness::house::{figure, metrics_of, scrape};
use crate::harness::server::{Setup, stream_from};
use crate::harness::{Conversation, Server};
use std::io::Read as _;
use std::net::{IpAddr, SocketAddr, UdpSocket};
use std::path::Path;

/// "FF FF", then that the address is banned, then our version.
const BANNED: [u8; 4] = [0xff, 0xff, 5, 1];

/// A server that keeps what it is told and can be reached from other addresses than loopback ones.
fn open_house(data: &Path) -> Server {
    Server::launch(&Setup {
        data: Some(data),
        sealed: "0.0.0.0:0",
        line: "insecure:0.0.0.0:0",
        flags: &["--metrics", "127.0.0.1:0"],
        ..Setup::default()
    })
}

/// An address of this machine by which others know it; loopback ones are never banned. Nothing is
/// sent to find out.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").unwrap();
    socket.connect("192.0.2.1:9").ok()?;
    let address = socket.local_addr().unwrap().ip();
    (!address.is_loopback()).then_some(address)
}

/// The administrator, at the line door of this machine.
#[track_caller]
fn admin(server: &Server, data: &Path) -> Conversation {
    let password = std::fs::read_to_string(data.join("admin-password")).unwrap();
    let mut admin = Conversation::connect("admin", door(server.line(), [127, 0, 0, 1].into()));
    admin.send(format!("/login admin\n{}\n", password.trim()));
    admin.find("-> You are admin{}");
    admin
}

/// The door at that address.
fn door(listening: SocketAddr, at: IpAddr) -> SocketAddr {
    SocketAddr::new(at, listening.port())
}

#[test]
fn who_is_banned_from_the_server_is_told_at_the_door() {
    let Some(outside) = own_address() else {
        eprintln!("skipped: this machine has no address but loopback ones");
        return;
    };
    let data = tempfile::tempdir().unwrap();
    let mut server = open_house(data.path());
    let mut admin_here = admin(&server, data.path());
    let knock = |server: &Server, who: &str| {
        let stream = stream_from(outside, door(server.line(), outside));
        Conversation::over(who, stream)
    };
    let mut pest = knock(&server, "pest");
    pest.send("pest\n");
    pest.find("-> You are pest{}");
    admin_here.send("/ban pest server 1h told twice\n");
    admin_here.find("-> pest is banned from this server for 1h");
    pest.find("-> Bye (you were banned from this server by admin for 1h (told twice)).");
    pest.expect_end();

    let refused = "Err: you are banned from this server for another {} (told twice)";
    let mut again = knock(&server, "again");
    again.expect(refused);
    again.expect_end();
    let mut sealed = stream_from(outside, door(server.sealed(), outside));
    let mut said = Vec::new();
    // That the door is closed at once may be seen as a reset behind what was said.
    let _ = sealed.read_to_end(&mut said);
    assert_eq!(said, BANNED);
    let page = scrape(metrics_of(&server));
    let count = figure(&page, "parlour_refusals_total{reason=\"banned\"}");
    assert!((count - 2.0).abs() < f64::EPSILON, "{page}");

    // It outlasts the server, and ends when it is undone.
    server.terminate();
    assert_eq!(server.exit_code(), 0);
    let server = open_house(data.path());
    knock(&server, "again").expect(refused);
    let mut admin_here = admin(&server, data.path());
    admin_here.send("/unban pest server\n");
    admin_here.find("-> pest {}");
    knock(&server, "again").find("-> Your name?");
}
