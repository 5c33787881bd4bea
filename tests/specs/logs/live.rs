//! The log in a real browser: requests appear by themselves, and nobody loses their place.

use serde_json::json;

use super::ask;
use crate::support::{MadeKey, Person, TestApp};

struct World {
    /// Goes before there is no server to ask any more.
    person: Person,
    app: TestApp,
    key: MadeKey,
    gateway: String,
}

impl World {
    async fn with(requests: usize) -> Self {
        let app = TestApp::start();
        let user = app.administrator("Ada");
        let key = app.key(&user, "Order sync");
        let gateway = app.gateway("production");
        for number in 0..requests {
            ask(
                &app,
                &gateway,
                json!({"key": key.secret, "method": "GET", "path": format!("/old/{number}")}),
            )
            .await;
        }
        app.flush();
        let person = app.walk_in(&user, "/logs").await;
        Self { person, app, key, gateway }
    }

    async fn request(&self, path: &str) {
        ask(
            &self.app,
            &self.gateway,
            json!({"key": self.key.secret, "method": "GET", "path": path}),
        )
        .await;
        self.app.flush();
    }
}

#[actix_web::test]
async fn a_request_appears_by_itself_and_waits_while_the_log_is_paused() {
    let world = World::with(1).await;
    let person = &world.person;
    person.sees("/old/0").await;
    world.request("/appears").await;
    person.sees("/appears").await;

    person.click("Live tail").await;
    person.sees("Paused").await;
    world.request("/waits").await;
    person.sees("1 new").await;
    person.does_not_see("/waits").await;
    person.click("1 new").await;
    person.sees("/waits").await;
    person.click("Paused").await;
    world.request("/again").await;
    person.sees("/again").await;
    assert_eq!(person.complaints(), Vec::<String>::new());
}

#[actix_web::test]
async fn whoever_has_scrolled_down_keeps_the_place() {
    let world = World::with(50).await;
    let person = &world.person;
    person.sees("/old/49").await;
    person.run("window.scrollTo(0, 700)").await;
    let before = person.run("return [window.scrollY, document.querySelector('.table--logs tbody').rows[30].getBoundingClientRect().top]").await;
    world.request("/behind-your-back").await;
    person.sees("1 new").await;
    let after = person.run("return [window.scrollY, document.querySelector('.table--logs tbody').rows[30].getBoundingClientRect().top]").await;
    assert_eq!(before, after);
    person.does_not_see("/behind-your-back").await;
    person.run("window.scrollTo(0, 0)").await;
    person.sees("/behind-your-back").await;
}

#[actix_web::test]
async fn the_first_request_appears_on_an_empty_page() {
    let world = World::with(0).await;
    world.person.sees("No requests yet").await;
    world.request("/the-first").await;
    world.person.sees("/the-first").await;
}

#[actix_web::test]
async fn a_request_opens_beside_the_list_and_closes_again() {
    let world = World::with(2).await;
    let person = &world.person;
    person.run("document.querySelector('tbody a.table__name').click()").await;
    person.sees("Request id").await;
    person.has_dialogs(1).await;
    person.click("Close").await;
    person.has_dialogs(0).await;
    person.choose_from("Outcome", "Any refusal").await;
    person.sees("No request matches").await;
    person.is_at("/logs?code=refused").await;
}

#[actix_web::test]
async fn without_scripts_the_log_is_a_page_like_any_other() {
    let app = TestApp::start();
    let user = app.administrator("Ada");
    let key = app.key(&user, "Order sync");
    let gateway = app.gateway("production");
    ask(&app, &gateway, json!({"key": key.secret, "method": "GET", "path": "/one"})).await;
    app.flush();
    let person = app.in_chromium_without_scripts().await;
    person.sign_in(&user).await;
    person.open("/logs").await;
    person.sees("/one").await;
    ask(&app, &gateway, json!({"key": key.secret, "method": "GET", "path": "/two"})).await;
    app.flush();
    person.click("Look again").await;
    person.sees("/two").await;
}
