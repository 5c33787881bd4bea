//! New secrets as files: lines for a `.env`, and a table that spreadsheets do not take for formulas. Pure.

use std::{collections::HashSet, fmt::Write};

use zeroize::Zeroizing;

use crate::{credentials::Secret, keys::Key, web::download::harmless};

/// `NAME=secret`, a line each, under names that no two keys share.
pub fn env(made: &[(Key, Secret)]) -> Secret {
    let mut text = Zeroizing::new(String::with_capacity(made.len() * 160));
    for ((key, secret), name) in made.iter().zip(variables(made.iter().map(|(key, _)| &*key.name)))
    {
        let comment = format_args!("# {} ({})", key.name, key.public_key);
        let line = writeln!(text, "{comment}\n{name}={}", secret.reveal());
        line.expect("a string takes everything");
    }
    Secret::holding(text)
}

/// A header and a row each, RFC 4180.
pub fn csv(made: &[(Key, Secret)]) -> Secret {
    let mut text = Zeroizing::new(String::with_capacity(made.len() * 200));
    text.push_str("name,environment,public_key,secret\r\n");
    for (key, secret) in made {
        let cells = [&*key.name, &key.environment.slug, &key.public_key, secret.reveal()];
        for (at, value) in cells.into_iter().enumerate() {
            if at > 0 {
                text.push(',');
            }
            push_cell(&mut text, value);
        }
        text.push_str("\r\n");
    }
    Secret::holding(text)
}

/// In quotes, and harmless.
fn push_cell(text: &mut String, value: &str) {
    text.push('"');
    for character in harmless(value).chars() {
        if character == '"' {
            text.push('"');
        }
        text.push(character);
    }
    text.push('"');
}

/// `Rentmy Production` → `RENTMY_PRODUCTION`; a second one of that name gets `_2`.
fn variables<'a>(names: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut taken = HashSet::new();
    names
        .map(|name| {
            let base = variable(name);
            let mut free = base.clone();
            let mut number = 2;
            while !taken.insert(free.clone()) {
                free = format!("{base}_{number}");
                number += 1;
            }
            free
        })
        .collect()
}

fn variable(name: &str) -> String {
    let mut variable = String::new();
    for character in name.chars() {
        if character.is_ascii_alphanumeric() {
            variable.push(character.to_ascii_uppercase());
        } else if !variable.is_empty() && !variable.ends_with('_') {
            variable.push('_');
        }
    }
    let variable = variable.trim_end_matches('_');
    match variable.bytes().next() {
        None => "API_KEY".into(),
        Some(b'0'..=b'9') => format!("KEY_{variable}"),
        Some(_) => variable.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_come_from_names_and_are_never_the_same() {
        let names =
            ["Rentmy Production", "rentmy-production", "3D", "Ключ", "", "a__b ", "API key"];
        let variables = variables(names.into_iter());
        assert_eq!(
            variables,
            [
                "RENTMY_PRODUCTION",
                "RENTMY_PRODUCTION_2",
                "KEY_3D",
                "API_KEY",
                "API_KEY_2",
                "A_B",
                "API_KEY_3"
            ]
        );
    }

    #[test]
    fn a_spreadsheet_calculates_nothing() {
        let cell = |value: &str| {
            let mut text = String::new();
            push_cell(&mut text, value);
            text
        };
        assert_eq!(cell("=cmd|'/c calc'!A1"), "\"'=cmd|'/c calc'!A1\"");
        for formula in ["+1", "-1", "@SUM(A1)", "\t=1", "\r=1"] {
            assert!(cell(formula).starts_with("\"'"), "{formula:?}");
        }
        assert_eq!(cell("say \"hi\", twice"), "\"say \"\"hi\"\", twice\"");
        assert_eq!(cell("deploy bot"), "\"deploy bot\"");
    }
}
