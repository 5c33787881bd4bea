//! Asking for the list as a file.

use askama::Template;

use crate::{counted::Count, keys::filter::FilterForm, web::Layout};

/// What would be in the file, and how it is to be written.
#[derive(Template)]
#[template(path = "keys/export.html", blocks = ["dialog"])]
pub struct Export {
    pub layout: Layout,
    pub filter: FilterForm,
    pub count: Count,
}

impl Export {
    /// “1 203 keys are in it”
    fn counted(&self) -> String {
        match self.count {
            Count::Exactly(0) => "No key matches now, so it would have no rows.".into(),
            Count::Exactly(1) => "One key matches.".into(),
            Count::Exactly(_) => format!("{} keys match.", self.count),
            Count::About(_) | Count::MoreThan(_) => {
                let most = Count::Exactly(crate::counted::MOST);
                format!("More than {most} keys match.")
            }
        }
    }
}
