//! Serving as a role that can only add to the trail.

use diesel::{Connection, PgConnection, connection::SimpleConnection, prelude::*};
use latchkey::schema::audit_events;

use super::{tamper, verify};
use crate::support::{Program, TestApp, database::SpecDatabase, terminal::Terminal};

/// The address of a database for another role.
fn as_role(url: &str, role: &str) -> String {
    let (rest, query) = url.split_once('?').unwrap();
    let query: Vec<&str> = query.split('&').filter(|part| !part.starts_with("user=")).collect();
    format!("{rest}?{}&user={role}", query.join("&"))
}

/// A role that may connect, and nothing else; it goes with the run.
fn make_role(conn: &mut PgConnection, name: &str) -> String {
    let role = format!("{name}_{}", std::process::id());
    conn.batch_execute(&format!("create role \"{role}\" login")).unwrap();
    role
}

#[actix_web::test]
async fn a_role_that_serves_acts_and_cannot_change_the_trail() {
    let database = SpecDatabase::create();
    let role = make_role(&mut database.connect(), "serving");
    let owner = Terminal::open().with("DATABASE_URL", &database.url);
    let granted = owner.run(&["migrate", "--serve-as", &role]);
    granted.succeeds().says("may serve, and only add to the audit trail.");
    owner.type_in("check").says("warning  audit trail: no act can change it, but the role");

    let url = as_role(&database.url, &role);
    let app = TestApp::on(database, &[("DATABASE_URL", &url)]);
    app.preset("marketplace");
    app.application("Storefront");
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut browser = app.sign_in(&ada).await;
    browser.post(&format!("{}/revoke", key.page()), &[]).await.assert_status(303);
    browser.get("/audit").await.assert_status(200).assert_shows("revoked the key deploy bot");
    browser.get("/keys").await.assert_status(200);
    browser.get(&key.page()).await.assert_status(200);

    let conn = &mut PgConnection::establish(&url).unwrap();
    for statement in [
        "update audit_events set actor = 'x'",
        "delete from audit_events",
        "truncate audit_events",
        "insert into audit_events select * from audit_events",
        "alter table audit_events disable trigger all",
        "drop table audit_events",
        "delete from audit_incoming",
        "alter table audit_incoming disable trigger all",
        "create table x ()",
        "create or replace function refuse_change() returns trigger language plpgsql as 'begin return null; end'",
    ] {
        let refused = conn.batch_execute(statement).unwrap_err().to_string();
        assert!(
            refused.contains("permission denied") || refused.contains("must be owner"),
            "{statement}: {refused}"
        );
    }
    // Nor can another table be put in the way of what moves events to the trail.
    let before: i64 = audit_events::table.count().get_result(conn).unwrap();
    conn.batch_execute(
        "create temporary table audit_events (id bigint);
         create temporary table audit_incoming (id bigint);
         insert into public.audit_incoming (actor, action, subject, subject_name) values ('x', 'x', 'x', 'x')",
    )
    .unwrap();
    let counted: i64 = app.db(|conn| audit_events::table.count().get_result(conn)).unwrap();
    assert_eq!(counted, before + 1);
    assert!(verify(&app).faults.is_empty());

    let program = Program::serve(&url);
    program.visitor().get("/sign-in").await.assert_status(200);
    let server = Terminal::open().with("DATABASE_URL", &url);
    server
        .type_in("check")
        .says(&format!("ok       audit trail: the role {role} can only add to it"));
    server.type_in("audit verify").succeeds().says("in one chain");
    server.type_in("migrate").succeeds().says("The database is up to date.");
}

#[test]
fn a_trail_whose_guard_was_switched_off_is_an_error() {
    let terminal = Terminal::open();
    terminal.add_application("Store");
    let conn = &mut terminal.connect();
    tamper(conn, "select 1");
    terminal.type_in("check").says("warning  audit trail");
    conn.batch_execute("alter table audit_events disable trigger audit_events_only_grow").unwrap();
    let outcome = terminal.type_in("check");
    assert_eq!(outcome.code, 1);
    outcome.says("error    audit trail: what keeps it from being changed was switched off");
}
