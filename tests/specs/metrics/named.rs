//! What the files for Grafana and Prometheus name is really told.

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Told, start};

const DASHBOARD: &str = include_str!("../../../deploy/grafana/latchkey.json");
const RULES: &str = include_str!("../../../deploy/prometheus/rules.yml");

#[actix_web::test]
async fn everything_that_the_dashboard_and_the_rules_name_is_there() {
    let told = Told::by(&start()).await;
    let there: BTreeSet<&str> =
        told.numbers.keys().map(|name| name.split('{').next().unwrap()).collect();

    let dashboard: Value = serde_json::from_str(DASHBOARD).expect("the dashboard is JSON");
    let mut expressions = Vec::new();
    collect_expressions(&dashboard, &mut expressions);
    assert!(expressions.len() > 25, "{}", expressions.len());
    let rules: Vec<&str> = RULES.lines().filter(|line| !line.contains("- alert:")).collect();
    expressions.push(rules.join("\n"));

    let named: BTreeSet<String> =
        expressions.iter().flat_map(|expression| names_in(expression)).collect();
    for name in &named {
        assert!(there.contains(name.as_str()), "{name} is not told");
    }
    // And the dashboard leaves nothing out.
    for name in there {
        let family = name.trim_end_matches("_bucket").trim_end_matches("_count");
        let family = family.trim_end_matches("_sum");
        assert!(named.iter().any(|known| known.starts_with(family)), "no panel shows {name}");
    }
}

#[test]
fn panels_have_a_title_and_a_description_and_do_not_overlap() {
    let dashboard: Value = serde_json::from_str(DASHBOARD).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut taken = BTreeSet::new();
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        let (place, is_row) = (&panel["gridPos"], panel["type"] == "row");
        assert!(is_row || panel["description"].as_str().is_some_and(|text| text.ends_with('.')));
        let number = |name: &str| place[name].as_u64().unwrap();
        for x in number("x")..number("x") + number("w") {
            for y in number("y")..number("y") + number("h") {
                assert!(x < 24 && taken.insert((x, y)), "{} overlaps", panel["title"]);
            }
        }
    }
}

fn collect_expressions(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                match member.as_str() {
                    Some(text) if name == "expr" || name == "definition" => {
                        found.push(text.to_owned());
                    }
                    _ => collect_expressions(member, found),
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_expressions(item, found)),
        _ => {}
    }
}

/// Words that begin as our metrics do. A word that goes on with a colon or stands in quotes is none of them.
fn names_in(expression: &str) -> Vec<String> {
    expression
        .split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_')
        .filter(|word| word.starts_with("latchkey_") || word.starts_with("process_"))
        .map(ToOwned::to_owned)
        .collect()
}
