//! The caller's address. `X-Forwarded-For` is believed only from trusted proxies, and only as far as they wrote it.

use std::net::IpAddr;

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// The right-most address that no trusted proxy has, or the peer itself.
pub fn client_ip(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let is_trusted = |ip: IpAddr| trusted.iter().any(|range| range.contains(&ip));
    let peer = peer?.to_canonical();
    if !is_trusted(peer) {
        return Some(peer);
    }
    let hops: Vec<IpAddr> = headers
        .get_all("x-forwarded-for")
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map_while(|hop| hop.trim().parse::<IpAddr>().ok())
        .map(|ip| ip.to_canonical())
        .collect();
    hops.iter().rev().copied().find(|&hop| !is_trusted(hop)).or(Some(peer))
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn seen(peer: &str, forwarded: &str) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static("x-forwarded-for"),
            HeaderValue::from_str(forwarded).unwrap(),
        );
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        client_ip(peer.parse().ok(), &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn a_stranger_cannot_choose_an_address() {
        assert_eq!(seen("203.0.113.9", "192.0.2.1"), "203.0.113.9");
    }

    #[test]
    fn a_trusted_proxy_tells_who_called_it() {
        assert_eq!(seen("10.0.0.1", "192.0.2.1"), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, 192.0.2.1, 10.0.0.7"), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", "nonsense"), "10.0.0.1");
        assert_eq!(seen("::ffff:10.0.0.1", "::ffff:192.0.2.1"), "192.0.2.1");
    }
}
