//! The inbox's address: which notices, and from where on.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::Kind;
use crate::{
    error::{AppError, AppResult},
    web::Signer,
};

/// The query of the address, as typed. Empty values count as absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterForm {
    pub kind: String,
    /// `unread`
    pub state: String,
    pub after: String,
    pub before: String,
}

/// The same as meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub kind: Option<Kind>,
    pub only_unread: bool,
    pub cursor: Option<Cursor>,
}

/// A place in the list: the notice it is at, and on which side of it to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub id: i64,
    /// Towards the beginning.
    pub backwards: bool,
}

impl FilterForm {
    /// Understands the address.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for what no page of ours offers.
    pub fn parse(&self, signer: &Signer<'_>) -> AppResult<Filter> {
        let kind = match self.kind.as_str() {
            "" => None,
            slug => Some(Kind::parse(slug).ok_or_else(bad_filter)?),
        };
        let only_unread = match self.state.as_str() {
            "" => false,
            "unread" => true,
            _ => return Err(bad_filter()),
        };
        let cursor = match (self.after.as_str(), self.before.as_str()) {
            ("", "") => None,
            (after, "") => Some(self.place(after, false, signer)?),
            ("", before) => Some(self.place(before, true, signer)?),
            _ => return Err(bad_page()),
        };
        Ok(Filter { kind, only_unread, cursor })
    }

    fn place(&self, typed: &str, backwards: bool, signer: &Signer<'_>) -> AppResult<Cursor> {
        let id = signer.parse(&self.first_page().address(), typed).and_then(|id| id.parse().ok());
        Ok(Cursor { id: id.ok_or_else(bad_page)?, backwards })
    }

    /// The address of the page that begins at a place.
    pub fn page_at(&self, cursor: Cursor, signer: &Signer<'_>) -> String {
        let first = self.first_page();
        let place = signer.spell(&first.address(), &cursor.id.to_string());
        match cursor.backwards {
            true => Self { before: place, ..first },
            false => Self { after: place, ..first },
        }
        .address()
    }

    /// Whether anything is left out of the list.
    pub fn narrows(&self) -> bool {
        !(self.kind.is_empty() && self.state.is_empty())
    }

    /// Whether the newest notice of every kind is on the page, read or not.
    pub fn shows_the_newest(&self) -> bool {
        self.kind.is_empty() && self.after.is_empty() && self.before.is_empty()
    }

    fn first_page(&self) -> Self {
        Self { after: String::new(), before: String::new(), ..self.clone() }
    }

    fn address(&self) -> String {
        let query: Vec<String> = [
            ("kind", &self.kind),
            ("state", &self.state),
            ("after", &self.after),
            ("before", &self.before),
        ]
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
        if query.is_empty() { "/notices".into() } else { format!("/notices?{}", query.join("&")) }
    }
}

fn bad_filter() -> AppError {
    AppError::BadRequest(
        "The address has a filter that doesn’t exist. Go back to the list and choose again.".into(),
    )
}

fn bad_page() -> AppError {
    AppError::BadRequest(
        "This is a bad page address: it belongs to another list. Go back to the first page.".into(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::Viewer;

    #[test]
    fn a_place_is_good_for_the_person_and_the_filter_it_came_from() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        let form = FilterForm { kind: "key_expires".into(), ..FilterForm::default() };
        let cursor = Cursor { id: 42, backwards: true };
        let address = form.page_at(cursor, &signer);
        let place = address.strip_prefix("/notices?kind=key%5Fexpires&before=").unwrap();
        let place = percent_encoding::percent_decode_str(place).decode_utf8().unwrap().into_owned();
        let there = FilterForm { before: place.clone(), ..form };
        assert_eq!(there.parse(&signer).unwrap().cursor, Some(cursor));
        let elsewhere = FilterForm { before: place.clone(), ..FilterForm::default() };
        assert!(elsewhere.parse(&signer).is_err());
        let viewer = Viewer { id: Some(7), ..Viewer::operator() };
        assert!(there.parse(&Signer { key: b"0123456789abcdef", viewer: &viewer }).is_err());
    }

    #[test]
    fn what_no_page_offers_is_a_bad_request() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        for form in [
            FilterForm { kind: "key_lost".into(), ..FilterForm::default() },
            FilterForm { state: "read".into(), ..FilterForm::default() },
            FilterForm { after: "42".into(), ..FilterForm::default() },
            FilterForm { after: "x".into(), before: "y".into(), ..FilterForm::default() },
        ] {
            assert!(matches!(form.parse(&signer), Err(AppError::BadRequest(_))), "{form:?}");
        }
    }
}
