//! Where the things are that the trail tells of, as long as they exist.

use std::collections::HashMap;

use diesel::{PgConnection, prelude::*};

use super::Entry;
use crate::{
    error::AppResult,
    schema::{applications, customers, gateways, jobs, keys, leak_partners, users, webhooks},
};

/// The address of each subject that is still there.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn addresses(conn: &mut PgConnection, entries: &[Entry]) -> AppResult<HashMap<String, String>> {
    let subjects = || entries.iter().map(|entry| entry.subject.as_str());
    let ids = |kind: &str| -> Vec<i64> {
        subjects()
            .filter_map(|subject| subject.strip_prefix(kind)?.strip_prefix(':')?.parse().ok())
            .collect()
    };
    let mut found = HashMap::new();
    let public_keys: Vec<&str> = subjects().filter(|subject| subject.contains("_pk_")).collect();
    if !public_keys.is_empty() {
        let there: Vec<String> = keys::table
            .filter(keys::public_key.eq_any(public_keys).and(keys::deleted_at.is_null()))
            .select(keys::public_key)
            .load(conn)?;
        found.extend(there.into_iter().map(|key| (key.clone(), format!("/keys/{key}"))));
    }
    let app_ids: Vec<&str> = subjects().filter(|subject| subject.starts_with("app_")).collect();
    if !app_ids.is_empty() {
        let there: Vec<String> = applications::table
            .filter(applications::app_id.eq_any(app_ids))
            .select(applications::app_id)
            .load(conn)?;
        found.extend(there.into_iter().map(|app| (app.clone(), format!("/applications/{app}"))));
    }
    let of_users = ids("user");
    if !of_users.is_empty() {
        let there: Vec<i64> =
            users::table.filter(users::id.eq_any(of_users)).select(users::id).load(conn)?;
        found.extend(
            there.into_iter().map(|id| (format!("user:{id}"), format!("/team#member-{id}"))),
        );
    }
    let of_gateways = ids("gateway");
    if !of_gateways.is_empty() {
        let there: Vec<i64> = gateways::table
            .filter(gateways::id.eq_any(of_gateways))
            .select(gateways::id)
            .load(conn)?;
        let address = |id| (format!("gateway:{id}"), format!("/gateways#gateway-{id}"));
        found.extend(there.into_iter().map(address));
    }
    let of_customers = ids("customer");
    if !of_customers.is_empty() {
        let there: Vec<i64> = customers::table
            .filter(customers::id.eq_any(of_customers))
            .select(customers::id)
            .load(conn)?;
        let address = |id| (format!("customer:{id}"), format!("/customers/{id}"));
        found.extend(there.into_iter().map(address));
    }
    let of_jobs = ids("job");
    if !of_jobs.is_empty() {
        let there: Vec<i64> =
            jobs::table.filter(jobs::id.eq_any(of_jobs)).select(jobs::id).load(conn)?;
        found.extend(there.into_iter().map(|id| (format!("job:{id}"), format!("/jobs/{id}"))));
    }
    let of_partners = ids("leak_partner");
    if !of_partners.is_empty() {
        let there: Vec<i64> = leak_partners::table
            .filter(leak_partners::id.eq_any(of_partners).and(leak_partners::removed_at.is_null()))
            .select(leak_partners::id)
            .load(conn)?;
        let address =
            |id| (format!("leak_partner:{id}"), format!("/settings/leak-partners/{id}/edit"));
        found.extend(there.into_iter().map(address));
    }
    let of_webhooks = ids("webhook");
    if !of_webhooks.is_empty() {
        let there: Vec<i64> = webhooks::table
            .filter(webhooks::id.eq_any(of_webhooks).and(webhooks::removed_at.is_null()))
            .select(webhooks::id)
            .load(conn)?;
        let address = |id| (format!("webhook:{id}"), format!("/settings/webhooks/{id}"));
        found.extend(there.into_iter().map(address));
    }
    for subject in subjects() {
        let page = match subject.split_once(':').map_or(subject, |(kind, _)| kind) {
            "customers" => "/customers",
            "leaks" => "/leaks",
            "settings" => "/settings",
            "mail" => "/settings/mail",
            "environment" => "/settings/environments",
            "section" | "permission" => "/settings/catalogue",
            _ => continue,
        };
        found.insert(subject.to_owned(), page.to_owned());
    }
    Ok(found)
}
