//! Reading: what is unread says so, until somebody says that they have seen it.

use diesel::{
    Connection, PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection,
    sql_query, sql_types::BigInt,
};
use latchkey::{
    error::AppError,
    notices,
    users::{Origin, User, Viewer},
};

use super::{ask, notice, run};
use crate::support::{Browser, TestApp};

/// The bell of a page, as a screen reader says it.
async fn bell(browser: &mut Browser) -> String {
    browser.get("/account").await.attribute("#notices-bell", "aria-label")
}

#[actix_web::test]
async fn marking_in_one_tab_leaves_what_came_later_unread() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "cron");
    for number in 0..3 {
        notice(&app, &key, "key_used_elsewhere", &number.to_string());
    }
    let mut ada = app.sign_in(&user).await;
    assert_eq!(bell(&mut ada).await, "Notices, 3 unread");
    let (early, tab) = (ada.get("/notices").await, ada.get("/notices").await);
    assert_eq!(tab.all("#notices tbody .tag--unread"), ["Unread"; 3], "looking changes nothing");
    assert_eq!(bell(&mut ada).await, "Notices, 3 unread");

    notice(&app, &key, "key_first_used", "");
    let late = ada.get("/notices").await;
    let read = ada.submit(&tab, "form[action='/notices/read']", &[]).await;
    read.assert_leads_to("/notices");
    let page = ada.get("/notices").await;
    page.assert_shows("What was listed is marked as read.");
    assert_eq!(page.all("#notices tbody .tag--unread").len(), 1);
    let unread = ada.get("/notices?state=unread").await;
    assert_eq!(unread.all("#notices tbody tr").len(), 1);
    unread.assert_shows("“cron” was used for the first time");
    assert_eq!(bell(&mut ada).await, "Notices, 1 unread");
    let _ = ada.submit(&late, "form[action='/notices/read']", &[]).await;
    assert_eq!(bell(&mut ada).await, "Notices");
    ada.get("/notices").await.assert_hides("Mark all as read");

    // Neither back, nor further than there is anything; and everybody for themselves.
    let _ = ada.submit(&early, "form[action='/notices/read']", &[]).await;
    for to in ["0", "-5", "9223372036854775807"] {
        ada.post("/notices/read", &[("to", to)]).await.assert_status(303);
        assert_eq!(bell(&mut ada).await, "Notices");
    }
    for bad in [&[("to", "x")][..], &[], &[("to", "1"), ("kind", "y")], &[("to", "1"), ("to", "2")]]
    {
        ada.post("/notices/read", bad).await.assert_status(400);
    }
    notice(&app, &key, "key_expires", "");
    assert_eq!(bell(&mut ada).await, "Notices, 1 unread");
    let mut bea = app.sign_in(&app.administrator("Bea")).await;
    assert_eq!(bell(&mut bea).await, "Notices, 5 unread");
    let acts = "select action as told from audit_events where action not like 'session.%' and actor = 'Ada'";
    assert_eq!(ask(&app, acts), [""; 0], "reading is nobody else’s business");
}

/// Ids are given out before notices are committed: the smaller one may come later.
#[actix_web::test]
async fn what_is_under_way_while_somebody_reads_is_unread_afterwards() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "cron");
    let mut ada = app.sign_in(&user).await;
    run(
        &app,
        "insert into leak_reports (key_id, secret_id, reporter, worked, outcome) \
            select key_id, id, 'a scanner', true, 'notified' from key_secrets",
    );
    let report = ask(&app, "select id::text as told from leak_reports")[0].parse().unwrap();
    let mut reporter = app.database.connect();
    reporter.batch_execute("begin").unwrap();
    notices::leak_reported(&mut reporter, report).unwrap();
    notice(&app, &key, "key_first_used", "");
    let page = ada.get("/notices").await;
    page.assert_shows("used for the first time").assert_hides("found by others");
    page.assert_hides("Mark all as read");
    run(&app, "update notices set at = now() - interval '2 minutes'");
    let before = ada.get("/notices").await;
    notice(&app, &key, "key_used_elsewhere", "");
    let page = ada.get("/notices").await;
    assert_eq!(
        page.attribute("form[action='/notices/read'] input", "value"),
        before.attribute("form[action='/notices/read'] input", "value"),
        "up to what is long settled"
    );
    reporter.batch_execute("commit").unwrap();
    let page = ada.get("/notices").await;
    page.assert_shows("found by others").assert_shows("Mark all as read");
    assert_eq!(page.all("#notices tbody .tag--unread").len(), 3);
}

#[actix_web::test]
async fn the_bell_looks_again_by_itself_and_keeps_no_session_alive() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "cron");
    let mut ada = app.sign_in(&user).await;
    let mut page = ada.with_htmx("/keys");
    let quiet = page.get("/notices/unread").await;
    quiet.assert_status(200).assert_is_fragment();
    assert_eq!(quiet.attribute("a#notices-bell", "aria-label"), "Notices");
    assert_eq!(quiet.attribute("#notices-bell", "hx-trigger"), "every 60s");
    for number in 0..120 {
        notice(&app, &key, "key_used_elsewhere", &number.to_string());
    }
    let ends = || ask(&app, "select expires_at::text as told from sessions");
    run(&app, "update sessions set expires_at = now() + interval '9 minutes'");
    let soon = ends();
    let bell = page.get("/notices/unread").await;
    assert_eq!(bell.attribute("#notices-bell", "aria-label"), "Notices, 99+ unread");
    assert_eq!(bell.all(".strip__count"), ["99+"]);
    assert_eq!(ends(), soon, "nobody was there");
    ada.get("/notices/unread").await.assert_leads_to("/notices");
    assert_eq!(ends(), soon);
    ada.get("/notices").await.assert_status(200);
    assert_ne!(ends(), soon);
    run(&app, "update sessions set expires_at = now() - interval '1 second'");
    let over = page.get("/notices/unread").await;
    over.assert_status(401);
    assert_eq!(over.header("hx-redirect"), "/sign-in");
}

/// The count is on every page, so it may cost next to nothing however many notices there are.
#[actix_web::test]
async fn counting_what_is_unread_reads_little_of_an_index() {
    let app = TestApp::start();
    let (ada, mia) = (app.administrator("Ada"), app.manager_with_access("Mia"));
    app.key(&mia, "cron");
    run(
        &app,
        "insert into notices (kind, key_id, owner_id, occasion) \
            select 'key_used_elsewhere', id, owner_id, n::text from keys, generate_series(1, 20000) n; \
         analyze notices",
    );
    #[derive(QueryableByName)]
    struct Read {
        #[diesel(sql_type = BigInt)]
        scans: i64,
        #[diesel(sql_type = BigInt)]
        rows: i64,
    }
    // Postgres counts what this connection did since it last reported, which may be more than one transaction.
    let read = |conn: &mut PgConnection| {
        sql_query(
            "select seq_scan as scans, idx_tup_fetch as rows from pg_stat_xact_user_tables where relname = 'notices'",
        )
        .get_result::<Read>(conn)
    };
    let count = |user: &User| {
        app.db(|conn| {
            conn.transaction::<_, AppError, _>(|conn| {
                let viewer = Viewer::load(conn, user.id, Origin::default())?;
                let before = read(conn)?;
                let unread = notices::count_unread(conn, &viewer)?;
                let after = read(conn)?;
                let (scans, rows) = (after.scans - before.scans, after.rows - before.rows);
                assert!(scans == 0 && rows <= 1_000, "{rows} rows, {scans} scans");
                Ok(unread.said())
            })
        })
        .unwrap()
    };
    for user in [&ada, &mia] {
        assert_eq!(count(user), "Notices, 99+ unread");
    }
    run(&app, "update users set notices_read_to = (select max(id) from notices)");
    for user in [&ada, &mia] {
        assert_eq!(count(user), "Notices");
    }
}
