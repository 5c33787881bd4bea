//! What is wrong with a form, field by field, in the words of the page.

/// Sentences for fields, in the order of the form. Empty: the form can be done.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(Vec<(&'static str, String)>);

impl Problems {
    /// One thing that is wrong.
    pub fn one(field: &'static str, sentence: impl Into<String>) -> Self {
        Self(vec![(field, sentence.into())])
    }

    /// Notes another thing; a field says only its first.
    pub fn add(&mut self, field: &'static str, sentence: impl Into<String>) {
        if !self.has(field) {
            self.0.push((field, sentence.into()));
        }
    }

    /// What the field means, or `None` with its problem noted.
    pub fn sort<T>(&mut self, field: &'static str, parsed: Result<T, String>) -> Option<T> {
        parsed.map_err(|sentence| self.add(field, sentence)).ok()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is wrong with a field.
    pub fn of(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| *known == field).map(|(_, sentence)| sentence.as_str())
    }

    pub fn has(&self, field: &str) -> bool {
        self.of(field).is_some()
    }

    /// Whether the page opens with the focus on this field: it is the first that needs another look.
    pub fn begin_with(&self, field: &str) -> bool {
        self.0.first().is_some_and(|(known, _)| *known == field)
    }

    /// All of them, for the summary.
    pub fn iter(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.0.iter()
    }

    /// The title of the summary.
    pub fn title(&self) -> String {
        match self.0.len() {
            1 => "One answer needs another look".into(),
            several => format!("{several} answers need another look"),
        }
    }
}
