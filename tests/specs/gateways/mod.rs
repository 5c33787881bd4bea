use crate::support::{Browser, Page, TestApp};

async fn create(browser: &mut Browser, name: &str) -> Page {
    let page = browser.get("/gateways/new").await;
    browser.submit(&page, "form.form", &[("name", name)]).await
}

#[actix_web::test]
async fn a_gateway_shows_its_token_once_and_may_ask_with_it() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Storefront");
    let mut adas = app.sign_in(&ada).await;
    adas.get("/gateways").await.assert_status(200).assert_shows("No gateways yet");

    let reveal = create(&mut adas, "Public API").await;
    reveal.assert_status(200).assert_is_page().assert_shows("Public API is ready");
    let token = reveal.text("#secret");
    assert!(token.starts_with("gw_"));
    assert!(reveal.text("#curl").contains(&format!("Bearer {token}")));
    assert!(reveal.text("#nginx").contains("auth_request"));
    assert_eq!(app.code(&token, &key.secret).await, "VALID");

    let list = adas.get("/gateways").await;
    list.assert_shows("Public API").assert_shows("production").assert_hides(&token);
    list.assert_shows(&token[..7]);
    let again = create(&mut adas, "public api").await;
    again.assert_status(422).assert_shows("has a gateway called public api already");
}

#[actix_web::test]
async fn a_revoked_gateway_is_refused_with_its_next_question() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "Storefront");
    let mut adas = app.sign_in(&ada).await;
    let token = create(&mut adas, "Public API").await.text("#secret");
    assert_eq!(app.code(&token, &key.secret).await, "VALID");

    let page = adas.get("/gateways/1/confirm/revoke").await;
    page.assert_status(200).assert_is_page().assert_shows("Revoke Public API?");
    let form = "form[action='/gateways/1/revoke']";
    adas.submit(&page, form, &[]).await.assert_leads_to("/gateways");
    let answer = reqwest::Client::new()
        .post(app.url("/v1/verify"))
        .bearer_auth(&token)
        .json(&serde_json::json!({ "key": key.secret }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 401);
    adas.get("/gateways").await.assert_shows("Revoked");

    adas.submit(&page, form, &[]).await.assert_leads_to("/gateways");
    adas.get("/gateways/1/confirm/revoke").await.assert_status(200).assert_shows("is revoked");
    let events: i64 = app.db(|conn| {
        use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
        use latchkey::schema::audit_events::dsl::{action, audit_events};
        audit_events.filter(action.eq("gateway.revoked")).count().get_result(conn).unwrap()
    });
    assert_eq!(events, 1);
    create(&mut adas, "Public API").await.assert_status(200);
}

#[actix_web::test]
async fn htmx_gets_a_dialog_and_then_the_row() {
    let app = TestApp::start();
    app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await.with_htmx("/gateways");
    let dialog = ada.get("/gateways/1/confirm/revoke").await;
    dialog.assert_status(200).assert_is_fragment().assert_shows("It has not asked anything yet.");
    assert_eq!(dialog.attribute("form", "hx-target"), "#gateway-1");
    let row = ada.post("/gateways/1/revoke", &[]).await;
    row.assert_status(200).assert_is_fragment();
    assert!(row.body().contains("<tr id=\"gateway-1\"") && row.body().contains("Revoked"));
}

#[actix_web::test]
async fn a_gateway_can_have_another_name() {
    let app = TestApp::start();
    app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    create(&mut ada, "Public API").await.assert_status(200);
    let page = ada.get("/gateways/1/edit").await;
    page.assert_status(200).assert_is_page();
    ada.submit(&page, "form.form", &[("name", "Edge")]).await.assert_leads_to("/gateways");
    ada.get("/gateways").await.assert_shows("Edge");
    let taken = ada.submit(&page, "form.form", &[("name", "Public API")]).await;
    taken.assert_status(422).assert_is_page().assert_shows("Choose another name.");
}

#[actix_web::test]
async fn what_is_wrong_is_said_at_its_field() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for (name, environment, field) in [
        ("", "production", "name"),
        ("a\u{202e}", "production", "name"),
        ("Edge", "", "environment"),
        ("Edge", "prod%20", "environment"),
        ("Edge", "1", "environment"),
    ] {
        let fields = [("name", name), ("environment", environment)];
        let page = ada.post("/gateways", &fields).await;
        page.assert_status(422).assert_is_page();
        assert_eq!(page.attribute(&format!("#{field}"), "aria-invalid"), "true");
    }
    ada.get("/gateways").await.assert_shows("No gateways yet");
    let fields = [("name", "Edge"), ("environment", "production"), ("token", "gw_mine")];
    ada.post("/gateways", &fields).await.assert_status(400);
}
