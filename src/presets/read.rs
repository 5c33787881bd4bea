//! Reading a file in the format of the presets: every mistake with its line, not only the first.

mod walk;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use toml::de::DeTable;

use self::walk::{Lines, Walk};
use super::{Environment, Permission, Policy, Preset, Section, Wording, wording};
use crate::{
    environments::{self, Mode},
    scopes::{self, Access},
    text,
};

/// One thing that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Counted from one.
    pub line: usize,
    pub sentence: String,
}

/// A file that was understood, and where it speaks of what.
#[derive(Debug, Clone)]
pub struct Read {
    pub preset: Preset,
    /// The line of each environment, by its slug.
    lines: HashMap<String, usize>,
}

impl Read {
    /// A fault in what the file says of an environment.
    pub fn fault_at(&self, environment: &str, sentence: String) -> Fault {
        Fault { line: self.lines.get(environment).copied().unwrap_or(1), sentence }
    }
}

/// Reads a file.
///
/// # Errors
/// Everything that is wrong with it, from top to bottom.
pub fn read(text: &str) -> Result<Read, Vec<Fault>> {
    let (table, errors) = DeTable::parse_recoverable(text);
    let lines_of_text = Lines::of(text);
    let mut faults: Vec<Fault> = errors
        .iter()
        .map(|error| Fault {
            line: error.span().map_or(1, |span| lines_of_text.at(span.start)),
            sentence: format!("Not TOML: {}.", error.message().trim_end_matches('.')),
        })
        .collect();
    let is_toml = faults.is_empty();
    let broken: HashSet<usize> = faults.iter().map(|fault| fault.line).collect();
    let mut walk = Walk::new(&lines_of_text);
    let (preset, lines) = preset(&mut walk, table.get_ref());
    // Where the syntax is broken, what seems to be missing may be there all the same.
    faults.extend(
        walk.faults
            .into_iter()
            .filter(|(is_missing, fault)| is_toml || !(*is_missing || broken.contains(&fault.line)))
            .map(|(_, fault)| fault),
    );
    if faults.is_empty() {
        return Ok(Read { preset, lines });
    }
    faults.sort_by_key(|fault| fault.line);
    faults.dedup();
    Err(faults)
}

fn preset(walk: &mut Walk<'_>, table: &DeTable<'_>) -> (Preset, HashMap<String, usize>) {
    let top = walk
        .top(table, &["slug", "name", "summary", "wording", "policy", "environments", "sections"]);
    let slug = walk.text(&top, "slug", environments::parse_slug);
    let name = walk.text(&top, "name", |typed| text::parse_name("Name", typed, 100));
    let summary = walk.text(&top, "summary", scopes::parse_description);
    let wording = wording_of(walk, &top);
    let policy = policy_of(walk, &top);
    let (environments, lines) = environments_of(walk, &top);
    let sections = sections_of(walk, &top);
    (Preset { slug, name, summary, wording, policy, environments, sections }, lines)
}

fn wording_of(walk: &mut Walk<'_>, top: &walk::Part<'_>) -> Wording {
    let known = ["product_name", "keys_section", "keys_title", "create_label", "path", "api_url"];
    let Some(part) = walk.table(top, "wording", &known) else {
        return Wording {
            product_name: String::new(),
            keys_section: String::new(),
            keys_title: String::new(),
            create_label: String::new(),
            path: String::new(),
            api_url: None,
        };
    };
    let mut words = |field: &'static str, what: &'static str| {
        walk.text(&part, field, |typed| wording::parse_words(what, typed))
    };
    let product_name = words("product_name", "Product name");
    let keys_section = words("keys_section", "Section name");
    let keys_title = words("keys_title", "Title");
    let create_label = words("create_label", "Button");
    let path = walk.text(&part, "path", wording::parse_path);
    let api_url = walk.optional_text(&part, "api_url", wording::parse_api_url);
    Wording { product_name, keys_section, keys_title, create_label, path, api_url }
}

fn policy_of(walk: &mut Walk<'_>, top: &walk::Part<'_>) -> Policy {
    let known = [
        "new_key_all_permissions",
        "managers_may_revoke",
        "managers_may_regenerate",
        "default_lifetime_days",
    ];
    let Some(part) = walk.table(top, "policy", &known) else {
        return Policy {
            new_key_all_permissions: false,
            managers_may_revoke: false,
            managers_may_regenerate: None,
            default_lifetime_days: None,
        };
    };
    let days = walk.whole_number(&part, "default_lifetime_days").and_then(|days| {
        let days = i32::try_from(days).ok().filter(|days| (1..=3_650).contains(days));
        if days.is_none() {
            walk.wrong(&part, "default_lifetime_days", "Lifetime must be 1 to 3650 days.");
        }
        days
    });
    Policy {
        new_key_all_permissions: walk.required_yes(&part, "new_key_all_permissions"),
        managers_may_revoke: walk.required_yes(&part, "managers_may_revoke"),
        managers_may_regenerate: walk.yes(&part, "managers_may_regenerate"),
        default_lifetime_days: days,
    }
}

fn environments_of(
    walk: &mut Walk<'_>,
    top: &walk::Part<'_>,
) -> (Vec<Environment>, HashMap<String, usize>) {
    let known = ["slug", "name", "prefix", "mode", "longest_days", "allows_never", "retired"];
    let mut lines = HashMap::new();
    let mut found = Vec::new();
    for part in walk.tables(top, "environments", &known, true) {
        let slug = walk.text(&part, "slug", environments::parse_slug);
        walk.once("environment", &part, "slug", &slug);
        let prefix = walk.text(&part, "prefix", environments::parse_prefix);
        walk.once("prefix", &part, "prefix", &prefix);
        let days = walk.whole_number(&part, "longest_days");
        // Whoever names a longest lifetime and nothing else means that keys end.
        let allows_never = walk.yes(&part, "allows_never").or(days.map(|_| false));
        let longest_days = environments::parse_policy(days, allows_never.unwrap_or(true))
            .unwrap_or_else(|(field, sentence)| {
                walk.wrong(&part, field, &sentence);
                None
            });
        lines.insert(slug.clone(), part.line);
        found.push(Environment {
            slug,
            name: walk.text(&part, "name", |typed| text::parse_name("Name", typed, 60)),
            prefix,
            mode: walk.choice(&part, "mode", "live or test", Mode::parse).unwrap_or(Mode::Live),
            longest_days,
            allows_never,
            retired: walk.yes(&part, "retired").unwrap_or_default(),
        });
    }
    (found, lines)
}

fn sections_of(walk: &mut Walk<'_>, top: &walk::Part<'_>) -> Vec<Section> {
    let mut found = Vec::new();
    for part in walk.tables(top, "sections", &["slug", "name", "retired", "permissions"], true) {
        let slug = walk.text(&part, "slug", scopes::parse_slug);
        walk.once("section", &part, "slug", &slug);
        found.push(Section {
            slug,
            name: walk.text(&part, "name", |typed| text::parse_name("Name", typed, 60)),
            retired: walk.yes(&part, "retired").unwrap_or_default(),
            permissions: permissions_of(walk, &part),
        });
    }
    found
}

fn permissions_of(walk: &mut Walk<'_>, section: &walk::Part<'_>) -> Vec<Permission> {
    let known = ["slug", "label", "description", "access", "publishable", "retired"];
    let mut found = Vec::new();
    for part in walk.tables(section, "permissions", &known, false) {
        let slug = walk.text(&part, "slug", scopes::parse_slug);
        walk.once("permission", &part, "slug", &slug);
        let access = |typed: &str| Access::try_from(typed.to_owned()).ok();
        found.push(Permission {
            slug,
            label: walk.text(&part, "label", |typed| text::parse_name("Label", typed, 60)),
            description: walk.text(&part, "description", scopes::parse_description),
            access: walk.choice(&part, "access", "READ or WRITE", access).unwrap_or(Access::Read),
            publishable: walk.yes(&part, "publishable").unwrap_or_default(),
            retired: walk.yes(&part, "retired").unwrap_or_default(),
        });
    }
    found
}

/// What somebody typed, short enough to be shown back.
fn shown(typed: &str) -> Cow<'_, str> {
    match typed.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &typed[..end]).into(),
        None => typed.into(),
    }
}

#[cfg(test)]
mod tests;
