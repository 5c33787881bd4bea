//! Who could change the trail. Triggers refuse it to everybody; but whoever owns the table can switch triggers off, so
//! the server may be run as a role that only adds to the trail (`latchkey migrate --serve-as ROLE`).

use diesel::{
    PgConnection,
    dsl::sql,
    prelude::*,
    sql_query,
    sql_types::{Bool, Text},
};

use crate::error::AppResult;

/// What the role of this connection could do to the trail.
#[derive(Debug, Clone, QueryableByName)]
pub struct Standing {
    #[diesel(sql_type = Text)]
    pub role: String,
    /// It could switch off what keeps the trail from being changed.
    #[diesel(sql_type = Bool)]
    pub could_change: bool,
    /// The triggers that keep it are there and switched on.
    #[diesel(sql_type = Bool)]
    pub is_kept: bool,
}

/// Looks at the rights of this connection's role.
///
/// # Errors
/// When Postgres cannot be asked, or the trail is not there yet.
pub fn standing(conn: &mut PgConnection) -> AppResult<Standing> {
    Ok(sql_query(
        "select current_user::text as role,
            (select rolsuper from pg_roles where rolname = current_user)
                or exists (
                    select from pg_class
                    where oid in ('audit_events'::regclass, 'audit_incoming'::regclass)
                        and pg_has_role(current_user, relowner, 'member')
                )
                or exists (
                    select from pg_namespace join pg_class on relnamespace = pg_namespace.oid
                    where pg_class.oid = 'audit_events'::regclass and pg_has_role(current_user, nspowner, 'member')
                )
                or has_table_privilege('audit_events', 'INSERT, UPDATE, DELETE, TRUNCATE, TRIGGER')
                or has_table_privilege('audit_incoming', 'UPDATE, DELETE, TRUNCATE, TRIGGER') as could_change,
            (
                select count(*) = 2 from pg_trigger
                where (tgrelid, tgname) in (
                        ('audit_events'::regclass, 'audit_events_only_grow'),
                        ('audit_incoming'::regclass, 'audit_incoming_seal')
                    ) and tgenabled = 'A'
            ) as is_kept",
    )
    .get_result(conn)?)
}

/// Lets a role serve: it may use everything, and of the trail it may read what is written and add to it. Whoever asks
/// owns the tables. Asking twice changes nothing; what later migrations add has to be granted again.
///
/// # Errors
/// When there is no such role, or Postgres refuses.
pub fn let_serve(conn: &mut PgConnection, role: &str) -> AppResult<()> {
    let schema: String =
        diesel::select(sql::<Text>("quote_ident(current_schema())")).get_result(conn)?;
    let role = format!("\"{}\"", role.replace('"', "\"\""));
    for statement in [
        format!("grant usage on schema {schema} to {role}"),
        format!("grant select, insert, update, delete on all tables in schema {schema} to {role}"),
        format!("grant usage on all sequences in schema {schema} to {role}"),
        format!(
            "revoke all on __diesel_schema_migrations, audit_events, audit_incoming from {role}"
        ),
        format!("grant select on __diesel_schema_migrations, audit_events to {role}"),
        format!("grant insert on audit_incoming to {role}"),
    ] {
        sql_query(statement).execute(conn)?;
    }
    Ok(())
}
