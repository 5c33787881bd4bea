//! Days are made ahead, and dropped when they are over for long enough.

use diesel::{PgConnection, RunQueryDsl, sql_query};
use latchkey::logs;

use super::told;
use crate::support::TestApp;

/// A row of so many days from now.
fn row(conn: &mut PgConnection, days: i32) {
    sql_query(format!(
        "insert into request_logs (at, id, environment_id, gateway_id, stands_for, took_micros, code, endpoint, method,
             path, agent, detail, scopes)
         values (now() + interval '{days} days', gen_random_uuid(), 1, 1, 1, 1, 'MISSING_KEY', 'verify', 'GET',
             '/day{days}', '', '', '{{}}')"
    ))
    .execute(conn)
    .unwrap();
}

fn make_day(conn: &mut PgConnection, days: i32) {
    sql_query(format!("select make_request_log_day((now() at time zone 'UTC')::date + {days})"))
        .execute(conn)
        .unwrap();
}

fn paths(conn: &mut PgConnection, table: &str) -> Vec<String> {
    told(conn, &format!("select path as told from {table} order by at"))
}

#[test]
fn what_is_older_than_the_settings_say_is_dropped_day_by_day() {
    let app = TestApp::start();
    app.db(|conn| {
        for days in [-40, -31, -30, -1, 0] {
            make_day(conn, days);
            row(conn, days);
        }
        // Of no day: nobody made one.
        row(conn, -500);
        let dropped = logs::retain(conn, 30).unwrap();
        assert_eq!(dropped.len(), 2);
        assert_eq!(paths(conn, "request_logs"), ["/day-30", "/day-1", "/day0"]);
        let partitions = told(
            conn,
            "select inhrelid::regclass::text as told from pg_inherits where inhparent = 'request_logs'::regclass",
        );
        // Thirty days ago, yesterday, today and two to come, and the one for the rest.
        assert_eq!(partitions.len(), 6, "{partitions:?}");
        assert_eq!(logs::retain(conn, 30).unwrap().len(), 0);
        assert_eq!(logs::retain(conn, 1).unwrap().len(), 1);
        assert_eq!(paths(conn, "request_logs"), ["/day-1", "/day0"]);
    });
}

#[actix_web::test]
async fn a_row_of_a_day_that_nobody_made_is_kept_and_moves_there_when_it_is_made() {
    let app = TestApp::start();
    app.db(|conn| {
        row(conn, 400);
        assert_eq!(paths(conn, "request_logs_other"), ["/day400"]);
    });
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/logs").await.assert_shows("/day400");
    app.db(|conn| {
        make_day(conn, 400);
        assert_eq!(paths(conn, "request_logs_other"), Vec::<String>::new());
        assert_eq!(paths(conn, "request_logs"), ["/day400"]);
    });
    app.db(|conn| row(conn, -400));
    ada.get("/logs").await.assert_shows("/day-400").assert_shows("/day400");
}

#[test]
fn nodes_that_make_days_at_once_do_not_meet() {
    let app = TestApp::start();
    let today = chrono::Utc::now().date_naive() + chrono::TimeDelta::days(50);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| app.db(|conn| logs::make_days(conn, today).unwrap()));
        }
    });
    let days = app.db(|conn| told(conn, "select count(*)::text as told from pg_inherits where inhparent = 'request_logs'::regclass"));
    assert_eq!(days, ["7"], "today and two to come, three of then, and the one for the rest");
}
