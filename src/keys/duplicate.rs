//! A new key like another one: a draft with its answers, to walk through. Nothing is made before the last step.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};

use super::{Key, KeyForm, end_in_days, policy, queries};
use crate::{
    access::Grant,
    environments::{self, Environment},
    error::AppResult,
    schema::{applications, keys, permissions, sections},
    settings, text,
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
    let mut form = KeyForm::of(&key, &held, &queries::restrictions_of(conn, &key)?);
    form.version = String::new();
    form.like = key.name.clone();
    form.name = free_name(conn, viewer, &key)?;
    let environment = environments::find(conn, key.environment_id)?;
    let suggested = settings::load(conn)?.default_lifetime_days.into();
    (form.expires, form.expires_on) = lifetime_of(&key, &environment, suggested, Utc::now());
    leave_out(conn, viewer, &key, &environment, &mut form)?;
    Ok(form)
}

/// As long a life as the original was given, counted from now, as far as the environment allows it.
fn lifetime_of(
    key: &Key,
    environment: &Environment,
    suggested: i64,
    now: DateTime<Utc>,
) -> (String, String) {
    let days = key.expires_at.map(|at| (at.date_naive() - key.created_at.date_naive()).num_days());
    match days {
        None if environment.allows_never => ("never".into(), String::new()),
        Some(days) if policy::lifetimes(suggested, Some(environment)).contains(&days) => {
            (days.to_string(), String::new())
        }
        Some(days) if days > 0 => {
            let end = end_in_days(now, days);
            match policy::check_expiry(environment, Some(end), now) {
                Ok(()) => ("date".into(), end.format("%Y-%m-%d").to_string()),
                Err(_) => (suggested.to_string(), String::new()),
            }
        }
        _ => (suggested.to_string(), String::new()),
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

fn leave_out(
    conn: &mut PgConnection,
    viewer: &Viewer,
    key: &Key,
    environment: &Environment,
    form: &mut KeyForm,
) -> AppResult<()> {
    // Administrators have no grant, and need none.
    let everything = Grant::everything();
    let grant = viewer.grant.as_ref().unwrap_or(&everything);
    let is_archived: bool = applications::table
        .find(key.application_id)
        .select(applications::archived_at.is_not_null())
        .first(conn)?;
    if is_archived {
        form.application.clear();
        form.left_out.push(format!("the application {} (archived)", key.application.name));
    }
    if let Some(why) = reason(environment.is_retired(), grant.covers_environment(environment.id)) {
        form.environment.clear();
        form.left_out.push(format!("the environment {} ({why})", environment.name));
    }
    if form.all_permissions == "yes" && !grant.permissions.all {
        form.all_permissions.clear();
        form.left_out.push("All permissions (not in your API access)".into());
    }
    let known: Vec<(String, i64, bool)> = sections::table
        .filter(sections::slug.eq_any(&form.section))
        .order((sections::position, sections::id))
        .select((sections::slug, sections::id, sections::retired_at.is_not_null()))
        .load(conn)?;
    for (slug, id, is_retired) in known {
        if let Some(why) = reason(is_retired, grant.covers_section(id)) {
            form.section.retain(|kept| *kept != slug);
            form.left_out.push(format!("the section {slug} ({why})"));
        }
    }
    let known: Vec<(String, i64, bool, bool)> = permissions::table
        .inner_join(sections::table)
        .filter(permissions::slug.eq_any(&form.permission))
        .order((sections::position, permissions::position, permissions::id))
        .select((
            permissions::slug,
            permissions::id,
            permissions::retired_at.is_not_null(),
            sections::retired_at.is_not_null(),
        ))
        .load(conn)?;
    for (slug, id, is_retired, section_is_retired) in known {
        let is_granted = grant.covers_permission(id);
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
        (_, false) => Some("not in your API access"),
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
