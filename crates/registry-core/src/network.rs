//! Network of a caller without credentials: its requests are counted by it.

use std::fmt;
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// Network of an address: the /24 of an IPv4 address, the /64 of an IPv6 address.
///
/// A subscriber commonly has a whole /64 and can send every request from another address of it. A /24 is the smallest
/// range that is routed by itself. An IPv4 address mapped into IPv6 counts as the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Network(IpNet);

impl Network {
    /// Returns the network of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        let net = match address.to_canonical() {
            IpAddr::V4(address) => IpNet::V4(Ipv4Net::new_assert(address, 24)),
            IpAddr::V6(address) => IpNet::V6(Ipv6Net::new_assert(address, 64)),
        };
        Self(net.trunc())
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> String {
        Network::of(address.parse().unwrap()).to_string()
    }

    #[test]
    fn an_address_counts_as_its_network() {
        assert_eq!(network("192.0.2.77"), "192.0.2.0/24");
        assert_eq!(network("::ffff:192.0.2.1"), "192.0.2.0/24");
        assert_eq!(network("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_ne!(network("192.0.3.1"), network("192.0.2.1"));
        assert_ne!(network("2001:db8:1:3::1"), network("2001:db8:1:2::1"));
    }
}
