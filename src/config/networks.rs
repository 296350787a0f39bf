//! Networks: sets of addresses in CIDR notation, such as `10.0.0.0/8` or `fd00::/8`.

use serde::{Deserialize, Deserializer, de::Error};
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// All addresses whose first bits are those of `address`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    prefix_bits: u8,
}

/// Some networks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Networks(pub Vec<Network>);

/// Loopback, link-local and private networks (RFC 1918, 4193, 4291).
const PRIVATE: [&str; 8] = [
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
];

impl Network {
    /// Whether `address` is in it. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        let bits = |address: IpAddr| match address.to_canonical() {
            IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
            IpAddr::V6(address) => (address.to_bits(), 128),
        };
        let ((own, width), (other, other_width)) = (bits(self.address), bits(address));
        let differ = own ^ other;
        width == other_width
            && (self.prefix_bits == 0 || differ >> (128 - u32::from(self.prefix_bits)) == 0)
    }
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (host, prefix) = text.split_once('/').unwrap_or((text, ""));
        let mistake = || format!("{text:?} is no network; write \"10.0.0.0/8\" or \"fd00::/8\"");
        let address: IpAddr = host.parse().map_err(|_| mistake())?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            "" => width,
            digits => digits.parse().map_err(|_| mistake())?,
        };
        if prefix_bits > width {
            Err(mistake())
        } else {
            Ok(Self {
                address,
                prefix_bits,
            })
        }
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix_bits)
    }
}

impl Networks {
    /// Loopback and private networks.
    pub fn private() -> Self {
        let network = |text: &&str| text.parse().expect("the list is written by us");
        Self(PRIVATE.iter().map(network).collect())
    }

    /// Whether `address` is in any of them.
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }
}

impl<'de> Deserialize<'de> for Networks {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let texts = Vec::<String>::deserialize(from)?;
        let networks = texts
            .iter()
            .map(|text| text.parse().map_err(D::Error::custom));
        networks.collect::<Result<_, _>>().map(Self)
    }
}

impl fmt::Display for Networks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, network) in self.0.iter().enumerate() {
            write!(f, "{}{network}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}
