//! Customers come to be known when a key is restricted to them.

use diesel::{PgConnection, prelude::*};

use super::model::{Customer, parse_external_id};
use crate::{
    error::{AppError, AppResult},
    schema::customers,
    users::Viewer,
};

/// The customer of that id, added when it is not known yet.
///
/// # Errors
/// [`AppError::Unprocessable`] when the id cannot be one, [`AppError::NoApiAccess`] without API access.
pub fn find_or_add(
    conn: &mut PgConnection,
    viewer: &Viewer,
    external_id: &str,
) -> AppResult<Customer> {
    viewer.confirm_api_access(conn)?;
    let external_id = parse_external_id(external_id).map_err(AppError::Unprocessable)?;
    diesel::insert_into(customers::table)
        .values(customers::external_id.eq(external_id))
        .on_conflict_do_nothing()
        .execute(conn)?;
    Ok(customers::table
        .filter(customers::external_id.eq(external_id))
        .select(Customer::as_select())
        .first(conn)?)
}
