//! The list's address: what is searched for, and from where on.

use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use sha2::Sha256;

use crate::{
    credentials::Presented,
    error::{AppError, AppResult},
    text,
    users::Viewer,
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

/// Signs cursors for one viewer and one search.
pub struct Signer<'a> {
    pub key: &'a [u8],
    pub viewer: &'a Viewer,
}

impl Signer<'_> {
    /// Spells a place so that only we can.
    pub fn spell(&self, cursor: Cursor, q: &str) -> String {
        let tag = self.mac(cursor.id, q).finalize().into_bytes();
        format!("{}-{}", cursor.id, hex::encode(&tag[..16]))
    }

    fn parse(&self, typed: &str, backwards: bool, q: &str) -> Option<Cursor> {
        let (id, tag) = typed.split_once('-')?;
        let (id, tag) = (id.parse().ok()?, hex::decode(tag).ok()?);
        let is_ours = tag.len() == 16 && self.mac(id, q).verify_truncated_left(&tag).is_ok();
        is_ours.then_some(Cursor { id, backwards })
    }

    fn mac(&self, id: i64, q: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.key).expect("HMAC takes keys of any length");
        mac.update(format!("customers\n{:?}\n{id}\n{q}", self.viewer.id).as_bytes());
        mac
    }
}

impl FilterForm {
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
            signer.parse(typed, backwards, &self.q).map(Some).ok_or_else(bad_page)
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

    #[test]
    fn a_cursor_is_good_for_the_person_and_the_search_it_came_from() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        let cursor = Cursor { id: 42, backwards: false };
        let spelled = signer.spell(cursor, "acme");
        assert_eq!(signer.parse(&spelled, false, "acme"), Some(cursor));
        assert_eq!(signer.parse(&spelled, false, "other"), None);
        assert_eq!(signer.parse(&spelled.replacen("42", "43", 1), false, "acme"), None);
        assert_eq!(signer.parse(&spelled[..spelled.len() - 2], false, "acme"), None);
        let viewer = Viewer { id: Some(7), ..Viewer::operator() };
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        assert_eq!(signer.parse(&spelled, false, "acme"), None);
    }
}
