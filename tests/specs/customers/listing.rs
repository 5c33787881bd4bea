use super::{called, customer, key_for, many};
use crate::support::TestApp;

#[actix_web::test]
async fn an_empty_list_teaches() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/customers").await;
    page.assert_status(200).assert_is_page().assert_shows("No customers yet");
    page.assert_shows("Import a list").assert_shows("restricted to that customer");
}

#[actix_web::test]
async fn everybody_is_listed_by_name_or_else_by_id_with_the_keys_restricted_to_them() {
    let app = TestApp::start();
    let acme = customer(&app, "cus_42", "Acme Rentals");
    customer(&app, "cus_43", "");
    key_for(&app, &acme, "Acme's own");
    key_for(&app, &acme, "Acme's other");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/customers").await;
    assert_eq!(called(&page), ["cus_43", "Acme Rentals"]);
    page.assert_shows("2 keys").assert_shows("None restricted").assert_shows("cus_42");

    let page = ada.get(&acme.address()).await;
    page.assert_status(200).assert_is_page().assert_shows("2 keys are restricted");
    assert_eq!(called(&page), ["Acme's other", "Acme's own"]);
    assert_eq!(page.text("#customer-id"), "cus_42");
}

#[actix_web::test]
async fn customers_are_for_administrators() {
    let app = TestApp::start();
    let acme = customer(&app, "cus_42", "Acme");
    let page = acme.address();
    for user in [app.manager("Tom"), app.manager_with_access("Marek")] {
        let mut browser = app.sign_in(&user).await;
        browser.get("/").await.assert_hides("/customers");
        for address in ["", "/new", "/import"] {
            browser.get(&format!("/customers{address}")).await.assert_status(404);
        }
        browser.get(&page).await.assert_status(404);
        browser.get(&format!("{page}/edit")).await.assert_status(404);
        browser.get(&format!("{page}/confirm/remove")).await.assert_status(404);
        browser.post(&format!("{page}/rename"), &[("name", "Mine")]).await.assert_status(404);
        browser.post(&format!("{page}/remove"), &[]).await.assert_status(404);
        browser.post("/customers", &[("id", "cus_1")]).await.assert_status(404);
        browser.post("/customers/search", &[("q", "cus")]).await.assert_status(404);
        for address in ["/customers/import", "/customers/import/preview"] {
            super::send(&mut browser, address, "text", b"id\ncus_1").await.assert_status(404);
        }
    }
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    assert_eq!(called(&ada.get("/customers").await), ["Acme"]);
    for id in ["0", "-1", "abc", "99999999999999999999", "cus_42"] {
        ada.get(&format!("/customers/{id}")).await.assert_status(404);
    }
}

#[actix_web::test]
async fn they_are_found_by_id_and_name_every_character_meant_literally() {
    let app = TestApp::start();
    for (id, name) in [
        ("cus_42", "Acme Rentals"),
        ("cus-42", "100% sure"),
        ("x\\y", "Réunion"),
        ("=cmd|'/c calc'!A1", "<script>alert(1)</script>"),
        ("زبون", "مفتاح"),
    ] {
        customer(&app, id, name);
    }
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for (q, found) in [
        ("RENTAL", vec!["Acme Rentals"]),
        ("cus_", vec!["Acme Rentals"]),
        ("100%", vec!["100% sure"]),
        ("réunion", vec!["Réunion"]),
        ("x\\", vec!["Réunion"]),
        ("cu", vec!["100% sure", "Acme Rentals"]),
        ("us", vec![]),
        ("<script>", vec!["<script>alert(1)</script>"]),
        ("مفتاح", vec!["مفتاح"]),
        ("%", vec![]),
        ("'; drop table customers;--", vec![]),
    ] {
        let answer = ada.post("/customers/search", &[("q", q)]).await;
        let page = ada.follow(answer).await;
        page.assert_status(200).assert_is_page();
        assert_eq!(called(&page), found, "{q}");
        assert!(!page.body().contains("<script>alert"), "{q}");
    }
    let table = ada.with_htmx("/customers").post("/customers/search", &[("q", "acme")]).await;
    table.assert_status(200).assert_is_fragment().assert_hides("100% sure");
    assert_eq!(table.header("hx-push-url"), "/customers?q=acme");
    ada.get("/customers?q=nobody").await.assert_shows("No customer matches");

    for q in ["a\0b", &"x".repeat(256), "prod_sk_0123456789abcdefghij"] {
        ada.post("/customers/search", &[("q", q)]).await.assert_status(400).assert_hides("_sk_0");
    }
    ada.get("/customers?sort=name").await.assert_status(400);
}

#[actix_web::test]
async fn pages_forward_and_back_show_everybody_once() {
    let app = TestApp::start();
    many(&app, 60);
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (mut seen, mut addresses, mut at) = (Vec::new(), Vec::new(), "/customers?q=cus".to_owned());
    loop {
        let page = ada.get(&at).await;
        page.assert_status(200);
        seen.extend(called(&page));
        addresses.push(at);
        if page.all("a[rel=next]").is_empty() {
            let back = ada.get(&page.attribute("a[rel=prev]", "href")).await;
            assert_eq!(called(&back), seen[25..50]);
            break;
        }
        at = page.attribute("a[rel=next]", "href");
    }
    let expected: Vec<String> = (1..=60).rev().map(|number| format!("cus_{number:03}")).collect();
    assert_eq!(seen, expected);

    let (eve, second) = (app.administrator("Eve"), addresses[1].clone());
    app.sign_in(&eve).await.get(&second).await.assert_status(400);
    let cursor = second.split_once("after=").unwrap().1.to_owned();
    for forged in [
        format!("/customers?after={cursor}"),
        format!("/customers?q=other&after={cursor}"),
        format!("/customers?q=cus&after={}", &cursor[..cursor.len() - 1]),
        format!("/customers?q=cus&after={cursor}&before={cursor}"),
        "/customers?after=0".to_owned(),
        "/customers?before=1-".to_owned(),
    ] {
        ada.get(&forged).await.assert_status(400).assert_is_page();
    }
}
