//! The list's address: which jobs, and from where on.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::{Kind, State};
use crate::{
    error::{AppError, AppResult},
    web::Signer,
};

/// The query of the address, as typed. Empty values count as absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FilterForm {
    pub state: String,
    pub kind: String,
    pub who: String,
    /// `shown`: with what Latchkey does by itself and did well.
    pub own: String,
    pub after: String,
    pub before: String,
    /// `yes`: the page asked for itself again.
    pub live: String,
}

/// The same as meant.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    pub state: Option<State>,
    pub kind: Option<Kind>,
    pub who: Option<Who>,
    /// Without what Latchkey does by itself and does well.
    pub hides_own: bool,
    pub cursor: Option<Cursor>,
}

/// Who asked for a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Who {
    Me,
    System,
    Operator,
    /// Any of them.
    Application,
    /// By id.
    Person(i64),
}

impl Who {
    /// Those that are not a person, for the select: as addresses spell them and as people read them.
    pub const OTHERS: [(&'static str, &'static str); 4] = [
        ("me", "Me"),
        ("system", "Latchkey itself"),
        ("application", "An application"),
        ("operator", "The operator"),
    ];

    fn parse(typed: &str) -> Option<Self> {
        match typed {
            "me" => Some(Self::Me),
            "system" => Some(Self::System),
            "application" => Some(Self::Application),
            "operator" => Some(Self::Operator),
            id => id.parse().ok().map(Self::Person),
        }
    }
}

/// A place in the list: the job it is at, and on which side of it to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub id: i64,
    /// Towards the beginning.
    pub backwards: bool,
}

impl Cursor {
    /// Spells it for the list with this filter.
    pub fn spell(self, signer: &Signer<'_>, form: &FilterForm) -> String {
        signer.spell(&form.first_page().address(), &self.id.to_string())
    }

    fn parse(typed: &str, backwards: bool, signer: &Signer<'_>, form: &FilterForm) -> Option<Self> {
        let id = signer.parse(&form.first_page().address(), typed)?;
        Some(Self { id: id.parse().ok()?, backwards })
    }
}

impl FilterForm {
    /// Understands the address.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for what no page of ours offers.
    pub fn parse(&self, signer: &Signer<'_>) -> AppResult<Filter> {
        let place = |typed: &str, backwards| {
            Cursor::parse(typed, backwards, signer, self).map(Some).ok_or_else(bad_page)
        };
        chosen(&self.live, |typed| (typed == "yes").then_some(()))?;
        chosen(&self.own, |typed| (typed == "shown").then_some(()))?;
        Ok(Filter {
            state: chosen(&self.state, State::parse)?,
            kind: chosen(&self.kind, Kind::parse)?,
            who: chosen(&self.who, Who::parse)?,
            hides_own: self.hides_own(),
            cursor: match (self.after.as_str(), self.before.as_str()) {
                ("", "") => None,
                (after, "") => place(after, false)?,
                ("", before) => place(before, true)?,
                _ => return Err(bad_page()),
            },
        })
    }

    /// Whoever asks for Latchkey’s own jobs, or for a kind of job, gets them.
    pub fn hides_own(&self) -> bool {
        self.own.is_empty() && self.who.is_empty() && self.kind.is_empty()
    }

    /// The same list with Latchkey’s own jobs, or without.
    pub fn other_way(&self) -> Self {
        let own = if self.own.is_empty() { "shown" } else { "" };
        Self { own: own.into(), ..self.first_page() }
    }

    /// Whether anything is left out of the list that somebody chose to leave out.
    pub fn narrows(&self) -> bool {
        !(self.state.is_empty() && self.kind.is_empty() && self.who.is_empty())
    }

    /// The same list from its beginning.
    pub fn first_page(&self) -> Self {
        Self { after: String::new(), before: String::new(), live: String::new(), ..self.clone() }
    }

    /// The address of the list with this filter.
    pub fn address(&self) -> String {
        let query: Vec<String> = [
            ("state", &self.state),
            ("kind", &self.kind),
            ("who", &self.who),
            ("own", &self.own),
            ("after", &self.after),
            ("before", &self.before),
            ("live", &self.live),
        ]
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC)))
        .collect();
        if query.is_empty() { "/jobs".into() } else { format!("/jobs?{}", query.join("&")) }
    }
}

fn chosen<T>(typed: &str, parse: impl Fn(&str) -> Option<T>) -> AppResult<Option<T>> {
    if typed.is_empty() {
        return Ok(None);
    }
    parse(typed).map(Some).ok_or_else(|| {
        AppError::BadRequest(
            "The address has a filter that doesn’t exist. Go back to the list and choose again."
                .into(),
        )
    })
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
    fn a_cursor_is_good_for_the_person_and_the_filter_it_came_from() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        let form = FilterForm { state: "failed".into(), ..FilterForm::default() };
        let cursor = Cursor { id: 42, backwards: false };
        let spelled = cursor.spell(&signer, &form);
        assert_eq!(Cursor::parse(&spelled, false, &signer, &form), Some(cursor));
        assert_eq!(Cursor::parse(&spelled, false, &signer, &FilterForm::default()), None);
        for forged in ["42", &spelled[..spelled.len() - 2], &spelled.to_lowercase()] {
            assert_eq!(Cursor::parse(forged, false, &signer, &form), None, "{forged}");
        }
        let viewer = Viewer { id: Some(7), ..Viewer::operator() };
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        assert_eq!(Cursor::parse(&spelled, false, &signer, &form), None);
    }

    #[test]
    fn what_no_page_offers_is_a_bad_request() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        for form in [
            FilterForm { state: "asleep".into(), ..FilterForm::default() },
            FilterForm { kind: "teleport".into(), ..FilterForm::default() },
            FilterForm { who: "1 or 1=1".into(), ..FilterForm::default() },
            FilterForm { live: "no".into(), ..FilterForm::default() },
            FilterForm { own: "hidden".into(), ..FilterForm::default() },
            FilterForm { after: "x".into(), ..FilterForm::default() },
            FilterForm { after: "x".into(), before: "y".into(), ..FilterForm::default() },
        ] {
            assert!(matches!(form.parse(&signer), Err(AppError::BadRequest(_))), "{form:?}");
        }
    }
}
