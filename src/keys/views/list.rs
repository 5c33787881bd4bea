//! The list.

use askama::Template;

use super::Row;
use crate::{
    keys::{
        Choices, Status,
        filter::{FilterForm, LastUsed, Order, Sort},
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
    /// Whether there is any key at all, shown or not.
    pub has_any: bool,
    /// “3 keys expire within 14 days”
    pub expiring: Option<String>,
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
