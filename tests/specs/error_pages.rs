//! What a person sees when something is not there or not allowed. Its words are specified where it happens.

use crate::support::TestApp;

#[actix_web::test]
async fn whoever_is_signed_in_keeps_the_navigation() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for address in ["/keys/prod_pk_0123456789abcdef", "/no/such/page"] {
        let page = ada.get(address).await;
        page.assert_status(404).assert_shows("There’s nothing here").assert_shows("Gateways");
    }
}

#[actix_web::test]
async fn a_visitor_has_none() {
    let app = TestApp::start();
    let page = app.visitor().get("/no/such/page").await;
    page.assert_status(404).assert_shows("There’s nothing here").assert_hides("Gateways");
}
