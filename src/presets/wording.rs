//! Checking what a platform's people call things.

use url::Url;

use crate::text;

/// Where the manuals of the platforms say API Keys are. They lead there wherever the setting points.
pub const KNOWN_PATHS: [&str; 4] = [
    "business-settings/api-keys",
    "settings/service-settings/api-keys",
    "developer/api-keys",
    "account/api-keys",
];

/// First parts of addresses that are ours, or may become so: another address of the list cannot begin with one.
const OURS: [&str; 39] = [
    "account",
    "api",
    "applications",
    "assets",
    "audit",
    "authorize",
    "customers",
    "docs",
    "events",
    "export",
    "gateways",
    "healthz",
    "help",
    "import",
    "invitations",
    "jobs",
    "keys",
    "leaks",
    "logs",
    "metrics",
    "notices",
    "openapi.json",
    "overview",
    "readyz",
    "reference",
    "review",
    "search",
    "sessions",
    "settings",
    "setup",
    "sign-in",
    "sign-out",
    "static",
    "team",
    "two-factor",
    "users",
    "v1",
    "verify",
    "welcome",
];

/// A name on a page: a title, a heading, a button.
///
/// # Errors
/// The sentence for the field.
pub fn parse_words(what: &str, typed: &str) -> Result<String, String> {
    text::parse_name(what, typed, 60)
}

/// Another address of the list of keys, without the slash at the front.
///
/// # Errors
/// The sentence for the field.
pub fn parse_path(typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    let path = typed.strip_prefix('/').unwrap_or(typed);
    let fits = |segment: &str| {
        !segment.is_empty()
            && segment
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
    };
    if path.len() > 100 || !path.split('/').all(fits) {
        return Err("Address must be small letters, digits and hyphens, with slashes between, such as developer/api-keys.".into());
    }
    let first = path.split('/').next().unwrap_or_default();
    if OURS.contains(&first) && !KNOWN_PATHS.contains(&path) {
        return Err(format!("Addresses that begin with /{first} are taken. Choose another."));
    }
    Ok(path.to_owned())
}

/// The platform's own API; empty: none is known. Only what means itself in a shell, for it is part of a command that
/// people copy.
///
/// # Errors
/// The sentence for the field.
pub fn parse_api_url(typed: &str) -> Result<String, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Ok(String::new());
    }
    let wrong = || {
        "API address must be an http or https address of letters, digits and . - _ ~ / : only, such as https://api.example.com/v2.".to_owned()
    };
    let is_plain =
        typed.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_~/:".contains(&byte));
    let url: Url = typed.parse().map_err(|_| wrong())?;
    let is_ours = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
    if is_plain && is_ours && typed.len() <= 200 { Ok(url.into()) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_address_is_no_address_of_ours() {
        for (typed, meant) in [
            ("developer/api-keys", "developer/api-keys"),
            ("/portal/keys", "portal/keys"),
            ("account/api-keys", "account/api-keys"),
            ("settings/service-settings/api-keys", "settings/service-settings/api-keys"),
            (" a ", "a"),
        ] {
            assert_eq!(parse_path(typed), Ok(meant.to_owned()));
        }
        for typed in [
            "",
            "/",
            "//",
            "a//b",
            "a/",
            "A/b",
            "a b",
            "a?b",
            "../a",
            "a/%2e",
            "größe",
            "keys",
            "keys/all",
            "account",
            "settings/catalogue",
            "v1/verify",
            "static/x",
            "sign-in",
        ] {
            assert!(parse_path(typed).is_err(), "{typed}");
        }
    }

    #[test]
    fn the_api_has_a_plain_address() {
        assert_eq!(parse_api_url(""), Ok(String::new()));
        assert_eq!(
            parse_api_url("https://api.example.com"),
            Ok("https://api.example.com/".to_owned())
        );
        assert_eq!(
            parse_api_url("http://localhost:9000/v2"),
            Ok("http://localhost:9000/v2".to_owned())
        );
        for typed in [
            "api.example.com",
            "ftp://api.example.com",
            "javascript:alert(1)",
            "https://user:word@api.example.com",
            "https://api.example.com/$(id)",
            "https://api.example.com/`id`",
            "https://api.example.com/\"",
            "https://api.example.com/?a=b",
            "https://",
        ] {
            assert!(parse_api_url(typed).is_err(), "{typed}");
        }
    }
}
