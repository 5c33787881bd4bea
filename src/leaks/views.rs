//! One struct per template.

use std::borrow::Borrow;

use askama::Template;
use chrono::{DateTime, Utc};

use super::{
    reports::OpenOther,
    scan::{Candidate, Kind, Wrapped},
    triage::{Standing, Triage},
};
use crate::{
    keys::{Key, Status, spaced},
    web::{Layout, Moment, time::exact},
};

/// Of what is not known, so many are listed.
const OTHERS: usize = 100;

/// Leak triage: the form, what was found, and what is open.
#[derive(Template)]
#[template(path = "leaks/index.html")]
pub struct Index {
    pub layout: Layout,
    /// After a text was looked at.
    pub triage: Option<Triage>,
    /// Keys that something is open about, with when it was last reported.
    pub open: Vec<(Key, DateTime<Utc>)>,
    /// The same of App Secrets and gateways, for administrators.
    pub open_others: Vec<OpenOther>,
    /// Why nothing was looked at.
    pub problem: Option<&'static str>,
    /// What secret keys begin with here.
    pub prefixes: Vec<String>,
    /// For administrators: the rules for scanners.
    pub rules: Option<String>,
    pub may_revoke: bool,
}

impl Index {
    /// “prod_sk_|dev_sk_”, for a search in what is too large.
    pub fn pattern(&self) -> String {
        let secrets = self.prefixes.iter().map(|prefix| format!("{prefix}_sk_"));
        secrets.chain(["secret_".into(), "gw_".into()]).collect::<Vec<_>>().join("|")
    }

    /// What came of it, in a sentence.
    pub fn said(&self, triage: &Triage) -> String {
        let (secrets, known) = (triage.secrets(), triage.known());
        match (secrets, known) {
            (0, _) => "No secret of Latchkey’s spelling is in it.".into(),
            (1, 1) => "One secret is in it, and it is known here.".into(),
            (1, _) => format!("One secret is in it. {}", self.unknown()),
            (_, 0) => format!("{} secrets are in it. {}", count(secrets), self.unknown()),
            (_, known) => {
                format!(
                    "{} secrets are in it; {} of them known here.",
                    count(secrets),
                    count(known)
                )
            }
        }
    }

    /// A manager is not told whether it is somebody else's.
    pub fn unknown(&self) -> &'static str {
        match self.layout.viewer.is_administrator() {
            true => {
                "Not known here: perhaps of another installation, or of what was removed for good."
            }
            false => "Not one of yours, or not known.",
        }
    }

    pub fn others(&self) -> usize {
        OTHERS
    }
}

/// 1 204
pub fn count(number: impl Borrow<usize>) -> String {
    spaced(i64::try_from(*number.borrow()).unwrap_or(i64::MAX))
}

/// “line 3”, “lines 3, 9 and 4 more, in base64”
pub fn place(candidate: &Candidate) -> String {
    let mut place = numbered(&candidate.lines);
    match candidate.on_lines.saturating_sub(candidate.lines.len()) {
        0 => {}
        more => place = format!("{place} and {} more", count(more)),
    }
    match candidate.wrapped {
        Wrapped::Plainly => place,
        Wrapped::Escaped => format!("{place}, with escapes"),
        Wrapped::InBase64 => format!("{place}, in base64"),
    }
}

/// “line 3”, “lines 3, 9”
pub fn numbered(lines: &[u32]) -> String {
    let numbers: Vec<String> = lines.iter().map(|line| count(*line as usize)).collect();
    match numbers.as_slice() {
        [one] => format!("line {one}"),
        several => format!("lines {}", several.join(", ")),
    }
}

/// What it is.
pub fn kind(candidate: &Candidate) -> &'static str {
    match candidate.kind {
        Kind::KeySecret => "Secret key",
        Kind::AppSecret => "App Secret",
        Kind::GatewayToken => "Gateway token",
        Kind::PublicKey => "Public key",
        Kind::AppId => "App ID",
    }
}

/// How a secret stands.
pub fn standing(standing: &Standing) -> String {
    match standing {
        Standing::Current => "the current secret".into(),
        Standing::Until(at) => format!("replaced, and works until {}", exact(*at)),
        Standing::Replaced(at) => format!("replaced, and refused since {}", exact(*at)),
    }
}
