//! The caller's address. `X-Forwarded-For` is believed only from trusted proxies, and only as far as they wrote it.

use std::net::{IpAddr, SocketAddr};

use actix_web::http::header::HeaderMap;
use ipnet::IpNet;

/// What `X-Forwarded-For` tells, read from the right: each proxy adds whom it heard at that end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forwarded {
    /// There is no such header, or nothing in it.
    Untold,
    /// An element is no address: nothing left of it can be believed.
    Unreadable,
    /// The right-most address that no trusted proxy has; when all are trusted, the left-most.
    From(IpAddr),
}

impl Forwarded {
    /// Reads the header, or several as if they were one.
    pub fn read(headers: &HeaderMap, trusted: &[IpNet]) -> Self {
        let values: Vec<&str> = headers
            .get_all("x-forwarded-for")
            .map(|value| value.to_str().unwrap_or("unreadable"))
            .collect();
        if values.iter().all(|value| value.is_empty()) {
            return Self::Untold;
        }
        let mut told = Self::Untold;
        for element in values.iter().rev().flat_map(|value| value.rsplit(',')) {
            let Some(ip) = parse_ip(element) else { return Self::Unreadable };
            told = Self::From(ip);
            if !is_trusted(ip, trusted) {
                break;
            }
        }
        told
    }
}

/// Who sends a request: the peer itself, or whom trusted proxies heard.
pub fn client_ip(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    let peer = peer?.to_canonical();
    if !is_trusted(peer, trusted) {
        return Some(peer);
    }
    match Forwarded::read(headers, trusted) {
        Forwarded::From(ip) => Some(ip),
        Forwarded::Untold | Forwarded::Unreadable => Some(peer),
    }
}

/// With or without a port, with or without brackets; IPv4 folded out of IPv6.
pub fn parse_ip(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
    let ip =
        bare.parse().ok().or_else(|| text.parse().ok().map(|socket: SocketAddr| socket.ip()))?;
    Some(ip.to_canonical())
}

fn is_trusted(ip: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|range| range.contains(&ip))
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

    #[test]
    fn what_a_stranger_wrote_to_the_left_changes_nothing() {
        assert_eq!(seen("10.0.0.1", "nonsense, 192.0.2.1"), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, nonsense, 192.0.2.1"), "192.0.2.1");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, nonsense, 10.0.0.7"), "10.0.0.1");
    }
}
