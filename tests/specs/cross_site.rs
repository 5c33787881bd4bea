//! What other sites try in a person's name.

use reqwest::{Method, header};

use crate::{
    routes,
    support::{Browser, TestApp},
};

/// Headers that come with a form from elsewhere, or with none of ours.
fn from_elsewhere(ada: &Browser, own: &str) -> Vec<(&'static str, Browser)> {
    let with = |headers: &[(&str, &str)]| {
        headers.iter().fold(ada.clone(), |browser, (name, value)| browser.with_header(name, value))
    };
    let (no_evidence, prefix) =
        ([("Sec-Fetch-Site", "")], format!("http://{own}.evil.example/keys"));
    let (scheme, userinfo) = (format!("https://{own}"), format!("http://{own}@evil.example"));
    vec![
        ("another origin", with(&[("Origin", "https://evil.example")])),
        ("no origin", with(&[("Origin", "null")])),
        ("another site", with(&[("Sec-Fetch-Site", "cross-site")])),
        ("a sibling", with(&[("Sec-Fetch-Site", "same-site")])),
        ("typed in", with(&[("Sec-Fetch-Site", "none")])),
        ("unknown evidence", with(&[("Sec-Fetch-Site", "SAME-ORIGIN, same-origin")])),
        (
            "another site, our origin",
            with(&[("Sec-Fetch-Site", "cross-site"), ("Origin", &format!("http://{own}"))]),
        ),
        ("no evidence", with(&no_evidence)),
        ("a referer like ours", with(&[("Sec-Fetch-Site", ""), ("Referer", &prefix)])),
        (
            "our own referer only",
            with(&[("Sec-Fetch-Site", ""), ("Referer", &format!("http://{own}/keys"))]),
        ),
        ("our name over https", with(&[("Origin", &scheme)])),
        ("another port", with(&[("Origin", "http://127.0.0.1:1")])),
        ("our name as a user", with(&[("Origin", &userinfo)])),
        ("an origin that is none", with(&[("Origin", "::")])),
    ]
}

#[actix_web::test]
async fn no_form_from_elsewhere_is_taken_at_any_address() {
    let app = TestApp::start();
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let own = app.address.to_string();
    for (how, mut browser) in from_elsewhere(&ada, &own) {
        for (path, methods, _) in routes::pages() {
            if methods.contains(&"POST") {
                let refused = browser.post(&path, &[]).await;
                assert_eq!(refused.status(), 403, "{how}: {path}");
                refused.assert_is_page();
                refused.assert_shows("This form is out of date. Reload and try again.");
            }
        }
    }
}

#[actix_web::test]
async fn nothing_changes_and_htmx_is_told_so() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let gateway = app.gateway("production");
    let ada = app.sign_in(&user).await;
    let own = app.address.to_string();
    for (how, browser) in from_elsewhere(&ada, &own) {
        for act in ["disable", "revoke", "delete", "regenerate"] {
            let mut htmx = browser.with_htmx("/keys");
            let toast = htmx.post(&format!("{}/{act}", key.page()), &[("version", "1")]).await;
            assert_eq!(toast.status(), 403, "{how}");
            toast.assert_is_fragment().assert_shows("This form is out of date.");
            assert_eq!(toast.header("hx-retarget"), "#toasts");
        }
    }
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    // And a sign-in or sign-out from elsewhere neither begins nor ends a session.
    let mut evil = app.visitor().with_header("Sec-Fetch-Site", "cross-site");
    let fields = [("email", user.email.as_str()), ("password", crate::support::PASSWORD)];
    let refused = evil.post("/sign-in", &fields).await;
    refused.assert_status(403);
    assert_eq!(refused.header("set-cookie"), "");
    ada.with_header("Sec-Fetch-Site", "cross-site").post("/sign-out", &[]).await.assert_status(403);
    ada.clone().get("/keys").await.assert_status(200);
}

#[actix_web::test]
async fn our_own_pages_are_believed_by_either_header() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let ada = app.sign_in(&user).await;
    let own = format!("http://{}", app.address);
    let enable = format!("{}/enable", key.page());
    for (name, value) in [("Sec-Fetch-Site", "same-origin"), ("Origin", own.as_str())] {
        ada.with_header(name, value).post(&enable, &[]).await.assert_leads_to(&key.page());
    }
}

#[actix_web::test]
async fn a_link_from_elsewhere_may_lead_here() {
    let app = TestApp::start();
    let ada = app.sign_in(&app.administrator("Ada")).await;
    ada.with_header("Sec-Fetch-Site", "cross-site").get("/keys").await.assert_status(200);
}

#[actix_web::test]
async fn a_post_is_a_post_whatever_else_it_says() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "deploy bot");
    let mut ada = app.sign_in(&user).await;
    let disable = format!("{}/disable", key.page());
    for kind in ["text/plain", "application/json", "multipart/form-data; boundary=x", "x", ""] {
        let refused = ada
            .request(Method::POST, &disable, |request| {
                request.header(header::CONTENT_TYPE, kind).body("")
            })
            .await;
        refused.assert_status(415).assert_is_page();
    }
    for name in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
        ada.with_header(name, "POST").get(&disable).await.assert_status(405);
        ada.with_header(name, "POST")
            .get(&format!("{disable}?_method=POST"))
            .await
            .assert_status(405);
    }
    ada.post(&format!("{disable}?_method=DELETE"), &[("_method", "DELETE")])
        .await
        .assert_status(400);
    ada.get(&key.page()).await.assert_shows("Active");
}
