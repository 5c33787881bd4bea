//! Who used keys, and for what: what was read from the request log day by day, and what it has got since then.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, sql_query,
    sql_types::{Array, BigInt, Bool, Date, Integer, Nullable, Text, Timestamptz},
};

use super::Range;
use crate::error::AppResult;

/// What a logged request tells: a row for each of these.
pub(super) const KINDS: &str = "select 'caller' as kind, host(ip) as value where ip is not null \
    union all select 'no_caller', '' where ip is null \
    union all select 'path', left(path, 200) \
    union all select 'customer', left(customer, 200) where customer is not null \
    union all select 'no_customer', '' where customer is null \
    union all select 'scope', left(scope, 200) from unnest(scopes) as scope";

/// How often and when.
pub(super) const SUMS: &str = "coalesce(sum(stands_for) filter (where is_accepted), 0)::bigint as accepted, \
    coalesce(sum(stands_for) filter (where not is_accepted), 0)::bigint as refused, \
    bool_or(stands_for > 1) as is_about, max(at) filter (where is_accepted) as last_accepted_at, max(at) as last_seen_at";

/// As many of the latest requests are looked at one by one.
pub const LATEST: i64 = 5_000;

/// What is told of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Caller,
    /// The gateway did not tell the caller's address.
    NoCaller,
    Path,
    Scope,
    Customer,
    /// The gateway did not tell for which customer it was.
    NoCustomer,
}

impl Kind {
    fn slug(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::NoCaller => "no_caller",
            Self::Path => "path",
            Self::Scope => "scope",
            Self::Customer => "customer",
            Self::NoCustomer => "no_customer",
        }
    }
}

/// Requests that have something in common.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct Use {
    #[diesel(sql_type = Text)]
    kind: String,
    /// An address, a path, a scope, a customer; empty: all the others.
    #[diesel(sql_type = Text)]
    pub value: String,
    #[diesel(sql_type = BigInt)]
    pub accepted: i64,
    #[diesel(sql_type = BigInt)]
    pub refused: i64,
    /// Some were not logged one by one: these numbers are what the sample stands for.
    #[diesel(sql_type = Bool)]
    pub is_about: bool,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_accepted_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Timestamptz)]
    pub last_seen_at: DateTime<Utc>,
}

impl Use {
    pub fn is(&self, kind: Kind) -> bool {
        self.kind == kind.slug()
    }

    /// All that are not told apart.
    pub fn is_rest(&self) -> bool {
        self.value.is_empty()
    }
}

/// Which requests are meant.
struct Asked<'a> {
    key_ids: &'a [i64],
    since: DateTime<Utc>,
    /// The days that were read already, or only what is in the log itself.
    with_days: bool,
    /// So many of each kind are told apart.
    told_apart: i32,
}

/// Everything that is known of the use of these keys since then.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn uses_of(
    conn: &mut PgConnection,
    key_ids: &[i64],
    since: DateTime<Utc>,
) -> AppResult<Vec<Use>> {
    ask(conn, &Asked { key_ids, since, with_days: true, told_apart: 1_000 })
}

/// The most frequent callers, paths and scopes of a key.
#[derive(Debug, Clone)]
pub struct Tops {
    pub callers: Vec<Use>,
    pub paths: Vec<Use>,
    pub scopes: Vec<Use>,
    /// Since when they were counted.
    pub since: DateTime<Utc>,
    /// They are those of the latest requests of the range only.
    pub are_latest: bool,
}

impl Tops {
    pub fn is_empty(&self) -> bool {
        self.callers.is_empty() && self.paths.is_empty() && self.scopes.is_empty()
    }
}

/// The most frequent callers, paths and scopes of a key. Of an hour they are those of its latest requests; longer
/// ranges begin with a day of UTC.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn tops(
    conn: &mut PgConnection,
    key_id: i64,
    range: Range,
    now: DateTime<Utc>,
) -> AppResult<Tops> {
    let midnight = |days| {
        (now - TimeDelta::days(days)).date_naive().and_time(chrono::NaiveTime::MIN).and_utc()
    };
    let (since, with_days) = match range {
        Range::Hour => (now - TimeDelta::hours(1), false),
        Range::Day => (midnight(1), true),
        Range::Month => (midnight(29), true),
    };
    let uses = ask(conn, &Asked { key_ids: &[key_id], since, with_days, told_apart: 8 })?;
    // Every request has one path.
    let requests: i64 =
        uses.iter().filter(|one| one.is(Kind::Path)).map(|one| one.accepted + one.refused).sum();
    let of = |kind| uses.iter().filter(|one| one.is(kind)).cloned().collect::<Vec<_>>();
    let (mut callers, paths, scopes) = (of(Kind::Caller), of(Kind::Path), of(Kind::Scope));
    callers.extend(of(Kind::NoCaller));
    Ok(Tops { callers, paths, scopes, since, are_latest: !with_days && requests >= LATEST })
}

fn ask(conn: &mut PgConnection, asked: &Asked<'_>) -> AppResult<Vec<Use>> {
    // One by one, as the index has them: of each day the keys stand together.
    let first: NaiveDate = asked.since.date_naive();
    let today = Utc::now().date_naive();
    let days: Vec<NaiveDate> = first.iter_days().take_while(|day| *day <= today).collect();
    let statement = format!(
        "with tail as materialized ( \
            select ip, path, scopes, customer, at, code = 'VALID' as is_accepted, stands_for from request_logs \
            where key_id = any($1) and at >= (select case when $3 then greatest($2, log_read_until) else $2 end from usage_progress) \
            order by at desc limit $4), \
         uses as ( \
            select kind, value, accepted, refused, is_about, last_accepted_at, last_seen_at from key_uses \
            where $3 and day = any($5) and key_id = any($1) and last_seen_at >= $2 \
            union all select kind, value, {SUMS} from tail cross join lateral ({KINDS}) as what group by 1, 2), \
         summed as ( \
            select kind, value, sum(accepted) as accepted, sum(refused) as refused, bool_or(is_about) as is_about, \
                max(last_accepted_at) as last_accepted_at, max(last_seen_at) as last_seen_at \
            from uses group by 1, 2), \
         placed as (select *, row_number() over (partition by kind order by value = '', accepted + refused desc, value) as place \
            from summed), \
         told as (select kind, case when place <= $6 then value else '' end as value, sum(accepted)::bigint as accepted, \
                sum(refused)::bigint as refused, bool_or(is_about) as is_about, max(last_accepted_at) as last_accepted_at, \
                max(last_seen_at) as last_seen_at \
            from placed group by 1, 2) \
         select * from told order by kind, value = '', accepted + refused desc, value"
    );
    Ok(sql_query(statement)
        .bind::<Array<BigInt>, _>(asked.key_ids)
        .bind::<Timestamptz, _>(asked.since)
        .bind::<Bool, _>(asked.with_days)
        .bind::<BigInt, _>(LATEST)
        .bind::<Array<Date>, _>(days)
        .bind::<Integer, _>(asked.told_apart)
        .load(conn)?)
}

/// Which of these permissions accepted requests with a key needed since then, and when last.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn permissions_used(
    conn: &mut PgConnection,
    key_id: i64,
    since: DateTime<Utc>,
) -> AppResult<Vec<PermissionUsed>> {
    Ok(sql_query(
        "select slug, last_used_at from key_permissions_used join permissions on permissions.id = permission_id \
         where key_id = $1 and last_used_at >= $2 order by slug",
    )
    .bind::<BigInt, _>(key_id)
    .bind::<Timestamptz, _>(since)
    .load(conn)?)
}

/// When a permission was needed last.
#[derive(Debug, Clone, PartialEq, Eq, QueryableByName)]
pub struct PermissionUsed {
    #[diesel(sql_type = Text)]
    pub slug: String,
    #[diesel(sql_type = Timestamptz)]
    pub last_used_at: DateTime<Utc>,
}
