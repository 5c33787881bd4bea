//! Sending one mail, and what came of it.

use std::{error::Error as _, io};

use anyhow::Context;
use lettre::{
    Address, Message, Transport,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
    transport::smtp,
};
use url::Host;

use super::{Server, compose::Composed};
use crate::config::Config;

/// Sends mails in our name.
pub struct Mailer {
    server: Server,
    from: Mailbox,
}

/// Why a mail was not taken.
#[derive(Debug)]
pub enum Failure {
    /// It never will be: there is no such mailbox.
    Never(String),
    /// Not this one, and not now.
    Later(String),
    /// None at all at the moment: the server is away, or does not know us.
    Away(String),
}

impl Failure {
    /// What the server said, or why there was nobody to say anything.
    pub fn words(&self) -> &str {
        match self {
            Self::Never(words) | Self::Later(words) | Self::Away(words) => words,
        }
    }
}

impl Mailer {
    /// By the settings; `None` without `SMTP_URL`.
    ///
    /// # Errors
    /// When `SMTP_FROM` is needed and missing.
    pub fn of(config: &Config) -> anyhow::Result<Option<Self>> {
        let Some(server) = config.smtp.clone() else { return Ok(None) };
        let from = match &config.smtp_from {
            Some(from) => from.clone(),
            None => default_sender(config)?,
        };
        Ok(Some(Self { server, from }))
    }

    /// From whom mails come, for people.
    pub fn from(&self) -> String {
        self.from.to_string()
    }

    /// Connects, introduces itself and leaves.
    ///
    /// # Errors
    /// What is wrong.
    pub fn knock(&self) -> Result<(), Failure> {
        match self.server.transport.test_connection() {
            Ok(true) => Ok(()),
            Ok(false) => Err(Failure::Away("It ended the connection.".into())),
            Err(error) => Err(Failure::of(&error)),
        }
    }

    /// Sends a mail; says what the server answered. `id` is what stands before the @ of its Message-ID: the same for
    /// the same mail, so that one that is sent twice is known for what it is.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn send(&self, id: &str, to: (&str, &str), mail: &Composed) -> Result<String, Failure> {
        let message = self.message(id, to, mail).map_err(|error| {
            // Nothing of ours ever is; an address that was typed long ago may be.
            Failure::Never(format!("The mail cannot be written: {error}."))
        })?;
        let answer = self.server.transport.send(&message).map_err(|error| Failure::of(&error))?;
        let words: Vec<&str> = answer.message().collect();
        Ok(format!("{} {}", answer.code(), words.join(" ")))
    }

    fn message(
        &self,
        id: &str,
        (name, address): (&str, &str),
        mail: &Composed,
    ) -> anyhow::Result<Message> {
        let address: Address = address.parse()?;
        let id = format!("<{id}@{}>", self.from.email.domain());
        Ok(Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(one_line(name)), address))
            .subject(one_line(&mail.subject))
            .message_id(Some(id))
            .date_now()
            .raw_header(header("Auto-Submitted", "auto-generated"))
            .raw_header(header("X-Auto-Response-Suppress", "All"))
            .multipart(MultiPart::alternative_plain_html(mail.text.clone(), mail.html.clone()))?)
    }
}

/// `Latchkey <latchkey@keys.example.com>`
fn default_sender(config: &Config) -> anyhow::Result<Mailbox> {
    // Numbers are no domains for mail.
    let domain = match config.base_url().host() {
        Some(Host::Domain(name)) => name.to_owned(),
        _ => "localhost".to_owned(),
    };
    let address = Address::new("latchkey", domain)
        .context("SMTP_FROM is not set, and the host of the base URL is no domain for mail")?;
    Ok(Mailbox::new(Some("Latchkey".into()), address))
}

/// Whatever a name has become: it never begins another header.
fn one_line(text: &str) -> String {
    text.replace(|letter: char| letter.is_control(), " ")
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}

impl Failure {
    fn of(error: &smtp::Error) -> Self {
        let said = error.source().map(ToString::to_string).unwrap_or_default();
        let Some(code) = error.status() else {
            return Self::Away(if took_too_long(error) {
                "The mail server took too long.".into()
            } else if error.is_tls() {
                format!("The connection to the mail server could not be encrypted: {said}.")
            } else if error.is_client() {
                format!("The mail server cannot be used: {said}.")
            } else {
                format!("The mail server cannot be reached: {said}.")
            });
        };
        let words = format!("{code} {said}").trim_end().to_owned();
        match code.to_string().as_str() {
            // Who we are, rather than whom we write to.
            "421" | "454" | "530" | "534" | "535" | "538" => Self::Away(words),
            _ if error.is_transient() => Self::Later(words),
            _ => Self::Never(words),
        }
    }
}

/// However the system calls that.
fn took_too_long(error: &smtp::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| {
        matches!(cause.kind(), io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notices::mail::compose;

    #[test]
    fn names_never_begin_a_header() {
        let config = Config::from(|name| {
            Some(
                match name {
                    "SMTP_URL" => "smtp://127.0.0.1:1",
                    "LATCHKEY_BASE_URL" => "https://keys.example.com",
                    _ => return None,
                }
                .to_owned(),
            )
        });
        let mailer = Mailer::of(&config.unwrap()).unwrap().unwrap();
        assert_eq!(mailer.from(), "Latchkey <latchkey@keys.example.com>");
        let evil = "Kim\r\nBcc: eve@example.com\r\n\r\n<script>";
        let mut mail = compose::test("Latchkey").unwrap();
        mail.subject = evil.into();
        let message = mailer.message("7", (evil, "kim@example.com"), &mail).unwrap();
        let text = String::from_utf8(message.formatted()).unwrap();
        let (head, _) = text.split_once("\r\n\r\n").unwrap();
        for line in head.lines() {
            assert!(!line.starts_with("Bcc") && !line.starts_with('<'), "{head}");
        }
        assert!(head.contains("Message-ID: <7@keys.example.com>"), "{head}");
        assert!(head.contains("Auto-Submitted: auto-generated"), "{head}");
        assert!(matches!(mailer.send("7", ("Kim", "no address"), &mail), Err(Failure::Never(_))));
        assert!(matches!(mailer.knock(), Err(Failure::Away(_))));
    }
}
