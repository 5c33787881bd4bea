//! What a row of the file says of a key: all that its page says, and no secret.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::{
    keys::{
        Key, Limit,
        queries::{Holdings, Restrictions},
    },
    web::download::{Cell, Format, Sheet},
};

const COLUMNS: &[&str] = &[
    "public_key",
    "name",
    "note",
    "application",
    "app_id",
    "environment",
    "owner",
    "status",
    "all_permissions",
    "sections",
    "permissions",
    "limits",
    "customers",
    "allowed_ips",
    "excluded_ips",
    "allowed_origins",
    "created_at",
    "expires_at",
    "disabled_at",
    "revoked_at",
    "revoke_reason",
    "last_used_at",
];

/// The beginning of a file, or, without its line of names, a part from the middle.
pub fn sheet(format: Format, is_first: bool) -> Sheet {
    let mut sheet = Sheet::new(format, COLUMNS);
    if !is_first {
        sheet.take();
    }
    sheet
}

/// Adds a key.
pub fn write(
    sheet: &mut Sheet,
    format: Format,
    (key, held, restrictions): &(Key, Holdings, Restrictions),
    now: DateTime<Utc>,
) {
    let slugs = |named: &[(String, String)]| named.iter().map(|(slug, _)| slug.clone()).collect();
    let limits = Limit::by_tightness(&held.limits).iter().map(Limit::short).collect();
    let lists = [
        slugs(&held.sections),
        slugs(&held.permissions),
        limits,
        restrictions.customers.clone(),
        restrictions.allowed_ips.clone(),
        restrictions.excluded_ips.clone(),
        restrictions.allowed_origins.clone(),
    ]
    .map(|list| List::of(format, list));
    let [sections, permissions, limits, customers, allowed_ips, excluded_ips, origins] =
        lists.each_ref().map(List::cell);
    sheet.row(&[
        Cell::Text(&key.public_key),
        Cell::Text(&key.name),
        Cell::Text(&key.note),
        Cell::Text(&key.application.name),
        Cell::Text(&key.application.app_id),
        Cell::Text(&key.environment.slug),
        key.owner.as_ref().map(|owner| owner.name.as_str()).into(),
        Cell::Text(key.status(now).slug()),
        Cell::Yes(key.all_permissions),
        sections,
        permissions,
        limits,
        customers,
        allowed_ips,
        excluded_ips,
        origins,
        Cell::At(key.created_at),
        key.expires_at.into(),
        key.disabled_at.into(),
        key.revoked_at.into(),
        key.revoke_reason.as_deref().into(),
        key.last_used_at.into(),
    ]);
}

/// A list in one cell: JSON has lists; in CSV its items stand on lines of their own.
enum List {
    Text(String),
    Json(Value),
}

impl List {
    fn of(format: Format, items: Vec<String>) -> Self {
        match format {
            Format::Csv => Self::Text(items.join("\n")),
            Format::JsonLines => Self::Json(json!(items)),
        }
    }

    fn cell(&self) -> Cell<'_> {
        match self {
            Self::Text(text) => Cell::Text(text),
            Self::Json(value) => Cell::Json(value),
        }
    }
}
