use reqwest::Method;

use crate::support::TestApp;

/// Headers that no page of ours would send with a form.
const FOREIGN: [(&str, &str); 8] = [
    ("Origin", "https://evil.example"),
    ("Origin", "null"),
    ("Origin", "http://127.0.0.1.evil.example"),
    ("Sec-Fetch-Site", "cross-site"),
    ("Sec-Fetch-Site", "same-site"),
    ("Sec-Fetch-Site", "none"),
    ("Sec-Fetch-Site", ""),
    ("Origin", ""),
];

#[actix_web::test]
async fn other_sites_change_nothing_in_somebodys_name() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let grant = format!("/team/{}/grant", tom.id);
    for (name, value) in FOREIGN {
        let mut forged = ada.with_header(name, value);
        for (address, fields) in [
            ("/applications", [("name", "Forged")].as_slice()),
            (grant.as_str(), &[]),
            ("/settings", &[("managers_may_revoke", "yes")]),
            ("/sign-out", &[]),
        ] {
            let page = forged.post(address, fields).await;
            page.assert_status(403).assert_shows("out of date");
        }
    }
    let mut ada = ada;
    ada.get("/applications").await.assert_status(200).assert_hides("Forged");
    ada.get("/team").await.assert_shows("None").assert_hides("Granted");
}

#[actix_web::test]
async fn nobody_is_signed_in_by_another_site() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let fields = [("email", ada.email.as_str()), ("password", crate::support::PASSWORD)];
    for (name, value) in FOREIGN {
        let mut forged = app.visitor().with_header(name, value);
        forged.post("/sign-in", &fields).await.assert_status(403);
        assert!(forged.cookie("latchkey").is_none());
    }
}

#[actix_web::test]
async fn a_referer_is_no_evidence() {
    let app = TestApp::start();
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let ours = app.url("");
    for referer in [format!("{ours}/applications/new"), format!("{ours}.evil.example/")] {
        let mut forged = ada.with_header("Sec-Fetch-Site", "").with_header("Referer", &referer);
        forged.post("/applications", &[("name", "Forged")]).await.assert_status(403);
    }
}

#[actix_web::test]
async fn the_origin_of_our_own_pages_is_evidence_for_old_browsers() {
    let app = TestApp::start();
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let mut old = ada.with_header("Origin", &app.url(""));
    old.post("/applications", &[("name", "Fine")]).await.assert_status(200).assert_shows("Fine");
}

#[actix_web::test]
async fn methods_cannot_be_smuggled_and_other_sites_are_told_nothing() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let fields = [("name", "Smuggled"), ("_method", "DELETE")];
    ada.post("/applications", &fields).await.assert_status(400);
    for method in [Method::PUT, Method::PATCH, Method::DELETE] {
        ada.request(method, "/applications", |request| request).await.assert_status(405);
    }
    let mut preflight = ada
        .with_header("Origin", "https://evil.example")
        .with_header("Access-Control-Request-Method", "POST");
    let page = preflight.request(Method::OPTIONS, "/applications", |request| request).await;
    assert_eq!(page.header("access-control-allow-origin"), "");
}
