//! The trail of a key, as sentences.

use chrono::{DateTime, Utc};
use serde_json::Value;

use crate::{audit::Event, web::Moment};

/// A line of the history.
pub struct Told {
    pub actor: String,
    /// “updated the permissions”
    pub what: String,
    /// “added orders:write”
    pub more: Vec<String>,
    /// A symbol of the sprite.
    pub icon: &'static str,
    pub at: DateTime<Utc>,
}

impl Told {
    pub fn when(&self) -> Moment {
        Moment::seen_now(self.at)
    }
}

/// Tells an event.
pub fn tell(event: Event) -> Told {
    let (icon, what) = match event.action.as_str() {
        "key.created" => ("plus", "created it".to_owned()),
        "key.updated" => ("edit", format!("updated {}", fields(&event.details))),
        "key.disabled" => ("disable", "disabled it".to_owned()),
        "key.enabled" => ("enable", "enabled it".to_owned()),
        "key.regenerated" => ("regenerate", "regenerated the secret".to_owned()),
        "key.overlap_finished" => ("done", "stopped the old secret".to_owned()),
        "key.overlap_extended" => ("regenerate", "gave the old secret more time".to_owned()),
        "key.revealed" => ("eye", "looked at the secret again".to_owned()),
        "key.revoked" => ("revoke", "revoked it".to_owned()),
        "key.transferred" => ("person", "transferred it".to_owned()),
        "key.deleted" => ("delete", "deleted it".to_owned()),
        "key.leak_found" => ("leak", leak_found(&event.details)),
        "key.leak_dismissed" => ("done", "dismissed what was reported as leaked".to_owned()),
        other => ("info", other.to_owned()),
    };
    let more = match event.action.as_str() {
        "key.updated" => differences(&event.details),
        "key.transferred" => {
            let name = |at: usize| event.details["owner"][at].as_str().unwrap_or("—").to_owned();
            vec![format!("{} → {}", name(0), name(1))]
        }
        "key.revoked" => event.details["reason"]
            .as_str()
            .map(|reason| format!("“{reason}”"))
            .into_iter()
            .collect(),
        "key.regenerated" => regenerated(&event.details).into_iter().collect(),
        "key.leak_found" => event.details["url"].as_str().map(str::to_owned).into_iter().collect(),
        "key.overlap_extended" => {
            minute(&event.details["overlap_until"][1]).map(until).into_iter().collect()
        }
        _ => Vec::new(),
    };
    Told { actor: event.actor, what, more, icon, at: event.at }
}

fn leak_found(details: &Value) -> String {
    let which =
        if details["worked"] == false { "a secret of it that did not work" } else { "its secret" };
    match details["by"].as_str() {
        Some("triage") => format!("found {which} in a text"),
        _ => format!("reported {which} as leaked"),
    }
}

fn regenerated(details: &Value) -> Option<String> {
    let masked = details["secret"][0].as_str()?;
    Some(match minute(&details["overlap_until"]) {
        _ if details["reset"] == true => {
            format!("with all keys of the application; the old one, {masked}, stopped at once")
        }
        Some(minute) => format!("the old one, {masked}, was given {}", until(minute)),
        None => format!("the old one, {masked}, stopped at once"),
    })
}

fn minute(value: &Value) -> Option<DateTime<Utc>> {
    value.as_str()?.parse().ok()
}

fn until(at: DateTime<Utc>) -> String {
    format!("until {}", super::overlap::spell(at))
}

/// The words for what an edit can change, by the trail's names.
const FIELDS: [(&str, &str); 11] = [
    ("name", "the name"),
    ("note", "the note"),
    ("all_permissions", "the permissions"),
    ("sections", "the permissions"),
    ("permissions", "the permissions"),
    ("limits", "the rate limits"),
    ("expires_at", "the expiry"),
    ("customers", "the customers"),
    ("allowed_ips", "the IP ranges"),
    ("excluded_ips", "the IP ranges"),
    ("allowed_origins", "the origins"),
];

/// Of a long list, so many are named.
const MOST_NAMED: usize = 10;

fn fields(details: &Value) -> String {
    let mut words: Vec<&str> = FIELDS
        .iter()
        .filter(|(field, _)| details.get(field).is_some())
        .map(|(_, word)| *word)
        .collect();
    words.dedup();
    match words.as_slice() {
        [] => "nothing".into(),
        [one] => (*one).into(),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

fn differences(details: &Value) -> Vec<String> {
    FIELDS
        .iter()
        .filter_map(|(field, _)| details.get(field).map(|change| (*field, &change[0], &change[1])))
        .flat_map(|(field, before, after)| difference(field, before, after))
        .collect()
}

fn difference(field: &str, before: &Value, after: &Value) -> Vec<String> {
    match (field, before, after) {
        ("all_permissions", _, Value::Bool(true)) => vec!["now all permissions".into()],
        ("all_permissions", ..) => vec!["no longer all permissions".into()],
        (_, Value::Array(before), Value::Array(after)) => {
            let listed = |from: &[Value], without: &[Value]| {
                let words: Vec<&str> = from
                    .iter()
                    .filter(|word| !without.contains(word))
                    .filter_map(Value::as_str)
                    .collect();
                match words.len() {
                    0..=MOST_NAMED => words.join(", "),
                    many => {
                        format!("{} and {} more", words[..MOST_NAMED].join(", "), many - MOST_NAMED)
                    }
                }
            };
            let what = if field == "excluded_ips" { "the exception " } else { "" };
            [("added", listed(after, before)), ("removed", listed(before, after))]
                .into_iter()
                .filter(|(_, words)| !words.is_empty())
                .map(|(verb, words)| format!("{verb} {what}{words}"))
                .collect()
        }
        ("expires_at", before, after) => vec![format!("{} → {}", day(before), day(after))],
        ("note", ..) => Vec::new(),
        (_, before, after) => vec![format!(
            "“{}” → “{}”",
            before.as_str().unwrap_or("—"),
            after.as_str().unwrap_or("—")
        )],
    }
}

fn day(value: &Value) -> String {
    value
        .as_str()
        .and_then(|at| at.parse::<DateTime<Utc>>().ok())
        .map_or_else(|| "never".into(), |at| crate::web::time::spell_day(at.date_naive()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(action: &str, details: Value) -> Told {
        tell(Event {
            id: 1,
            at: Utc::now(),
            actor: "Ada".into(),
            action: action.into(),
            subject: "prod_pk_x".into(),
            subject_name: "deploy bot".into(),
            details,
        })
    }

    #[test]
    fn an_edit_says_what_changed() {
        let told = told(
            "key.updated",
            json!({ "name": ["a", "b"], "permissions": [["orders:read"], ["orders:read", "orders:write"]], "expires_at": [null, "2027-02-18T23:59:59Z"] }),
        );
        assert_eq!(told.what, "updated the name, the permissions and the expiry");
        assert_eq!(told.more, ["“a” → “b”", "added orders:write", "never → 18 February 2027"]);
    }

    #[test]
    fn restrictions_are_told_shortly() {
        let many: Vec<String> = (0..1_000).map(|n| format!("c{n}")).collect();
        let told = told(
            "key.updated",
            json!({ "customers": [[], many], "allowed_ips": [[], ["10.0.0.0/8"]], "excluded_ips": [["10.1.0.0/16"], []] }),
        );
        assert_eq!(told.what, "updated the customers and the IP ranges");
        assert!(told.more[0].ends_with("c9 and 990 more"), "{}", told.more[0]);
        assert_eq!(told.more[1..], ["added 10.0.0.0/8", "removed the exception 10.1.0.0/16"]);
    }

    #[test]
    fn a_revocation_gives_its_reason() {
        assert_eq!(
            told("key.revoked", json!({ "reason": "laptop stolen" })).more,
            ["“laptop stolen”"]
        );
    }
}
