//! One struct per template.

use askama::Template;

use super::{Kind, Shown, Unread, commands::KEPT_DAYS, filter::FilterForm};
use crate::web::{Layout, Moment};

/// The inbox.
#[derive(Template)]
#[template(path = "notices/index.html", blocks = ["table"])]
pub struct Index {
    pub layout: Layout,
    pub filter: FilterForm,
    pub notices: Vec<Shown>,
    pub next: Option<String>,
    pub previous: Option<String>,
    /// The newest of them before which none can come any more.
    pub settled: Option<i64>,
}

impl Index {
    /// What screen readers hear when the filter has changed the list.
    fn said(&self) -> String {
        match self.notices.len() {
            0 => "No notice matches".into(),
            1 => "1 notice listed".into(),
            many => format!("{many} notices listed"),
        }
    }

    fn kinds(&self) -> [(Kind, &'static str, &'static str, &'static str); 5] {
        Kind::ALL
    }

    fn kept_days(&self) -> i32 {
        KEPT_DAYS
    }

    /// Up to where everything is read when the button is pressed. There is none where newer ones are left out, and none
    /// when nothing is unread.
    fn newest(&self) -> Option<i64> {
        self.settled.filter(|_| self.filter.shows_the_newest() && self.layout.unread.is_any())
    }
}

/// The bell at the top of the page, asked for again.
#[derive(Template)]
#[template(path = "notices/_bell_again.html")]
pub struct Bell {
    pub unread: Unread,
    /// Whether the inbox is the page that is open.
    pub is_here: bool,
}

/// Which kinds are made.
#[derive(Template)]
#[template(path = "notices/kinds.html")]
pub struct Kinds {
    pub layout: Layout,
}

impl Kinds {
    /// As stored, as people read it, what it costs or spares, and whether it is made.
    fn kinds(&self) -> impl Iterator<Item = (&'static str, &'static str, &'static str, bool)> {
        let off = &self.layout.settings.notices_off;
        Kind::ALL.into_iter().map(move |(kind, slug, _, label)| {
            (slug, label, kind.when(), !off.iter().any(|off| off == slug))
        })
    }

    fn kept_days(&self) -> i32 {
        KEPT_DAYS
    }
}

impl Shown {
    /// When it was noticed.
    pub fn when(&self) -> Moment {
        Moment::seen_now(self.notice.at)
    }

    /// Who reported it, if somebody did.
    fn reporter(&self) -> Option<&str> {
        self.notice.leak.as_ref().map(|leak| leak.reporter.as_str())
    }
}
