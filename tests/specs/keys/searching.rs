//! Finding a key by what one remembers of it, or by its secret.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::support::{Browser, Page, TestApp};

/// The names in the list, in its order.
pub fn names(page: &Page) -> Vec<String> {
    page.all("tbody .table__name")
}

async fn find(browser: &mut Browser, q: &str) -> Vec<String> {
    let answer = browser.post("/keys/search", &[("q", q)]).await;
    let page = browser.follow(answer).await;
    page.assert_status(200).assert_is_page();
    names(&page)
}

#[actix_web::test]
async fn by_name_application_public_key_and_owner() {
    let app = TestApp::start();
    let ada = app.administrator("Ada Lovelace");
    let grace = app.administrator("Grace");
    let deploy = app.key(&ada, "Deploy bot");
    app.key(&grace, "Réport reader");
    let mut browser = app.sign_in(&ada).await;
    assert_eq!(find(&mut browser, "deploy").await, ["Deploy bot"]);
    assert_eq!(find(&mut browser, "  OY BO ").await, ["Deploy bot"]);
    assert_eq!(find(&mut browser, "réport").await, ["Réport reader"]);
    assert_eq!(find(&mut browser, "lovelace").await, ["Deploy bot"]);
    assert_eq!(find(&mut browser, "grace@example.com").await, ["Réport reader"]);
    assert_eq!(find(&mut browser, deploy.public_key()).await, ["Deploy bot"]);
    assert_eq!(find(&mut browser, &deploy.public_key()[..14]).await, ["Deploy bot"]);
    assert_eq!(find(&mut browser, "storefront").await.len(), 2);
    assert_eq!(find(&mut browser, "De").await, ["Deploy bot"]);
    assert!(find(&mut browser, "ot").await.is_empty());
    assert_eq!(find(&mut browser, "").await.len(), 2);
}

#[actix_web::test]
async fn several_words_are_meant_as_they_stand() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    for name in ["Quill payout check", "Payout quill check", "Quill big payout", "Quill-payout"] {
        app.key(&ada, name);
    }
    let mut ada = app.sign_in(&ada).await;
    for words in ["quill payout", "QUILL PAYOUT CHECK", "ill pay", "uill payou"] {
        assert_eq!(find(&mut ada, words).await, ["Quill payout check"], "{words}");
    }
    assert_eq!(find(&mut ada, "quill-payout").await, ["Quill-payout"]);
    assert!(find(&mut ada, "quill  big  pay_ut").await.is_empty());
}

#[actix_web::test]
async fn every_character_is_meant_literally() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    for name in [
        "100% sure",
        "100 percent",
        "under_score",
        "underXscore",
        r"back\slash",
        "'; drop table keys;--",
    ] {
        app.key(&ada, name);
    }
    let mut ada = app.sign_in(&ada).await;
    assert_eq!(find(&mut ada, "100%").await, ["100% sure"]);
    assert_eq!(find(&mut ada, "under_s").await, ["under_score"]);
    assert_eq!(find(&mut ada, r"back\s").await, [r"back\slash"]);
    assert_eq!(find(&mut ada, "'; drop").await, ["'; drop table keys;--"]);
    for nothing in ["%", "_", "%%%", "(a+)+$", r"\", ".*"] {
        assert!(find(&mut ada, nothing).await.is_empty(), "{nothing}");
    }
}

#[actix_web::test]
async fn htmx_gets_the_table_and_the_address_to_show() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await.with_htmx("/keys");
    let table =
        ada.post("/keys/search", &[("q", "deploy"), ("status", "active"), ("owner", "")]).await;
    table.assert_status(200).assert_is_fragment().assert_shows("deploy bot");
    assert_eq!(table.header("hx-push-url"), "/keys?q=deploy&status=active");
    ada.post("/keys/search", &[("q", "")]).await.assert_status(200);
}

#[actix_web::test]
async fn a_manager_finds_own_keys_only() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    app.key(&mia, "deploy bot of Mia");
    let theirs = app.key(&app.administrator("Ada"), "deploy bot of Ada");
    let mut mia = app.sign_in(&mia).await;
    assert_eq!(find(&mut mia, "deploy").await, ["deploy bot of Mia"]);
    assert!(find(&mut mia, theirs.public_key()).await.is_empty());
    let foreign = mia.post("/keys/search", &[("q", &theirs.secret)]).await;
    foreign.assert_status(200).assert_shows("No key has this secret");
    let unknown = app.key_with(None, "x", |_| {}).secret.replace("prod_", "sbx_");
    let unknown = mia.post("/keys/search", &[("q", &unknown)]).await;
    super::assert_same_answer(&foreign, &unknown);
}

#[actix_web::test]
async fn a_pasted_secret_finds_its_key_also_one_that_was_replaced() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    app.key(&ada, "another");
    let mut ada = app.sign_in(&ada).await;
    let address = format!("{}/regenerate", key.page());
    let new = ada.post(&address, &[("version", "1")]).await.text("#secret");
    let basic = STANDARD.encode(format!("{}:{new}", key.public_key()));
    for secret in [&key.secret, &new, &format!("  {new}\n"), &basic] {
        let answer = ada.post("/keys/search", &[("q", secret)]).await;
        answer.assert_leads_to(&key.page()).assert_hides(secret.trim());
        let answer = ada.with_htmx("/keys").post("/keys/search", &[("q", secret)]).await;
        answer.assert_status(200).assert_hides(secret.trim());
        assert_eq!(answer.header("hx-redirect"), key.page());
    }
}

#[actix_web::test]
async fn a_secret_of_no_key_is_said_to_be_of_none_and_is_not_repeated() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let other = if key.secret.ends_with('X') { 'Y' } else { 'X' };
    let mistyped = format!("{}{other}", &key.secret[..key.secret.len() - 1]);
    for secret in [mistyped, key.secret.replace("prod_sk_", "prod_sk_0"), app.gateway("production")]
    {
        let answer = ada.post("/keys/search", &[("q", &secret)]).await;
        answer.assert_status(200).assert_is_page().assert_shows("No key has this secret");
        answer.assert_hides(&secret).assert_hides(&secret[8..30]);
        let answer = ada.with_htmx("/keys").post("/keys/search", &[("q", &secret)]).await;
        answer.assert_status(200).assert_is_fragment().assert_hides(&secret);
        assert_eq!(answer.header("hx-push-url"), "");
    }
}

#[actix_web::test]
async fn a_secret_in_the_address_is_refused_and_not_repeated() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    for browser in [&mut ada.clone(), &mut ada.with_htmx("/keys")] {
        for address in [
            format!("/keys?q={}", key.secret),
            format!("/keys?q=%20{}%20", key.secret),
            format!("/keys?q=x&sort={}", key.secret),
            format!("/keys?permission={}", key.secret),
        ] {
            let answer = browser.get(&address).await;
            answer.assert_status(400).assert_hides(&key.secret);
        }
    }
    let path = ada.get(&format!("/keys/{}", key.secret)).await;
    path.assert_status(404).assert_hides(&key.secret);
    // Neither does signing in repeat it as the place to return to.
    let visitor = app.visitor().get(&format!("/keys?q={}", key.secret)).await;
    visitor.assert_status(303).assert_hides(&key.secret[8..]);
}
