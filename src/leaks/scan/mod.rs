//! Finding credentials in text, however it is written down: as they are, in URLs, in JSON, in base64. Linear in the
//! length of the text, whatever is in it; pure; keeps nothing of it but hashes and what lists may show.

mod base64;
mod escapes;
mod words;

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

use self::words::Word;
use crate::credentials::SecretHash;

/// So deep base64 is looked into: what a container's settings hold is encoded twice.
const DEPTH: usize = 2;
/// Of one credential, so many lines are remembered.
const LINES: usize = 8;
/// So many lines are remembered of what only looks like one of ours.
const MISTYPED: usize = 20;

/// What a credential is, by its spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    KeySecret,
    AppSecret,
    GatewayToken,
    /// Not secret.
    PublicKey,
    /// Not secret.
    AppId,
}

impl Kind {
    /// Whether finding it is a leak.
    pub fn is_secret(self) -> bool {
        !matches!(self, Self::PublicKey | Self::AppId)
    }
}

/// In what it was wrapped where it was first found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrapped {
    /// As it is.
    Plainly,
    /// With escapes of addresses, JSON or HTML.
    Escaped,
    /// In base64, such as a Basic token.
    InBase64,
}

/// A credential that is spelled like one of ours, checksum included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub kind: Kind,
    pub hash: SecretHash,
    /// How lists show it; what is not secret is shown whole.
    pub shown: String,
    /// Of a key's halves: the prefix of its environment. Otherwise empty.
    pub prefix: String,
    pub wrapped: Wrapped,
    /// The first of the lines it is on, each once, in their order.
    pub lines: Vec<u32>,
    /// On how many lines it is.
    pub on_lines: usize,
}

/// Everything that was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// In the order in which they come.
    pub candidates: Vec<Candidate>,
    /// The first lines on which something has the shape of a secret but not its checksum: shortened, or mistyped.
    pub mistyped: Vec<u32>,
    /// Bytes that were looked at.
    pub length: usize,
}

impl Found {
    /// Those that must not be where they were found.
    pub fn secrets(&self) -> impl Iterator<Item = &Candidate> {
        self.candidates.iter().filter(|candidate| candidate.kind.is_secret())
    }
}

/// Everything that is spelled like a credential. `prefixes` are those of environments, to tell where a public key
/// begins.
pub fn scan(text: &[u8], prefixes: &[String]) -> Found {
    let mut search =
        Search { prefixes, found: Found::default(), places: HashMap::new(), seen: HashSet::new() };
    search.found.length = text.len();
    let text = without_zeros(text);
    search.look(&text, Lines::Counted, Wrapped::Plainly);
    search.look_inside(&text, Lines::Counted, DEPTH);
    if let Some(unescaped) = escapes::undo(&text) {
        search.look(&unescaped, Lines::Counted, Wrapped::Escaped);
        search.look_inside(&unescaped, Lines::Counted, DEPTH);
    }
    search.found
}

/// What Windows writes has a zero after every letter.
fn without_zeros(text: &[u8]) -> Cow<'_, [u8]> {
    if text.contains(&0) {
        text.iter().copied().filter(|byte| *byte != 0).collect::<Vec<u8>>().into()
    } else {
        text.into()
    }
}

/// How lines are told.
#[derive(Clone, Copy)]
enum Lines {
    /// From 1 on, by line ends.
    Counted,
    /// All of it is on this one.
    On(u32),
}

struct Search<'a> {
    prefixes: &'a [String],
    found: Found,
    /// Where in `found` each one is.
    places: HashMap<SecretHash, usize>,
    /// Which of them is on which line: each way of reading finds some again.
    seen: HashSet<(usize, u32)>,
}

impl Search<'_> {
    fn look(&mut self, text: &[u8], lines: Lines, wrapped: Wrapped) {
        let mut counter = LineCounter::new(lines);
        words::each(text, self.prefixes, |at, word| {
            let line = counter.at(text, at);
            match word {
                Word::Credential { kind, text, prefix } => {
                    self.note(kind, text, prefix, wrapped, line);
                }
                Word::Mistyped => self.note_mistyped(line),
            }
        });
    }

    fn look_inside(&mut self, text: &[u8], lines: Lines, depth: usize) {
        if depth == 0 {
            return;
        }
        let mut counter = LineCounter::new(lines);
        base64::each(text, |at, decoded| {
            let line = Lines::On(counter.at(text, at));
            self.look(decoded, line, Wrapped::InBase64);
            self.look_inside(decoded, line, depth - 1);
        });
    }

    fn note(&mut self, kind: Kind, text: &str, prefix: &str, wrapped: Wrapped, line: u32) {
        let hash = SecretHash::of(text);
        let place = *self.places.entry(hash).or_insert_with(|| {
            let shown = if kind.is_secret() { masked(text) } else { text.to_owned() };
            let (prefix, lines) = (prefix.to_owned(), Vec::new());
            let candidate = Candidate { kind, hash, shown, prefix, wrapped, lines, on_lines: 0 };
            self.found.candidates.push(candidate);
            self.found.candidates.len() - 1
        });
        let candidate = &mut self.found.candidates[place];
        if !self.seen.insert((place, line)) {
            return;
        }
        candidate.on_lines += 1;
        if candidate.lines.len() < LINES {
            candidate.lines.push(line);
        }
    }

    fn note_mistyped(&mut self, line: u32) {
        let lines = &mut self.found.mistyped;
        if lines.len() < MISTYPED && !lines.contains(&line) {
            lines.push(line);
        }
    }
}

/// `prod_sk_9fK2…x7Qa`
fn masked(secret: &str) -> String {
    let random = secret.rfind('_').map_or(0, |underscore| underscore + 1);
    format!("{}…{}", &secret[..random + 4], &secret[secret.len() - 4..])
}

/// Counts line ends on the way through a text.
struct LineCounter {
    lines: Lines,
    line: u32,
    until: usize,
}

impl LineCounter {
    fn new(lines: Lines) -> Self {
        Self { lines, line: 1, until: 0 }
    }

    /// The line of a place that is not before the last one.
    fn at(&mut self, text: &[u8], at: usize) -> u32 {
        match self.lines {
            Lines::On(line) => line,
            Lines::Counted => {
                let passed = text[self.until.min(at)..at].iter().filter(|byte| **byte == b'\n');
                self.line =
                    self.line.saturating_add(u32::try_from(passed.count()).unwrap_or(u32::MAX));
                self.until = self.until.max(at);
                self.line
            }
        }
    }
}

#[cfg(test)]
mod tests;
