use crate::support::TestApp;

#[actix_web::test]
async fn signing_out_ends_the_session_and_forgets_what_the_browser_kept() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let cookie = ada.cookie("latchkey").unwrap().to_owned();

    let page = ada.get("/").await;
    let page = ada.submit(&page, "form[action='/sign-out']", &[]).await;
    page.assert_leads_to("/sign-in");
    assert_eq!(page.header("clear-site-data"), r#""cache", "storage""#);
    assert!(ada.cookie("latchkey").is_none());
    ada.get("/").await.assert_leads_to("/sign-in");

    ada.set_cookie("latchkey", &cookie);
    ada.get("/").await.assert_leads_to("/sign-in");
    ada.post("/sign-out", &[]).await.assert_leads_to("/sign-in");
}

#[actix_web::test]
async fn asking_is_not_enough_to_sign_somebody_out() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/sign-out").await.assert_status(405);
    ada.get("/").await.assert_status(200);
}
