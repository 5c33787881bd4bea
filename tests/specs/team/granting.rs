use crate::support::TestApp;

#[actix_web::test]
async fn a_grant_counts_with_the_next_click_and_so_does_its_end() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let mut toms = app.sign_in(&tom).await;
    toms.get("/keys").await.assert_status(404);

    let page = ada.get("/team").await;
    page.assert_status(200).assert_is_page().assert_shows("Administrator: by default");
    let form = format!("form[action='/team/{}/grant']", tom.id);
    ada.submit(&page, &form, &[]).await.assert_leads_to("/team");
    ada.get("/team").await.assert_shows("Granted").assert_shows("by Ada").assert_shows("Tom has");
    toms.get("/keys").await.assert_status(200);
    toms.get("/").await.assert_status(200).assert_hides("You have no API access");

    let address = format!("/team/{}/confirm/withdraw", tom.id);
    let page = ada.get(&address).await;
    page.assert_status(200).assert_is_page().assert_shows("No live key belongs to Tom.");
    let form = format!("form[action='/team/{}/withdraw']", tom.id);
    ada.submit(&page, &form, &[]).await.assert_leads_to("/team");
    ada.get("/team").await.assert_shows("withdrawn by Ada,");
    toms.get("/keys").await.assert_status(404);
    toms.get("/applications").await.assert_status(404);
}

#[actix_web::test]
async fn whoever_withdraws_reads_how_many_keys_go_on_working() {
    let app = TestApp::start();
    let tom = app.manager_with_access("Tom");
    app.key(&tom, "Storefront");
    app.key(&tom, "Warehouse");
    app.key_with(Some(&tom), "Old", |new| {
        new.expires_at = Some(chrono::Utc::now() + chrono::TimeDelta::days(1));
    });
    let mut ada = app.sign_in(&app.administrator("Ada")).await.with_htmx("/team");
    let page = ada.get(&format!("/team/{}/confirm/withdraw", tom.id)).await;
    page.assert_status(200).assert_is_fragment();
    page.assert_shows("3 live keys belong to Tom").assert_shows("Requests go on");
}

#[actix_web::test]
async fn htmx_gets_the_row_and_a_sentence() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await.with_htmx("/team");
    let page = ada.post(&format!("/team/{}/grant", tom.id), &[]).await;
    page.assert_status(200).assert_is_fragment();
    assert!(page.body().contains(&format!("<tr id=\"member-{}\"", tom.id)));
    assert!(page.body().contains("Tom has API access now."));
    let page = ada.post(&format!("/team/{}/withdraw", tom.id), &[]).await;
    page.assert_status(200).assert_is_fragment();
    assert!(page.body().contains("Grant API access"));
}

#[actix_web::test]
async fn twice_is_as_good_as_once() {
    use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
    use latchkey::schema::audit_events;

    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for act in ["grant", "grant", "withdraw", "withdraw"] {
        ada.post(&format!("/team/{}/{act}", tom.id), &[]).await.assert_leads_to("/team");
    }
    let count: i64 = app.db(|conn| {
        audit_events::table
            .filter(audit_events::action.eq_any(["access.granted", "access.withdrawn"]))
            .count()
            .get_result(conn)
            .unwrap()
    });
    assert_eq!(count, 2);
}

#[actix_web::test]
async fn an_administrator_needs_no_grant() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut adas = app.sign_in(&ada).await;
    adas.get("/team").await.assert_hides(&format!("/team/{}/grant", ada.id));
    let page = adas.post(&format!("/team/{}/grant", ada.id), &[]).await;
    page.assert_status(409).assert_shows("without a grant");
}
