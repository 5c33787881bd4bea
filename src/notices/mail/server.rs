//! The mail server, as `SMTP_URL` names it.

use std::{fmt, net::Ipv4Addr, time::Duration};

use lettre::{SmtpTransport, message::Mailbox};
use url::{Host, Url};

/// How long each answer of it may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// A mail server with everything that is needed to speak to it. The password is in there, and nowhere else.
#[derive(Clone)]
pub struct Server {
    pub(super) transport: SmtpTransport,
    /// What is sent crosses a network in the clear, the password too.
    pub is_readable: bool,
}

impl Server {
    /// Understands an address such as `smtp://name:password@mail.example.com:587?tls=required`.
    pub fn parse(address: &str) -> Option<Self> {
        let url = Url::parse(address.trim()).ok()?;
        let is_here = match url.host()? {
            // In an address that is not for browsers a number is a name, too.
            Host::Domain(name) => {
                name == "localhost" || name.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
            }
            Host::Ipv4(ip) => ip.is_loopback(),
            Host::Ipv6(ip) => ip.is_loopback(),
        };
        let is_encrypted = url.scheme() == "smtps"
            || url.query_pairs().any(|(name, value)| name == "tls" && value == "required");
        let transport = SmtpTransport::from_url(url.as_str()).ok()?.timeout(Some(PATIENCE)).build();
        Some(Self { transport, is_readable: !is_encrypted && !is_here })
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Server(…)")
    }
}

/// Understands `Latchkey <latchkey@example.com>` or an address alone.
pub fn parse_sender(typed: &str) -> Option<Mailbox> {
    let sender: Mailbox = typed.trim().parse().ok()?;
    // As it will stand in a mail.
    sender.to_string().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sent_in_the_clear_over_a_network_is_known() {
        for (address, is_readable) in [
            ("smtp://127.0.0.1:25", false),
            ("smtp://localhost", false),
            ("smtp://kim:secret@mail.example.com:587?tls=required", false),
            ("smtps://kim:secret@mail.example.com", false),
            ("smtp://mail.example.com", true),
            ("smtp://mail.example.com?tls=opportunistic", true),
        ] {
            assert_eq!(Server::parse(address).unwrap().is_readable, is_readable, "{address}");
        }
    }

    #[test]
    fn what_is_no_mail_server_is_none() {
        for address in [
            "",
            "mail.example.com",
            "http://mail.example.com",
            "smtp://?tls=required",
            "smtp://x?tls=maybe",
        ] {
            assert!(Server::parse(address).is_none(), "{address}");
        }
        let shown = format!("{:?}", Server::parse("smtp://kim:hunter2@localhost"));
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for typed in
            ["latchkey@example.com", "Latchkey <latchkey@example.com>", "“Keys” <a@b.example>"]
        {
            assert!(parse_sender(typed).is_some(), "{typed}");
        }
        for typed in ["", "latchkey", "a@b.example\r\nBcc: c@d.example", "Latchkey <>"] {
            assert!(parse_sender(typed).is_none(), "{typed}");
        }
    }
}
