//! How notices come about: from time that passes, and from what gateways ask.

use chrono::{TimeDelta, Utc};
use latchkey::changes::Change;
use serde_json::json;

use super::{ask, look, noticed, pass, run, work};
use crate::support::{MadeKey, TestApp};

fn key_for(app: &TestApp, name: &str, hours: i64) -> MadeKey {
    let ends = Utc::now() + TimeDelta::hours(hours);
    app.key_with(None, name, |new| new.expires_at = Some(ends))
}

const DAY: i64 = 24;

#[actix_web::test]
async fn an_expiry_is_announced_14_3_and_1_days_before_each_once() {
    let app = TestApp::start();
    key_for(&app, "fifteen", 15 * DAY);
    key_for(&app, "long", 60 * DAY);
    for name in ["disabled", "revoked", "longer"] {
        key_for(&app, name, 15 * DAY);
    }
    run(
        &app,
        "update keys set disabled_at = now() where name = 'disabled'; \
         update keys set revoked_at = now() where name = 'revoked'",
    );
    look(&app);
    assert_eq!(noticed(&app), [""; 0]);

    pass(&app, 36);
    run(&app, "update keys set expires_at = now() + interval '90 days' where name = 'longer'");
    look(&app);
    look(&app);
    assert_eq!(noticed(&app), ["key_expires fifteen 14"]);
    run(&app, "update keys set disabled_at = null");
    run(&app, "update notices_progress set looked_at = looked_at - interval '1 hour'");
    look(&app);
    assert_eq!(noticed(&app)[1..], ["key_expires disabled 14"], "it can be used again");

    run(&app, "delete from notices; update keys set disabled_at = now() where name = 'disabled'");
    for hours in [11 * DAY, 2 * DAY, DAY] {
        pass(&app, hours);
        look(&app);
        look(&app);
    }
    assert_eq!(noticed(&app), ["key_expires fifteen 3", "key_expires fifteen 1"]);
}

#[actix_web::test]
async fn nobody_is_told_three_times_at_once_or_of_what_they_chose() {
    let app = TestApp::start();
    key_for(&app, "unwatched", 20 * DAY);
    key_for(&app, "short", 2 * DAY);
    look(&app);
    assert_eq!(noticed(&app), [""; 0], "whoever makes a key for two days knows that");
    pass(&app, 36);
    look(&app);
    assert_eq!(noticed(&app), ["key_expires short 1"]);
    run(&app, "update keys set expires_at = null where name = 'short'");
    // Nothing looked for seventeen days.
    pass(&app, 18 * DAY);
    look(&app);
    assert_eq!(noticed(&app)[1..], ["key_expires unwatched 1"]);

    // Another expiry is another matter, from when it is set.
    run(&app, "update keys set expires_at = now() + interval '13 days' where name = 'unwatched'");
    look(&app);
    assert_eq!(noticed(&app).len(), 2);
    pass(&app, 11 * DAY);
    look(&app);
    assert_eq!(noticed(&app)[2..], ["key_expires unwatched 3"]);
}

#[actix_web::test]
async fn what_gateways_ask_is_noticed_once() {
    let app = TestApp::start();
    let (production, sandbox) = (app.gateway("production"), app.gateway("sandbox"));
    let key = |name: &str| app.key_with(None, name, |_| {});
    let (fresh, old_hand, stray) = (key("fresh"), key("old hand"), key("stray"));
    let late = key_for(&app, "late", DAY);
    // Before there were notices.
    run(&app, "update keys set created_at = now() - interval '1 year' where name = 'old hand'");
    let move_expiry = |hours: i64| {
        run(
            &app,
            &format!(
                "update keys set expires_at = now() - interval '{hours} hours' where name = 'late'"
            ),
        );
        app.forget(Change::Key(late.key.id));
    };
    move_expiry(2);
    let ask_all = async || {
        for _ in 0..2 {
            assert_eq!(app.code(&production, &fresh.secret).await, "VALID");
            assert_eq!(app.code(&production, &old_hand.secret).await, "VALID");
            assert_eq!(app.code(&sandbox, &stray.secret).await, "WRONG_ENVIRONMENT");
            assert_eq!(app.code(&production, &late.secret).await, "EXPIRED");
        }
    };
    for _ in 0..2 {
        ask_all().await;
        look(&app);
        let mut all = noticed(&app);
        all.sort();
        assert_eq!(
            all,
            ["key_first_used fresh", "key_used_after_expiry late", "key_used_elsewhere stray"]
        );
    }
    assert_eq!(ask(&app, "select key_id::text as told from key_first_uses"), [""; 0]);
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.get("/notices")
        .await
        .assert_shows("“stray” was used in Sandbox")
        .assert_shows("“late” is still used after its expiry")
        .assert_shows("“fresh” was used for the first time");

    // Another expiry, another day.
    move_expiry(1);
    run(&app, "update notices set occasion = 'yesterday' where kind = 'key_used_elsewhere'");
    ask_all().await;
    look(&app);
    assert_eq!(noticed(&app).len(), 5);

    // What came late has been moved to its hour by then; and of days that nobody has looked at, the last is enough.
    run(
        &app,
        "delete from notices; \
         insert into usage_hours (key_id, hour, code, requests) \
            select key_id, date_trunc('hour', minute, 'UTC'), code, sum(requests) from usage_minutes group by 1, 2, 3; \
         delete from usage_minutes; \
         update notices_progress set looked_at = now() - interval '2 days'; \
         insert into usage_hours (key_id, hour, code, requests) \
            select key_id, hour - interval '1 day', code, requests from usage_hours",
    );
    look(&app);
    let mut all = noticed(&app);
    all.sort();
    assert_eq!(all, ["key_used_after_expiry late", "key_used_elsewhere stray"]);
}

#[actix_web::test]
async fn many_first_uses_are_all_told_and_old_notices_go() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let key = app.key_with(None, "one of many", |_| {});
    run(
        &app,
        &format!(
            "insert into keys (public_key, name, name_skeleton, application_id, environment_id) \
                 select 'prod_pk_' || lpad(n::text, 16, '0'), 'robot ' || n, 'robot ' || n, application_id, environment_id \
                 from keys, generate_series(1, 4500) n where id = {0}; \
             insert into key_first_uses select id from keys where id <> {0}",
            key.key.id
        ),
    );
    app.verify(&gateway, json!({ "key": key.secret })).await;
    look(&app);
    let count = || ask(&app, "select count(*)::text as told from notices").remove(0);
    assert_eq!(count(), "4501");

    run(
        &app,
        "update notices set at = now() - interval '91 days' where id <= (select min(id) + 4400 from notices)",
    );
    work(&app, latchkey::jobs::Work::Retention);
    assert_eq!(count(), "100");
}
