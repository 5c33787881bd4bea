//! What a forward-auth gateway tells about its caller: the gateway proved who it is, so its headers are believed.

use std::{borrow::Cow, net::IpAddr};

use actix_web::http::header::{AUTHORIZATION, COOKIE, HeaderMap, HeaderName, ORIGIN};
use ipnet::IpNet;
use percent_encoding::percent_decode_str;
use url::form_urlencoded;

use super::{
    body::{check_cost, check_customer, check_scopes},
    credential::Credential,
    gateway::only_one,
    problem::Problem,
};
use crate::{
    credentials::Presented,
    web::client_ip::{Forwarded, parse_ip},
};

/// What the query string of `/v1/authorize` asks.
#[derive(Debug, PartialEq, Eq)]
pub struct Asked<'a> {
    pub scopes: Vec<Cow<'a, str>>,
    pub customer: Option<Cow<'a, str>>,
    pub cost: u32,
}

/// Reads `scope` (any number of times), `customer`, `cost` and `for=nginx`; nothing else is taken.
///
/// # Errors
/// 400
pub fn parse_query(query: &str) -> Result<Asked<'_>, Problem> {
    let (mut scopes, mut customer, mut cost, mut dialect) = (Vec::new(), None, None, None);
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        let only = match &*name {
            "scope" => {
                scopes.push(value);
                continue;
            }
            "customer" => &mut customer,
            "cost" => &mut cost,
            "for" if value == "nginx" => &mut dialect,
            _ => {
                return Err(Problem::BadRequest(
                    "The query string takes scope, customer, cost and for=nginx. A key never belongs in one.",
                ));
            }
        };
        if only.replace(value).is_some() {
            return Err(Problem::BadRequest("Only scope may come more than once."));
        }
    }
    check_scopes(scopes.len())?;
    let cost = cost.map(|cost| cost.parse().unwrap_or(0));
    Ok(Asked { scopes, customer: check_customer(customer)?, cost: check_cost(cost)? })
}

static API_KEY: HeaderName = HeaderName::from_static("x-api-key");

/// The caller's credential, as it came: Bearer, Basic or `X-API-Key`.
///
/// # Errors
/// 400 for more than one: which of them is meant cannot be known.
pub fn credential(headers: &HeaderMap) -> Result<Credential, Problem> {
    let authorization = only_one(headers, &AUTHORIZATION)?;
    let api_key = only_one(headers, &API_KEY)?;
    const NOT_ASCII: Credential = Credential::Malformed("The header is not plain ASCII.");
    match (authorization, api_key) {
        (None, None) => Ok(Credential::Missing),
        (Some(_), Some(_)) => {
            Err(Problem::BadRequest("Send the key as Authorization or as X-API-Key, not both."))
        }
        (Some(value), None) => Ok(value.to_str().map_or(NOT_ASCII, Credential::from_authorization)),
        (None, Some(value)) => {
            Ok(value.to_str().map_or(NOT_ASCII, |key| Credential::from_key(key.trim_matches(' '))))
        }
    }
}

/// A key in the address of the original request is in the logs of everything it passed, and one in a cookie goes along
/// with every request a browser makes: neither must work, whatever else was presented.
///
/// # Errors
/// 400
pub fn refuse_key_elsewhere(headers: &HeaderMap) -> Result<(), Problem> {
    static ORIGINAL: [HeaderName; 3] = [
        HeaderName::from_static("x-forwarded-uri"),
        HeaderName::from_static("x-original-uri"),
        HeaderName::from_static("x-original-url"),
    ];
    let has_secret = |name: &HeaderName| {
        let mut values = headers.get_all(name);
        values.any(|value| has_secret(&String::from_utf8_lossy(value.as_bytes())))
    };
    if ORIGINAL.iter().any(has_secret) {
        return Err(Problem::BadRequest("The request has a key in its address; replace that key."));
    }
    if has_secret(&COOKIE) {
        return Err(Problem::BadRequest("The request has a key in a cookie; send it as a header."));
    }
    Ok(())
}

/// Whether a text contains something that was meant as a secret, percent-encoded or not.
pub fn has_secret(text: &str) -> bool {
    Presented::looks_secret(text)
        || (text.contains('%')
            && Presented::looks_secret(&percent_decode_str(text).decode_utf8_lossy()))
}

/// The caller's address: the right-most element of `X-Forwarded-For` that is not one of our trusted proxies; when all
/// are, the left-most. Without that header, `X-Real-IP`. What a gateway does not tell is not known: a gateway must
/// set one of them itself, or the caller could. An element that is no address ends the search, since nothing left of
/// it can be believed.
pub fn ip(headers: &HeaderMap, trusted: &[IpNet]) -> Option<IpAddr> {
    match Forwarded::read(headers, trusted) {
        Forwarded::From(ip) => Some(ip),
        Forwarded::Unreadable => None,
        Forwarded::Untold => parse_ip(headers.get("x-real-ip")?.to_str().ok()?),
    }
}

/// The page the caller's browser is on. Gateways forward the header as it came; Envoy has to be told to.
///
/// # Errors
/// 400 for two of them.
pub fn origin(headers: &HeaderMap) -> Result<Option<Cow<'_, str>>, Problem> {
    let origin = only_one(headers, &ORIGIN)?;
    Ok(origin.map(|origin| String::from_utf8_lossy(origin.as_bytes())))
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::credentials::Secret;

    fn ip_of(headers: &[(&'static str, &str)]) -> Option<String> {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let request = headers.iter().fold(TestRequest::default(), |request, header| {
            request.append_header((header.0, header.1))
        });
        ip(&request.to_request().head().headers, &trusted).map(|ip| ip.to_string())
    }

    #[test]
    fn the_caller_is_the_right_most_address_that_is_no_proxy_of_ours() {
        let address = |text: &str| Some(text.to_owned());
        for (forwarded, expected) in [
            ("203.0.113.9", address("203.0.113.9")),
            ("198.51.100.1, 203.0.113.9", address("203.0.113.9")),
            ("198.51.100.1, 203.0.113.9, 10.1.2.3", address("203.0.113.9")),
            ("10.0.0.1, 10.0.0.2", address("10.0.0.1")),
            ("::ffff:203.0.113.9", address("203.0.113.9")),
            ("203.0.113.9:4711", address("203.0.113.9")),
            ("[2001:db8::1]:4711, fd00::1", address("2001:db8::1")),
            ("203.0.113.9, unknown", None),
            ("203.0.113.9, ", None),
        ] {
            assert_eq!(ip_of(&[("x-forwarded-for", forwarded)]), expected, "{forwarded}");
        }
        let two = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "2.2.2.2, 10.0.0.1")];
        assert_eq!(ip_of(&two), address("2.2.2.2"));
    }

    #[test]
    fn without_forwarded_for_it_is_the_real_ip_or_nobody() {
        assert_eq!(ip_of(&[("x-real-ip", "203.0.113.9")]), Some("203.0.113.9".into()));
        let both = [("x-real-ip", "203.0.113.9"), ("x-forwarded-for", "198.51.100.1")];
        assert_eq!(ip_of(&both), Some("198.51.100.1".into()));
        assert_eq!(ip_of(&[]), None);
        assert_eq!(ip_of(&[("x-real-ip", "somewhere")]), None);
    }

    #[test]
    fn the_query_takes_what_it_knows_and_nothing_else() {
        let asked = parse_query("scope=a%3Ab&scope=c&customer=cus_42&cost=5&for=nginx").unwrap();
        assert_eq!(asked.scopes, ["a:b", "c"]);
        assert_eq!(asked.customer.as_deref(), Some("cus_42"));
        assert_eq!(asked.cost, 5);
        assert_eq!(parse_query("").unwrap(), Asked { scopes: vec![], customer: None, cost: 1 });
        for query in [
            "key=x",
            "api_key",
            "for=apache",
            "cost=0",
            "cost=-1",
            "cost=1e3",
            "cost=1000001",
            "cost=",
            "cost=1&cost=1",
            "customer=a&customer=b",
            &"scope=a&".repeat(100),
            &format!("customer={}", "x".repeat(256)),
        ] {
            assert!(matches!(parse_query(query), Err(Problem::BadRequest(_))), "{query:.60}");
        }
    }

    #[test]
    fn a_key_in_an_address_is_noticed_also_when_encoded() {
        let secret = Secret::for_key("prod");
        let secret = secret.reveal();
        assert!(has_secret(&format!("/a?key={secret}")));
        assert!(has_secret(&format!("/a?x=1&k={}", secret.replace('_', "%5F"))));
        assert!(has_secret(&format!("/keys/{secret}/orders")));
        assert!(!has_secret("/a?page=2"));
        assert!(!has_secret("/keys/prod_pk_0123456789abcdef"));
    }
}
