use crate::support::{PASSWORD, TestApp};

const NEW: &str = "another good password";

#[actix_web::test]
async fn one_sees_who_one_is_here() {
    let app = TestApp::start();
    let mut tom = app.sign_in(&app.manager("Tom")).await;
    let page = tom.get("/account").await;
    page.assert_status(200).assert_is_page();
    page.assert_shows("Tom").assert_shows("tom@example.com").assert_shows("Marketplace manager");
    page.assert_shows("An administrator can grant it");
}

#[actix_web::test]
async fn another_password_ends_every_other_session() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let (mut here, mut elsewhere) = (app.sign_in(&tom).await, app.sign_in(&tom).await);
    let before = here.cookie("latchkey").unwrap().to_owned();

    let page = here.get("/account").await;
    let fields = [("current", PASSWORD), ("password", NEW), ("again", NEW)];
    here.submit(&page, "form[action='/account/password']", &fields)
        .await
        .assert_leads_to("/account");
    here.get("/account").await.assert_status(200).assert_shows("Your password is changed.");
    elsewhere.get("/account").await.assert_status(303);
    here.set_cookie("latchkey", &before);
    here.get("/account").await.assert_status(303);

    let old = [("email", tom.email.as_str()), ("password", PASSWORD)];
    app.visitor().post("/sign-in", &old).await.assert_status(401);
    let new = [("email", tom.email.as_str()), ("password", NEW)];
    app.visitor().post("/sign-in", &new).await.assert_leads_to("/");
}

#[actix_web::test]
async fn whoever_finds_the_page_open_has_to_know_the_password() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut toms = app.sign_in(&tom).await;
    for (current, password, again, field) in [
        ("", NEW, NEW, "current"),
        ("not my password", NEW, NEW, "current"),
        (PASSWORD, "short", "short", "password"),
        (PASSWORD, NEW, "different password", "again"),
    ] {
        let fields = [("current", current), ("password", password), ("again", again)];
        let page = toms.post("/account/password", &fields).await;
        page.assert_status(422).assert_is_page();
        assert_eq!(page.attribute(&format!("#{field}"), "aria-invalid"), "true");
        page.attribute(&format!("#{field}"), "autofocus");
        page.assert_hides(NEW).assert_hides("not my password");
    }
    let fields = [("current", "guess"), ("password", NEW), ("again", NEW)];
    for _ in 0..9 {
        toms.post("/account/password", &fields).await.assert_status(422);
    }
    toms.post("/account/password", &fields).await.assert_status(429);
}

#[actix_web::test]
async fn of_two_who_know_the_old_password_the_slower_one_changes_nothing() {
    use diesel::{QueryDsl, RunQueryDsl};
    use latchkey::{
        error::AppError,
        schema::users,
        users::{Origin, Viewer, commands::change_own_password},
    };
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let hash = |conn: &mut _| -> String {
        let hash = users::table.find(tom.id).select(users::password_hash);
        hash.first::<Option<String>>(conn).unwrap().expect("Tom has a password")
    };
    app.db(|conn| {
        let viewer = Viewer::load(conn, tom.id, Origin::default()).unwrap();
        let known = hash(conn);
        change_own_password(conn, &viewer, &known, "the owner's").unwrap();
        let slower = change_own_password(conn, &viewer, &known, "the thief's");
        assert!(matches!(slower, Err(AppError::Conflict(_))), "{slower:?}");
        assert_eq!(hash(conn), "the owner's");
    });
}
