//! Where a webhook may be: as somebody typed it, as its name was found when it was saved, and as it is found again each
//! time, by the very look-up whose addresses are then connected to.

use std::{
    fmt,
    net::{IpAddr, ToSocketAddrs},
    sync::mpsc,
    thread,
    time::Duration,
};

use ureq::{
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::NextTimeout,
    },
};
use url::{Host, Url};

use super::public::is_public;
use crate::{credentials::Presented, text};

/// Longer addresses are nobody's.
const LONGEST: usize = 2_000;
/// So long a page waits for a name to be looked up. What is not known then is looked up when it is called.
const PATIENCE: Duration = Duration::from_secs(3);

/// Understands an address as typed.
///
/// # Errors
/// The sentence for the field.
pub fn parse(typed: &str, may_call_private: bool) -> Result<Url, String> {
    let typed = typed.trim();
    if typed.is_empty() {
        return Err(
            "Give the address that is called, such as https://hooks.example.com/latchkey.".into()
        );
    }
    if typed.len() > LONGEST || !text::is_showable(typed) {
        return Err(format!("Address must be at most {LONGEST} characters that can be shown."));
    }
    let url = Url::parse(typed).map_err(|_| {
        "This is no address. Write it like https://hooks.example.com/latchkey.".to_owned()
    })?;
    let scheme_fits = url.scheme() == "https" || (may_call_private && url.scheme() == "http");
    if !scheme_fits || url.host().is_none() {
        return Err(if may_call_private {
            "Address must begin with https:// or http://.".into()
        } else {
            "Address must begin with https://, so that nobody reads on the way what is sent.".into()
        });
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("Address must not have a name or password in it: requests are known by their signature.".into());
    }
    if url.fragment().is_some() {
        return Err("Address must end before the #: what stands behind it is never sent.".into());
    }
    if Presented::looks_secret(url.as_str()) {
        return Err("Address has one of Latchkey’s own secrets in it. Leave that out.".into());
    }
    if url.as_str().len() > LONGEST {
        return Err(format!("Address must be at most {LONGEST} characters."));
    }
    Ok(url)
}

/// Looks up where it leads. Blocks.
///
/// # Errors
/// The sentence for the field.
pub fn check(url: &Url) -> Result<(), String> {
    let found = match url.host() {
        Some(Host::Ipv4(ip)) => Some(vec![IpAddr::V4(ip)]),
        Some(Host::Ipv6(ip)) => Some(vec![IpAddr::V6(ip)]),
        Some(Host::Domain(name)) => look_up(name.to_owned())?,
        None => None,
    };
    match found.into_iter().flatten().find(|ip| !is_public(*ip)) {
        Some(ip) => Err(Private(ip).to_string()),
        None => Ok(()),
    }
}

/// `None`: it takes too long.
fn look_up(name: String) -> Result<Option<Vec<IpAddr>>, String> {
    let (tells, told) = mpsc::sync_channel(1);
    let unknown = format!("No host is called {name}. Check how it is spelled.");
    thread::spawn(move || {
        let found = (name.as_str(), 443).to_socket_addrs();
        tells.send(found.map(|found| found.map(|address| address.ip()).collect())).ok();
    });
    match told.recv_timeout(PATIENCE) {
        Ok(found) => found.map(Some).map_err(|_| unknown),
        Err(_) => Ok(None),
    }
}

/// An address that is not anybody's to call.
#[derive(Debug)]
pub struct Private(IpAddr);

impl fmt::Display for Private {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "This leads to {}, which is not a public address. The operator can allow that with LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE=yes.",
            self.0
        )
    }
}

impl std::error::Error for Private {}

/// Finds addresses as anybody would, and none when one of them is private: what is connected to is what was looked at,
/// whatever the name leads to a moment later.
#[derive(Debug)]
pub struct Guarded {
    pub may_call_private: bool,
}

impl Resolver for Guarded {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        match found.iter().find(|address| !is_public(address.ip())) {
            Some(private) if !self.may_call_private => {
                Err(ureq::Error::Other(Box::new(Private(private.ip()))))
            }
            _ => Ok(found),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_https_without_names_and_fragments() {
        for typed in [
            "https://hooks.example.com/latchkey",
            " https://hooks.example.com:8443/a?b=c ",
            "HTTPS://HOOKS.EXAMPLE.COM",
            "https://[2606:4700:4700::1111]/",
        ] {
            assert!(parse(typed, false).is_ok(), "{typed}");
        }
        for typed in [
            "",
            " ",
            "hooks.example.com",
            "//hooks.example.com",
            "http://hooks.example.com",
            "ftp://hooks.example.com",
            "https://",
            "https://kim@hooks.example.com",
            "https://kim:secret@hooks.example.com",
            "https://hooks.example.com/#part",
            "file:///etc/passwd",
            "javascript:alert(1)",
            "https://a\u{202e}b.example",
            "https://hooks.example.com/\u{7}",
            &format!("https://hooks.example.com/{}", "x".repeat(2_000)),
        ] {
            assert!(parse(typed, false).is_err(), "{typed}");
        }
        assert!(parse("http://127.0.0.1:9000/", true).is_ok());
        assert!(parse("gopher://127.0.0.1:9000/", true).is_err());
    }

    #[test]
    fn numbers_in_odd_spellings_are_the_same_numbers() {
        for typed in [
            "https://127.0.0.1/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://[::1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://0/",
            "https://localhost/",
            "https://１２７.0.0.1/",
        ] {
            let url = parse(typed, false).unwrap();
            assert!(check(&url).unwrap_err().contains("not a public address"), "{typed}");
        }
        assert!(check(&parse("https://1.1.1.1/", false).unwrap()).is_ok());
    }
}
