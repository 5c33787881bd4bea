//! Who may report leaks: added, changed and removed by administrators.

use super::{Scanner, ask, trail};
use crate::support::TestApp;

#[actix_web::test]
async fn an_administrator_adds_changes_and_removes_partners() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/settings/leak-partners").await.assert_shows("No leak partners yet");
    let new = ada.get("/settings/leak-partners/new").await;
    new.assert_is_page();
    let scanner = Scanner::new("key-1");
    let (pem, another) = (scanner.pem(), Scanner::new("key-2").pem());
    let fields = [("name", "Code Host"), ("key_id", "key-1"), ("public_key", pem.as_str())];
    ada.submit(&new, "form.form", &fields).await.assert_leads_to("/settings/leak-partners");
    let list = ada.get("/settings/leak-partners").await;
    list.assert_shows("Code Host may report leaks now.")
        .assert_shows("key-1")
        .assert_shows("is shown");

    let id = ask(&app, "select id::text as text from leak_partners").remove(0);
    let page = ada.get(&format!("/settings/leak-partners/{id}/edit")).await;
    assert_eq!(page.text("#public_key").replace(' ', ""), pem.replace(['\n', ' '], ""));
    let changed = [("policy", "revoke"), ("public_key", another.as_str())];
    ada.submit(&page, "form.form", &changed).await.assert_status(303);
    ada.get("/settings/leak-partners").await.assert_shows("revokes the key");
    // The same again is no change.
    let page = ada.get(&format!("/settings/leak-partners/{id}/edit")).await;
    ada.submit(&page, "form.form", &[]).await.assert_status(303);

    let ask_first = format!("/settings/leak-partners/{id}/confirm/remove");
    ada.get(&ask_first).await.assert_is_page().assert_shows("Remove Code Host?");
    ada.with_htmx("/settings/leak-partners").get(&ask_first).await.assert_is_fragment();
    let remove = format!("/settings/leak-partners/{id}/remove");
    ada.post(&remove, &[]).await.assert_leads_to("/settings/leak-partners");
    ada.post(&remove, &[]).await.assert_status(404);
    ada.get(&format!("/settings/leak-partners/{id}/edit")).await.assert_status(404);
    ada.get("/settings/leak-partners").await.assert_shows("No leak partners yet");
    assert_eq!(trail(&app, "leak_partner.added").len(), 1);
    let updated = trail(&app, "leak_partner.updated");
    assert_eq!(updated.len(), 1);
    assert_eq!(updated[0]["details"]["policy"], serde_json::json!(["notify", "revoke"]));
    assert_eq!(trail(&app, "leak_partner.removed").len(), 1);
}

#[actix_web::test]
async fn a_partner_needs_a_name_an_identifier_of_its_own_and_a_key_of_the_right_kind() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let scanner = Scanner::new("key-1");
    scanner.is_added(&mut ada, "Code Host", "notify").await;
    let pem = Scanner::new("key-2").pem();
    let private = pem.replace("PUBLIC", "PRIVATE");
    let rsa =
        "-----BEGIN PUBLIC KEY-----\nMFwwDQYJKoZIhvcNAQEBBQADSwAwSAJBAK\n-----END PUBLIC KEY-----";
    for (name, key_id, key, policy, sentence) in [
        ("", "key-2", pem.as_str(), "notify", "Name must be 1-100 characters."),
        ("a\0b", "key-2", &pem, "notify", "Name contains characters"),
        ("Chat", "", &pem, "notify", "Key identifier must be 1-200"),
        ("Chat", "two words", &pem, "notify", "Key identifier must be 1-200"),
        ("Chat", "key-1", &pem, "notify", "Another partner’s key has this identifier already."),
        ("Chat", "key-2", "", "notify", "Paste a public key in PEM"),
        ("Chat", "key-2", &private, "notify", "Paste a public key in PEM"),
        ("Chat", "key-2", rsa, "notify", "Paste a public key in PEM"),
        ("Chat", "key-2", &pem, "ignore", "Choose what its reports do"),
    ] {
        let fields = [("name", name), ("key_id", key_id), ("public_key", key), ("policy", policy)];
        let again = ada.post("/settings/leak-partners", &fields).await;
        again.assert_status(422).assert_is_page().assert_shows(sentence);
    }
    ada.post("/settings/leak-partners", &[("nonsense", "1")]).await.assert_status(400);
    for id in ["0", "-1", "abc", "99999999999999999999"] {
        ada.get(&format!("/settings/leak-partners/{id}/edit")).await.assert_status(404);
    }
    assert_eq!(ask(&app, "select name as text from leak_partners"), ["Code Host"]);
}
