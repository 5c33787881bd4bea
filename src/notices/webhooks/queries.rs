//! Reading webhooks and what was told to them: administrators only.

use std::collections::HashMap;

use diesel::{PgConnection, prelude::*};

use super::model::{Attempt, Delivery, Webhook};
use crate::{
    error::{AppError, AppResult},
    schema::{webhook_attempts, webhook_deliveries, webhooks},
    users::Viewer,
};

/// Rows on a page of the log.
pub const PAGE: usize = 25;

/// All of them, the first that was added first.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn list(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<Webhook>> {
    must_administrate(viewer)?;
    Ok(webhooks::table
        .filter(webhooks::removed_at.is_null())
        .order(webhooks::id)
        .select(Webhook::as_select())
        .load(conn)?)
}

/// The webhook of that id.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Forbidden`].
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Webhook> {
    must_administrate(viewer)?;
    Ok(webhooks::table
        .filter(webhooks::id.eq(id).and(webhooks::removed_at.is_null()))
        .select(Webhook::as_select())
        .first(conn)?)
}

/// A place in a log: the delivery it is at, and on which side of it to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor {
    pub id: i64,
    /// Towards the beginning.
    pub backwards: bool,
}

/// A page of a log.
pub struct Page {
    /// Each with its last attempt, if there was one.
    pub deliveries: Vec<(Delivery, Option<Attempt>)>,
    /// After which the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Before which the previous page ends.
    pub previous: Option<Cursor>,
}

/// What was told to a webhook, the last first.
///
/// # Errors
/// [`AppError::Forbidden`].
pub fn log(
    conn: &mut PgConnection,
    viewer: &Viewer,
    webhook: &Webhook,
    cursor: Option<Cursor>,
) -> AppResult<Page> {
    must_administrate(viewer)?;
    let mut query = webhook_deliveries::table
        .filter(webhook_deliveries::webhook_id.eq(webhook.id))
        .select(Delivery::as_select())
        .limit(i64::try_from(PAGE + 1).unwrap_or(i64::MAX))
        .into_boxed();
    let backwards = cursor.is_some_and(|cursor| cursor.backwards);
    query = match cursor {
        Some(Cursor { id, backwards: true }) => query.filter(webhook_deliveries::id.gt(id)),
        Some(Cursor { id, backwards: false }) => query.filter(webhook_deliveries::id.lt(id)),
        None => query,
    };
    query = if backwards {
        query.order(webhook_deliveries::id.asc())
    } else {
        query.order(webhook_deliveries::id.desc())
    };
    let mut found: Vec<Delivery> = query.load(conn)?;
    let there_are_more = found.len() > PAGE;
    found.truncate(PAGE);
    if backwards {
        found.reverse();
    }
    let at = |delivery: Option<&Delivery>, backwards| {
        delivery.map(|delivery| Cursor { id: delivery.id, backwards })
    };
    let next = at(found.last(), false).filter(|_| backwards || there_are_more);
    let previous = at(found.first(), true)
        .filter(|_| if backwards { there_are_more } else { cursor.is_some() });
    let ids: Vec<i64> = found.iter().map(|delivery| delivery.id).collect();
    let last: Vec<Attempt> = webhook_attempts::table
        .filter(webhook_attempts::delivery_id.eq_any(ids))
        .distinct_on(webhook_attempts::delivery_id)
        .order((webhook_attempts::delivery_id, webhook_attempts::number.desc()))
        .select(Attempt::as_select())
        .load(conn)?;
    let mut last: HashMap<i64, Attempt> =
        last.into_iter().map(|attempt| (attempt.delivery_id, attempt)).collect();
    let deliveries = found.into_iter().map(|delivery| {
        let attempt = last.remove(&delivery.id);
        (delivery, attempt)
    });
    Ok(Page { deliveries: deliveries.collect(), next, previous })
}

/// A delivery of a webhook that is still there, with every attempt, the last first.
///
/// # Errors
/// [`AppError::NotFound`], [`AppError::Forbidden`].
pub fn delivery(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
) -> AppResult<(Webhook, Delivery, Vec<Attempt>)> {
    must_administrate(viewer)?;
    let delivery: Delivery =
        webhook_deliveries::table.find(id).select(Delivery::as_select()).first(conn)?;
    let webhook = find(conn, viewer, delivery.webhook_id)?;
    let attempts = webhook_attempts::table
        .filter(webhook_attempts::delivery_id.eq(id))
        .order(webhook_attempts::number.desc())
        .limit(100)
        .select(Attempt::as_select())
        .load(conn)?;
    Ok((webhook, delivery, attempts))
}

fn must_administrate(viewer: &Viewer) -> AppResult<()> {
    if viewer.is_administrator() { Ok(()) } else { Err(AppError::Forbidden) }
}
