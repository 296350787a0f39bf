//! What the server says of itself at the start: to the operator, and to the script that started it.

use crate::chat::Door;
use crate::net::Server;
use std::net::{IpAddr, UdpSocket};

impl Server {
    /// What the operator is told at the start, for a person to read.
    pub fn banner(&self) -> String {
        let doors = |door| {
            self.addresses(door)
                .map_or("closed".to_owned(), |found| found.join(", "))
        };
        let invitation = match self.address() {
            Some(address) => format!("others connect with: parlour '{address}'"),
            None => "the sealed door is closed: nobody can connect with the parlour client".into(),
        };
        format!(
            "parlourd {}: sealed door {}, line door {} (plain text)\n\
             {}; room for {} clients; {}\n\
             rates, bounds per address and refusal at random do not apply to {}\n\
             {invitation}",
            env!("CARGO_PKG_VERSION"),
            doors(Door::Sealed),
            doors(Door::Line),
            self.data_words(),
            self.connections.capacity(),
            if has_fast_aes() {
                "AES in hardware"
            } else {
                "AES in software, several times slower"
            },
            self.config.trusted,
        )
    }

    /// Where the data is, who said so, whether it was there before, and what is kept of it.
    fn data_words(&self) -> String {
        let age = if self.identity.is_new {
            "new"
        } else {
            "existing"
        };
        let config = &self.config;
        let (Some(folder), Some(origin)) = (&config.data, config.data_origin) else {
            return "nothing is kept, not even this server's key".to_owned();
        };
        let folder = folder.display();
        if config.ephemeral {
            format!("{age} key from {folder}; nothing else is kept")
        } else {
            format!("data in {folder} ({age}, {origin}); what is said is kept")
        }
    }

    /// The line that scripts wait for.
    pub fn ready_line(&self) -> String {
        let doors = |door| {
            self.addresses(door)
                .map_or("off".to_owned(), |found| found.join(","))
        };
        format!(
            "ready sealed={} line={} metrics={} fingerprint={} address={}",
            doors(Door::Sealed),
            doors(Door::Line),
            self.operators
                .metrics_address()
                .map_or("off".to_owned(), |address| address.to_string()),
            self.identity.fingerprint,
            self.address().unwrap_or_else(|| "off".to_owned()),
        )
    }

    fn addresses(&self, door: Door) -> Option<Vec<String>> {
        let found: Vec<String> = self
            .listeners
            .iter()
            .filter(|listener| listener.door == door)
            .map(|listener| listener.address.to_string())
            .collect();
        (!found.is_empty()).then_some(found)
    }

    /// The address under which the bundled client finds this server, unless that door is closed.
    fn address(&self) -> Option<String> {
        let sealed = self
            .listeners
            .iter()
            .find(|listener| listener.door == Door::Sealed)?;
        Some(format!(
            "parlour://{}:{}#{}",
            self.host(sealed.address.ip()),
            sealed.address.port(),
            self.identity.fingerprint
        ))
    }

    /// The host by which others reach this server, as well as it can know.
    fn host(&self, bound: IpAddr) -> String {
        if let Some(name) = &self.config.public_name {
            return name.clone();
        }
        let specific = Some(bound).filter(|host| !host.is_unspecified());
        match specific.or_else(default_route) {
            Some(IpAddr::V6(host)) => format!("[{host}]"),
            Some(IpAddr::V4(host)) => host.to_string(),
            None => "localhost".to_owned(),
        }
    }
}

/// The address that this machine would use towards others. Connecting a UDP socket only asks the
/// routing table; the addresses are those set aside for documentation (RFC 5737, RFC 3849).
fn default_route() -> Option<IpAddr> {
    let ask = |own: &str, other: &str| {
        let socket = UdpSocket::bind(own).ok()?;
        socket.connect(other).ok()?;
        Some(socket.local_addr().ok()?.ip()).filter(|host| !host.is_loopback())
    };
    ask("0.0.0.0:0", "192.0.2.1:9").or_else(|| ask("[::]:0", "[2001:db8::1]:9"))
}

/// Whether the machine computes AES itself.
fn has_fast_aes() -> bool {
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    return std::arch::is_x86_feature_detected!("aes");
    #[cfg(target_arch = "aarch64")]
    return std::arch::is_aarch64_feature_detected!("aes");
    #[cfg(not(any(target_arch = "x86", target_arch = "x86_64", target_arch = "aarch64")))]
    false
}
