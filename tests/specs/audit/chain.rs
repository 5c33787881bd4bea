//! Whatever happens at once, there is one chain.

use diesel::{Connection, QueryDsl, RunQueryDsl, result::Error as DieselError};
use latchkey::{applications, schema::audit_events, users::Viewer};

use super::verify;
use crate::support::{MadeKey, Program, TestApp};

fn events(app: &TestApp) -> i64 {
    app.db(|conn| audit_events::table.count().get_result(conn)).unwrap()
}

#[actix_web::test]
async fn fifty_acts_at_once_on_two_servers_make_one_chain() {
    let session_key = format!("{}==", "A".repeat(86));
    let shared = [("LATCHKEY_SESSION_KEY", session_key.as_str())];
    let app = TestApp::start_with(&shared);
    app.preset("marketplace");
    app.application("Storefront");
    let other = Program::serve_with(&app.database.url, &shared);
    let user = app.administrator("Ada");
    let keys: Vec<_> = (0..50).map(|n| app.key(&user, &format!("bot {n}"))).collect();
    let ada = app.sign_in(&user).await;
    let before = events(&app);
    let acts = keys.iter().enumerate().map(|(n, key)| {
        let mut ada =
            if n % 2 == 0 { ada.on_node(app.address) } else { ada.on_node(other.address) };
        let path = format!("{}/{}", key.page(), ["disable", "revoke"][n / 2 % 2]);
        async move { ada.post(&path, &[]).await.assert_status(303).status() }
    });
    futures_util::future::join_all(acts).await;
    assert_eq!(events(&app), before + 50);
    let report = verify(&app);
    assert!(report.faults.is_empty(), "{:?}", report.faults);
    assert_eq!(report.events, before + 50);
    assert_eq!(report.end.unwrap().0, before + 50, "numbers have no gaps");
}

#[test]
fn what_is_undone_leaves_no_gap() {
    let app = TestApp::start();
    let before = events(&app);
    let conn = &mut app.database.connect();
    let undone = conn.transaction(|conn| {
        applications::create(conn, &Viewer::operator(), "Never").unwrap();
        Err::<(), _>(DieselError::RollbackTransaction)
    });
    assert!(undone.is_err());
    app.application("Back office");
    assert_eq!(events(&app), before + 1);
    assert!(verify(&app).faults.is_empty());
}

#[test]
fn nobody_waits_for_an_act_that_takes_its_time() {
    let app = TestApp::start();
    let slow = &mut app.database.connect();
    slow.begin_test_transaction().unwrap();
    applications::create(slow, &Viewer::operator(), "Slow").unwrap();
    // Its event is written and not committed; were the chain held, this would wait and be given up.
    app.application("Quick");
    assert!(verify(&app).faults.is_empty());
}

#[actix_web::test]
async fn what_happens_together_stands_together_in_its_order() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let keys: Vec<_> = (0..60).map(|n| app.key(&user, &format!("robot {n}"))).collect();
    let mut ada = app.sign_in(&user).await;
    let before = events(&app);
    let mut fields = vec![("act", "disable")];
    fields.extend(keys.iter().map(|key| ("key", key.public_key())));
    let summary = ada.post("/keys/bulk/preview", &fields).await;
    ada.submit(&summary, ".dialog form", &[]).await.assert_status(303);
    let subjects: Vec<String> = app
        .db(|conn| {
            audit_events::table
                .order(audit_events::id)
                .select(audit_events::subject)
                .offset(before)
                .load(conn)
        })
        .unwrap();
    let mut wanted: Vec<&str> = keys.iter().map(MadeKey::public_key).collect();
    let mut found: Vec<&str> = subjects.iter().map(String::as_str).collect();
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, wanted);
    assert!(verify(&app).faults.is_empty());
}
