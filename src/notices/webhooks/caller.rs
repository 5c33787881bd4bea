//! One request, and what came of it.

use std::{
    io::{self, Read},
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use rustls::crypto::ring;
use ureq::{
    Agent,
    tls::{Certificate, RootCerts, TlsConfig, TlsProvider},
    unversioned::transport::DefaultConnector,
};

use super::{
    address::{Guarded, Private},
    model::{LONGEST_ANSWER, harmless},
};

/// The longest a request takes, with everything: looking up, connecting, sending, reading.
const PATIENCE: Duration = Duration::from_secs(10);
/// A head that is longer is not read to its end.
const LONGEST_HEAD: usize = 16 * 1024;

/// Calls webhooks. It follows no redirects and takes no proxies from the environment: what was looked at is what is
/// connected to.
pub struct Caller {
    pub may_call_private: bool,
    /// Made when it is needed: reading whom the machine trusts takes a while.
    agent: OnceLock<Agent>,
}

/// What is sent.
pub struct Request<'a> {
    pub url: &'a str,
    pub message_id: &'a str,
    pub timestamp: i64,
    /// One, or two while an old secret still counts.
    pub signatures: &'a str,
    pub body: &'a str,
}

/// What came back, and how long it took.
#[derive(Debug)]
pub struct Answered {
    /// The status and the beginning of the body; or why there is none, in words.
    pub answer: Result<(u16, String), String>,
    pub took: Duration,
}

impl Answered {
    pub fn is_fine(&self) -> bool {
        matches!(self.answer, Ok((200..=299, _)))
    }

    /// It wants no more of these, ever.
    pub fn is_gone(&self) -> bool {
        matches!(self.answer, Ok((410, _)))
    }
}

impl Caller {
    pub fn new(may_call_private: bool) -> Self {
        Self { may_call_private, agent: OnceLock::new() }
    }

    /// Sends it. Blocks, for 10 seconds at most.
    pub fn call(&self, request: &Request<'_>) -> Answered {
        let began = Instant::now();
        let answer = self.send(request).map_err(|error| words(&error));
        Answered { answer, took: began.elapsed() }
    }

    fn send(&self, request: &Request<'_>) -> Result<(u16, String), ureq::Error> {
        let mut response = self
            .agent
            .get_or_init(|| make(self.may_call_private))
            .post(request.url)
            .header("content-type", "application/json")
            .header("webhook-id", request.message_id)
            .header("webhook-timestamp", request.timestamp.to_string())
            .header("webhook-signature", request.signatures)
            .send(request.body)?;
        let status = response.status().as_u16();
        let mut beginning = Vec::new();
        // Whatever becomes of the rest: it has answered.
        let _ = response.body_mut().as_reader().take(LONGEST_ANSWER).read_to_end(&mut beginning);
        Ok((status, harmless(&beginning)))
    }
}

fn make(may_call_private: bool) -> Agent {
    let trusted = rustls_native_certs::load_native_certs();
    let trusted: Vec<Certificate<'_>> =
        trusted.certs.iter().map(|der| Certificate::from_der(der).to_owned()).collect();
    let tls = TlsConfig::builder()
        .provider(TlsProvider::Rustls)
        .unversioned_rustls_crypto_provider(Arc::new(ring::default_provider()))
        .root_certs(RootCerts::from(trusted))
        .build();
    let config = Agent::config_builder()
        .tls_config(tls)
        .https_only(!may_call_private)
        .proxy(None)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .http_status_as_error(false)
        .timeout_global(Some(PATIENCE))
        .max_response_header_size(LONGEST_HEAD)
        .max_idle_connections(0)
        .user_agent(concat!("Latchkey/", env!("CARGO_PKG_VERSION")))
        .build();
    Agent::with_parts(config, DefaultConnector::new(), Guarded { may_call_private })
}

/// Why nothing came back.
fn words(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => "There was no answer within 10 seconds.".into(),
        ureq::Error::HostNotFound => "No host is called that.".into(),
        ureq::Error::Other(refused) if refused.is::<Private>() => refused.to_string(),
        ureq::Error::Io(error) if !is_about_encryption(error) => {
            format!("The connection failed: {error}.")
        }
        ureq::Error::Io(_) | ureq::Error::Rustls(_) | ureq::Error::Tls(_) => {
            format!("The connection could not be encrypted: {error}.")
        }
        error => format!("The answer could not be understood: {error}."),
    }
}

/// What is wrong with a certificate comes as an error of reading.
fn is_about_encryption(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_not_connected_to() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        let caller = Caller::new(false);
        for host in ["127.0.0.1", "localhost", "0x7f.1", "[::ffff:127.0.0.1]"] {
            let url = format!("https://{host}:{port}/");
            let request = Request {
                url: &url,
                message_id: "a",
                timestamp: 1,
                signatures: "v1,a",
                body: "{}",
            };
            let why = caller.call(&request).answer.unwrap_err();
            assert!(why.contains("not a public address"), "{host}: {why}");
        }
        assert!(listener.accept().is_err(), "somebody has connected");
    }
}
