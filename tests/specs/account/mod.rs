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

mod sessions;

#[actix_web::test]
async fn another_name_is_what_others_read_from_now_on() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let mut toms = app.sign_in(&tom).await;
    let page = toms.get("/account").await;
    let form = "form[action='/account/name']";
    toms.submit(&page, form, &[("name", " Tom <b>Baker</b> ")]).await.assert_leads_to("/account");
    let page = toms.get("/account").await;
    page.assert_shows("You are Tom <b>Baker</b> here now.");
    assert_eq!(page.attribute("#name", "value"), "Tom <b>Baker</b>");
    let team = ada.get("/team").await;
    team.assert_shows("Tom <b>Baker</b>");
    assert!(!team.body().contains("<b>Baker"));

    for name in ["", "  ", "a\0b", "a\u{202e}b", &"x".repeat(101)] {
        let wrong = toms.submit(&page, form, &[("name", name)]).await;
        wrong.assert_status(422).assert_is_page();
        assert_eq!(wrong.attribute("#name", "aria-invalid"), "true");
    }
    toms.post("/account/name", &[("name", "X"), ("role", "administrator")])
        .await
        .assert_status(400);
}

#[actix_web::test]
async fn times_are_shown_in_the_zone_one_chose_on_pages_and_in_fragments() {
    use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
    use latchkey::schema::users;

    let app = TestApp::start();
    let (ada, tom) = (app.administrator("Ada"), app.manager("Tom"));
    app.db(|conn| {
        let at: chrono::DateTime<chrono::Utc> = "2026-03-04T23:05:09Z".parse().unwrap();
        diesel::update(users::table.find(tom.id))
            .set(users::created_at.eq(at))
            .execute(conn)
            .unwrap()
    });
    let mut adas = app.sign_in(&ada).await;
    adas.get("/team").await.assert_shows("4 March 2026");

    let page = adas.get("/account").await;
    let form = "form[action='/account/time-zone']";
    adas.submit(&page, form, &[("time_zone", "Asia/Tokyo")]).await.assert_leads_to("/account");
    let page = adas.get("/account").await;
    page.assert_shows("Times are shown as in Asia/Tokyo now.");
    assert_eq!(page.attribute("#time_zone option[selected]", "value"), "Asia/Tokyo");
    let team = adas.get("/team").await;
    team.assert_shows("5 March 2026").assert_hides("4 March 2026");
    assert_eq!(
        team.attribute(&format!("#member-{} td[data-label='Status'] time", tom.id), "title"),
        "5 March 2026, 08:05:09 JST (4 March, 23:05:09 UTC)"
    );
    let grant = format!("/team/{}/grant", tom.id);
    let row = adas.with_htmx("/team").post(&grant, &[]).await;
    row.assert_is_fragment().assert_shows("5 March 2026");
    // Nobody else's pages change.
    app.sign_in(&app.administrator("Lee")).await.get("/team").await.assert_shows("4 March 2026");

    for zone in ["", "Mars/Olympus", "asia/tokyo", "+09:00", "UTC'; drop table users;--"] {
        let wrong = adas.submit(&page, form, &[("time_zone", zone)]).await;
        wrong.assert_status(422).assert_is_page().assert_shows("Choose one of the time zones");
        assert_eq!(wrong.attribute("#time_zone", "aria-invalid"), "true");
    }
    // What another release knew is shown in UTC until another one is chosen.
    app.db(|conn| {
        diesel::update(users::table).set(users::time_zone.eq("Old/Zone")).execute(conn).unwrap()
    });
    adas.get("/team").await.assert_status(200).assert_shows("4 March 2026");
}

#[actix_web::test]
async fn the_day_on_which_a_key_ends_is_the_same_everywhere() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key_with(Some(&ada), "Ends", |new| {
        new.expires_at = Some("2031-03-04T00:00:00Z".parse().unwrap());
    });
    let mut adas = app.sign_in(&ada).await;
    let before = adas.get(&key.page()).await.all("main time")[..].join("|");
    let zone = [("time_zone", "America/Los_Angeles")];
    adas.post("/account/time-zone", &zone).await.assert_leads_to("/account");
    let page = adas.get(&key.page()).await;
    page.assert_shows("Works until 4 March 2031.").assert_hides("3 March 2031<");
    assert!(before.contains("4 March 2031"), "{before}");
}
