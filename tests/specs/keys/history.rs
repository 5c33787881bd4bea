//! What happened to a key, on its page and in the trail.

use diesel::{connection::SimpleConnection, prelude::*};
use latchkey::schema::audit_events;

use crate::support::TestApp;

#[actix_web::test]
async fn every_act_is_one_event_with_who_when_and_from_where() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut browser = app.sign_in(&ada).await;
    let mut requests = Vec::new();
    for (act, fields) in [
        ("disable", vec![]),
        ("enable", vec![]),
        ("regenerate", vec![("version", "1")]),
        ("revoke", vec![("reason", "leaked")]),
        ("delete", vec![]),
    ] {
        let answer = browser.post(&format!("{}/{act}", key.page()), &fields).await;
        assert!(answer.status() < 400, "{act}");
        requests.push(answer.header("x-request-id").to_owned());
    }
    type Event = (String, Option<i64>, String, Option<ipnet::IpNet>, Option<uuid::Uuid>);
    let events: Vec<Event> = app
        .db(|conn| {
            audit_events::table
                .filter(audit_events::subject.eq(key.public_key()))
                .order(audit_events::id)
                .select((
                    audit_events::action,
                    audit_events::actor_id,
                    audit_events::actor,
                    audit_events::ip,
                    audit_events::request_id,
                ))
                .load(conn)
        })
        .unwrap();
    let actions: Vec<&str> = events.iter().map(|event| event.0.as_str()).collect();
    assert_eq!(
        actions,
        [
            "key.created",
            "key.disabled",
            "key.enabled",
            "key.regenerated",
            "key.revoked",
            "key.deleted"
        ]
    );
    for ((_, actor_id, actor, ip, request), sent) in events.into_iter().skip(1).zip(requests) {
        assert_eq!((actor_id, actor.as_str()), (Some(ada.id), "Ada"));
        assert_eq!(ip.unwrap().addr().to_string(), "127.0.0.1");
        assert_eq!(request.unwrap().to_string(), sent);
    }
}

#[actix_web::test]
async fn the_page_tells_it_newest_first() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut browser = app.sign_in(&ada).await;
    browser.post(&format!("{}/disable", key.page()), &[]).await.assert_status(303);
    browser
        .post(&format!("{}/revoke", key.page()), &[("reason", "leaked")])
        .await
        .assert_status(303);
    let page = browser.get(&key.page()).await;
    let told = page.all(".history__what");
    assert_eq!(
        told,
        ["Ada revoked it : “leaked”", "Ada disabled it", "Operator created it"]
            .map(|line| line.replace("it :", "it:"))
            .map(String::from)
    );
}

#[actix_web::test]
async fn the_trail_holds_no_secret() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut browser = app.sign_in(&ada).await;
    let address = format!("{}/regenerate", key.page());
    let secret = browser.post(&address, &[("version", "1")]).await.text("#secret");
    let details: Vec<serde_json::Value> =
        app.db(|conn| audit_events::table.select(audit_events::details).load(conn)).unwrap();
    let details = format!("{details:?}");
    for secret in [&key.secret, &secret] {
        assert!(!details.contains(&secret["prod_sk_".len() + 4..secret.len() - 4]), "{details}");
    }
}

#[actix_web::test]
async fn the_trail_only_grows() {
    let app = TestApp::start();
    app.key(&app.administrator("Ada"), "deploy bot");
    for change in [
        "update audit_events set actor = 'Nobody'",
        "delete from audit_events",
        "truncate audit_events",
        "delete from audit_events where false",
    ] {
        let refused = app.db(|conn| conn.batch_execute(change)).unwrap_err();
        assert!(refused.to_string().contains("the audit trail only grows"), "{refused}");
    }
}
