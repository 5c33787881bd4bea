//! How many there are, without counting a million: exactly up to a bound, beyond it as Postgres estimates.
//!
//! Counters kept by the database would be exact, but every change of a key would have to write them, and they could not
//! tell who has expired: that happens by itself. A bounded count is right at any instant and costs writers nothing.

use std::fmt;

use anyhow::anyhow;
use diesel::{
    PgConnection,
    pg::Pg,
    prelude::*,
    query_builder::{AstPass, Query, QueryFragment, QueryId},
    sql_types::{Array, BigInt, Json},
};

use crate::{error::AppResult, keys::spaced};

/// Counting on would cost more than the number tells.
pub const MOST: i64 = 1_000;
/// Among very many, of whom only some are meant, each that is counted costs looking at others: there, less far.
const MOST_OF_MANY: i64 = 250;
const MANY: i64 = 10_000;

/// A number of things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Count {
    Exactly(i64),
    /// Estimated from what Postgres knows of the table; more than could be counted.
    About(i64),
    /// So many were counted, and there are more.
    MoreThan(i64),
}

impl Count {
    /// Of so many that were found when looking for one more than `most`.
    pub fn up_to(most: i64, found: i64) -> Self {
        if found > most { Self::MoreThan(most) } else { Self::Exactly(found) }
    }

    pub fn is_none(self) -> bool {
        self == Self::Exactly(0)
    }

    pub fn is_one(self) -> bool {
        self == Self::Exactly(1)
    }

    fn number(self) -> i64 {
        match self {
            Self::Exactly(number) | Self::About(number) | Self::MoreThan(number) => number,
        }
    }
}

impl std::iter::Sum for Count {
    fn sum<I: Iterator<Item = Self>>(counts: I) -> Self {
        counts.fold(Self::Exactly(0), |sum, count| {
            let number = sum.number() + count.number();
            match (sum, count) {
                (Self::Exactly(_), Self::Exactly(_)) => Self::Exactly(number),
                // An estimate may be too high: no sum with one in it is a lower bound.
                (Self::About(_), _) | (_, Self::About(_)) => Self::About(number),
                _ => Self::MoreThan(number),
            }
        })
    }
}

/// “740”, “about 740 000”, “more than 1 000”
impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Exactly(number) => f.write_str(&spaced(number)),
            Self::About(number) => write!(f, "about {}", spaced(rounded(number))),
            Self::MoreThan(number) => write!(f, "more than {}", spaced(number)),
        }
    }
}

/// To two digits: the rest of an estimate means nothing.
fn rounded(number: i64) -> i64 {
    let mut unit = 1;
    while number / unit >= 100 {
        unit *= 10;
    }
    (number + unit / 2) / unit * unit
}

/// How far to count parts of a whole.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn how_far<Q: QueryFragment<Pg>>(conn: &mut PgConnection, whole: &Q) -> AppResult<i64> {
    Ok(if estimate(conn, whole)? > MANY { MOST_OF_MANY } else { MOST })
}

/// How many rows each question has, all in one conversation. Beyond `most` it is what Postgres expects, as its planner
/// does: it counts while explaining how, so that the plan is made once.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count<Q>(conn: &mut PgConnection, asked: &[Q], most: i64) -> AppResult<Vec<Count>>
where
    Q: QueryFragment<Pg>,
{
    let explained = Explained {
        how: "analyze, timing off, summary off, format json",
        what: Bounded { asked, most },
    };
    let plan: serde_json::Value = explained.get_result(conn)?;
    let parts = plan[0]["Plan"]["Plans"].as_array().map(Vec::as_slice).unwrap_or_default();
    if parts.len() != asked.len() {
        return Err(anyhow!("{} counts are explained by {} plans", asked.len(), parts.len()).into());
    }
    Ok(parts.iter().map(|part| read_off(&part["Plans"][0], most)).collect())
}

/// What the plan of a bounded count says: how many rows it let through, and how many it expected without the bound.
fn read_off(bound: &serde_json::Value, most: i64) -> Count {
    let rows =
        |plan: &serde_json::Value, which: &str| plan[which].as_f64().unwrap_or_default() as i64;
    match Count::up_to(most, rows(bound, "Actual Rows")) {
        Count::MoreThan(most) => match rows(&bound["Plans"][0], "Plan Rows") {
            expected if expected > most => Count::About(expected),
            _ => Count::MoreThan(most),
        },
        count => count,
    }
}

/// How many rows each question has; beyond `most` only that there are more.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_up_to<Q>(conn: &mut PgConnection, asked: &[Q], most: i64) -> AppResult<Vec<Count>>
where
    Q: QueryFragment<Pg>,
{
    let found: Vec<i64> = Bounded { asked, most }.get_result(conn)?;
    Ok(found.into_iter().map(|found| Count::up_to(most, found)).collect())
}

/// How many rows Postgres expects, by what it knows of the table.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn estimate<Q: QueryFragment<Pg>>(conn: &mut PgConnection, asked: &Q) -> AppResult<i64> {
    let plan: serde_json::Value = Explained { how: "format json", what: asked }.get_result(conn)?;
    Ok(plan[0]["Plan"]["Plan Rows"].as_i64().unwrap_or_default())
}

struct Bounded<'a, Q> {
    asked: &'a [Q],
    most: i64,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Bounded<'_, Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("select array[");
        for (at, query) in self.asked.iter().enumerate() {
            out.push_sql(if at == 0 { "(" } else { ", (" });
            out.push_sql("select count(*) from (");
            query.walk_ast(out.reborrow())?;
            out.push_sql(&format!(" limit {}) as found)", self.most + 1));
        }
        out.push_sql("]::bigint[]");
        Ok(())
    }
}

impl<Q> Query for Bounded<'_, Q> {
    type SqlType = Array<BigInt>;
}
impl<Q> QueryId for Bounded<'_, Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<Q> RunQueryDsl<PgConnection> for Bounded<'_, Q> {}

struct Explained<Q> {
    how: &'static str,
    what: Q,
}

impl<Q: QueryFragment<Pg>> QueryFragment<Pg> for Explained<Q> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.unsafe_to_cache_prepared();
        out.push_sql("explain (");
        out.push_sql(self.how);
        out.push_sql(") ");
        self.what.walk_ast(out)
    }
}

impl<Q> Query for Explained<Q> {
    type SqlType = Json;
}
impl<Q> QueryId for Explained<Q> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}
impl<Q> RunQueryDsl<PgConnection> for Explained<Q> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_estimate_says_that_it_is_one_and_no_more_digits_than_it_has() {
        let said = |count: Count| count.to_string().replace('\u{202f}', " ");
        assert_eq!(said(Count::Exactly(1_234)), "1 234");
        assert_eq!(said(Count::About(741_023)), "about 740 000");
        assert_eq!(said(Count::About(1_986)), "about 2 000");
        assert_eq!(said(Count::MoreThan(1_000)), "more than 1 000");
    }

    #[test]
    fn a_sum_is_as_sure_as_the_least_sure_of_it() {
        let sum = |counts: &[Count]| counts.iter().copied().sum::<Count>();
        assert_eq!(sum(&[]), Count::Exactly(0));
        assert_eq!(sum(&[Count::Exactly(2), Count::Exactly(3)]), Count::Exactly(5));
        assert_eq!(sum(&[Count::Exactly(2), Count::About(5_000)]), Count::About(5_002));
        assert_eq!(sum(&[Count::MoreThan(1_000), Count::Exactly(1)]), Count::MoreThan(1_001));
        let mixed = [Count::About(5_000), Count::MoreThan(1_000), Count::Exactly(1)];
        assert_eq!(sum(&mixed), Count::About(6_001));
    }
}
