//! Changing customers: administrators only. No change here alters what a key may do: the id of a customer never
//! changes, and nobody is removed to whom a key is restricted.

use diesel::{
    PgConnection,
    prelude::*,
    sql_query,
    sql_types::{Array, Bool, Text},
};
use serde_json::json;

use super::{
    model::{Customer, parse_external_id, parse_name},
    sheet::{Row, Sheet},
};
use crate::{
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    schema::{customers, key_customers, keys},
    users::Viewer,
};

/// The customer of that id, added when it is not known yet: for whoever restricts a key to it.
///
/// # Errors
/// [`AppError::Unprocessable`] when the id cannot be one, [`AppError::NoApiAccess`] without API access.
pub fn find_or_add(
    conn: &mut PgConnection,
    viewer: &Viewer,
    external_id: &str,
) -> AppResult<Customer> {
    let viewer = viewer.confirm_api_access(conn)?;
    let external_id = parse_external_id(external_id).map_err(AppError::Unprocessable)?;
    let added: Option<Customer> = diesel::insert_into(customers::table)
        .values(customers::external_id.eq(external_id))
        .on_conflict_do_nothing()
        .returning(Customer::as_returning())
        .get_result(conn)
        .optional()?;
    if let Some(customer) = added {
        record(conn, &viewer, &customer, Action::CustomerAdded, json!({ "name": customer.name }))?;
        return Ok(customer);
    }
    Ok(customers::table
        .filter(customers::external_id.eq(external_id))
        .select(Customer::as_select())
        .first(conn)?)
}

/// Adds a customer.
///
/// # Errors
/// [`AppError::Forbidden`]; [`AppError::Unprocessable`] for id and name; violates `customers_external_id` when the id
/// is known.
pub fn add(
    conn: &mut PgConnection,
    viewer: &Viewer,
    external_id: &str,
    name: &str,
) -> AppResult<Customer> {
    let viewer = viewer.confirm_administrator(conn)?;
    let external_id = parse_external_id(external_id).map_err(AppError::Unprocessable)?;
    let name = parse_name(name).map_err(AppError::Unprocessable)?;
    let customer: Customer = diesel::insert_into(customers::table)
        .values((customers::external_id.eq(external_id), customers::name.eq(&name)))
        .returning(Customer::as_returning())
        .get_result(conn)?;
    record(conn, &viewer, &customer, Action::CustomerAdded, json!({ "name": name }))?;
    Ok(customer)
}

/// Calls a customer something else. The id is the platform's and stays.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Unprocessable`] for the name.
pub fn rename(
    conn: &mut PgConnection,
    viewer: &Viewer,
    id: i64,
    name: &str,
) -> AppResult<Customer> {
    let viewer = viewer.confirm_administrator(conn)?;
    let name = parse_name(name).map_err(AppError::Unprocessable)?;
    let before = hold(conn, id)?;
    if before.name == name {
        return Ok(before);
    }
    diesel::update(customers::table.find(id)).set(customers::name.eq(&name)).execute(conn)?;
    let details = json!({ "name": [before.name, name] });
    let customer = Customer { name, ..before };
    record(conn, &viewer, &customer, Action::CustomerRenamed, details)?;
    Ok(customer)
}

/// Removes a customer. A key that is restricted to nobody would be open to everybody, so one to whom any key is
/// restricted stays; whoever restricts a key meanwhile waits, and then finds the customer gone.
///
/// # Errors
/// [`AppError::Forbidden`], [`AppError::NotFound`], [`AppError::Conflict`] while a key is restricted to it.
pub fn remove(conn: &mut PgConnection, viewer: &Viewer, id: i64) -> AppResult<Customer> {
    let viewer = viewer.confirm_administrator(conn)?;
    let customer = hold(conn, id)?;
    let restricted: Vec<i64> = key_customers::table
        .inner_join(keys::table)
        .filter(key_customers::customer_id.eq(id).and(keys::deleted_at.is_null()))
        .select(keys::id)
        .load(conn)?;
    if !restricted.is_empty() {
        return Err(AppError::Conflict(format!(
            "{} stays as long as keys are restricted to it. Change or delete these keys first.",
            customer.called()
        )));
    }
    // What is left belongs to deleted keys, which are never good again.
    diesel::delete(key_customers::table.filter(key_customers::customer_id.eq(id))).execute(conn)?;
    diesel::delete(customers::table.find(id)).execute(conn)?;
    let details = json!({ "name": [customer.name, null] });
    record(conn, &viewer, &customer, Action::CustomerRemoved, details)?;
    Ok(customer)
}

/// So many rows are written by one statement.
const IN_A_STATEMENT: usize = 1_000;

/// What an import did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Imported {
    pub new: usize,
    pub renamed: usize,
    pub unchanged: usize,
}

impl Imported {
    /// In words.
    pub fn said(self) -> String {
        let Self { new, renamed, unchanged } = self;
        format!("Imported: {new} new, {renamed} renamed, {unchanged} unchanged.")
    }
}

#[derive(QueryableByName)]
struct Written {
    #[diesel(sql_type = Bool)]
    is_new: bool,
}

/// Adds the customers of a sheet that are not known, and gives those that are the sheet's names. All or none. `told`
/// hears how many are done, and may stop it: then none is.
///
/// # Errors
/// [`AppError::Forbidden`]; what `told` answers.
pub fn import<E: From<AppError>>(
    conn: &mut PgConnection,
    viewer: &Viewer,
    sheet: &Sheet,
    mut told: impl FnMut(usize) -> Result<(), E>,
) -> Result<Imported, E> {
    let viewer = viewer.confirm_administrator(conn)?;
    // In one order, so that two imports wait for each other instead of for ever.
    let mut rows: Vec<&Row> = sheet.rows.iter().collect();
    rows.sort_by(|one, other| one.external_id.cmp(&other.external_id));
    let (mut new, mut written, mut done) = (0, 0, 0);
    for some in rows.chunks(IN_A_STATEMENT) {
        told(done)?;
        let outcome = write(conn, some)?;
        new += outcome.iter().filter(|row| row.is_new).count();
        written += outcome.len();
        done += some.len();
    }
    told(done)?;
    let imported = Imported { new, renamed: written - new, unchanged: sheet.rows.len() - written };
    if written > 0 {
        let subject = Subject { id: "customers", name: "Customers" };
        let details = json!({ "new": imported.new, "renamed": imported.renamed });
        audit::record(conn, &viewer, Action::CustomersImported, subject, details)?;
    }
    Ok(imported)
}

/// A row that was there has an xmax.
fn write(conn: &mut PgConnection, rows: &[&Row]) -> AppResult<Vec<Written>> {
    let (ids, names): (Vec<&str>, Vec<&str>) =
        rows.iter().map(|row| (row.external_id.as_str(), row.name.as_str())).unzip();
    Ok(sql_query(
        "insert into customers (external_id, name) \
         select * from unnest($1, $2) as sheet (external_id, name) order by sheet.external_id collate \"C\" \
         on conflict (external_id) do update set name = excluded.name \
         where excluded.name <> '' and customers.name <> excluded.name \
         returning xmax = 0 as is_new",
    )
    .bind::<Array<Text>, _>(ids)
    .bind::<Array<Text>, _>(names)
    .load(conn)?)
}

/// The customer, whom nobody else changes, and to whom nobody restricts a key, until the transaction ends.
fn hold(conn: &mut PgConnection, id: i64) -> AppResult<Customer> {
    Ok(customers::table.find(id).select(Customer::as_select()).for_update().first(conn)?)
}

fn record(
    conn: &mut PgConnection,
    viewer: &Viewer,
    customer: &Customer,
    action: Action,
    details: serde_json::Value,
) -> AppResult<()> {
    let subject = Subject { id: &customer.subject(), name: &customer.external_id };
    audit::record(conn, viewer, action, subject, details)
}
