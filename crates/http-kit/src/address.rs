//! Client address of a request.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// Range of addresses, such as `10.0.0.0/8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr(IpNet);

/// Text that is not a range of addresses.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a CIDR such as 10.0.0.0/8 or ::1/128")]
pub struct CidrError(String);

impl FromStr for Cidr {
    type Err = CidrError;

    /// Parses a range, or one address.
    fn from_str(text: &str) -> Result<Self, CidrError> {
        let one = || text.parse::<IpAddr>().map(IpNet::from).ok();
        text.parse().ok().or_else(one).map(Self).ok_or_else(|| CidrError(text.to_owned()))
    }
}

impl Cidr {
    pub(crate) fn contains(self, address: IpAddr) -> bool {
        self.0.contains(&address)
    }
}

/// Returns the client's address: the peer, or, when the peer is a trusted proxy, the rightmost untrusted address of
/// `X-Forwarded-For`.
pub(crate) fn client(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[Cidr]) -> IpAddr {
    let peer = peer.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ip| ip.to_canonical());
    let is_trusted = |ip: IpAddr| trusted.iter().any(|range| range.contains(ip));
    if trusted.is_empty() || !is_trusted(peer) {
        return peer;
    }
    let mut hops: Vec<&str> = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        hops.extend(value.to_str().unwrap_or_default().split(',').map(str::trim));
    }
    let mut client = peer;
    for hop in hops.into_iter().rev() {
        // An entry that is not an address was not written by a trusted proxy: stop at what is known.
        let Some(ip) = parse_hop(hop) else { break };
        client = ip;
        if !is_trusted(ip) {
            break;
        }
    }
    client
}

fn parse_hop(text: &str) -> Option<IpAddr> {
    let text = text.trim_matches(['[', ']']);
    text.parse::<IpAddr>().ok().map(|ip| ip.to_canonical())
}

/// Whether a request comes from this machine: a loopback peer, and no proxy in between.
pub(crate) fn is_local(peer: Option<IpAddr>, headers: &HeaderMap) -> bool {
    let loopback = peer.is_some_and(|ip| match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback(),
        IpAddr::V6(ip) => ip == Ipv6Addr::LOCALHOST,
    });
    let forwarded = ["x-forwarded-for", "forwarded", "x-real-ip", "x-forwarded-host"];
    loopback && !forwarded.iter().any(|name| headers.contains_key(*name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{HeaderName, HeaderValue};

    fn headers(values: &[&str]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for value in values {
            map.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(value).unwrap());
        }
        map
    }

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_forwarded_address_is_believed_from_trusted_proxies_alone() {
        let trusted: Vec<Cidr> = vec!["10.0.0.0/8".parse().unwrap()];
        let spoofed = headers(&["1.2.3.4"]);
        assert_eq!(client(Some(ip("9.9.9.9")), &spoofed, &trusted), ip("9.9.9.9"));
        assert_eq!(client(Some(ip("10.0.0.1")), &spoofed, &[]), ip("10.0.0.1"));
        let chain = headers(&["6.6.6.6, 1.2.3.4", "10.0.0.2"]);
        assert_eq!(client(Some(ip("10.0.0.1")), &chain, &trusted), ip("1.2.3.4"));
        let broken = headers(&["1.2.3.4, nonsense"]);
        assert_eq!(client(Some(ip("10.0.0.1")), &broken, &trusted), ip("10.0.0.1"));
    }

    #[test]
    fn a_request_through_a_proxy_is_not_local() {
        assert!(is_local(Some(ip("127.0.0.1")), &HeaderMap::new()));
        assert!(!is_local(Some(ip("127.0.0.1")), &headers(&["127.0.0.1"])));
        assert!(!is_local(Some(ip("10.0.0.1")), &HeaderMap::new()));
    }

    #[test]
    fn ranges_contain_what_they_should() {
        let v6: Cidr = "fd00::/8".parse().unwrap();
        assert!(v6.contains(ip("fd12::1")) && !v6.contains(ip("fe80::1")) && !v6.contains(ip("10.0.0.1")));
        assert!("0.0.0.0/0".parse::<Cidr>().unwrap().contains(ip("8.8.8.8")));
        for text in ["10.0.0.0/33", "ten", "", "::/129", "1.2.3.4/-1"] {
            assert!(text.parse::<Cidr>().is_err(), "{text}");
        }
    }
}

#[cfg(test)]
mod model;
