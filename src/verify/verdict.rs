//! The words of a question and its verdict.

use std::{borrow::Cow, net::IpAddr, sync::Arc};

use super::{
    catalogue::Listed,
    code::Code,
    entry::Entry,
    facts::{ApplicationFacts, KeyFacts},
};
use crate::limits::Spending;

/// What a gateway wants to know.
#[derive(Debug, Clone)]
pub struct Question<'a> {
    /// The gateway's environment.
    pub environment_id: i64,
    /// Its slug.
    pub environment: &'a str,
    /// All of them are needed.
    pub scopes: Vec<Cow<'a, str>>,
    pub customer: Option<Cow<'a, str>>,
    /// The caller's address, IPv4 folded out of IPv6.
    pub ip: Option<IpAddr>,
    /// What the caller's browser sent as `Origin`.
    pub origin: Option<Cow<'a, str>>,
    /// What it takes of the rate limits, at least 1.
    pub cost: u32,
}

/// With what a key was presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    Secret,
    /// Everyone may know it: it only stands for what is safe in a browser.
    PublicKey,
}

/// Why not, with the sentence for the gateway's log and the key's owner.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub code: Code,
    pub detail: Cow<'static, str>,
}

/// The whole answer.
#[derive(Debug)]
pub struct Verdict {
    pub code: Code,
    pub detail: Cow<'static, str>,
    pub holder: Holder,
    /// What an accepted key may do, as presented.
    pub permissions: Option<Arc<Listed>>,
    /// How the rate limits stand, when they were asked.
    pub spending: Option<Spending>,
}

/// Whose credential it was, as far as that is known.
#[derive(Debug, Clone)]
pub enum Holder {
    Nobody,
    Key(Entry<KeyFacts>),
    Application(Entry<ApplicationFacts>),
}

impl Verdict {
    /// A yes.
    pub fn valid(holder: Holder, spending: Option<Spending>) -> Self {
        Self { code: Code::Valid, detail: Cow::Borrowed(""), holder, permissions: None, spending }
    }

    /// The last check: a yes if there is enough left of every limit, or no limit.
    pub fn after_spending(holder: Holder, spending: Option<Spending>) -> Self {
        let detail = match &spending {
            None | Some(Spending { admitted: true, .. }) => return Self::valid(holder, spending),
            Some(Spending { never: Some(limit), .. }) => format!(
                "This costs more than the whole limit of {} per {}: it can never be admitted.",
                limit.requests,
                limit.window()
            ),
            Some(Spending { retry_after_seconds, .. }) => {
                format!("The limit is used up; there is room again in {retry_after_seconds} s.")
            }
        };
        Self { code: Code::RateLimited, detail: detail.into(), holder, permissions: None, spending }
    }

    /// A no that nobody's limits were asked for.
    pub fn refused(refusal: Refusal, holder: Holder) -> Self {
        let Refusal { code, detail } = refusal;
        Self { code, detail, holder, permissions: None, spending: None }
    }

    /// A no to somebody unknown.
    pub fn unknown(code: Code, detail: &'static str) -> Self {
        let holder = Holder::Nobody;
        Self { code, detail: detail.into(), holder, permissions: None, spending: None }
    }
}
