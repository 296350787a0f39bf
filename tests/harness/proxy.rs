//! A tap on the wire: passes connections on to a server, records what goes by, and may flip one
//! bit of it or lead to another server.

use super::clock;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// From the client.
    ToServer,
    /// From the server.
    ToClient,
}

/// One bit of a stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bit {
    /// Of which stream.
    pub(crate) way: Way,
    /// In which of its bytes, counted from the first.
    pub(crate) byte: usize,
    /// Which of the eight.
    pub(crate) bit: u8,
}

/// A running tap.
pub(crate) struct Proxy {
    address: SocketAddr,
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    upstream: SocketAddr,
    flip: Option<Bit>,
    has_flipped: bool,
    to_server: Vec<u8>,
    to_client: Vec<u8>,
    accepted: usize,
    ended: usize,
    /// Both ends of every connection.
    streams: Vec<TcpStream>,
}

impl Proxy {
    /// Begins to pass on to `upstream`.
    pub(crate) fn start(upstream: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Self {
            address: listener.local_addr().unwrap(),
            shared: Arc::new(Mutex::new(Shared {
                upstream,
                flip: None,
                has_flipped: false,
                to_server: Vec::new(),
                to_client: Vec::new(),
                accepted: 0,
                ended: 0,
                streams: Vec::new(),
            })),
        };
        let shared = Arc::clone(&proxy.shared);
        thread::spawn(move || {
            for client in listener.incoming() {
                pass_on(client.unwrap(), &shared);
            }
        });
        proxy
    }

    /// Where to connect.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Leads further connections to another server.
    pub(crate) fn lead_to(&self, upstream: SocketAddr) {
        self.shared.lock().unwrap().upstream = upstream;
    }

    /// Cuts all connections of the moment, without a goodbye on either side.
    pub(crate) fn cut(&self) {
        for stream in self.shared.lock().unwrap().streams.drain(..) {
            // One that has ended already is as good as cut.
            let _ = stream.shutdown(Shutdown::Both);
        }
    }

    /// Flips one bit of the next connection, counting its bytes from now.
    pub(crate) fn flip(&self, bit: Bit) {
        let mut shared = self.shared.lock().unwrap();
        shared.to_server.clear();
        shared.to_client.clear();
        shared.has_flipped = false;
        shared.flip = Some(bit);
    }

    /// Whether the bit has gone by.
    pub(crate) fn has_flipped(&self) -> bool {
        self.shared.lock().unwrap().has_flipped
    }

    /// Everything that went by.
    pub(crate) fn recorded(&self, way: Way) -> Vec<u8> {
        let shared = self.shared.lock().unwrap();
        match way {
            Way::ToServer => shared.to_server.clone(),
            Way::ToClient => shared.to_client.clone(),
        }
    }

    /// Connections passed on so far.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.lock().unwrap().accepted
    }

    /// Waits until all connections have ended on both sides.
    #[track_caller]
    pub(crate) fn wait_for_end(&self) {
        clock::wait_for("the tapped connections to end", || {
            let shared = self.shared.lock().unwrap();
            (shared.ended == 2 * shared.accepted).then_some(())
        });
    }
}

/// Connects a client with the server of the moment, a thread for each way.
fn pass_on(client: TcpStream, shared: &Arc<Mutex<Shared>>) {
    let upstream = shared.lock().unwrap().upstream;
    let Ok(server) = TcpStream::connect(upstream) else {
        return;
    };
    shared.lock().unwrap().accepted += 1;
    for stream in [&client, &server] {
        stream.set_nodelay(true).unwrap();
        let copy = stream.try_clone().unwrap();
        shared.lock().unwrap().streams.push(copy);
    }
    let ways = [
        (
            Way::ToServer,
            client.try_clone().unwrap(),
            server.try_clone().unwrap(),
        ),
        (Way::ToClient, server, client),
    ];
    for (way, from, to) in ways {
        let shared = Arc::clone(shared);
        thread::spawn(move || {
            copy(way, from, to, &shared);
            shared.lock().unwrap().ended += 1;
        });
    }
}

fn copy(way: Way, mut from: TcpStream, mut to: TcpStream, shared: &Mutex<Shared>) {
    let mut bytes = vec![0; 64 * 1024];
    loop {
        match from.read(&mut bytes) {
            Ok(count @ 1..) => {
                record(way, &mut bytes[..count], &mut shared.lock().unwrap());
                if to.write_all(&bytes[..count]).is_err() {
                    // Who no longer takes anything is not owed more; the sender must learn it.
                    let _ = from.shutdown(Shutdown::Both);
                    return;
                }
            }
            Ok(_) => {
                let _ = to.shutdown(Shutdown::Write);
                return;
            }
            Err(_) => {
                let _ = to.shutdown(Shutdown::Both);
                return;
            }
        }
    }
}

/// Flips the bit if it is among `bytes`, and keeps a copy of them.
fn record(way: Way, bytes: &mut [u8], shared: &mut Shared) {
    let before = match way {
        Way::ToServer => shared.to_server.len(),
        Way::ToClient => shared.to_client.len(),
    };
    if let Some(flip) = shared.flip
        && flip.way == way
        && (before..before + bytes.len()).contains(&flip.byte)
        && !shared.has_flipped
    {
        bytes[flip.byte - before] ^= 1 << flip.bit;
        shared.has_flipped = true;
    }
    match way {
        Way::ToServer => shared.to_server.extend_from_slice(bytes),
        Way::ToClient => shared.to_client.extend_from_slice(bytes),
    }
}

#[test]
fn the_tap_records_flips_and_ends() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = Proxy::start(listener.local_addr().unwrap());
    proxy.flip(Bit {
        way: Way::ToServer,
        byte: 2,
        bit: 0,
    });
    let mut client = super::Conversation::connect("client", proxy.address());
    let mut server = super::Conversation::over("server", listener.accept().unwrap().0);
    client.send("aaaa\n");
    server.expect("aa`a");
    server.send("bb\n");
    client.expect("bb");
    client.finish();
    server.expect_end();
    server.finish();
    client.expect_end();
    proxy.wait_for_end();
    assert!(proxy.has_flipped());
    assert_eq!(proxy.accepted(), 1);
    assert_eq!(proxy.recorded(Way::ToClient), b"bb\n");
}
