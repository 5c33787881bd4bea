//! One struct per template.

use askama::Template;
use chrono::Utc;

use super::{
    forms::WebhookForm,
    model::{Attempt, Delivery, Webhook},
    retention::KEPT_DAYS,
};
use crate::{
    credentials::Secret,
    notices::{Kind, Outside},
    web::{Day, Layout, Moment, Problems},
};

/// A webhook, and whether it can be signed for.
pub struct Shown {
    pub webhook: Webhook,
    /// Its secret cannot be told any more: the session key was changed.
    pub is_lost: bool,
}

impl Shown {
    pub fn of(webhook: Webhook, outside: &Outside) -> Self {
        let is_lost = webhook.secrets(&outside.secrets, Utc::now()).is_none();
        Self { webhook, is_lost }
    }

    /// Shape, class and word.
    fn standing(&self) -> (&'static str, &'static str, &'static str) {
        if !self.webhook.is_enabled() {
            ("status-inactive", "inactive", "Switched off")
        } else if self.is_lost {
            ("error", "failed", "Cannot sign")
        } else if self.webhook.failing_since.is_some() {
            ("error", "failed", "Failing")
        } else {
            ("status-active", "active", "Active")
        }
    }

    /// What stands under it.
    fn note(&self) -> Option<&'static str> {
        match self.webhook.disabled_why.as_deref() {
            Some("gone") => Some("It answered 410: it wants no more"),
            Some("failing") => Some("Nothing arrived for too long"),
            Some(_) => Some("by an administrator"),
            None => None,
        }
    }

    /// The secret before the last rotation signs, too.
    fn overlaps(&self) -> bool {
        self.webhook.old_until.is_some_and(|until| until > Utc::now())
    }
}

#[derive(Template)]
#[template(path = "notices/webhooks/index.html")]
pub struct Index {
    pub layout: Layout,
    pub webhooks: Vec<Shown>,
}

/// A new one, or one that is changed.
#[derive(Template)]
#[template(path = "notices/webhooks/form.html")]
pub struct Form {
    pub layout: Layout,
    pub webhook: Option<Webhook>,
    pub form: WebhookForm,
    pub problems: Problems,
}

impl Form {
    fn kinds(&self) -> [(Kind, &'static str, &'static str, &'static str); 5] {
        Kind::ALL
    }
}

/// The one page that shows the secret.
#[derive(Template)]
#[template(path = "notices/webhooks/reveal.html")]
pub struct Reveal {
    pub layout: Layout,
    pub webhook: Webhook,
    pub secret: Secret,
}

#[derive(Template)]
#[template(path = "notices/webhooks/remove.html", blocks = ["dialog"])]
pub struct Remove {
    pub layout: Layout,
    pub webhook: Webhook,
}

#[derive(Template)]
#[template(path = "notices/webhooks/rotate.html", blocks = ["dialog"])]
pub struct Rotate {
    pub layout: Layout,
    pub webhook: Shown,
}

/// A webhook with its log.
#[derive(Template)]
#[template(path = "notices/webhooks/show.html", blocks = ["table"])]
pub struct Show {
    pub layout: Layout,
    pub webhook: Shown,
    pub deliveries: Vec<(Delivery, Option<Attempt>)>,
    pub next: Option<String>,
    pub previous: Option<String>,
    pub is_first: bool,
}

impl Show {
    /// The first page asks for itself again as long as anything on it may change soon.
    fn is_live(&self) -> bool {
        self.is_first && self.deliveries.iter().any(|(delivery, _)| is_due_soon(delivery))
    }

    fn kept_days(&self) -> i32 {
        KEPT_DAYS
    }
}

/// One delivery with its attempts.
#[derive(Template)]
#[template(path = "notices/webhooks/delivery.html", blocks = ["standing"])]
pub struct OneDelivery {
    pub layout: Layout,
    pub webhook: Shown,
    pub delivery: Delivery,
    pub attempts: Vec<Attempt>,
    /// The page asked for itself again.
    pub is_again: bool,
}

impl OneDelivery {
    fn is_live(&self) -> bool {
        is_due_soon(&self.delivery)
    }

    /// What screen readers hear when it has ended while they were on the page.
    fn said(&self) -> Option<String> {
        let has_ended = self.is_again && !self.is_live();
        has_ended.then(|| self.attempts.first().map_or_else(String::new, Attempt::outcome))
    }

    /// What was sent, to be read.
    fn body(&self) -> String {
        let parsed: Option<serde_json::Value> = serde_json::from_str(&self.delivery.body).ok();
        let pretty = parsed.and_then(|body| serde_json::to_string_pretty(&body).ok());
        pretty.unwrap_or_else(|| self.delivery.body.clone())
    }
}

fn is_due_soon(delivery: &Delivery) -> bool {
    delivery.next_at.is_some_and(|next| (next - Utc::now()).num_seconds() < 120)
}
