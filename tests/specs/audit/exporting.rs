//! The trail as a file.

use serde_json::Value;

use crate::support::{TestApp, terminal::Terminal};

#[actix_web::test]
async fn what_is_filtered_is_exported_and_that_is_written_down() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    app.key(&user, "=cmd|'/c calc'!A1");
    app.key(&user, "Order, \"sync\"");
    let mut ada = app.sign_in(&user).await;
    let page = ada.get("/audit?action=key.created").await;
    let file = ada.submit(&page, "form[action='/audit/export']", &[("format", "csv")]).await;
    file.assert_status(200);
    assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
    assert_eq!(file.header("content-disposition"), "attachment; filename=\"audit.csv\"");
    let rows: Vec<csv::StringRecord> = csv::Reader::from_reader(file.body().as_bytes())
        .into_records()
        .map(Result::unwrap)
        .collect();
    assert_eq!(rows.len(), 2);
    assert_eq!(&rows[0][8], "Order, \"sync\"");
    assert_eq!(&rows[1][8], "'=cmd|'/c calc'!A1", "a spreadsheet calculates nothing");
    assert_eq!(rows[0][11].len(), 64);

    let file =
        ada.post("/audit/export", &[("format", "jsonl"), ("who", &user.id.to_string())]).await;
    assert_eq!(file.header("content-type"), "application/jsonl; charset=utf-8");
    let lines: Vec<Value> =
        file.body().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let actions: Vec<&str> = lines.iter().map(|line| line["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["audit.exported", "audit.exported", "session.signed_in"]);
    assert_eq!(lines[1]["details"]["filter"]["action"], "key.created");
    assert_eq!(lines[1]["details"]["format"], "csv");
    assert_eq!(lines[0]["previous_hash"], lines[1]["hash"]);
    assert_eq!(lines[0]["ip"], "127.0.0.1");

    for wrong in [
        &[("format", "xml")][..],
        &[],
        &[("format", "csv"), ("who", "x")],
        &[("format", "csv"), ("after", "1")],
    ] {
        ada.post("/audit/export", wrong).await.assert_status(400);
    }
}

#[test]
fn the_command_line_prints_all_of_it() {
    let terminal = Terminal::open();
    terminal.add_application("=1+1");
    let lines = terminal.type_in("audit export --format jsonl").succeeds().out.clone();
    let lines: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(lines[0]["action"], "audit.exported");
    assert_eq!(lines[0]["actor"], "Operator");
    let last = lines.last().unwrap();
    assert_eq!(last["number"], 1);
    assert_eq!(last["previous_hash"], "0".repeat(64));
    let sheet = terminal.type_in("audit export --format csv").succeeds().out.clone();
    assert!(sheet.starts_with("number,at,actor_id,actor,ip,request_id,action,"), "{sheet}");
    assert!(sheet.contains(",'=1+1,"), "{sheet}");
    terminal.type_in("audit export").is_misspelled();
    terminal.type_in("audit export --format xml").is_misspelled();
}
