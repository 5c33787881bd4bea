//! Web origins (RFC 6454) as typed and as kept: as browsers spell them in `Origin`.

use url::Url;

use super::ranges::{entries, quoted};

/// No list is longer.
const MOST_ORIGINS: usize = 100;
/// Longer than any name of a host with its port.
const LONGEST: usize = 300;

/// An origin: scheme, host and, unless it is the usual one, port. A slash at the end, as copied from an address bar,
/// is dropped; there are no wildcards.
pub fn parse_origin(typed: &str) -> Option<String> {
    if typed.len() > LONGEST || typed.contains(['*', '\\']) || !typed.contains("://") {
        return None;
    }
    let url = Url::parse(typed).ok()?;
    let is_bare = matches!(url.scheme(), "http" | "https")
        && url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    is_bare.then(|| url.origin().ascii_serialization())
}

/// A list: one on each line, or set apart by commas and blanks; sorted, and nothing twice.
///
/// # Errors
/// The sentence for the field, with the line.
pub fn parse_origins(typed: &str) -> Result<Vec<String>, String> {
    let mut origins = Vec::new();
    for (line, entry) in entries(typed) {
        if entry.contains('*') {
            return Err(format!(
                "Line {line}: {} has a wildcard. Write each origin by itself.",
                quoted(entry)
            ));
        }
        let origin = parse_origin(entry).ok_or_else(|| {
            format!(
                "Line {line}: {} is no origin. Write it like https://shop.example, without a path.",
                quoted(entry)
            )
        })?;
        origins.push(origin);
    }
    if origins.len() > MOST_ORIGINS {
        return Err(format!("At most {MOST_ORIGINS} origins; these are {}.", origins.len()));
    }
    origins.sort_unstable();
    origins.dedup();
    Ok(origins)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_kept_as_browsers_spell_it() {
        for (typed, meant) in [
            ("https://shop.example", "https://shop.example"),
            ("https://shop.example/", "https://shop.example"),
            ("HTTPS://Shop.Example:443", "https://shop.example"),
            ("http://localhost:3000", "http://localhost:3000"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
            ("http://[::1]:8080", "http://[::1]:8080"),
        ] {
            assert_eq!(parse_origin(typed).as_deref(), Some(meant), "{typed}");
        }
    }

    #[test]
    fn what_is_no_origin_is_named_with_its_line() {
        for wrong in [
            "shop.example",
            "https:shop.example",
            "https://",
            "https://shop.example/path",
            "https://shop.example?a=b",
            "https://shop.example#top",
            "https://me@shop.example",
            "null",
            "ftp://shop.example",
            "file:///etc",
            "javascript://x",
            "https://shop.example:99999",
            "https:\\\\shop.example",
        ] {
            let sentence = parse_origins(&format!("https://a.example\n{wrong}")).unwrap_err();
            assert!(sentence.starts_with("Line 2: "), "{wrong}: {sentence}");
            assert!(sentence.contains("is no origin"), "{wrong}: {sentence}");
        }
        assert!(parse_origins("https://*.shop.example").unwrap_err().contains("has a wildcard"));
        let many: String = (0..101).map(|n| format!("https://a{n}.example ")).collect();
        assert!(parse_origins(&many).unwrap_err().contains("At most 100 origins"));
        assert_eq!(
            parse_origins("https://b.example,https://a.example https://b.example/").unwrap().len(),
            2
        );
    }
}
