//! Who sees which notices, and how.

use latchkey::keys;

use super::{notice, run};
use crate::support::{Page, TestApp};

/// The lines of the list.
fn rows(page: &Page) -> Vec<String> {
    page.assert_status(200);
    page.all("#notices tbody tr")
}

#[actix_web::test]
async fn managers_see_those_of_their_own_keys_and_administrators_all() {
    let app = TestApp::start();
    let (mia_user, otto_user) = (app.manager_with_access("Mia"), app.manager_with_access("Otto"));
    let (theirs, anothers) = (app.key(&mia_user, "invoices"), app.key(&otto_user, "quartz"));
    let nobodys = app.key_with(None, "cron", |_| {});
    for key in [&theirs, &anothers, &nobodys] {
        notice(&app, key, "key_first_used", "");
    }
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (mut mia, mut otto) = (app.sign_in(&mia_user).await, app.sign_in(&otto_user).await);
    assert_eq!(rows(&ada.get("/notices").await).len(), 3);
    let own = mia.get("/notices").await;
    assert_eq!(rows(&own).len(), 1);
    own.assert_shows("“invoices” was used for the first time").assert_hides("quartz");
    own.assert_hides("cron").assert_hides("/settings/notices");
    assert_eq!(own.attribute("#notices tbody a", "href"), theirs.page());
    assert_eq!(own.attribute("#notices-bell", "aria-label"), "Notices, 1 unread");
    mia.get(&theirs.page()).await.assert_shows("was used for the first time");

    // A key that goes to somebody else takes nothing along, and leaves nothing.
    let owner = otto_user.id.to_string();
    let transfer = format!("{}/transfer", theirs.page());
    ada.post(&transfer, &[("owner", &owner)]).await.assert_status(303);
    mia.get("/notices").await.assert_shows("No notices yet").assert_hides("invoices");
    assert_eq!(mia.get("/notices").await.attribute("#notices-bell", "aria-label"), "Notices");
    assert_eq!(rows(&otto.get("/notices").await).len(), 1);
    otto.get(&theirs.page()).await.assert_hides("was used for the first time");

    // What is deleted is told without a way to it.
    app.operator(|conn, operator| {
        keys::commands::revoke(conn, operator, anothers.public_key(), None)?;
        keys::commands::delete(conn, operator, anothers.public_key())
    });
    for browser in [&mut ada, &mut otto] {
        let page = browser.get("/notices").await;
        page.assert_shows("“quartz” was used for the first time").assert_shows("quartz deleted");
        page.assert_hides(anothers.public_key());
    }
    app.withdraw(&otto_user);
    let page = otto.get("/notices").await;
    page.assert_status(200).assert_shows("you have no API access").assert_hides("quartz");
    assert_eq!(page.attribute("#notices-bell", "aria-label"), "Notices");
}

#[actix_web::test]
async fn the_list_is_paged_and_filtered_and_its_addresses_are_nobody_elses() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/notices").await.assert_is_page().assert_shows("No notices yet");
    let key = app.key_with(None, "cron", |_| {});
    for number in 0..60 {
        notice(&app, &key, "key_used_elsewhere", &number.to_string());
    }
    notice(&app, &key, "key_expires", "");
    let first = ada.get("/notices").await;
    assert_eq!(rows(&first).len(), 25);
    let next = first.attribute("#next", "href");
    let second = ada.get(&next).await;
    assert_eq!(rows(&second).len(), 25);
    second.assert_hides("Mark all as read");
    let third = ada.get(&second.attribute("#next", "href")).await;
    assert_eq!(rows(&third).len(), 11);
    let back = ada.get(&third.attribute("#previous", "href")).await;
    assert_eq!(back.all("#notices tbody tr th"), second.all("#notices tbody tr th"));
    ada.get(&next.replace("/notices?", "/notices?kind=key_expires&")).await.assert_status(400);
    let mut bea = app.sign_in(&app.administrator("Bea")).await;
    bea.get(&next).await.assert_status(400);

    let some = ada.with_htmx("/notices").get("/notices?kind=key_expires&state=unread").await;
    some.assert_is_fragment().assert_hides("Mark all as read");
    assert_eq!(rows(&some).len(), 1);
    ada.get("/notices?kind=leak_reported").await.assert_shows("No notice matches");
    for bad in ["kind=key_lost", "state=read", "after=42", "x=y"] {
        ada.get(&format!("/notices?{bad}")).await.assert_status(400);
    }
    // What a newer version notices is not shown by this one, and does no harm.
    run(
        &app,
        "alter table notices drop constraint notices_kind; update notices set kind = 'key_sang'",
    );
    assert_eq!(rows(&ada.get("/notices").await).len(), 0);
}

#[actix_web::test]
async fn names_that_would_like_to_be_markup_are_shown_as_they_are() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let names = [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "</title></textarea><svg/onload=1>",
        "' onfocus='alert(1)' autofocus='",
        "{{7*7}}",
        "مفتاح الدفع",
        "<a href=\"javascript:alert(1)\" hx-get=\"/team\" hx-trigger=\"load\">x</a>",
    ];
    for name in names {
        let key = app.key(&ada, name);
        run(
            &app,
            &format!(
                "insert into notices (kind, key_id, owner_id, occasion, details) \
                 select 'key_used_elsewhere', id, owner_id, '', jsonb_build_object('elsewhere', name) from keys where id = {}",
                key.key.id
            ),
        );
    }
    let mut ada = app.sign_in(&ada).await;
    let page = ada.get("/notices").await;
    for name in names {
        page.assert_shows(&format!("“{name}” was used in {name}"));
    }
    for markup in
        ["<script>alert", "<img src=x", "<svg/onload", "<a href=\"javascript", " onfocus='"]
    {
        assert!(!page.body().contains(markup), "{markup}");
    }
}
