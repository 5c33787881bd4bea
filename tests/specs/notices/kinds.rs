//! What is noticed at all is decided in the settings.

use super::{ask, look, noticed};
use crate::{leaks::look as paste, support::TestApp};

#[actix_web::test]
async fn what_is_switched_off_is_not_noticed_and_not_made_up_for() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key_with(None, "cron", |_| {});
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/settings/notices").await;
    page.assert_is_page();
    assert_eq!(page.all("input[name=kind][checked]").len(), 5);
    let kept = ["key_expires", "key_used_after_expiry", "key_used_elsewhere"];
    let fields = kept.map(|kind| ("kind", kind));
    ada.post("/settings/notices", &fields).await.assert_leads_to("/settings/notices");
    let page = ada.get("/settings/notices").await;
    page.assert_shows("What is noticed is saved.");
    assert_eq!(page.all("input[name=kind][checked]").len(), 3);
    // The same once more is no change.
    ada.post("/settings/notices", &fields).await.assert_status(303);
    assert_eq!(
        ask(
            &app,
            "select concat_ws(' ', actor, details->'notices_off'->1) as told \
             from audit_events where action = 'settings.updated'"
        ),
        [r#"Ada ["key_first_used", "leak_reported"]"#]
    );
    ada.get("/audit").await.assert_shows("Notices off None key_first_used, leak_reported");

    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    look(&app);
    paste(&mut ada, &key.secret, false).await.assert_status(200);
    assert_eq!(noticed(&app), [""; 0]);
    let every: Vec<(&str, &str)> =
        fields.into_iter().chain([("kind", "key_first_used"), ("kind", "leak_reported")]).collect();
    ada.post("/settings/notices", &every).await.assert_status(303);
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    look(&app);
    assert_eq!(noticed(&app), [""; 0]);
    let mut bea = app.sign_in(&app.administrator("Bea")).await;
    paste(&mut bea, &key.secret, false).await.assert_status(200);
    assert_eq!(noticed(&app), ["leak_reported cron"]);

    ada.post("/settings/notices", &[("kind", "key_lost")]).await.assert_status(400);
    ada.post("/settings/notices", &[("sort", "x")]).await.assert_status(400);
    let mut mia = app.sign_in(&app.manager_with_access("Mia")).await;
    mia.get("/settings/notices").await.assert_status(404);
    mia.post("/settings/notices", &[]).await.assert_status(404);
    assert_eq!(ask(&app, "select array_to_string(notices_off, ' ') as told from settings"), [""]);
}
