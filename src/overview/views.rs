//! One struct per template.

use std::borrow::Borrow;

use askama::Template;

use super::queries::KeyCounts;
use crate::{
    gateways::Gateway,
    keys::spaced,
    web::{Layout, Moment},
};

#[derive(Template)]
#[template(path = "overview/index.html")]
pub struct Index {
    pub layout: Layout,
    pub keys: KeyCounts,
    /// “3 keys expire within 14 days”
    pub expiring: Option<String>,
    pub applications: i64,
    /// Those that may ask; empty for everybody but administrators.
    pub gateways: Vec<Gateway>,
}

impl Index {
    /// 10 000
    fn number(&self, number: impl Borrow<i64>) -> String {
        spaced(*number.borrow())
    }

    fn is_administrator(&self) -> bool {
        self.layout.viewer.is_administrator()
    }

    /// Whether something is left to do before a key can be of use.
    fn is_beginning(&self) -> bool {
        self.applications == 0
            || self.keys.total() == 0
            || (self.is_administrator()
                && !self.gateways.iter().any(|gateway| gateway.last_contact_at.is_some()))
    }
}

/// For somebody whom nobody granted API access.
#[derive(Template)]
#[template(path = "overview/no_access.html")]
pub struct NoAccess {
    pub layout: Layout,
    /// Names and e-mail addresses.
    pub administrators: Vec<(String, String)>,
}
