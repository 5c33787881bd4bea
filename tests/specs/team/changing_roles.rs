use crate::support::TestApp;

#[actix_web::test]
async fn a_manager_can_become_an_administrator_and_back() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get(&format!("/team/{}/edit", tom.id)).await;
    page.assert_status(200).assert_is_page();
    assert_eq!(page.attribute("input[name='role'][checked]", "value"), "manager");
    let form = "form.form";
    ada.submit(&page, form, &[("role", "administrator")]).await.assert_leads_to("/team");
    ada.get("/team").await.assert_shows("Tom is an administrator now.");
    let mut toms = app.sign_in(&tom).await;
    toms.get("/team").await.assert_status(200);

    ada.submit(&page, form, &[("role", "manager")]).await.assert_leads_to("/team");
    toms.get("/team").await.assert_status(303);
}

#[actix_web::test]
async fn the_last_administrator_stays_one() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut adas = app.sign_in(&ada).await;
    let page = adas.post(&format!("/team/{}/role", ada.id), &[("role", "manager")]).await;
    page.assert_status(409)
        .assert_is_page()
        .assert_shows("This is the last administrator who can sign in.");
    adas.get("/team").await.assert_status(200);
}

#[actix_web::test]
async fn of_two_administrators_who_demote_each_other_one_stays() {
    let app = TestApp::start();
    let (ada, lee) = (app.administrator("Ada"), app.administrator("Lee"));
    let (mut adas, mut lees) = (app.sign_in(&ada).await, app.sign_in(&lee).await);
    let (of_lee, of_ada) = (format!("/team/{}/role", lee.id), format!("/team/{}/role", ada.id));
    let role = [("role", "manager")];
    let (first, second) = tokio::join!(adas.post(&of_lee, &role), lees.post(&of_ada, &role));
    let done = [first.status(), second.status()].iter().filter(|status| **status == 303).count();
    assert!(done >= 1);
    let mut left = 0;
    for user in [&ada, &lee] {
        let mut browser = app.sign_in(user).await;
        left += usize::from(browser.get("/team").await.status() == 200);
    }
    assert_eq!(left, 1);
}

#[actix_web::test]
async fn a_role_that_is_none_is_no_role() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for role in ["", "owner", "Administrator", "administrator "] {
        let page = ada.post(&format!("/team/{}/role", tom.id), &[("role", role)]).await;
        page.assert_status(422).assert_is_page().assert_shows("Choose one of the two roles.");
    }
}

#[actix_web::test]
async fn who_is_a_manager_again_has_no_access_until_it_is_granted_again() {
    let app = TestApp::start();
    let lee = app.manager_with_access("Lee");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let role = format!("/team/{}/role", lee.id);
    ada.post(&role, &[("role", "administrator")]).await.assert_leads_to("/team");
    ada.post(&role, &[("role", "manager")]).await.assert_leads_to("/team");
    let mut lees = app.visitor();
    let fields = [("email", lee.email.as_str()), ("password", crate::support::PASSWORD)];
    lees.post("/sign-in", &fields).await.assert_status(303);
    lees.get("/keys").await.assert_status(404);
}
