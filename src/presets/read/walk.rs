//! Walking through a file, noting what is wrong on the way.

use std::collections::HashMap;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Fault, shown};

/// Where the lines of a text end: counted once, however many faults ask.
pub struct Lines(Vec<usize>);

impl Lines {
    pub fn of(text: &str) -> Self {
        Self(text.match_indices('\n').map(|(at, _)| at).collect())
    }

    /// Which line a byte of the text is on, counted from one.
    pub fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|end| *end < byte) + 1
    }
}

/// A table of the file: what it is called in sentences, and where it begins.
pub struct Part<'a> {
    what: String,
    table: &'a DeTable<'a>,
    pub line: usize,
}

/// The text's lines, what is wrong with it so far, and what was seen where.
pub struct Walk<'a> {
    lines: &'a Lines,
    /// With whether something is missing.
    pub faults: Vec<(bool, Fault)>,
    seen: HashMap<(&'static str, String), usize>,
}

impl<'a> Walk<'a> {
    pub fn new(lines: &'a Lines) -> Self {
        Self { lines, faults: Vec::new(), seen: HashMap::new() }
    }

    /// The file itself.
    pub fn top<'t>(&mut self, table: &'t DeTable<'t>, known: &[&str]) -> Part<'t> {
        self.part("the file".into(), table, 1, known)
    }

    /// A table that has to be there.
    pub fn table<'t>(&mut self, part: &Part<'t>, field: &str, known: &[&str]) -> Option<Part<'t>> {
        let Some(value) = part.table.get(field) else {
            self.missing(part.line, format!("[{field}] is missing."));
            return None;
        };
        let line = self.line(value);
        let Some(table) = value.get_ref().as_table() else {
            self.fault(line, format!("{field} must be a table: [{field}]."));
            return None;
        };
        Some(self.part(format!("[{field}]"), table, line, known))
    }

    /// A list of tables; when it `must` have one, that is noted too.
    pub fn tables<'t>(
        &mut self,
        part: &Part<'t>,
        field: &str,
        known: &[&str],
        must: bool,
    ) -> Vec<Part<'t>> {
        let Some(value) = part.table.get(field) else {
            if must {
                self.missing(
                    part.line,
                    format!("[[{field}]] is missing: there must be one at least."),
                );
            }
            return Vec::new();
        };
        let Some(list) = value.get_ref().as_array() else {
            let line = self.line(value);
            self.fault(line, format!("{field} must be a list of tables: [[{field}]]."));
            return Vec::new();
        };
        let mut found = Vec::new();
        for item in list.iter() {
            let line = self.line(item);
            match item.get_ref().as_table() {
                Some(table) => found.push(self.part(format!("[[{field}]]"), table, line, known)),
                None => self.fault(line, format!("{field} must be a list of tables: [[{field}]].")),
            }
        }
        if must && found.is_empty() {
            let line = self.line(value);
            self.missing(line, format!("[[{field}]] is missing: there must be one at least."));
        }
        found
    }

    /// A text that has to be there, as it is meant.
    pub fn text(
        &mut self,
        part: &Part<'_>,
        field: &str,
        parse: impl FnOnce(&str) -> Result<String, String>,
    ) -> String {
        if !part.table.contains_key(field) {
            self.missing(part.line, format!("{} lacks {field}.", part.what));
            return String::new();
        }
        self.optional_text(part, field, parse).unwrap_or_default()
    }

    /// A text that may be left out.
    pub fn optional_text(
        &mut self,
        part: &Part<'_>,
        field: &str,
        parse: impl FnOnce(&str) -> Result<String, String>,
    ) -> Option<String> {
        let value = part.table.get(field)?;
        let line = self.line(value);
        let Some(typed) = value.get_ref().as_str() else {
            self.fault(line, format!("{field} must be text in quotation marks."));
            return None;
        };
        parse(typed).map_err(|sentence| self.fault(line, format!("{field}: {sentence}"))).ok()
    }

    /// One of a few words, which has to be there.
    pub fn choice<T>(
        &mut self,
        part: &Part<'_>,
        field: &str,
        words: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let Some(value) = part.table.get(field) else {
            self.missing(part.line, format!("{} lacks {field}.", part.what));
            return None;
        };
        let chosen = value.get_ref().as_str().and_then(parse);
        if chosen.is_none() {
            let line = self.line(value);
            self.fault(line, format!("{field} must be {words}, in quotation marks."));
        }
        chosen
    }

    /// `true` or `false`; `None` when it is not said.
    pub fn yes(&mut self, part: &Part<'_>, field: &str) -> Option<bool> {
        let value = part.table.get(field)?;
        let yes = value.get_ref().as_bool();
        if yes.is_none() {
            let line = self.line(value);
            self.fault(line, format!("{field} must be true or false."));
        }
        yes
    }

    /// `true` or `false`, which has to be said.
    pub fn required_yes(&mut self, part: &Part<'_>, field: &str) -> bool {
        if !part.table.contains_key(field) {
            self.missing(part.line, format!("{} lacks {field}.", part.what));
        }
        self.yes(part, field).unwrap_or_default()
    }

    /// A whole number; `None` when it is not said.
    pub fn whole_number(&mut self, part: &Part<'_>, field: &str) -> Option<i64> {
        let value = part.table.get(field)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|number| i64::from_str_radix(number.as_str(), number.radix()).ok());
        if number.is_none() {
            let line = self.line(value);
            self.fault(line, format!("{field} must be a whole number."));
        }
        number
    }

    /// Notes that a field is wrong.
    pub fn wrong(&mut self, part: &Part<'_>, field: &str, sentence: &str) {
        let line = part.table.get(field).map_or(part.line, |value| self.line(value));
        self.fault(line, format!("{field}: {sentence}"));
    }

    /// Notes that something was named before.
    pub fn once(&mut self, what: &'static str, part: &Part<'_>, field: &str, value: &str) {
        if value.is_empty() {
            return;
        }
        let line = part.table.get(field).map_or(part.line, |value| self.line(value));
        if let Some(first) = self.seen.insert((what, value.to_owned()), line) {
            let sentence = format!(
                "The {what} {} is there twice; the other is on line {first}.",
                shown(value)
            );
            self.fault(line, sentence);
        }
    }

    fn part<'t>(
        &mut self,
        what: String,
        table: &'t DeTable<'t>,
        line: usize,
        known: &[&str],
    ) -> Part<'t> {
        for (key, _) in table.iter() {
            if !known.contains(&key.get_ref().as_ref()) {
                let line = self.lines.at(key.span().start);
                let name = shown(key.get_ref()).into_owned();
                self.fault(
                    line,
                    format!("“{name}” means nothing in {what}. Known: {}.", known.join(", ")),
                );
            }
        }
        Part { what, table, line }
    }

    fn line(&self, value: &Spanned<DeValue<'_>>) -> usize {
        self.lines.at(value.span().start)
    }

    fn fault(&mut self, line: usize, sentence: String) {
        self.faults.push((false, Fault { line, sentence }));
    }

    fn missing(&mut self, line: usize, sentence: String) {
        self.faults.push((true, Fault { line, sentence }));
    }
}
