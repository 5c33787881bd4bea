//! Which notices still have to go out. Postgres itself puts each into it, in the transaction that writes the notice.

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Bool, Text},
};

use crate::error::AppResult;

/// A way out.
#[derive(Debug, Clone, Copy)]
pub enum Channel {
    Mail,
    Webhooks,
}

impl Channel {
    fn slug(self) -> &'static str {
        match self {
            Self::Mail => "mail",
            Self::Webhooks => "webhooks",
        }
    }
}

#[derive(QueryableByName)]
struct Taken {
    #[diesel(sql_type = BigInt)]
    notice_id: i64,
}

#[derive(QueryableByName)]
pub(super) struct Told {
    #[diesel(sql_type = Bool)]
    pub told: bool,
}

/// Takes the oldest out. Whoever does makes something else stand for them in the same transaction.
///
/// # Errors
/// When Postgres refuses.
pub fn take(conn: &mut PgConnection, channel: Channel, at_most: i64) -> AppResult<Vec<i64>> {
    let taken: Vec<Taken> = sql_query(
        "delete from notice_outbox where channel = $1 and notice_id in \
            (select notice_id from notice_outbox where channel = $1 \
             order by notice_id limit $2 for update skip locked) \
         returning notice_id",
    )
    .bind::<Text, _>(channel.slug())
    .bind::<BigInt, _>(at_most)
    .load(conn)?;
    Ok(taken.into_iter().map(|row| row.notice_id).collect())
}

/// Whether there are any.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn is_any(conn: &mut PgConnection, channel: Channel) -> AppResult<bool> {
    let Told { told } =
        sql_query("select exists (select from notice_outbox where channel = $1) as told")
            .bind::<Text, _>(channel.slug())
            .get_result(conn)?;
    Ok(told)
}
