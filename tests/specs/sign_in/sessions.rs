use actix_session::storage::SessionStore;
use actix_web::cookie::time::Duration;
use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl};
use latchkey::{db::Db, schema::sessions, sign_in::PgSessionStore, users};

use crate::support::{PASSWORD, TestApp};

#[actix_web::test]
async fn a_cookie_somebody_made_up_is_no_session() {
    let app = TestApp::start();
    let ada = app.sign_in(&app.administrator("Ada")).await;
    let mut altered = ada.cookie("latchkey").unwrap().to_owned();
    altered.replace_range(2..4, "AA");
    for cookie in [altered.as_str(), "made-up", "x".repeat(64).as_str()] {
        let mut mallory = app.visitor();
        mallory.set_cookie("latchkey", cookie);
        mallory.get("/").await.assert_leads_to("/sign-in");
    }
}

#[actix_web::test]
async fn signing_in_begins_a_new_session_and_ends_the_one_before() {
    let app = TestApp::start();
    let (ada, lee) = (app.administrator("Ada"), app.administrator("Lee"));
    let mut browser = app.sign_in(&ada).await;
    let before = browser.cookie("latchkey").unwrap().to_owned();

    let fields = [("email", lee.email.as_str()), ("password", PASSWORD)];
    browser.post("/sign-in", &fields).await.assert_leads_to("/");
    browser.get("/account").await.assert_shows("Lee").assert_hides("ada@example.com");
    assert_ne!(browser.cookie("latchkey"), Some(before.as_str()));
    browser.set_cookie("latchkey", &before);
    browser.get("/").await.assert_leads_to("/sign-in");
}

#[actix_web::test]
async fn a_slow_request_does_not_revive_a_session_that_ended_meanwhile() {
    let app = TestApp::start();
    let store = PgSessionStore::new(Db::open(&app.database.url, 2).unwrap());
    let ttl = Duration::minutes(30);
    let state = |word: &str| [("word".to_owned(), format!("{word:?}"))].into();

    let key = store.save(state("before"), &ttl).await.unwrap();
    store.delete(&key).await.unwrap();
    let key = store.update(key, state("after"), &ttl).await.unwrap();
    assert!(store.load(&key).await.unwrap().is_none());
    let rows: i64 = app.db(|conn| sessions::table.count().get_result(conn).unwrap());
    assert_eq!(rows, 0);
}

#[actix_web::test]
async fn another_role_counts_at_once_and_ends_every_session() {
    let app = TestApp::start();
    let (ada, lee) = (app.administrator("Ada"), app.administrator("Lee"));
    let mut lees = app.sign_in(&lee).await;
    let mut adas = app.sign_in(&ada).await;
    lees.get("/team").await.assert_status(200);

    let address = format!("/team/{}/role", lee.id);
    adas.post(&address, &[("role", "manager")]).await.assert_leads_to("/team");
    lees.get("/team").await.assert_leads_to("/sign-in?next=%2Fteam");
    let mut lees = app.sign_in(&lee).await;
    lees.get("/team").await.assert_status(404);
}

#[actix_web::test]
async fn somebody_who_is_gone_is_signed_out() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut toms = app.sign_in(&tom).await;
    app.db(|conn| {
        diesel::delete(latchkey::schema::users::table.find(tom.id)).execute(conn).unwrap();
    });
    toms.get("/").await.assert_leads_to("/sign-in");
}

#[actix_web::test]
async fn a_person_has_ten_sessions_and_the_oldest_ends() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut first = app.sign_in(&ada).await;
    let mut second = app.sign_in(&ada).await;
    for _ in 0..9 {
        app.sign_in(&ada).await;
    }
    first.get("/").await.assert_leads_to("/sign-in");
    second.get("/").await.assert_status(200);
}

#[actix_web::test]
async fn a_session_ends_unused_after_half_an_hour_and_always_after_twelve_hours() {
    use chrono::{TimeDelta, Utc};
    let app = TestApp::start();
    let ada = app.administrator("Ada");

    let mut idle = app.sign_in(&ada).await;
    app.db(|conn| {
        diesel::update(sessions::table)
            .set(sessions::expires_at.eq(Utc::now() - TimeDelta::seconds(1)))
            .execute(conn)
            .unwrap();
    });
    idle.get("/").await.assert_leads_to("/sign-in");

    let mut old = app.sign_in(&ada).await;
    app.db(|conn| {
        diesel::update(sessions::table)
            .set(sessions::created_at.eq(Utc::now() - TimeDelta::hours(12)))
            .execute(conn)
            .unwrap();
    });
    old.get("/").await.assert_leads_to("/sign-in");
}

#[actix_web::test]
async fn a_password_set_by_somebody_else_ends_the_sessions() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut toms = app.sign_in(&tom).await;
    let hash = users::passwords::hash("another password").unwrap();
    app.operator(|conn, operator| {
        users::commands::set_password(conn, operator, tom.id, &hash).map(drop)
    });
    toms.get("/").await.assert_leads_to("/sign-in");
}

#[actix_web::test]
async fn looking_at_pages_does_not_write_the_session_each_time() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let row_version = || {
        app.db(|conn| {
            let xmin = diesel::dsl::sql::<diesel::sql_types::Text>("xmin::text");
            sessions::table.select(xmin).first::<String>(conn).unwrap()
        })
    };
    let before = row_version();
    for page in ["/", "/keys", "/account"] {
        ada.get(page).await.assert_status(200);
    }
    assert_eq!(row_version(), before);
}

#[actix_web::test]
async fn a_session_begun_with_the_old_password_is_over_although_it_is_saved_after_the_change() {
    use diesel::OptionalExtension;
    let app = TestApp::start();
    let (ada, tom) = (app.administrator("Ada"), app.manager("Tom"));
    type Row = (Vec<u8>, Option<i64>, serde_json::Value, chrono::DateTime<chrono::Utc>);
    let columns = (sessions::id_hash, sessions::user_id, sessions::state, sessions::expires_at);

    for change in ["password", "role"] {
        let mut toms = app.sign_in(&tom).await;
        let begun: Row = app.db(|conn| {
            let of_tom = sessions::table.filter(sessions::user_id.eq(tom.id)).select(columns);
            of_tom.first(conn).optional().unwrap().expect("Tom has a session")
        });
        app.operator(|conn, operator| match change {
            "password" => {
                let hash = users::passwords::hash(PASSWORD)?;
                users::commands::set_password(conn, operator, tom.id, &hash).map(drop)
            }
            _ => users::commands::change_role(conn, operator, tom.id, users::Role::Administrator)
                .map(drop),
        });
        // Whoever was signing in meanwhile is slower than the change.
        app.db(|conn| {
            let (id_hash, user_id, state, expires_at) = begun;
            diesel::insert_into(sessions::table)
                .values((
                    sessions::id_hash.eq(id_hash),
                    sessions::user_id.eq(user_id),
                    sessions::state.eq(state),
                    sessions::expires_at.eq(expires_at),
                ))
                .execute(conn)
                .unwrap();
        });
        toms.get("/").await.assert_leads_to("/sign-in");
        app.db(|conn| diesel::delete(sessions::table).execute(conn).unwrap());
    }
    app.sign_in(&ada).await.get("/").await.assert_status(200);
}
