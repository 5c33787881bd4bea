//! What a click does: trim, disable, expire. Each goes the way that an edit or a confirmed act goes, with the same checks
//! and the same event, and leaves a note of how it was.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::PgConnection;

use super::{
    group::NOTICE_DAYS,
    trim::{Trim, held_of},
    undo::{Undo, Was},
};
use crate::{
    error::{AppError, AppResult},
    keys::{
        Key, Status,
        commands::{self, Edited},
        end_in_days, queries,
    },
    usage,
    users::Viewer,
};

/// What is said where somebody was quicker.
pub const CHANGED: &str =
    "This key has changed since the page was drawn. Reload the page and look at it again.";

/// What became of a click.
#[derive(Debug)]
pub enum Clicked {
    /// It is done, and can be taken back unless somebody else would have to.
    Done { key: Box<Key>, undo: Option<Undo>, said: String },
    /// It was so already: a second click.
    Already(Box<Key>),
    /// Something used it a moment ago: that is asked about first.
    InUse(Box<Key>),
}

/// Stops a key until it is enabled, unless it was asked about within the last hour.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when it has changed since it was shown.
pub fn disable(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: i32,
) -> AppResult<Clicked> {
    let (viewer, key) = commands::take(conn, viewer, public_key)?;
    if key.version == version && key.status(Utc::now()) == Status::Inactive {
        return Ok(Clicked::Already(Box::new(key)));
    }
    must_be_as_shown(&key, version)?;
    if usage::were_asked_about(conn, &[key.id], Utc::now() - TimeDelta::hours(1))? {
        return Ok(Clicked::InUse(Box::new(key)));
    }
    let held = queries::holdings_of(conn, &key)?.ids;
    let key = commands::disable(conn, &viewer, public_key)?;
    let undo = key
        .disabled_at
        .filter(|_| viewer.covers(key.environment_id, &held))
        .map(|disabled_at| Undo::of(&key, Was::Enabled { disabled_at }));
    let said = format!("{} is disabled. Its requests are refused from now on.", key.name);
    Ok(Clicked::Done { key: Box::new(key), undo, said })
}

/// Lets a key end in two weeks.
///
/// # Errors
/// As [`disable`]; [`AppError::Conflict`] also when it ends before; otherwise as an edit.
pub fn expire(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: i32,
) -> AppResult<Clicked> {
    let (viewer, key) = commands::take(conn, viewer, public_key)?;
    let end = end_in_days(Utc::now(), NOTICE_DAYS);
    if key.version == version + 1 && key.expires_at == Some(end) {
        return Ok(Clicked::Already(Box::new(key)));
    }
    must_be_as_shown(&key, version)?;
    if !can_end(&key, Utc::now()) {
        return Err(AppError::Conflict(format!("{} ends before that already.", key.name)));
    }
    let held = queries::holdings_of(conn, &key)?;
    let mut changes = commands::unchanged(conn, &key, &held)?;
    changes.expires_at = Some(end);
    let saved = saved(commands::update(conn, &viewer, public_key, version, &changes, false)?)?;
    let expires_at = key.expires_at;
    // The policy may have become stricter since it got the end that it had.
    let undo = commands::may_end(conn, key.environment_id, expires_at)?
        .then(|| Undo::of(&saved, Was::Ending { expires_at }));
    let said = format!("{} ends in {NOTICE_DAYS} days. Until then it works.", saved.name);
    Ok(Clicked::Done { key: Box::new(saved), undo, said })
}

/// Takes from a key those of the permissions that were shown which nothing needed, also by now.
///
/// # Errors
/// As [`disable`]; [`AppError::Conflict`] also when all of them were needed meanwhile, or nothing would be left; otherwise
/// as an edit.
pub fn trim(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: i32,
    shown: &[String],
) -> AppResult<Clicked> {
    let (viewer, key) = commands::take(conn, viewer, public_key)?;
    let held = queries::holdings_of(conn, &key)?;
    let Some(singly) = held_of(conn, &key, Utc::now())? else {
        return Err(AppError::Conflict(
            "It is not known well enough what this key is used for. Open it and choose what it needs.".into(),
        ));
    };
    let are_gone = || singly.iter().all(|one| !shown.contains(&one.slug));
    if key.version == version + 1 && !shown.is_empty() && are_gone() {
        return Ok(Clicked::Already(Box::new(key)));
    }
    must_be_as_shown(&key, version)?;
    let trim = Trim::of(&held.ids, &singly, |one| shown.contains(&one.slug));
    if trim.taken.is_empty() {
        return Err(AppError::Conflict(format!(
            "Requests with {} have needed these permissions meanwhile. Nothing was taken away.",
            key.name
        )));
    }
    if !trim.is_possible() {
        return Err(AppError::Conflict(format!(
            "Nothing would be left of what {} may do. Disable it, or choose what it needs.",
            key.name
        )));
    }
    let was = Was::holding(conn, &key, &held.ids)?;
    let mut changes = commands::unchanged(conn, &key, &held)?;
    changes.permissions = trim.after;
    let saved = saved(commands::update(conn, &viewer, public_key, version, &changes, false)?)?;
    let undo = viewer.covers(key.environment_id, &held.ids).then(|| Undo::of(&saved, was));
    let said = format!(
        "{} is trimmed: {} went, {} stayed. It counts from the next request on.",
        saved.name,
        permissions(trim.taken.len()),
        trim.kept
    );
    Ok(Clicked::Done { key: Box::new(saved), undo, said })
}

/// Whether a key goes on for longer than two weeks.
pub fn can_end(key: &Key, now: DateTime<Utc>) -> bool {
    key.expires_at.is_none_or(|expiry| expiry > end_in_days(now, NOTICE_DAYS))
}

/// “1 permission”, “3 permissions”
pub fn permissions(count: usize) -> String {
    if count == 1 { "1 permission".into() } else { format!("{count} permissions") }
}

fn must_be_as_shown(key: &Key, version: i32) -> AppResult<()> {
    if key.version == version && key.status(Utc::now()) == Status::Active {
        return Ok(());
    }
    Err(AppError::Conflict(CHANGED.into()))
}

fn saved(edited: Edited) -> AppResult<Key> {
    match edited {
        Edited::Saved(key) => Ok(*key),
        Edited::Stale(_) => Err(AppError::Conflict(CHANGED.into())),
    }
}
