//! Live and Test: what one looks at, on every page, remembered with the person.

use crate::support::{Browser, MadeKey, Page, TestApp};

const LIVE: &str = "prod key";
const TEST: &str = "sandbox key";

/// One key of Ada's in each mode.
async fn world() -> (TestApp, Browser, MadeKey, MadeKey) {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let live = app.key(&ada, LIVE);
    let sandbox = app.environment("sandbox");
    let test = app.key_with(Some(&ada), TEST, |new| new.environment_id = sandbox);
    let browser = app.sign_in(&ada).await;
    (app, browser, live, test)
}

async fn switch(person: &mut Browser, mode: &str, next: &str) -> Page {
    person.post("/account/mode", &[("mode", mode), ("next", next)]).await
}

fn names(page: &Page) -> Vec<String> {
    page.all(".table--keys .table__name")
}

#[actix_web::test]
async fn the_switch_filters_the_list_and_leads_back() {
    let (_app, mut ada, ..) = world().await;
    let both = ada.get("/keys?sort=name").await;
    assert_eq!(names(&both), [LIVE, TEST]);
    assert_eq!(both.attribute(".mode [value=all]", "aria-pressed"), "true");
    both.assert_hides("Live mode").assert_hides("Test mode");

    let back = ada.submit(&both, ".mode", &[("mode", "test")]).await;
    back.assert_leads_to("/keys?sort=name");
    let test = ada.get("/keys").await;
    assert_eq!(names(&test), [TEST]);
    test.assert_shows("Test mode");
    assert_eq!(test.attribute(".mode [value=test]", "aria-pressed"), "true");
    assert_eq!(test.attribute(".mode [value=all]", "aria-pressed"), "false");
    assert_eq!(test.all("#environment option"), ["Any environment", "Sandbox"]);

    switch(&mut ada, "live", "/keys").await.assert_leads_to("/keys");
    let live = ada.get("/keys").await;
    assert_eq!(names(&live), [LIVE]);
    live.assert_shows("Live mode");
    switch(&mut ada, "all", "/keys").await.assert_leads_to("/keys");
    assert_eq!(names(&ada.get("/keys").await).len(), 2);
}

#[actix_web::test]
async fn what_ends_soon_is_counted_in_the_mode_one_looks_at() {
    let (app, mut ada, ..) = world().await;
    let owner = app.db(|conn| latchkey::users::queries::find_by_email(conn, "ada@example.com"));
    app.key_with(owner.unwrap().as_ref(), "ends soon", |new| {
        new.expires_at = Some(chrono::Utc::now() + chrono::TimeDelta::days(3));
    });
    for (mode, shows) in [("all", true), ("live", true), ("test", false)] {
        switch(&mut ada, mode, "/keys").await.assert_leads_to("/keys");
        for address in ["/keys", "/"] {
            let page = ada.get(address).await;
            let said = page.text("main").contains("1 key expires within 14 days");
            assert_eq!(said, shows, "{address} in {mode}");
        }
    }
}

#[actix_web::test]
async fn a_mode_is_remembered_with_the_person_and_nobody_else() {
    let (app, mut ada, ..) = world().await;
    switch(&mut ada, "test", "/").await.assert_leads_to("/");
    for page in ["/", "/keys", "/keys/new", "/applications", "/gateways", "/settings", "/account"] {
        let shown = ada.get(page).await;
        let shown = ada.follow(shown).await;
        shown.assert_status(200).assert_shows("Test mode");
    }
    let user = app.db(|conn| latchkey::users::queries::find_by_email(conn, "ada@example.com"));
    let mut elsewhere = app.sign_in(&user.unwrap().unwrap()).await;
    elsewhere.get("/keys").await.assert_shows("Test mode");
    let mut bea = app.sign_in(&app.administrator("Bea")).await;
    bea.get("/keys").await.assert_hides("Test mode");
}

#[actix_web::test]
async fn the_switch_leads_nowhere_else_and_knows_three_words() {
    let (_app, mut ada, ..) = world().await;
    for next in ["//evil.example", "https://evil.example", "/\\evil", ""] {
        switch(&mut ada, "live", next).await.assert_leads_to("/");
    }
    switch(&mut ada, "live", "/keys?status=active&after=abc")
        .await
        .assert_leads_to("/keys?status=active");
    for mode in ["", "Live", "prod", "live\0"] {
        switch(&mut ada, mode, "/keys").await.assert_status(400).assert_shows("All, Live or Test");
    }
    ada.post("/account/mode", &[("mode", "live"), ("user", "1")]).await.assert_status(400);
    ada.get("/keys").await.assert_shows("Live mode");
}

#[actix_web::test]
async fn an_empty_list_says_how_many_are_in_the_other_mode() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "one");
    app.key(&ada, "two");
    let mut ada = app.sign_in(&ada).await;
    switch(&mut ada, "test", "/keys").await.assert_leads_to("/keys");
    let empty = ada.get("/keys").await;
    empty.assert_shows("No keys in Test mode").assert_shows("2 keys are there in Live mode.");
    let narrowed = ada.get("/keys?q=two").await;
    narrowed
        .assert_shows("No key matches in Test mode")
        .assert_shows("One key matches in Live mode.");
    let back = ada.submit(&narrowed, "#keys .blank form", &[("mode", "live")]).await;
    back.assert_leads_to("/keys?q=two");
    assert_eq!(names(&ada.get("/keys?q=two").await), ["two"]);
    ada.get("/keys?q=nothing").await.assert_shows("No key matches").assert_hides("in Test mode.");

    switch(&mut ada, "test", "/").await.assert_leads_to("/");
    ada.get("/").await.assert_shows("No keys in Test mode").assert_hides("Create the first key");
}

#[actix_web::test]
async fn one_thing_is_reachable_in_every_mode_and_says_so() {
    let (app, mut ada, live, test) = world().await;
    app.gateway("production");
    switch(&mut ada, "test", "/").await.assert_leads_to("/");
    let shown = ada.get(&live.page()).await;
    shown.assert_status(200).assert_shows("This key is of Live mode; you are in Test mode.");
    ada.get(&test.page()).await.assert_hides("This key is of");
    ada.get("/gateways/1/edit").await.assert_shows("This gateway is of Live mode");
    let gateways = ada.get("/gateways").await;
    gateways
        .assert_shows("No gateways in Test mode")
        .assert_shows("One gateway is there in Live mode.");

    // Acts on it work as ever: a mode is a view.
    ada.post(&format!("{}/disable", live.page()), &[]).await.assert_leads_to(&live.page());
}

#[actix_web::test]
async fn a_pasted_secret_or_public_key_finds_in_every_mode() {
    let (_app, mut ada, live, _) = world().await;
    switch(&mut ada, "test", "/").await.assert_leads_to("/");
    ada.post("/keys/search", &[("q", &live.secret)]).await.assert_leads_to(&live.page());
    let found = ada.get(&format!("/keys?q={}", live.public_key())).await;
    assert_eq!(names(&found), [LIVE]);
}

#[actix_web::test]
async fn the_wizard_offers_the_mode_and_takes_any_environment() {
    let (app, mut ada, ..) = world().await;
    switch(&mut ada, "test", "/").await.assert_leads_to("/");
    let begun = ada.get("/keys/new").await;
    let first = ada.follow(begun).await;
    let to_place = ada.submit(&first, "#wizard", &[("name", "third"), ("go", "next")]).await;
    let place = ada.follow(to_place).await;
    assert_eq!(place.all("#environment .choice__title"), ["Sandbox sandbox"]);
    place.assert_shows("only test environments are offered");

    let application = app.operator(latchkey::applications::list)[0].app_id.clone();
    let chosen =
        [("application", application.as_str()), ("environment", "production"), ("go", "next")];
    let taken = ada.submit(&place, "#wizard", &chosen).await;
    assert!(taken.location().unwrap().ends_with("step=permissions"));
    let again = taken.location().unwrap().replace("permissions", "environment");
    let again = ada.get(&again).await;
    assert_eq!(again.all("#environment .choice__title").len(), 2, "what is chosen stays");

    let gateway = ada.get("/gateways/new").await;
    assert_eq!(gateway.all("#environment .choice__title"), ["Sandbox sandbox"]);
    let made = ada.post("/gateways", &[("name", "edge"), ("environment", "production")]).await;
    made.assert_status(200);
}

#[actix_web::test]
async fn counts_are_of_the_mode() {
    let (app, mut ada, ..) = world().await;
    let application = app.operator(latchkey::applications::list)[0].address();
    ada.get("/applications").await.assert_shows("2 active");
    switch(&mut ada, "live", "/").await.assert_leads_to("/");
    ada.get("/applications").await.assert_shows("1 active");
    assert_eq!(ada.get("/").await.text(".tile__number"), "1");
    let shown = ada.get(&application).await;
    shown.assert_shows("One active key belongs to this application in Live mode.");
    shown.assert_shows(LIVE).assert_hides(TEST);
}

#[actix_web::test]
async fn who_has_no_keys_has_no_switch() {
    let app = TestApp::start();
    let mut tom = app.sign_in(&app.manager("Tom")).await;
    let page = tom.get("/").await;
    page.assert_status(200).assert_hides("/account/mode");
}

#[actix_web::test]
async fn the_switch_repeats_no_secret_that_stands_in_an_address() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    for address in ["/?from=", "/applications/", "/team?key="] {
        let page = ada.get(&format!("{address}{}", key.secret)).await;
        page.assert_hides(&key.secret);
        assert!(!page.body().contains(&key.secret), "{address}");
    }
}
