//! One struct per template.

use askama::Template;

use super::{
    access_forms::{GrantForm, WithdrawForm},
    forms::NewPerson,
};
use crate::{
    access::Holder,
    config::Config,
    counted::Count,
    credentials::Secret,
    environments::Environment,
    keys::Key,
    scopes::Section,
    users::{Member, Role, User, links::password_path},
    web::{Day, Layout, Moment, Problems},
};

#[derive(Template)]
#[template(path = "team/index.html")]
pub struct Index {
    pub layout: Layout,
    pub viewer_id: Option<i64>,
    pub members: Vec<Member>,
}

/// A row that has changed, and the sentence about it.
#[derive(Template)]
#[template(path = "team/_changed.html")]
pub struct Changed {
    pub viewer_id: Option<i64>,
    pub member: Member,
    pub message: String,
}

#[derive(Template)]
#[template(path = "team/new.html")]
pub struct New {
    pub layout: Layout,
    pub form: NewPerson,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "team/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub member: Member,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "team/withdraw.html", blocks = ["dialog"])]
pub struct Withdraw {
    pub layout: Layout,
    /// Whether the row is there to redraw.
    pub from_list: bool,
    pub member: Member,
    /// Those that go on working unless something becomes of them.
    pub keys: Vec<Key>,
    /// Who could take them over, and whether their API access covers all of them.
    pub holders: Vec<(Holder, bool)>,
    pub form: WithdrawForm,
    pub problems: Problems,
}

impl Withdraw {
    /// Most people have a few keys; the rest is counted.
    const SHOWN: usize = 8;

    fn shown(&self) -> &[Key] {
        &self.keys[..self.keys.len().min(Self::SHOWN)]
    }

    fn more(&self) -> usize {
        self.keys.len().saturating_sub(Self::SHOWN)
    }
}

/// What a manager may hand out.
#[derive(Template)]
#[template(path = "team/grant.html")]
pub struct EditGrant {
    pub layout: Layout,
    pub member: Member,
    pub form: GrantForm,
    pub problems: Problems,
    pub environments: Vec<Environment>,
    pub catalogue: Vec<Section>,
    /// Live keys of theirs that hold more than what is granted now.
    pub beyond: Vec<Key>,
}

/// “2 keys hold more than it covers.”
pub fn hold_more(keys: usize) -> String {
    match keys {
        1 => "One key holds more than it covers.".into(),
        many => format!("{many} keys hold more than it covers."),
    }
}

#[derive(Template)]
#[template(path = "team/disable.html", blocks = ["dialog"])]
pub struct Disable {
    pub layout: Layout,
    /// Whether the row is there to redraw.
    pub from_list: bool,
    pub member: Member,
    pub active_keys: Count,
}

impl Disable {
    pub fn is_oneself(&self) -> bool {
        self.layout.viewer.id == Some(self.member.user.id)
    }

    /// Their active keys, in the list.
    pub fn keys_address(&self) -> String {
        format!("/keys?status=active&owner={}", self.member.user.id)
    }
}

/// The one page that shows a one-time link.
#[derive(Template)]
#[template(path = "team/link.html")]
pub struct Link {
    pub layout: Layout,
    pub user: User,
    pub link: String,
    /// Whether they have no password yet.
    pub is_invitation: bool,
    /// Whether there can be no earlier link.
    pub is_first: bool,
}

impl Link {
    /// For somebody who has no password yet.
    pub fn invitation(
        layout: Layout,
        config: &Config,
        user: User,
        token: &Secret,
        is_first: bool,
    ) -> Self {
        Self { layout, user, link: address(config, token), is_invitation: true, is_first }
    }

    /// For somebody who lost the password.
    pub fn reset(layout: Layout, config: &Config, user: User, token: &Secret) -> Self {
        let link = address(config, token);
        Self { layout, user, link, is_invitation: false, is_first: false }
    }
}

fn address(config: &Config, token: &Secret) -> String {
    format!("{}{}", config.base_url().as_str().trim_end_matches('/'), password_path(token))
}

/// Whether that person is the viewer.
pub fn is_same(viewer_id: &Option<i64>, id: &i64) -> bool {
    viewer_id.as_ref() == Some(id)
}

/// “an administrator”
pub fn with_article(role: Role) -> &'static str {
    match role {
        Role::Administrator => "an administrator",
        Role::Manager => "a marketplace manager",
    }
}
