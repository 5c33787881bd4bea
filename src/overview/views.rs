//! One struct per template.

use askama::Template;

use super::queries::KeyCounts;
use crate::{
    environments::Mode,
    gateways::Gateway,
    web::{Layout, Moment},
};

#[derive(Template)]
#[template(path = "overview/index.html")]
pub struct Index {
    pub layout: Layout,
    pub keys: KeyCounts,
    /// “3 keys expire within 14 days”
    pub expiring: Option<String>,
    /// Of whichever mode.
    pub has_any_key: bool,
    pub applications: i64,
    /// Those that may ask; empty for everybody but administrators.
    pub gateways: Vec<Gateway>,
}

impl Index {
    fn is_administrator(&self) -> bool {
        self.layout.viewer.is_administrator()
    }

    /// Those of the mode one is in.
    fn shown_gateways(&self) -> Vec<&Gateway> {
        let mode = self.layout.viewer.mode;
        let is_shown =
            |gateway: &&Gateway| mode.is_none_or(|mode| gateway.environment.mode == mode);
        self.gateways.iter().filter(is_shown).collect()
    }

    /// The mode one is in, when no key is of it and some are of the other.
    fn empty_mode(&self) -> Option<Mode> {
        self.layout.viewer.mode.filter(|_| self.keys.total().is_none() && self.has_any_key)
    }

    /// Whether something is left to do before a key can be of use.
    fn is_beginning(&self) -> bool {
        self.applications == 0
            || !self.has_any_key
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
