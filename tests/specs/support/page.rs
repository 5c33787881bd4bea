//! What a person sees.

use std::cell::OnceCell;

use reqwest::{Response, header::HeaderMap};
use scraper::{ElementRef, Html, Selector};

/// An answer, read to the end.
#[must_use]
pub struct Page {
    path: String,
    status: u16,
    headers: HeaderMap,
    body: String,
    /// Read once, however much is asked about it.
    document: OnceCell<Html>,
    reads: OnceCell<String>,
}

impl Page {
    pub async fn read(path: &str, answer: Response) -> Self {
        Self {
            path: path.to_owned(),
            status: answer.status().as_u16(),
            headers: answer.headers().clone(),
            body: answer.text().await.expect("an answer has a readable body"),
            document: OnceCell::new(),
            reads: OnceCell::new(),
        }
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    pub fn body(&self) -> &str {
        &self.body
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap_or("unreadable"))
    }

    /// All headers, as text.
    pub fn every_header(&self) -> String {
        format!("{:?}", self.headers)
    }

    /// Where a redirect leads.
    pub fn location(&self) -> Option<String> {
        self.headers
            .get("location")
            .map(|value| value.to_str().expect("an address is text").to_owned())
    }

    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.describe());
        self
    }

    /// Redirects to exactly this address.
    #[track_caller]
    pub fn assert_leads_to(&self, address: &str) -> &Self {
        assert_eq!(self.status, 303, "{}", self.describe());
        assert_eq!(self.location().as_deref(), Some(address), "{}", self.describe());
        self
    }

    /// Somebody reading the page reads this.
    #[track_caller]
    pub fn assert_shows(&self, text: &str) -> &Self {
        assert!(self.reads().contains(text), "“{text}” is not on the page\n{}", self.describe());
        self
    }

    /// This is nowhere in the answer, not even in its markup or its headers.
    #[track_caller]
    pub fn assert_hides(&self, text: &str) -> &Self {
        assert!(
            !self.body.contains(text) && !self.reads().contains(text),
            "“{text}” is on the page\n{}",
            self.describe()
        );
        assert!(
            !format!("{:?}", self.headers).contains(text),
            "“{text}” is in a header\n{}",
            self.describe()
        );
        self
    }

    /// A piece for htmx, not a page.
    #[track_caller]
    pub fn assert_is_fragment(&self) -> &Self {
        assert!(!self.body.contains("<html"), "this is a whole page\n{}", self.describe());
        self
    }

    #[track_caller]
    pub fn assert_is_page(&self) -> &Self {
        assert!(self.body.contains("<html"), "this is no whole page\n{}", self.describe());
        assert_eq!(self.all("h1").len(), 1, "a page has one h1\n{}", self.describe());
        self
    }

    /// The text of the first element the selector finds.
    #[track_caller]
    pub fn text(&self, selector: &str) -> String {
        self.all(selector)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no {selector}\n{}", self.describe()))
    }

    /// The texts of all elements the selector finds.
    pub fn all(&self, selector: &str) -> Vec<String> {
        self.document().select(&parse(selector)).map(text_of).collect()
    }

    /// An attribute of the first element the selector finds.
    #[track_caller]
    pub fn attribute(&self, selector: &str, name: &str) -> String {
        let element = self.document().select(&parse(selector)).next();
        element
            .and_then(|element| element.attr(name))
            .unwrap_or_else(|| panic!("no {selector} with {name}\n{}", self.describe()))
            .to_owned()
    }

    /// Action and fields of a form as a browser would send it with these filled in. A name that is filled in
    /// replaces what the page has under it; several of one name are all sent.
    #[track_caller]
    pub fn form(
        &self,
        selector: &str,
        filled_in: &[(&str, &str)],
    ) -> (String, Vec<(String, String)>) {
        let form = self
            .document()
            .select(&parse(selector))
            .next()
            .unwrap_or_else(|| panic!("no {selector}\n{}", self.describe()));
        let action = form.attr("action").unwrap_or(&self.path).to_owned();
        let mut fields = Vec::new();
        for field in form.select(&parse("input[name], select[name], textarea[name]")) {
            let name = field.attr("name").unwrap_or_default();
            if filled_in.iter().any(|(filled, _)| *filled == name) {
                continue;
            }
            if let Some(value) = value_of(field) {
                fields.push((name.to_owned(), value));
            }
        }
        fields.extend(
            filled_in.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        (action, fields)
    }

    /// The page as elements.
    pub fn document(&self) -> &Html {
        self.document.get_or_init(|| Html::parse_document(&self.body))
    }

    fn reads(&self) -> &str {
        self.reads.get_or_init(|| text_of(self.document().root_element()))
    }

    fn describe(&self) -> String {
        let headers: Vec<String> = self
            .headers
            .iter()
            .filter(|(name, _)| {
                ["location", "content-type", "retry-after"].contains(&name.as_str())
                    || name.as_str().starts_with("hx-")
            })
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap_or("?")))
            .collect();
        format!(
            "── {} answered {} {}\n{}\n──",
            self.path,
            self.status,
            headers.join(", "),
            if self.body.contains('<') { self.reads() } else { &self.body }
        )
    }
}

/// What a field sends: nothing when it is an unchecked box or a disabled field.
fn value_of(field: ElementRef<'_>) -> Option<String> {
    if field.attr("disabled").is_some() {
        return None;
    }
    match field.value().name() {
        "textarea" => Some(field.text().collect()),
        "select" => {
            let chosen = field
                .select(&parse("option[selected]"))
                .next()
                .or_else(|| field.select(&parse("option")).next());
            chosen.map(|option| {
                option.attr("value").map_or_else(|| text_of(option), ToOwned::to_owned)
            })
        }
        _ => match field.attr("type") {
            Some("checkbox" | "radio") => {
                field.attr("checked").map(|_| field.attr("value").unwrap_or("on").to_owned())
            }
            Some("submit" | "button") => None,
            _ => Some(field.attr("value").unwrap_or_default().to_owned()),
        },
    }
}

fn parse(selector: &str) -> Selector {
    Selector::parse(selector).unwrap_or_else(|error| panic!("{selector}: {error}"))
}

/// Text as it is read: one blank between words.
fn text_of(element: ElementRef<'_>) -> String {
    element.text().collect::<Vec<_>>().join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}
