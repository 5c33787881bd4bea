//! Reading customers. Every question starts at [`visible_to`].

use std::collections::HashMap;

use diesel::{PgConnection, dsl, pg::Pg, prelude::*};

use super::{
    Customer,
    filter::{Cursor, Filter},
    sheet::{Row, Sheet},
};
use crate::{
    error::{AppError, AppResult},
    schema::{customers, key_customers, keys},
    users::Viewer,
};

/// Rows on a page of the list.
pub const PAGE: usize = 25;

type Customers<'a> =
    dsl::IntoBoxed<'a, dsl::Select<customers::table, dsl::AsSelect<Customer, Pg>>, Pg>;

/// Administrators see all customers; to anybody else there are none. Whoever owns a key sees its own on its page.
fn visible_to<'a>(viewer: &Viewer) -> AppResult<Customers<'a>> {
    if !viewer.is_administrator() {
        return Err(AppError::NotFound);
    }
    Ok(customers::table.select(Customer::as_select()).into_boxed())
}

/// A page of the list.
pub struct Page {
    /// With the number of keys that are restricted to each.
    pub customers: Vec<(Customer, i64)>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
    /// Where the previous one ends.
    pub previous: Option<Cursor>,
}

/// The customers that match, the last that were added first.
///
/// # Errors
/// [`AppError::NotFound`] unless an administrator asks.
pub fn list(conn: &mut PgConnection, viewer: &Viewer, filter: &Filter) -> AppResult<Page> {
    let mut query = visible_to(viewer)?;
    if let Some(words) = &filter.search {
        query = matching(query, words);
    }
    let backwards = filter.cursor.is_some_and(|cursor| cursor.backwards);
    query = match filter.cursor {
        Some(Cursor { id, backwards: true }) => query.filter(customers::id.gt(id)),
        Some(Cursor { id, backwards: false }) => query.filter(customers::id.lt(id)),
        None => query,
    };
    query = if backwards {
        query.order(customers::id.asc())
    } else {
        query.order(customers::id.desc())
    };
    let mut found: Vec<Customer> = query.limit(PAGE as i64 + 1).load(conn)?;
    if found.is_empty() && filter.cursor.is_some() {
        // All that was on this page has gone meanwhile.
        return list(conn, viewer, &Filter { cursor: None, ..filter.clone() });
    }
    let more = found.len() > PAGE;
    found.truncate(PAGE);
    if backwards {
        found.reverse();
    }
    let (has_next, has_previous) =
        if backwards { (true, more) } else { (more, filter.cursor.is_some()) };
    let at = |customer: Option<&Customer>, backwards| {
        customer.map(|customer| Cursor { id: customer.id, backwards })
    };
    let next = if has_next { at(found.last(), false) } else { None };
    let previous = if has_previous { at(found.first(), true) } else { None };
    let mut counts = count_keys(conn, &found)?;
    let customers = found
        .into_iter()
        .map(|customer| {
            let count = counts.remove(&customer.id).unwrap_or_default();
            (customer, count)
        })
        .collect();
    Ok(Page { customers, next, previous })
}

/// Whether there is any customer at all: an empty list and a search that finds nothing are different pages.
///
/// # Errors
/// [`AppError::NotFound`] unless an administrator asks.
pub fn has_any(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<bool> {
    Ok(!visible_to(viewer)?.limit(1).load(conn)?.is_empty())
}

/// One customer.
///
/// # Errors
/// [`AppError::NotFound`], also unless an administrator asks.
pub fn find(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Customer> {
    Ok(visible_to(viewer)?.filter(customers::id.eq(id)).first(conn)?)
}

/// How many keys are restricted to each of these; deleted ones don't count.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn count_keys(conn: &mut PgConnection, of: &[Customer]) -> AppResult<HashMap<i64, i64>> {
    let ids: Vec<i64> = of.iter().map(|customer| customer.id).collect();
    let counts: Vec<(i64, i64)> = key_customers::table
        .inner_join(keys::table)
        .filter(keys::deleted_at.is_null().and(key_customers::customer_id.eq_any(ids)))
        .group_by(key_customers::customer_id)
        .select((key_customers::customer_id, dsl::count_star()))
        .load(conn)?;
    Ok(counts.into_iter().collect())
}

/// What an import would do.
#[derive(Debug, Default)]
pub struct Plan {
    pub new: Vec<Row>,
    /// With the name each has now.
    pub renamed: Vec<(Row, String)>,
    pub unchanged: usize,
}

/// Compares a sheet with what is known.
///
/// # Errors
/// [`AppError::NotFound`] unless an administrator asks.
pub fn plan(conn: &mut PgConnection, viewer: &Viewer, sheet: &Sheet) -> AppResult<Plan> {
    let ids: Vec<&str> = sheet.rows.iter().map(|row| row.external_id.as_str()).collect();
    let known: Vec<Customer> =
        visible_to(viewer)?.filter(customers::external_id.eq_any(ids)).load(conn)?;
    let names: HashMap<&str, &str> = known
        .iter()
        .map(|customer| (customer.external_id.as_str(), customer.name.as_str()))
        .collect();
    let mut plan = Plan::default();
    for row in &sheet.rows {
        match names.get(row.external_id.as_str()) {
            None => plan.new.push(row.clone()),
            Some(name) if row.name.is_empty() || *name == row.name => plan.unchanged += 1,
            Some(name) => plan.renamed.push((row.clone(), (*name).to_owned())),
        }
    }
    Ok(plan)
}

/// Every character is meant literally. Under three letters a trigram index is of no help: only beginnings are
/// searched.
fn matching<'a>(query: Customers<'a>, words: &str) -> Customers<'a> {
    let literal = words.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    let pattern =
        if words.chars().count() < 3 { format!("{literal}%") } else { format!("%{literal}%") };
    query.filter(customers::external_id.ilike(pattern.clone()).or(customers::name.ilike(pattern)))
}
