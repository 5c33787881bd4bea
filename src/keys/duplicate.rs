//! A new key like another one: a draft with its answers, to walk through. Nothing is made before the last step.

use chrono::{TimeDelta, Utc};
use diesel::{PgConnection, prelude::*};

use super::{
    Key, KeyForm,
    form::{DEFAULT_LIFETIME, LIFETIMES},
    queries::{self, Restrictions},
};
use crate::{
    error::AppResult,
    schema::{
        api_access, api_access_environments, api_access_permissions, api_access_sections,
        applications, environments, keys, permissions, sections,
    },
    text,
    users::Viewer,
};

/// The wizard as it begins for a key like this one, also like one that is revoked. What cannot be had any more, or is
/// not the viewer's to give, is left out and named.
///
/// # Errors
/// [`crate::error::AppError::NotFound`] for a key that the viewer may not see.
pub fn form_like(conn: &mut PgConnection, viewer: &Viewer, public_key: &str) -> AppResult<KeyForm> {
    let key = queries::find(conn, viewer, public_key)?;
    let held = queries::holdings_of(conn, &key)?;
    let mut form = KeyForm::of(&key, &held);
    form.version = String::new();
    form.like = key.name.clone();
    form.name = free_name(conn, viewer, &key)?;
    (form.expires, form.expires_on) = lifetime_of(&key);
    let restrictions = queries::restrictions_of(conn, &key)?;
    form.left_out = not_carried(&restrictions, held.limits.len());
    leave_out(conn, viewer, &key, &mut form)?;
    Ok(form)
}

/// What the form has no field for: better said than silently lost.
fn not_carried(restrictions: &Restrictions, limits: usize) -> Vec<String> {
    let mut lost = Vec::new();
    if !restrictions.customers.is_empty() {
        lost.push("the restriction to customers".to_owned());
    }
    if !restrictions.allowed_ips.is_empty() {
        lost.push("the restriction to addresses".to_owned());
    }
    if limits > 1 {
        lost.push("all rate limits but the first".to_owned());
    }
    lost
}

/// As long a life as the original was given, counted from today.
fn lifetime_of(key: &Key) -> (String, String) {
    let Some(expires_at) = key.expires_at else { return ("never".into(), String::new()) };
    match (expires_at.date_naive() - key.created_at.date_naive()).num_days() {
        days if LIFETIMES.contains(&days) => (days.to_string(), String::new()),
        days if days > 0 => {
            let day = Utc::now().date_naive() + TimeDelta::days(days);
            ("date".into(), day.format("%Y-%m-%d").to_string())
        }
        _ => (DEFAULT_LIFETIME.to_string(), String::new()),
    }
}

/// “deploy bot (copy)”, or the next that no key of the viewer's in the same place looks like.
fn free_name(conn: &mut PgConnection, viewer: &Viewer, key: &Key) -> AppResult<String> {
    let names: Vec<String> = (1..=100).map(|number| copy_name(&key.name, number)).collect();
    let looks: Vec<String> = names.iter().map(|name| text::look(name)).collect();
    let taken: Vec<String> = keys::table
        .filter(keys::application_id.eq(key.application_id))
        .filter(keys::environment_id.eq(key.environment_id))
        .filter(keys::owner_id.is_not_distinct_from(viewer.id))
        .filter(keys::revoked_at.is_null())
        .filter(keys::deleted_at.is_null())
        .filter(keys::name_skeleton.eq_any(&looks))
        .select(keys::name_skeleton)
        .load(conn)?;
    let free = names.into_iter().zip(looks).find(|(_, look)| !taken.contains(look));
    // When all of them are taken, the wizard says so at its first step.
    Ok(free.map_or_else(|| copy_name(&key.name, 1), |(name, _)| name))
}

/// A copy of a copy is another copy of the original; a long name gives way to the number.
fn copy_name(name: &str, number: usize) -> String {
    let is_copy = |inside: &str| {
        inside == "copy"
            || inside.strip_prefix("copy ").is_some_and(|number| number.parse::<u32>().is_ok())
    };
    let original = name
        .strip_suffix(')')
        .and_then(|rest| rest.rsplit_once(" ("))
        .filter(|(_, inside)| is_copy(inside))
        .map_or(name, |(original, _)| original);
    let suffix = if number == 1 { " (copy)".to_owned() } else { format!(" (copy {number})") };
    let kept: String = original.chars().take(100 - suffix.len()).collect();
    format!("{}{suffix}", kept.trim_end())
}

/// What a viewer may give: `None` is everything.
struct Grant {
    environments: Option<Vec<i64>>,
    /// Whole sections, and single permissions.
    permissions: Option<(Vec<i64>, Vec<i64>)>,
}

fn grant_of(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Grant> {
    let everything = Grant { environments: None, permissions: None };
    if viewer.is_administrator() {
        return Ok(everything);
    }
    let granted: Option<(i64, bool, bool)> = api_access::table
        .filter(api_access::user_id.nullable().eq(viewer.id))
        .filter(api_access::withdrawn_at.is_null())
        .select((api_access::id, api_access::all_environments, api_access::all_permissions))
        .first(conn)
        .optional()?;
    let Some((id, all_environments, all_permissions)) = granted else { return Ok(everything) };
    let environments = api_access_environments::table
        .filter(api_access_environments::access_id.eq(id))
        .select(api_access_environments::environment_id)
        .load(conn)?;
    let sections = api_access_sections::table
        .filter(api_access_sections::access_id.eq(id))
        .select(api_access_sections::section_id)
        .load(conn)?;
    let permissions = api_access_permissions::table
        .filter(api_access_permissions::access_id.eq(id))
        .select(api_access_permissions::permission_id)
        .load(conn)?;
    Ok(Grant {
        environments: (!all_environments).then_some(environments),
        permissions: (!all_permissions).then_some((sections, permissions)),
    })
}

fn leave_out(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: &Key,
    form: &mut KeyForm,
) -> AppResult<()> {
    let grant = grant_of(conn, viewer)?;
    let is_archived: bool = applications::table
        .find(key.application_id)
        .select(applications::archived_at.is_not_null())
        .first(conn)?;
    if is_archived {
        form.application.clear();
        form.left_out.push(format!("the application {} (archived)", key.application.name));
    }
    let is_retired: bool = environments::table
        .find(key.environment_id)
        .select(environments::retired_at.is_not_null())
        .first(conn)?;
    let is_granted = grant.environments.is_none_or(|ids| ids.contains(&key.environment_id));
    if let Some(why) = reason(is_retired, is_granted) {
        form.environment.clear();
        form.left_out.push(format!("the environment {} ({why})", key.environment.name));
    }
    let may_all = grant.permissions.is_none();
    if form.all_permissions == "yes" && !may_all {
        form.all_permissions.clear();
        form.left_out.push("All permissions (not within your grant)".into());
    }
    let (whole, single) = grant.permissions.unwrap_or_default();
    let known: Vec<(String, i64, bool)> = sections::table
        .filter(sections::slug.eq_any(&form.section))
        .order((sections::position, sections::id))
        .select((sections::slug, sections::id, sections::retired_at.is_not_null()))
        .load(conn)?;
    for (slug, id, is_retired) in known {
        if let Some(why) = reason(is_retired, may_all || whole.contains(&id)) {
            form.section.retain(|kept| *kept != slug);
            form.left_out.push(format!("the section {slug} ({why})"));
        }
    }
    let known: Vec<(String, i64, i64, bool, bool)> = permissions::table
        .inner_join(sections::table)
        .filter(permissions::slug.eq_any(&form.permission))
        .order((sections::position, permissions::position, permissions::id))
        .select((
            permissions::slug,
            permissions::id,
            sections::id,
            permissions::retired_at.is_not_null(),
            sections::retired_at.is_not_null(),
        ))
        .load(conn)?;
    for (slug, id, section, is_retired, section_is_retired) in known {
        let is_granted = may_all || whole.contains(&section) || single.contains(&id);
        if let Some(why) = reason(is_retired || section_is_retired, is_granted) {
            form.permission.retain(|kept| *kept != slug);
            form.left_out.push(format!("{slug} ({why})"));
        }
    }
    Ok(())
}

fn reason(is_retired: bool, is_granted: bool) -> Option<&'static str> {
    match (is_retired, is_granted) {
        (true, _) => Some("retired"),
        (_, false) => Some("not within your grant"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_are_numbered_and_stay_short_enough() {
        assert_eq!(copy_name("deploy bot", 1), "deploy bot (copy)");
        assert_eq!(copy_name("deploy bot", 2), "deploy bot (copy 2)");
        assert_eq!(copy_name("deploy bot (copy)", 2), "deploy bot (copy 2)");
        assert_eq!(copy_name("deploy bot (copy 2)", 3), "deploy bot (copy 3)");
        assert_eq!(copy_name("deploy bot (EU)", 1), "deploy bot (EU) (copy)");
        let long = copy_name(&"ü".repeat(100), 12);
        assert_eq!(long.chars().count(), 100);
        assert!(long.ends_with("ü (copy 12)"));
    }
}
