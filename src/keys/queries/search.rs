//! Searching keys by what people remember of them.

use diesel::{
    BoxableExpression, PgConnection,
    dsl::sql,
    pg::Pg,
    prelude::*,
    sql_types::{Bool, Text},
};

use super::narrow::Bare;
use crate::{
    counted,
    credentials::Presented,
    error::AppResult,
    schema::{applications, environments, keys, users},
};

/// Whether that is a whole public key.
pub(super) fn names_a_key(words: &str) -> bool {
    matches!(Presented::parse(words), Some(Presented::PublicKey(_)))
}

/// Whether names are searched within, and not only by how they begin.
pub(super) fn looks_within(words: &str) -> bool {
    words.chars().count() >= 3
}

type Condition = Box<dyn BoxableExpression<keys::table, Pg, SqlType = Bool>>;

/// Every character is meant literally. Under three letters a trigram index is of no help: only beginnings are
/// searched, of names in the index they are sorted by. Public keys, random as they are, are found whole or by their
/// beginning. Applications and owners are few, and looked up first: their keys then are a matter of indexes too.
/// What cannot be, is not asked: each condition is tried on every key that is looked at.
pub(super) fn matching(conn: &mut PgConnection, query: Bare, words: &str) -> AppResult<Bare> {
    let literal = words.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let beginning = format!("{literal}%");
    let pattern = if looks_within(words) { format!("%{beginning}") } else { beginning.clone() };
    let in_applications: Vec<i64> = applications::table
        .filter(applications::name.ilike(&pattern))
        .select(applications::id)
        .load(conn)?;
    let of_owners: Vec<i64> = users::table
        .filter(users::name.ilike(&pattern).or(users::email.ilike(&pattern)))
        .select(users::id)
        .load(conn)?;
    let mut any = named(conn, pattern, words)?;
    if may_begin_a_key(conn, words)? {
        any = Box::new(any.or(keys::public_key.like(beginning)));
    }
    if !in_applications.is_empty() {
        any = Box::new(any.or(keys::application_id.eq_any(in_applications)));
    }
    if !of_owners.is_empty() {
        any = Box::new(any.or(keys::owner_id.eq_any(of_owners).assume_not_null()));
    }
    Ok(query.filter(any))
}

/// Up to so many keys are gathered by parts of their names, and then looked at whole.
const FEW: i64 = 5_000;
/// So many letters of a word, of so many words, tell few keys from all others.
const LETTERS: usize = 4;
const WORDS: usize = 3;

/// Several words have dozens of trigrams, each a list of tens of thousands of keys to read. The beginnings of the words
/// leave hardly more keys and have a few.
fn named(conn: &mut PgConnection, pattern: String, words: &str) -> AppResult<Condition> {
    let whole = name_like("", pattern.clone());
    let parts: Vec<String> = words
        .split(|letter: char| !letter.is_alphanumeric())
        .filter(|word| word.chars().count() >= 3)
        .map(|word| format!("%{}%", word.chars().take(LETTERS).collect::<String>()))
        .take(WORDS)
        .collect();
    if parts.len() < 2 {
        return Ok(whole);
    }
    let on_the_list = keys::table.into_boxed().filter(keys::deleted_at.is_null());
    let expected = on_the_list.filter(name_like("", pattern.clone()));
    if counted::estimate(conn, &expected)? > FEW {
        return Ok(whole);
    }
    // Said so that no index is asked for it.
    let whole = name_like(" || ''", pattern);
    Ok(parts.into_iter().fold(whole, |all, part| Box::new(all.and(name_like("", part)))))
}

fn name_like(said: &str, pattern: String) -> Condition {
    let name = sql::<Bool>(&format!("keys.name_folded{said} like lower("));
    Box::new(name.bind::<Text, _>(pattern).sql(")"))
}

/// Whether public keys of any environment begin so, as far as it goes.
fn may_begin_a_key(conn: &mut PgConnection, words: &str) -> AppResult<bool> {
    let prefixes: Vec<String> = environments::table.select(environments::prefix).load(conn)?;
    Ok(prefixes.iter().any(|prefix| {
        let start = format!("{prefix}_pk_");
        start.starts_with(words) || words.starts_with(&start)
    }))
}
