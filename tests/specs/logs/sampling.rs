//! Of a busy key some requests are logged, and say for how many they stand; counters have all of them.

use latchkey::{settings, users::Viewer};
use serde_json::json;

use super::{ask, told};
use crate::support::TestApp;

/// Rows of the log, what they stand for, and what the counters say.
fn sums(app: &TestApp) -> (i64, i64, i64) {
    app.flush();
    let number = |question: &str| app.db(|conn| told(conn, question))[0].parse().unwrap();
    (
        number("select count(*)::text as told from request_logs"),
        number("select coalesce(sum(stands_for), 0)::text as told from request_logs"),
        number("select coalesce(sum(requests), 0)::text as told from usage_minutes"),
    )
}

fn decide(app: &TestApp, accepted: bool, per_second: i32) {
    let logging = settings::Logging { accepted, per_second, kept_days: 30 };
    app.operator(|conn, operator: &Viewer| settings::update_logging(conn, operator, logging));
    app.log().obey(accepted, per_second);
}

#[actix_web::test]
async fn rows_stand_for_exactly_as_many_requests_as_there_were() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "Busy");
    let gateway = app.gateway("production");
    decide(&app, true, 1);
    let question = json!({"key": key.secret});
    for _ in 0..40 {
        let asked = (0..10).map(|_| ask(&app, &gateway, question.clone()));
        futures_util::future::join_all(asked).await;
    }
    let (rows, stands_for, counted) = sums(&app);
    assert_eq!((stands_for, counted), (400, 400));
    assert!(rows < 200, "{rows} rows are no sample");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    ada.get("/logs").await.assert_shows("1 of ");
}

#[actix_web::test]
async fn accepted_requests_need_not_be_logged_and_refusals_always_are() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Order sync");
    let gateway = app.gateway("production");
    let mut browser = app.sign_in(&ada).await;
    let fields = [("logs_per_second", "50"), ("logs_kept_days", "30")];
    browser.post("/settings/logs", &fields).await.assert_leads_to("/settings");
    ask(&app, &gateway, json!({"key": key.secret})).await;
    ask(&app, &gateway, json!({"key": key.secret, "scopes": ["orders:write"]})).await;
    let (rows, _, counted) = sums(&app);
    assert_eq!((rows, counted), (1, 2));
    browser.get("/logs").await.assert_shows("INSUFFICIENT_SCOPE");
}

#[actix_web::test]
async fn what_is_logged_is_decided_by_administrators_within_reason() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for (per_second, days, sentence) in [
        ("0", "30", "from 1 to 1000"),
        ("1001", "30", "from 1 to 1000"),
        ("50", "0", "from 1 to 400"),
        ("50", "401", "from 1 to 400"),
        ("fifty", "1.5", "Give a whole number"),
    ] {
        let fields = [("logs_per_second", per_second), ("logs_kept_days", days)];
        ada.post("/settings/logs", &fields).await.assert_status(422).assert_shows(sentence);
    }
    let fields = [("logs_accepted", "yes"), ("logs_per_second", "7"), ("logs_kept_days", "90")];
    ada.post("/settings/logs", &fields).await.assert_leads_to("/settings");
    ada.get("/logs").await.assert_shows("up to 7 accepted requests").assert_shows("90 days");
    let mut kim = app.sign_in(&app.manager_with_access("Kim")).await;
    kim.post("/settings/logs", &fields).await.assert_status(404);
}

#[actix_web::test]
async fn a_flood_of_unknown_keys_is_logged_up_to_a_bound_and_the_log_says_so() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let most = i64::from(latchkey::logs::UNKNOWN_A_SECOND);
    let began = std::time::Instant::now();
    for _ in 0..60 {
        let asked = (0..20).map(|_| ask(&app, &gateway, json!({})));
        futures_util::future::join_all(asked).await;
    }
    let seconds = began.elapsed().as_secs() as i64 + 2;
    let (rows, stands_for, _) = sums(&app);
    assert!(rows <= most * seconds, "{rows} rows within {seconds} s");
    let missing: i64 = app.db(|conn| {
        told(conn, "select coalesce(sum(requests), 0)::text as told from request_log_gaps")
    })[0]
        .parse()
        .unwrap();
    assert_eq!(stands_for + missing, 1_200);
    if missing > 0 {
        let page = app.sign_in(&app.administrator("Ada")).await.get("/logs").await;
        page.assert_shows("were not logged").assert_shows("without a known key");
    }
}
