//! The catalogue as a file: exported, looked at, applied, or refused with every line that is wrong.

use latchkey::{catalogue, presets};
use reqwest::{Method, header};

use super::trail;
use crate::support::{Browser, Page, TestApp};

const IMPORT: &str = "/settings/catalogue/import";
const APPLY: &str = "/settings/catalogue/import/apply";

/// Sends a file, or whatever else, as a browser sends a form with a file in it.
async fn send(browser: &mut Browser, path: &str, fields: &[(&str, &[u8])]) -> Page {
    let mut body = Vec::new();
    for (name, value) in fields {
        let file = if *name == "file" { "; filename=\"catalogue.toml\"" } else { "" };
        let head =
            format!("--border\r\nContent-Disposition: form-data; name=\"{name}\"{file}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--border--\r\n");
    browser
        .request(Method::POST, path, |request| {
            request.header(header::CONTENT_TYPE, "multipart/form-data; boundary=border").body(body)
        })
        .await
}

async fn paste(browser: &mut Browser, path: &str, text: &str) -> Page {
    // As a browser: the file that was not chosen is sent empty, and lines end as in mail.
    let text = text.replace('\n', "\r\n");
    send(browser, path, &[("file", b""), ("text", text.as_bytes())]).await
}

fn export(app: &TestApp) -> String {
    ::toml::to_string(&app.db(catalogue::export).unwrap()).unwrap()
}

#[actix_web::test]
async fn what_is_exported_is_all_there_is_and_importing_it_changes_nothing() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for preset in presets::list() {
        app.preset(&preset.slug);
        let file = ada.get("/settings/catalogue/export").await;
        file.assert_status(200);
        assert_eq!(file.header("content-disposition"), "attachment; filename=\"catalogue.toml\"");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
        assert!(file.header("cache-control").contains("no-store"));
        let preview = send(&mut ada, IMPORT, &[("file", file.body().as_bytes())]).await;
        preview.assert_status(200).assert_is_page();
        let outcomes = preview.all("dd");
        assert_eq!(outcomes.len(), 12);
        for (at, outcome) in outcomes.iter().enumerate() {
            // What an earlier preset brought and something uses may be there still; nothing else is said.
            assert!(outcome == "Nothing" || at % 4 == 3, "{at}: {outcome}");
        }
        assert_eq!(export(&app), file.body());
    }
}

#[actix_web::test]
async fn a_file_is_looked_at_and_then_applied() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut adas = app.sign_in(&ada).await;
    let file = export(&app)
        .replace("name = \"Orders\"", "name = \"Sales\"")
        .replace("slug = \"payouts:read\"", "slug = \"payouts:look\"")
        .replace("slug = \"sellers:read\"", "publishable = true\nslug = \"sellers:read\"")
        .replace("reporting", "figures");
    let preview = paste(&mut adas, IMPORT, &file).await;
    preview.assert_status(200).assert_shows("Nothing has been changed yet.");
    preview.assert_shows("Browser-safe from then on: sellers:read");
    let outcomes = preview.all("dd");
    assert_eq!(outcomes[4], "figures");
    assert_eq!(outcomes[5], "orders");
    assert_eq!(outcomes[7], "reporting");
    assert_eq!(outcomes[8], "figures:read , figures:export , payouts:look");
    assert_eq!(outcomes[9], "sellers:read");
    assert_eq!(outcomes[10], "reporting:export , payouts:read");
    assert_eq!(outcomes[11], "reporting:read", "a key holds it");
    adas.get("/settings/catalogue").await.assert_hides("payouts:look");

    let (action, fields) = preview.form("form.narrow", &[]);
    assert_eq!(action, APPLY);
    let kept = &fields.iter().find(|(name, _)| name == "text").unwrap().1;
    send(&mut adas, APPLY, &[("text", kept.as_bytes())])
        .await
        .assert_leads_to("/settings/catalogue");
    let page = adas.get("/settings/catalogue").await;
    page.assert_shows("The file is applied.").assert_shows("payouts:look").assert_shows("Sales");
    let question = serde_json::json!({ "key": key.secret, "scopes": ["reporting:read"] });
    assert_eq!(app.verify(&gateway, question).await["code"], "VALID");
    assert_eq!(trail(&app, "settings").pop().unwrap().0, "catalogue.imported");
}

#[actix_web::test]
async fn a_bad_file_is_refused_with_every_line_that_is_wrong() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let before = export(&app);
    let wrong = before
        .replace("prefix = \"sbx\"", "prefix = \"prod\"")
        .replace("mode = \"test\"", "mode = \"toast\"")
        .replace("access = \"WRITE\"", "access = \"write\"")
        + "\n[extra]\ncolour = \"red\"\n";
    for address in [IMPORT, APPLY] {
        let page = paste(&mut ada, address, &wrong).await;
        page.assert_status(422).assert_is_page();
        let faults = page.all(".faults li");
        let line = |needle: &str| wrong.lines().position(|line| line.contains(needle)).unwrap() + 1;
        for (needle, said) in
            [("toast", "mode must be live or test"), ("[extra]", "“extra” means nothing")]
        {
            let expected = format!("Line {} : {said}", line(needle));
            assert!(
                faults.iter().any(|fault| fault.starts_with(&expected)),
                "{expected}: {faults:#?}"
            );
        }
        let writes = wrong.matches("\"write\"").count();
        assert_eq!(faults.iter().filter(|fault| fault.contains("READ or WRITE")).count(), writes);
        assert!(faults.iter().any(|fault| fault.contains("The prefix prod is there twice")));
        assert!(page.text("#text").contains("toast"), "what was pasted is kept");
    }
    for (text, said) in [
        ("", "Choose a file, or paste its text."),
        ("slug = ", "Not TOML"),
        ("[[[", "Not TOML"),
        ("\0", "Not TOML"),
        ("a = 1\na = 2", "Not TOML"),
        ("slug = 7", "slug must be text"),
    ] {
        let page = paste(&mut ada, IMPORT, text).await;
        page.assert_status(422).assert_shows(said);
    }
    assert_eq!(export(&app), before);
    assert_eq!(trail(&app, "settings").len(), 1);
}

#[actix_web::test]
async fn a_file_cannot_change_what_keys_were_made_with() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    let mut adas = app.sign_in(&ada).await;
    let before = export(&app);
    let prefix = before.replace("prefix = \"prod\"", "prefix = \"live\"");
    let page = paste(&mut adas, IMPORT, &prefix).await;
    page.assert_status(422).assert_shows("Keys have been made in production");
    let taken = before
        .replace("slug = \"production\"", "slug = \"other\"")
        .replace("slug = \"sandbox\"", "slug = \"sand\"");
    let page = paste(&mut adas, APPLY, &taken).await;
    page.assert_status(422)
        .assert_shows("The prefix prod of other belongs to the environment production");
    assert_eq!(export(&app), before);
    let free =
        before.replace("prefix = \"sbx\"", "prefix = \"sand\"").replace("\"test\"", "\"live\"");
    paste(&mut adas, APPLY, &free).await.assert_leads_to("/settings/catalogue");
    assert_eq!(export(&app), free);
}

#[actix_web::test]
async fn whoever_holds_a_section_whole_keeps_what_was_in_it() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let sellers = app.db(|conn| latchkey::scopes::find_section(conn, "sellers")).unwrap().unwrap();
    let key = app.key_with(Some(&ada), "deploy bot", |new| {
        new.permissions =
            latchkey::keys::Permissions { sections: vec![sellers], ..Default::default() };
    });
    let gateway = app.gateway("production");
    let mut adas = app.sign_in(&ada).await;
    let mut file = app.db(catalogue::export).unwrap();
    let section = file.sections.iter().position(|section| section.slug == "sellers").unwrap();
    let moved = file.sections[section].permissions.remove(0);
    file.sections[0].permissions.push(moved);
    let text = ::toml::to_string(&file).unwrap();
    paste(&mut adas, APPLY, &text).await.assert_leads_to("/settings/catalogue");
    let question = serde_json::json!({ "key": key.secret, "scopes": ["sellers:read"] });
    assert_eq!(app.verify(&gateway, question).await["code"], "VALID");
}

#[actix_web::test]
async fn what_is_no_such_form_is_refused() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for address in [IMPORT, APPLY] {
        ada.post(address, &[("text", "slug = 1")]).await.assert_status(415);
        let large = vec![b'#'; 256 * 1024 + 1];
        send(&mut ada, address, &[("file", &large)]).await.assert_status(413);
        send(&mut ada, address, &[("preset", b"x")]).await.assert_status(400);
        send(&mut ada, address, &[("text", b"x"), ("text", b"y")]).await.assert_status(400);
        let both = send(&mut ada, address, &[("file", b"a = 1"), ("text", b"b = 2")]).await;
        both.assert_status(422).assert_shows("Choose one of the two.");
        let garbled = send(&mut ada, address, &[("file", b"\xff\xfe")]).await;
        garbled.assert_status(422).assert_shows("UTF-8");
    }
    let mut mia = app.sign_in(&app.manager_with_access("Mia")).await;
    let text = export(&app);
    for address in [IMPORT, APPLY] {
        paste(&mut mia, address, &text).await.assert_status(404);
    }
    mia.get("/settings/catalogue/export").await.assert_status(404);
}
