//! More keys than a request should change, and longer lists than it should import.

use super::{attempts, count, led_to_a_job, run, shows, slow_down, until, world::add_keys};
use crate::support::TestApp;

const ALL: [(&str, &str); 2] = [("all", "matching"), ("act", "revoke")];

#[actix_web::test]
async fn more_than_a_thousand_keys_are_revoked_by_a_job_all_of_them() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    let user = app.administrator("Ada");
    let (gateway, used) = (app.gateway("production"), app.key(&user, "old robot"));
    add_keys(conn, 1_500);
    let mut ada = app.sign_in(&user).await;
    assert_eq!(app.code(&gateway, &used.secret).await, "VALID");
    let summary = ada.post("/keys/bulk/preview", &ALL).await;
    summary.assert_shows("Revoke 1 501 API keys?").assert_shows("changed by a job");
    let fields = [("reason", "leaked"), ("typed", "1501")];
    let started = ada.submit(&summary, ".dialog form", &fields).await;
    let id = led_to_a_job(&started);
    let page = shows(&mut ada, id, "Done").await;
    page.assert_shows("Revoke 1 501 API keys").assert_shows("1 501 keys are revoked for good.");
    assert_eq!(app.code(&gateway, &used.secret).await, "REVOKED");
    let revoked =
        "select count(*) from keys where revoked_at is not null and revoke_reason = 'leaked'";
    assert_eq!(count(conn, revoked), 1_501);
    // In the trail they are hers, from where she asked.
    let events = "select count(*) from audit_events where action = 'key.revoked' and actor = 'Ada' and ip is not null and request_id is not null";
    assert_eq!(count(conn, events), 1_501);
}

#[actix_web::test]
async fn a_change_to_many_keys_can_be_cancelled_until_it_is_made() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    add_keys(conn, 5_000);
    slow_down(conn, "after update on keys", 0.5);
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let summary = ada.post("/keys/bulk/preview", &ALL).await;
    let id = led_to_a_job(&ada.submit(&summary, ".dialog form", &[]).await);
    until("it is in the middle", || (super::job(conn, id).progress_done >= 500).then_some(()));
    let page = ada.get(&format!("/jobs/{id}")).await;
    let bar = page.attribute("progress", "value").parse::<i64>().unwrap();
    assert!((500..5_000).contains(&bar), "{bar}");
    assert_eq!(page.attribute("progress", "max"), "5000");
    page.assert_shows("of 5 000");
    let cancelled = ada.submit(&page, "form[action$='/cancel']", &[]).await;
    cancelled.assert_leads_to(&format!("/jobs/{id}"));
    let page = shows(&mut ada, id, "Cancelled").await;
    page.assert_shows("by Ada").assert_shows("Try again");
    assert_eq!(attempts(conn, id), ["1 cancelled"]);
    assert_eq!(count(conn, "select count(*) from keys where revoked_at is not null"), 0);
    let told = "select count(*) from audit_events where action = 'job.cancelled'";
    assert_eq!(count(conn, told), 1);
}

#[actix_web::test]
async fn what_was_given_away_or_deleted_meanwhile_is_left_alone() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    let marek = app.manager_with_access("Marek");
    let ids = add_keys(conn, 1_200);
    run(conn, &format!("update keys set owner_id = {}", marek.id));
    let mut browser = app.sign_in(&marek).await;
    run(
        conn,
        "alter table jobs alter column run_at set default clock_timestamp() + interval '1 hour'",
    );
    let fields = [("all", "matching"), ("act", "disable")];
    let summary = browser.post("/keys/bulk/preview", &fields).await;
    let id = led_to_a_job(&browser.submit(&summary, ".dialog form", &[]).await);
    run(
        conn,
        &format!(
            "update keys set owner_id = null where id = {}; update keys set deleted_at = now() where id = {};
             update keys set revoked_at = now() where id = {}; update jobs set run_at = now()",
            ids[0], ids[1], ids[2]
        ),
    );
    shows(&mut browser, id, "Done").await.assert_shows(
        "1 197 keys are disabled. One is left alone: it is revoked already. 2 are gone from the list meanwhile.",
    );
    let untouched =
        format!("select count(*) from keys where id = {} and disabled_at is null", ids[0]);
    assert_eq!(count(conn, &untouched), 1);
}

#[actix_web::test]
async fn a_long_list_of_customers_is_imported_by_a_job() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let lines: Vec<String> = (0..2_500).map(|n| format!("cus_{n},Customer {n}")).collect();
    let csv = format!("id,name\n{}", lines.join("\n"));
    let preview =
        crate::customers::send(&mut ada, "/customers/import/preview", "text", csv.as_bytes()).await;
    preview.assert_status(200).assert_shows("is imported by a job");
    let (action, fields) = preview.form("form[action='/customers/import']", &[]);
    let sent =
        crate::customers::send(&mut ada, &action, &fields[0].0, fields[0].1.as_bytes()).await;
    let id = led_to_a_job(&sent);
    let page = shows(&mut ada, id, "Done").await;
    page.assert_shows("Import 2 500 customers");
    page.assert_shows("Imported: 2500 new, 0 renamed, 0 unchanged.");
    let conn = &mut app.database.connect();
    assert_eq!(count(conn, "select count(*) from customers"), 2_500);
    let told =
        "select count(*) from audit_events where action = 'customers.imported' and actor = 'Ada'";
    assert_eq!(count(conn, told), 1);
}
