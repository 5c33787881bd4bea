//! The list of keys as a file.

use serde_json::Value;

use super::{
    count, ended, fails, led_to_a_job, run, shows,
    world::{add_keys, assert_is_whole, file_of},
};
use crate::support::{Page, TestApp};

/// The rows of a CSV file by the names of its columns.
fn rows(file: &Page) -> Vec<std::collections::HashMap<String, String>> {
    let mut reader = csv::Reader::from_reader(file.body().as_bytes());
    reader.deserialize().map(|row| row.expect("a row of CSV")).collect()
}

#[actix_web::test]
async fn a_list_is_written_as_it_is_filtered_and_downloaded_for_a_day() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let bot = app.key_with(Some(&user), "deploy bot", |new| {
        new.note = "two\nlines, and a \"quote\"".into();
        new.limits = TestApp::limit(100, 60);
        new.allowed_ips = vec!["203.0.113.0/24".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        new.permissions = app.permissions(&["orders:read", "orders:write"]);
    });
    app.key(&user, "storefront");
    let stopped = app.key(&user, "deploy bot, the old one");
    let mut ada = app.sign_in(&user).await;
    let revoke = format!("{}/revoke", stopped.page());
    ada.post(&revoke, &[("reason", "leaked")]).await.assert_status(303);

    let list = ada.get("/keys?q=deploy&status=active").await;
    let asked = ada.get(&list.attribute("#export", "href")).await;
    asked.assert_status(200).assert_is_page().assert_shows("One key matches.");
    asked.assert_shows("deploy").assert_shows("active");
    let started = ada.submit(&asked, ".dialog form", &[]).await;
    let id = led_to_a_job(&started);
    let page = ada.get(&format!("/jobs/{id}")).await;
    page.assert_shows("The file is being written. It can be downloaded here when it is done.");
    let page = shows(&mut ada, id, "Done").await;
    page.assert_shows("Export API keys as CSV: q deploy, status active");
    page.assert_shows("One key is in the file.");
    assert_eq!(
        page.attribute(".page-head__lead a[href^='/keys']", "href"),
        "/keys?q=deploy&status=active"
    );

    let file = ada.get(&page.attribute(&format!("#file-{id}"), "href")).await;
    file.assert_status(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    let disposition = file.header("content-disposition");
    assert!(disposition.starts_with("attachment; filename=\"api-keys-20"), "{disposition}");
    assert!(file.header("cache-control").contains("no-store"));
    let rows = rows(&file);
    assert_eq!(rows.len(), 1);
    for (column, value) in [
        ("public_key", bot.public_key()),
        ("name", "deploy bot"),
        ("note", "two\nlines, and a \"quote\""),
        ("application", "Storefront"),
        ("environment", "production"),
        ("owner", "Ada"),
        ("status", "active"),
        ("all_permissions", "false"),
        ("permissions", "orders:read\norders:write"),
        ("allowed_ips", "203.0.113.0/24\n2001:db8::/32"),
        ("revoked_at", ""),
    ] {
        assert_eq!(rows[0][column], value, "{column}");
    }
    assert!(!file.body().contains(&bot.secret));

    // After a day it is gone.
    app.db(|conn| run(conn, "update job_downloads set gone_at = now()"));
    ada.get(&format!("/jobs/{id}/file")).await.assert_status(404);
    let page = ada.get(&format!("/jobs/{id}")).await;
    page.assert_shows("The file was kept for a day and is gone.").assert_hides("Download");
}

#[actix_web::test]
async fn a_program_reads_lines_of_json() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let mut names = vec!["=1+1", "a \"b\"\n", "مفتاح"];
    for name in &mut names {
        *name = name.trim();
        app.key_with(Some(&user), name, |new| new.permissions = app.section("reporting"));
    }
    let mut ada = app.sign_in(&user).await;
    let id = led_to_a_job(&ada.post("/keys/export", &[("format", "jsonl")]).await);
    shows(&mut ada, id, "Done").await.assert_shows("Export all API keys as JSON lines");
    let file = ada.get(&format!("/jobs/{id}/file")).await;
    assert!(file.header("content-disposition").ends_with(".jsonl\""));
    let lines: Vec<Value> =
        file.body().lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let told: Vec<&str> = lines.iter().map(|line| line["name"].as_str().unwrap()).collect();
    assert_eq!(told, names, "in the order in which they were made, and as they are");
    assert_eq!(lines[0]["sections"], serde_json::json!(["reporting"]));
    assert_eq!(lines[0]["permissions"], serde_json::json!([]));
    assert_eq!(lines[0]["revoked_at"], Value::Null);
}

#[actix_web::test]
async fn a_spreadsheet_calculates_nothing_and_a_page_runs_nothing() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let hostile = ["=HYPERLINK(\"http://x\")", "+1", "-1", "@SUM(A1)", "<script>alert(1)</script>"];
    for name in hostile {
        app.key(&user, name);
    }
    let mut ada = app.sign_in(&user).await;
    let all = led_to_a_job(&ada.post("/keys/export", &[("format", "csv")]).await);
    shows(&mut ada, all, "Done").await.assert_shows("Download");
    let names: Vec<String> = rows(&ada.get(&format!("/jobs/{all}/file")).await)
        .iter()
        .map(|row| row["name"].clone())
        .collect();
    let harmless = hostile
        .map(|name| if name.starts_with('<') { name.to_owned() } else { format!("'{name}") });
    assert_eq!(names, harmless);

    // What was searched for is the name of the job.
    let searched = [("format", "csv"), ("q", "<img src=x onerror=alert(1)>")];
    let id = led_to_a_job(&ada.post("/keys/export", &searched).await);
    let page = shows(&mut ada, id, "Done").await;
    page.assert_shows("q <img src=x onerror=alert(1)>").assert_shows("No key matched");
    for page in [page, ada.get("/jobs").await] {
        assert!(!page.body().contains("<img src=x"), "{}", page.body());
    }
}

#[actix_web::test]
async fn a_manager_gets_only_what_is_theirs_and_a_former_administrator_nothing_of_others() {
    let app = TestApp::start();
    let (ada, marek) = (app.administrator("Ada"), app.manager_with_access("Marek"));
    let (own, other) = (app.key(&marek, "own"), app.key(&ada, "deploy bot"));
    let mut manager = app.sign_in(&marek).await;
    let all = [("format", "csv")];
    let id = led_to_a_job(&manager.post("/keys/export", &all).await);
    shows(&mut manager, id, "Done").await.assert_shows("Download");
    let file = manager.get(&format!("/jobs/{id}/file")).await;
    assert_eq!(rows(&file).len(), 1);
    assert_eq!(rows(&file)[0]["public_key"], own.public_key());
    let owner = format!("{}", ada.id);
    let theirs = [("format", "csv"), ("owner", owner.as_str())];
    let theirs = led_to_a_job(&manager.post("/keys/export", &theirs).await);
    shows(&mut manager, theirs, "Done").await.assert_shows("No key matched");

    let mut browser = app.sign_in(&ada).await;
    let whole = led_to_a_job(&browser.post("/keys/export", &all).await);
    shows(&mut browser, whole, "Done").await.assert_shows("Download");
    let file = browser.get(&format!("/jobs/{whole}/file")).await;
    assert!(file.body().contains(other.public_key()) && file.body().contains(own.public_key()));
    // She is made a marketplace manager with API access: her jobs are still hers, the file is not.
    app.administrator("Root");
    app.db(|conn| run(conn, &format!("update users set role = 'manager' where id = {}", ada.id)));
    app.grant(&ada);
    let page = browser.get(&format!("/jobs/{whole}")).await;
    page.assert_status(200).assert_shows("The file holds what only administrators see.");
    browser.get(&format!("/jobs/{whole}/file")).await.assert_status(404);
    // And without API access there are no jobs at all.
    app.withdraw(&marek);
    manager.get(&format!("/jobs/{id}/file")).await.assert_status(404);
    manager.get("/jobs").await.assert_status(404);
}

#[actix_web::test]
async fn whoever_is_disabled_while_it_waits_gets_no_file() {
    let app = TestApp::start();
    let marek = app.manager_with_access("Marek");
    app.key(&marek, "own");
    let mut browser = app.sign_in(&marek).await;
    // It is to wait.
    app.db(|conn| run(conn, "alter table jobs alter column run_at set default clock_timestamp() + interval '1 hour'"));
    let id = led_to_a_job(&browser.post("/keys/export", &[("format", "csv")]).await);
    browser.get(&format!("/jobs/{id}")).await.assert_shows("Queued").assert_shows("Begins in");
    app.withdraw(&marek);
    let conn = &mut app.database.connect();
    run(conn, "update jobs set run_at = now()");
    run(conn, "notify latchkey_jobs");
    let failed = ended(conn, id);
    assert_eq!(failed.outcome.as_deref(), Some("failed"));
    assert_eq!(failed.attempts, 1, "trying again would not help");
    assert!(failed.error.unwrap().contains("API access"));
    assert_eq!(count(conn, "select count(*) from job_files"), 0);
}

#[actix_web::test]
async fn many_keys_are_written_part_by_part_each_once() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    add_keys(conn, 2_500);
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let id = led_to_a_job(&ada.post("/keys/export", &[("format", "csv")]).await);
    shows(&mut ada, id, "Done").await.assert_shows("2 500 keys are in the file.");
    assert_eq!(count(conn, "select count(*) from job_files"), 3);
    let file = ada.get(&format!("/jobs/{id}/file")).await;
    assert_eq!(file.body(), file_of(conn, id));
    assert_is_whole(conn, file.body());
}

#[actix_web::test]
async fn who_presses_twice_gets_one_file_and_odd_wishes_are_refused() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    app.key(&user, "deploy bot");
    let ada = app.sign_in(&user).await;
    app.db(|conn| run(conn, "alter table jobs alter column run_at set default clock_timestamp() + interval '1 hour'"));
    let answers = ada.post_at_once(5, "/keys/export", &[("format", "csv")]).await;
    let ids: std::collections::BTreeSet<i64> = answers.iter().map(led_to_a_job).collect();
    assert_eq!(ids.len(), 1);
    let started = "select count(*) from audit_events where action = 'job.started'";
    assert_eq!(app.db(|conn| count(conn, started)), 1);
    let mut ada = ada;
    for fields in [
        [("format", ""), ("q", "")],
        [("format", "xlsx"), ("q", "")],
        [("format", "csv"), ("status", "sleeping")],
        [("format", "csv"), ("q", "prod_sk_0123456789abcdefghij")],
        [("format", "csv"), ("sort", "name")],
    ] {
        ada.post("/keys/export", &fields).await.assert_status(400);
    }
    ada.get("/keys/export?status=sleeping").await.assert_status(400);
}

#[actix_web::test]
async fn what_failed_says_why_and_goes_on_where_it_was() {
    let app = TestApp::start();
    let conn = &mut app.database.connect();
    add_keys(conn, 1_500);
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    // The second part cannot be written.
    run(conn, "alter table job_files add constraint only_one check (part < 1)");
    let id = led_to_a_job(&ada.post("/keys/export", &[("format", "csv")]).await);
    let failed = fails(conn, id);
    assert_eq!((failed.attempts, failed.progress_done), (5, 1_000));
    let page = ada.get(&format!("/jobs/{id}")).await;
    page.assert_shows("It failed").assert_shows("conflicts with what is there already");
    assert_eq!(page.all("tbody tr").len(), 5);
    run(conn, "alter table job_files drop constraint only_one");
    let again = ada.submit(&page, "form[action$='/retry']", &[]).await;
    again.assert_leads_to(&format!("/jobs/{id}"));
    ada.get(&format!("/jobs/{id}")).await.assert_shows("It is tried again.");
    let page = shows(&mut ada, id, "Done").await;
    page.assert_shows("1 500 keys are in the file.");
    let file = ada.get(&format!("/jobs/{id}/file")).await;
    assert_is_whole(conn, file.body());
    let told = super::texts(
        conn,
        "select action as told from audit_events where subject like 'job:%' order by id",
    );
    assert_eq!(told, ["job.started", "job.retried"]);
}
