//! Pasting a text: every credential in it is found, and only what one may know is told of it.

use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::{changes::Change, credentials::Secret, keys};
use serde_json::json;

use super::{ask, look, trail};
use crate::support::TestApp;

#[actix_web::test]
async fn a_pasted_log_leads_to_its_keys_with_who_and_what_to_do() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let mia = app.manager_with_access("Mia");
    let key = app.key(&mia, "deploy bot");
    app.verify(&gateway, json!({ "key": key.secret })).await;
    app.flush();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/keys").await.assert_shows("Leak triage");
    let page = ada.get("/leaks").await;
    page.assert_is_page().assert_shows("Nothing is reported as leaked and open.");

    let text = format!("starting\nGET /?key={} 200\nagain {}\n", key.secret, key.secret);
    for as_file in [false, true] {
        let found = look(&mut ada, &text, as_file).await;
        found.assert_status(200).assert_is_page().assert_hides(&key.secret);
        found.assert_shows("One secret is in it, and it is known here.");
        found.assert_shows("deploy bot").assert_shows("the current secret");
        found
            .assert_shows("lines 2, 3")
            .assert_shows("Owner Mia")
            .assert_shows("1 request in the last hour");
        for act in ["revoke", "regenerate", "disable"] {
            let address = format!("{}/confirm/{act}", key.page());
            assert!(found.body().contains(&address), "{address}");
            ada.get(&address).await.assert_status(200);
        }
        found.assert_shows("Duplicate with the same permissions");
    }
    let like = format!("/keys/new?like={}", key.public_key());
    ada.get(&like).await.assert_status(303);
    // It stays open until somebody has dealt with it.
    ada.get("/leaks").await.assert_shows("Reported and open deploy bot");
    ada.get(&key.page())
        .await
        .assert_shows("Reported leaked")
        .assert_shows("Found in a text by Ada");
    ada.get(&key.page()).await.assert_shows("found its secret in a text");
    let typed = [("typed", "deploy bot")];
    ada.post(&format!("{}/revoke", key.page()), &typed).await.assert_status(303);
    ada.get(&key.page()).await.assert_hides("Reported leaked");
    ada.get("/leaks").await.assert_shows("Nothing is reported as leaked and open.");
    look(&mut ada, &text, false).await.assert_shows("Revoked").assert_hides("Revoke all");
}

#[actix_web::test]
async fn everything_of_ours_is_told_apart() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let (current, regenerated, overlapping, deleted, disabled) = (
        app.key(&ada, "current"),
        app.key(&ada, "regenerated"),
        app.key(&ada, "overlapping"),
        app.key(&ada, "deleted"),
        app.key(&ada, "disabled"),
    );
    let (app_id, app_secret) = app.operator(|conn, operator| {
        let (application, secret) = latchkey::applications::create(conn, operator, "Back office")?;
        let rotate = |(key, overlap): (&str, _)| {
            keys::commands::regenerate(conn, operator, key, None, overlap).map(drop)
        };
        [
            (regenerated.public_key(), keys::Overlap::Now),
            (overlapping.public_key(), keys::Overlap::Day),
        ]
        .into_iter()
        .try_for_each(rotate)?;
        keys::commands::disable(conn, operator, disabled.public_key())?;
        keys::commands::revoke(conn, operator, deleted.public_key(), None)?;
        keys::commands::delete(conn, operator, deleted.public_key())?;
        Ok((application.app_id, secret.reveal().to_owned()))
    });
    let gateway = app.gateway("production");
    let (unknown, elsewhere) = (Secret::for_key("prod"), Secret::for_key("zzz"));
    let basic = STANDARD.encode(format!("{}:{}", current.public_key(), current.secret));
    let text = [
        format!("+Authorization: Basic {basic}"),
        format!("-OLD_KEY=\"{}\"", regenerated.secret),
        format!("{{\\\"key\\\":\\\"{}\\\"}}", overlapping.secret),
        format!("k%3D{}", deleted.secret),
        disabled.secret.clone(),
        app_secret.clone(),
        format!("token: {}", STANDARD.encode(&gateway)),
        unknown.reveal().to_owned(),
        elsewhere.reveal().to_owned(),
        app_id.clone(),
        format!(
            "{}{}",
            &current.secret[..45],
            if current.secret.ends_with('x') { "y" } else { "x" }
        ),
    ];
    let mut ada = app.sign_in(&ada).await;
    let page = look(&mut ada, &text.join("\n"), false).await;
    page.assert_status(200);
    for sentence in [
        "9 secrets are in it; 7 of them known here.",
        "line 1, in base64",
        "replaced, and refused since",
        "What was found does not work any more",
        "replaced, and works until",
        "deleted , a key that was deleted",
        "Back office , App Secret",
        "gateway token",
        "line 7, in base64",
        "spelled as in Production",
        "no environment here begins its keys with zzz",
        "Public keys and App IDs are made to be seen.",
        "line 11 has the shape of a secret, but not its checksum",
    ] {
        page.assert_shows(sentence);
    }
    page.assert_shows(&app_id).assert_shows(current.public_key());
    for secret in text.iter().filter(|line| !line.starts_with("app_")) {
        page.assert_hides(&secret[secret.len() - 20..]);
    }
    // Only what works is offered for revoking at once.
    page.assert_shows("Revoke all 2 that work");
    let (action, fields) = page.form("form[action='/keys/bulk/preview']", &[("act", "revoke")]);
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let summary = ada.post(&action, &fields).await;
    summary.assert_status(200).assert_shows("current").assert_shows("overlapping");
    summary.assert_hides("regenerated");

    let [event] = &trail(&app, "leaks.triaged")[..] else { panic!("one text, one event") };
    assert_eq!(event["actor"], "Ada");
    assert_eq!(event["details"]["candidates"], 9);
    assert_eq!(event["details"]["known"].as_array().unwrap().len(), 6, "{event}");
    assert_eq!(trail(&app, "key.leak_found").len(), 4);
}

#[actix_web::test]
async fn a_manager_is_told_of_own_keys_and_of_nothing_else() {
    let app = TestApp::start();
    let (mia, otto) = (app.manager_with_access("Mia"), app.manager_with_access("Otto"));
    let (own, anothers) = (app.key(&mia, "mine"), app.key(&otto, "quartz"));
    let gateway = app.gateway("production");
    let unknown = Secret::for_key("prod");
    let mut browser = app.sign_in(&mia).await;
    let told = async |browser: &mut crate::support::Browser, secret: &str| {
        let page = look(browser, secret, false).await;
        page.assert_status(200);
        // All but the secret's own four letters at each end.
        page.all("main")
            .concat()
            .replace(&secret[secret.len() - 4..], "")
            .replace(&secret[8..12], "")
    };
    let of_unknown = told(&mut browser, unknown.reveal()).await;
    assert!(of_unknown.contains("Not one of yours, or not known."), "{of_unknown}");
    assert_eq!(told(&mut browser, &anothers.secret).await, of_unknown);
    look(&mut browser, &gateway, false).await.assert_shows("Not one of yours, or not known.");
    look(&mut browser, anothers.public_key(), false).await.assert_hides("quartz");

    let both = look(&mut browser, &format!("{}\n{}", own.secret, anothers.secret), false).await;
    both.assert_shows("2 secrets are in it; 1 of them known here.").assert_shows("mine");
    both.assert_hides("quartz").assert_hides("Otto").assert_hides("gitleaks.toml");
    // And nothing is noted of what is not theirs.
    assert_eq!(ask(&app, "select reporter as text from leak_reports"), ["Mia"]);
    app.sign_in(&otto).await.get(&anothers.page()).await.assert_hides("Reported leaked");
    app.sign_in(&app.manager("Noa")).await.get("/leaks").await.assert_status(404);
    look(&mut app.visitor(), &own.secret, false).await.assert_leads_to("/sign-in");
}

#[actix_web::test]
async fn a_report_is_open_until_it_is_dismissed_and_open_again_when_it_is_found_again() {
    let app = TestApp::start();
    let (mia, otto) = (app.manager_with_access("Mia"), app.manager_with_access("Otto"));
    let key = app.key(&mia, "deploy bot");
    let mut browser = app.sign_in(&mia).await;
    let dismiss = format!("{}/leaks/dismiss", key.page());
    look(&mut browser, &key.secret, false).await.assert_status(200);
    look(&mut browser, &key.secret, false).await.assert_status(200);
    assert_eq!(ask(&app, "select times::text as text from leak_reports"), ["2"]);

    let mut other = app.sign_in(&otto).await;
    other.post(&dismiss, &[]).await.assert_status(404);
    browser.post("/keys/prod_pk_0123456789abcdef/leaks/dismiss", &[]).await.assert_status(404);
    browser.post(&dismiss, &[("why", "x")]).await.assert_status(400);
    browser.get(&key.page()).await.assert_shows("Reported leaked");
    for _ in 0..2 {
        browser.post(&dismiss, &[]).await.assert_leads_to(&key.page());
    }
    browser.get(&key.page()).await.assert_shows("is dismissed.").assert_hides("Reported leaked");
    assert_eq!(trail(&app, "key.leak_dismissed").len(), 1);
    look(&mut browser, &key.secret, false).await.assert_status(200);
    browser.get(&key.page()).await.assert_shows("Reported leaked");
    app.forget(Change::Key(key.key.id));
}

#[actix_web::test]
async fn what_cannot_be_looked_at_is_said() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    for nothing in ["", "  \n\t "] {
        look(&mut ada, nothing, false)
            .await
            .assert_status(422)
            .assert_is_page()
            .assert_shows("Paste a text, or choose a file.");
    }
    let large = format!("{}\n{}", key.secret, "x".repeat(1 << 20));
    for as_file in [false, true] {
        let page = look(&mut ada, &large, as_file).await;
        page.assert_status(413).assert_is_page().assert_shows("That is more than 1 MiB.");
        page.assert_shows("prod_sk_|").assert_hides(&key.secret);
    }
    let mebibyte = format!("{}{}", "x".repeat((1 << 20) - key.secret.len()), key.secret);
    look(&mut ada, &mebibyte, false).await.assert_status(200).assert_shows("deploy bot");
    ada.post("/leaks", &[("text", "x")]).await.assert_status(415);
    look(&mut ada, "no secrets, prod_sk_short, \0\u{1}ü", true)
        .await
        .assert_status(200)
        .assert_shows("No secret of Latchkey’s spelling is in it.");
    look(&mut ada, "<script>alert(1)</script> prod_pk_<img src=x>", false)
        .await
        .assert_status(200)
        .assert_hides("<script>alert");
}

/// Twenty thousand at once are one question to Postgres, and a page of bearable length.
#[actix_web::test]
async fn a_text_full_of_secrets_is_one_text() {
    let app = TestApp::start();
    let key = app.key(&app.administrator("Ada"), "deploy bot");
    let mut ada = app.sign_in(&app.administrator("Bea")).await;
    let mut text: String =
        (0..20_000).map(|_| format!("{}\n", Secret::for_key("prod").reveal())).collect();
    text.push_str(&key.secret);
    let page = look(&mut ada, &text, false).await;
    page.assert_status(200).assert_shows("20 001 secrets are in it; 1 of them known here.");
    page.assert_shows("line 20 001").assert_shows("and 19 900 more.");
    assert!(page.body().len() < 200_000, "{}", page.body().len());
}
