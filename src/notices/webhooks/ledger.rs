//! Taking deliveries that are due, and writing how each attempt ended. An attempt is counted before anything is sent: who
//! is killed then has it sent again, under the same id.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    prelude::*,
    sql_query,
    sql_types::{BigInt, Double, Integer, Text},
};
use serde_json::json;

use super::{caller::Answered, model::Webhook};
use crate::{
    audit::{self, Action, Subject},
    error::AppResult,
    notices::{
        outbox::{self, Channel, Told},
        pause,
    },
    schema::{webhook_attempts, webhook_deliveries, webhooks},
    users::Viewer,
};

/// Whoever has not written how it ended after that has vanished. Longer than a round of the job takes.
const LEASE: Duration = Duration::from_secs(90);
/// So many of one webhook at once; of one where nothing arrives, one.
const OF_ONE: i32 = 4;
/// A webhook at which nothing has arrived for so long is switched off, whatever is still to be tried.
const GIVEN_UP_AFTER: TimeDelta = TimeDelta::days(5);

macro_rules! with_something_due {
    () => {
        "from webhooks w where removed_at is null and disabled_at is null and exists \
            (select from webhook_deliveries d where d.webhook_id = w.id and d.next_at <= clock_timestamp())"
    };
}

/// A delivery that is being sent.
#[derive(Debug, QueryableByName)]
pub struct Begun {
    #[diesel(sql_type = BigInt)]
    pub id: i64,
    #[diesel(sql_type = BigInt)]
    pub webhook_id: i64,
    #[diesel(sql_type = Text)]
    pub message_id: String,
    #[diesel(sql_type = Text)]
    pub body: String,
    /// The number of this attempt: nobody else has it.
    #[diesel(sql_type = Integer)]
    pub attempts: i32,
    #[diesel(sql_type = Integer)]
    pub tries: i32,
}

/// Whether there is anything to do.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn is_any_due(conn: &mut PgConnection) -> AppResult<bool> {
    if outbox::is_any(conn, Channel::Webhooks)? {
        return Ok(true);
    }
    let Told { told } =
        sql_query(concat!("select exists (select ", with_something_due!(), ") as told"))
            .get_result(conn)?;
    Ok(told)
}

/// The webhooks for which something is due.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn waiting(conn: &mut PgConnection) -> AppResult<Vec<Webhook>> {
    #[derive(QueryableByName)]
    struct Id {
        #[diesel(sql_type = BigInt)]
        id: i64,
    }
    let ids: Vec<Id> = sql_query(concat!("select w.id ", with_something_due!())).load(conn)?;
    let ids: Vec<i64> = ids.into_iter().map(|row| row.id).collect();
    Ok(webhooks::table.filter(webhooks::id.eq_any(ids)).select(Webhook::as_select()).load(conn)?)
}

/// Takes some that are due.
///
/// # Errors
/// When Postgres refuses.
pub fn begin(conn: &mut PgConnection, webhook: &Webhook) -> AppResult<Vec<Begun>> {
    let at_most = if webhook.failing_since.is_some() { 1 } else { OF_ONE };
    Ok(sql_query(
        "update webhook_deliveries set attempts = attempts + 1, tries = tries + 1, \
            next_at = clock_timestamp() + make_interval(secs => $3) \
         where id in (select id from webhook_deliveries \
            where webhook_id = $1 and next_at <= clock_timestamp() \
            order by next_at, id limit $2 for update skip locked) \
         returning id, webhook_id, message_id, body, attempts, tries",
    )
    .bind::<BigInt, _>(webhook.id)
    .bind::<Integer, _>(at_most)
    .bind::<Double, _>(LEASE.as_secs_f64())
    .load(conn)?)
}

/// Looks again later: nothing can be signed until the secret is rotated.
///
/// # Errors
/// When Postgres refuses.
pub fn postpone(conn: &mut PgConnection, webhook: &Webhook) -> AppResult<()> {
    sql_query(
        "update webhook_deliveries set next_at = clock_timestamp() + interval '10 minutes' \
         where webhook_id = $1 and next_at <= clock_timestamp()",
    )
    .bind::<BigInt, _>(webhook.id)
    .execute(conn)?;
    Ok(())
}

/// Writes how an attempt ended, unless somebody else has begun another one meanwhile.
///
/// # Errors
/// When Postgres refuses.
pub fn end(
    conn: &mut PgConnection,
    begun: &Begun,
    at: DateTime<Utc>,
    answered: &Answered,
) -> AppResult<()> {
    // First the webhook, then what is told to it, as whoever switches it off does.
    let webhook: Webhook = webhooks::table
        .find(begun.webhook_id)
        .select(Webhook::as_select())
        .for_update()
        .first(conn)?;
    let (status, error, answer) = match &answered.answer {
        Ok((status, answer)) => (Some(i32::from(*status)), None, answer.as_str()),
        Err(error) => (None, Some(error.as_str()), ""),
    };
    diesel::insert_into(webhook_attempts::table)
        .values((
            webhook_attempts::delivery_id.eq(begun.id),
            webhook_attempts::number.eq(begun.attempts),
            webhook_attempts::at.eq(at),
            webhook_attempts::took_ms
                .eq(i32::try_from(answered.took.as_millis()).unwrap_or(i32::MAX)),
            webhook_attempts::status.eq(status),
            webhook_attempts::error.eq(error),
            webhook_attempts::answer.eq(answer),
        ))
        .on_conflict_do_nothing()
        .execute(conn)?;
    let now = Utc::now();
    if answered.is_fine() {
        end_one(conn, begun, "delivered")?;
        diesel::update(webhooks::table.find(webhook.id))
            .set(webhooks::failing_since.eq(None::<DateTime<Utc>>))
            .execute(conn)?;
        return Ok(());
    }
    let failing_since = webhook.failing_since.unwrap_or(at);
    diesel::update(webhooks::table.find(webhook.id))
        .set(webhooks::failing_since.eq(failing_since))
        .execute(conn)?;
    match pause::after(begun.tries) {
        _ if answered.is_gone() => {
            end_one(conn, begun, "failed")?;
            switch_off(conn, &webhook, "gone")
        }
        Some(_) if now - failing_since > GIVEN_UP_AFTER => switch_off(conn, &webhook, "failing"),
        Some(pause) => {
            let next_at = now + TimeDelta::from_std(pause).unwrap_or(TimeDelta::days(1));
            diesel::update(
                webhook_deliveries::table
                    .filter(webhook_deliveries::id.eq(begun.id))
                    .filter(webhook_deliveries::attempts.eq(begun.attempts))
                    .filter(webhook_deliveries::outcome.is_null()),
            )
            .set(webhook_deliveries::next_at.eq(next_at))
            .execute(conn)?;
            Ok(())
        }
        None => {
            end_one(conn, begun, "failed")?;
            switch_off(conn, &webhook, "failing")
        }
    }
}

/// Nothing more is told to it: what waits has failed. People can have it sent again, one by one.
///
/// # Errors
/// When Postgres refuses.
pub fn give_up_waiting(conn: &mut PgConnection, webhook_id: i64) -> AppResult<()> {
    diesel::update(
        webhook_deliveries::table
            .filter(webhook_deliveries::webhook_id.eq(webhook_id))
            .filter(webhook_deliveries::next_at.is_not_null()),
    )
    .set(Ended::now("failed"))
    .execute(conn)?;
    Ok(())
}

/// What arrived has arrived, also when it was given up meanwhile.
fn end_one(conn: &mut PgConnection, begun: &Begun, outcome: &'static str) -> AppResult<()> {
    diesel::update(
        webhook_deliveries::table
            .filter(webhook_deliveries::id.eq(begun.id))
            .filter(webhook_deliveries::attempts.eq(begun.attempts)),
    )
    .set(Ended::now(outcome))
    .execute(conn)?;
    Ok(())
}

/// What is written into a delivery that has ended.
#[derive(AsChangeset)]
#[diesel(table_name = webhook_deliveries, treat_none_as_null = true)]
struct Ended {
    outcome: &'static str,
    ended_at: DateTime<Utc>,
    next_at: Option<DateTime<Utc>>,
}

impl Ended {
    fn now(outcome: &'static str) -> Self {
        Self { outcome, ended_at: Utc::now(), next_at: None }
    }
}

fn switch_off(conn: &mut PgConnection, webhook: &Webhook, why: &str) -> AppResult<()> {
    give_up_waiting(conn, webhook.id)?;
    let switched_off = diesel::update(
        webhooks::table.filter(webhooks::id.eq(webhook.id).and(webhooks::disabled_at.is_null())),
    )
    .set((webhooks::disabled_at.eq(Utc::now()), webhooks::disabled_why.eq(why)))
    .execute(conn)?;
    if switched_off == 0 {
        return Ok(());
    }
    let latchkey = Viewer { name: "Latchkey".into(), ..Viewer::operator() };
    let subject = Subject { id: &webhook.subject(), name: &webhook.name() };
    audit::record(conn, &latchkey, Action::WebhookSwitchedOff, subject, json!({ "reason": why }))
}
