use crate::support::TestApp;

const NEW: &str = "another good password";

#[actix_web::test]
async fn somebody_new_gets_a_link_that_is_shown_once() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/team/new").await;
    let fields = [("name", "Tom Baker"), ("email", "Tom@Example.com"), ("api_access", "yes")];
    let reveal = ada.submit(&page, "form.form", &fields).await;
    reveal.assert_status(200).assert_is_page().assert_shows("Tom Baker is invited");
    let link = reveal.text("#secret");
    let path = link.strip_prefix(&app.url("")).expect("the link leads here").to_owned();

    let list = ada.get("/team").await;
    list.assert_shows("tom@example.com").assert_shows("Invited");
    list.assert_shows("the link ends").assert_shows("New invitation");
    list.assert_shows("Granted").assert_hides(path.split('=').nth(1).unwrap());

    let mut tom = app.visitor();
    let page = tom.get(&path).await;
    tom.submit(&page, "form", &[("password", NEW), ("again", NEW)]).await.assert_leads_to("/");
    tom.get("/keys").await.assert_status(200);
    app.visitor().get(&path).await.assert_status(404);
    ada.get("/team").await.assert_hides("Invited").assert_hides("the link ends");
}

#[actix_web::test]
async fn another_link_replaces_the_first() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let mut links = Vec::new();
    for _ in 0..2 {
        let page = ada.post(&format!("/team/{}/link", tom.id), &[]).await;
        page.assert_status(200).assert_is_page().assert_shows("A new link for Tom");
        links.push(page.text("#secret").replace(&app.url(""), ""));
    }
    app.visitor().get(&links[0]).await.assert_status(404);
    app.visitor().get(&links[1]).await.assert_status(200);
}

#[actix_web::test]
async fn whoever_lost_the_invitation_gets_another() {
    use chrono::{TimeDelta, Utc};
    use diesel::{ExpressionMethods, RunQueryDsl};
    use latchkey::schema::one_time_links;

    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let fields = [("name", "Tom"), ("email", "tom@example.com"), ("role", "manager")];
    let first = ada.post("/team", &fields).await;
    let first = first.text("#secret").replace(&app.url(""), "");
    app.db(|conn| {
        diesel::update(one_time_links::table)
            .set(one_time_links::expires_at.eq(Utc::now() - TimeDelta::seconds(1)))
            .execute(conn)
            .unwrap()
    });
    app.visitor().get(&first).await.assert_status(404);
    let list = ada.get("/team").await;
    list.assert_shows("the invitation has expired");

    let again = ada.submit(&list, "form[action$='/link']:not([action='/team/1/link'])", &[]).await;
    again.assert_status(200).assert_is_page().assert_shows("A new invitation for Tom");
    let second = again.text("#secret").replace(&app.url(""), "");
    app.visitor().get(&first).await.assert_status(404);
    app.visitor().get(&second).await.assert_status(200);
}

#[actix_web::test]
async fn what_is_wrong_is_said_and_what_was_typed_stays() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/team/new").await;
    for (name, email, role, field) in [
        ("", "tom@example.com", "manager", "name"),
        ("Tom", "tom", "manager", "email"),
        ("Tom", "ada@example.com", "manager", "email"),
        ("Tom", "ADA@example.com ", "manager", "email"),
        ("Tom", "tom@example.com", "owner", "role"),
    ] {
        let fields = [("name", name), ("email", email), ("role", role)];
        let answer = ada.submit(&page, "form.form", &fields).await;
        answer.assert_status(422).assert_is_page();
        assert_eq!(answer.attribute(&format!("#{field}"), "aria-invalid"), "true");
        assert_eq!(answer.attribute("#email", "value"), email);
    }
    let fields = [("name", "Tom"), ("email", "t@example.com"), ("id", "1")];
    ada.post("/team", &fields).await.assert_status(400);
}

#[actix_web::test]
async fn names_are_shown_as_they_are() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let name = "<script>alert(1)</script>";
    let fields = [("name", name), ("email", "tom@example.com"), ("role", "manager")];
    ada.post("/team", &fields).await.assert_status(200);
    let page = ada.get("/team").await;
    page.assert_shows(name);
    assert!(!page.body().contains("<script>alert"));
}
