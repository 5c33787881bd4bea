//! A secret is in one answer, once, and nowhere else: not in the log, not in Postgres and its log, not in any page.

use std::{fs, path::PathBuf};

use diesel::{connection::SimpleConnection, prelude::*, sql_types::Text};
use latchkey::{applications, keys, presets, users, users::Viewer};
use reqwest::Method;
use serde_json::json;

use crate::support::{Browser, PASSWORD, Page, Program, TestApp, database::SpecDatabase};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

fn ask(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    let lines = diesel::sql_query(sql).load::<Line>(conn);
    lines
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .into_iter()
        .map(|line| line.text)
        .collect()
}

/// Every row of every table as text.
fn dump(conn: &mut PgConnection) -> String {
    let tables =
        ask(conn, "select tablename::text as text from pg_tables where schemaname = 'public'");
    assert!(tables.len() > 15, "{tables:?}");
    tables
        .iter()
        .flat_map(|table| ask(conn, &format!("select t::text as text from \"{table}\" t")))
        .collect::<Vec<_>>()
        .join("\n")
}

/// What Postgres itself wrote down.
fn postgres_log(conn: &mut PgConnection) -> String {
    let cluster = ask(conn, "select current_setting('data_directory') as text").remove(0);
    let log = PathBuf::from(cluster).with_file_name("postgres.log");
    String::from_utf8_lossy(&fs::read(&log).unwrap()).into_owned()
}

/// Somebody whose every answer is kept.
struct Recorded {
    browser: Browser,
    answers: Vec<String>,
}

impl Recorded {
    fn keep(&mut self, page: Page) -> Page {
        self.answers.push(format!("{}\n{}", page.every_header(), page.body()));
        page
    }

    async fn get(&mut self, path: &str) -> Page {
        let page = self.browser.get(path).await;
        self.keep(page)
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Page {
        let page = self.browser.post(path, fields).await;
        self.keep(page)
    }

    /// The one answer that may have it.
    async fn reveal(&mut self, path: &str, fields: &[(&str, &str)]) -> (String, String, String) {
        let page = self.browser.post(path, fields).await;
        page.assert_status(200);
        (page.text("#secret"), page.text("#basic-token"), page.text("#public-key"))
    }
}

#[actix_web::test]
async fn a_secret_leaves_no_trace() {
    let database = SpecDatabase::create();
    let mut conn = database.connect();
    conn.batch_execute(
        "do $$ begin execute format('alter database %I set log_statement = ''all''', current_database());
                     execute format('alter database %I set log_min_duration_statement = 0', current_database()); end $$",
    )
    .unwrap();
    let operator = Viewer::operator();
    let app_id = conn
        .transaction(|conn| {
            presets::apply(conn, &operator, "marketplace")?;
            let new = users::NewUser {
                email: "ada@example.com".into(),
                name: "Ada".into(),
                role: users::Role::Administrator,
                api_access: false,
            };
            let ada = users::commands::add(conn, &operator, &new)?;
            let hash = users::passwords::hash(PASSWORD).unwrap();
            users::commands::set_password(conn, &operator, ada.id, &hash)?;
            Ok::<_, latchkey::error::AppError>(
                applications::create(conn, &operator, "Storefront")?.0.app_id,
            )
        })
        .unwrap();
    let program = Program::serve(&database.url);
    let mut ada = Recorded { browser: program.visitor(), answers: Vec::new() };
    let sign_in = [("email", "ada@example.com"), ("password", PASSWORD)];
    ada.post("/sign-in", &sign_in).await.assert_status(303);
    let cookie = ada.browser.cookie("latchkey").unwrap().to_owned();
    ada.answers.clear();
    let page =
        ada.browser.post("/gateways", &[("name", "edge"), ("environment", "production")]).await;
    let gateway = page.all("code").into_iter().find(|code| code.starts_with("gw_")).unwrap();

    let mut secrets = Vec::new();
    let mut publics = Vec::new();
    for number in 0..10 {
        let draft = format!("018f2b8e-3f4a-4c55-9d1e-{number:012}");
        let name = format!("key {number}");
        let about = [("draft", draft.as_str()), ("go", "next")];
        let steps: [&[(&str, &str)]; 4] = [
            &[("step", "name"), ("name", &name)],
            &[("step", "environment"), ("application", &app_id), ("environment", "production")],
            &[("step", "permissions"), ("permission", "reporting:read")],
            &[("step", "limits"), ("expires", "90")],
        ];
        for fields in steps {
            ada.post("/keys/new", &[&about[..], fields].concat()).await.assert_status(303);
        }
        let create = [("draft", draft.as_str()), ("go", "create")];
        let (secret, basic, public) = ada.reveal("/keys", &create).await;
        ada.post("/keys", &create).await.assert_status(409);
        ada.get(&format!("/keys/{public}")).await.assert_status(200);
        let regenerate = format!("/keys/{public}/regenerate");
        let (second, second_basic, _) = ada.reveal(&regenerate, &[("version", "1")]).await;
        ada.post(&regenerate, &[("version", "1")]).await.assert_status(409);
        ada.get("/audit").await.assert_status(200);
        ada.post("/audit/export", &[("format", "jsonl")]).await.assert_status(200);
        for pasted in [&secret, &second, &basic] {
            let found = ada.post("/keys/search", &[("q", pasted)]).await;
            assert!(found.status() < 400, "{}", found.status());
            let _ = ada.get(&format!("/keys?q={pasted}")).await;
            ada.post("/audit/search", &[("q", pasted)]).await.assert_status(400);
            ada.get(&format!("/audit?subject={pasted}")).await.assert_status(400);
            ada.get(&format!("/keys/{pasted}")).await.assert_status(404);
            ada.get(&format!("/{pasted}?key={pasted}")).await.assert_status(404);
            // Pasted where it does not belong, and put right.
            ada.post(&format!("/keys/{pasted}/revoke"), &[("reason", "x")])
                .await
                .assert_status(404);
        }
        for (body, status) in [
            (json!({ "key": secret }), 200),
            (json!({ "key": second, "scopes": ["reporting:read"] }), 200),
            (json!({ "basic": second_basic }), 200),
            (json!({ "key": second, "nonsense": 1 }), 400),
            (json!({ "key": second, "basic": basic }), 400),
        ] {
            let answer = ada
                .browser
                .request(Method::POST, "/v1/verify", |request| {
                    request.bearer_auth(&gateway).json(&body)
                })
                .await;
            assert!([status, 503].contains(&answer.status()), "{}", answer.body());
            let _ = ada.keep(answer);
        }
        let query = format!("/v1/authorize?key={second}");
        let answer = ada
            .browser
            .request(Method::GET, &query, |request| request.header("X-Gateway-Token", &gateway))
            .await;
        let _ = ada.keep(answer);
        let answer = ada
            .browser
            .request(Method::GET, "/v1/authorize", |request| {
                request.header("X-Gateway-Token", &gateway).header("X-API-Key", &second)
            })
            .await;
        let _ = ada.keep(answer);
        secrets.extend([secret, second, basic, second_basic]);
        publics.push(public);
    }
    // All at once, and where the application wants its secrets kept: shown again, and no trace of them either.
    let application = format!("/applications/{app_id}");
    let nonce = "018f2b8e-3f4a-4c55-9d1e-00000000ffff";
    let reset = [
        ("environment", "production"),
        ("password", PASSWORD),
        ("nonce", nonce),
        ("typed", "Storefront"),
    ];
    ada.get(&format!("{application}/confirm/reset?environment=production"))
        .await
        .assert_status(200);
    let done = ada.browser.post(&format!("{application}/reset"), &reset).await;
    done.assert_status(200);
    assert_eq!(done.all("[data-each]").len(), 10);
    secrets.extend(done.all("[data-each]"));
    ada.post(&format!("{application}/reset"), &reset).await.assert_status(409);
    ada.post(&format!("{application}/keep-secrets"), &[]).await.assert_status(303);
    let kept = format!("/keys/{}", publics[0]);
    let overlap = [("version", "3"), ("overlap", "1h")];
    let (secret, basic, _) = ada.reveal(&format!("{kept}/regenerate"), &overlap).await;
    ada.get(&format!("{kept}/confirm/reveal")).await.assert_status(200);
    let again = ada.browser.post(&format!("{kept}/reveal"), &[("password", PASSWORD)]).await;
    assert_eq!(again.assert_status(200).text("#secret"), secret);
    ada.get(&kept).await.assert_status(200);
    secrets.extend([secret, basic]);
    for page in ["/keys", "/keys?q=key", "/", "/gateways", "/applications", &application] {
        ada.get(page).await.assert_status(200);
    }
    // As a file, whatever was searched for.
    for pasted in &secrets {
        let fields = [("format", "csv"), ("q", pasted.as_str())];
        ada.post("/keys/export", &fields).await.assert_status(400);
    }
    let job = ada.post("/keys/export", &[("format", "jsonl")]).await.location().unwrap();
    while ada.get(&format!("{job}/file")).await.status() != 200 {}
    ada.get(&job).await.assert_status(200).assert_shows("10 keys are in the file.");
    program.terminate();

    let places = [
        ("an answer", ada.answers.join("\n")),
        ("the log", program.log()),
        ("Postgres", dump(&mut conn)),
        ("Postgres’s log", postgres_log(&mut conn)),
    ];
    // Whoever looks at nothing finds nothing.
    for (place, text) in &places {
        assert!(
            *place == "the log" || text.contains(&publics[0]),
            "{place} is not what it should be"
        );
        assert!(text.len() > 1_000, "{place} is empty");
    }
    assert!(places[1].1.contains("/keys/new"), "the log is not that of the program");
    secrets.extend([gateway, cookie]);
    for secret in &secrets {
        // The masked form shows the first and last four of the random part; what lies between is nowhere.
        let inside = &secret[secret.len() / 2 - 8..secret.len() / 2 + 8];
        let in_hex: String = inside.bytes().map(|byte| format!("{byte:02x}")).collect();
        for (place, text) in &places {
            for trace in [inside, &in_hex] {
                assert!(!text.contains(trace), "{place} has a secret: {}", around(text, trace));
            }
        }
    }
}

fn around(text: &str, found: &str) -> String {
    let at = text.find(found).unwrap();
    String::from_utf8_lossy(&text.as_bytes()[at.saturating_sub(300)..(at + 100).min(text.len())])
        .into_owned()
}

#[actix_web::test]
async fn what_is_stored_of_a_secret_opens_nothing() {
    let app = crate::support::TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let ada = app.sign_in(&user).await;
    let stored: Vec<(Vec<u8>, String)> = app
        .db(|conn| {
            use latchkey::schema::key_secrets;
            key_secrets::table.select((key_secrets::hash, key_secrets::masked)).load(conn)
        })
        .unwrap();
    let [(hash, masked)] = stored.as_slice() else { panic!("one secret, one row") };
    assert_eq!(hash.len(), 32);
    let hex: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    for stolen in [&hex, masked, &format!("prod_sk_{hex}"), &key.key.id.to_string()] {
        assert_eq!(app.code(&gateway, stolen).await, "MALFORMED_KEY");
    }
    let sessions = app.db(|conn| ask(conn, "select encode(id_hash, 'hex') as text from sessions"));
    assert!(!sessions.is_empty());
    for stolen in sessions {
        let mut thief = ada.clone();
        thief.set_cookie("latchkey", &stolen);
        thief.get("/keys").await.assert_status(303);
    }
    let dump = app.db(dump);
    assert!(!dump.contains(PASSWORD) && dump.contains("$argon2id$"));
    let _ = keys::WINDOWS;
}

/// What a page is compressed with must not help to guess the secret beside it.
#[actix_web::test]
async fn no_page_that_shows_a_secret_is_compressed() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada = ada.with_header("Accept-Encoding", "gzip");
    let list = ada.request(Method::HEAD, "/team", |request| request).await;
    assert_eq!(list.header("content-encoding"), "gzip");
    for (path, fields) in [
        ("/applications", &[("name", "Back office")][..]),
        ("/gateways", &[("name", "Edge"), ("environment", "production")]),
        ("/team", &[("name", "Tom"), ("email", "tom@example.com"), ("role", "manager")]),
        ("/team/2/link", &[]),
    ] {
        let page = ada.post(path, fields).await;
        page.assert_status(200);
        assert_eq!(page.header("content-encoding"), "identity", "{path}");
    }
}
