//! The page that explains what a key is answered.

use askama::Template;
use chrono::{DateTime, Utc};

use super::Row;
use crate::{
    environments::Environment,
    keys::explain::{Advice, Counsel, QuestionForm},
    limits::{Mode, Standing},
    scopes::Section,
    verify::{About, Asks, Code, Explanation, Outcome, Step},
    web::{Layout, Problems, time::exact},
};

/// The page.
#[derive(Template)]
#[template(path = "keys/explain.html", blocks = ["explanation"])]
pub struct Explain {
    pub layout: Layout,
    pub row: Row,
    pub form: QuestionForm,
    pub problems: Problems,
    pub environments: Vec<Environment>,
    pub catalogue: Vec<Section>,
    /// Those that the key is restricted to.
    pub customers: Vec<String>,
    /// Whether a secret of it was ever replaced.
    pub has_old: bool,
    /// `None` when the question was not understood.
    pub explained: Option<Explained>,
}

/// An answer, and how it came about.
pub struct Explained {
    pub steps: Vec<Told>,
    pub code: Code,
    /// `/v1/verify`, one member on each line.
    pub json: String,
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub standings: Vec<Standing>,
    pub counted: &'static str,
    /// Another time than now.
    pub at: Option<DateTime<Utc>>,
    /// This node answers from facts that are other, and so many milliseconds old.
    pub differs_since: Option<u128>,
}

/// A check in words.
pub struct Told {
    pub title: &'static str,
    pub outcome: Outcome,
    pub advice: Advice,
}

impl Explained {
    pub fn new(explanation: Explanation, counsel: &Counsel<'_>, at: Option<DateTime<Utc>>) -> Self {
        let tell = |Step { asks, outcome }: Step| {
            let is_no = matches!(outcome, Outcome::Refused(_) | Outcome::NotAsked(Some(_)));
            let advice = if is_no { counsel.on(asks) } else { Advice::default() };
            Told { title: title(asks), outcome, advice }
        };
        let standings = explanation.spending.map(|spending| spending.standings.to_vec());
        Self {
            steps: explanation.steps.into_iter().map(tell).collect(),
            code: explanation.code,
            json: one_member_a_line(&explanation.json),
            status: explanation.status,
            headers: explanation.headers,
            body: explanation.body,
            standings: standings.unwrap_or_default(),
            counted: match explanation.counted {
                Mode::Here => "on this node alone",
                Mode::Shared => "on all nodes together",
                Mode::SharedAway { .. } => "on this node alone, because Redis is away",
            },
            at,
            differs_since: explanation.differs_since.map(|age| age.as_millis()),
        }
    }

    /// The other time, in words.
    pub fn at_exactly(&self) -> Option<String> {
        self.at.map(exact)
    }

    pub fn is_valid(&self) -> bool {
        self.code == Code::Valid
    }

    /// nginx understands only some statuses; what it is told instead.
    pub fn nginx_status(&self) -> Option<u16> {
        (!matches!(self.status, 200..300 | 401 | 403)).then_some(403)
    }
}

impl Explain {
    /// What is required beside what the catalogue has.
    pub fn other_scopes(&self) -> Vec<&str> {
        let is_known = |slug: &&String| {
            let permissions = self.catalogue.iter().flat_map(|section| &section.permissions);
            permissions.into_iter().all(|permission| permission.slug != **slug)
        };
        self.form.scope.iter().filter(is_known).map(String::as_str).collect()
    }

    /// Which environment is chosen: the key's own unless another was.
    pub fn chooses(&self, environment: &Environment) -> bool {
        match self.form.environment.as_str() {
            "" => environment.id == self.row.key.environment_id,
            slug => environment.slug == slug,
        }
    }

    /// The time in its field.
    pub fn at(&self) -> String {
        self.form.at_in(self.layout.viewer.zone)
    }

    /// In which zone the field has it.
    pub fn zone(&self) -> &'static str {
        self.layout.viewer.zone.name()
    }
}

fn title(asks: Asks) -> &'static str {
    match asks {
        Asks::Spelling => "Well formed",
        Asks::Existence => "Exists",
        Asks::RateLimits => "Rate limits",
        Asks::Check(about) => match about {
            About::Revocation => "Not revoked",
            About::Expiry => "Not expired",
            About::Disabling => "Not disabled",
            About::Secret => "Secret is current",
            About::Environment => "Environment",
            About::Ip => "IP address",
            About::Customer => "Customer",
            About::Origin => "Web origin",
            About::Permissions => "Permissions",
        },
    }
}

/// The same JSON object with a line for each of its members: nothing but blanks is added.
fn one_member_a_line(json: &str) -> String {
    let mut spread = String::with_capacity(json.len() + 64);
    let (mut depth, mut in_text, mut escaped) = (0_u32, false, false);
    for character in json.chars() {
        let closes = !in_text && matches!(character, '}' | ']');
        if closes {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                spread.push('\n');
            }
        }
        spread.push(character);
        match character {
            '"' if !escaped => in_text = !in_text,
            '{' | '[' if !in_text => {
                depth += 1;
                if depth == 1 {
                    spread.push_str("\n  ");
                }
            }
            ',' if !in_text => spread.push_str(if depth == 1 { "\n  " } else { " " }),
            ':' if !in_text => spread.push(' '),
            _ => {}
        }
        escaped = in_text && character == '\\' && !escaped;
    }
    spread
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_on_several_lines_is_the_same_json() {
        let json = r#"{"a":"x, {y} \"z\\","b":[1,2],"c":{"d":null},"e":true}"#;
        let spread = one_member_a_line(json);
        assert_eq!(
            spread,
            "{\n  \"a\": \"x, {y} \\\"z\\\\\",\n  \"b\": [1, 2],\n  \"c\": {\"d\": null},\n  \"e\": true\n}"
        );
        let value = |json: &str| serde_json::from_str::<serde_json::Value>(json).unwrap();
        assert_eq!(value(&spread), value(json));
    }
}
