//! Adding, changing, testing and removing webhooks: administrators only, each in the trail.

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{PgConnection, prelude::*, sql_query, sql_types::BigInt};
use serde_json::{Value, json};
use url::Url;

use super::{
    Secrets, ledger,
    model::{Delivery, Webhook},
    payload, plan, queries,
    secrets::SigningSecret,
};
use crate::{
    audit::{self, Action, Subject, difference},
    error::{AppError, AppResult},
    jobs::{self, NewJob, Work},
    notices::Kind,
    schema::webhooks,
    users::Viewer,
};

/// Each is asked for each notice: more would be a mistake.
const MOST: i64 = 50;
/// So long the secret before a rotation signs, too.
const OVERLAP: TimeDelta = TimeDelta::hours(24);

/// A webhook as an administrator wants it.
#[derive(Clone)]
pub struct NewWebhook {
    pub url: Url,
    pub kinds: Vec<Kind>,
    pub is_enabled: bool,
}

impl NewWebhook {
    fn slugs(&self) -> Vec<&'static str> {
        self.kinds.iter().map(|kind| kind.slug()).collect()
    }
}

/// Tells an address of notices from now on. Its secret is shown this once.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Conflict`] when there are too many.
pub fn add(
    conn: &mut PgConnection,
    viewer: &Viewer,
    new: &NewWebhook,
    secrets: &Secrets,
) -> AppResult<(Webhook, SigningSecret)> {
    let viewer = viewer.confirm_administrator(conn)?;
    let there: i64 =
        webhooks::table.filter(webhooks::removed_at.is_null()).count().get_result(conn)?;
    if there >= MOST {
        return Err(AppError::Conflict(format!(
            "There are {MOST} webhooks, and no more than that. Remove one that is not needed."
        )));
    }
    let (secret, nonce) = secrets.generate();
    let off = (!new.is_enabled).then(Utc::now);
    let id: i64 = diesel::insert_into(webhooks::table)
        .values((
            webhooks::url.eq(new.url.as_str()),
            webhooks::kinds.eq(new.slugs()),
            webhooks::nonce.eq(&nonce[..]),
            webhooks::secret_hash.eq(&secret.hash()[..]),
            webhooks::disabled_at.eq(off),
            webhooks::disabled_why.eq(off.map(|_| "person")),
            webhooks::created_by.eq(viewer.id),
        ))
        .returning(webhooks::id)
        .get_result(conn)?;
    let webhook = queries::find(conn, &viewer, id)?;
    record(conn, &viewer, &webhook, Action::WebhookAdded, describe(&webhook))?;
    Ok((webhook, secret))
}

/// Changes everything about a webhook but its secret. What is as before is no change. One that is switched on again
/// begins anew; what waits for one that is switched off is given up.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`].
pub fn update(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    new: &NewWebhook,
) -> AppResult<Webhook> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before = hold(conn, &viewer, id)?;
    diesel::update(webhooks::table.find(id))
        .set((webhooks::url.eq(new.url.as_str()), webhooks::kinds.eq(new.slugs())))
        .execute(conn)?;
    if before.is_enabled() != new.is_enabled {
        let off = (!new.is_enabled).then(Utc::now);
        diesel::update(webhooks::table.find(id))
            .set((
                webhooks::disabled_at.eq(off),
                webhooks::disabled_why.eq(off.map(|_| "person")),
                webhooks::failing_since.eq(None::<DateTime<Utc>>),
            ))
            .execute(conn)?;
        ledger::give_up_waiting(conn, id)?;
    }
    let after = queries::find(conn, &viewer, id)?;
    let changes = difference(&describe(&before), &describe(&after));
    if changes.as_object().is_some_and(|changes| !changes.is_empty()) {
        record(conn, &viewer, &after, Action::WebhookUpdated, changes)?;
    }
    Ok(after)
}

/// Tells it nothing more. Removing it twice is not finding it.
///
/// # Errors
/// As [`update`].
pub fn remove(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Webhook> {
    let viewer = viewer.confirm_administrator(conn)?;
    let webhook = hold(conn, &viewer, id)?;
    diesel::update(webhooks::table.find(id))
        .set(webhooks::removed_at.eq(Utc::now()))
        .execute(conn)?;
    ledger::give_up_waiting(conn, id)?;
    record(conn, &viewer, &webhook, Action::WebhookRemoved, json!({}))?;
    Ok(webhook)
}

/// Gives it another secret, shown this once. The one before signs beside it for a day, unless it is lost with a session
/// key that was changed.
///
/// # Errors
/// As [`update`].
pub fn rotate(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    secrets: &Secrets,
) -> AppResult<(Webhook, SigningSecret)> {
    let viewer = viewer.confirm_administrator(conn)?;
    let before = hold(conn, &viewer, id)?;
    let now = Utc::now();
    let (secret, nonce) = secrets.generate();
    let until = before.secrets(secrets, now).map(|_| now + OVERLAP);
    sql_query(
        "update webhooks set old_nonce = case when $2 then nonce end, \
            old_secret_hash = case when $2 then secret_hash end, old_until = $3, \
            nonce = $4, secret_hash = $5, secret_made_at = $6 where id = $1",
    )
    .bind::<BigInt, _>(id)
    .bind::<diesel::sql_types::Bool, _>(until.is_some())
    .bind::<diesel::sql_types::Nullable<diesel::sql_types::Timestamptz>, _>(until)
    .bind::<diesel::sql_types::Bytea, _>(&nonce[..])
    .bind::<diesel::sql_types::Bytea, _>(&secret.hash()[..])
    .bind::<diesel::sql_types::Timestamptz, _>(now)
    .execute(conn)?;
    // What could not be signed need not wait any longer.
    sql_query(
        "update webhook_deliveries set next_at = clock_timestamp() \
         where webhook_id = $1 and next_at is not null and attempts = 0",
    )
    .bind::<BigInt, _>(id)
    .execute(conn)?;
    let webhook = queries::find(conn, &viewer, id)?;
    record(conn, &viewer, &webhook, Action::WebhookSecretRotated, json!({}))?;
    send_soon(conn)?;
    Ok((webhook, secret))
}

/// Sends something that means nothing.
///
/// # Errors
/// As [`update`]; [`AppError::Conflict`] when it is switched off.
pub fn test(conn: &mut PgConnection, viewer: &Viewer, id: i64, base_url: &Url) -> AppResult<i64> {
    let viewer = viewer.confirm_administrator(conn)?;
    let webhook = hold(conn, &viewer, id)?;
    must_be_on(&webhook)?;
    let delivery = plan::plan_test(conn, &webhook, &payload::test(Utc::now(), base_url))?;
    record(conn, &viewer, &webhook, Action::WebhookTested, json!({}))?;
    send_soon(conn)?;
    Ok(delivery)
}

/// Sends something again, under the same id. What has not ended yet is sent now.
///
/// # Errors
/// As [`test`].
pub fn repeat(conn: &mut PgConnection, viewer: &Viewer, delivery_id: i64) -> AppResult<Delivery> {
    let viewer = viewer.confirm_administrator(conn)?;
    let (webhook, delivery, _) = queries::delivery(conn, &viewer, delivery_id)?;
    let webhook = hold(conn, &viewer, webhook.id)?;
    must_be_on(&webhook)?;
    sql_query(
        "update webhook_deliveries set next_at = clock_timestamp(), outcome = null, ended_at = null, tries = 0 \
         where id = $1",
    )
    .bind::<BigInt, _>(delivery_id)
    .execute(conn)?;
    let details = json!({ "message": delivery.message_id });
    record(conn, &viewer, &webhook, Action::WebhookRepeated, details)?;
    send_soon(conn)?;
    Ok(delivery)
}

fn must_be_on(webhook: &Webhook) -> AppResult<()> {
    if webhook.is_enabled() {
        return Ok(());
    }
    Err(AppError::Conflict("The webhook is switched off. Edit it to switch it on.".into()))
}

fn send_soon(conn: &mut PgConnection) -> AppResult<()> {
    let slug = Work::Webhooks.kind().slug();
    jobs::enqueue(conn, NewJob::system(Work::Webhooks).once(slug))?;
    Ok(())
}

/// The webhook, which nobody else changes until the transaction ends.
fn hold(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Webhook> {
    webhooks::table.find(id).select(webhooks::id).for_update().first::<i64>(conn)?;
    queries::find(conn, viewer, id)
}

/// Without what stands behind the ? of the address, which may be somebody's secret.
fn describe(webhook: &Webhook) -> Value {
    let (address, query) = webhook.url.split_once('?').unwrap_or((&webhook.url, ""));
    let address = if query.is_empty() { address.to_owned() } else { format!("{address}?…") };
    json!({ "url": address, "kinds": webhook.kinds, "enabled": webhook.is_enabled() })
}

fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    webhook: &Webhook,
    action: Action,
    details: Value,
) -> AppResult<()> {
    let subject = Subject { id: &webhook.subject(), name: &webhook.name() };
    audit::record(conn, viewer, action, subject, details)
}
