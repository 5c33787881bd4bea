//! Searching keys by what people remember of them.

use diesel::{
    PgConnection,
    dsl::sql,
    prelude::*,
    sql_types::{Bool, Text},
};

use super::narrow::Bare;
use crate::{
    credentials::Presented,
    error::AppResult,
    schema::{applications, keys, users},
};

/// Whether that is a whole public key.
pub(super) fn names_a_key(words: &str) -> bool {
    matches!(Presented::parse(words), Some(Presented::PublicKey(_)))
}

/// Every character is meant literally. Under three letters a trigram index is of no help: only beginnings are
/// searched, of names in the index they are sorted by. Public keys, random as they are, are found whole or by their
/// beginning. Applications and owners are few, and looked up first: their keys then are a matter of indexes too.
pub(super) fn matching(conn: &mut PgConnection, query: Bare, words: &str) -> AppResult<Bare> {
    let literal = words.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let is_short = words.chars().count() < 3;
    let (beginning, within) = (format!("{literal}%"), format!("%{literal}%"));
    let pattern = if is_short { beginning.clone() } else { within };
    let in_applications: Vec<i64> = applications::table
        .filter(applications::name.ilike(&pattern))
        .select(applications::id)
        .load(conn)?;
    let of_owners: Vec<i64> = users::table
        .filter(users::name.ilike(&pattern).or(users::email.ilike(&pattern)))
        .select(users::id)
        .load(conn)?;
    let by_key = keys::public_key.like(beginning);
    let by_place = keys::application_id
        .eq_any(in_applications)
        .or(keys::owner_id.eq_any(of_owners).assume_not_null());
    Ok(if is_short {
        let by_name = sql::<Bool>("lower(keys.name) collate \"C\" like lower(")
            .bind::<Text, _>(pattern)
            .sql(")");
        query.filter(by_name.or(by_key).or(by_place))
    } else {
        query.filter(keys::name.ilike(pattern).or(by_key).or(by_place))
    })
}
