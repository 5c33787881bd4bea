//! The checks in their order: facts, question and clock in; the first no, or a yes, out. Pure.

use std::borrow::Cow;

use chrono::{DateTime, Utc};

use super::{
    catalogue::Catalogue,
    code::Code,
    facts::KeyFacts,
    verdict::{By, Question, Refusal},
};
use crate::credentials::Presented;

struct Case<'a> {
    key: &'a KeyFacts,
    catalogue: &'a Catalogue,
    by: By,
    question: &'a Question<'a>,
    now: DateTime<Utc>,
}

type Check = fn(&Case) -> Result<(), Refusal>;

/// What a check asks about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum About {
    Revocation,
    Expiry,
    Disabling,
    Secret,
    Environment,
    Ip,
    Customer,
    Origin,
    Permissions,
}

/// Everything that is asked of a key that exists, in this order; the first no is the answer. The rate limit comes
/// after all of these because it spends something, and a refusal must not.
const CHECKS: [(About, Check); 9] = [
    (About::Revocation, not_revoked),
    (About::Expiry, not_expired),
    (About::Disabling, not_disabled),
    (About::Secret, secret_is_current),
    (About::Environment, environment_is_the_gateways),
    (About::Ip, ip_is_allowed),
    (About::Customer, customer_is_allowed),
    (About::Origin, origin_is_allowed),
    (About::Permissions, permissions_are_held),
];

/// Whether a key may do what is asked, but for its rate limits.
///
/// # Errors
/// The first check that says no.
pub fn check(
    key: &KeyFacts,
    catalogue: &Catalogue,
    by: By,
    question: &Question,
    now: DateTime<Utc>,
) -> Result<(), Refusal> {
    let case = Case { key, catalogue, by, question, now };
    CHECKS.iter().try_for_each(|(_, check)| check(&case))
}

/// What each of the checks says by itself, in their order: for whoever wants to know why. The first no among them is
/// what [`check`] answers.
pub fn walk<'a>(
    key: &'a KeyFacts,
    catalogue: &'a Catalogue,
    by: By,
    question: &'a Question<'a>,
    now: DateTime<Utc>,
) -> impl Iterator<Item = (About, Result<(), Refusal>)> {
    let case = Case { key, catalogue, by, question, now };
    CHECKS.iter().map(move |(about, check)| (*about, check(&case)))
}

/// Whether an application's own credentials may do what is asked: they say who calls, and permit nothing.
///
/// # Errors
/// When a permission is needed.
pub fn check_application(question: &Question) -> Result<(), Refusal> {
    if question.scopes.is_empty() {
        return Ok(());
    }
    refuse(
        Code::InsufficientScope,
        "App credentials identify the application and hold no permissions; this needs a key.",
    )
}

fn not_revoked(case: &Case) -> Result<(), Refusal> {
    match case.key.rare().revoked_at {
        Some(at) => refuse(Code::Revoked, format!("Revoked {}.", exactly(at))),
        None => Ok(()),
    }
}

/// To the instant, without grace: a key that expires now has expired.
fn not_expired(case: &Case) -> Result<(), Refusal> {
    match case.key.expires_at() {
        Some(at) if at <= case.now => refuse(Code::Expired, format!("Expired {}.", exactly(at))),
        _ => Ok(()),
    }
}

fn not_disabled(case: &Case) -> Result<(), Refusal> {
    match case.key.rare().disabled_at {
        Some(at) => {
            refuse(Code::Disabled, format!("Disabled {}; it can be enabled again.", exactly(at)))
        }
        None => Ok(()),
    }
}

fn secret_is_current(case: &Case) -> Result<(), Refusal> {
    match case.key.rare().replaced {
        Some((_, at)) if at <= case.now && case.by == By::Secret => refuse(
            Code::SecretReplaced,
            format!("The key was regenerated; this secret ended {}.", exactly(at)),
        ),
        _ => Ok(()),
    }
}

fn environment_is_the_gateways(case: &Case) -> Result<(), Refusal> {
    let environment_id = case.key.home.environment_id;
    if environment_id == case.question.environment_id {
        return Ok(());
    }
    let key = case.catalogue.environment(environment_id).unwrap_or("another environment");
    let gateway = case.question.environment;
    refuse(
        Code::WrongEnvironment,
        format!("The key belongs to {key}; the gateway serves {gateway}."),
    )
}

/// A question that leaves the address out is refused like a wrong one: a gateway that forgets it must not open the door.
fn ip_is_allowed(case: &Case) -> Result<(), Refusal> {
    let rare = case.key.rare();
    let (allowed, excluded) = (&rare.allowed_ips, &rare.excluded_ips);
    match case.question.ip {
        _ if allowed.is_empty() && excluded.is_empty() => Ok(()),
        Some(ip) if excluded.iter().any(|range| range.contains(&ip)) => refuse(
            Code::IpNotAllowed,
            format!("{ip} is among the exceptions from the key’s IP ranges."),
        ),
        Some(_) if allowed.is_empty() => Ok(()),
        Some(ip) if allowed.iter().any(|range| range.contains(&ip)) => Ok(()),
        Some(ip) => refuse(Code::IpNotAllowed, format!("{ip} is not within the key’s IP ranges.")),
        None => refuse(
            Code::IpNotAllowed,
            "The key is restricted to IP ranges, and the question names no address.",
        ),
    }
}

/// As with the address: left out is refused.
fn customer_is_allowed(case: &Case) -> Result<(), Refusal> {
    let allowed = &case.key.rare().customers;
    match &case.question.customer {
        _ if allowed.is_empty() => Ok(()),
        Some(customer) if allowed.iter().any(|known| **known == **customer) => Ok(()),
        Some(_) => refuse(Code::CustomerNotAllowed, "The key is restricted to other customers."),
        None => refuse(
            Code::CustomerNotAllowed,
            "The key is restricted to customers, and the question names none.",
        ),
    }
}

/// Where the public key alone is used is part of what it stands for, so it is refused with the code of the permissions:
/// INSUFFICIENT_SCOPE. Compared as browsers spell origins; one that is left out is refused like a wrong one. With the
/// secret nobody asks: servers send no origin.
fn origin_is_allowed(case: &Case) -> Result<(), Refusal> {
    let allowed = &case.key.rare().allowed_origins;
    if allowed.is_empty() || case.by == By::Secret {
        return Ok(());
    }
    match &case.question.origin {
        Some(origin) if allowed.iter().any(|known| **known == **origin) => Ok(()),
        Some(origin) if is_origin_like(origin) => refuse(
            Code::InsufficientScope,
            format!("The public key alone is not accepted from the origin {origin}."),
        ),
        Some(_) => refuse(
            Code::InsufficientScope,
            "The public key alone is not accepted from this origin, which is none of the web.",
        ),
        None => refuse(
            Code::InsufficientScope,
            "The public key alone is restricted to web origins, and the question names none.",
        ),
    }
}

/// Whether an origin can be named in an answer.
fn is_origin_like(origin: &str) -> bool {
    crate::keys::parse_origin(origin).as_deref() == Some(origin) && !Presented::looks_secret(origin)
}

/// Compared letter by letter: no wildcards, no case folding. Without required permissions there is nothing to lack.
fn permissions_are_held(case: &Case) -> Result<(), Refusal> {
    let Case { key, catalogue, by, question, .. } = case;
    let lacks = |scope: &&str| !catalogue.has(&key.terms.granted, *by, scope);
    let scopes = || question.scopes.iter().map(AsRef::as_ref);
    if !scopes().any(|scope| lacks(&scope)) {
        return Ok(());
    }
    let names: Vec<&str> = scopes().filter(lacks).filter(|scope| is_scope_token(scope)).collect();
    let names =
        if names.is_empty() { "a permission that does not exist".into() } else { names.join(", ") };
    refuse(
        Code::InsufficientScope,
        match by {
            By::Secret => format!("The key does not hold {names}."),
            By::PublicKey => format!("The public key alone does not stand for {names}."),
        },
    )
}

/// Whether a required scope can be named in an answer: spelled as RFC 6749 has it, and no credential by mistake.
pub fn is_scope_token(scope: &str) -> bool {
    (1..=100).contains(&scope.len())
        && scope.bytes().all(|byte| matches!(byte, 0x21 | 0x23..=0x5b | 0x5d..=0x7e))
        && !Presented::looks_secret(scope)
}

fn refuse<T>(code: Code, detail: impl Into<Cow<'static, str>>) -> Result<T, Refusal> {
    Err(Refusal { code, detail: detail.into() })
}

pub fn exactly(at: DateTime<Utc>) -> String {
    at.format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::verify::{
        catalogue::{Granted, Permission},
        facts::{Home, Rare, Terms},
    };

    /// What can be different about the key of these tests.
    #[derive(Default)]
    struct Made {
        expires_at: Option<DateTime<Utc>>,
        environment_id: i64,
        grants_nothing: bool,
        rare: Rare,
    }

    fn catalogue() -> Catalogue {
        let permission = |(id, slug, publishable): (i64, &str, bool)| Permission {
            id,
            section_id: 1,
            slug: slug.into(),
            publishable,
        };
        let permissions =
            [(1, "orders:read", false), (2, "clicks:write", true), (3, "sdk:init", true)];
        Catalogue::new(permissions.map(permission).into(), vec![(1, "production".into())])
    }

    fn make(made: Made) -> KeyFacts {
        let Made { expires_at, environment_id, grants_nothing, rare } = made;
        let permissions: &[i64] = if grants_nothing { &[] } else { &[1, 2] };
        let granted = Granted { permissions: permissions.into(), ..Granted::default() };
        let home =
            Home { application_id: 1, app_id: "app_0123456789abcdef".into(), environment_id };
        KeyFacts::new(1, Arc::new(home), Arc::new(Terms::new(granted, [].into())), expires_at, rare)
    }

    fn made() -> Made {
        Made { environment_id: 1, ..Made::default() }
    }

    fn key(spoil: impl FnOnce(&mut Made)) -> KeyFacts {
        let mut made = made();
        spoil(&mut made);
        make(made)
    }

    fn question(scopes: &[&'static str]) -> Question<'static> {
        Question {
            environment_id: 1,
            environment: "production",
            scopes: scopes.iter().map(|&scope| scope.into()).collect(),
            customer: None,
            ip: None,
            origin: None,
            cost: 1,
        }
    }

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(second, 0).unwrap()
    }

    fn code(key: &KeyFacts, by: By, question: &Question) -> Code {
        check(key, &catalogue(), by, question, at(100))
            .map_or_else(|refusal| refusal.code, |()| Code::Valid)
    }

    #[test]
    fn every_earlier_reason_hides_every_later_one() {
        type Spoil = (Code, fn(&mut Made));
        let reasons: [Spoil; 8] = [
            (Code::Revoked, |key| key.rare.revoked_at = Some(at(1))),
            (Code::Expired, |key| key.expires_at = Some(at(100))),
            (Code::Disabled, |key| key.rare.disabled_at = Some(at(1))),
            (Code::SecretReplaced, |key| key.rare.replaced = Some((1, at(100)))),
            (Code::WrongEnvironment, |key| key.environment_id = 2),
            (Code::IpNotAllowed, |key| {
                key.rare.allowed_ips = vec!["10.0.0.0/8".parse().unwrap()];
            }),
            (Code::CustomerNotAllowed, |key| key.rare.customers = vec!["cus_42".into()]),
            (Code::InsufficientScope, |key| key.grants_nothing = true),
        ];
        for wrong in 0..1_u32 << reasons.len() {
            let mut made = made();
            let mut first = Code::Valid;
            for (bit, (code, spoil)) in reasons.iter().enumerate().rev() {
                if wrong & 1 << bit != 0 {
                    spoil(&mut made);
                    first = *code;
                }
            }
            let key = make(made);
            let (catalogue, question) = (catalogue(), question(&["orders:read"]));
            assert_eq!(code(&key, By::Secret, &question), first, "{wrong:b}");
            let mut all = walk(&key, &catalogue, By::Secret, &question, at(100));
            let walked = all.find_map(|(_, said)| said.err()).map_or(Code::Valid, |no| no.code);
            assert_eq!(walked, first, "{wrong:b}");
        }
    }

    #[test]
    fn times_are_exact() {
        let at_the_instant = |key: &KeyFacts| code(key, By::Secret, &question(&[]));
        let expiring = |second| key(|key| key.expires_at = Some(at(second)));
        assert_eq!(at_the_instant(&expiring(101)), Code::Valid);
        assert_eq!(at_the_instant(&expiring(100)), Code::Expired);
        let overlapping = key(|key| key.rare.replaced = Some((1, at(101))));
        assert_eq!(at_the_instant(&overlapping), Code::Valid);
    }

    #[test]
    fn a_public_key_alone_stands_for_publishable_permissions_that_are_held() {
        let by_public =
            |scopes: &[&'static str]| code(&key(|_| ()), By::PublicKey, &question(scopes));
        assert_eq!(by_public(&[]), Code::Valid);
        assert_eq!(by_public(&["clicks:write"]), Code::Valid);
        assert_eq!(by_public(&["orders:read"]), Code::InsufficientScope);
        assert_eq!(by_public(&["clicks:write", "orders:read"]), Code::InsufficientScope);
        assert_eq!(by_public(&["sdk:init"]), Code::InsufficientScope);
    }

    #[test]
    fn exceptions_go_before_what_is_allowed() {
        let ranges = |ranges: &[&str]| ranges.iter().map(|range| range.parse().unwrap()).collect();
        let from = |key: &KeyFacts, ip: Option<&str>| {
            let ip = ip.map(|ip| ip.parse().unwrap());
            code(key, By::Secret, &Question { ip, ..question(&[]) })
        };
        let open = key(|key| key.rare.excluded_ips = ranges(&["10.1.0.0/16"]));
        assert_eq!(from(&open, Some("192.0.2.1")), Code::Valid);
        assert_eq!(from(&open, Some("10.1.2.3")), Code::IpNotAllowed);
        assert_eq!(from(&open, None), Code::IpNotAllowed);
        let narrow = key(|key| {
            key.rare.excluded_ips = ranges(&["10.1.0.0/16"]);
            key.rare.allowed_ips = ranges(&["10.0.0.0/8"]);
        });
        assert_eq!(from(&narrow, Some("10.2.0.1")), Code::Valid);
        assert_eq!(from(&narrow, Some("10.1.2.3")), Code::IpNotAllowed);
        assert_eq!(from(&narrow, Some("192.0.2.1")), Code::IpNotAllowed);
        assert_eq!(from(&narrow, None), Code::IpNotAllowed);
    }

    #[test]
    fn origins_restrict_the_public_key_and_not_the_secret() {
        let key = key(|key| key.rare.allowed_origins = vec!["https://shop.example".into()]);
        let asked = |by, origin: Option<&'static str>| {
            code(
                &key,
                by,
                &Question { origin: origin.map(Into::into), ..question(&["clicks:write"]) },
            )
        };
        assert_eq!(asked(By::PublicKey, Some("https://shop.example")), Code::Valid);
        for origin in [
            "https://evil.example",
            "http://shop.example",
            "https://shop.example:8443",
            "null",
            "",
            "https://shop.example/",
            "https://shop.example.evil.example",
            "HTTPS://SHOP.EXAMPLE",
        ] {
            assert_eq!(asked(By::PublicKey, Some(origin)), Code::InsufficientScope, "{origin}");
        }
        assert_eq!(asked(By::PublicKey, None), Code::InsufficientScope);
        assert_eq!(asked(By::Secret, None), Code::Valid);
        assert_eq!(asked(By::Secret, Some("https://evil.example")), Code::Valid);
    }

    #[test]
    fn a_required_scope_that_is_a_credential_by_mistake_is_not_repeated() {
        let secret = crate::credentials::Secret::for_key("prod");
        assert!(!is_scope_token(secret.reveal()));
        assert!(!is_scope_token("\""));
        assert!(!is_scope_token("two words"));
        assert!(is_scope_token("affiliates:read"));
    }

    #[test]
    fn app_credentials_hold_no_permission() {
        assert!(check_application(&question(&[])).is_ok());
        assert!(check_application(&question(&["orders:read"])).is_err());
    }
}
