//! What can be done about a no: beside each refusal, as links to where it is done, and only what the viewer may do.

use super::form::QuestionForm;
use crate::{
    keys::{edit::address_adding, views::Row},
    scopes::{Permission, Section},
    users::Viewer,
    verify::{About, Asks, With},
};

/// A link that helps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fix {
    pub label: String,
    pub address: String,
    pub icon: &'static str,
}

/// What is to be done about a check that said no.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Advice {
    pub fixes: Vec<Fix>,
    /// What only the caller or the gateway can do.
    pub sentence: Option<&'static str>,
}

/// What is known of key and viewer for giving advice.
pub struct Counsel<'a> {
    pub row: &'a Row,
    pub form: &'a QuestionForm,
    pub with: With,
    pub catalogue: &'a [Section],
    pub viewer: &'a Viewer,
}

impl Counsel<'_> {
    /// About that check.
    pub fn on(&self, asks: Asks) -> Advice {
        match asks {
            Asks::Spelling | Asks::Existence => Advice::default(),
            Asks::RateLimits => self.edit("Raise the limit", "limits"),
            Asks::Check(about) => self.on_check(about),
        }
    }

    fn on_check(&self, about: About) -> Advice {
        let key = &self.row.key;
        match about {
            About::Revocation => {
                let address = format!("/keys/new?like={}", key.public_key);
                Advice::link("Create a replacement with the same permissions", address, "copy")
            }
            About::Expiry => self.edit("Extend", "expires"),
            About::Disabling if self.row.acts.enable => {
                Advice::link("Enable", format!("{}/confirm/enable", key.address()), "enable")
            }
            About::Disabling => Advice::default(),
            About::Secret => self.on_secret(),
            About::Environment => {
                let form =
                    QuestionForm { environment: key.environment.slug.clone(), ..self.form.clone() };
                let label = format!("Ask from environment {}", key.environment.slug);
                let address = form.address(&key.public_key);
                Advice::link(label, address, "forward").saying(
                    "A key’s environment is fixed: create another key for the other environment.",
                )
            }
            About::Ip if self.form.ip.trim().is_empty() => {
                Advice::sentence("The gateway has to tell the caller’s address.")
            }
            About::Ip => self.edit(format!("Allow {}", self.form.ip.trim()), "restrictions"),
            About::Customer if self.form.customer.is_empty() => {
                Advice::sentence("The gateway has to tell which customer it is for.")
            }
            About::Customer => self.edit(format!("Allow {}", self.form.customer), "restrictions"),
            About::Origin if self.form.origin.is_empty() => Advice::sentence(
                "The gateway has to pass the Origin header on; programs call with the secret.",
            ),
            About::Origin => self.edit(format!("Allow {}", self.form.origin), "restrictions"),
            About::Permissions => self.on_permissions(),
        }
    }

    fn on_secret(&self) -> Advice {
        let key = &self.row.key;
        let advice = Advice::sentence("Give the caller the current secret.");
        if !self.row.acts.regenerate {
            return advice;
        }
        advice.and("Regenerate", format!("{}/confirm/regenerate", key.address()), "regenerate")
    }

    fn on_permissions(&self) -> Advice {
        let mut advice = Advice::default();
        for scope in &self.form.scope {
            let Some((section, permission)) = self.find(scope) else {
                return advice.saying(
                    "One of these is not in the catalogue. Permissions are compared letter by letter.",
                );
            };
            if self.holds(permission) {
                continue;
            }
            if section.has_retired(permission) {
                advice = advice.saying("What is retired is not given to any key.");
            } else if self.row.acts.edit && self.viewer_may_give(permission) {
                let address = address_adding(&self.row.key.address(), scope);
                advice = advice.and(format!("Add {scope}"), address, "plus");
            } else if self.row.key.revoked_at.is_none() {
                advice = advice.saying("An administrator can add it.");
            }
        }
        let is_withheld = |scope: &String| {
            self.find(scope).is_some_and(|(_, permission)| !permission.publishable)
        };
        if self.with == With::PublicKey && self.form.scope.iter().any(is_withheld) {
            let form = QuestionForm { with: String::new(), ..self.form.clone() };
            let address = form.address(&self.row.key.public_key);
            advice = advice
                .and("Ask with the secret", address, "forward")
                .saying("The public key alone stands for browser-safe permissions only.");
        }
        advice
    }

    fn find(&self, slug: &str) -> Option<(&Section, &Permission)> {
        self.catalogue.iter().find_map(|section| {
            let permission = section.permissions.iter().find(|known| known.slug == slug)?;
            Some((section, permission))
        })
    }

    fn holds(&self, permission: &Permission) -> bool {
        let held = &self.row.held.ids;
        held.all
            || held.sections.contains(&permission.section_id)
            || held.permissions.contains(&permission.id)
    }

    fn viewer_may_give(&self, permission: &Permission) -> bool {
        let grant = self.viewer.grant.as_ref();
        self.viewer.is_administrator()
            || grant.is_some_and(|grant| grant.covers_permission(permission.id))
    }

    /// A link to the part of the edit form where it is done.
    fn edit(&self, label: impl Into<String>, part: &str) -> Advice {
        let key = &self.row.key;
        if !self.row.acts.edit {
            return match self.row.acts.is_beyond_grant {
                true => Advice::sentence("An administrator can change this key."),
                false => Advice::default(),
            };
        }
        Advice::link(label, format!("{}/edit#{part}", key.address()), "edit")
    }
}

impl Advice {
    fn link(label: impl Into<String>, address: String, icon: &'static str) -> Self {
        Self::default().and(label, address, icon)
    }

    fn sentence(sentence: &'static str) -> Self {
        Self::default().saying(sentence)
    }

    fn and(mut self, label: impl Into<String>, address: String, icon: &'static str) -> Self {
        self.fixes.push(Fix { label: label.into(), address, icon });
        self
    }

    fn saying(mut self, sentence: &'static str) -> Self {
        self.sentence = Some(sentence);
        self
    }
}
