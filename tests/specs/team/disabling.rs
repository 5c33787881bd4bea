use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, RunQueryDsl};
use latchkey::{
    error::AppError,
    schema::{audit_events, sessions, users as user_rows},
    users::{Origin, Role, User, Viewer, commands, standing},
};

use crate::support::{PASSWORD, TestApp};

fn disabled(app: &TestApp, user: &User) -> bool {
    app.db(|conn| {
        let row = user_rows::table.find(user.id).select(user_rows::disabled_at);
        row.first::<Option<chrono::DateTime<chrono::Utc>>>(conn).unwrap().is_some()
    })
}

#[actix_web::test]
async fn whoever_is_disabled_is_out_with_the_next_click_and_their_keys_go_on() {
    let app = TestApp::start();
    let tom = app.manager_with_access("Tom");
    let key = app.key(&tom, "Storefront");
    app.key(&tom, "Warehouse");
    let gateway = app.gateway("production");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (mut here, mut there) = (app.sign_in(&tom).await, app.sign_in(&tom).await);
    here.get("/keys").await.assert_status(200);

    let page = ada.get(&format!("/team/{}/confirm/disable", tom.id)).await;
    page.assert_status(200).assert_is_page().assert_shows("Disable Tom?");
    page.assert_shows("2 active keys belong to Tom. They go on working");
    let form = format!("form[action='/team/{}/disable']", tom.id);
    ada.submit(&page, &form, &[]).await.assert_leads_to("/team");
    let list = ada.get("/team").await;
    list.assert_shows("Tom is disabled and signed out everywhere.").assert_shows("Disabled");

    here.get("/keys").await.assert_status(303);
    here.with_htmx("/keys").get("/keys").await.assert_status(401);
    there.post("/sign-out", &[]).await.assert_leads_to("/sign-in");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");

    let form = format!("form[action='/team/{}/enable']", tom.id);
    ada.submit(&list, &form, &[]).await.assert_leads_to("/team");
    ada.get("/team").await.assert_shows("Tom may sign in again.").assert_hides("Disabled");
    here.get("/keys").await.assert_status(303);
    app.sign_in(&tom).await.get("/keys").await.assert_status(200);
}

#[actix_web::test]
async fn signing_in_disabled_is_answered_like_a_wrong_password() {
    let app = TestApp::start();
    let (tom, lee) = (app.manager("Tom"), app.manager("Lee"));
    app.administrator("Ada");
    app.operator(|conn, operator| standing::disable(conn, operator, tom.id));
    let fields = [("email", tom.email.as_str()), ("password", PASSWORD)];
    let of_tom = app.visitor().post("/sign-in", &fields).await;
    let fields = [("email", lee.email.as_str()), ("password", "a wrong password")];
    let of_lee = app.visitor().post("/sign-in", &fields).await;
    of_tom.assert_status(401).assert_shows("E-mail or password is wrong.");
    assert_eq!(of_tom.body().replace("tom@", "lee@"), of_lee.body());
    let tried: Vec<(String, Option<i64>)> = app.db(|conn| {
        audit_events::table
            .filter(audit_events::action.eq("session.refused"))
            .select((audit_events::subject, audit_events::actor_id))
            .order(audit_events::id)
            .load(conn)
            .unwrap()
    });
    assert_eq!(tried, [(tom.email, None), (lee.email, None)]);
}

#[actix_web::test]
async fn a_session_that_is_saved_after_its_person_was_disabled_is_over_also_when_they_are_enabled()
{
    type Row = (Vec<u8>, Option<i64>, serde_json::Value, chrono::DateTime<chrono::Utc>);
    let columns = (sessions::id_hash, sessions::user_id, sessions::state, sessions::expires_at);
    let app = TestApp::start();
    let tom = app.manager("Tom");
    app.administrator("Ada");
    let mut toms = app.sign_in(&tom).await;
    let (id_hash, user_id, state, expires_at): Row =
        app.db(|conn| sessions::table.select(columns).first(conn).optional().unwrap().unwrap());
    app.operator(|conn, operator| standing::disable(conn, operator, tom.id));
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
    toms.get("/account").await.assert_status(303);
    app.operator(|conn, operator| standing::enable(conn, operator, tom.id));
    toms.get("/account").await.assert_status(303);
}

#[actix_web::test]
async fn an_act_that_was_under_way_does_nothing_any_more() {
    let app = TestApp::start();
    let (ada, lee, tom) = (app.administrator("Ada"), app.administrator("Lee"), app.manager("Tom"));
    let viewer = app.db(|conn| Viewer::load(conn, lee.id, Origin::default()).unwrap());
    app.operator(|conn, operator| standing::disable(conn, operator, lee.id));
    let refused = app.db(|conn| commands::change_role(conn, &viewer, tom.id, Role::Administrator));
    assert!(matches!(refused, Err(AppError::SignInRequired)), "{refused:?}");
    assert!(!disabled(&app, &ada));
}

#[actix_web::test]
async fn links_of_somebody_who_is_disabled_do_not_work() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let link = format!("/team/{}/link", tom.id);
    let path = ada.post(&link, &[]).await.text("#secret").replace(&app.url(""), "");
    app.visitor().get(&path).await.assert_status(200);
    ada.post(&format!("/team/{}/disable", tom.id), &[]).await.assert_leads_to("/team");
    app.visitor().get(&path).await.assert_status(404);
    ada.post(&link, &[]).await.assert_status(409).assert_shows("Tom is disabled");
    ada.get("/team").await.assert_hides(&link);
    ada.post(&format!("/team/{}/enable", tom.id), &[]).await.assert_leads_to("/team");
    app.visitor().get(&path).await.assert_status(404);
    ada.post(&link, &[]).await.assert_status(200);
}

#[actix_web::test]
async fn nobody_disables_themself() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.administrator("Lee");
    let mut adas = app.sign_in(&ada).await;
    let address = format!("/team/{}/disable", ada.id);
    adas.get("/team").await.assert_hides(&format!("/team/{}/confirm/disable", ada.id));
    let page = adas.get(&format!("/team/{}/confirm/disable", ada.id)).await;
    page.assert_status(200).assert_shows("Ask another administrator.").assert_hides("Disabling");
    let page = adas.post(&address, &[]).await;
    page.assert_status(409).assert_shows("Ask another administrator.");
    assert!(!disabled(&app, &ada));
}

#[actix_web::test]
async fn the_last_administrator_who_can_sign_in_stays() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut adas = app.sign_in(&ada).await;
    let fields = [("name", "Lee"), ("email", "lee@example.com"), ("role", "administrator")];
    adas.post("/team", &fields).await.assert_status(200);
    // Lee is an administrator, but has not chosen a password; Kim has, but is disabled.
    let kim = app.administrator("Kim");
    adas.post(&format!("/team/{}/disable", kim.id), &[]).await.assert_leads_to("/team");
    let demoted = adas.post(&format!("/team/{}/role", ada.id), &[("role", "manager")]).await;
    demoted.assert_status(409).assert_shows("This is the last administrator");
    let refused = app.db(|conn| standing::disable(conn, &Viewer::operator(), ada.id));
    assert!(matches!(refused, Err(AppError::Conflict(_))), "{refused:?}");
    assert!(!disabled(&app, &ada));
}

#[actix_web::test]
async fn of_two_administrators_who_stop_each_other_at_once_exactly_one_stays() {
    let app = TestApp::start();
    for (of_ada, of_lee) in
        [("disable", "disable"), ("role", "disable"), ("disable", "role"), ("role", "role")]
    {
        let (ada, lee) = (
            app.administrator(&format!("Ada {of_ada} {of_lee}")),
            app.administrator(&format!("Lee {of_ada} {of_lee}")),
        );
        let (mut adas, mut lees) = (app.sign_in(&ada).await, app.sign_in(&lee).await);
        let fields = |act| if act == "role" { vec![("role", "manager")] } else { vec![] };
        let (to_lee, to_ada) =
            (format!("/team/{}/{of_ada}", lee.id), format!("/team/{}/{of_lee}", ada.id));
        let (with_lee, with_ada) = (fields(of_ada), fields(of_lee));
        let (first, second) =
            tokio::join!(adas.post(&to_lee, &with_lee), lees.post(&to_ada, &with_ada));
        let statuses = [first.status(), second.status()];
        assert!(statuses.iter().all(|status| [303, 403, 404].contains(status)), "{statuses:?}");
        let left: i64 = app.db(|conn| {
            user_rows::table
                .filter(user_rows::role.eq("administrator"))
                .filter(user_rows::disabled_at.is_null())
                .count()
                .get_result(conn)
                .unwrap()
        });
        assert_eq!(left, 1, "{of_ada} {of_lee}");
        app.db(|conn| {
            diesel::update(user_rows::table)
                .set(user_rows::role.eq("manager"))
                .execute(conn)
                .unwrap()
        });
    }
}

#[actix_web::test]
async fn two_administrators_who_make_links_for_each_other_both_get_them() {
    let app = TestApp::start();
    let (ada, lee) = (app.administrator("Ada"), app.administrator("Lee"));
    let (adas, lees) = (app.sign_in(&ada).await, app.sign_in(&lee).await);
    let (for_lee, for_ada) = (format!("/team/{}/link", lee.id), format!("/team/{}/link", ada.id));
    let (first, second) =
        tokio::join!(adas.post_at_once(4, &for_lee, &[]), lees.post_at_once(4, &for_ada, &[]));
    for page in first.iter().chain(&second) {
        page.assert_status(200);
    }
}

#[actix_web::test]
async fn twice_is_as_good_as_once_and_the_trail_tells_it_once() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for act in ["disable", "disable", "enable", "enable"] {
        ada.post(&format!("/team/{}/{act}", tom.id), &[]).await.assert_leads_to("/team");
    }
    let told: Vec<(String, String)> = app.db(|conn| {
        audit_events::table
            .filter(audit_events::subject.eq(tom.subject()))
            .filter(audit_events::actor.eq("Ada"))
            .order(audit_events::id)
            .select((audit_events::action, audit_events::subject_name))
            .load(conn)
            .unwrap()
    });
    let told: Vec<(&str, &str)> =
        told.iter().map(|(action, name)| (action.as_str(), name.as_str())).collect();
    assert_eq!(told, [("user.disabled", "Tom"), ("user.enabled", "Tom")]);
}

#[actix_web::test]
async fn htmx_gets_the_dialog_and_then_the_row() {
    let app = TestApp::start();
    let tom = app.manager("Tom");
    let mut ada = app.sign_in(&app.administrator("Ada")).await.with_htmx("/team");
    let dialog = ada.get(&format!("/team/{}/confirm/disable", tom.id)).await;
    dialog.assert_status(200).assert_is_fragment().assert_shows("No active key belongs to Tom.");
    assert_eq!(dialog.attribute("form", "hx-target"), format!("#member-{}", tom.id));
    let row = ada.post(&format!("/team/{}/disable", tom.id), &[]).await;
    row.assert_status(200).assert_is_fragment();
    assert!(row.body().contains(&format!("<tr id=\"member-{}\"", tom.id)));
    assert!(row.body().contains("Tom is disabled and signed out everywhere."));
}

#[actix_web::test]
async fn only_administrators_disable_and_only_people_who_are_there() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut marek = app.sign_in(&app.manager_with_access("Marek")).await;
    marek.get(&format!("/team/{}/confirm/disable", ada.id)).await.assert_status(404);
    for act in ["disable", "enable"] {
        marek.post(&format!("/team/{}/{act}", ada.id), &[]).await.assert_status(404);
    }
    assert!(!disabled(&app, &ada));
    let mut adas = app.sign_in(&ada).await;
    adas.get("/team/999999/confirm/disable").await.assert_status(404);
    for id in ["999999", "0", "-1", "abc", "99999999999999999999"] {
        adas.post(&format!("/team/{id}/disable"), &[]).await.assert_status(404);
    }
}
