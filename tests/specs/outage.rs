//! Postgres is away, or we are asked to go.

use std::{
    fs::File,
    io::{Read, Write},
    net::TcpStream,
    os::fd::OwnedFd,
    thread,
    time::{Duration, Instant},
};

use diesel::{connection::SimpleConnection, prelude::*};
use futures_util::future::join_all;
use latchkey::schema::{key_secrets, keys};
use serde_json::json;

use crate::{
    keys::creating::walk,
    support::{Browser, Page, Program, TestApp, database::SpecDatabase},
    verify::{
        proxy::{Mode, Proxy},
        world::Answer,
    },
};

/// A second is the promise; the rest is for a machine that runs many specs at once.
const PROMPTLY: Duration = Duration::from_millis(2500);

fn world() -> (TestApp, Proxy) {
    let database = SpecDatabase::create();
    let proxy = Proxy::before(&database.url);
    let url = proxy.url.clone();
    let app = TestApp::on(database, &[("DATABASE_URL", &url)]);
    app.preset("marketplace");
    (app, proxy)
}

#[track_caller]
fn assert_says_so(page: &Page) {
    page.assert_status(503).assert_shows("Try again in a moment");
    assert_ne!(page.header("retry-after"), "");
    assert_eq!(page.header("cache-control"), "no-store");
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
    assert_eq!(page.header("set-cookie"), "", "the session has to survive");
    page.assert_shows(page.header("x-request-id")).assert_hides("connection to server");
}

async fn eventually_shows(browser: &mut Browser, path: &str) {
    let began = Instant::now();
    loop {
        let page = browser.get(path).await;
        if page.status() == 200 {
            return;
        }
        page.assert_status(503);
        assert!(began.elapsed() < Duration::from_secs(5), "it does not recover");
        actix_web::rt::time::sleep(Duration::from_millis(20)).await;
    }
}

#[actix_web::test]
async fn pages_say_so_at_once_and_go_on_with_the_same_session_afterwards() {
    let (app, proxy) = world();
    let app_id = app.application("Back office");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let summary = walk(&mut ada, &app_id, "deploy bot", "reporting:read").await;
    proxy.set(Mode::Refuse);

    for path in ["/keys", "/", "/keys/new", "/team", "/keys?status=active"] {
        let began = Instant::now();
        let page = ada.get(path).await;
        assert!(began.elapsed() < PROMPTLY, "{path} took {:?}", began.elapsed());
        assert_says_so(page.assert_is_page());
    }
    let began = Instant::now();
    let toast = ada.with_htmx("/keys").get("/keys").await;
    assert_says_so(toast.assert_is_fragment());
    let refused = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    assert_says_so(refused.assert_is_page());
    assert_says_so(app.visitor().get("/sign-in").await.assert_is_page());
    let fields = [("email", "ada@example.com"), ("password", crate::support::PASSWORD)];
    assert_says_so(&app.visitor().post("/sign-in", &fields).await);
    assert!(began.elapsed() < PROMPTLY * 4, "{:?}", began.elapsed());
    // What needs no Postgres is there all the same.
    app.visitor().get("/healthz").await.assert_status(200);
    app.visitor().get("/readyz").await.assert_status(503);
    app.visitor().get("/static/css/app.css").await.assert_status(200);
    app.visitor().get("/keys").await.assert_leads_to("/sign-in?next=%2Fkeys");

    proxy.set(Mode::Pass);
    eventually_shows(&mut ada, "/keys").await;
    app.visitor().get("/readyz").await.assert_status(200);
    assert_eq!(app.db(|conn| keys::table.count().get_result::<i64>(conn).unwrap()), 0);
    // The wizard has kept everything: its last page makes the key now.
    ada.submit(&summary, "#wizard", &[("go", "create")]).await.assert_status(200);
}

#[actix_web::test]
async fn a_postgres_that_was_restarted_costs_nobody_a_page() {
    let (app, _proxy) = world();
    let ada = app.sign_in(&app.administrator("Ada")).await;
    // Several connections, all of which end behind our back.
    let mut windows = vec![ada.clone(); 8];
    for page in join_all(windows.iter_mut().map(|window| window.get("/keys"))).await {
        page.assert_status(200);
    }
    app.db(|conn| {
        conn.batch_execute(
            "select pg_terminate_backend(pid) from pg_stat_activity
             where datname = current_database() and pid <> pg_backend_pid()",
        )
    })
    .unwrap();
    for window in &mut windows {
        window.get("/keys").await.assert_status(200);
    }
}

#[actix_web::test]
async fn a_postgres_that_never_answers_holds_nobody_for_long() {
    let (app, proxy) = world();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    proxy.set(Mode::BlackHole);
    let began = Instant::now();
    let mut windows = vec![ada.clone(); 12];
    let pages = join_all(windows.iter_mut().map(|window| window.get("/keys"))).await;
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    for page in &pages {
        assert_says_so(page.assert_is_page());
    }
    app.visitor().get("/healthz").await.assert_status(200);
    app.visitor().get("/readyz").await.assert_status(503);
    proxy.set(Mode::Pass);
    eventually_shows(&mut ada, "/keys").await;
}

#[actix_web::test]
async fn what_could_not_be_answered_leaves_a_line_of_who_asked_and_how_long_it_took() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let proxy = Proxy::before(&app.database.url);
    let program = Program::serve(&proxy.url);
    proxy.set(Mode::Refuse);
    let asked = reqwest::Client::new()
        .post(format!("http://{}/v1/verify", program.address))
        .bearer_auth(&gateway)
        .json(&json!({ "key": "secret" }));
    let answer = asked.send().await.unwrap();
    assert_eq!(answer.status(), 503);
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    let log = program.log();
    let line = log.lines().find(|line| line.contains(&id)).expect("there is a line");
    assert!(line.contains("/v1/verify") && line.contains("503"), "{line}");
    assert!(line.contains("ms=") && line.contains("127.0.0.1"), "{line}");
}

#[actix_web::test]
async fn a_log_that_cannot_be_written_stops_nothing() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let gateway = app.gateway("production");
    // A disk that is full, and a pipe whose other end is gone.
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let full = File::options().write(true).open("/dev/full").unwrap();
    for log in [full, OwnedFd::from(writer).into()] {
        let mut program = Program::logging_to(&app.database.url, log);
        for _ in 0..10 {
            assert_eq!(code(&program, &gateway, &key.secret).await, "VALID");
            program.visitor().get("/sign-in").await.assert_status(200);
        }
        program.terminate();
        let ended = program.ended_within(Duration::from_secs(10)).expect("it ends");
        assert_eq!(ended.code(), Some(0));
    }
}

#[actix_web::test]
async fn with_few_open_files_those_who_got_in_are_answered_and_later_everybody_is() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let gateway = app.gateway("production");
    let program = Program::with_open_files(&app.database.url, 64);
    assert_eq!(code(&program, &gateway, &key.secret).await, "VALID");

    let mut crowd: Vec<TcpStream> = (0..100)
        .map(|_| {
            let mut stream = TcpStream::connect(program.address).unwrap();
            stream.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
            stream.write_all(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").unwrap();
            stream
        })
        .collect();
    let began = Instant::now();
    while !program.log().contains("Too many open files") {
        assert!(began.elapsed() < Duration::from_secs(10), "there were enough");
        thread::sleep(Duration::from_millis(20));
    }
    let mut answer = [0; 12];
    crowd[0].read_exact(&mut answer).unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200");

    drop(crowd);
    let began = Instant::now();
    assert_eq!(code(&program, &gateway, &key.secret).await, "VALID");
    program.visitor().get("/sign-in").await.assert_status(200);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

/// What it says of a key, as soon as it can.
async fn code(program: &Program, gateway: &str, secret: &str) -> String {
    let address = format!("http://{}/v1/verify", program.address);
    let question = json!({ "key": secret });
    let asked = reqwest::Client::new().post(address).bearer_auth(gateway).json(&question);
    Answer::to(asked).await.code()
}

#[actix_web::test]
async fn a_process_that_is_asked_to_end_finishes_what_it_does_and_loses_nothing() {
    // A world to make things in, and the program itself beside it.
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let gateway = app.gateway("production");
    let mut program = Program::serve(&app.database.url);
    let asked = |body: serde_json::Value| {
        reqwest::Client::new()
            .post(format!("http://{}/v1/verify", program.address))
            .bearer_auth(&gateway)
            .json(&body)
            .send()
    };
    let began = Instant::now();
    loop {
        let verdict = asked(json!({ "key": key.secret })).await.unwrap();
        if verdict.status() == 200 {
            let verdict: serde_json::Value = verdict.json().await.unwrap();
            assert_eq!(verdict["code"], "VALID");
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(5), "it does not answer");
    }

    // A page that has to wait for a lock is under way when the signal comes.
    let mut lock = app.database.connect();
    lock.batch_execute("begin; lock table users in access exclusive mode").unwrap();
    let mut visitor = program.visitor();
    let page = actix_web::rt::spawn(async move { visitor.get("/sign-in").await });
    let waits = "select count(*) as waiting from pg_locks where not granted and relation = 'users'::regclass";
    #[derive(QueryableByName)]
    struct Waiting {
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        waiting: i64,
    }
    let began = Instant::now();
    while lock_waits(&app, waits) == 0 {
        assert!(began.elapsed() < Duration::from_secs(5), "nobody waits");
        actix_web::rt::time::sleep(Duration::from_millis(5)).await;
    }
    fn lock_waits(app: &TestApp, ask: &str) -> i64 {
        app.db(|conn| diesel::sql_query(ask).get_result::<Waiting>(conn)).unwrap().waiting
    }
    program.terminate();
    let began = Instant::now();
    while !program.log().contains("asked to end") {
        assert!(began.elapsed() < Duration::from_secs(2), "{}", program.log().len());
        thread::sleep(Duration::from_millis(5));
    }
    lock.batch_execute("rollback").unwrap();
    page.await.unwrap().assert_status(200).assert_shows("Sign in");

    let status = program.ended_within(Duration::from_secs(10)).expect("it ends");
    assert_eq!(status.code(), Some(0));
    let used: Option<chrono::DateTime<chrono::Utc>> =
        app.db(|conn| keys::table.find(key.key.id).select(keys::last_used_at).first(conn)).unwrap();
    assert!(used.is_some(), "what it counted was not written");
    assert_eq!(app.db(|conn| key_secrets::table.count().get_result::<i64>(conn).unwrap()), 1);
}
