//! One struct per template.

use askama::Template;

use uuid::Uuid;

use super::{Application, files, forms::Form, secrets::Secrets};
use crate::{
    credentials::Secret,
    environments::Environment,
    keys::{Key, spaced},
    web::{Day, Layout, Moment, Problems},
};

/// A row of the list.
pub struct Listed {
    pub application: Application,
    /// As far as the viewer sees keys.
    pub active_keys: i64,
}

#[derive(Template)]
#[template(path = "applications/index.html")]
pub struct Index {
    pub layout: Layout,
    pub applications: Vec<Listed>,
}

#[derive(Template)]
#[template(path = "applications/show.html")]
pub struct Show {
    pub layout: Layout,
    pub application: Application,
    pub active_keys: i64,
    /// For administrators.
    pub secrets: Option<Secrets>,
    pub has_vault: bool,
}

#[derive(Template)]
#[template(path = "applications/new.html")]
pub struct New {
    pub layout: Layout,
    pub form: Form,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "applications/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub application: Application,
    pub form: Form,
    pub problems: Problems,
}

/// The one page that shows the App Secret.
#[derive(Template)]
#[template(path = "applications/reveal.html")]
pub struct Reveal {
    pub layout: Layout,
    pub application: Application,
    pub secret: Secret,
}

/// What keeping an application's secrets means, before it is switched on or off.
#[derive(Template)]
#[template(path = "applications/recovery.html", blocks = ["dialog"])]
pub struct Recovery {
    pub layout: Layout,
    pub application: Application,
    pub secrets: Secrets,
    /// It is about switching it on.
    pub keep: bool,
    pub has_vault: bool,
}

/// A key that a reset would stop.
pub struct Stopping {
    pub key: Key,
    /// Answered in the last 24 hours.
    pub requests: i64,
}

impl Stopping {
    pub fn requests_spaced(&self) -> String {
        spaced(self.requests)
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.key.last_used_at.map(Moment::seen_now)
    }
}

/// What would stop working, and the password.
#[derive(Template)]
#[template(path = "applications/reset.html")]
pub struct Reset {
    pub layout: Layout,
    pub application: Application,
    pub environment: Environment,
    pub stopping: Vec<Stopping>,
    pub nonce: Uuid,
    pub problems: Problems,
}

/// The new secrets, once, together.
#[derive(Template)]
#[template(path = "applications/reset_done.html")]
pub struct ResetDone {
    pub layout: Layout,
    pub application: Application,
    pub environment: Environment,
    pub made: Vec<(Key, Secret)>,
    pub env: Secret,
    pub csv: Secret,
}

impl ResetDone {
    pub fn new(
        layout: Layout,
        application: Application,
        environment: Environment,
        made: Vec<(Key, Secret)>,
    ) -> Self {
        let (env, csv) = (files::env(&made), files::csv(&made));
        Self { layout, application, environment, made, env, csv }
    }

    /// What the files are called, without their ending: `storefront-production`.
    pub fn file_name(&self) -> String {
        let name: String = self
            .application
            .name
            .chars()
            .map(|character| {
                if character.is_ascii_alphanumeric() { character.to_ascii_lowercase() } else { '-' }
            })
            .collect();
        format!("{}-{}", name.trim_matches('-'), self.environment.slug)
    }
}
