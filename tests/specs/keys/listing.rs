//! The list, and who sees what of it.

use super::{NOBODYS, assert_same_answer, expire};
use crate::support::TestApp;

#[actix_web::test]
async fn an_empty_list_a_search_without_a_match_and_no_access_are_three_pages() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut browser = app.sign_in(&ada).await;
    let empty = browser.get("/keys").await;
    empty.assert_status(200).assert_is_page().assert_shows("No keys yet");
    empty.assert_shows("Create the first key").assert_hides("role=\"search\"");

    app.key(&ada, "deploy bot");
    let no_match = browser.get("/keys?q=nothing%20like%20it").await;
    no_match.assert_status(200).assert_is_page().assert_shows("No key matches");
    no_match.assert_shows("Clear filters").assert_hides("No keys yet");

    let mut mia = app.sign_in(&app.manager("Mia")).await;
    let no_access = mia.get("/keys").await;
    no_access.assert_status(404).assert_is_page().assert_shows("You don’t have API access.");
    mia.get("/").await.assert_hides("href=\"/keys\"");
}

#[actix_web::test]
async fn a_row_says_what_matters_of_a_key() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key =
        app.key_with(Some(&ada), "deploy bot", |new| new.limits = TestApp::limit(50_000, 86_400));
    let mut ada = app.sign_in(&ada).await;
    let list = ada.get("/keys").await;
    list.assert_status(200).assert_is_page().assert_hides(&key.secret);
    let row = list.text("tbody tr");
    let masked = format!("{}…{}", &key.secret[..12], &key.secret[key.secret.len() - 4..]);
    for cell in [
        "deploy bot",
        "Storefront",
        &masked,
        "production",
        "reporting:read",
        "50\u{202f}000 / day",
        "Active",
        "Never",
    ] {
        let cell = cell.replace('\u{202f}', " ");
        assert!(row.replace('\u{202f}', " ").contains(&cell), "“{cell}” is not in “{row}”");
    }
    // Copying copies the public key, and says so.
    assert_eq!(list.attribute("tbody [data-copy-text]", "data-copy-text"), key.public_key());
    let menu = list.all("tbody .menu__item");
    assert_eq!(menu, ["Edit", "Disable", "Regenerate", "Explain", "Duplicate", "Revoke"]);
}

#[actix_web::test]
async fn the_menu_offers_what_can_be_done() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let ada = app.administrator("Ada");
    let [disabled, revoked, expired] =
        ["disabled", "revoked", "expired"].map(|name| app.key(&mia, name));
    let mut browser = app.sign_in(&ada).await;
    browser.post(&format!("{}/disable", disabled.page()), &[]).await.assert_status(303);
    browser.post(&format!("{}/revoke", revoked.page()), &[]).await.assert_status(303);
    expire(&app, expired.public_key());
    let list = browser.get("/keys").await;
    let menu =
        |page: &crate::support::Page, key: &str| page.all(&format!("#key-{key} .menu__item"));
    assert_eq!(
        menu(&list, disabled.public_key()),
        ["Edit", "Enable", "Regenerate", "Explain", "Duplicate", "Revoke", "Delete"]
    );
    assert_eq!(menu(&list, revoked.public_key()), ["Explain", "Duplicate", "Delete"]);
    assert_eq!(
        menu(&list, expired.public_key()),
        ["Edit", "Disable", "Explain", "Duplicate", "Revoke", "Delete"]
    );

    let list = app.sign_in(&mia).await.get("/keys").await;
    assert_eq!(
        menu(&list, disabled.public_key()),
        ["Edit", "Enable", "Regenerate", "Explain", "Duplicate"]
    );
    assert_eq!(menu(&list, revoked.public_key()), ["Explain", "Duplicate"]);
    assert_eq!(menu(&list, expired.public_key()), ["Edit", "Disable", "Explain", "Duplicate"]);
}

#[actix_web::test]
async fn htmx_gets_the_table_and_history_gets_the_page() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    let ada = app.sign_in(&ada).await.with_htmx("/keys");
    let table = ada.clone().get("/keys?status=active").await;
    table.assert_status(200).assert_is_fragment().assert_shows("deploy bot");
    assert!(table.body().trim_start().starts_with(r#"<div id="keys" "#), "{}", table.body());
    ada.with_header("HX-Boosted", "true").get("/keys").await.assert_is_page();
    ada.with_header("HX-History-Restore-Request", "true").get("/keys").await.assert_is_page();
}

#[actix_web::test]
async fn a_manager_sees_own_keys_only() {
    let app = TestApp::start();
    let (mia, max) = (app.manager_with_access("Mia"), app.manager_with_access("Max"));
    let (hers, his) = (app.key(&mia, "hers"), app.key(&max, "his"));
    let nobodys = app.key_with(None, "the operator’s", |_| {});
    let mut mia = app.sign_in(&mia).await;
    let list = mia.get("/keys").await;
    list.assert_shows("hers").assert_hides(his.public_key()).assert_hides(nobodys.public_key());
    mia.get(&hers.page()).await.assert_status(200);
    assert!(list.all("#owner").is_empty(), "there is no other owner to filter by");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/keys").await.assert_shows("hers").assert_shows("his").assert_shows("the operator’s");
}

#[actix_web::test]
async fn someone_elses_key_cannot_be_told_apart_from_no_key_at_all() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    app.key(&mia, "her own");
    let theirs = app.key(&app.administrator("Ada"), "not hers");
    let mut mia = app.sign_in(&mia).await;
    let htmx = mia.with_htmx("/keys");
    let absent = format!("/keys/{NOBODYS}");
    for path in [
        "",
        "/edit",
        "/confirm/disable",
        "/confirm/enable",
        "/confirm/regenerate",
        "/confirm/revoke",
        "/confirm/delete",
    ] {
        for browser in [&mut mia, &mut htmx.clone()] {
            let foreign = browser.get(&format!("{}{path}", theirs.page())).await;
            let none = browser.get(&format!("{absent}{path}")).await;
            foreign.assert_status(404);
            assert_same_answer(&foreign, &none);
        }
    }
    let edit = [
        ("version", "1"),
        ("name", "mine"),
        ("permission", "reporting:read"),
        ("expires", "never"),
    ];
    let acts: [(&str, &[(&str, &str)]); 6] = [
        ("edit", &edit),
        ("disable", &[]),
        ("enable", &[]),
        ("regenerate", &[("version", "1")]),
        ("revoke", &[]),
        ("delete", &[]),
    ];
    let before = super::stored(&app);
    for (act, fields) in acts {
        for browser in [&mut mia, &mut htmx.clone()] {
            let foreign = browser.post(&format!("{}/{act}", theirs.page()), fields).await;
            let none = browser.post(&format!("{absent}/{act}"), fields).await;
            foreign.assert_status(404);
            assert_same_answer(&foreign, &none);
        }
    }
    assert_eq!(super::stored(&app), before);
}

#[actix_web::test]
async fn what_a_platforms_manual_calls_the_page_leads_here() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for alias in [
        "/business-settings/api-keys",
        "/settings/service-settings/api-keys",
        "/developer/api-keys",
        "/account/api-keys",
    ] {
        ada.get(alias).await.assert_leads_to("/keys");
    }
}
