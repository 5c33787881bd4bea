use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use latchkey::schema::{audit_events, sessions};

use crate::support::{Browser, PASSWORD, TestApp};

const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

async fn sign_in_with(app: &TestApp, email: &str, agent: &str) -> Browser {
    let mut browser = app.visitor().with_header("User-Agent", agent);
    let fields = [("email", email), ("password", PASSWORD)];
    browser.post("/sign-in", &fields).await.assert_leads_to("/");
    browser
}

#[actix_web::test]
async fn one_sees_where_one_is_signed_in() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    app.sign_in(&app.manager("Lee")).await;
    let mut here = sign_in_with(&app, &tom.email, FIREFOX).await;
    sign_in_with(&app, &tom.email, "<script>alert(1)</script>").await;
    sign_in_with(&app, &tom.email, &"x".repeat(5000)).await;
    let page = here.get("/account").await;
    page.assert_status(200);
    let shown = page.all(".lines > li");
    assert_eq!(shown.len(), 3);
    assert!(shown[0].starts_with("Firefox on Linux This session"), "{shown:?}");
    assert!(shown[0].contains("From 127.0.0.1, signed in just now"), "{shown:?}");
    assert!(shown[0].ends_with("In use now"), "{shown:?}");
    assert!(shown.iter().any(|line| line.starts_with("<script>alert(1)</script>")));
    assert!(!page.body().contains("<script>alert"));
    assert!(shown[1].contains("Last used just now"), "{shown:?}");
}

#[actix_web::test]
async fn the_others_end_and_this_one_stays() {
    let app = TestApp::start();
    let (tom, lee) = (app.manager("Tom"), app.manager("Lee"));
    let mut here = app.sign_in(&tom).await;
    let (mut elsewhere, mut third) = (app.sign_in(&tom).await, app.sign_in(&tom).await);
    let mut lees = app.sign_in(&lee).await;
    let page = here.get("/account").await;
    here.submit(&page, "form[action='/account/sessions/end']", &[])
        .await
        .assert_leads_to("/account");
    let page = here.get("/account").await;
    page.assert_status(200).assert_shows("The other 2 sessions are over.");
    page.assert_hides("End the others");
    assert_eq!(page.all(".lines > li").len(), 1);
    elsewhere.get("/account").await.assert_status(303);
    third.with_htmx("/account").get("/account").await.assert_status(401);
    third.get("/account").await.assert_status(303);
    lees.get("/account").await.assert_status(200);

    here.post("/account/sessions/end", &[]).await.assert_leads_to("/account");
    here.get("/account").await.assert_shows("There was no other session.");
    let told: Vec<(String, serde_json::Value)> = app.db(|conn| {
        audit_events::table
            .filter(audit_events::action.eq("session.others_ended"))
            .order(audit_events::id)
            .select((audit_events::actor, audit_events::details))
            .load(conn)
            .unwrap()
    });
    assert_eq!(told[0], ("Tom".into(), serde_json::json!({ "ended": 2 })));
}

#[actix_web::test]
async fn one_that_is_about_to_begin_is_over_too() {
    type Row = (Vec<u8>, Option<i64>, serde_json::Value, chrono::DateTime<chrono::Utc>);
    let columns = (sessions::id_hash, sessions::user_id, sessions::state, sessions::expires_at);
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut slow = app.sign_in(&tom).await;
    let (id_hash, user_id, state, expires_at): Row =
        app.db(|conn| sessions::table.select(columns).first(conn).unwrap());
    app.db(|conn| diesel::delete(sessions::table).execute(conn).unwrap());
    let mut here = app.sign_in(&tom).await;
    here.post("/account/sessions/end", &[]).await.assert_leads_to("/account");
    app.db(|conn| {
        diesel::insert_into(sessions::table)
            .values((
                sessions::id_hash.eq(id_hash),
                sessions::user_id.eq(user_id),
                sessions::state.eq(state),
                sessions::expires_at.eq(expires_at),
            ))
            .execute(conn)
            .unwrap()
    });
    slow.get("/account").await.assert_status(303);
    let page = here.get("/account").await;
    page.assert_status(200);
    assert_eq!(page.all(".lines > li").len(), 1);
}
