//! Sources: from which of this machine's addresses connections are made.
//!
//! A port can be used once per pair of addresses, and a server may bound what comes from one place;
//! so on loopback, where every address of 127.0.0.0/8 is ours, connections are spread.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

/// Connections made from one address before the next is used.
const CONNECTIONS_PER_SOURCE: usize = 100;
/// Addresses used of each 127.x.y.0/24.
const HOSTS_PER_NETWORK: usize = 250;

/// Where connections come from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Sources {
    /// Wherever the system chooses.
    System,
    /// All over 127.0.0.0/8.
    Loopback,
    /// These, in turn.
    Listed(Vec<IpAddr>),
}

impl Sources {
    /// What fits `server` when nothing is asked for.
    pub(crate) fn fitting(server: SocketAddr) -> Self {
        match server.ip() {
            IpAddr::V4(address) if address.is_loopback() => Self::Loopback,
            IpAddr::V4(_) | IpAddr::V6(_) => Self::System,
        }
    }

    /// Where connection `index` comes from; the system picks the port.
    pub(crate) fn of(&self, index: usize) -> Option<SocketAddr> {
        let address = match self {
            Self::System => return None,
            Self::Listed(listed) => listed[index % listed.len()],
            Self::Loopback => {
                let place = index / CONNECTIONS_PER_SOURCE;
                let (network, host) = (place / HOSTS_PER_NETWORK, place % HOSTS_PER_NETWORK);
                let octet = |value: usize| u8::try_from(value).expect("less than 256");
                // 127.0.0.x is where people look for their own servers.
                IpAddr::V4(Ipv4Addr::new(
                    127,
                    1 + octet(network / 250 % 250),
                    octet(network % 250),
                    1 + octet(host),
                ))
            }
        };
        Some(SocketAddr::new(address, 0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    #[test]
    fn loopback_connections_are_spread_evenly() {
        let mut counts = BTreeMap::<_, usize>::new();
        for index in 0..100_000 {
            let source = Sources::Loopback.of(index).unwrap();
            assert!(source.ip().is_loopback());
            *counts.entry(source.ip()).or_default() += 1;
        }
        assert!(
            counts
                .values()
                .all(|count| *count == CONNECTIONS_PER_SOURCE)
        );
    }
}
