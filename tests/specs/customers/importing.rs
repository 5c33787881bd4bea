use std::time::{Duration, Instant};

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use latchkey::schema::{audit_events, customers};

use super::{called, customer, send};
use crate::support::{Browser, Page, TestApp};

const PREVIEW: &str = "/customers/import/preview";

/// Presses the button of the preview.
async fn confirm(browser: &mut Browser, preview: &Page) -> Page {
    let (action, fields) = preview.form("form[action='/customers/import']", &[]);
    assert_eq!(fields.len(), 1);
    send(browser, &action, &fields[0].0, fields[0].1.as_bytes()).await
}

fn count(app: &TestApp) -> i64 {
    app.db(|conn| customers::table.count().get_result(conn).unwrap())
}

#[actix_web::test]
async fn a_file_is_looked_at_first_and_imported_then() {
    let app = TestApp::start();
    customer(&app, "cus_1", "Old name");
    customer(&app, "cus_2", "Kept");
    customer(&app, "cus_3", "Same");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/customers/import").await.assert_status(200).assert_is_page();
    let file = "\u{feff}id,name\r\ncus_1,New name\r\ncus_2,\r\ncus_3,Same\r\ncus_4,\"Acme, Inc.\"\r\n\"=1+1\",<i>x</i>\r\n";
    let preview = send(&mut ada, PREVIEW, "file", file.as_bytes()).await;
    preview.assert_status(200).assert_is_page().assert_shows("Nothing has been changed yet.");
    assert_eq!(preview.all(".facts dd"), ["2", "1", "2"]);
    preview.assert_shows("Old name becomes New name").assert_shows("Added as Acme, Inc.");
    preview.assert_shows("=1+1").assert_shows("<i>x</i>");
    assert!(!preview.body().contains("<i>x"));
    assert_eq!(count(&app), 3);

    confirm(&mut ada, &preview).await.assert_leads_to("/customers");
    let list = ada.get("/customers").await;
    list.assert_shows("Imported: 2 new, 1 renamed, 2 unchanged.");
    assert_eq!(count(&app), 5);
    let mut names = called(&list);
    names.sort();
    assert_eq!(names, ["<i>x</i>", "Acme, Inc.", "Kept", "New name", "Same"]);

    // The same button again changes nothing, and the trail tells the import once.
    confirm(&mut ada, &preview).await.assert_leads_to("/customers");
    ada.get("/customers").await.assert_shows("Imported: 0 new, 0 renamed, 5 unchanged.");
    let told: Vec<(String, serde_json::Value)> = app.db(|conn| {
        audit_events::table
            .filter(audit_events::action.eq("customers.imported"))
            .select((audit_events::actor, audit_events::details))
            .load(conn)
            .unwrap()
    });
    assert_eq!(told, [("Ada".to_owned(), serde_json::json!({ "new": 2, "renamed": 1 }))]);
}

#[actix_web::test]
async fn one_bad_line_and_nothing_is_imported() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let text = "id,name\ncus_1,Acme\ncus_1,Beta\n,Gamma\ncus_4\ncus_5,<script>alert(1)</script>\n";
    for address in [PREVIEW, "/customers/import"] {
        let page = send(&mut ada, address, "text", text.as_bytes()).await;
        page.assert_status(422).assert_is_page().assert_shows("3 things are wrong");
        assert_eq!(
            page.all("#text-error li"),
            [
                "Line 3: cus_1 is on line 2 already.",
                "Line 4: Customer must be 1-255 characters.",
                "Line 5: One column here, 2 columns in the first line.",
            ]
        );
        assert_eq!(page.form("form.form", &[]).1[1].1.trim(), text.trim());
        assert!(!page.body().contains("<script>alert"));
    }
    assert_eq!(count(&app), 0);
}

#[actix_web::test]
async fn what_is_no_such_file_is_said_in_words() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for (content, sentence) in [
        (b"".to_vec(), "Choose a file, or paste its lines."),
        (b"id,name\ncus_1,caf\xe9\n".to_vec(), "Line 2: This is not UTF-8 text."),
        (b"\xff\xfei\0d\0\n\0".to_vec(), "Line 1: The first line has to name the columns"),
        (b"\x89PNG\r\n\x1a\n".to_vec(), "Line 1: The first line has to name the columns"),
        (b"id;name\ncus_1;A\n".to_vec(), "Line 1: Separate the columns by commas."),
        (vec![b'x'; 1024 * 1024 + 1], "larger than 1 MiB"),
        (format!("id\n{}", "c\n".repeat(20_001)).into_bytes(), "At most 20000 customers"),
    ] {
        let page = send(&mut ada, PREVIEW, "file", &content).await;
        page.assert_status(422).assert_is_page().assert_shows(sentence);
    }
    send(&mut ada, PREVIEW, "owner", b"id\ncus_1").await.assert_status(400).assert_is_page();
    let form = ada.post(PREVIEW, &[("text", "id\ncus_1")]).await;
    form.assert_status(415).assert_is_page();
    assert_eq!(count(&app), 0);
}

#[actix_web::test]
async fn a_list_as_long_as_may_be_is_imported_by_a_job() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let lines: Vec<String> =
        (0..20_000).map(|number| format!("cus_{number},Customer number {number}")).collect();
    let text = format!("id,name\n{}", lines.join("\n"));
    let preview = send(&mut ada, PREVIEW, "file", text.as_bytes()).await;
    preview.assert_status(200);
    assert_eq!(preview.all(".facts dd"), ["20000", "0", "0"]);
    confirm(&mut ada, &preview).await.assert_leads_to("/jobs/1");
    let began = Instant::now();
    while count(&app) < 20_000 {
        assert!(began.elapsed() < Duration::from_secs(60), "{} were imported", count(&app));
        ada.get("/jobs/1").await.assert_status(200);
    }
    assert_eq!(count(&app), 20_000);
}

#[actix_web::test]
async fn two_who_import_at_once_import_everybody_once() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let mut lee = app.sign_in(&app.administrator("Lee")).await;
    let lines: Vec<String> = (0..500).map(|number| format!("cus_{number}")).collect();
    let forward = format!("id\n{}", lines.join("\n"));
    let backward = format!("id\n{}", lines.iter().rev().cloned().collect::<Vec<_>>().join("\n"));
    let (first, second) = tokio::join!(
        send(&mut ada, "/customers/import", "text", forward.as_bytes()),
        send(&mut lee, "/customers/import", "text", backward.as_bytes())
    );
    first.assert_leads_to("/customers");
    second.assert_leads_to("/customers");
    assert_eq!(count(&app), 500);
}
