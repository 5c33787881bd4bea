//! Notices by e-mail, as a real mail server takes them.

use std::net::TcpListener;

use serde_json::Value;

use super::{add_ada, ask, happens, mail_server::MailServer, run, sign_in, until};
use crate::support::{Program, TestApp, database::SpecDatabase, terminal::Terminal};

const HTML_IN_A_NAME: &str = "<img src=x onerror=alert(1)> & co";

fn start(server: &str, more: &[(&str, &str)]) -> TestApp {
    let app = TestApp::start_with(&[&[("SMTP_URL", server)], more].concat());
    app.preset("marketplace");
    app.application("Storefront");
    app
}

fn header<'a>(mail: &'a Value, name: &str) -> &'a str {
    mail["headers"][name].as_str().unwrap_or_else(|| panic!("no {name} in {mail}"))
}

/// Nobody waits for what is planned.
fn hurry(app: &TestApp) {
    app.db(|conn| {
        run(conn, "update notice_mails set next_at = clock_timestamp() where next_at is not null");
    });
}

#[actix_web::test]
async fn notices_reach_those_they_are_for_in_one_mail() {
    let server = MailServer::start();
    let named = [
        ("SMTP_FROM", "Keys <keys@latchkey.example>"),
        ("LATCHKEY_BASE_URL", "https://keys.example.com"),
    ];
    let app = start(&server.url(), &named);
    app.administrator("Ada");
    let (mia, max) = (app.manager_with_access("Mia"), app.manager_with_access("Max"));
    let (dora, wim) = (app.administrator("Dora"), app.manager_with_access("Wim"));
    app.operator(|conn, operator| latchkey::users::standing::disable(conn, operator, dora.id));
    let (hers, his) = (app.key(&mia, HTML_IN_A_NAME), app.key(&max, "deploy bot"));
    let withdrawn = app.key(&wim, "old bot");
    app.withdraw(&wim);
    let conn = &mut app.database.connect();

    happens(conn, "key_expires", "x 3", r#"{"days": 3}"#, &[&hers, &withdrawn]);
    // By default the first use of a key is nothing to write about.
    happens(conn, "key_first_used", "", "{}", &[&hers, &his]);
    server.has_taken(2);
    until("nothing more is due", || {
        let open = ask(conn, "select 'x' as text from notice_outbox where channel = 'mail'");
        open.is_empty().then_some(())
    });
    assert_eq!(server.mails().len(), 2, "{:#?}", server.mails());

    let mail = &server.mails_to("mia@example.com")[0];
    let headline = format!("“{HTML_IN_A_NAME}” expires within 3 days");
    assert_eq!(header(mail, "subject"), headline);
    assert_eq!(header(mail, "from"), "Keys <keys@latchkey.example>");
    assert_eq!(header(mail, "to"), "Mia <mia@example.com>");
    assert_eq!(header(mail, "auto-submitted"), "auto-generated");
    assert!(header(mail, "message-id").ends_with("@latchkey.example>"), "{mail}");
    let (plain, html) = (mail["plain"].as_str().unwrap(), mail["html"].as_str().unwrap());
    let page = format!("https://keys.example.com{}", hers.page());
    for text in
        [headline.as_str(), &page, "Storefront, Production", "https://keys.example.com/account"]
    {
        assert!(plain.contains(text), "{text} is not in\n{plain}");
    }
    assert!(html.contains(&page) && html.contains("&#60;img src=x"), "{html}");
    for code in ["<img", "src=\"http", "<script", "<style", "url("] {
        assert!(!html.contains(code), "{code} is in\n{html}");
    }
    let mail = &server.mails_to("ada@example.com")[0];
    assert!(header(mail, "subject").starts_with("2 notices from "), "{mail}");
    assert!(mail["plain"].as_str().unwrap().contains("“old bot” expires within 3 days"));

    // However much comes soon after: one more mail, later, that lists fifty.
    for round in 0..3 {
        run(
            conn,
            &format!(
                "insert into notices (kind, key_id, owner_id, occasion) select 'key_used_elsewhere', {}, {}, \
                 'day {round} ' || n from generate_series(1, 40) n",
                hers.key.id, mia.id
            ),
        );
        latchkey::notices::deliver_soon(conn).unwrap();
        until("they are gathered", || {
            let left = ask(conn, "select 'x' as text from notice_outbox where channel = 'mail'");
            left.is_empty().then_some(())
        });
    }
    let planned = ask(
        conn,
        "select concat_ws(' ', cardinality(notice_ids), more, next_at > now() + interval '4 minutes') as text \
         from notice_mails where next_at is not null order by id",
    );
    assert_eq!(planned, ["50 70 t", "50 70 t"]);
    // What is not hers any more by then is not told.
    app.operator(|conn, operator| {
        latchkey::keys::commands::transfer(conn, operator, hers.public_key(), Some(max.id))
            .map(drop)
    });
    hurry(&app);
    latchkey::notices::deliver_soon(conn).unwrap();
    server.has_taken(3);
    until("none is open", || {
        let open = ask(conn, "select id::text as text from notice_mails where next_at is not null");
        open.is_empty().then_some(())
    });
    assert_eq!(server.mails_to("mia@example.com").len(), 1);
    let mail = &server.mails_to("ada@example.com")[1];
    assert!(header(mail, "subject").starts_with("120 notices from "), "{mail}");
    let plain = mail["plain"].as_str().unwrap();
    assert_eq!(plain.matches("was used in another environment").count(), 50);
    assert!(plain.contains("70 more are in "), "{plain}");
    assert!(server.mails_to("dora@example.com").is_empty());
    assert!(server.mails_to("wim@example.com").is_empty());
}

#[actix_web::test]
async fn each_person_chooses_what_comes_by_mail() {
    let server = MailServer::start();
    let app = start(&server.url(), &[]);
    let (ada, mia) = (app.administrator("Ada"), app.manager_with_access("Mia"));
    let key = app.key(&mia, "deploy bot");
    let conn = &mut app.database.connect();
    let mut page = app.sign_in(&ada).await;
    let account = page.get("/account").await;
    account.assert_shows("Notices that come to ada@example.com").assert_shows("About all keys.");
    let ticked = "form[action='/account/mail'] input[checked]";
    assert_eq!(account.attribute(ticked, "value"), "key_expires");
    assert_eq!(account.all(ticked).len(), 4, "all but the first use");
    let only = [("kind", "key_first_used")];
    page.post("/account/mail", &only).await.assert_leads_to("/account");
    assert_eq!(page.get("/account").await.attribute(ticked, "value"), "key_first_used");
    page.post("/account/mail", &[("kind", "nonsense")])
        .await
        .assert_status(422)
        .assert_shows("Choose among the kinds in the list.");
    page.post("/account/mail", &[("nonsense", "1")]).await.assert_status(400);
    let mut hers = app.sign_in(&mia).await;
    hers.get("/account").await.assert_shows("About your own keys.");
    hers.post("/account/mail", &[]).await.assert_leads_to("/account");
    let mut nobody = app.sign_in(&app.manager("Noa")).await;
    nobody.get("/account").await.assert_hides("/account/mail");
    nobody.post("/account/mail", &[]).await.assert_status(404);

    happens(conn, "key_expires", "x 3", r#"{"days": 3}"#, &[&key]);
    happens(conn, "key_first_used", "", "{}", &[&key]);
    let mails = server.has_taken(1);
    assert_eq!(header(&mails[0], "subject"), "“deploy bot” was used for the first time");
    until("nothing more is due", || {
        let open = ask(conn, "select 'x' as text from notice_outbox where channel = 'mail'");
        open.is_empty().then_some(())
    });
    let outcomes = "select coalesce(outcome, 'open') as text from notice_mails";
    until("its end is written", || Some(ask(conn, outcomes)).filter(|rows| rows == &["sent"]));
}

#[actix_web::test]
async fn a_mailbox_that_is_not_there_blocks_nobody_and_one_that_is_full_is_tried_again() {
    let server = MailServer::start();
    let app = start(&server.url(), &[]);
    let ada = app.administrator("Ada");
    app.administrator("Nobody");
    app.administrator("Later");
    let key = app.key(&ada, "deploy bot");
    let conn = &mut app.database.connect();
    happens(conn, "leak_reported", "", "{}", &[&key]);
    server.has_taken(1);
    let stand = "select concat_ws(' ', split_part(email, '@', 1), coalesce(outcome, 'again'), attempts, \
            next_at > now() + interval '3 seconds') as text \
         from notice_mails join users on users.id = user_id where ended_at is not null or error is not null order by email";
    let stood =
        until("each has been tried", || Some(ask(conn, stand)).filter(|rows| rows.len() == 3));
    assert_eq!(stood, ["ada sent 1", "later again 1 t", "nobody failed 1"]);
    let mut page = app.sign_in(&ada).await;
    let shown = page.get("/settings/mail").await;
    shown
        .assert_is_page()
        .assert_shows("latchkey@localhost")
        .assert_shows("550 5.1.1 No such mailbox")
        .assert_shows("451 4.2.2 Mailbox is full for the moment")
        .assert_hides(&server.url());
    hurry(&app);
    latchkey::notices::deliver_soon(conn).unwrap();
    until("it is tried once more", || {
        Some(ask(conn, stand)).filter(|rows| rows[1].starts_with("later again 2"))
    });
    assert_eq!(server.mails().len(), 1);

    // The button writes to whoever presses it.
    let tested = page.post("/settings/mail/test", &[]).await;
    tested.assert_status(200).assert_shows("250 2.0.0 Taken as 4711");
    let test = &server.has_taken(2)[1];
    assert_eq!(test["to"][0], "ada@example.com");
    assert!(header(test, "subject").starts_with("Test e-mail from "), "{test}");
    assert_eq!(
        ask(conn, "select count(*)::text as text from audit_events where action = 'mail.tested'"),
        ["1"]
    );
    page.get("/audit").await.assert_shows("sent a test e-mail to themselves");
}

#[actix_web::test]
async fn a_mail_server_that_is_away_gets_the_same_mail_when_it_is_back() {
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let app = start(&format!("smtp://127.0.0.1:{port}"), &[]);
    let (ada, _) = (app.administrator("Ada"), app.administrator("Bea"));
    let key = app.key(&ada, "deploy bot");
    let conn = &mut app.database.connect();
    happens(conn, "leak_reported", "", "{}", &[&key]);
    let wait = "select concat_ws(' ', error is not null, attempts, next_at > now() + interval '3 seconds') as text \
         from notice_mails order by error";
    // One was tried; the other waits with it.
    let waiting = until("one has been tried", || {
        Some(ask(conn, wait)).filter(|rows| rows.len() == 2 && rows[1].ends_with("0 t"))
    });
    assert_eq!(waiting, ["t 1 t", "f 0 t"]);
    let mut page = app.sign_in(&ada).await;
    page.get("/settings/mail").await.assert_shows("The mail server cannot be reached");
    page.post("/settings/mail/test", &[]).await.assert_shows("The mail server cannot be reached");
    let planned = "select 'notices-' || id || '.' || (extract(epoch from created_at) * 1000000)::bigint as text \
         from notice_mails order by id";
    let planned = ask(conn, planned);

    let server = MailServer::at(port);
    hurry(&app);
    latchkey::notices::deliver_soon(conn).unwrap();
    let mails = server.has_taken(2);
    let mut ids: Vec<&str> = mails.iter().map(|mail| header(mail, "message-id")).collect();
    ids.sort_unstable();
    for (id, planned) in ids.iter().zip(&planned) {
        assert_eq!(*id, format!("<{planned}@localhost>"));
    }
}

#[actix_web::test]
async fn what_is_sent_is_encrypted_and_the_server_knows_who_comes() {
    let server = MailServer::that_is_careful();
    let (database, authority) = (SpecDatabase::create(), server.authority());
    let url =
        |password: &str| format!("smtp://kim:{password}@localhost:{}?tls=required", server.port);
    let right = url("pass%40word");
    let program =
        Program::serve_with(&database.url, &[("SMTP_URL", &right), ("SSL_CERT_FILE", &authority)]);
    let conn = &mut database.connect();
    add_ada(conn);
    let mut page = sign_in(&program).await;
    page.post("/settings/mail/test", &[]).await.assert_shows("250 2.0.0 Taken as 4711");
    assert_eq!(server.mails()[0]["encrypted"], true);
    assert!(!program.log().contains("pass@word") && !program.log().contains("pass%40word"));

    let check = |url: &str, trusted: bool| {
        let terminal = Terminal::open().with("DATABASE_URL", "").with("SMTP_URL", url);
        let file = if trusted { authority.as_str() } else { "/dev/null" };
        terminal.with("SSL_CERT_FILE", file).type_in("check")
    };
    check(&right, true).says("ok       SMTP_URL: the mail server answers");
    let outcome = check(&url("wrong"), true);
    outcome.says("error    SMTP_URL: notices cannot be mailed, and wait: 535");
    assert_eq!(outcome.code, 1);
    check(&right, false).says("error    SMTP_URL: notices cannot be mailed");
    check(&format!("smtp://127.0.0.1:{}", 1), true).says("cannot be reached");
}

#[actix_web::test]
async fn without_a_mail_server_the_pages_say_so_and_nothing_piles_up() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let conn = &mut app.database.connect();
    happens(conn, "leak_reported", "", "{}", &[&key]);
    let mut page = app.sign_in(&ada).await;
    page.get("/account").await.assert_shows("no mail server is configured");
    page.get("/settings/mail").await.assert_is_page().assert_shows("No mail server is configured");
    page.post("/settings/mail/test", &[]).await.assert_status(409);
    until("it is taken out", || {
        ask(conn, "select channel as text from notice_outbox").is_empty().then_some(())
    });
    assert!(ask(conn, "select outcome as text from notice_mails").is_empty());
}
