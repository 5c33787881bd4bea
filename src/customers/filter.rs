//! The list's address: what is searched for, and from where on.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use crate::{
    credentials::Presented,
    error::{AppError, AppResult},
    text,
    web::Signer,
};

/// The query of the address, as typed. Empty values count as absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterForm {
    pub q: String,
    pub after: String,
    pub before: String,
}

/// The same as meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub search: Option<String>,
    pub cursor: Option<Cursor>,
}

/// A place in the list: the row it is at, and on which side of it to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub id: i64,
    /// Towards the beginning.
    pub backwards: bool,
}

impl Cursor {
    /// Spells it for the list with what is searched for.
    pub fn spell(self, signer: &Signer<'_>, form: &FilterForm) -> String {
        signer.spell(&form.list(), &self.id.to_string())
    }

    fn parse(typed: &str, backwards: bool, signer: &Signer<'_>, form: &FilterForm) -> Option<Self> {
        let id = signer.parse(&form.list(), typed)?;
        Some(Self { id: id.parse().ok()?, backwards })
    }
}

impl FilterForm {
    /// Of which list a place is one.
    fn list(&self) -> String {
        Self { q: self.q.clone(), ..Self::default() }.address()
    }

    /// Understands the address.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for what no page of ours offers, and for a secret.
    pub fn parse(&self, signer: &Signer<'_>) -> AppResult<Filter> {
        if [&self.q, &self.after, &self.before].iter().any(|typed| Presented::looks_secret(typed)) {
            return Err(bad(
                "That looks like a secret. Search for it under API Keys; customers are found by id and name.",
            ));
        }
        let search = text::tidy(&self.q);
        if search.chars().count() > 255 || !text::is_showable(&search) {
            return Err(bad("Search for at most 255 characters that can be shown."));
        }
        let place = |typed: &str, backwards| {
            Cursor::parse(typed, backwards, signer, self).map(Some).ok_or_else(bad_page)
        };
        Ok(Filter {
            search: Some(search).filter(|search| !search.is_empty()),
            cursor: match (self.after.as_str(), self.before.as_str()) {
                ("", "") => None,
                (after, "") => place(after, false)?,
                ("", before) => place(before, true)?,
                _ => return Err(bad_page()),
            },
        })
    }

    /// The address of the list with this filter.
    pub fn address(&self) -> String {
        let query: Vec<String> = [("q", &self.q), ("after", &self.after), ("before", &self.before)]
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect();
        if query.is_empty() {
            "/customers".into()
        } else {
            format!("/customers?{}", query.join("&"))
        }
    }
}

fn bad(message: &str) -> AppError {
    AppError::BadRequest(message.into())
}

fn bad_page() -> AppError {
    bad("This is a bad page address: it belongs to another list. Go back to the first page.")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::Viewer;

    #[test]
    fn a_cursor_is_good_for_the_person_and_the_search_it_came_from() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        let cursor = Cursor { id: 42, backwards: false };
        let searched = |q: &str| FilterForm { q: q.into(), ..FilterForm::default() };
        let (acme, other) = (searched("acme"), searched("other"));
        let spelled = cursor.spell(&signer, &acme);
        assert_eq!(Cursor::parse(&spelled, false, &signer, &acme), Some(cursor));
        assert_eq!(Cursor::parse(&spelled, false, &signer, &other), None);
        for forged in ["42", &spelled[..spelled.len() - 2], &spelled.to_lowercase()] {
            assert_eq!(Cursor::parse(forged, false, &signer, &acme), None, "{forged}");
        }
        let viewer = Viewer { id: Some(7), ..Viewer::operator() };
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        assert_eq!(Cursor::parse(&spelled, false, &signer, &acme), None);
    }
}
