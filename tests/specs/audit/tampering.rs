//! Whoever can change the table is found out, and where.

use diesel::{connection::SimpleConnection, prelude::*, sql_query, sql_types::Text};
use latchkey::{
    applications,
    audit::verify::{self, Fault},
    users::Viewer,
};

use super::tamper;
use crate::support::{TestApp, terminal::Terminal};

/// A trail of some thirty events.
fn trail() -> TestApp {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    for n in 0..20 {
        app.key(&ada, &format!("bot {n}"));
    }
    app
}

/// The numbers that the faults are about, and of which kind they are.
#[track_caller]
fn found(app: &TestApp, statement: &str) -> Vec<(&'static str, i64)> {
    let conn = &mut app.database.connect();
    let whole = verify::verify(conn, None).unwrap().faults;
    assert!(whole.is_empty(), "{whole:?} before {statement}");
    conn.batch_execute("create table kept as select * from audit_events").unwrap();
    tamper(conn, statement);
    let faults = verify::verify(conn, None).unwrap().faults;
    tamper(
        conn,
        "delete from audit_events; insert into audit_events select * from kept; drop table kept",
    );
    faults
        .iter()
        .map(|fault| match fault {
            Fault::Missing { first, last } => {
                assert_eq!(first, last);
                ("missing", *first)
            }
            Fault::Changed(now) => ("changed", now.number),
            Fault::HashChanged(now) => ("hash changed", now.number),
            Fault::Untied(now) => ("untied", now.number),
            Fault::HeadMissing { .. } => ("head missing", 0),
        })
        .collect()
}

#[test]
fn one_changed_byte_of_any_column_is_found() {
    let app = trail();
    for change in [
        "at = at + interval '1 microsecond'",
        "actor_id = coalesce(actor_id, 0) + 1",
        "actor = overlay(actor placing 'X' from 2)",
        "ip = '203.0.113.9'",
        "request_id = gen_random_uuid()",
        "action = 'key.createe'",
        "subject = subject || 'x'",
        "subject_name = 'bot  3'",
        "details = details || '{\"note\": \"x\"}'",
        "details = '{}'",
    ] {
        let statement = format!("update audit_events set {change} where id = 10");
        assert_eq!(found(&app, &statement), [("changed", 10)], "{change}");
    }
}

#[test]
fn a_changed_hash_is_told_from_a_changed_event() {
    let app = trail();
    let set = |column: &str| {
        format!(
            "update audit_events set {column} = set_byte({column}, 7, get_byte({column}, 7) # 1) where id = 10"
        )
    };
    assert_eq!(found(&app, &set("hash")), [("hash changed", 10)]);
    assert_eq!(found(&app, &set("previous_hash")), [("hash changed", 10)]);
}

#[test]
fn what_was_taken_out_put_in_or_swapped_is_found() {
    let app = trail();
    assert_eq!(found(&app, "delete from audit_events where id = 10"), [("missing", 10)]);
    assert_eq!(found(&app, "delete from audit_events where id = 1"), [("missing", 1)]);
    let swap = "update audit_events set id = 1010 where id = 10;
        update audit_events set id = 10 where id = 11;
        update audit_events set id = 11 where id = 1010";
    assert_eq!(found(&app, swap), [("changed", 10), ("changed", 11), ("untied", 12)]);
    let put_in = "update audit_events set id = id + 1000 where id > 9;
        update audit_events set id = id - 999 where id > 1000;
        insert into audit_events select 10, at, actor_id, actor, ip, request_id, action, subject, subject_name, details, previous_hash, hash
            from audit_events where id = 9";
    assert_eq!(found(&app, put_in).first(), Some(&("changed", 10)));
    // Taken out, and the rest given numbers without a gap.
    let closed = "delete from audit_events where id = 10;
        update audit_events set id = id + 1000 where id > 10;
        update audit_events set id = id - 1001 where id > 1000";
    assert_eq!(found(&app, closed).first(), Some(&("changed", 10)));
}

#[test]
fn an_event_that_was_hashed_again_does_not_fit_what_follows() {
    let app = trail();
    let again = "update audit_events set actor = 'Nobody' where id = 10;
        update audit_events set hash = sha256(previous_hash || audit_encoding(
            id, at, actor_id, actor, ip, request_id, action, subject, subject_name, details)) where id = 10";
    assert_eq!(found(&app, again), [("untied", 11)]);
}

#[test]
fn only_a_head_that_was_kept_elsewhere_finds_a_missing_end_or_another_trail() {
    let terminal = Terminal::open();
    terminal.add_application("Store");
    terminal.add_application("Office");
    let head = terminal.type_in("audit head --json").succeeds().json("hash");
    let verify = |more: &str| terminal.type_in(&format!("audit verify{more}"));
    let with_head = format!(" --head {head}");
    verify(&with_head).succeeds().says("and ends with the head that was given");
    terminal.add_application("Warehouse");
    verify(&with_head).succeeds().says("and holds the head that was given, as event");
    verify("").succeeds().says("events in one chain");

    let conn = &mut terminal.connect();
    tamper(conn, "delete from audit_events where id > (select max(id) - 2 from audit_events)");
    verify("").succeeds();
    verify(&with_head).fails_with("its end was cut off, or it was rewritten");
    verify(" --head nonsense").fails_with("64 hexadecimal digits");
}

#[test]
fn the_program_says_which_event_was_changed_when_and_by_whom() {
    let terminal = Terminal::open();
    terminal.type_in("audit head").fails_with("nothing has happened yet");
    terminal.type_in("audit verify").succeeds().says("The trail is empty.");
    terminal.add_application("Store");
    let last = terminal.type_in("audit head").succeeds().out.clone();
    let number = last.split(' ').next().unwrap();
    tamper(
        &mut terminal.connect(),
        "update audit_events set subject_name = 'Stare', actor = E'\\x1b[2J' where action = 'application.created'",
    );
    let outcome = terminal.type_in("audit verify");
    outcome
        .fails_with(&format!("event {number} (now: "))
        .fails_with("\"\\u{1b}[2J\"")
        .fails_with("\"application.created\"")
        .fails_with("was changed after it was written");
}

#[test]
fn the_database_refuses_every_change_of_the_trail() {
    let app = trail();
    let conn = &mut app.database.connect();
    for statement in [
        "update audit_events set actor = 'x' where id = 1",
        "update audit_events set actor = 'x' where false",
        "delete from audit_events where id = 1",
        "truncate audit_events",
        "set session_replication_role = replica; delete from audit_events",
    ] {
        let refused = conn.batch_execute(statement).unwrap_err().to_string();
        assert!(refused.contains("the audit trail only grows"), "{statement}: {refused}");
    }
}

#[test]
fn what_was_written_before_there_was_a_chain_is_part_of_it() {
    #[derive(QueryableByName)]
    struct Told {
        #[diesel(sql_type = Text)]
        told: String,
    }
    let app = trail();
    let conn = &mut app.database.connect();
    let ask = "select string_agg(concat_ws(' ', at, actor, action, subject, details), E'\\n' order by id) as told from audit_events";
    let before: Told = sql_query(ask).get_result(conn).unwrap();
    conn.batch_execute(include_str!(
        "../../../migrations/2026-11-29-000041_find_audit_events/down.sql"
    ))
    .unwrap();
    conn.batch_execute(include_str!(
        "../../../migrations/2026-11-29-000040_chain_audit_events/down.sql"
    ))
    .unwrap();
    // As it was: numbers had gaps where acts were undone.
    tamper_before(conn);
    conn.batch_execute(include_str!(
        "../../../migrations/2026-11-29-000040_chain_audit_events/up.sql"
    ))
    .unwrap();
    conn.batch_execute(include_str!(
        "../../../migrations/2026-11-29-000041_find_audit_events/up.sql"
    ))
    .unwrap();
    let after: Told = sql_query(ask).get_result(conn).unwrap();
    assert_eq!(before.told, after.told);
    conn.transaction(|conn| applications::create(conn, &Viewer::operator(), "Later")).unwrap();
    let report = verify::verify(conn, None).unwrap();
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert_eq!(report.end.unwrap().0, report.events);
}

fn tamper_before(conn: &mut PgConnection) {
    conn.batch_execute(
        "alter table audit_events disable trigger audit_events_only_grow;
         alter table audit_events alter id set generated by default;
         update audit_events set id = -3 * id; update audit_events set id = -id;
         alter table audit_events alter id set generated always;
         alter table audit_events enable trigger audit_events_only_grow",
    )
    .unwrap();
}
