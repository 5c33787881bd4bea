//! What a command prints: lines with labels for people, one JSON object for programs.

use std::io::Write;

use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// What a command has to say, printed once it has succeeded.
#[derive(Default)]
pub struct Answer {
    text: Zeroizing<String>,
    /// Said beside the answer, so that the answer itself can be piped on.
    hint: Option<&'static str>,
}

/// One value of an answer.
pub struct Field<'a> {
    pub label: &'a str,
    /// Its name in JSON.
    pub name: &'a str,
    pub value: &'a str,
}

/// Whether an answer is for a program.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct Format {
    /// Print JSON
    #[arg(long)]
    json: bool,
}

impl Format {
    pub fn is_json(self) -> bool {
        self.json
    }
}

impl Answer {
    /// Nothing more to say.
    pub fn silence() -> Self {
        Self::default()
    }

    /// One line.
    pub fn sentence(text: impl Into<String>) -> Self {
        Self { text: Zeroizing::new(text.into() + "\n"), hint: None }
    }

    /// Credentials, which are not shown again.
    pub fn credentials(format: Format, fields: &[Field<'_>], hint: &'static str) -> Self {
        if format.json {
            let object: Map<String, Value> = fields
                .iter()
                .map(|field| (field.name.to_owned(), Value::from(field.value)))
                .collect();
            return Self::sentence(Value::from(object).to_string());
        }
        let width = fields.iter().map(|field| field.label.len()).max().unwrap_or_default() + 1;
        let mut text = Zeroizing::new(String::new());
        for field in fields {
            text.push_str(&format!("{:width$} {}\n", format!("{}:", field.label), field.value));
        }
        Self { text, hint: Some(hint) }
    }

    /// Prints it. Whoever closed the pipe early has not got it, which is an error.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn print(self) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        out.write_all(self.text.as_bytes())?;
        out.flush()?;
        if let Some(hint) = self.hint {
            complain(hint);
        }
        Ok(())
    }
}

/// A line for the person at the terminal; nothing can be done when even that fails.
pub fn complain(line: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{line}");
}
