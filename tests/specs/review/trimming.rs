//! Taking away what nothing needed.

use latchkey::keys::Permissions;

use super::{age, code, counts, names, read_log, trail};
use crate::support::TestApp;

const TRIM: &str = "form[action$='/trim']";
const UNDO: &str = "form[action='/review/undo']";

#[actix_web::test]
async fn a_trimmed_key_holds_what_was_needed_until_it_is_undone() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let wanted = app.permissions(&["reporting:read", "orders:read", "orders:write"]);
    let listed = app.key_with(Some(&ada), "list", |new| new.permissions = wanted);
    let all = |new: &mut latchkey::keys::NewKey| {
        new.permissions = Permissions { all: true, ..Permissions::default() };
    };
    let everything = app.key_with(Some(&ada), "everything", all);
    age(&app, 100);
    for key in [&listed, &everything] {
        assert_eq!(code(&app, &gateway, key, "reporting:read").await, "VALID");
    }
    read_log(&app);
    let mut ada = app.sign_in(&ada).await;
    let page = ada.get("/review").await;
    page.assert_status(200).assert_shows("Permissions not used for 90 days");
    assert_eq!(names(&page), ["list", "everything"]);
    assert_eq!(counts(&page)[0], "Unused permissions : 2");
    page.assert_shows("keeps 1 permission").assert_shows("holds everything;");
    assert_eq!(
        page.all(&format!("#review-{} .chip", listed.public_key())),
        ["orders:read", "orders:write"]
    );

    for key in [&listed, &everything] {
        let page = ada.get("/review?group=permissions").await;
        let form = format!("#review-{} {TRIM}", key.public_key());
        let done = ada.submit(&page, &form, &[]).await;
        // At once, and only that.
        assert_eq!(code(&app, &gateway, key, "orders:read").await, "INSUFFICIENT_SCOPE");
        assert_eq!(code(&app, &gateway, key, "reporting:read").await, "VALID");
        done.assert_leads_to("/review?group=permissions");
        assert_eq!(trail(&app, key), ["key.created", "key.updated"]);
        let page = ada.follow(done).await;
        page.assert_shows(&format!("{} is trimmed:", key.key.name));
        assert!(!names(&page).contains(&key.key.name));
        ada.get(&key.page()).await.assert_shows("reporting:read").assert_hides("All permissions");

        let undone = ada.submit(&page, UNDO, &[]).await;
        assert_eq!(code(&app, &gateway, key, "orders:write").await, "VALID");
        undone.assert_leads_to("/review?group=permissions");
        assert_eq!(trail(&app, key), ["key.created", "key.updated", "key.updated"]);
        ada.follow(undone).await.assert_shows("may do what it did before");
        // A second click undoes nothing more, and says the same.
        ada.submit(&page, UNDO, &[]).await.assert_leads_to("/review?group=permissions");
        assert_eq!(trail(&app, key).len(), 3);
    }
    ada.get(&everything.page()).await.assert_shows("All permissions");
    // It was there all the time, so it is looked at again; what has been needed by now is not listed any more.
    app.flush();
    let page = ada.get("/review").await;
    assert_eq!(names(&page), ["list", "everything"]);
    assert_eq!(page.all(&format!("#review-{} .chip", listed.public_key())), ["orders:read"]);
}

#[actix_web::test]
async fn with_htmx_the_row_says_what_happened_and_how_to_take_it_back() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let wanted = app.permissions(&["reporting:read", "orders:read"]);
    let key = app.key_with(Some(&ada), "deploy bot", |new| new.permissions = wanted);
    age(&app, 100);
    code(&app, &gateway, &key, "reporting:read").await;
    read_log(&app);
    let mut ada = app.sign_in(&ada).await.with_htmx("/review");
    let list = ada.get("/review").await;
    list.assert_is_fragment();
    let row = ada.submit(&list, TRIM, &[]).await;
    row.assert_status(200).assert_is_fragment().assert_shows("1 permission went, 1 stayed");
    assert_eq!(code(&app, &gateway, &key, "orders:read").await, "INSUFFICIENT_SCOPE");
    // Once more, as by a second click: nothing more happens.
    let again = ada.submit(&list, TRIM, &[]).await;
    again.assert_status(200).assert_shows("was changed already");
    assert_eq!(trail(&app, &key), ["key.created", "key.updated"]);
    let back = ada.submit(&row, UNDO, &[]).await;
    back.assert_status(200).assert_is_fragment().assert_shows("Trim");
    assert_eq!(code(&app, &gateway, &key, "orders:read").await, "VALID");
}

#[actix_web::test]
async fn what_was_needed_or_edited_meanwhile_is_left_alone() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let wanted = app.permissions(&["reporting:read", "orders:read", "orders:write"]);
    let key = app.key_with(Some(&ada), "deploy bot", |new| new.permissions = wanted);
    age(&app, 100);
    code(&app, &gateway, &key, "reporting:read").await;
    read_log(&app);
    let mut ada = app.sign_in(&ada).await;
    let page = ada.get("/review").await;
    // Needed after the page was drawn; in the log, and not read from there yet.
    code(&app, &gateway, &key, "orders:read").await;
    app.flush();
    let done = ada.submit(&page, TRIM, &[]).await;
    let after = ada.follow(done).await;
    assert_eq!(code(&app, &gateway, &key, "orders:read").await, "VALID");
    assert_eq!(code(&app, &gateway, &key, "orders:write").await, "INSUFFICIENT_SCOPE");

    // Somebody renames it: what was clicked before cannot be undone over their head, nor trimmed by an old page.
    let edit = ada.get(&format!("{}/edit", key.page())).await;
    ada.submit(&edit, "main form[method='post']", &[("name", "renamed")]).await.assert_status(303);
    let undone = ada.submit(&after, UNDO, &[]).await;
    undone.assert_status(409).assert_shows("has changed since the page was drawn");
    let edit = ada.get(&format!("{}/edit", key.page())).await;
    let all = ["reporting:read", "orders:read", "orders:write"];
    let give = all.map(|slug| ("permission", slug));
    ada.submit(&edit, "main form[method='post']", &give).await.assert_status(303);
    let trimmed = ada.submit(&page, TRIM, &[]).await;
    trimmed.assert_status(409).assert_shows("has changed since the page was drawn");
    assert_eq!(code(&app, &gateway, &key, "orders:write").await, "VALID");
}
