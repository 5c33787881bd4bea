use diesel::{ExpressionMethods, QueryDsl, RunQueryDsl, TextExpressionMethods as _};
use latchkey::{
    customers,
    error::AppError,
    keys,
    schema::{audit_events, customers as customer_rows, key_customers},
};

use super::{called, customer, key_for};
use crate::support::TestApp;

#[actix_web::test]
async fn a_customer_is_added_once() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get("/customers/new").await;
    page.assert_status(200).assert_is_page();
    let fields = [("id", " cus_42 "), ("name", "Acme")];
    let answer = ada.submit(&page, "form.form", &fields).await;
    answer.assert_status(303);
    let shown = ada.follow(answer).await;
    shown.assert_status(200).assert_shows("Acme is known now.").assert_shows("cus_42");

    let again = ada.submit(&page, "form.form", &[("id", "cus_42"), ("name", "Beta")]).await;
    again.assert_status(422).assert_is_page().assert_shows("is known already");
    assert_eq!(again.attribute("#name", "value"), "Beta");
    assert_eq!(called(&ada.get("/customers").await), ["Acme"]);
}

#[actix_web::test]
async fn what_is_wrong_is_said_and_what_was_typed_stays() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (long_id, long_name) = ("x".repeat(256), "x".repeat(101));
    for (id, name, field) in [
        ("", "Acme", "id"),
        ("   ", "Acme", "id"),
        (long_id.as_str(), "Acme", "id"),
        ("cus\u{200b}", "Acme", "id"),
        ("cus_1", long_name.as_str(), "name"),
        ("cus_1", "a\u{202e}b", "name"),
    ] {
        let page = ada.post("/customers", &[("id", id), ("name", name)]).await;
        page.assert_status(422).assert_is_page();
        assert_eq!(page.attribute(&format!("#{field}"), "aria-invalid"), "true");
        assert_eq!(page.attribute("#name", "value"), name);
    }
    ada.post("/customers", &[("id", "a"), ("key", "1")]).await.assert_status(400);
    ada.get("/customers").await.assert_shows("No customers yet");
}

#[actix_web::test]
async fn another_name_changes_nothing_for_its_keys() {
    let app = TestApp::start();
    let acme = customer(&app, "cus_42", "Acme");
    let key = key_for(&app, &acme, "Acme's own");
    let gateway = app.gateway("production");
    let question = serde_json::json!({ "key": key.secret, "customer": "cus_42" });
    assert_eq!(app.verify(&gateway, question.clone()).await["code"], "VALID");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let page = ada.get(&format!("{}/edit", acme.address())).await;
    page.assert_status(200).assert_is_page();
    let name = "Ĝon & <b>Co</b>";
    ada.submit(&page, "form.form", &[("name", name)]).await.assert_leads_to(&acme.address());
    let shown = ada.get(&acme.address()).await;
    shown.assert_shows(name).assert_shows("cus_42");
    assert!(!shown.body().contains("<b>Co"));
    assert_eq!(app.verify(&gateway, question).await["code"], "VALID");

    ada.submit(&page, "form.form", &[("name", "")]).await.assert_leads_to(&acme.address());
    assert_eq!(called(&ada.get("/customers").await), ["cus_42"]);
    let long = "x".repeat(101);
    let wrong = ada.submit(&page, "form.form", &[("name", &long)]).await;
    wrong.assert_status(422).assert_shows("Name must be 1-100 characters.");
    ada.post(&format!("{}/rename", acme.address()), &[("id", "cus_1")]).await.assert_status(400);
}

#[actix_web::test]
async fn nobody_is_removed_to_whom_a_key_is_restricted() {
    let app = TestApp::start();
    let acme = customer(&app, "cus_42", "Acme");
    let key = key_for(&app, &acme, "Acme's own");
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let (confirm, remove) =
        (format!("{}/confirm/remove", acme.address()), format!("{}/remove", acme.address()));
    let page = ada.get(&confirm).await;
    page.assert_status(200).assert_is_page().assert_shows("cannot be removed yet");
    page.assert_shows("Acme's own").assert_hides(">Remove customer<");
    let refused = ada.post(&remove, &[]).await;
    refused.assert_status(409).assert_is_page().assert_shows("Acme's own");
    ada.get(&acme.address()).await.assert_status(200);

    // A revoked key is on the list still; a deleted one is not.
    app.operator(|conn, operator| keys::commands::revoke(conn, operator, key.public_key(), None));
    ada.post(&remove, &[]).await.assert_status(409);
    app.operator(|conn, operator| keys::commands::delete(conn, operator, key.public_key()));
    let page = ada.with_htmx(&acme.address()).get(&confirm).await;
    page.assert_status(200).assert_is_fragment().assert_shows("Remove Acme?");
    ada.submit(&page, "form", &[]).await.assert_leads_to("/customers");
    ada.get("/customers").await.assert_shows("Acme is removed.").assert_shows("No customers yet");
    ada.post(&remove, &[]).await.assert_status(404);
    ada.get(&remove).await.assert_status(405);
}

#[actix_web::test]
async fn a_key_is_never_left_restricted_to_somebody_who_is_removed_meanwhile() {
    use diesel::Connection;
    let app = TestApp::start();
    for round in 0..6 {
        let acme = customer(&app, &format!("cus_{round}"), "");
        let url = app.database.url.clone();
        let id = acme.id;
        let removing = std::thread::spawn(move || {
            let conn = &mut latchkey::db::connect(&url).unwrap();
            let operator = latchkey::users::Viewer::operator();
            conn.transaction(|conn| customers::remove(conn, &operator, id)).is_ok()
        });
        let url = app.database.url.clone();
        let restricting = std::thread::spawn(move || {
            let conn = &mut latchkey::db::connect(&url).unwrap();
            let operator = latchkey::users::Viewer::operator();
            conn.transaction(|conn| {
                let known = customers::find_or_add(conn, &operator, &format!("cus_{round}"))?;
                let key = latchkey::schema::keys::table;
                let key: i64 = diesel::insert_into(key)
                    .values((
                        latchkey::schema::keys::public_key.eq(format!("prod_pk_{round}")),
                        latchkey::schema::keys::name.eq("racing"),
                        latchkey::schema::keys::name_skeleton.eq(format!("racing {round}")),
                        latchkey::schema::keys::application_id.eq(1),
                        latchkey::schema::keys::environment_id.eq(1),
                    ))
                    .returning(latchkey::schema::keys::id)
                    .get_result(conn)?;
                diesel::insert_into(key_customers::table)
                    .values((
                        key_customers::key_id.eq(key),
                        key_customers::customer_id.eq(known.id),
                    ))
                    .execute(conn)?;
                Ok::<_, AppError>(())
            })
            .is_ok()
        });
        let (removed, restricted) = (removing.join().unwrap(), restricting.join().unwrap());
        let rows: i64 = app.db(|conn| {
            key_customers::table
                .inner_join(customer_rows::table)
                .filter(customer_rows::external_id.eq(format!("cus_{round}")))
                .count()
                .get_result(conn)
                .unwrap()
        });
        assert_eq!(rows, i64::from(restricted), "removed {removed}, restricted {restricted}");
        assert!(removed || restricted);
    }
}

#[actix_web::test]
async fn the_trail_tells_each_change_once() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.post("/customers", &[("id", "cus_42"), ("name", "Acme")]).await.assert_status(303);
    let address = ada.get("/customers").await.attribute("tbody .table__name", "href");
    for _ in 0..2 {
        let name = [("name", "Beta")];
        ada.post(&format!("{address}/rename"), &name).await.assert_leads_to(&address);
    }
    ada.post(&format!("{address}/remove"), &[]).await.assert_leads_to("/customers");
    let told: Vec<(String, String, serde_json::Value)> = app.db(|conn| {
        audit_events::table
            .filter(audit_events::action.like("customer%"))
            .order(audit_events::id)
            .select((audit_events::action, audit_events::subject_name, audit_events::details))
            .load(conn)
            .unwrap()
    });
    let actions: Vec<&str> = told.iter().map(|(action, ..)| action.as_str()).collect();
    assert_eq!(actions, ["customer.added", "customer.renamed", "customer.removed"]);
    assert!(told.iter().all(|(_, name, _)| name == "cus_42"));
    assert_eq!(told[1].2, serde_json::json!({ "name": ["Acme", "Beta"] }));
}

#[test]
fn a_customer_that_a_key_brings_along_is_in_the_trail_once() {
    let app = TestApp::start();
    for _ in 0..2 {
        app.operator(|conn, operator| customers::find_or_add(conn, operator, "cus_42"));
    }
    let told: Vec<String> = app.db(|conn| {
        audit_events::table
            .filter(audit_events::action.eq("customer.added"))
            .select(audit_events::subject_name)
            .load(conn)
            .unwrap()
    });
    assert_eq!(told, ["cus_42"]);
}
