//! What the installation is told from outside. Nothing else reads the environment, but the search for Postgres's own
//! programs (`PG_BIN_DIR`, `PATH`).

use std::{
    net::{IpAddr, SocketAddr},
    path::PathBuf,
};

use actix_web::cookie::Key;
use anyhow::{Context, anyhow, bail};
use base64::{Engine, engine::general_purpose::STANDARD};
use ipnet::IpNet;
use lettre::message::Mailbox;
use url::Url;

use crate::{notices::mail, vault::Vault};

/// The settings, read once at start.
pub struct Config {
    /// `DATABASE_URL`: a Postgres to use. Unset: a private one under the data directory.
    pub database_url: Option<String>,

    /// `LATCHKEY_DATA_DIR`: where the private Postgres and generated keys live. Default: `data`.
    pub data_dir: PathBuf,

    /// `LATCHKEY_LISTEN`: the address to serve on. Default: `127.0.0.1:8080`.
    pub listen: SocketAddr,

    /// `LATCHKEY_BASE_URL`: the address people type. Default: the listening address, over plain http.
    pub base_url: Option<Url>,

    /// `LATCHKEY_SESSION_KEY`: base64 of at least 64 random bytes. Changing it signs everyone out.
    /// Default: generated, kept in the data directory.
    pub session_key: Option<Key>,

    /// `LATCHKEY_VAULT_KEY`: base64 of 32 random bytes, under which applications may keep secrets that can be seen again.
    /// Several, with commas: the first encrypts, all of them decrypt. Default: none, and no secret is kept.
    pub vault: Option<Vault>,

    /// `LATCHKEY_TRUSTED_PROXIES`: comma-separated IP ranges whose `X-Forwarded-For` is believed. Default: none.
    pub trusted_proxies: Vec<IpNet>,

    /// `LATCHKEY_CACHED_KEYS`: so many keys are remembered for verification. Default: 1 000 000, some 250 MB when full.
    pub cached_keys: usize,

    /// `LATCHKEY_NODE_NAME`: how this process is called among the others of the installation.
    /// Default: the host's name and the port it listens on.
    pub node_name: Option<String>,

    /// `LATCHKEY_METRICS_LISTEN`: the address that Prometheus asks. Default: nobody is told.
    pub metrics_listen: Option<SocketAddr>,

    /// `REDIS_URL`: a Redis or Valkey in which all nodes count together. Default: each node counts for itself.
    pub redis_url: Option<Url>,

    /// `SMTP_URL`: the mail server that takes notices, such as `smtp://name:password@mail.example.com:587?tls=required`.
    /// Default: nothing is mailed.
    pub smtp: Option<mail::Server>,

    /// `SMTP_FROM`: from whom mails come. Default: Latchkey at the host of the base URL.
    pub smtp_from: Option<Mailbox>,

    /// `LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE`: `yes` to let webhooks lead to private addresses, and over plain http.
    /// Default: `no`.
    pub webhooks_may_call_private: bool,

    /// `LATCHKEY_MAY_LOSE_DATA`: `yes` to start on a Postgres that a power cut could make forget. Default: `no`.
    pub may_lose_data: bool,

    /// `LATCHKEY_LOG`: what to log, in `tracing`'s filter syntax. Default: `info`.
    pub log: String,

    /// `LATCHKEY_LOG_FORMAT`: `json` or `text`. Default: `text`.
    pub log_json: bool,
}

impl Config {
    /// Reads the environment.
    ///
    /// # Errors
    /// A setting that cannot be understood; the error begins with its name.
    pub fn from_env() -> anyhow::Result<Self> {
        Self::from(|name| std::env::var(name).ok())
    }

    /// Reads settings from `lookup`; an empty value counts as unset.
    ///
    /// # Errors
    /// As [`Config::from_env`].
    pub fn from(lookup: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let setting = |name: &str| lookup(name).filter(|value| !value.trim().is_empty());
        Ok(Self {
            database_url: setting("DATABASE_URL"),
            data_dir: setting("LATCHKEY_DATA_DIR").unwrap_or_else(|| "data".into()).into(),
            listen: setting("LATCHKEY_LISTEN")
                .unwrap_or_else(|| "127.0.0.1:8080".into())
                .parse()
                .context("LATCHKEY_LISTEN is not an address and port such as 127.0.0.1:8080")?,
            base_url: setting("LATCHKEY_BASE_URL")
                .map(|value| parse_base_url(&value))
                .transpose()?,
            session_key: setting("LATCHKEY_SESSION_KEY")
                .map(|value| parse_session_key(&value))
                .transpose()?,
            vault: setting("LATCHKEY_VAULT_KEY").map(|value| Vault::parse(&value)).transpose()?,
            trusted_proxies: setting("LATCHKEY_TRUSTED_PROXIES")
                .map_or_else(|| Ok(Vec::new()), |value| parse_ranges(&value))?,
            cached_keys: setting("LATCHKEY_CACHED_KEYS")
                .map_or(Ok(1_000_000), |value| parse_count(&value))
                .context("LATCHKEY_CACHED_KEYS is not a number of keys from 1000 to 100000000")?,
            node_name: setting("LATCHKEY_NODE_NAME").map(|value| value.trim().to_owned()),
            metrics_listen: setting("LATCHKEY_METRICS_LISTEN")
                .map(|value| value.parse())
                .transpose()
                .context(
                    "LATCHKEY_METRICS_LISTEN is not an address and port such as 127.0.0.1:9464",
                )?,
            redis_url: setting("REDIS_URL").map(|value| parse_redis_url(&value)).transpose()?,
            smtp: setting("SMTP_URL").map(|value| parse_smtp_url(&value)).transpose()?,
            smtp_from: setting("SMTP_FROM").map(|value| parse_sender(&value)).transpose()?,
            webhooks_may_call_private: yes(&setting, "LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE")?,
            may_lose_data: yes(&setting, "LATCHKEY_MAY_LOSE_DATA")?,
            log: setting("LATCHKEY_LOG").unwrap_or_else(|| "info".into()),
            log_json: match setting("LATCHKEY_LOG_FORMAT").as_deref() {
                None | Some("text") => false,
                Some("json") => true,
                Some(_) => bail!("LATCHKEY_LOG_FORMAT is neither text nor json"),
            },
        })
    }

    /// The address people reach the pages at.
    pub fn base_url(&self) -> Url {
        self.base_url.clone().unwrap_or_else(|| {
            format!("http://{}/", self.listen)
                .parse()
                .expect("a socket address makes an http address")
        })
    }

    /// Whether cookies may insist on https.
    pub fn is_https(&self) -> bool {
        self.base_url.as_ref().is_some_and(|url| url.scheme() == "https")
    }
}

fn parse_base_url(value: &str) -> anyhow::Result<Url> {
    let url: Url = value
        .parse()
        .context("LATCHKEY_BASE_URL is not an address such as https://keys.example.com")?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
        bail!("LATCHKEY_BASE_URL must begin with https:// or http:// and name a host");
    }
    if url.path() != "/"
        || url.query().is_some()
        || url.fragment().is_some()
        || !url.username().is_empty()
    {
        bail!("LATCHKEY_BASE_URL must end after the host and port");
    }
    Ok(url)
}

fn parse_count(value: &str) -> anyhow::Result<usize> {
    let count = value.trim().replace(['_', ' '], "").parse()?;
    if !(1_000..=100_000_000).contains(&count) {
        bail!("it is {count}");
    }
    Ok(count)
}

fn parse_redis_url(value: &str) -> anyhow::Result<Url> {
    value
        .parse()
        .ok()
        .filter(|url: &Url| matches!(url.scheme(), "redis" | "rediss" | "unix" | "redis+unix"))
        // Not the value itself: it may hold a password.
        .context("REDIS_URL is not an address such as redis://127.0.0.1:6379")
}

fn parse_smtp_url(value: &str) -> anyhow::Result<mail::Server> {
    // Not the value itself: it may hold a password.
    mail::Server::parse(value).context(
        "SMTP_URL is not an address such as smtp://name:password@mail.example.com:587?tls=required, or smtps://…",
    )
}

fn parse_sender(value: &str) -> anyhow::Result<Mailbox> {
    mail::parse_sender(value)
        .context("SMTP_FROM is not a sender such as Latchkey <latchkey@example.com>")
}

/// A switch that is off until it is said to be on.
fn yes(setting: &impl Fn(&str) -> Option<String>, name: &str) -> anyhow::Result<bool> {
    match setting(name).as_deref() {
        None | Some("no") => Ok(false),
        Some("yes") => Ok(true),
        Some(_) => bail!("{name} is neither yes nor no"),
    }
}

fn parse_session_key(value: &str) -> anyhow::Result<Key> {
    let bytes =
        STANDARD.decode(value.trim()).map_err(|_| anyhow!("LATCHKEY_SESSION_KEY is not base64"))?;
    Key::try_from(bytes.as_slice())
        .map_err(|_| anyhow!("LATCHKEY_SESSION_KEY must be at least 64 bytes before base64"))
}

fn parse_ranges(value: &str) -> anyhow::Result<Vec<IpNet>> {
    value
        .split(',')
        .map(str::trim)
        .filter(|range| !range.is_empty())
        .map(|range| {
            range.parse::<IpNet>().or_else(|_| range.parse::<IpAddr>().map(IpNet::from)).map_err(|_| {
                anyhow!("LATCHKEY_TRUSTED_PROXIES: {range} is not an IP address or range such as 10.0.0.0/8")
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(settings: &[(&str, &str)]) -> anyhow::Result<Config> {
        Config::from(|name| {
            settings.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).into())
        })
    }

    #[test]
    fn everything_has_a_default() {
        let config = config(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert_eq!(config.base_url().as_str(), "http://127.0.0.1:8080/");
        assert!(!config.is_https());
    }

    #[test]
    fn a_setting_that_cannot_be_understood_is_named() {
        for (name, value) in [
            ("LATCHKEY_LISTEN", "8080"),
            ("LATCHKEY_BASE_URL", "keys.example.com"),
            ("LATCHKEY_BASE_URL", "https://keys.example.com/path"),
            ("LATCHKEY_SESSION_KEY", "short"),
            ("LATCHKEY_VAULT_KEY", "short"),
            ("LATCHKEY_TRUSTED_PROXIES", "10.0.0.0/33"),
            ("LATCHKEY_CACHED_KEYS", "many"),
            ("LATCHKEY_CACHED_KEYS", "0"),
            ("LATCHKEY_METRICS_LISTEN", "9464"),
            ("REDIS_URL", "127.0.0.1:6379"),
            ("SMTP_URL", "mail.example.com"),
            ("SMTP_URL", "smtp://mail.example.com?tls=perhaps"),
            ("SMTP_FROM", "latchkey"),
            ("LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE", "true"),
            ("LATCHKEY_MAY_LOSE_DATA", "1"),
            ("LATCHKEY_LOG_FORMAT", "xml"),
        ] {
            let error = config(&[(name, value)])
                .err()
                .unwrap_or_else(|| panic!("{name}={value} was accepted"));
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn vault_keys_can_be_rotated() {
        assert!(config(&[]).unwrap().vault.is_none());
        let (one, two) = (STANDARD.encode([1; 32]), STANDARD.encode([2; 32]));
        let both = format!("{one}, {two}");
        let vault = config(&[("LATCHKEY_VAULT_KEY", &both)]).unwrap().vault.unwrap();
        assert_eq!(vault.size(), 2);
    }

    #[test]
    fn proxies_are_ranges_or_single_addresses() {
        let config = config(&[("LATCHKEY_TRUSTED_PROXIES", "10.0.0.0/8, ::1")]).unwrap();
        assert_eq!(config.trusted_proxies.len(), 2);
    }
}
