//! What is not known is not said: a permission is called unused only if nothing can have used it.

use latchkey::keys::NewKey;

use super::{age, code, counts, names, read_log, run};
use crate::support::{MadeKey, TestApp};

const TRIM: &str = "form[action$='/trim']";

#[actix_web::test]
async fn a_permission_is_called_unused_only_where_that_is_known() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let gateway = app.gateway("production");
    let make = |name: &str| -> MadeKey {
        let wanted = app.permissions(&["reporting:read", "orders:read"]);
        app.key_with(Some(&user), name, |new: &mut NewKey| new.permissions = wanted)
    };
    let known = make("known");
    let (busy, given, idle) = (make("busy"), make("given lately"), make("needs nothing"));
    age(&app, 100);
    let young = make("young");
    for key in [&known, &busy, &given, &young] {
        assert_eq!(code(&app, &gateway, key, "reporting:read").await, "VALID");
    }
    assert_eq!(app.code(&gateway, &idle.secret).await, "VALID");
    read_log(&app);
    run(
        &app,
        &format!(
            "insert into keys_sampled values ({}, now());
             update keys set permissions_at = now() - interval '3 days' where id = {}",
            busy.key.id, given.key.id
        ),
    );
    let mut ada = app.sign_in(&user).await;
    let page = ada.get("/review").await;
    assert_eq!(names(&page), ["known"]);
    assert_eq!(page.all(TRIM).len(), 1);

    // A permission that the catalogue has got since nobody can have needed for so long.
    run(&app, "update permissions set added_at = now() where slug = 'orders:read'");
    let page = ada.get("/review").await;
    page.assert_shows("Nothing to do here").assert_hides("known");
    run(&app, "update permissions set added_at = now() - interval '91 days'");
    assert_eq!(names(&ada.get("/review").await), ["known"]);

    // Requests that found no room in the log are said to be missing.
    run(&app, "update usage_progress set permissions_missed_at = now() - interval '3 days'");
    ada.get("/review").await.assert_shows("Some requests found no room in the log");

    // The installation does not remember long enough.
    run(&app, "update usage_progress set permissions_since = now() - interval '89 days'");
    let page = ada.get("/review").await;
    page.assert_shows("Not known yet").assert_shows("from ");
    assert!(page.all(TRIM).is_empty());
    assert_eq!(counts(&page)[0], "Unused permissions : not known yet");
    let click = [("version", "1"), ("group", "permissions"), ("take", "orders:read")];
    let refused = ada.post(&format!("/review/{}/trim", known.public_key()), &click).await;
    refused.assert_status(409).assert_shows("It is not known well enough");

    // It stops remembering while accepted requests are not logged, and then begins anew.
    run(&app, "update usage_progress set permissions_since = now() - interval '200 days'");
    let quiet = [("logs_per_second", "50"), ("logs_kept_days", "30")];
    ada.post("/settings/logs", &quiet).await.assert_status(303);
    let page = ada.get("/review").await;
    page.assert_shows("Accepted requests are not logged");
    assert!(page.all(TRIM).is_empty());
    let aloud = [quiet[0], quiet[1], ("logs_accepted", "yes")];
    ada.post("/settings/logs", &aloud).await.assert_status(303);
    let page = ada.get("/review").await;
    page.assert_shows("Not known yet");
    assert!(page.all(TRIM).is_empty());
}

#[actix_web::test]
async fn whoever_is_sampled_is_noted_when_the_log_is_read() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let gateway = app.gateway("production");
    let wanted = app.permissions(&["reporting:read", "orders:read"]);
    let key = app.key_with(Some(&user), "busy", |new| new.permissions = wanted);
    age(&app, 100);
    code(&app, &gateway, &key, "reporting:read").await;
    app.flush();
    run(
        &app,
        "update request_logs set stands_for = 7;
         insert into request_log_gaps values (date_trunc('minute', now()), 'accepted', 3)",
    );
    read_log(&app);
    let mut ada = app.sign_in(&user).await;
    let page = ada.get("/review").await;
    page.assert_shows("Nothing to do here");
    page.assert_shows("Some requests found no room in the log");
}
