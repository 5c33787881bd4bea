//! Where to go after signing in: a path of ours, or the start page.

use url::Url;

/// Turns what came in `next` into an address of ours. Anything that a browser could read as another site,
/// or that is longer than any address of ours, leads to `/`.
pub fn safe_next(asked: Option<&str>) -> String {
    asked.and_then(parse).unwrap_or_else(|| "/".into())
}

fn parse(asked: &str) -> Option<String> {
    if !asked.starts_with('/')
        || asked.len() > 1024
        || asked.contains(['\\', '\t', '\r', '\n', '\0'])
    {
        return None;
    }
    let base: Url = "http://ours.invalid/".parse().ok()?;
    let joined = base.join(asked).ok()?;
    let path = joined.path();
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8().ok()?;
    if joined.origin() != base.origin()
        || decoded.contains("//")
        || decoded.contains(['\\', '\t', '\r', '\n'])
    {
        return None;
    }
    Some(joined.query().map_or_else(|| path.to_owned(), |query| format!("{path}?{query}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_ours_are_kept() {
        assert_eq!(safe_next(Some("/keys?status=active&q=a%20b")), "/keys?status=active&q=a%20b");
        assert_eq!(safe_next(Some("/keys/prod_pk_abc/edit")), "/keys/prod_pk_abc/edit");
    }

    #[test]
    fn everything_else_leads_to_the_start() {
        let long = format!("/{}", "x".repeat(3000));
        for asked in [
            "//evil",
            "/\\evil",
            "/%09/evil",
            "/.//evil",
            "/a/..//evil",
            "https:evil",
            "javascript:alert(1)",
            "%2f%2fevil",
            "/%2f%2fevil",
            "/\t/evil",
            "/a\r\nSet-Cookie: x",
            "",
            &long,
        ] {
            assert_eq!(safe_next(Some(asked)), "/", "{asked}");
        }
        assert_eq!(safe_next(None), "/");
    }
}
