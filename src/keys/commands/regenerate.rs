//! A new secret for a key.

use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use serde_json::json;

use super::{finish, issue, may_regenerate, refuse_key_beyond_grant, refuse_revoked, take};
use crate::{
    audit::Action,
    credentials::Secret,
    error::{AppError, AppResult},
    keys::{Key, Overlap, Status, overlap::overlap_of},
    schema::{environments, key_secrets, keys},
    users::Viewer,
};

/// Gives a key a new secret and nothing else; the present one stops when `overlap` says. An older one that still works
/// stops now: beside the new secret there is one other at most. `version` is the one the page was drawn with, so that
/// of several regenerations at once one wins: nobody is shown a secret that is dead already.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Forbidden`] for a manager where the policy leaves it to administrators;
/// [`AppError::BeyondGrant`] when it holds more than the viewer may hand out; [`AppError::Conflict`] when the key is
/// revoked, has expired, or was changed meanwhile.
pub fn regenerate(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: Option<i32>,
    overlap: Overlap,
) -> AppResult<(Key, Secret)> {
    let (viewer, key) = take_to_rotate(conn, viewer, public_key)?;
    let now = Utc::now();
    if key.status(now) == Status::Expired {
        return Err(AppError::Conflict(
            "This key has expired. Extend it first, or create a new one.".into(),
        ));
    }
    refuse_stale(&key, version)?;
    let ends_at = overlap.end(now, key.expires_at);
    end_overlaps(conn, &[key.id], now)?;
    retire_current(conn, &[key.id], ends_at)?;
    let prefix: String =
        environments::table.find(key.environment_id).select(environments::prefix).first(conn)?;
    let secret = issue(conn, key.id, &prefix)?;
    diesel::update(keys::table.find(key.id))
        .set(keys::version.eq(keys::version + 1))
        .execute(conn)?;
    let mut details = json!({ "secret": [key.secret.masked, secret.masked()] });
    if overlap != Overlap::Now {
        details["overlap_until"] = json!(ends_at);
    }
    Ok((finish(conn, &viewer, &key, Action::KeyRegenerated, details)?, secret))
}

/// Stops the old secret that still works beside the new one.
///
/// # Errors
/// [`AppError::NotFound`]; [`AppError::Conflict`] when none does, or the key was regenerated meanwhile.
pub fn finish_overlap(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: i32,
) -> AppResult<Key> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    let now = Utc::now();
    let until = overlap_under_way(conn, &key, version, now)?;
    end_overlaps(conn, &[key.id], now)?;
    let details = json!({ "overlap_until": [until, now] });
    finish(conn, &viewer, &key, Action::KeyOverlapFinished, details)
}

/// Gives the old secret another while from now; it never stops sooner for it. One that has stopped stays dead.
///
/// # Errors
/// As [`regenerate`]; [`AppError::Conflict`] also when no old secret works; [`AppError::Unprocessable`] for no time at
/// all.
pub fn extend_overlap(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    version: i32,
    overlap: Overlap,
) -> AppResult<Key> {
    let (viewer, key) = take_to_rotate(conn, viewer, public_key)?;
    if overlap == Overlap::Now {
        return Err(AppError::Unprocessable("Choose 15m, 1h, 24h or 7d, or finish it now.".into()));
    }
    let now = Utc::now();
    let before = overlap_under_way(conn, &key, version, now)?;
    let until = overlap.end(now, key.expires_at).max(before);
    diesel::update(
        key_secrets::table.filter(key_secrets::key_id.eq(key.id).and(key_secrets::ends_at.gt(now))),
    )
    .set(key_secrets::ends_at.eq(until))
    .execute(conn)?;
    let details = json!({ "overlap_until": [before, until] });
    finish(conn, &viewer, &key, Action::KeyOverlapExtended, details)
}

/// The key, for whoever may decide how long its secrets live: a new secret of a key is as good as a new key.
fn take_to_rotate(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
) -> AppResult<(Viewer, Key)> {
    let (viewer, key) = take(conn, viewer, public_key)?;
    if !may_regenerate(conn, &viewer)? {
        return Err(AppError::Forbidden);
    }
    refuse_key_beyond_grant(conn, &viewer, &key)?;
    refuse_revoked(&key)?;
    Ok((viewer, key))
}

fn overlap_under_way(
    conn: &mut PgConnection,
    key: &Key,
    version: i32,
    now: DateTime<Utc>,
) -> AppResult<DateTime<Utc>> {
    refuse_stale(key, Some(version))?;
    overlap_of(conn, key.id, now)?.ok_or_else(|| {
        AppError::Conflict("The old secret has stopped already. Only the new one works.".into())
    })
}

fn refuse_stale(key: &Key, version: Option<i32>) -> AppResult<()> {
    if version.is_some_and(|version| version != key.version) {
        return Err(AppError::Conflict(
            "This key was changed or regenerated meanwhile, and nothing was done now. Open it to see how it is.".into(),
        ));
    }
    Ok(())
}

/// Stops what still works beside the present secrets of these keys.
pub(super) fn end_overlaps(
    conn: &mut PgConnection,
    key_ids: &[i64],
    now: DateTime<Utc>,
) -> AppResult<()> {
    diesel::update(
        key_secrets::table
            .filter(key_secrets::key_id.eq_any(key_ids).and(key_secrets::ends_at.gt(now))),
    )
    .set(key_secrets::ends_at.eq(now))
    .execute(conn)?;
    Ok(())
}

/// An old secret that still works stops with its key at the latest.
pub(super) fn end_overlap_by(
    conn: &mut PgConnection,
    key_id: i64,
    expires_at: Option<DateTime<Utc>>,
) -> AppResult<()> {
    let Some(expires_at) = expires_at else { return Ok(()) };
    diesel::update(
        key_secrets::table
            .filter(key_secrets::key_id.eq(key_id).and(key_secrets::ends_at.gt(expires_at))),
    )
    .set(key_secrets::ends_at.eq(expires_at))
    .execute(conn)?;
    Ok(())
}

/// From then on the present secrets of these keys are old ones. What was kept to show them again goes at once: an old
/// secret is for the programs that still have it.
pub(super) fn retire_current(
    conn: &mut PgConnection,
    key_ids: &[i64],
    ends_at: DateTime<Utc>,
) -> AppResult<()> {
    diesel::update(
        key_secrets::table
            .filter(key_secrets::key_id.eq_any(key_ids).and(key_secrets::ends_at.is_null())),
    )
    .set((key_secrets::ends_at.eq(ends_at), key_secrets::sealed.eq(None::<Vec<u8>>)))
    .execute(conn)?;
    Ok(())
}
