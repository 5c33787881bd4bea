use chrono::{TimeDelta, Utc};
use diesel::{ExpressionMethods, RunQueryDsl};
use latchkey::{
    schema::one_time_links,
    users::{
        User,
        commands::create_password_link,
        links::{self, Purpose},
    },
};

use crate::support::{PASSWORD, TestApp};

const NEW: &str = "another good password";

fn link(app: &TestApp, user: &User) -> String {
    app.operator(|conn, operator| {
        Ok(links::password_path(&create_password_link(conn, operator, user.id)?))
    })
}

#[actix_web::test]
async fn the_link_lets_one_choose_a_password_and_ends() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut before = app.sign_in(&tom).await;
    let (address, mut browser) = (link(&app, &tom), app.visitor());

    let page = browser.get(&address).await;
    page.assert_status(200).assert_is_page().assert_shows("tom@example.com");
    before.get("/").await.assert_status(200);
    let fields = [("password", NEW), ("again", NEW)];
    browser.submit(&page, "form", &fields).await.assert_leads_to("/");
    browser.get("/account").await.assert_status(200).assert_shows("Tom");

    before.get("/").await.assert_leads_to("/sign-in");
    browser.get(&address).await.assert_status(404).assert_shows("This link has been used");
    browser.submit(&page, "form", &fields).await.assert_status(404);
    let old = [("email", tom.email.as_str()), ("password", PASSWORD)];
    app.visitor().post("/sign-in", &old).await.assert_status(401);
}

#[actix_web::test]
async fn a_password_that_will_not_do_leaves_the_link_good() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut browser = app.visitor();
    let page = browser.get(&link(&app, &tom)).await;
    for (password, again, sentence) in [
        ("short", "short", "Password must be 12-1024 characters."),
        (NEW, "different password", "The two passwords differ."),
        ("", "", "Password must be 12-1024 characters."),
    ] {
        let fields = [("password", password), ("again", again)];
        let answer = browser.submit(&page, "form", &fields).await;
        answer.assert_status(422).assert_shows(sentence).assert_hides("different password");
    }
    let fields = [("password", NEW), ("again", NEW)];
    browser.submit(&page, "form", &fields).await.assert_leads_to("/");
}

#[actix_web::test]
async fn links_that_are_gone_cannot_be_told_apart() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let replaced = link(&app, &tom);
    let expired = link(&app, &tom);
    app.db(|conn| {
        diesel::update(one_time_links::table)
            .set(one_time_links::expires_at.eq(Utc::now() - TimeDelta::seconds(1)))
            .execute(conn)
            .unwrap();
    });
    let of_another_purpose =
        app.operator(|conn, _| links::create(conn, Purpose::Setup)).reveal().to_owned();
    let mut browser = app.visitor();
    let of_another_purpose = format!("/welcome?token={of_another_purpose}");
    let truncated = expired[..expired.len() - 1].to_owned();
    for address in [
        &replaced,
        &expired,
        &truncated,
        &of_another_purpose,
        &"/welcome".to_owned(),
        &"/welcome?token=%00".to_owned(),
    ] {
        let page = browser.get(address).await;
        page.assert_status(404).assert_is_page().assert_shows("This link has been used");
        page.assert_hides("tom@example.com");
    }
    let setup_with_password_link = expired.replace("/welcome", "/setup");
    browser.get(&setup_with_password_link).await.assert_status(404);
}
