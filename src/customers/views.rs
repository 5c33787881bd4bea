//! One struct per template.

use askama::Template;
use chrono::Utc;

use super::{
    Customer,
    forms::{Name, New as NewForm},
    importing::AT_ONCE,
    queries::Plan,
    sheet::Mistake,
};
use crate::{
    keys::{Key, Status},
    web::{Day, Layout, Problems},
};

/// What a page shows of a long list.
const SHOWN: usize = 100;
/// And of a plan.
const EXAMPLES: usize = 10;

#[derive(Template)]
#[template(path = "customers/index.html", blocks = ["table"])]
pub struct Index {
    pub layout: Layout,
    pub q: String,
    /// With the number of keys that are restricted to each.
    pub customers: Vec<(Customer, i64)>,
    /// Whether there is any customer at all, shown or not.
    pub has_any: bool,
    pub next: Option<String>,
    pub previous: Option<String>,
}

impl Index {
    /// What screen readers hear when the list has changed under the search field.
    pub fn said(&self) -> String {
        match self.customers.len() {
            0 => "No customer matches".into(),
            1 => "1 customer listed".into(),
            many => format!("{many} customers listed"),
        }
    }
}

#[derive(Template)]
#[template(path = "customers/show.html")]
pub struct Show {
    pub layout: Layout,
    pub customer: Customer,
    pub keys: Vec<Key>,
    /// Of all keys that are restricted to it, shown or not.
    pub count: i64,
}

/// What a key is now.
pub fn status_of(key: &Key) -> Status {
    key.status(Utc::now())
}

#[derive(Template)]
#[template(path = "customers/new.html")]
pub struct New {
    pub layout: Layout,
    pub form: NewForm,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "customers/edit.html")]
pub struct Edit {
    pub layout: Layout,
    pub customer: Customer,
    pub form: Name,
    pub problems: Problems,
}

#[derive(Template)]
#[template(path = "customers/remove.html", blocks = ["dialog"])]
pub struct Remove {
    pub layout: Layout,
    pub customer: Customer,
    /// What is in the way.
    pub keys: Vec<Key>,
    pub count: i64,
}

impl Remove {
    pub fn examples(&self) -> &[Key] {
        &self.keys[..self.keys.len().min(EXAMPLES)]
    }

    pub fn others(&self) -> i64 {
        self.count - self.examples().len() as i64
    }
}

#[derive(Template)]
#[template(path = "customers/import.html")]
pub struct Import {
    pub layout: Layout,
    /// As pasted.
    pub text: String,
    pub mistakes: Vec<Mistake>,
}

impl Import {
    pub fn shown(&self) -> &[Mistake] {
        &self.mistakes[..self.mistakes.len().min(SHOWN)]
    }

    pub fn others(&self) -> usize {
        self.mistakes.len() - self.shown().len()
    }
}

/// What an import would do.
#[derive(Template)]
#[template(path = "customers/preview.html")]
pub struct Preview {
    pub layout: Layout,
    /// For the form that confirms it.
    pub rows: String,
    pub plan: Plan,
}

impl Preview {
    /// Whether a job does it.
    pub fn is_job(&self) -> bool {
        self.plan.new.len() + self.plan.renamed.len() + self.plan.unchanged > AT_ONCE
    }

    pub fn has_changes(&self) -> bool {
        !(self.plan.new.is_empty() && self.plan.renamed.is_empty())
    }

    /// Id, name now, name then; the first few of each kind.
    pub fn examples(&self) -> Vec<(&str, Option<&str>, &str)> {
        let renamed = self.plan.renamed.iter().take(EXAMPLES).map(|(row, before)| {
            (row.external_id.as_str(), Some(before.as_str()), row.name.as_str())
        });
        let new = self
            .plan
            .new
            .iter()
            .take(EXAMPLES)
            .map(|row| (row.external_id.as_str(), None, row.name.as_str()));
        renamed.chain(new).collect()
    }

    pub fn others(&self) -> usize {
        self.plan.new.len() + self.plan.renamed.len() - self.examples().len()
    }
}
