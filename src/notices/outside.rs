//! The ways out, as the settings have them: what jobs and test buttons send with.

use actix_web::cookie::Key;
use url::Url;

use super::{
    mail::Mailer,
    webhooks::{Caller, Secrets},
};
use crate::config::Config;

/// How this node reaches mail servers and webhooks.
pub struct Outside {
    /// `None`: no mail server is configured.
    pub mailer: Option<Mailer>,
    pub caller: Caller,
    pub secrets: Secrets,
    /// What stands before the addresses of our own pages.
    pub base_url: Url,
}

impl Outside {
    /// By the settings. Nothing is connected to.
    ///
    /// # Errors
    /// When nobody can be the sender of mails; the error names the variable.
    pub fn of(config: &Config, session_key: &Key) -> anyhow::Result<Self> {
        let base_url = config.base_url();
        Ok(Self {
            mailer: Mailer::of(config)?,
            caller: Caller::new(config.webhooks_may_call_private),
            secrets: Secrets::of(session_key),
            base_url,
        })
    }
}
