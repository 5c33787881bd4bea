//! Whatever a verdict depends on is written down when it changes, whoever changes it and however.

use diesel::{connection::SimpleConnection, prelude::*};
use latchkey::{changes, nodes, schema::changes as rows};

use super::fleet::Fleet;

type Row = (String, i64, Option<String>);

/// What is written down by these statements, each in a transaction of its own.
fn noted(fleet: &Fleet, sql: &str) -> Vec<Row> {
    let conn = &mut fleet.conn();
    diesel::delete(rows::table).execute(conn).unwrap();
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows::table.order(rows::id).select((rows::what, rows::row_id, rows::status)).load(conn).unwrap()
}

#[test]
fn every_change_of_what_a_verdict_depends_on_is_noted_once() {
    let fleet = Fleet::gather();
    let id = fleet.key().id;
    let setup = format!(
        "insert into customers (external_id) values ('cus_1');
         insert into key_customers select {id}, id from customers;
         insert into key_permissions select {id}, id from permissions limit 2;
         insert into key_limits values ({id}, 1, 5);"
    );
    assert_eq!(noted(&fleet, &setup), []);
    let of_key = |status: &str| vec![("key".to_owned(), id, Some(status.to_owned()))];
    for (sql, status) in [
        ("update keys set name = 'other', note = 'x', version = version + 1", "active"),
        ("update keys set allowed_ips = '{10.0.0.0/8}'", "active"),
        ("update keys set disabled_at = now()", "inactive"),
        ("update keys set disabled_at = null, expires_at = now() - interval '1 hour'", "expired"),
        ("update keys set expires_at = null", "active"),
        ("update key_secrets set ends_at = now() + interval '1 hour'", "active"),
        ("update key_secrets set ends_at = now()", "replaced"),
        (
            "update key_secrets set ends_at = clock_timestamp(); update keys set version = version + 1",
            "replaced",
        ),
        ("update key_limits set requests = 4", "active"),
        ("delete from key_limits", "active"),
        ("delete from key_permissions", "active"),
        ("update customers set external_id = 'cus_2'", "active"),
        ("delete from key_customers", "active"),
        ("update keys set revoked_at = now()", "revoked"),
        ("update keys set deleted_at = now()", "deleted"),
    ] {
        assert_eq!(noted(&fleet, &format!("begin; {sql}; commit")), of_key(status), "{sql}");
    }
    for (sql, what) in [
        ("update applications set name = 'Other'", "application"),
        ("update applications set archived_at = now()", "application"),
        ("update gateways set revoked_at = now()", "gateway"),
        ("update permissions set slug = slug || '2'", "catalogue"),
        ("update sections set position = position + 1", "catalogue"),
        ("update environments set name = name || '2'", "catalogue"),
        (
            "insert into permissions (section_id, slug, label, description, access, position) \
             select id, 'new', 'New', 'New', 'READ', 1 from sections limit 1",
            "catalogue",
        ),
        ("truncate key_secrets cascade", "everything"),
        ("truncate key_sections", "everything"),
        ("truncate key_permissions", "everything"),
        ("truncate key_limits", "everything"),
        ("truncate key_customers", "everything"),
        ("truncate gateways cascade", "everything"),
        ("truncate keys cascade", "everything"),
        ("truncate applications cascade", "everything"),
    ] {
        let noted = noted(&fleet, sql);
        assert_eq!(noted.iter().map(|row| row.0.as_str()).collect::<Vec<_>>(), [what], "{sql}");
    }
}

#[test]
fn what_happens_all_the_time_is_not_noted_and_what_is_undone_neither() {
    let fleet = Fleet::gather();
    let id = fleet.key().id;
    for sql in [
        "update keys set last_used_at = now(), owner_id = null, revoke_reason = 'x'".to_owned(),
        "update gateways set last_contact_at = now()".into(),
        "update applications set secret_last_used_at = now()".into(),
        "update key_secrets set sealed = null".into(),
        "update customers set external_id = external_id, name = 'x'".into(),
        "begin; update keys set revoked_at = now(); rollback".into(),
        format!(
            "begin; savepoint one; update keys set revoked_at = now() where id = {id}; \
             rollback to one; commit"
        ),
    ] {
        assert_eq!(noted(&fleet, &sql), [], "{sql}");
    }
    fleet.keys(10);
    assert_eq!(noted(&fleet, "select 1"), [], "new keys are nobody's memory");
}

#[test]
fn a_month_later_nobody_has_to_read_it_and_a_day_later_nobody_waits_for_a_node() {
    let fleet = Fleet::gather();
    let node = "insert into nodes (id, name, address, version, started_at, seen_at, began, applied) values";
    let sql = format!(
        "update keys set revoked_at = now();
         update changes set at = now() - interval '31 days';
         {node} (gen_random_uuid(), 'vanished', '', '', now(), now() - interval '25 hours', '1:1:', '1:1:');
         {node} (gen_random_uuid(), 'alive', 'a', '', now() - interval '2 days', now() - interval '1 hour', '1:1:', '1:1:');
         {node} (gen_random_uuid(), 'back', 'b', '', now() - interval '1 hour', now() - interval '1 hour', '1:1:', '1:1:');
         {node} (gen_random_uuid(), 'back', 'b', '', now(), now(), '1:1:', '1:1:');"
    );
    fleet.key();
    assert_eq!(noted(&fleet, &sql).len(), 1);
    let conn = &mut fleet.conn();
    changes::sweep(conn).unwrap();
    nodes::sweep(conn).unwrap();
    assert_eq!(rows::table.count().get_result::<i64>(conn), Ok(0));
    let left: Vec<String> = {
        use latchkey::schema::nodes::dsl;
        dsl::nodes.select(dsl::name).order(dsl::name).load(conn).unwrap()
    };
    assert_eq!(left, ["alive", "back"]);
}
