//! The document, turned into what the page shows.

use actix_web::http::StatusCode;
use serde_json::Value;
use utoipa::openapi::{
    Components, OpenApi, PathItem, RefOr, Response, Schema, path::Operation,
    security::SecurityScheme,
};

use super::{
    examples::{self, Code},
    fields::{self, Field},
};

/// An operation, or several that differ by nothing but the method.
pub struct Shown {
    pub id: String,
    pub method: String,
    pub path: String,
    pub summary: String,
    pub text: Text,
    /// A call for a terminal; of a webhook, a request as it comes.
    pub sample: String,
    /// It is Latchkey that calls.
    pub is_webhook: bool,
    /// Ways to authenticate, of which one is enough.
    pub credentials: Vec<String>,
    pub parameters: Vec<Field>,
    /// The name of the body's description.
    pub body: Option<String>,
    pub answers: Vec<Answer>,
}

/// One of an operation's answers.
pub struct Answer {
    pub status: String,
    pub phrase: &'static str,
    pub text: Text,
    pub headers: Vec<Field>,
    pub media_type: String,
    /// Each with its name.
    pub examples: Vec<(String, String)>,
}

/// Operations that belong together.
pub struct Group {
    pub name: String,
    pub text: Text,
    pub operations: Vec<Shown>,
}

/// A body, or a list of codes.
pub struct Part {
    pub name: String,
    pub text: Text,
    pub fields: Vec<Field>,
    pub codes: Vec<Code>,
}

/// A way to authenticate.
pub struct Credential {
    pub name: String,
    pub how: String,
    pub text: Text,
}

/// A sentence of the document: `code` and **strong** are all the markup there is.
pub struct Text(Vec<Piece>);

pub enum Piece {
    Plain(String),
    Code(String),
    Strong(String),
}

impl Text {
    /// Reads the markup.
    pub fn of(text: Option<&str>) -> Self {
        let mut pieces = Vec::new();
        for (number, outer) in text.unwrap_or_default().split('`').enumerate() {
            if number % 2 == 1 {
                pieces.push(Piece::Code(outer.to_owned()));
                continue;
            }
            for (number, inner) in outer.split("**").enumerate() {
                let inner = inner.to_owned();
                pieces.push(if number % 2 == 1 {
                    Piece::Strong(inner)
                } else {
                    Piece::Plain(inner)
                });
            }
        }
        Self(pieces)
    }

    /// For templates.
    pub fn pieces(&self) -> &[Piece] {
        &self.0
    }
}

/// A value of the document as text, without the quotes of JSON.
pub fn plain_value(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}

/// The operations, by their tags.
pub fn groups(document: &OpenApi) -> Vec<Group> {
    let told = document.webhooks.iter().flat_map(|webhooks| &webhooks.paths);
    let addresses = document.paths.paths.iter().chain(told);
    let all: Vec<(String, Shown)> =
        addresses.flat_map(|(path, item)| of_path(document, path, item)).collect();
    let mut groups: Vec<Group> = document
        .tags
        .iter()
        .flatten()
        .map(|tag| Group {
            name: tag.name.clone(),
            text: Text::of(tag.description.as_deref()),
            operations: Vec::new(),
        })
        .collect();
    for (tag, operation) in all {
        if let Some(group) = groups.iter_mut().find(|group| group.name == tag) {
            group.operations.push(operation);
        }
    }
    groups
}

/// The operations of an address with their tags; those that are told alike are one, with any method.
fn of_path(document: &OpenApi, path: &str, item: &PathItem) -> Vec<(String, Shown)> {
    let by_method = [
        ("GET", &item.get),
        ("POST", &item.post),
        ("PUT", &item.put),
        ("PATCH", &item.patch),
        ("DELETE", &item.delete),
        ("HEAD", &item.head),
        ("OPTIONS", &item.options),
        ("TRACE", &item.trace),
    ];
    let mut found: Vec<(&str, &Operation)> = Vec::new();
    for (method, operation) in by_method {
        let Some(operation) = operation else { continue };
        match found.iter_mut().find(|(_, known)| known.summary == operation.summary) {
            Some((method, _)) => *method = "Any method",
            None => found.push((method, operation)),
        }
    }
    found
        .into_iter()
        .map(|(method, operation)| {
            let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
            (tag, shown(document, path, method, operation))
        })
        .collect()
}

fn shown(document: &OpenApi, path: &str, method: &str, operation: &Operation) -> Shown {
    let is_webhook =
        document.webhooks.as_ref().is_some_and(|webhooks| webhooks.paths.contains_key(path));
    let components = document.components.as_ref();
    let parameters =
        operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
            RefOr::T(parameter) => Some(fields::parameter(parameter)),
            RefOr::Ref(_) => None,
        });
    let body = operation.request_body.as_ref().and_then(|body| match body {
        RefOr::T(body) => body.content.values().find_map(|content| match content {
            RefOr::T(content) => content.schema.as_ref(),
            RefOr::Ref(_) => None,
        }),
        RefOr::Ref(_) => None,
    });
    Shown {
        id: operation.operation_id.clone().unwrap_or_default(),
        method: method.to_owned(),
        path: path.to_owned(),
        summary: operation.summary.clone().unwrap_or_default(),
        text: Text::of(operation.description.as_deref()),
        sample: if is_webhook {
            examples::request(document, operation)
        } else {
            examples::curl(document, method, path, operation)
        },
        is_webhook,
        credentials: credentials_of(operation),
        parameters: parameters.collect(),
        body: body.and_then(|schema| match schema {
            RefOr::Ref(part) => Some(fields::part_name(part)),
            RefOr::T(Schema::Array(list)) => fields::part_of_each(list),
            // The first is what it is, the others narrow it.
            RefOr::T(Schema::AllOf(all)) => match all.items.first() {
                Some(RefOr::Ref(part)) => Some(fields::part_name(part)),
                _ => None,
            },
            RefOr::T(_) => None,
        }),
        answers: answers(operation, components),
    }
}

fn credentials_of(operation: &Operation) -> Vec<String> {
    let ways = operation.security.iter().flatten();
    ways.filter_map(|way| serde_json::to_value(way).ok())
        .filter_map(|way| Some(way.as_object()?.keys().rev().cloned().collect::<Vec<_>>()))
        .map(|names| names.join(" and "))
        .collect()
}

fn answers(operation: &Operation, components: Option<&Components>) -> Vec<Answer> {
    let told =
        operation.responses.responses.iter().filter_map(|(status, response)| match response {
            RefOr::T(response) => Some((status, response)),
            RefOr::Ref(_) => None,
        });
    told.map(|(status, response)| answer(status, response, components)).collect()
}

fn answer(status: &str, response: &Response, components: Option<&Components>) -> Answer {
    let phrase = status.parse().ok().and_then(|status: StatusCode| status.canonical_reason());
    let headers = response.headers.iter().filter_map(|(name, header)| match header {
        RefOr::T(header) => Some(fields::header(name, header)),
        RefOr::Ref(_) => None,
    });
    let content = response.content.iter().find_map(|(media_type, content)| match content {
        RefOr::T(content) => Some((media_type.clone(), examples::of(content, components))),
        RefOr::Ref(_) => None,
    });
    let (media_type, examples) = content.unwrap_or_default();
    Answer {
        status: status.to_owned(),
        phrase: phrase.unwrap_or_default(),
        text: Text::of(Some(&response.description)),
        headers: headers.collect(),
        media_type,
        examples,
    }
}

/// The bodies and the codes.
pub fn parts(document: &OpenApi) -> Vec<Part> {
    let schemas = document.components.iter().flat_map(|components| &components.schemas);
    let mut parts: Vec<Part> = schemas
        .map(|(name, schema)| {
            let (text, fields) = match schema {
                RefOr::T(Schema::Object(object)) => {
                    (object.description.as_deref(), fields::members(object))
                }
                _ => (None, Vec::new()),
            };
            let codes = examples::codes(schema);
            Part { name: name.clone(), text: Text::of(text), fields, codes }
        })
        .collect();
    // What is sent comes first, then what is answered.
    const ORDER: [&str; 6] = ["Question", "Accepted", "Refused", "RateLimit", "Problem", "Refusal"];
    parts.sort_by_key(|part| {
        ORDER.iter().position(|name| *name == part.name).unwrap_or(ORDER.len())
    });
    parts
}

/// The ways to authenticate.
pub fn credentials(document: &OpenApi) -> Vec<Credential> {
    let schemes = document.components.iter().flat_map(|components| &components.security_schemes);
    schemes
        .filter_map(|(name, scheme)| match scheme {
            RefOr::T(scheme) => Some((name, scheme)),
            RefOr::Ref(_) => None,
        })
        .map(|(name, scheme)| {
            let told = serde_json::to_value(scheme).unwrap_or_default();
            let text = Text::of(told["description"].as_str());
            let how = match scheme {
                SecurityScheme::Http(_) => {
                    let scheme = told["scheme"].as_str().unwrap_or_default();
                    let upper = scheme.get(..1).unwrap_or_default().to_uppercase();
                    format!("Authorization: {upper}{}", scheme.get(1..).unwrap_or_default())
                }
                _ => told["name"].as_str().unwrap_or_default().to_owned(),
            };
            Credential { name: name.clone(), how, text }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_markup_of_the_document_is_understood() {
        let text = Text::of(Some("The answer is **200**: `valid` says it."));
        let words: Vec<String> = text
            .0
            .iter()
            .map(|piece| match piece {
                Piece::Plain(text) => text.clone(),
                Piece::Code(text) => format!("<{text}>"),
                Piece::Strong(text) => format!("[{text}]"),
            })
            .collect();
        assert_eq!(words.concat(), "The answer is [200]: <valid> says it.");
    }
}
