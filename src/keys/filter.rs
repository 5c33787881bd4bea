//! Which keys, in which order, from where on: all of it in the address, as typed and as meant.

use chrono::SecondsFormat;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};

use super::{Key, Status};
use crate::{
    credentials::Presented,
    error::{AppError, AppResult},
    text,
    web::Signer,
};

/// The query of the list's address, as typed. Empty values count as absent.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterForm {
    pub q: String,
    pub status: String,
    pub environment: String,
    pub application: String,
    pub permission: String,
    pub owner: String,
    pub last_used: String,
    /// `soon`
    pub expiring: String,
    pub sort: String,
    pub after: String,
    pub before: String,
}

/// The same as meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub search: Option<String>,
    pub status: Option<Status>,
    pub environment: Option<String>,
    pub application: Option<String>,
    pub permission: Option<String>,
    pub owner: Option<i64>,
    pub last_used: Option<LastUsed>,
    /// Only what ends within two weeks, unless it was revoked.
    pub expires_soon: bool,
    pub order: Order,
    pub cursor: Option<Cursor>,
}

impl Filter {
    /// Whether anything is left out of the list.
    pub fn narrows(&self) -> bool {
        self.search.is_some()
            || self.status.is_some()
            || self.environment.is_some()
            || self.application.is_some()
            || self.permission.is_some()
            || self.owner.is_some()
            || self.last_used.is_some()
            || self.expires_soon
    }
}

/// When a key was used last, in days.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LastUsed {
    Within(i64),
    /// Also keys that were made that long ago and never used.
    NotFor(i64),
    Never,
}

impl LastUsed {
    /// The choices, as addresses spell them and as people read them.
    pub const ALL: [(&'static str, &'static str, Self); 4] = [
        ("day", "Used in the last day", Self::Within(1)),
        ("month", "Used in the last 30 days", Self::Within(30)),
        ("idle", "Not used for 90 days", Self::NotFor(90)),
        ("never", "Never used", Self::Never),
    ];
}

/// By what the list is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    Created,
    Name,
    LastUsed,
}

impl Sort {
    const ALL: [(&'static str, Self); 3] =
        [("created", Self::Created), ("name", Self::Name), ("last_used", Self::LastUsed)];

    /// As addresses spell it.
    pub fn slug(self) -> &'static str {
        Self::ALL.iter().find(|(_, sort)| *sort == self).map_or("", |(slug, _)| slug)
    }
}

/// `sort=name` ascends, `sort=-name` descends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Order {
    pub sort: Sort,
    pub descending: bool,
}

impl Default for Order {
    /// Newest first.
    fn default() -> Self {
        Self { sort: Sort::Created, descending: true }
    }
}

impl Order {
    fn parse(typed: &str) -> Option<Self> {
        let (slug, descending) =
            typed.strip_prefix('-').map_or((typed, false), |slug| (slug, true));
        let (_, sort) = Sort::ALL.into_iter().find(|(known, _)| *known == slug)?;
        Some(Self { sort, descending })
    }

    /// As addresses spell it.
    pub fn slug(self) -> String {
        format!("{}{}", if self.descending { "-" } else { "" }, self.sort.slug())
    }

    /// What a click on the column's header asks for: the other direction, or the column's natural one.
    pub fn after_click_on(self, sort: Sort) -> Self {
        if self.sort == sort {
            Self { sort, descending: !self.descending }
        } else {
            Self { sort, descending: sort != Sort::Name }
        }
    }
}

/// A place in the list: the row it is at, and on which side of it to go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cursor {
    /// What the list is sorted by, at that row, as Postgres reads it.
    pub value: String,
    pub id: i64,
    /// Towards the beginning.
    pub backwards: bool,
}

impl Cursor {
    /// The place of that key.
    pub fn at(key: &Key, order: Order, backwards: bool) -> Self {
        let value = match order.sort {
            Sort::Created => key.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
            Sort::Name => key.name.clone(),
            Sort::LastUsed => key.last_used_at.map_or_else(
                || "-infinity".into(),
                |at| at.to_rfc3339_opts(SecondsFormat::Micros, true),
            ),
        };
        Self { value, id: key.id, backwards }
    }

    /// Spells it for the list with this order and filter.
    pub fn spell(&self, signer: &Signer<'_>, filter: &FilterForm) -> String {
        signer.spell(&filter.list(), &format!("{}\n{}", self.id, self.value))
    }

    fn parse(
        typed: &str,
        backwards: bool,
        signer: &Signer<'_>,
        filter: &FilterForm,
    ) -> Option<Self> {
        let place = signer.parse(&filter.list(), typed)?;
        let (id, value) = place.split_once('\n')?;
        Some(Self { value: value.to_owned(), id: id.parse().ok()?, backwards })
    }
}

impl FilterForm {
    /// Of which list a place is one.
    fn list(&self) -> String {
        Self { after: String::new(), before: String::new(), ..self.clone() }.address()
    }

    /// Understands the address.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for a value that no page of ours offers, and for a secret: it must not be in an address.
    pub fn parse(&self, signer: &Signer<'_>) -> AppResult<Filter> {
        if self.values().any(Presented::looks_secret) {
            return Err(bad(
                "A secret doesn’t belong in an address: others may see it there. Paste it into the search box, and regenerate the key if the address was shared.",
            ));
        }
        let search = text::tidy(&self.q);
        if search.chars().count() > 100 || !text::is_showable(&search) {
            return Err(bad("Search for at most 100 characters that can be shown."));
        }
        Ok(Filter {
            search: Some(search).filter(|search| !search.is_empty()),
            status: chosen(&self.status, Status::parse)?,
            environment: chosen(&self.environment, slug)?,
            application: chosen(&self.application, slug)?,
            permission: chosen(&self.permission, slug)?,
            owner: chosen(&self.owner, |typed| typed.parse().ok())?,
            last_used: chosen(&self.last_used, |typed| {
                LastUsed::ALL
                    .into_iter()
                    .find(|(slug, ..)| *slug == typed)
                    .map(|(.., last_used)| last_used)
            })?,
            expires_soon: chosen(&self.expiring, |typed| (typed == "soon").then_some(()))?
                .is_some(),
            order: chosen(&self.sort, Order::parse)?.unwrap_or_default(),
            cursor: match (self.after.as_str(), self.before.as_str()) {
                ("", "") => None,
                (after, "") => {
                    Some(Cursor::parse(after, false, signer, self).ok_or_else(bad_page)?)
                }
                ("", before) => {
                    Some(Cursor::parse(before, true, signer, self).ok_or_else(bad_page)?)
                }
                _ => return Err(bad_page()),
            },
        })
    }

    /// What narrows the list, by name, for forms that stand around it.
    pub fn chosen(&self) -> Vec<(&'static str, &str)> {
        let is_place = |name: &str| ["sort", "after", "before"].contains(&name);
        self.fields()
            .into_iter()
            .filter(|(name, value)| !is_place(name) && !value.is_empty())
            .map(|(name, value)| (name, value.as_str()))
            .collect()
    }

    /// Whether anything is left out of the list.
    pub fn narrows(&self) -> bool {
        [
            &self.q,
            &self.status,
            &self.environment,
            &self.application,
            &self.permission,
            &self.owner,
            &self.last_used,
            &self.expiring,
        ]
        .iter()
        .any(|typed| !typed.is_empty())
    }

    /// The address of the list with this filter.
    pub fn address(&self) -> String {
        match self.to_query() {
            query if query.is_empty() => "/keys".into(),
            query => format!("/keys?{query}"),
        }
    }

    /// The address of another page about what the list shows.
    pub fn address_of(&self, path: &str) -> String {
        let narrowed = Self {
            sort: String::new(),
            after: String::new(),
            before: String::new(),
            ..self.clone()
        };
        match narrowed.to_query() {
            query if query.is_empty() => path.into(),
            query => format!("{path}?{query}"),
        }
    }

    /// The address with another order, from the first page on.
    pub fn sorted(&self, order: Order) -> String {
        Self { sort: order.slug(), after: String::new(), before: String::new(), ..self.clone() }
            .address()
    }

    fn to_query(&self) -> String {
        self.fields()
            .iter()
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
            .collect::<Vec<_>>()
            .join("&")
    }

    fn values(&self) -> impl Iterator<Item = &str> {
        self.fields().into_iter().map(|(_, value)| value.as_str())
    }

    fn fields(&self) -> [(&'static str, &String); 11] {
        [
            ("q", &self.q),
            ("status", &self.status),
            ("environment", &self.environment),
            ("application", &self.application),
            ("permission", &self.permission),
            ("owner", &self.owner),
            ("last_used", &self.last_used),
            ("expiring", &self.expiring),
            ("sort", &self.sort),
            ("after", &self.after),
            ("before", &self.before),
        ]
    }
}

fn chosen<T>(typed: &str, parse: impl Fn(&str) -> Option<T>) -> AppResult<Option<T>> {
    if typed.is_empty() {
        return Ok(None);
    }
    parse(typed).map(Some).ok_or_else(not_on_offer)
}

/// What no list of choices has.
pub fn not_on_offer() -> AppError {
    bad(
        "The address has a filter or an order that doesn’t exist. Go back to the list and choose again.",
    )
}

/// Slugs and ids are never long and never have odd characters.
fn slug(typed: &str) -> Option<String> {
    let fine = |character: char| character.is_ascii_alphanumeric() || "_:-.".contains(character);
    (typed.len() <= 100 && typed.chars().all(fine)).then(|| typed.to_owned())
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

    fn signer(viewer: &Viewer) -> Signer<'_> {
        Signer { key: b"0123456789abcdef", viewer }
    }

    #[test]
    fn a_cursor_is_good_for_the_list_it_came_from() {
        let viewer = Viewer::operator();
        let form = FilterForm { status: "active".into(), ..FilterForm::default() };
        let cursor = Cursor { value: "deploy bot".into(), id: 42, backwards: false };
        let spelled = cursor.spell(&signer(&viewer), &form);
        assert_eq!(Cursor::parse(&spelled, false, &signer(&viewer), &form), Some(cursor));

        let other_filter = FilterForm { status: "revoked".into(), ..FilterForm::default() };
        assert_eq!(Cursor::parse(&spelled, false, &signer(&viewer), &other_filter), None);
        let other_viewer = Viewer { id: Some(7), ..Viewer::operator() };
        assert_eq!(Cursor::parse(&spelled, false, &signer(&other_viewer), &form), None);
        for forged in ["", "x", &spelled[..spelled.len() - 2], &spelled.to_lowercase()] {
            assert_eq!(Cursor::parse(forged, false, &signer(&viewer), &form), None, "{forged}");
        }
    }

    #[test]
    fn what_no_page_offers_is_a_bad_request() {
        let viewer = Viewer::operator();
        let tries = [
            FilterForm { status: "sleeping".into(), ..FilterForm::default() },
            FilterForm { sort: "name;drop".into(), ..FilterForm::default() },
            FilterForm { sort: "hash".into(), ..FilterForm::default() },
            FilterForm { owner: "1 or 1=1".into(), ..FilterForm::default() },
            FilterForm { expiring: "14".into(), ..FilterForm::default() },
            FilterForm { q: "a\0b".into(), ..FilterForm::default() },
            FilterForm { q: "x".repeat(101), ..FilterForm::default() },
            FilterForm { q: "prod_sk_0123456789abcdefghij".into(), ..FilterForm::default() },
            FilterForm { after: "x".into(), before: "y".into(), ..FilterForm::default() },
        ];
        for form in tries {
            assert!(
                matches!(form.parse(&signer(&viewer)), Err(AppError::BadRequest(_))),
                "{form:?}"
            );
        }
    }

    #[test]
    fn an_address_says_only_what_was_chosen() {
        let form = FilterForm { q: "a b&c".into(), sort: "-name".into(), ..FilterForm::default() };
        assert_eq!(form.address(), "/keys?q=a%20b%26c&sort=%2Dname");
        assert_eq!(FilterForm::default().address(), "/keys");
    }
}
