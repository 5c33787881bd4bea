use futures_util::future::{join, join_all};
use latchkey::users;
use reqwest::{Method, header};

use crate::support::{Browser, PASSWORD, Page, TestApp};

const WRONG: &str = "E-mail or password is wrong.";

async fn attempt(browser: &mut Browser, email: &str, password: &str) -> Page {
    browser.post("/sign-in", &[("email", email), ("password", password)]).await
}

fn set_password(app: &TestApp, user_id: i64, password: &str) {
    let hash = users::passwords::hash(password).unwrap();
    app.operator(|conn, operator| {
        users::commands::set_password(conn, operator, user_id, &hash).map(drop)
    });
}

#[actix_web::test]
async fn the_form_works_without_javascript_and_leads_where_one_wanted_to_go() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut browser = app.visitor();

    browser.get("/applications").await.assert_leads_to("/sign-in?next=%2Fapplications");
    let page = browser.get("/sign-in?next=%2Fapplications").await;
    page.assert_status(200).assert_is_page().assert_shows("Sign in");
    browser
        .submit(&page, "form", &[("email", &ada.email), ("password", PASSWORD)])
        .await
        .assert_leads_to("/applications");
    browser.get("/applications").await.assert_status(200).assert_shows("Ada");
    browser.get("/sign-in?next=%2Fteam").await.assert_leads_to("/team");
}

#[actix_web::test]
async fn an_unknown_person_and_a_wrong_password_look_the_same() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut browser = app.visitor();

    let wrong = attempt(&mut browser, &ada.email, "not the password").await;
    wrong.assert_status(401).assert_shows(WRONG).assert_hides("not the password");
    let unknown = attempt(&mut browser, "ado@example.com", "not the password").await;
    unknown.assert_status(401).assert_shows(WRONG);
    assert_eq!(wrong.body(), unknown.body().replace("ado@example.com", &ada.email));
    assert!(browser.cookie("latchkey").is_none(), "nobody who is refused gets a session");
}

#[actix_web::test]
async fn somebody_who_never_chose_a_password_is_nobody() {
    let app = TestApp::start();
    app.operator(|conn, operator| {
        let new = users::NewUser {
            email: "tom@example.com".into(),
            name: "Tom".into(),
            role: users::Role::Manager,
            api_access: false,
        };
        users::commands::add(conn, operator, &new)
    });
    let mut browser = app.visitor();
    attempt(&mut browser, "tom@example.com", "").await.assert_status(422);
    attempt(&mut browser, "tom@example.com", PASSWORD).await.assert_status(401).assert_shows(WRONG);
}

#[actix_web::test]
async fn addresses_are_compared_as_people_read_them() {
    let app = TestApp::start();
    app.administrator("Ada");
    for typed in ["ada@example.com", "ADA@Example.com", " ada@example.com  ", "ａda@example.com"] {
        attempt(&mut app.visitor(), typed, PASSWORD).await.assert_status(303);
    }
    for other in ["аda@example.com", "ada@example.com' or '1'='1", "ada@example.com--", "ada"] {
        let page = attempt(&mut app.visitor(), other, PASSWORD).await;
        page.assert_status(401).assert_shows(WRONG);
    }
}

#[actix_web::test]
async fn what_is_missing_or_cannot_be_typed_is_said_at_its_field() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut browser = app.visitor();

    browser.post("/sign-in", &[]).await.assert_status(422).assert_shows("Enter your password.");
    attempt(&mut browser, "", PASSWORD).await.assert_status(422).assert_shows("Enter your e-mail");
    let page = attempt(&mut browser, &ada.email, "").await;
    page.assert_status(422).assert_shows("Enter your password.");
    assert_eq!(page.attribute("#email", "value"), ada.email);
    assert_eq!(page.attribute("#password", "aria-describedby"), "password-error");
    assert_eq!(page.attribute("#password", "aria-invalid"), "true");
    page.attribute("#password", "autofocus");

    let long = "x".repeat(1025);
    attempt(&mut browser, &ada.email, &long).await.assert_status(422).assert_shows("too long");
    let long = format!("{}@example.com", "x".repeat(300));
    attempt(&mut browser, &long, PASSWORD).await.assert_status(422);
    for broken in ["nul\0", "replaced\u{fffd}"] {
        attempt(&mut browser, &ada.email, broken).await.assert_status(422);
        attempt(&mut browser, broken, PASSWORD).await.assert_status(422);
    }
}

#[actix_web::test]
async fn a_form_is_read_strictly() {
    let app = TestApp::start();
    let mut browser = app.visitor();
    let twice = [("email", "a@b"), ("email", "c@d"), ("password", "x")];
    browser.post("/sign-in", &twice).await.assert_status(400);
    let more = [("email", "a@b"), ("password", "x"), ("role", "administrator")];
    browser.post("/sign-in", &more).await.assert_status(400);

    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x"] {
        let send = |request: reqwest::RequestBuilder| {
            request.header(header::CONTENT_TYPE, kind).body("email=a@b&password=x")
        };
        browser.request(Method::POST, "/sign-in", send).await.assert_status(415);
    }
    for body in ["email=ada%40example.com&password=%ff%fe", "email=%00&password=x"] {
        let send = |request: reqwest::RequestBuilder| {
            request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").body(body)
        };
        browser.request(Method::POST, "/sign-in", send).await.assert_status(422);
    }
    browser.request(Method::DELETE, "/sign-in", |request| request).await.assert_status(405);
}

#[actix_web::test]
async fn blanks_and_long_phrases_are_passwords_too() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    for password in [" ".repeat(15), "пароль ".repeat(36)] {
        set_password(&app, ada.id, &password);
        attempt(&mut app.visitor(), &ada.email, &password).await.assert_status(303);
        attempt(&mut app.visitor(), &ada.email, password.trim())
            .await
            .assert_status(if password.trim().is_empty() { 422 } else { 401 });
    }
}

#[actix_web::test]
async fn the_eleventh_attempt_waits_whether_the_account_exists_or_not() {
    let app = TestApp::start();
    let (ada, lee) = (app.administrator("Ada"), app.administrator("Lee"));
    for email in [ada.email.as_str(), "nobody@example.com"] {
        let mut browser = app.visitor();
        for _ in 0..10 {
            attempt(&mut browser, email, "wrong").await.assert_status(401);
        }
        for password in ["wrong", PASSWORD] {
            let page = attempt(&mut browser, email, password).await;
            page.assert_status(429).assert_is_page().assert_shows("Too many attempts");
            assert!((1..=900).contains(&page.header("retry-after").parse::<u64>().unwrap()));
        }
    }
    attempt(&mut app.visitor(), &lee.email, PASSWORD).await.assert_status(303);
}

#[actix_web::test]
async fn nobody_is_led_to_another_site() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let long = format!("/{}", "x".repeat(3000));
    for next in [
        "//evil",
        "/\\evil",
        "/%09/evil",
        "/.//evil",
        "/a/..//evil",
        "https:evil",
        "https://evil.example/",
        "javascript:alert(1)",
        "%2f%2fevil",
        "/x\r\nSet-Cookie: a=b",
        &long,
    ] {
        let mut browser = app.visitor();
        let fields = [("email", ada.email.as_str()), ("password", PASSWORD), ("next", next)];
        browser.post("/sign-in", &fields).await.assert_leads_to("/");
    }
    let mut browser = app.visitor();
    browser.get("/sign-in?next=//evil").await.assert_status(200).assert_hides("evil");
}

#[actix_web::test]
async fn the_trail_knows_who_came_in_and_who_was_refused_but_no_password() {
    use diesel::{QueryDsl, RunQueryDsl};
    use latchkey::schema::audit_events::dsl::{action, actor, audit_events, details, id, subject};

    let app = TestApp::start();
    let ada = app.administrator("Ada");
    attempt(&mut app.visitor(), &ada.email, "my other password").await.assert_status(401);
    attempt(&mut app.visitor(), "hunter2 typed here", "x").await.assert_status(401);
    app.sign_in(&ada).await;

    let trail: Vec<(String, String, String, serde_json::Value)> = app.db(|conn| {
        audit_events.order(id).select((action, actor, subject, details)).load(conn).unwrap()
    });
    let seen: Vec<(&str, &str, &str)> = trail
        .iter()
        .filter(|(what, ..)| what.starts_with("session."))
        .map(|(what, who, whom, _)| (what.as_str(), who.as_str(), whom.as_str()))
        .collect();
    assert_eq!(
        seen,
        [
            ("session.refused", "Visitor", ada.email.as_str()),
            ("session.refused", "Visitor", "not an e-mail address"),
            ("session.signed_in", "Ada", &format!("user:{}", ada.id)),
        ]
    );
    assert!(!format!("{trail:?}").contains("other password"));
    assert!(!format!("{trail:?}").contains("hunter2"));
}

#[actix_web::test]
async fn a_flood_of_sign_ins_is_told_to_come_back_and_verification_goes_on() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut strangers: Vec<_> = (0..90).map(|_| app.visitor()).collect();
    let flood = join_all(strangers.iter_mut().enumerate().map(async |(number, stranger)| {
        let email = format!("stranger-{number}@example.com");
        stranger.post("/sign-in", &[("email", &email), ("password", "a password of theirs")]).await
    }));
    let (pages, code) = join(flood, app.code(&gateway, &key.secret)).await;
    assert_eq!(code, "VALID");
    let mut turned_away = 0;
    for page in &pages {
        if page.status() == 503 {
            turned_away += 1;
            page.assert_is_page();
            assert!(!page.header("retry-after").is_empty());
        } else {
            page.assert_status(401);
        }
    }
    assert!(turned_away > 0, "all {} were let in to hash", pages.len());
}
