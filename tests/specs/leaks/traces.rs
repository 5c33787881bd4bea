//! Nothing of a pasted text or of a report is anywhere afterwards: not in Postgres and its log, not in our log, not in
//! an answer.

use std::{fs, path::PathBuf};

use diesel::{connection::SimpleConnection, prelude::*, sql_types::Text};
use latchkey::{applications, presets, users, users::Viewer};
use reqwest::Method;
use serde_json::json;

use super::{Scanner, look};
use crate::support::{PASSWORD, Program, database::SpecDatabase};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

fn ask(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    let lines: Vec<Line> = diesel::sql_query(sql).load(conn).unwrap();
    lines.into_iter().map(|line| line.text).collect()
}

#[actix_web::test]
async fn a_looked_at_text_leaves_no_trace() {
    let database = SpecDatabase::create();
    let mut conn = database.connect();
    conn.batch_execute(
        "do $$ begin execute format('alter database %I set log_statement = ''all''', current_database());
                     execute format('alter database %I set log_min_duration_statement = 0', current_database()); end $$",
    )
    .unwrap();
    let operator = Viewer::operator();
    conn.transaction(|conn| {
        presets::apply(conn, &operator, "marketplace")?;
        let new = users::NewUser {
            email: "ada@example.com".into(),
            name: "Ada".into(),
            role: users::Role::Administrator,
            api_access: false,
        };
        let ada = users::commands::add(conn, &operator, &new)?;
        users::commands::set_password(
            conn,
            &operator,
            ada.id,
            &users::passwords::hash(PASSWORD).unwrap(),
        )?;
        applications::create(conn, &operator, "Storefront").map(drop)
    })
    .unwrap();
    let app_id = ask(&mut conn, "select app_id as text from applications").remove(0);
    let program = Program::serve(&database.url);
    let mut ada = program.visitor();
    let sign_in = [("email", "ada@example.com"), ("password", PASSWORD)];
    ada.post("/sign-in", &sign_in).await.assert_status(303);
    let draft = "018f2b8e-3f4a-4c55-9d1e-000000000001";
    let steps: [&[(&str, &str)]; 4] = [
        &[("step", "name"), ("name", "deploy bot")],
        &[("step", "environment"), ("application", &app_id), ("environment", "production")],
        &[("step", "permissions"), ("permission", "reporting:read")],
        &[("step", "limits"), ("expires", "90")],
    ];
    for step in steps {
        let fields = [&[("draft", draft), ("go", "next")], step].concat();
        ada.post("/keys/new", &fields).await.assert_status(303);
    }
    let reveal = ada.post("/keys", &[("draft", draft), ("go", "create")]).await;
    let (secret, basic) = (reveal.text("#secret"), reveal.text("#basic-token"));
    let public = reveal.text("#public-key");
    let scanner = Scanner::new("k1");
    scanner.is_added(&mut ada, "Code Host", "notify").await;

    let marks = ["Zwiebelkuchen-4711", "Donaudampfschiff-0815"];
    let text = format!("{}\nkey {secret}\n{basic}\n{}\n", marks[0], marks[1]);
    let mut answers = Vec::new();
    for as_file in [false, true] {
        answers.push(look(&mut ada, &text, as_file).await);
    }
    answers.push(look(&mut ada, &format!("{text}{}", "x".repeat(1 << 20)), false).await);
    for path in [&format!("/keys/{public}"), "/leaks", "/keys"] {
        answers.push(ada.get(path).await);
    }
    let mut told: Vec<String> =
        answers.iter().map(|page| format!("{}\n{}", page.every_header(), page.body())).collect();
    let report = json!([{ "token": secret, "type": "x", "more": marks[0] }]).to_string();
    for (body, signature) in [(report.clone(), scanner.sign(&report)), (report, "AAAA".into())] {
        let answer = ada
            .request(Method::POST, "/v1/leaks", |request| {
                request
                    .header("Content-Type", "application/json")
                    .header("Latchkey-Key-Id", "k1")
                    .header("Latchkey-Signature", signature)
                    .body(body)
            })
            .await;
        told.push(format!("{}\n{}", answer.every_header(), answer.body()));
    }
    assert!(told.iter().any(|answer| answer.contains("true_positive")), "{told:?}");
    program.terminate();

    let tables =
        ask(&mut conn, "select tablename::text as text from pg_tables where schemaname = 'public'");
    let rows: Vec<String> = tables
        .iter()
        .flat_map(|table| ask(&mut conn, &format!("select t::text as text from \"{table}\" t")))
        .collect();
    let cluster = ask(&mut conn, "select current_setting('data_directory') as text").remove(0);
    let log = fs::read(PathBuf::from(cluster).with_file_name("postgres.log")).unwrap();
    let places = [
        ("an answer", told.join("\n")),
        ("the log", program.log()),
        ("Postgres", rows.join("\n")),
        ("Postgres’s log", String::from_utf8_lossy(&log).into_owned()),
    ];
    assert!(places[2].1.contains("key.leak_found") && places[3].1.contains("leak_reports"));
    assert!(places[1].1.contains("/leaks"), "the log is not that of the program");
    let secrets = [&secret[secret.len() / 2 - 8..secret.len() / 2 + 8], &basic[30..50]];
    for trace in secrets.into_iter().chain(marks) {
        let in_hex: String = trace.bytes().map(|byte| format!("{byte:02x}")).collect();
        for (place, text) in &places {
            assert!(!text.contains(trace) && !text.contains(&in_hex), "{place} has {trace}");
        }
    }
}
