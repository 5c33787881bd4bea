//! Members of bodies, parameters and headers, each as a line of a table.

use utoipa::openapi::{
    Header, Ref, RefOr, Required, Schema, Type,
    path::{Parameter, ParameterIn},
    schema::{AnyOf, Array, ArrayItems, Object, SchemaFormat, SchemaType},
};

use super::shown::{Text, plain_value};

/// A line of a table.
pub struct Field {
    pub name: String,
    /// Where a parameter stands.
    pub place: &'static str,
    pub kind: Kind,
    pub is_required: bool,
    pub text: Text,
    pub example: Option<String>,
}

/// What may stand there, in words, and where more of it is told.
pub struct Kind {
    pub words: String,
    pub part: Option<String>,
}

/// The members of an object.
pub fn members(object: &Object) -> Vec<Field> {
    object
        .properties
        .iter()
        .map(|(name, schema)| Field {
            name: name.clone(),
            place: "",
            kind: kind(schema),
            is_required: object.required.contains(name),
            text: Text::of(description(schema)),
            example: example(schema),
        })
        .collect()
}

/// A parameter of an address.
pub fn parameter(parameter: &Parameter) -> Field {
    Field {
        name: parameter.name.clone(),
        place: match parameter.parameter_in {
            ParameterIn::Query | ParameterIn::QueryString => "query",
            ParameterIn::Header => "header",
            ParameterIn::Path => "path",
            ParameterIn::Cookie => "cookie",
        },
        kind: parameter.schema.as_ref().map_or_else(Kind::anything, kind).unless_left_out(),
        is_required: parameter.required == Required::True,
        text: Text::of(parameter.description.as_deref()),
        example: None,
    }
}

/// A header of an answer.
pub fn header(name: &str, header: &Header) -> Field {
    let extensions = header.extensions.as_ref();
    Field {
        name: name.to_owned(),
        place: "",
        kind: header.schema.as_ref().map_or_else(Kind::anything, kind),
        is_required: extensions.is_some_and(|extensions| extensions.contains_key("required")),
        text: Text::of(header.description.as_deref()),
        example: header.example.as_ref().map(plain_value),
    }
}

impl Kind {
    fn of(words: impl Into<String>) -> Self {
        Self { words: words.into(), part: None }
    }

    /// Of something that may be left out: `always nginx` would not be true.
    fn unless_left_out(mut self) -> Self {
        if let Some(only) = self.words.strip_prefix("always ") {
            self.words = only.to_owned();
        }
        self
    }

    fn anything() -> Self {
        Self::of("anything")
    }
}

fn kind(schema: &RefOr<Schema>) -> Kind {
    match schema {
        RefOr::Ref(part) => Kind { words: part_name(part), part: Some(part_name(part)) },
        RefOr::T(Schema::Object(object)) => Kind::of(object_words(object)),
        RefOr::T(Schema::Array(array)) => Kind::of(array_words(array)),
        RefOr::T(Schema::AnyOf(any)) => one_of(&any.items),
        RefOr::T(Schema::OneOf(one)) => one_of(&one.items),
        RefOr::T(_) => Kind::anything(),
    }
}

/// “IPv4 address, IPv6 address or null”
fn one_of(items: &[RefOr<Schema>]) -> Kind {
    let kinds: Vec<Kind> = items.iter().map(kind).collect();
    let mut words: Vec<&str> = kinds.iter().map(|kind| kind.words.as_str()).collect();
    words.sort_by_key(|words| *words == "null");
    let last = words.pop().unwrap_or_default();
    let words =
        if words.is_empty() { last.to_owned() } else { format!("{} or {last}", words.join(", ")) };
    Kind { words, part: kinds.into_iter().find_map(|kind| kind.part) }
}

fn object_words(object: &Object) -> String {
    if let Some(values) = &object.enum_values {
        let values: Vec<String> = values.iter().map(plain_value).collect();
        return match &values[..] {
            [only] => format!("always {only}"),
            several => several.join(", "),
        };
    }
    let words = match &object.format {
        Some(SchemaFormat::KnownFormat(format)) => format_words(format),
        _ => None,
    };
    let mut words = match words {
        Some(words) if may_be_null(&object.schema_type) => format!("{words}, or null"),
        Some(words) => words.to_owned(),
        None => type_words(&object.schema_type),
    };
    match (&object.minimum, &object.maximum) {
        (Some(low), Some(high)) => words += &format!(", {} to {}", number(low), number(high)),
        (Some(low), None) if number(low) != "0" => words += &format!(", at least {}", number(low)),
        _ => {}
    }
    if let Some(longest) = object.max_length {
        words += &format!(", at most {longest} characters");
    }
    words
}

fn array_words(array: &Array) -> String {
    let items = match &array.items {
        ArrayItems::RefOrSchema(items) => kind(items).words,
        ArrayItems::False => "anything".into(),
    };
    let most = array.max_items.map(|most| format!(", at most {most}")).unwrap_or_default();
    let null = if may_be_null(&array.schema_type) { ", or null" } else { "" };
    format!("list of {items}{most}{null}")
}

fn format_words(format: &utoipa::openapi::KnownFormat) -> Option<&'static str> {
    use utoipa::openapi::KnownFormat as Known;
    match format {
        Known::Ipv4 => Some("IPv4 address"),
        Known::Ipv6 => Some("IPv6 address"),
        Known::DateTime => Some("date and time (RFC 3339)"),
        _ => None,
    }
}

fn type_words(schema_type: &SchemaType) -> String {
    let word = |one: &Type| match one {
        Type::String => "text",
        Type::Integer => "whole number",
        Type::Number => "number",
        Type::Boolean => "true or false",
        Type::Array => "list",
        Type::Object => "object",
        Type::Null => "null",
    };
    match schema_type {
        SchemaType::Type(one) => word(one).into(),
        SchemaType::Array(several) => several.iter().map(word).collect::<Vec<_>>().join(" or "),
        SchemaType::AnyValue => "anything".into(),
    }
}

fn may_be_null(schema_type: &SchemaType) -> bool {
    matches!(schema_type, SchemaType::Array(several) if several.contains(&Type::Null))
}

fn number(number: &impl serde::Serialize) -> String {
    let text = serde_json::to_string(number).unwrap_or_default();
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}

/// The name of what a list is made of.
pub fn part_of_each(list: &Array) -> Option<String> {
    match &list.items {
        ArrayItems::RefOrSchema(item) => match &**item {
            RefOr::Ref(part) => Some(part_name(part)),
            RefOr::T(_) => None,
        },
        ArrayItems::False => None,
    }
}

/// The last part of `#/components/schemas/RateLimit`.
pub fn part_name(part: &Ref) -> String {
    part.ref_location.rsplit('/').next().unwrap_or_default().to_owned()
}

fn description(schema: &RefOr<Schema>) -> Option<&str> {
    match schema {
        RefOr::Ref(part) => Some(part.description.as_str()).filter(|text| !text.is_empty()),
        RefOr::T(Schema::Object(object)) => object.description.as_deref(),
        RefOr::T(Schema::Array(array)) => array.description.as_deref(),
        RefOr::T(Schema::AnyOf(AnyOf { description, .. })) => description.as_deref(),
        // What may be null is one of two, of which the other has the words.
        RefOr::T(Schema::OneOf(one)) => {
            one.description.as_deref().or_else(|| one.items.iter().find_map(description))
        }
        RefOr::T(_) => None,
    }
}

fn example(schema: &RefOr<Schema>) -> Option<String> {
    let examples = match schema {
        RefOr::T(Schema::Object(object)) => &object.examples,
        RefOr::T(Schema::Array(array)) => &array.examples,
        RefOr::T(Schema::AnyOf(any)) => &any.examples,
        _ => return None,
    };
    examples.first().map(plain_value)
}
