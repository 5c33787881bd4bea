//! IP ranges as typed and as kept: without host bits, and IPv4 in IPv6's clothes as IPv4.

use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net};

use super::spaced;
use crate::text;

/// No list is longer.
const MOST_RANGES: usize = 1_000;

/// An address or a range; host bits are cleared.
pub fn parse_range(typed: &str) -> Option<IpNet> {
    let range =
        typed.parse::<IpNet>().or_else(|_| typed.parse::<IpAddr>().map(IpNet::from)).ok()?;
    Some(fold_mapped(range.trunc()))
}

/// `::ffff:192.0.2.0/120` is `192.0.2.0/24`, as addresses are folded before they are compared.
pub fn fold_mapped(range: IpNet) -> IpNet {
    match range {
        IpNet::V6(v6) if v6.prefix_len() >= 96 => v6
            .addr()
            .to_ipv4_mapped()
            .and_then(|v4| Ipv4Net::new(v4, v6.prefix_len() - 96).ok())
            .map_or(range, IpNet::V4),
        _ => range,
    }
}

/// A list: one on each line, or set apart by commas and blanks; sorted, and nothing twice.
///
/// # Errors
/// The sentence for the field, with the line.
pub fn parse_ranges(typed: &str) -> Result<Vec<IpNet>, String> {
    let mut ranges = Vec::new();
    for (line, entry) in entries(typed) {
        let range = parse_range(entry).ok_or_else(|| {
            format!(
                "Line {line}: {} is no IP address or range. Write it like 203.0.113.9, 203.0.113.0/24 or 2001:db8::/32.",
                quoted(entry)
            )
        })?;
        ranges.push(range);
    }
    if ranges.len() > MOST_RANGES {
        return Err(format!(
            "At most {} ranges; these are {}. A wider range covers several.",
            spaced(MOST_RANGES as i64),
            spaced(ranges.len() as i64)
        ));
    }
    ranges.sort_unstable();
    ranges.dedup();
    Ok(ranges)
}

/// Whether exceptions make sense beside what is allowed: each takes something away, and something is left.
///
/// # Errors
/// The sentence for the exceptions.
pub fn check_ranges(allowed: &[IpNet], excluded: &[IpNet]) -> Result<(), String> {
    let overlap = |one: &IpNet, other: &IpNet| one.contains(other) || other.contains(one);
    let stray = excluded
        .iter()
        .find(|out| !(allowed.is_empty() || allowed.iter().any(|range| overlap(range, out))));
    if let Some(stray) = stray {
        return Err(format!(
            "{stray} is in none of the allowed ranges, so it is refused anyway. Take it out, or allow a range around it."
        ));
    }
    let anywhere = [IpNet::V4(Ipv4Net::default()), IpNet::V6(ipnet::Ipv6Net::default())];
    let allowed = if allowed.is_empty() { &anywhere[..] } else { allowed };
    if allowed.iter().all(|range| excluded.iter().any(|out| out.contains(range))) {
        return Err("These exceptions leave no address at all. Make them narrower.".into());
    }
    Ok(())
}

/// What stands on the lines, with the number of its line.
pub(super) fn entries(typed: &str) -> impl Iterator<Item = (usize, &str)> {
    typed.lines().enumerate().flat_map(|(at, line)| {
        line.split([',', ' ', '\t']).filter(|entry| !entry.is_empty()).map(move |it| (at + 1, it))
    })
}

/// What was typed, as far as it can be shown in a sentence.
pub(super) fn quoted(typed: &str) -> String {
    let short: String = typed.chars().take(60).collect();
    match (text::is_showable(typed), short == typed) {
        (false, _) => "this".into(),
        (true, true) => format!("“{typed}”"),
        (true, false) => format!("“{short}…”"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(typed: &str) -> Vec<String> {
        parse_ranges(typed).unwrap().iter().map(ToString::to_string).collect()
    }

    fn ranges(typed: &str) -> Vec<IpNet> {
        parse_ranges(typed).unwrap()
    }

    #[test]
    fn a_range_loses_its_host_bits_and_its_disguise() {
        for (typed, meant) in [
            ("10.0.0.5/8", "10.0.0.0/8"),
            ("203.0.113.9", "203.0.113.9/32"),
            ("::ffff:1.2.3.4", "1.2.3.4/32"),
            ("::ffff:1.2.3.4/112", "1.2.0.0/16"),
            ("::ffff:0:0/96", "0.0.0.0/0"),
            ("2001:db8::1/32", "2001:db8::/32"),
            ("2001:DB8::1", "2001:db8::1/128"),
        ] {
            assert_eq!(parsed(typed), [meant], "{typed}");
        }
    }

    #[test]
    fn a_list_is_sorted_and_has_nothing_twice() {
        assert_eq!(parsed(""), Vec::<String>::new());
        assert_eq!(parsed(" \r\n\n , \t"), Vec::<String>::new());
        let typed = "203.0.113.9\r\n10.1.2.3/8, 10.0.0.0/8 203.0.113.9/32\n";
        assert_eq!(parsed(typed), ["10.0.0.0/8", "203.0.113.9/32"]);
    }

    #[test]
    fn what_is_no_range_is_named_with_its_line() {
        for wrong in [
            "10.0.0.1/33",
            "10.0.0",
            "10.0.0.1/",
            "::1/129",
            "example.com",
            "1.2.3.4:80",
            "010.0.0.1",
            "fe80::1%eth0",
            "10.0.0.1-10.0.0.9",
            "１.2.3.4",
            "*",
        ] {
            let sentence = parse_ranges(&format!("10.0.0.0/8\n\n{wrong}")).unwrap_err();
            assert!(sentence.starts_with(&format!("Line 3: “{wrong}” is no IP")), "{sentence}");
        }
        assert!(parse_ranges("a\u{202e}b").unwrap_err().starts_with("Line 1: this is no IP"));
        assert!(parse_ranges(&"x".repeat(10_000)).unwrap_err().len() < 300);
    }

    #[test]
    fn a_thousand_ranges_are_the_most() {
        let list = |count: u32| {
            (0..count).map(|n| format!("10.0.{}.{}\n", n >> 8, n & 255)).collect::<String>()
        };
        assert_eq!(ranges(&list(1_000)).len(), 1_000);
        assert!(parse_ranges(&list(1_001)).unwrap_err().contains("At most 1\u{202f}000 ranges"));
    }

    #[test]
    fn exceptions_take_something_away_and_leave_something() {
        let check = |allowed, excluded| check_ranges(&ranges(allowed), &ranges(excluded)).is_ok();
        assert!(check("", ""));
        assert!(check("10.0.0.0/8", ""));
        assert!(check("10.0.0.0/8", "10.1.0.0/16"));
        assert!(check("", "10.1.0.0/16"));
        assert!(check("10.0.0.0/8 192.0.2.0/24", "10.0.0.0/8"));
        assert!(!check("10.0.0.0/8", "192.0.2.1"));
        assert!(!check("10.0.0.0/8", "2001:db8::/32"));
        assert!(!check("10.0.0.0/8", "10.0.0.0/8"));
        assert!(!check("10.1.0.0/16", "10.0.0.0/8"));
        assert!(!check("", "0.0.0.0/0 ::/0"));
    }
}
