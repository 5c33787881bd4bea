use latchkey::users::links::{self, Purpose};

use crate::support::{PASSWORD, TestApp};

fn link(app: &TestApp) -> String {
    app.operator(|conn, _| Ok(links::setup_path(&links::create(conn, Purpose::Setup)?)))
}

const ADA: [(&str, &str); 4] = [
    ("name", "Ada Osei"),
    ("email", "Ada@Example.com"),
    ("password", PASSWORD),
    ("again", PASSWORD),
];

#[actix_web::test]
async fn the_link_makes_the_first_administrator_and_ends() {
    let app = TestApp::start_blank();
    let (address, mut browser) = (link(&app), app.visitor());

    browser.get("/sign-in").await.assert_status(200).assert_shows("on the console");
    let page = browser.get(&address).await;
    page.assert_status(200).assert_is_page().assert_shows("Marketplace");
    assert_eq!(page.attribute("input[name='preset'][checked]", "value"), "marketplace");
    browser.submit(&page, "form", &ADA).await.assert_leads_to("/");
    browser.get("/").await.assert_status(200).assert_shows("Latchkey is set up.");
    browser.get("/settings/environments").await.assert_status(200).assert_shows("Sandbox");

    let mut other = app.visitor();
    let page_again = other.get(&address).await;
    page_again.assert_status(404).assert_is_page().assert_shows("This link has been used");
    other.submit(&page, "form", &ADA).await.assert_status(404);
    other.get("/sign-in").await.assert_hides("on the console");
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    other.post("/sign-in", &fields).await.assert_leads_to("/");
}

#[actix_web::test]
async fn another_preset_can_be_chosen() {
    let app = TestApp::start_blank();
    let mut browser = app.visitor();
    let page = browser.get(&link(&app)).await;
    let fields = [&ADA[..], &[("preset", "licensing")]].concat();
    browser.submit(&page, "form", &fields).await.assert_leads_to("/");
    browser.get("/settings/catalogue").await.assert_shows("license_management");
    browser.get("/settings/environments").await.assert_shows("staging");
}

#[actix_web::test]
async fn what_is_wrong_is_said_and_the_link_stays_good() {
    let app = TestApp::start_blank();
    let mut browser = app.visitor();
    let page = browser.get(&link(&app)).await;
    for (field, value, sentence) in [
        ("name", " ", "Name must be 1-100 characters."),
        ("name", "a\u{202e}b", "cannot be shown"),
        ("email", "ada", "E-mail must be an address"),
        ("password", "short", "Password must be 12-1024 characters."),
        ("again", "something else entirely", "The two passwords differ."),
        ("preset", "casino", "Choose what comes closest."),
    ] {
        let mut fields: Vec<(&str, &str)> =
            ADA.into_iter().filter(|(name, _)| *name != field).collect();
        fields.push((field, value));
        let answer = browser.submit(&page, "form", &fields).await;
        answer.assert_status(422).assert_is_page().assert_shows(sentence).assert_hides(PASSWORD);
        assert_eq!(answer.attribute(&format!("#{field}"), "aria-invalid"), "true");
        assert_eq!(answer.attribute(".notice a", "href"), format!("#{field}"));
    }
    browser.submit(&page, "form", &ADA).await.assert_leads_to("/");
}

#[actix_web::test]
async fn a_link_that_was_never_made_sets_nothing_up() {
    let app = TestApp::start_blank();
    let mut browser = app.visitor();
    for address in ["/setup", "/setup?token=", "/setup?token=made-up", "/setup?token=%00%ff"] {
        browser.get(address).await.assert_status(404).assert_is_page().assert_shows("This link");
    }
    let fields = [&ADA[..], &[("token", "made-up"), ("preset", "marketplace")]].concat();
    browser.post("/setup", &fields).await.assert_status(404);
}

#[actix_web::test]
async fn a_newer_link_replaces_the_older_and_a_person_ends_both() {
    let app = TestApp::start_blank();
    let (older, newer) = (link(&app), link(&app));
    let mut browser = app.visitor();
    browser.get(&older).await.assert_status(404);
    browser.get(&newer).await.assert_status(200);
    app.administrator("Ada");
    browser.get(&newer).await.assert_status(404);
}

#[actix_web::test]
async fn of_two_who_use_the_link_at_once_one_is_the_first() {
    let app = TestApp::start_blank();
    let (mut one, mut two) = (app.visitor(), app.visitor());
    let page = one.get(&link(&app)).await;
    let (first, second) =
        tokio::join!(one.submit(&page, "form", &ADA), two.submit(&page, "form", &ADA));
    let mut statuses = [first.status(), second.status()];
    statuses.sort_unstable();
    assert_eq!(statuses, [303, 404]);
}
