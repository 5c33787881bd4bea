//! Sending the mails that are due, one after the other. Each is counted before it is sent and its end written after:
//! whoever is killed in between has it sent again, under the same Message-ID.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl,
    prelude::*,
    sql_query,
    sql_types::{Array, BigInt, Bool, Double, Integer, Nullable, Text, Timestamptz},
};

use super::{Mailer, compose::Letter, gather, mailer::Failure};
use crate::{
    error::AppResult,
    jobs::{Halt, Running},
    notices::{
        load,
        outbox::{self, Channel, Told},
        pause,
    },
    schema::users,
    settings,
};

/// Whoever has not written how it ended after that has vanished. Longer than any conversation with a server.
const LEASE: Duration = Duration::from_secs(180);
/// Mails a run sends at most; then others have their turn.
const AT_MOST: usize = 500;
/// Longer words of a server are cut off.
const LONGEST: usize = 500;

/// A mail that is being sent.
#[derive(Clone, QueryableByName)]
struct Begun {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    user_id: i64,
    #[diesel(sql_type = Array<BigInt>)]
    notice_ids: Vec<i64>,
    #[diesel(sql_type = BigInt)]
    more: i64,
    #[diesel(sql_type = Integer)]
    attempts: i32,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
}

/// How it ended, or when it is tried again.
enum Ending {
    Sent,
    Dropped,
    Failed(String),
    Again(String, Duration),
}

/// Whether there is anything to do.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn is_any_due(conn: &mut PgConnection) -> AppResult<bool> {
    if outbox::is_any(conn, Channel::Mail)? {
        return Ok(true);
    }
    let Told { told } = sql_query(
        "select exists (select from notice_mails where next_at <= clock_timestamp()) as told",
    )
    .get_result(conn)?;
    Ok(told)
}

/// Plans mails and sends those that are due.
pub fn run(running: &mut Running<'_>) -> Result<String, Halt> {
    let outside = running.outside();
    let Some(mailer) = &outside.mailer else {
        while running.step(|conn, _| Ok(gather::forget(conn)?))? > 0 {}
        return Ok("No mail server is configured, so nothing is sent.".into());
    };
    while running.step(|conn, _| Ok(gather::gather(conn)?))? > 0 {}
    let mut sent = 0;
    for _ in 0..AT_MOST {
        let Some(begun) = running.step(|conn, _| Ok(begin(conn)?))? else { break };
        let (ending, is_away) = deliver(running, mailer, &begun)?;
        sent += usize::from(matches!(ending, Ending::Sent));
        running.step(|conn, progress| {
            progress.done += 1;
            Ok(end(conn, &begun, &ending)?)
        })?;
        if is_away {
            running.step(|conn, _| Ok(postpone_the_others(conn, &begun)?))?;
            return Ok(match ending {
                Ending::Again(why, _) | Ending::Failed(why) => format!("It is tried again: {why}"),
                Ending::Sent | Ending::Dropped => String::new(),
            });
        }
    }
    Ok(match sent {
        0 => "There was nothing to send.".into(),
        1 => "One mail was sent.".into(),
        many => format!("{many} mails were sent."),
    })
}

fn begin(conn: &mut PgConnection) -> AppResult<Option<Begun>> {
    let begun: Vec<Begun> = sql_query(
        "update notice_mails set attempts = attempts + 1, \
            next_at = clock_timestamp() + make_interval(secs => $1) \
         where id = (select id from notice_mails where next_at <= clock_timestamp() \
            order by next_at, id limit 1 for update skip locked) \
         returning id, user_id, notice_ids, more, attempts, created_at",
    )
    .bind::<Double, _>(LEASE.as_secs_f64())
    .load(conn)?;
    Ok(begun.into_iter().next())
}

/// Sends it; also says whether the server is away, so that the others need not be tried.
fn deliver(
    running: &mut Running<'_>,
    mailer: &Mailer,
    begun: &Begun,
) -> Result<(Ending, bool), Halt> {
    let base_url = &running.outside().base_url;
    let (notices, settings, person) = running.ask(|conn| {
        let ids = gather::still_theirs(conn, begun.user_id, &begun.notice_ids)?;
        let person: (String, String, String) = users::table
            .find(begun.user_id)
            .select((users::name, users::email, users::time_zone))
            .first(conn)?;
        Ok((load::by_ids(conn, &ids)?, settings::load(conn)?, person))
    })?;
    if notices.is_empty() {
        return Ok((Ending::Dropped, false));
    }
    let (name, email, zone) = person;
    let letter = Letter {
        product: &settings.product_name,
        base_url,
        zone: zone.parse().unwrap_or(Tz::UTC),
        notices: &notices,
        more: begun.more,
    };
    // Another installation's mails have ids of their own.
    let id = format!("notices-{}.{}", begun.id, begun.created_at.timestamp_micros());
    let Err(failure) = mailer.send(&id, (&name, &email), &letter.compose()?) else {
        return Ok((Ending::Sent, false));
    };
    let is_away = matches!(failure, Failure::Away(_));
    let words: String =
        failure.words().chars().filter(|letter| *letter != '\0').take(LONGEST).collect();
    tracing::warn!(mail = begun.id, error = words, "a mail was not taken");
    Ok(match (failure, pause::after(begun.attempts)) {
        (Failure::Never(_), _) | (_, None) => (Ending::Failed(words), is_away),
        (_, Some(after)) => (Ending::Again(words, after), is_away),
    })
}

/// Writes how it ended, unless somebody else has begun it meanwhile.
fn end(conn: &mut PgConnection, begun: &Begun, ending: &Ending) -> AppResult<()> {
    let (outcome, error, after) = match ending {
        Ending::Sent => (Some("sent"), None, None),
        Ending::Dropped => (Some("dropped"), None, None),
        Ending::Failed(error) => (Some("failed"), Some(error), None),
        Ending::Again(error, after) => (None, Some(error), Some(after.as_secs_f64())),
    };
    sql_query(
        "update notice_mails set outcome = $3, error = $4, \
            ended_at = case when $6 then clock_timestamp() end, \
            next_at = clock_timestamp() + make_interval(secs => $5) \
         where id = $1 and attempts = $2 and outcome is null",
    )
    .bind::<BigInt, _>(begun.id)
    .bind::<Integer, _>(begun.attempts)
    .bind::<Nullable<Text>, _>(outcome)
    .bind::<Nullable<Text>, _>(error)
    .bind::<Nullable<Double>, _>(after)
    .bind::<Bool, _>(outcome.is_some())
    .execute(conn)?;
    Ok(())
}

/// Nothing is sent before this one is tried again: it would only be refused, too.
fn postpone_the_others(conn: &mut PgConnection, begun: &Begun) -> AppResult<()> {
    sql_query(
        "update notice_mails set next_at = first.next_at \
         from (select next_at from notice_mails where id = $1 and next_at is not null) first \
         where notice_mails.next_at <= clock_timestamp()",
    )
    .bind::<BigInt, _>(begun.id)
    .execute(conn)?;
    Ok(())
}
