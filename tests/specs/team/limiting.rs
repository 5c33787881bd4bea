//! API access to some environments and some permissions.

use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use latchkey::{access, keys::Permissions, schema::audit_events};
use serde_json::{Value, json};

use crate::{
    matrix::refusals,
    support::{Browser, Page, TestApp},
};

fn details(app: &TestApp, action: &str) -> Vec<Value> {
    app.db(|conn| {
        audit_events::table
            .filter(audit_events::action.eq(action))
            .order(audit_events::id)
            .select(audit_events::details)
            .load(conn)
            .unwrap()
    })
}

fn everything() -> Permissions {
    Permissions { all: true, ..Permissions::default() }
}

/// A step of the wizard with these answers; the page of the next one.
async fn step(browser: &mut Browser, page: &Page, answers: &[(&str, &str)]) -> Page {
    let answers = [answers, &[("go", "next")]].concat();
    let answer = browser.submit(page, "#wizard", &answers).await;
    browser.follow(answer).await
}

#[actix_web::test]
async fn a_grant_is_limited_by_a_form_and_changed_by_it() {
    let app = TestApp::start();
    let mia = app.manager("Mia");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let address = format!("/team/{}/grant", mia.id);
    let page = ada.get(&address).await;
    page.assert_status(200).assert_is_page().assert_shows("Mia has no API access yet.");
    assert_eq!(page.attribute("[name='environments'][checked]", "value"), "all");
    assert_eq!(page.attribute("[name='permissions'][checked]", "value"), "all");
    let some = [
        ("environments", "some"),
        ("environment", "sandbox"),
        ("permissions", "some"),
        ("section", "reporting"),
        ("permission", "orders:read"),
        // It is in the section, and not kept a second time.
        ("permission", "reporting:read"),
    ];
    ada.submit(&page, "main form", &some).await.assert_leads_to("/team");
    ada.get("/team").await.assert_shows("Mia has API access now.").assert_shows("Granted, limited");
    let limited = json!({
        "all_environments": false, "environments": ["sandbox"],
        "all_permissions": false, "sections": ["reporting"], "permissions": ["orders:read"],
    });
    assert_eq!(details(&app, "access.granted"), [limited]);

    let page = ada.get(&address).await;
    assert_eq!(page.attribute("[name='environment'][checked]", "value"), "sandbox");
    assert_eq!(page.attribute("[name='section'][checked]", "value"), "reporting");
    assert_eq!(page.attribute("[name='permission'][checked]", "value"), "orders:read");
    ada.submit(&page, "main form", &[]).await.assert_leads_to("/team");
    assert!(details(&app, "access.changed").is_empty(), "nothing changed");

    let all = [("environments", "all")];
    ada.submit(&page, "main form", &all).await.assert_leads_to("/team");
    ada.get("/team").await.assert_shows("The API access of Mia is changed.");
    let changed = json!({ "all_environments": [false, true], "environments": [["sandbox"], []] });
    assert_eq!(details(&app, "access.changed"), [changed]);
}

#[actix_web::test]
async fn a_form_without_fields_means_everything_as_it_always_did() {
    let app = TestApp::start();
    let mia = app.manager("Mia");
    app.grant_only(&mia, &["sandbox"], app.permissions(&["orders:read"]));
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let address = format!("/team/{}/grant", mia.id);
    ada.post(&address, &[]).await.assert_leads_to("/team");
    let grant = app.db(|conn| access::find(conn, mia.id)).unwrap().unwrap();
    assert!(grant.is_everything());
    ada.get("/team").await.assert_hides("limited");
}

#[actix_web::test]
async fn a_choice_of_nothing_or_of_what_is_not_there_is_asked_again() {
    let app = TestApp::start();
    let mia = app.manager("Mia");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let address = format!("/team/{}/grant", mia.id);
    for (fields, sentence) in [
        (
            &[("environments", "some"), ("permission", "orders:read")][..],
            "Choose at least one environment",
        ),
        (&[("permissions", "some"), ("environment", "sandbox")], "Choose at least one permission"),
        (&[("environment", "moon")], "One of the environments doesn’t exist"),
        (&[("permission", "Orders:Read")], "One of the permissions doesn’t exist"),
        (&[("section", "\u{0}")], "One of the permissions doesn’t exist"),
        (&[("environments", "both")], "Choose all of them or some"),
    ] {
        let page = ada.post(&address, fields).await;
        page.assert_status(422).assert_is_page().assert_shows(sentence);
    }
    // What was right is kept.
    let fields = [("environments", "some"), ("permission", "orders:read")];
    let page = ada.post(&address, &fields).await;
    assert_eq!(page.attribute("[name='permission'][checked]", "value"), "orders:read");
    assert_eq!(app.db(|conn| access::find(conn, mia.id)).unwrap(), None);

    ada.post(&address, &[("everything", "yes")]).await.assert_status(400);
    ada.get("/team/4711/grant").await.assert_status(404);
    let own = format!("/team/{}/grant", app.administrator("Ava").id);
    ada.get(&own).await.assert_status(409).assert_shows("without a grant");
    let mut mias = app.sign_in(&mia).await;
    mias.get(&address).await.assert_status(404);
    mias.post(&address, &[]).await.assert_status(404);
}

#[actix_web::test]
async fn whoever_narrows_a_grant_reads_which_keys_hold_more_and_they_go_on_working() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let inside = app.key(&mia, "Inside");
    let outside = app.key_with(Some(&mia), "Outside", |new| new.permissions = everything());
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let address = format!("/team/{}/grant", mia.id);
    let fields = [("section", "reporting")];
    ada.post(&address, &fields).await.assert_leads_to(&address);
    let page = ada.get(&address).await;
    page.assert_shows("One key holds more than it covers.").assert_shows("Outside");
    page.assert_hides("Inside");
    assert_eq!(app.code(&gateway, &outside.secret).await, "VALID");

    let mut mias = app.sign_in(&mia).await;
    let page = mias.get(&outside.page()).await;
    page.assert_status(200).assert_shows("This key holds more than your API access covers.");
    assert_eq!(page.all(".page-head__actions > *"), ["Disable", "Duplicate"]);
    let menus = mias.get("/keys").await;
    assert_eq!(
        menus.all(&format!("#key-{} .menu__items > *", outside.public_key())),
        [
            "Disable",
            "Explain",
            "Duplicate",
            "It holds more than your API access covers. An administrator can change it.",
        ]
    );
    let page = mias.get(&inside.page()).await;
    assert_eq!(page.all(".page-head__actions > *"), ["Edit", "Disable", "Regenerate", "Duplicate"]);
}

#[actix_web::test]
async fn what_is_outside_a_grant_is_shown_switched_off_with_the_reason() {
    let app = TestApp::start();
    let mia = app.manager("Mia");
    let orders = app.permissions(&["orders:read"]);
    let mut granted = app.section("reporting");
    granted.permissions = orders.permissions;
    app.grant_only(&mia, &["sandbox"], granted);
    let mut mia = app.sign_in(&mia).await;
    let start = mia.get("/keys/new").await;
    let name = mia.follow(start).await;
    let place = step(&mut mia, &name, &[("name", "deploy bot")]).await;
    place.attribute("[value='production'][name='environment']", "disabled");
    assert!(place.all("[value='sandbox'][disabled]").is_empty());
    assert_eq!(place.all(".choice .not-granted"), ["Not in your API access"]);

    let answers = [("application", place.attribute("#application option", "value"))];
    let (application, environment) = (answers[0].1.as_str(), "sandbox");
    let page =
        step(&mut mia, &place, &[("application", application), ("environment", environment)]).await;
    page.attribute("[name='all_permissions']", "disabled");
    let enabled = |name: &str| format!("[name='{name}']:not([disabled])");
    assert_eq!(page.attribute(&enabled("section"), "value"), "reporting");
    assert_eq!(page.all(&enabled("section")).len(), 1);
    assert_eq!(page.all(&enabled("permission")).len(), 3);
    page.attribute("[value='orders:write']", "disabled");
    page.attribute("[value='orders'][name='section']", "disabled");
    page.assert_shows("Not in your API access");
}

#[actix_web::test]
async fn a_new_key_starts_without_all_permissions_where_they_are_not_granted() {
    let app = TestApp::start();
    app.preset("payments");
    let mia = app.manager("Mia");
    app.grant_only(&mia, &["live"], app.permissions(&["payments:read"]));
    let mut mia = app.sign_in(&mia).await;
    let start = mia.get("/keys/new").await;
    let name = mia.follow(start).await;
    let place = step(&mut mia, &name, &[("name", "deploy bot")]).await;
    let application = place.attribute("#application option", "value");
    let page =
        step(&mut mia, &place, &[("application", &application), ("environment", "live")]).await;
    assert!(page.all("[name='all_permissions'][checked]").is_empty());
    page.assert_hides("All permissions are on.");
}

#[actix_web::test]
async fn sending_what_is_switched_off_creates_nothing_and_is_in_the_trail() {
    let app = TestApp::start();
    let app_id = app.application("Back office");
    let mia = app.manager("Mia");
    app.grant_only(&mia, &["sandbox"], app.permissions(&["orders:read"]));
    let mut mias = app.sign_in(&mia).await;
    for (number, (environment, held, sentence)) in [
        ("production", ("permission", "orders:read"), "doesn’t cover Production."),
        ("sandbox", ("all_permissions", "yes"), "doesn’t cover “All permissions”."),
        ("sandbox", ("section", "orders"), "doesn’t cover the whole section Orders."),
        ("sandbox", ("permission", "orders:write"), "doesn’t cover orders:write."),
    ]
    .into_iter()
    .enumerate()
    {
        let draft = uuid::Uuid::new_v4().to_string();
        for step in [
            &[("step", "name"), ("name", "deploy bot")][..],
            &[("step", "environment"), ("application", &app_id), ("environment", environment)],
            &[("step", "permissions"), held],
            &[("step", "limits"), ("expires", "never")],
        ] {
            let fields = [&[("draft", draft.as_str()), ("go", "next")], step].concat();
            mias.post("/keys/new", &fields).await.assert_status(303);
        }
        let page = mias.post("/keys", &[("draft", &draft), ("go", "create")]).await;
        page.assert_status(403).assert_is_page().assert_shows(sentence);
        page.assert_shows("ask an administrator").assert_hides("_sk_");
        assert_eq!(refusals(&app), number as i64 + 1);
    }
    let details = details(&app, "access.refused");
    assert_eq!(details[0]["environment"], "production");
    assert_eq!(details[0]["act"], "POST /keys");
    assert_eq!(details[3]["permissions"], json!(["orders:write"]));
    mias.get("/keys").await.assert_shows("No keys yet");
}

#[actix_web::test]
async fn an_edit_reaches_no_further_than_the_grant_but_may_come_back_into_it() {
    let app = TestApp::start();
    let mia = app.manager("Mia");
    app.grant_only(&mia, &["production"], app.permissions(&["reporting:read"]));
    let inside = app.key(&mia, "Inside");
    let outside = app.key_with(Some(&mia), "Outside", |new| new.permissions = everything());
    let mut mias = app.sign_in(&mia).await;
    let edit = |name, held| [("version", "1"), ("name", name), held, ("expires", "never")];
    let more = edit("Inside", ("permission", "orders:write"));
    let page = mias.post(&format!("{}/edit", inside.page()), &more).await;
    page.assert_status(403).assert_shows("Your API access doesn’t cover orders:write.");
    // Only the name, of a key that holds more.
    let renamed = edit("Renamed", ("all_permissions", "yes"));
    mias.post(&format!("{}/edit", outside.page()), &renamed).await.assert_status(403);
    assert_eq!(refusals(&app), 2);
    let less = edit("Outside", ("permission", "reporting:read"));
    let address = format!("{}/edit", outside.page());
    mias.post(&address, &less).await.assert_leads_to(&outside.page());
}

#[actix_web::test]
async fn what_a_preset_takes_away_goes_out_of_grants_and_widens_none() {
    let app = TestApp::start();
    let mia = app.manager("Mia");
    let mut granted = app.section("payouts");
    granted.permissions = app.permissions(&["reporting:read"]).permissions;
    app.grant_only(&mia, &["sandbox"], granted);
    app.preset("licensing");
    let grant = app.db(|conn| access::find(conn, mia.id)).unwrap().unwrap();
    assert_eq!(grant.environments, Some(Vec::new()));
    assert!(grant.permissions.is_empty());
}
