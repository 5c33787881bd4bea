//! Examples of the document: calls for a terminal, and bodies with their members in the order of their description.

use std::fmt::Write;

use serde_json::Value;
use utoipa::openapi::{
    Components, Content, OpenApi, RefOr, Required, Schema,
    example::Example,
    path::{Operation, Parameter, ParameterIn},
    security::{ApiKey, HttpAuthScheme, SecurityScheme},
};

use super::{
    document,
    fields::{part_name, part_of_each},
    shown::{Text, plain_value},
};

/// A call as one would make it in a terminal.
pub fn curl(document: &OpenApi, method: &str, path: &str, operation: &Operation) -> String {
    let server = document.servers.iter().flatten().next().map_or("", |server| server.url.as_str());
    let mut line = String::from("curl");
    match method {
        "GET" | "Any method" => {}
        "OPTIONS" => line += " -i -X OPTIONS",
        method => {
            let _ = write!(line, " -X {method}");
        }
    }
    let _ = write!(line, " '{server}{path}{}'", query(operation));
    for header in headers(document, operation) {
        let _ = write!(line, " \\\n  -H \"{header}\"");
    }
    if needs(operation, document::APPLICATION_BASIC) {
        line += " \\\n  -u \"$APP_ID:$APP_SECRET\"";
    }
    for header in needed_headers(operation) {
        let _ = write!(line, " \\\n  -H \"{header}\"");
    }
    if let Some((media_type, body)) = body(document, operation, 1) {
        let _ = write!(line, " \\\n  -H \"Content-Type: {media_type}\"");
        let _ = write!(line, " \\\n  -d '{}'", body.trim_end());
    }
    line
}

/// A request as a webhook gets it.
pub fn request(document: &OpenApi, operation: &Operation) -> String {
    let mut lines = needed_headers(operation).collect::<Vec<_>>();
    if let Some((media_type, body)) = body(document, operation, 0) {
        lines.extend([format!("content-type: {media_type}"), String::new(), body]);
    }
    lines.join("\n")
}

/// The example of what is sent, with its media type.
fn body(document: &OpenApi, operation: &Operation, depth: usize) -> Option<(String, String)> {
    let RefOr::T(body) = operation.request_body.as_ref()? else { return None };
    let (media_type, RefOr::T(content)) = body.content.iter().next()? else { return None };
    let order = order(content, document.components.as_ref());
    Some((media_type.clone(), pretty(content.example.as_ref()?, &order, depth)))
}

/// The first query parameter is enough to see how it is done.
fn query(operation: &Operation) -> String {
    let parameters = operation.parameters.iter().flatten();
    let mut first = parameters.filter_map(|parameter| match parameter {
        RefOr::T(one) if one.parameter_in == ParameterIn::Query => Some(one),
        _ => None,
    });
    let Some(first) = first.next() else { return String::new() };
    format!("?{}={}", first.name, example_of(first))
}

fn needs(operation: &Operation, scheme: &str) -> bool {
    let needed = operation.security.iter().flatten().next();
    let needed = needed.and_then(|needed| serde_json::to_value(needed).ok()).unwrap_or_default();
    needed.get(scheme).is_some()
}

/// Headers that have to be there, with their examples.
fn needed_headers(operation: &Operation) -> impl Iterator<Item = String> {
    operation.parameters.iter().flatten().filter_map(|parameter| match parameter {
        RefOr::T(one)
            if one.parameter_in == ParameterIn::Header && one.required == Required::True =>
        {
            Some(format!("{}: {}", one.name, example_of(one)))
        }
        _ => None,
    })
}

/// utoipa keeps it to itself, but for the document.
fn example_of(parameter: &Parameter) -> String {
    let written = serde_json::to_value(parameter).unwrap_or_default();
    match &written["example"] {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        value => value.to_string(),
    }
}

/// What authenticates: of several ways the first.
fn headers(document: &OpenApi, operation: &Operation) -> Vec<String> {
    let Some(components) = &document.components else { return Vec::new() };
    let needed = operation.security.iter().flatten().next();
    let needed = needed.and_then(|needed| serde_json::to_value(needed).ok()).unwrap_or_default();
    let names = needed.as_object().into_iter().flatten().map(|(name, _)| name);
    let mut headers: Vec<String> = names
        .filter_map(|name| {
            let variable = match name.as_str() {
                "PartnerKeyId" => "$KEY_ID",
                "PartnerSignature" => "$SIGNATURE",
                name if name.starts_with("Gateway") => "$GATEWAY_TOKEN",
                _ => "$API_KEY",
            };
            match components.security_schemes.get(name)? {
                RefOr::T(SecurityScheme::Http(http)) if http.scheme == HttpAuthScheme::Bearer => {
                    Some(format!("Authorization: Bearer {variable}"))
                }

                RefOr::T(SecurityScheme::ApiKey(ApiKey::Header(header))) => {
                    Some(format!("{}: {variable}", header.name))
                }
                _ => None,
            }
        })
        .collect();
    headers.sort_by_key(|header| !header.contains("GATEWAY"));
    headers
}

/// The examples of a body, each with its name.
pub fn of(content: &Content, components: Option<&Components>) -> Vec<(String, String)> {
    let order = order(content, components);
    let named = content.examples.iter().rev().filter_map(|(name, example)| match example {
        RefOr::T(Example { value: Some(value), .. }) => {
            Some((name.clone(), pretty(value, &order, 0)))
        }
        _ => None,
    });
    let only = content.example.iter().map(|example| {
        let text = match example {
            Value::String(text) => text.trim_end().to_owned(),
            value => pretty(value, &order, 0),
        };
        ("Example".to_owned(), text)
    });
    named.chain(only).collect()
}

/// The members that the body's description names, in its order.
fn order(content: &Content, components: Option<&Components>) -> Vec<String> {
    let (Some(schema), Some(components)) = (&content.schema, components) else {
        return Vec::new();
    };
    let mut names = Vec::new();
    collect(schema, components, &mut names);
    names
}

fn collect(schema: &RefOr<Schema>, components: &Components, names: &mut Vec<String>) {
    match schema {
        RefOr::Ref(part) => {
            if let Some(part) = components.schemas.get(&part_name(part)) {
                collect(part, components, names);
            }
        }
        RefOr::T(Schema::Array(list)) => {
            let part = part_of_each(list).and_then(|part| components.schemas.get(&part));
            part.into_iter().for_each(|part| collect(part, components, names));
        }
        RefOr::T(Schema::OneOf(one)) => {
            one.items.iter().for_each(|item| collect(item, components, names));
        }
        RefOr::T(Schema::AllOf(all)) => {
            all.items.iter().for_each(|item| collect(item, components, names));
        }
        RefOr::T(Schema::Object(object)) => {
            for (name, member) in &object.properties {
                names.push(name.clone());
                collect(member, components, names);
            }
        }
        RefOr::T(_) => {}
    }
}

fn pretty(value: &Value, order: &[String], depth: usize) -> String {
    let Value::Object(members) = value else { return value.to_string() };
    let mut members: Vec<_> = members.iter().collect();
    members.sort_by_key(|(name, _)| order.iter().position(|known| known == *name));
    let indent = "  ".repeat(depth + 1);
    let lines: Vec<String> = members
        .into_iter()
        .map(|(name, value)| format!("{indent}\"{name}\": {}", pretty(value, order, depth + 1)))
        .collect();
    format!("{{\n{}\n{}}}", lines.join(",\n"), "  ".repeat(depth))
}

/// A code and what it means.
pub struct Code {
    pub name: String,
    /// What the caller should see; of problems the answer's own.
    pub status: String,
    pub meaning: Text,
}

/// The codes of a schema that explains them.
pub fn codes(schema: &RefOr<Schema>) -> Vec<Code> {
    let RefOr::T(Schema::Object(object)) = schema else { return Vec::new() };
    let (Some(values), Some(extensions)) = (&object.enum_values, &object.extensions) else {
        return Vec::new();
    };
    let told = |extension: &str, name: &str| {
        extensions
            .get(extension)
            .and_then(|told| told.get(name))
            .map(plain_value)
            .unwrap_or_default()
    };
    values
        .iter()
        .map(plain_value)
        .map(|name| Code {
            status: told("x-enumStatuses", &name),
            meaning: Text::of(Some(&told("x-enumDescriptions", &name))),
            name,
        })
        .collect()
}
