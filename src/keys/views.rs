//! One struct per template.

use askama::Template;
use chrono::{DateTime, TimeDelta, Utc};

use super::{
    Choices, Key, KeyErrors, KeyForm, Limit, Status, WINDOWS,
    acts::Act,
    filter::{FilterForm, LastUsed, Order, Sort},
    history::Told,
    queries::{Holdings, Restrictions},
    sketch::Sketch,
    spaced,
    wizard::Step,
};
use crate::{
    credentials::Secret,
    usage,
    users::Viewer,
    web::{Day, Layout, Moment, time::ShortDay},
};

/// A key in the list, or by itself, with what may be done to it.
pub struct Row {
    pub key: Key,
    pub held: Holdings,
    pub now: DateTime<Utc>,
    pub acts: Acts,
}

/// Which acts a row offers. What it does not offer is refused all the same.
#[derive(Debug, Clone, Copy)]
pub struct Acts {
    pub edit: bool,
    pub disable: bool,
    pub enable: bool,
    pub regenerate: bool,
    pub revoke: bool,
    pub delete: bool,
}

impl Acts {
    /// What the viewer may do to a key of that status.
    pub fn on(key: &Key, status: Status, viewer: &Viewer, may_revoke: bool) -> Self {
        let lives = status != Status::Revoked;
        Self {
            edit: lives,
            disable: lives && key.disabled_at.is_none(),
            enable: lives && key.disabled_at.is_some(),
            regenerate: lives && status != Status::Expired,
            revoke: lives && may_revoke,
            delete: viewer.is_administrator() && status != Status::Active,
        }
    }

    /// Whether there is any.
    pub fn any(self) -> bool {
        self.edit || self.disable || self.enable || self.regenerate || self.revoke || self.delete
    }
}

/// A permission or a whole section, as a chip.
pub struct Chip {
    pub text: String,
    pub whole: bool,
}

impl Row {
    pub fn new(
        key: Key,
        held: Holdings,
        viewer: &Viewer,
        may_revoke: bool,
        now: DateTime<Utc>,
    ) -> Self {
        let acts = Acts::on(&key, key.status(now), viewer, may_revoke);
        Self { key, held, now, acts }
    }

    pub fn status(&self) -> Status {
        self.key.status(self.now)
    }

    /// “on 1 Nov 2026”, “Expires in 3 days”
    pub fn status_note(&self) -> Option<String> {
        match self.status() {
            Status::Revoked => self.key.revoked_at.map(on_day),
            Status::Expired => self.key.expires_at.map(on_day),
            Status::Inactive => {
                self.key.disabled_at.map(|at| format!("since {}", at.format("%-d %b %Y")))
            }
            Status::Active => self
                .key
                .expires_at
                .filter(|_| self.expires_soon())
                .map(|at| format!("Expires {}", crate::web::time::relative(at, self.now))),
        }
    }

    pub fn expires_soon(&self) -> bool {
        self.status() == Status::Active
            && self.key.expires_at.is_some_and(|at| at < self.now + TimeDelta::days(14))
    }

    /// In words, why the key is as it is.
    pub fn status_reason(&self) -> String {
        let day = |at: DateTime<Utc>| crate::web::time::spell_day(at.date_naive());
        match (self.status(), self.key.expires_at) {
            (Status::Revoked, _) => match (&self.key.revoke_reason, self.key.revoked_at) {
                (Some(reason), Some(at)) => format!("Revoked for good on {}: “{reason}”.", day(at)),
                (None, Some(at)) => format!("Revoked for good on {}.", day(at)),
                (_, None) => String::new(),
            },
            (Status::Expired, Some(at)) => format!("Expired on {}; requests are refused.", day(at)),
            (Status::Inactive, _) => {
                "Disabled: requests are refused until somebody enables it.".into()
            }
            (_, Some(at)) => format!("Works until {}.", day(at)),
            (_, None) => "Works until somebody stops it.".into(),
        }
    }

    pub fn chips(&self) -> Vec<Chip> {
        chips(self.key.all_permissions, &self.held)
    }

    /// The tightest limit, for the list.
    pub fn limit(&self) -> Option<String> {
        self.held.limits.first().map(Limit::short)
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.key.last_used_at.map(|at| Moment::new(at, self.now))
    }

    /// 4 Mar 2026
    pub fn created_short(&self) -> ShortDay {
        ShortDay(self.key.created_at)
    }

    pub fn created(&self) -> Day {
        Day(self.key.created_at)
    }

    pub fn expires(&self) -> Option<Day> {
        self.key.expires_at.map(Day)
    }
}

/// What a key holds, as chips.
pub fn chips(all: bool, held: &Holdings) -> Vec<Chip> {
    if all {
        return vec![Chip { text: "All permissions".into(), whole: true }];
    }
    let whole = held.sections.iter().map(|(_, name)| Chip { text: name.clone(), whole: true });
    let single = held.permissions.iter().map(|(slug, _)| Chip { text: slug.clone(), whole: false });
    whole.chain(single).collect()
}

fn on_day(at: DateTime<Utc>) -> String {
    format!("on {}", at.format("%-d %b %Y"))
}

/// The list.
#[derive(Template)]
#[template(path = "keys/index.html", blocks = ["table"])]
pub struct Index {
    pub layout: Layout,
    pub filter: FilterForm,
    pub order: Order,
    pub rows: Vec<Row>,
    /// Whether there is any key at all, shown or not.
    pub has_any: bool,
    pub next: Option<String>,
    pub previous: Option<String>,
    pub choices: Choices,
    /// Id and name; empty for managers, who see their own keys only.
    pub owners: Vec<(i64, String)>,
    /// A pasted secret belongs to no key of the viewer's.
    pub unknown_secret: bool,
}

impl Index {
    /// What screen readers hear when the list has changed under the search field.
    pub fn said(&self) -> String {
        match self.rows.len() {
            _ if self.unknown_secret => "No key has this secret".into(),
            0 => "No key matches".into(),
            1 => "1 key listed".into(),
            many => format!("{many} keys listed"),
        }
    }

    pub fn statuses(&self) -> [Status; 4] {
        Status::ALL
    }

    pub fn last_used_choices(&self) -> [(&'static str, &'static str, LastUsed); 4] {
        LastUsed::ALL
    }

    pub fn is_owner(&self, id: &i64) -> bool {
        self.filter.owner == id.to_string()
    }

    pub fn name_column(&self) -> Column {
        self.column(Sort::Name)
    }

    pub fn last_used_column(&self) -> Column {
        self.column(Sort::LastUsed)
    }

    pub fn created_column(&self) -> Column {
        self.column(Sort::Created)
    }

    fn column(&self, sort: Sort) -> Column {
        Column {
            address: self.filter.sorted(self.order.after_click_on(sort)),
            direction: (self.order.sort == sort).then_some(if self.order.descending {
                "descending"
            } else {
                "ascending"
            }),
        }
    }
}

/// The head of a sortable column.
pub struct Column {
    pub address: String,
    /// For `aria-sort`.
    pub direction: Option<&'static str>,
}

impl Column {
    pub fn icon(&self) -> &'static str {
        match self.direction {
            Some("descending") => "sort-down",
            Some(_) => "sort-up",
            None => "sort",
        }
    }
}

/// One row, after something happened to it; and what happened.
#[derive(Template)]
#[template(path = "keys/_changed.html")]
pub struct Changed {
    /// `None`: the key is gone from the list.
    pub row: Option<Row>,
    pub message: String,
}

/// A key's own page.
#[derive(Template)]
#[template(path = "keys/show.html")]
pub struct Show {
    pub layout: Layout,
    pub row: Row,
    pub days: Vec<usage::Day>,
    pub history: Vec<Told>,
    pub restrictions: Restrictions,
    /// The catalogue's words for what the key holds.
    pub granted: Vec<Granted>,
}

/// A line of the permissions on a key's page.
pub enum Granted {
    Everything,
    Section { name: String, count: usize },
    Single { label: String, slug: String, access: &'static str, publishable: bool },
}

impl Show {
    pub fn valid(&self) -> String {
        spaced(self.days.iter().map(|day| day.valid).sum())
    }

    pub fn refused(&self) -> String {
        spaced(self.days.iter().map(|day| day.refused).sum())
    }

    /// How long ago the current secret was shown.
    pub fn secret_made(&self) -> Moment {
        Moment::new(self.row.key.secret.created_at, self.row.now)
    }

    /// 7 Nov
    pub fn first_day(&self) -> String {
        self.days.first().map(|day| day.date.format("%-d %b").to_string()).unwrap_or_default()
    }

    pub fn has_traffic(&self) -> bool {
        self.days.iter().any(|day| day.valid + day.refused > 0)
    }

    /// The bars of the chart: what a day is called, and where its two rectangles stand, in a box of 560 × 120.
    pub fn bars(&self) -> Vec<Bar> {
        let most =
            self.days.iter().map(|day| day.valid + day.refused).max().unwrap_or(0).max(1) as f64;
        let height =
            |count: i64| if count == 0 { 0.0 } else { (count as f64 / most * 112.0).max(1.5) };
        let width = 560.0 / self.days.len().max(1) as f64;
        self.days
            .iter()
            .enumerate()
            .map(|(at, day)| {
                let (valid, refused) = (height(day.valid), height(day.refused));
                let x = at as f64 * width + width * 0.15;
                let refused_y =
                    120.0 - valid - refused - if valid > 0.0 && refused > 0.0 { 1.5 } else { 0.0 };
                Bar {
                    title: format!(
                        "{}: {} allowed, {} refused",
                        day.date.format("%-d %B"),
                        spaced(day.valid),
                        spaced(day.refused)
                    ),
                    x: format!("{x:.1}"),
                    width: format!("{:.1}", width * 0.7),
                    valid: (day.valid > 0)
                        .then(|| (format!("{:.1}", 120.0 - valid), format!("{valid:.1}"))),
                    refused: (day.refused > 0)
                        .then(|| (format!("{refused_y:.1}"), format!("{refused:.1}"))),
                }
            })
            .collect()
    }
}

/// A day of the chart, in the chart's own units.
pub struct Bar {
    pub title: String,
    pub x: String,
    pub width: String,
    /// Top and height.
    pub valid: Option<(String, String)>,
    pub refused: Option<(String, String)>,
}

/// A step of the wizard.
#[derive(Template)]
#[template(path = "keys/new.html")]
pub struct New {
    pub layout: Layout,
    pub draft: String,
    pub step: Step,
    pub form: KeyForm,
    pub errors: KeyErrors,
    pub choices: Choices,
    pub sketch: Sketch,
}

impl New {
    pub fn steps(&self) -> [Step; 5] {
        Step::ALL
    }

    pub fn windows(&self) -> [(i32, &'static str); 4] {
        WINDOWS
    }

    /// On the summary: what is chosen, as chips.
    pub fn chips(&self) -> Vec<Chip> {
        chosen(&self.form, &self.choices)
    }

    /// Until when, spelled out.
    pub fn expiry(&self) -> String {
        match (&self.sketch.until, self.form.expires.as_str()) {
            (None, _) => "Never".into(),
            (Some(day), "date") => format!("Until {day}"),
            (Some(day), days) => format!("{days} days, until {day}"),
        }
    }
}

fn chosen(form: &KeyForm, choices: &Choices) -> Vec<Chip> {
    if form.all_permissions == "yes" {
        return vec![Chip { text: "All permissions".into(), whole: true }];
    }
    let whole = choices.catalogue.iter().filter(|section| form.has_section(&section.slug));
    let single = choices
        .catalogue
        .iter()
        .filter(|section| !form.has_section(&section.slug))
        .flat_map(|section| &section.permissions)
        .filter(|permission| form.has_permission(&permission.slug));
    whole
        .map(|section| Chip { text: section.name.clone(), whole: true })
        .chain(single.map(|permission| Chip { text: permission.slug.clone(), whole: false }))
        .collect()
}

/// What the key will be able to do, beside the form, while one fills it in.
#[derive(Template)]
#[template(path = "keys/_sketch.html")]
pub struct SketchAside {
    pub sketch: Sketch,
}

/// The secret, once.
#[derive(Template)]
#[template(path = "keys/reveal.html")]
pub struct Reveal {
    pub layout: Layout,
    pub key: Key,
    pub secret: Secret,
    pub basic: Secret,
    /// Whether it replaces another secret.
    pub again: bool,
}

impl Reveal {
    /// A first request with the new secret.
    fn curl(&self) -> String {
        format!(
            "curl https://api.example.com/ -H \"Authorization: Bearer {}\"",
            self.secret.reveal()
        )
    }
}

/// A draft that was sent a second time.
#[derive(Template)]
#[template(path = "keys/created_before.html")]
pub struct CreatedBefore {
    pub layout: Layout,
    pub key: Option<Key>,
}

/// The edit form.
#[derive(Template)]
#[template(path = "keys/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub key: Key,
    pub form: KeyForm,
    pub errors: KeyErrors,
    pub choices: Choices,
    /// It has expired: an administrator may let it live again.
    pub expired: bool,
    /// How many rate limits it has, when the form can only show one of them.
    pub more_limits: usize,
}

impl Edit {
    pub fn windows(&self) -> [(i32, &'static str); 4] {
        WINDOWS
    }
}

/// Somebody saved the key while it was being edited.
#[derive(Template)]
#[template(path = "keys/conflict.html")]
pub struct Conflict {
    pub layout: Layout,
    pub key: Key,
    pub form: KeyForm,
    /// Who saved it, and when.
    pub saved_by: Option<(String, DateTime<Utc>)>,
    pub lines: Vec<Compared>,
}

impl Conflict {
    pub fn saved_at(&self) -> Option<Moment> {
        self.saved_by.as_ref().map(|(_, at)| Moment::seen_now(*at))
    }

    pub fn saver(&self) -> &str {
        self.saved_by.as_ref().map_or("Somebody", |(name, _)| name)
    }
}

/// A field of both versions.
pub struct Compared {
    pub field: &'static str,
    pub mine: String,
    pub saved: String,
}

impl Compared {
    pub fn differs(&self) -> bool {
        self.mine != self.saved
    }
}

/// The lines of a comparison.
pub fn compare(form: &KeyForm, saved: &KeyForm, choices: &Choices) -> Vec<Compared> {
    let line = |field, of: fn(&KeyForm, &Choices) -> String| Compared {
        field,
        mine: of(form, choices),
        saved: of(saved, choices),
    };
    vec![
        line("Name", |form, _| form.name.trim().to_owned()),
        line("Note", |form, _| form.note.trim().replace("\r\n", "\n")),
        line("Permissions", |form, choices| {
            chosen(form, choices).into_iter().map(|chip| chip.text).collect::<Vec<_>>().join(", ")
        }),
        line("Rate limit", |form, choices| {
            Sketch::of(form, choices).limit.unwrap_or_else(|| "No limit".into())
        }),
        line("Expires", |form, choices| {
            Sketch::of(form, choices).until.unwrap_or_else(|| "Never".into())
        }),
    ]
}

/// Are you sure?
pub struct Question {
    pub key: Key,
    pub act: Act,
    /// Answered in the last 24 hours.
    pub recent: i64,
    /// The act changes a row of the list that is behind the dialog.
    pub from_list: bool,
    pub error: Option<String>,
    pub reason: String,
}

impl Question {
    pub fn recent_spaced(&self) -> String {
        spaced(self.recent)
    }

    pub fn last_used(&self) -> Option<Moment> {
        self.key.last_used_at.map(Moment::seen_now)
    }
}

/// As a dialog over the page.
#[derive(Template)]
#[template(path = "keys/_confirm.html")]
pub struct ConfirmDialog {
    pub question: Question,
}

/// As a page of its own.
#[derive(Template)]
#[template(path = "keys/confirm.html")]
pub struct ConfirmPage {
    pub layout: Layout,
    pub question: Question,
}
