//! The list.

use askama::Template;

use super::Row;
use crate::{
    counted::Count,
    environments::{Environment, Mode},
    keys::{
        Choices, Status,
        filter::{FilterForm, LastUsed, Order, Sort},
        spaced,
    },
    web::Layout,
};

/// The list.
#[derive(Template)]
#[template(path = "keys/index.html", blocks = ["table"])]
pub struct Index {
    pub layout: Layout,
    pub filter: FilterForm,
    pub order: Order,
    pub rows: Vec<Row>,
    /// Whether the viewer may revoke keys at all.
    pub may_revoke: bool,
    /// Whether there is any key at all, shown or not.
    pub has_any: bool,
    /// “3 keys expire within 14 days”
    pub expiring: Option<String>,
    pub next: Option<String>,
    pub previous: Option<String>,
    pub choices: Choices,
    /// Id and name; empty for managers, who see their own keys only.
    pub owners: Vec<(i64, String)>,
    /// The list of this mode is empty: so many keys of the other mode match.
    pub elsewhere: Option<Elsewhere>,
    /// A pasted secret belongs to no key of the viewer's.
    pub unknown_secret: bool,
}

/// What is to be found in the other mode.
pub struct Elsewhere {
    pub mode: Mode,
    pub count: Count,
}

impl Elsewhere {
    /// “3 keys match in Live mode”, “more than 1 000 keys …”
    pub fn said(&self, narrows: bool) -> String {
        let mode = self.mode.label();
        let (there, matching) =
            if narrows { ("match", "matches") } else { ("are there", "is there") };
        match self.count {
            Count::Exactly(1) => format!("One key {matching} in {mode} mode."),
            Count::Exactly(count) => format!("{} keys {there} in {mode} mode.", spaced(count)),
            Count::About(count) | Count::MoreThan(count) => {
                format!("More than {} keys {there} in {mode} mode.", spaced(count))
            }
        }
    }
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

    /// Where the list is asked for as a file.
    pub fn export_address(&self) -> String {
        self.filter.address_of("/keys/export")
    }

    /// Those of the mode one is in; one that is chosen stays.
    pub fn environments(&self) -> Vec<&Environment> {
        self.choices.environments_in(self.layout.viewer.mode, &self.filter.environment)
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
