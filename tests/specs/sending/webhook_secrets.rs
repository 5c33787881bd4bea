//! What webhooks are signed with: changed over without a loss, gone with the session key, and nothing lost to `kill -9`.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use latchkey::{applications, notices, presets, users};

use super::{
    add_ada, ask,
    receiver::{Receiver, Says},
    run, sign_in, until,
    webhooks::{add, start},
};
use crate::support::{Program, database::SpecDatabase};

#[actix_web::test]
async fn after_a_rotation_both_secrets_sign_for_a_day() {
    let app = start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    let receiver = Receiver::start();
    let (id, first) = add(&mut ada, &receiver.url(), &["key_expires"]).await;
    let dialog = format!("/settings/webhooks/{id}/confirm/rotate");
    ada.get(&dialog)
        .await
        .assert_is_page()
        .assert_shows("For 24 hours requests carry two signatures");
    ada.with_htmx("/settings/webhooks").get(&dialog).await.assert_is_fragment();
    let reveal = ada.post(&format!("/settings/webhooks/{id}/rotate"), &[]).await;
    let second = reveal.assert_status(200).text("#secret");
    assert_eq!(reveal.header("content-encoding"), "identity");
    assert!(reveal.header("cache-control").contains("no-store"));
    assert_ne!(first, second);
    ada.get(&format!("/settings/webhooks/{id}"))
        .await
        .assert_shows("the one before signs too until");
    let test = format!("/settings/webhooks/{id}/test");
    ada.post(&test, &[]).await.assert_status(303);
    let both = &receiver.has_received(1)[0];
    assert_eq!(both.signatures().len(), 2);
    assert!(both.is_signed_by(&first) && both.is_signed_by(&second));
    app.db(|conn| run(conn, "update webhooks set old_until = now() - interval '1 second'"));
    ada.post(&test, &[]).await.assert_status(303);
    let one = &receiver.has_received(2)[1];
    assert_eq!(one.signatures().len(), 1);
    assert!(!one.is_signed_by(&first) && one.is_signed_by(&second));
    let rotated =
        "select count(*)::text as text from audit_events where action = 'webhook.secret_rotated'";
    assert_eq!(app.db(|conn| ask(conn, rotated)), ["1"]);
}

#[actix_web::test]
async fn kill_9_repeats_at_most_and_another_session_key_signs_nothing() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let operator = users::Viewer::operator();
    presets::apply(conn, &operator, "marketplace").unwrap();
    applications::create(conn, &operator, "Storefront").unwrap();
    add_ada(conn);
    let serve = |byte: u8| {
        let key = STANDARD.encode([byte; 64]);
        Program::serve_with(
            &database.url,
            &[("LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE", "yes"), ("LATCHKEY_SESSION_KEY", &key)],
        )
    };
    let receiver = Receiver::start();
    let program = serve(1);
    let mut page = sign_in(&program).await;
    let (id, secret) = add(&mut page, &receiver.url(), &["key_expires"]).await;
    // It has been sent, and nobody knows yet what came of it.
    receiver.will_say(&[Says { after: Duration::from_secs(5), ..Says::status(204) }]);
    let test = format!("/settings/webhooks/{id}/test");
    page.post(&test, &[]).await.assert_status(303);
    receiver.has_received(1);
    let log = program.log();
    drop(program);
    let due = |conn: &mut _| {
        run(
            conn,
            "update webhook_deliveries set next_at = clock_timestamp() where next_at is not null",
        );
        notices::deliver_soon(conn).unwrap();
    };
    due(conn);
    let program = serve(1);
    let received = receiver.has_received(2);
    assert_eq!(received[0].id(), received[1].id());
    assert_eq!(received[0].body, received[1].body);
    assert!(received.iter().all(|received| received.is_signed_by(&secret)));
    let stood = "select concat_ws(' ', outcome, attempts) as text from webhook_deliveries";
    until("it has arrived", || Some(ask(conn, stood)).filter(|stood| stood == &["delivered 2"]));
    let log = format!("{log}{}", program.log());
    assert!(!log.contains(&secret[10..30]), "the log has the secret");
    drop(program);

    let program = serve(2);
    let mut page = sign_in(&program).await;
    let own = format!("/settings/webhooks/{id}");
    page.get(&own).await.assert_shows("Nothing is sent: its secret cannot be told any more");
    page.get("/settings/webhooks").await.assert_shows("Cannot sign");
    page.post(&test, &[]).await.assert_status(303);
    let waits = "select 'waits' as text from webhook_deliveries \
         where attempts = 0 and next_at > clock_timestamp() + interval '5 minutes'";
    until("it is put off", || Some(ask(conn, waits)).filter(|rows| rows.len() == 1));
    assert_eq!(receiver.received().len(), 2);
    let reveal = page.post(&format!("/settings/webhooks/{id}/rotate"), &[]).await;
    let second = reveal.text("#secret");
    let third = &receiver.has_received(3)[2];
    assert!(third.is_signed_by(&second) && third.signatures().len() == 1);
    page.get(&own).await.assert_hides("cannot be told any more");
}
