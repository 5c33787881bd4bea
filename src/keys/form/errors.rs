//! What is wrong with a form, by field.

/// What is wrong, by field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyErrors(Vec<(&'static str, String)>);

impl KeyErrors {
    /// A sentence about one field.
    pub fn one(field: &'static str, sentence: impl Into<String>) -> Self {
        Self(vec![(field, sentence.into())])
    }

    /// The name looks like that of another key.
    pub fn name_taken() -> Self {
        Self::one(
            "name",
            "This name is too similar to that of another key of yours in the same application and environment. Choose another.",
        )
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The sentence about a field.
    pub fn get(&self, field: &str) -> Option<&str> {
        self.0.iter().find(|(wrong, _)| *wrong == field).map(|(_, sentence)| sentence.as_str())
    }

    pub fn has(&self, field: &str) -> bool {
        self.get(field).is_some()
    }

    /// Whether something is wrong with where and for whom the key works.
    pub fn about_restrictions(&self) -> bool {
        ["customers", "allowed_ips", "excluded_ips", "anywhere", "allowed_origins"]
            .iter()
            .any(|field| self.has(field))
    }

    /// All of them, in the order of the form.
    pub fn all(&self) -> &[(&'static str, String)] {
        &self.0
    }

    pub(super) fn keep<T>(&mut self, field: &'static str, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|sentence| self.0.push((field, sentence))).ok()
    }
}
