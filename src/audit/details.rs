//! Before and after, as people read it.

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::{Entry, tell::capital};
use crate::web::time::exact;

/// Of a long list, so many are shown.
const MOST_SHOWN: usize = 20;
/// Of a long text, so many letters.
const LONGEST: usize = 500;

/// A field that was changed, or a fact about the act.
#[derive(Debug, PartialEq, Eq)]
pub struct Line {
    pub label: String,
    /// `None`: a fact.
    pub before: Option<String>,
    pub after: String,
}

/// What an event's details say: first what was changed, then the other facts.
pub fn lines(entry: &Entry) -> (Vec<Line>, Vec<Line>) {
    let Some(details) = entry.details.as_object() else { return (Vec::new(), Vec::new()) };
    let mut lines: Vec<Line> =
        details.iter().map(|(field, value)| line(&entry.action, field, value)).collect();
    // However they happen to be stored.
    lines.sort_by(|one, other| one.label.cmp(&other.label));
    lines.into_iter().partition(|line| line.before.is_some())
}

fn line(action: &str, field: &str, value: &Value) -> Line {
    let label = name(field);
    match value.as_array().map(Vec::as_slice) {
        Some([before, after]) if is_change(action, field) => {
            let (first, second) = side_by_side(before, after);
            Line { label, before: Some(first), after: second }
        }
        _ => Line { label, before: None, after: spell(value) },
    }
}

/// Two values in a list are before and after, except where an act tells of lists: what something was made with, what
/// was refused, what an import did.
fn is_change(action: &str, field: &str) -> bool {
    let (_, act) = action.split_once('.').unwrap_or_default();
    match act {
        "created" | "added" | "granted" | "refused" | "exported" => false,
        "applied" | "imported" => field == "preset",
        _ => true,
    }
}

fn name(field: &str) -> String {
    match field {
        "allowed_ips" => "IP ranges".into(),
        "excluded_ips" => "IP exceptions".into(),
        "allowed_origins" => "Web origins".into(),
        "expires_at" => "Expires".into(),
        "owner_id" => "Owner’s id".into(),
        "longest_days" => "Longest life in days".into(),
        "allows_never" => "Keys without an end".into(),
        "act" => "Refused act".into(),
        "api_url" => "API address".into(),
        field => capital(field),
    }
}

/// Of two lists, what differs comes first, so that it is seen however long they are.
fn side_by_side(before: &Value, after: &Value) -> (String, String) {
    let (Value::Array(was), Value::Array(is)) = (before, after) else {
        return (spell(before), spell(after));
    };
    let sorted = |of: &[Value], other: &[Value]| {
        let (same, differs): (Vec<Value>, Vec<Value>) =
            of.iter().cloned().partition(|value| other.contains(value));
        // Comparing each with each is for lists a person reads.
        Value::Array(differs.into_iter().chain(same).collect())
    };
    if was.len().max(is.len()) > 2_000 {
        return (spell(before), spell(after));
    }
    (spell(&sorted(was, is)), spell(&sorted(is, was)))
}

fn spell(value: &Value) -> String {
    match value {
        Value::Null => "None".into(),
        Value::Bool(yes) => if *yes { "Yes" } else { "No" }.into(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => spell_text(text),
        Value::Array(values) if values.is_empty() => "None".into(),
        Value::Array(values) => {
            let shown: Vec<String> = values.iter().take(MOST_SHOWN).map(spell).collect();
            match values.len() - shown.len() {
                0 => shown.join(", "),
                more => format!("{} and {more} more", shown.join(", ")),
            }
        }
        Value::Object(fields) => {
            let words: Vec<String> = fields
                .iter()
                .map(|(field, value)| format!("{}: {}", name(field), spell(value)))
                .collect();
            if words.is_empty() { "None".into() } else { words.join("; ") }
        }
    }
}

fn spell_text(text: &str) -> String {
    let looks_like_a_moment = text.len() >= 20 && text.as_bytes().get(10) == Some(&b'T');
    if looks_like_a_moment && let Ok(at) = text.parse::<DateTime<Utc>>() {
        return exact(at);
    }
    if text.is_empty() {
        return "Empty".into();
    }
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    format!("{}…", text.chars().take(LONGEST).collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told(action: &str, details: Value) -> (Vec<Line>, Vec<Line>) {
        lines(&Entry {
            id: 1,
            at: Utc::now(),
            actor_id: None,
            actor: "Operator".into(),
            ip: None,
            request_id: None,
            action: action.into(),
            subject: "x".into(),
            subject_name: "x".into(),
            details,
            previous_hash: vec![0; 32],
            hash: vec![1; 32],
        })
    }

    #[test]
    fn an_edit_has_two_sides() {
        let (changes, facts) = told(
            "key.updated",
            json!({ "name": ["a", "b"], "expires_at": [null, "2027-02-18T23:59:59Z"], "limits": [["1/s"], []] }),
        );
        let sides: Vec<_> = changes
            .iter()
            .map(|line| (line.label.as_str(), line.before.as_deref().unwrap(), line.after.as_str()))
            .collect();
        assert_eq!(
            sides,
            [
                ("Expires", "None", "18 February 2027, 23:59:59 UTC"),
                ("Limits", "1/s", "None"),
                ("Name", "a", "b"),
            ]
        );
        assert!(facts.is_empty());
    }

    #[test]
    fn a_list_of_two_is_a_list_where_something_was_made() {
        let (changes, facts) = told("key.created", json!({ "permissions": ["a:read", "b:read"] }));
        assert!(changes.is_empty());
        assert_eq!(facts[0].after, "a:read, b:read");
        let (changes, _) =
            told("preset.applied", json!({ "preset": [null, "x"], "added": ["a", "b"] }));
        assert_eq!(changes.len(), 1);
    }

    #[test]
    fn of_long_lists_the_difference_is_seen() {
        let many: Vec<String> = (0..1_000).map(|n| format!("c{n:04}")).collect();
        let mut fewer = many.clone();
        fewer.remove(700);
        let (changes, _) = told("key.updated", json!({ "customers": [many, fewer] }));
        assert!(changes[0].before.as_deref().unwrap().starts_with("c0700, c0000"));
        assert!(changes[0].after.ends_with("and 979 more"));
    }
}
