//! One struct per template.

use askama::Template;
use chrono::Utc;
use chrono_tz::{TZ_VARIANTS, Tz};

use super::forms::Welcome as Form;
use crate::{
    notices::Kind,
    sign_in::OpenSession,
    users::Viewer,
    web::{Day, Layout, Moment, Problems},
};

/// The parts of the world by which zones are offered; other names of the same zones are understood too.
const AREAS: [&str; 10] = [
    "Africa",
    "America",
    "Antarctica",
    "Arctic",
    "Asia",
    "Atlantic",
    "Australia",
    "Europe",
    "Indian",
    "Pacific",
];

#[derive(Template)]
#[template(path = "account/show.html")]
pub struct Show {
    pub layout: Layout,
    /// As typed.
    pub name: String,
    pub sessions: Vec<OpenSession>,
    /// Each kind of notice, and whether it comes by e-mail.
    pub mailed: Vec<(Kind, bool)>,
    /// Whether a mail server is configured.
    pub sends_mail: bool,
    pub problems: Problems,
}

impl Show {
    pub fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_this)
    }

    pub fn areas(&self) -> [&'static str; 10] {
        AREAS
    }

    /// The zones of a part of the world, as stored and as people read them.
    pub fn zones_of(&self, area: &str) -> Vec<(&'static str, String)> {
        let of_area = |zone: &Tz| {
            let place = zone.name().strip_prefix(area)?.strip_prefix('/')?;
            Some((zone.name(), place.replace('_', " ").replace('/', ", ")))
        };
        TZ_VARIANTS.iter().filter_map(of_area).collect()
    }

    pub fn is_zone(&self, name: &str) -> bool {
        self.layout.viewer.zone.name() == name
    }

    /// A zone by a name that is not offered.
    pub fn unusual_zone(&self) -> Option<&'static str> {
        let name = self.layout.viewer.zone.name();
        let area = name.split('/').next().unwrap_or_default();
        (name != "UTC" && !AREAS.contains(&area)).then_some(name)
    }

    /// 15:05
    pub fn clock(&self) -> String {
        Utc::now().with_timezone(&self.layout.viewer.zone).format("%H:%M").to_string()
    }
}

#[derive(Template)]
#[template(path = "account/welcome.html")]
pub struct Welcome {
    pub person: Viewer,
    pub form: Form,
    pub problems: Problems,
}
