//! The form as typed, and what it means.

use serde::Deserialize;

use super::{address, commands::NewWebhook, model::Webhook};
use crate::{
    notices::Kind,
    web::{Problems, Ticked},
};

/// A webhook as typed.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookForm {
    pub url: String,
    pub kind: Vec<String>,
    pub enabled: Option<Ticked>,
}

impl WebhookForm {
    /// For a new one: everything.
    pub fn blank() -> Self {
        let kind = Kind::ALL.iter().map(|(_, slug, ..)| (*slug).to_owned()).collect();
        Self { url: String::new(), kind, enabled: Some(Ticked::Yes) }
    }

    /// As it is.
    pub fn of(webhook: &Webhook) -> Self {
        Self {
            url: webhook.url.clone(),
            kind: webhook.kinds.clone(),
            enabled: webhook.is_enabled().then_some(Ticked::Yes),
        }
    }

    pub fn has(&self, slug: &str) -> bool {
        self.kind.iter().any(|ticked| ticked == slug)
    }

    /// As meant.
    ///
    /// # Errors
    /// What is wrong, field by field.
    pub fn parse(&self, may_call_private: bool) -> Result<NewWebhook, Problems> {
        let mut problems = Problems::default();
        let url = problems.sort("url", address::parse(&self.url, may_call_private));
        let kinds: Option<Vec<Kind>> = self.kind.iter().map(|slug| Kind::parse(slug)).collect();
        let kinds = kinds
            .filter(|kinds| !kinds.is_empty())
            .ok_or_else(|| "Choose at least one kind of notice from the list.".to_owned());
        let kinds = problems.sort("kind", kinds);
        let (url, kinds) = url.zip(kinds).ok_or(problems)?;
        let once = Kind::ALL.iter().map(|(kind, ..)| *kind).filter(|kind| kinds.contains(kind));
        Ok(NewWebhook { url, kinds: once.collect(), is_enabled: self.enabled.is_some() })
    }
}
