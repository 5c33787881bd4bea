//! A leak is noticed in the moment it is reported.

use crate::{
    leaks::{Scanner, look as paste},
    support::TestApp,
};

#[actix_web::test]
async fn everybody_it_concerns_hears_of_a_leak_at_once() {
    let app = TestApp::start();
    let (mia, otto) = (app.manager_with_access("Mia"), app.manager_with_access("Otto"));
    let key = app.key(&mia, "deploy bot");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (mut mia, mut otto) = (app.sign_in(&mia).await, app.sign_in(&otto).await);
    for _ in 0..2 {
        let text = format!("{}\n{gateway}", key.secret);
        paste(&mut ada, &text, false).await.assert_status(200);
    }
    let theirs = mia.get("/notices").await;
    theirs.assert_shows("A secret of “deploy bot” was found by others");
    theirs.assert_shows("Reported by Ada").assert_hides("gateway");
    assert_eq!(theirs.all("#notices tbody tr").len(), 1);
    assert_eq!(theirs.attribute("#notices-bell", "aria-label"), "Notices, 1 unread");
    otto.get("/notices").await.assert_shows("No notices yet").assert_hides("deploy bot");
    mia.get(&key.page()).await.assert_shows("A secret of “deploy bot” was found by others");

    let scanner = Scanner::new("scanner-1");
    scanner.is_added(&mut ada, "GitHub", "revoke").await;
    let report = serde_json::json!([{ "token": key.secret, "type": "latchkey_key", "url": "https://a.example/b" }]);
    let (status, _) = scanner.report(&app, &report.to_string()).await;
    assert_eq!(status, 200);
    mia.get("/notices").await.assert_shows("Reported by GitHub");
    let all = ada.get("/notices").await;
    all.assert_shows("The token of the gateway “gateway").assert_shows("Open leak triage");
    assert_eq!(all.all("#notices tbody tr").len(), 3);
    all.assert_hides(&key.secret).assert_hides(&gateway);
}
