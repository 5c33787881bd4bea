//! Notices become deliveries: one for each webhook that wants to hear of their kind.

use diesel::{PgConnection, prelude::*};
use url::Url;
use uuid::Uuid;

use super::{
    model::{TEST, Webhook},
    payload,
};
use crate::{
    error::AppResult,
    notices::{
        load,
        outbox::{self, Channel},
    },
    schema::{webhook_deliveries, webhooks},
};

/// Notices of a step.
const AT_ONCE: i64 = 200;
/// Rows of a statement; Postgres takes 65 535 values.
const ROWS: usize = 1_000;

/// Takes notices out and plans deliveries; says how many notices those were.
///
/// # Errors
/// When Postgres refuses.
pub fn plan(conn: &mut PgConnection, base_url: &Url) -> AppResult<usize> {
    let ids = outbox::take(conn, Channel::Webhooks, AT_ONCE)?;
    let heard: Vec<Webhook> = webhooks::table
        .filter(webhooks::removed_at.is_null().and(webhooks::disabled_at.is_null()))
        .select(Webhook::as_select())
        // So that one which is being switched off or removed gets nothing more.
        .for_share()
        .load(conn)?;
    if heard.is_empty() {
        return Ok(ids.len());
    }
    let mut rows = Vec::new();
    for notice in load::by_ids(conn, &ids)?.into_iter().rev() {
        let body = payload::of(&notice, base_url);
        for webhook in heard.iter().filter(|webhook| webhook.hears_of(notice.kind)) {
            rows.push((
                webhook_deliveries::webhook_id.eq(webhook.id),
                webhook_deliveries::notice_id.eq(Some(notice.id)),
                webhook_deliveries::message_id.eq(new_message_id()),
                webhook_deliveries::event.eq(notice.kind.event()),
                webhook_deliveries::body.eq(body.clone()),
            ));
        }
    }
    for piece in rows.chunks(ROWS) {
        diesel::insert_into(webhook_deliveries::table).values(piece.to_vec()).execute(conn)?;
    }
    Ok(ids.len())
}

/// Plans a test; answers with the id of its delivery.
///
/// # Errors
/// When Postgres refuses.
pub fn plan_test(conn: &mut PgConnection, webhook: &Webhook, body: &str) -> AppResult<i64> {
    Ok(diesel::insert_into(webhook_deliveries::table)
        .values((
            webhook_deliveries::webhook_id.eq(webhook.id),
            webhook_deliveries::message_id.eq(new_message_id()),
            webhook_deliveries::event.eq(TEST),
            webhook_deliveries::body.eq(body),
        ))
        .returning(webhook_deliveries::id)
        .get_result(conn)?)
}

/// The same in every attempt: by it the other side knows what it has had.
fn new_message_id() -> String {
    format!("msg_{}", Uuid::new_v4().simple())
}
