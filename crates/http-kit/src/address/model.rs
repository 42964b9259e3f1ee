//! Reference model: ranges are compared bit by bit, and the client's address is found by walking from the right.

use actix_web::http::header::{HeaderName, HeaderValue};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn bits(ip: IpAddr) -> Vec<bool> {
    let bytes = match ip {
        IpAddr::V4(ip) => ip.octets().to_vec(),
        IpAddr::V6(ip) => ip.octets().to_vec(),
    };
    bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1 == 1)).collect()
}

/// Addresses that often share their first bits.
fn addresses() -> impl Strategy<Value = IpAddr> {
    let near = prop_oneof![Just(0_u32), Just(u32::MAX), 0_u32..4, any::<u32>()];
    prop_oneof![
        4 => near.prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(0x0a00_0000 ^ bits))),
        2 => prop_oneof![0_u128..4, any::<u128>()].prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(0x2001_0db8 << 96 ^ bits))),
        1 => any::<u32>().prop_map(|bits| IpAddr::V6(Ipv4Addr::from_bits(bits).to_ipv6_mapped())),
    ]
}

fn hops() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => addresses().prop_map(|ip| ip.to_string()),
        1 => addresses().prop_map(|ip| format!(" [{ip}]\t")),
        2 => "[ -+.-~]{0,8}",
    ]
}

fn headers(values: &[String]) -> HeaderMap {
    let mut map = HeaderMap::new();
    for value in values {
        map.append(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_str(value).unwrap());
    }
    map
}

proptest! {
    #[test]
    fn a_range_holds_what_shares_its_first_bits(base in addresses(), other in addresses(), prefix in 0_u8..=130) {
        let range = format!("{base}/{prefix}").parse::<Cidr>();
        let (own, other_bits) = (bits(base), bits(other));
        let length = usize::from(prefix);
        prop_assert_eq!(range.is_ok(), length <= own.len());
        if let Ok(range) = range {
            let same = own.len() == other_bits.len() && own.iter().zip(&other_bits).take(length).all(|(a, b)| a == b);
            prop_assert_eq!(range.contains(other), same);
            prop_assert!(range.contains(base));
        }
        prop_assert_eq!(base.to_string().parse::<Cidr>().unwrap().contains(other), own == other_bits);
    }

    #[test]
    fn the_client_is_the_first_address_from_the_right_that_is_not_trusted(
        peer in addresses(), values in vec(vec(hops(), 0..4), 0..3), trusted in vec((addresses(), 0_u8..33), 0..3)
    ) {
        let trusted: Vec<Cidr> = trusted.iter().map(|(base, prefix)| format!("{base}/{prefix}").parse().unwrap()).collect();
        let joined: Vec<String> = values.iter().map(|hops| hops.join(",")).collect();
        let found = client(Some(peer), &headers(&joined), &trusted);
        // One line with all hops means the same.
        prop_assert_eq!(client(Some(peer), &headers(&[joined.join(",")]), &trusted), found);
        let trusts = |ip: IpAddr| trusted.iter().any(|range| range.contains(ip));
        let mut expected = peer.to_canonical();
        for hop in joined.iter().flat_map(|value| value.split(',')).collect::<Vec<_>>().into_iter().rev() {
            if !trusts(expected) {
                break;
            }
            let hop = hop.trim().trim_start_matches(['[', ']']).trim_end_matches(['[', ']']);
            let Ok(ip) = hop.parse::<IpAddr>() else { break };
            expected = ip.to_canonical();
        }
        prop_assert_eq!(found, expected);
    }

    #[test]
    fn any_text_is_a_range_or_none(text in "[0-9a-f.:/+-]{0,24}|\\PC{0,10}") {
        if let Ok(range) = text.parse::<Cidr>() {
            let base = text.split('/').next().unwrap().parse::<IpAddr>().unwrap();
            prop_assert!(range.contains(base));
        }
    }
}
