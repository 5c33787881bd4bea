//! On a phone nothing scrolls sideways, however long names are.

use diesel::RunQueryDsl;
use latchkey::schema::{gateways, permissions, sections};

use crate::support::TestApp;

#[actix_web::test]
async fn no_page_is_wider_than_a_phone() {
    let app = TestApp::start();
    let long = "W".repeat(100);
    let words =
        "a name of many words that goes on and on until nobody can remember how it began, really";
    let ada = app.administrator("Ada");
    let kim = app.manager_with_access("Kim of the very long and winding name of many syllables");
    let kim_id = kim.id;
    let application = app.application(&long);
    app.gateway("production");
    let key = app.key_with(Some(&kim), &long, |new| new.note = long.clone());
    let customer = app.operator(|conn, operator| {
        latchkey::customers::add(conn, operator, &"W".repeat(255), "")?;
        latchkey::customers::add(conn, operator, &"x".repeat(255), &long)
    });
    app.key_with(None, "for one", |new| new.customers = vec![customer.id]);
    app.key_with(Some(&ada), words, |new| new.permissions.all = true);

    app.db(|conn| {
        let each = "insert into notices (kind, key_id, owner_id, occasion, details) \
            select 'key_used_elsewhere', id, owner_id, '', jsonb_build_object('elsewhere', name) from keys";
        diesel::sql_query(each).execute(conn).unwrap();
    });
    let belongs = format!("/applications/{}", key.key.application.app_id);
    let (production, gateway, section, permission) = app.db(|conn| {
        let production = latchkey::environments::find_by_slug(conn, "production");
        let gateway = diesel::QueryDsl::select(gateways::table, gateways::id).first::<i64>(conn);
        let section = diesel::QueryDsl::select(sections::table, sections::id).first::<i64>(conn);
        let permission =
            diesel::QueryDsl::select(permissions::table, permissions::id).first::<i64>(conn);
        (production.unwrap().unwrap().id, gateway.unwrap(), section.unwrap(), permission.unwrap())
    });
    let catalogue = "/settings/catalogue";

    let ada = app.walk_in(&ada, "/").await;
    ada.hold(390, 844).await;
    for address in [
        "/",
        "/keys",
        "/keys?q=nothing",
        "/reference",
        &key.page(),
        &format!("{}/edit", key.page()),
        &format!("{}/confirm/disable", key.page()),
        &format!("{}/confirm/regenerate", key.page()),
        &format!("{}/confirm/reveal", key.page()),
        &format!("{}/confirm/revoke", key.page()),
        &format!("/keys/new?like={}", key.public_key()),
        "/applications",
        "/applications/new",
        &format!("/applications/{application}"),
        &belongs,
        &format!("{belongs}/edit"),
        &format!("{belongs}/confirm/archive"),
        &format!("{belongs}/confirm/reset?environment=production"),
        &format!("{belongs}/confirm/rotate"),
        &format!("{belongs}/confirm/keep-secrets"),
        &format!("{belongs}/confirm/erase-secrets"),
        "/gateways",
        "/gateways/new",
        &format!("/gateways/{gateway}/edit"),
        &format!("/gateways/{gateway}/confirm/revoke"),
        "/team",
        "/team/new",
        &format!("/team/{}/edit", kim.id),
        &format!("/team/{}/confirm/disable", kim.id),
        "/customers",
        "/logs",
        "/customers/new",
        "/customers/import",
        &customer.address(),
        &format!("{}/edit", customer.address()),
        &format!("{}/confirm/remove", customer.address()),
        &format!("/team/{}/grant", kim_id),
        &format!("/team/{}/confirm/withdraw", kim_id),
        &format!("{}/confirm/transfer", key.page()),
        "/keys/confirm/reset",
        "/notices",
        "/settings/notices",
        "/settings",
        "/settings/confirm/preset?preset=payments",
        "/settings/environments",
        "/settings/environments/new",
        &format!("/settings/environments/{production}/edit"),
        &format!("/settings/environments/{production}/confirm/retire"),
        catalogue,
        &format!("{catalogue}/sections/new"),
        &format!("{catalogue}/sections/{section}/edit"),
        &format!("{catalogue}/sections/{section}/confirm/retire"),
        &format!("{catalogue}/permissions/new"),
        &format!("{catalogue}/permissions/{permission}/edit"),
        &format!("{catalogue}/permissions/{permission}/confirm/publish"),
        &format!("{catalogue}/permissions/{permission}/confirm/retire"),
        &format!("{catalogue}/import"),
        "/account",
    ] {
        ada.open(address).await;
        ada.fits().await;
        ada.finds_nowhere("<h1>Not found</h1>").await;
    }
    ada.open("/nothing-here").await;
    ada.fits().await;

    // What opens over a page has to fit as well.
    ada.open(&key.page()).await;
    ada.click("More").await;
    ada.sees("Transfer").await;
    ada.fits().await;

    ada.open("/keys").await;
    ada.choose_from_menu_of(&long, "Revoke").await;
    ada.sees("Reason").await;
    ada.fits().await;

    ada.open("/keys/new").await;
    ada.fill("Name", &long.replace('W', "M")).await;
    ada.fits().await;
    super::continues_to(&ada, 2).await;
    ada.fits().await;
    ada.choose_from("Application", "Storefront").await;
    ada.choose("Production").await;
    super::continues_to(&ada, 3).await;
    ada.toggle("All permissions").await;
    ada.fits().await;
    super::continues_to(&ada, 4).await;
    ada.fits().await;
    super::continues_to(&ada, 5).await;
    ada.fits().await;
    ada.press_the_last_button().await;
    ada.copy("Secret key").await;
    ada.fits().await;
}

#[actix_web::test]
async fn a_visitor_with_a_phone_reads_without_scrolling_sideways() {
    let app = TestApp::start();
    let visitor = app.in_chromium().await;
    visitor.hold(390, 844).await;
    for address in ["/sign-in", "/setup", "/nothing-here"] {
        visitor.open(address).await;
        visitor.fits().await;
    }
}
