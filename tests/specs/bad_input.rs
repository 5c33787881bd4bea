//! What nobody should send, and what is said to whoever does.

use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use latchkey::schema::keys;
use reqwest::{Method, header};

use crate::{
    routes,
    support::{Browser, Page, TestApp},
};

const DRAFT: &str = "018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f";

/// Sends a step of the wizard.
async fn step(browser: &mut Browser, step: &str, fields: &[(&str, &str)]) -> Page {
    let about = [("draft", DRAFT), ("step", step), ("go", "next")];
    let fields: Vec<_> = about.into_iter().chain(fields.iter().copied()).collect();
    browser.post("/keys/new", &fields).await
}

async fn administrator(app: &TestApp) -> Browser {
    app.sign_in(&app.administrator("Ada")).await
}

/// Sends a body as it is.
async fn send(
    browser: &mut Browser,
    path: &str,
    kind: &str,
    body: impl Into<reqwest::Body>,
) -> Page {
    browser
        .request(Method::POST, path, |request| {
            request.header(header::CONTENT_TYPE, kind).body(body)
        })
        .await
}

const FORM: &str = "application/x-www-form-urlencoded";

#[actix_web::test]
async fn names_that_are_none() {
    let app = TestApp::start();
    let mut ada = administrator(&app).await;
    for name in ["", " ", "\u{3000}\u{a0}", &"x".repeat(101), &"é".repeat(101)] {
        let again = step(&mut ada, "name", &[("name", name)]).await;
        again.assert_status(422).assert_is_page().assert_shows("Name must be 1-100 characters.");
    }
    for name in [
        "a\0b",
        "a\u{7}b",
        "a\nb",
        "a\u{202e}b",
        "a\u{200b}b",
        "a\u{feff}b",
        "a\u{378}b",
        "a\u{fffd}b",
        "a\u{e000}b",
    ] {
        let again = step(&mut ada, "name", &[("name", name)]).await;
        again.assert_status(422).assert_shows("Name contains characters that cannot be shown.");
    }
    let broken = format!("draft={DRAFT}&step=name&go=next&name=a%ffb");
    send(&mut ada, "/keys/new", FORM, broken)
        .await
        .assert_status(422)
        .assert_shows("Name contains characters that cannot be shown.");
    let long = "x".repeat(501);
    for (note, sentence) in [
        (long.as_str(), "Note must be at most 500 characters."),
        ("a\0b", "Note contains characters that cannot be shown."),
    ] {
        let again = step(&mut ada, "name", &[("name", "fine"), ("note", note)]).await;
        again.assert_status(422).assert_shows(sentence);
    }
}

#[actix_web::test]
async fn names_that_look_like_code_are_shown_as_they_are() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "{{7*7}}",
        "'--",
        "=cmd|'/c calc'!A1",
        "🚀 launch 👩‍💻",
        "مفتاح الدفع",
        "${jndi:ldap://x}",
        "</title></textarea><svg/onload=1>",
        "%00 %ff &amp; &lt;",
    ];
    let mut ada = app.sign_in(&user).await;
    for name in names {
        let answer = step(&mut ada, "name", &[("name", name), ("note", name)]).await;
        answer.assert_status(303);
        let page = ada.get(&format!("/keys/new?draft={DRAFT}&step=name")).await;
        assert_eq!(page.attribute("#name", "value"), name);
        for code in ["<script>alert", "<img src=x", "<svg/onload"] {
            assert!(!page.body().contains(code), "the wizard has {code}");
        }

        let key = app.key(&user, name);
        for path in [
            "/keys",
            &key.page(),
            &format!("{}/edit", key.page()),
            &format!("{}/confirm/revoke", key.page()),
        ] {
            let page = ada.get(path).await;
            let shown = name.split_whitespace().collect::<Vec<_>>().join(" ");
            assert!(
                page.all("body").concat().contains(&shown)
                    || page.attribute("#name", "value") == name,
                "{path}"
            );
            let body = page.body();
            for code in ["<script>alert", "<img src=x", "<svg/onload"] {
                assert!(!body.contains(code), "{path} has {code}");
            }
        }
        ada.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    }
}

#[actix_web::test]
async fn places_that_are_not_there() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = administrator(&app).await;
    step(&mut ada, "name", &[("name", "deploy bot")]).await.assert_status(303);
    for environment in
        ["", "nowhere", "production ", "Production", "prod", "1", "*", "production\0"]
    {
        let fields = [("application", app_id.as_str()), ("environment", environment)];
        let again = step(&mut ada, "environment", &fields).await;
        again.assert_status(422).assert_shows("Choose an environment from the list.");
    }
    for application in
        ["", "app_0123456789abcdef", "1", "-1", "9223372036854775808", "1 OR 1=1", "*"]
    {
        let fields = [("application", application), ("environment", "production")];
        let again = step(&mut ada, "environment", &fields).await;
        again.assert_status(422).assert_shows("Choose an application from the list.");
    }
}

#[actix_web::test]
async fn permissions_that_do_not_exist_and_none_at_all() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = administrator(&app).await;
    step(&mut ada, "name", &[("name", "deploy bot")]).await.assert_status(303);
    let place = [("application", app_id.as_str()), ("environment", "production")];
    step(&mut ada, "environment", &place).await.assert_status(303);
    let again = step(&mut ada, "permissions", &[]).await;
    again.assert_status(422).assert_is_page().assert_shows("Choose at least one permission");
    for permission in [
        "*",
        "nothing:read",
        "Reporting:Read",
        "reporting:*",
        "",
        "reporting:read ",
        "reporting:read,orders:read",
        "a\0",
    ] {
        let again = step(&mut ada, "permissions", &[("permission", permission)]).await;
        again.assert_status(422).assert_shows("doesn’t exist any more");
    }
    for (field, value) in [
        ("section", "*"),
        ("section", "Reporting"),
        ("all_permissions", "true"),
        ("all_permissions", "*"),
    ] {
        let again = step(&mut ada, "permissions", &[(field, value)]).await;
        again.assert_status(422);
    }
    let many: Vec<_> = std::iter::repeat_n(("permission", "reporting:read"), 10_000).collect();
    step(&mut ada, "permissions", &many).await.assert_status(413);
    // The same one twice is one.
    let twice = [("permission", "reporting:read"), ("permission", "reporting:read")];
    step(&mut ada, "permissions", &twice).await.assert_status(303);
    step(&mut ada, "limits", &[("expires", "never")]).await.assert_status(303);
    let reveal = ada.post("/keys", &[("draft", DRAFT), ("go", "create")]).await;
    reveal.assert_status(200);
    let verdict = app
        .verify(&app.gateway("production"), serde_json::json!({ "key": reveal.text("#secret") }))
        .await;
    assert_eq!(verdict["scopes"], serde_json::json!(["reporting:read"]));
}

#[actix_web::test]
async fn limits_and_days_that_cannot_be() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mut ada = administrator(&app).await;
    step(&mut ada, "name", &[("name", "deploy bot")]).await.assert_status(303);
    let place = [("application", app_id.as_str()), ("environment", "production")];
    step(&mut ada, "environment", &place).await.assert_status(303);
    step(&mut ada, "permissions", &[("permission", "reporting:read")]).await.assert_status(303);
    for count in [
        "0",
        "-1",
        "+1",
        "1e3",
        "1.5",
        "1,000",
        "2147483648",
        "1000001",
        "NaN",
        "١٠",
        "0x10",
        "1\0",
    ] {
        for window in ["limit_second", "limit_minute", "limit_hour", "limit_day"] {
            let again = step(&mut ada, "limits", &[(window, count), ("expires", "never")]).await;
            again.assert_status(422).assert_shows("Give a whole number from 1 to 1 000 000");
            assert_eq!(again.attribute(&format!("#{window}"), "aria-invalid"), "true");
        }
    }
    for window in ["limit_week", "limit_0", "rate", "rate_count"] {
        step(&mut ada, "limits", &[(window, "5"), ("expires", "never")]).await.assert_status(400);
    }
    for (second, day) in [("100", "100"), ("100", "50"), ("1", "86400")] {
        let fields = [("limit_second", second), ("limit_day", day), ("expires", "never")];
        let again = step(&mut ada, "limits", &fields).await;
        again.assert_status(422).assert_shows("is never reached");
    }
    let today = Utc::now().date_naive();
    let (yesterday, now, far) = (today - TimeDelta::days(1), today, today + TimeDelta::days(4_000));
    for day in [
        &yesterday.to_string(),
        &now.to_string(),
        &far.to_string(),
        "9999-12-31",
        "10000-01-01",
        "2027-02-30",
        "2027-13-01",
        "0000-00-00",
        "-001-01-01",
        "27-01-01",
        "2027-01-01T00:00:00Z",
        "01/02/2027",
        "tomorrow",
        "",
        "２０２７-01-01",
    ] {
        let fields = [("expires", "date"), ("expires_on", day)];
        step(&mut ada, "limits", &fields).await.assert_status(422).assert_is_page();
    }
    for expires in ["", "0", "-1", "8", "36500", "forever"] {
        let again = step(&mut ada, "limits", &[("expires", expires)]).await;
        again.assert_status(422).assert_shows("Choose when the key expires.");
    }
    assert_eq!(app.db(|conn| keys::table.count().get_result::<i64>(conn).unwrap()), 0);
}

#[actix_web::test]
async fn fields_and_steps_that_are_not_in_the_form() {
    let app = TestApp::start();
    let mut ada = administrator(&app).await;
    for field in [
        "owner_id",
        "owner",
        "role",
        "hash",
        "created_at",
        "revoked_at",
        "id",
        "_method",
        "NAME",
        "name[]",
    ] {
        for path in ["/keys/new", "/keys", "/keys/new/sketch"] {
            let fields = [("draft", DRAFT), ("step", "name"), ("go", "next"), (field, "1")];
            ada.post(path, &fields).await.assert_status(400).assert_is_page();
        }
    }
    for (draft, step) in [
        ("", "name"),
        ("1", "name"),
        ("../..", "name"),
        (DRAFT, ""),
        (DRAFT, "Name"),
        (DRAFT, "\0"),
    ] {
        for path in ["/keys/new", "/keys/new/sketch"] {
            ada.post(path, &[("draft", draft), ("step", step)])
                .await
                .assert_status(400)
                .assert_is_page();
        }
    }
    step(&mut ada, "name", &[("name", "x"), ("go", "nowhere")]).await.assert_status(400);
    ada.post("/keys", &[]).await.assert_status(400);
    ada.post("/keys", &[("draft", "x"), ("go", "create")]).await.assert_status(400);
    for address in ["?draft=x", "?draft=", "?step=name", "?draft=1&draft=2", "?x=1"] {
        let page = ada.get(&format!("/keys/new{address}")).await;
        assert!([303, 400].contains(&page.status()), "{address}: {}", page.status());
    }
    ada.get(&format!("/keys/new?draft={DRAFT}&step=nowhere")).await.assert_status(404);
}

#[actix_web::test]
async fn bodies_that_are_no_forms() {
    let app = TestApp::start();
    let mut ada = administrator(&app).await;
    for path in ["/keys", "/keys/new", "/keys/search", "/keys/prod_pk_0123456789abcdef/revoke"] {
        // A step of the wizard may carry lists; the key itself is made with a short form.
        let most = if path == "/keys/new" { 128 } else { 16 };
        send(&mut ada, path, FORM, format!("x={}", "x".repeat((most + 1) * 1024)))
            .await
            .assert_status(413)
            .assert_is_page()
            .assert_shows(&format!("{most} KiB"));
        send(&mut ada, path, "multipart/form-data; boundary=x", "--x--")
            .await
            .assert_status(415)
            .assert_is_page();
        send(&mut ada, path, "application/json", "{\"name\":\"x\"}")
            .await
            .assert_status(415)
            .assert_is_page();
        send(&mut ada, path, "text/plain", "name=x").await.assert_status(415).assert_is_page();
        let zipped = ada
            .with_header("Content-Encoding", "gzip")
            .request(Method::POST, path, |request| {
                request.header(header::CONTENT_TYPE, FORM).body(vec![0x1f, 0x8b, 8, 0])
            })
            .await;
        zipped.assert_status(415).assert_is_page();
    }
}

#[actix_web::test]
async fn ids_that_are_none() {
    let app = TestApp::start();
    let mut ada = administrator(&app).await;
    for id in [
        "0",
        "-1",
        "abc",
        "%00",
        "12345678901234567890",
        "..%2f1",
        "prod_pk_x",
        "prod_pk_0123456789abcde%20",
        "PROD_PK_0123456789abcdef",
        "%ff",
        "'%20or%20''='",
    ] {
        for path in ["", "/edit", "/confirm/revoke"] {
            let page = ada.get(&format!("/keys/{id}{path}")).await;
            assert!([404, 405].contains(&page.status()), "{id}{path}: {}", page.status());
            page.assert_is_page();
        }
        for act in ["disable", "revoke", "regenerate", "delete", "edit"] {
            let page = ada.post(&format!("/keys/{id}/{act}"), &[("version", "1")]).await;
            assert!([400, 404].contains(&page.status()), "{id}/{act}: {}", page.status());
            page.assert_is_page();
        }
    }
    for act in ["restore", "unrevoke", "confirm/x", "confirm/restore"] {
        ada.get(&format!("/keys/prod_pk_0123456789abcdef/{act}")).await.assert_status(404);
    }
}

#[actix_web::test]
async fn filters_that_no_page_offers() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    let long = format!("q={}", "x".repeat(10_000));
    for query in [
        "page=-1",
        "page=0",
        "page=abc",
        "page=9223372036854775808",
        "page=%zz",
        "page=",
        "per_page=100000",
        "q=a&q=b",
        "status=active&status=active",
        "sort=password",
        "sort=name;drop%20table%20keys",
        "sort=hash",
        "sort=--name",
        "sort=name,id",
        "q=%00",
        "q=%ff",
        "q=%07",
        &long,
        "status=sleeping",
        "status=Active",
        "environment=nowhere",
        "environment=a%20b",
        "environment=%00",
        "owner=1%20or%201=1",
        "owner=-",
        "owner=9223372036854775808",
        "application='",
        "permission=%25",
        "last_used=1e9",
        "last_used=-1",
        "after=x",
        "before=%00",
        "after=x&before=x",
    ] {
        let page = ada.get(&format!("/keys?{query}")).await;
        assert_eq!(page.status(), 400, "{query}");
        page.assert_is_page();
        let toast = ada.with_htmx("/keys").get(&format!("/keys?{query}")).await;
        assert_eq!(toast.status(), 400, "{query}");
        toast.assert_is_fragment();
    }
    for query in ["q=%25", "q=_", "q=%5C", "q=%27", "owner=-1", "q=(a%2B)%2B%24", "", "&&", "q="] {
        ada.get(&format!("/keys?{query}")).await.assert_status(200);
    }
}

/// Words that only our own machinery says.
const INSIDES: [&str; 18] = [
    "serde",
    "diesel",
    "postgres",
    "syntax error",
    "panicked",
    "can not parse",
    "missing field",
    "unknown field",
    "duplicate field",
    "invalid digit",
    "invalid type",
    "violates",
    "relation \"",
    "byte sequence",
    "actix",
    "src/",
    "RUST_BACKTRACE",
    "UTF-8",
];

#[actix_web::test]
async fn nothing_that_is_sent_anywhere_breaks_anything_or_shows_our_insides() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    let payloads = [
        "%00",
        "%ff",
        "%",
        "=",
        "&&&",
        "a=1&a=2",
        "id=-1&version=99999999999",
        "name[]=x&name[a]=b",
        "version=1&name=%00&permission=%ff&expires=date&expires_on=0000-00-00&limit_day=%00&allowed_ips=%00&customers=%00&allowed_origins=%ff&anywhere=%00",
        "default_lifetime_days=%00&expiring=%00",
        "email=%00&password=%ff",
        "token=%00",
        "q='%3Bdrop table keys%3B--",
        "draft=x&step=%00&go=%00",
        "draft=018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f&step=name&name=%F0%9F%98%80%00&go=next",
        "role=%00&reason=%00",
        "preset=../../etc/passwd",
        "managers_may_revoke=%00",
    ];
    for (path, methods, _) in routes::pages().filter(|(path, ..)| path != "/sign-out") {
        let path = path.replace("prod_pk_0123456789abcdef", key.public_key());
        for payload in payloads {
            for method in methods {
                let page = match *method {
                    "GET" => ada.get(&format!("{path}?{payload}")).await,
                    _ => send(&mut ada, &path, FORM, payload).await,
                };
                assert!(page.status() < 500, "{method} {path} {payload} {}", page.status());
                if page.status() >= 400 {
                    for inside in INSIDES {
                        assert!(
                            !page.body().contains(inside),
                            "{method} {path} {payload} says {inside}:\n{}",
                            page.body()
                        );
                    }
                }
            }
        }
    }
}

#[actix_web::test]
async fn a_form_that_never_comes_whole_is_not_waited_for() {
    use std::io::{Read, Write};
    let app = TestApp::start();
    let mut stream = std::net::TcpStream::connect(app.address).unwrap();
    let head = format!(
        "POST /sign-in HTTP/1.1\r\nHost: {0}\r\nOrigin: http://{0}\r\nContent-Type: {FORM}\r\nContent-Length: 100\r\n\r\nemail=",
        app.address
    );
    stream.write_all(head.as_bytes()).unwrap();
    let mut status = [0; 12];
    stream.read_exact(&mut status).unwrap();
    assert_eq!(String::from_utf8_lossy(&status), "HTTP/1.1 408");
}
