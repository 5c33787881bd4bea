//! What a mail says: in plain text, and the same as HTML that loads nothing.

use std::fmt::Write;

use askama::Template;
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use url::Url;

use crate::{error::AppResult, keys::spaced, notices::Notice};

/// A mail that only lacks whom it is for.
pub struct Composed {
    pub subject: String,
    pub text: String,
    pub html: String,
}

/// What is told to a person.
pub struct Letter<'a> {
    /// What this installation calls itself.
    pub product: &'a str,
    pub base_url: &'a Url,
    pub zone: Tz,
    pub notices: &'a [Notice],
    /// So many more there are.
    pub more: i64,
}

#[derive(Template)]
#[template(path = "notices/mail/letter.html")]
struct Page<'a> {
    subject: &'a str,
    lines: Vec<Line>,
    more: Option<String>,
    inbox: String,
    account: String,
}

/// A notice as it is written down.
struct Line {
    headline: String,
    about: String,
    advice: &'static str,
    address: String,
}

#[derive(Template)]
#[template(path = "notices/mail/test.html")]
struct Test<'a> {
    product: &'a str,
}

impl Letter<'_> {
    /// Writes it.
    ///
    /// # Errors
    /// When the template cannot be drawn.
    pub fn compose(&self) -> AppResult<Composed> {
        let lines: Vec<Line> = self.notices.iter().map(|notice| self.line(notice)).collect();
        let all = self.more + i64::try_from(lines.len()).unwrap_or(0);
        let subject = match lines.as_slice() {
            [only] if all == 1 => only.headline.clone(),
            _ => format!("{} notices from {}", spaced(all), self.product),
        };
        let more = match self.more {
            0 => None,
            1 => Some(format!("One more is in {}.", self.product)),
            more => Some(format!("{} more are in {}.", spaced(more), self.product)),
        };
        let (inbox, account) = (self.absolute("/notices"), self.absolute("/account"));
        let text = in_plain_text(&lines, more.as_deref(), &inbox, &account);
        let html = Page { subject: &subject, lines, more, inbox, account }.render()?;
        Ok(Composed { subject, text, html })
    }

    fn line(&self, notice: &Notice) -> Line {
        let mut about = Vec::new();
        if let Some(key) = &notice.key {
            about.push(format!("{}, {}", key.application, key.environment));
        }
        if let Some(leak) = &notice.leak {
            about.push(format!("Reported by {}", leak.reporter));
        }
        about.push(self.spelled(notice.at));
        Line {
            headline: notice.headline(),
            about: about.join(". "),
            advice: notice.advice(),
            address: self.absolute(&notice.address()),
        }
    }

    fn spelled(&self, at: DateTime<Utc>) -> String {
        at.with_timezone(&self.zone).format("%-d %B %Y, %H:%M %Z").to_string()
    }

    fn absolute(&self, address: &str) -> String {
        self.base_url.join(address).map_or_else(|_| self.base_url.to_string(), Into::into)
    }
}

fn in_plain_text(lines: &[Line], more: Option<&str>, inbox: &str, account: &str) -> String {
    let mut text = String::new();
    for Line { headline, about, advice, address } in lines {
        let _ = write!(text, "{headline}\n{about}\n{advice}\n{address}\n\n");
    }
    if let Some(more) = more {
        let _ = write!(text, "{more}\n{inbox}\n\n");
    }
    let _ = write!(text, "--\nWhich notices come by e-mail is your choice: {account}\n");
    text
}

/// What the test button sends.
///
/// # Errors
/// When the template cannot be drawn.
pub fn test(product: &str) -> AppResult<Composed> {
    let subject = format!("Test e-mail from {product}");
    let text = format!(
        "{product} can send e-mail: this one was asked for on its page of settings. There is nothing to do.\n"
    );
    let html = Test { product }.render()?;
    Ok(Composed { subject, text, html })
}
