//! Many keys at once: all of them or none.

use std::time::{Duration, Instant};

use diesel::{RunQueryDsl, sql_types::BigInt};
use latchkey::settings::Policies;

use super::{NOBODYS, break_the_trail, many, run, statuses, stored, trail};
use crate::support::{Browser, MadeKey, Page, TestApp};

/// Ticks these keys and presses the button.
async fn asks(person: &mut Browser, act: &str, keys: &[&str]) -> Page {
    let mut fields = vec![("act", act)];
    fields.extend(keys.iter().map(|key| ("key", *key)));
    person.post("/keys/bulk/preview", &fields).await
}

/// What the summary is about, sent.
async fn does(person: &mut Browser, summary: &Page, filled_in: &[(&str, &str)]) -> Page {
    person.submit(summary, ".dialog form", filled_in).await
}

fn public_keys(keys: &[MadeKey]) -> Vec<&str> {
    keys.iter().map(MadeKey::public_key).collect()
}

fn count(app: &TestApp, ask: &str) -> i64 {
    #[derive(diesel::QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    app.db(|conn| diesel::sql_query(ask).get_result::<Count>(conn)).unwrap().count
}

#[actix_web::test]
async fn ticked_keys_are_revoked_after_a_summary() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let gateway = app.gateway("production");
    let made = ["one", "two", "three", "four"].map(|name| app.key(&ada, name));
    let mut ada = app.sign_in(&ada).await;
    ada.post(&format!("{}/revoke", made[2].page()), &[]).await.assert_status(303);
    assert_eq!(app.code(&gateway, &made[0].secret).await, "VALID");
    app.flush();

    let list = ada.get("/keys").await;
    assert_eq!(list.all("tbody input[form=bulk][name=key]").len(), 4);
    let before = stored(&app);
    let summary = asks(&mut ada, "revoke", &public_keys(&made[..3])).await;
    summary.assert_status(200).assert_is_page().assert_shows("Revoke 2 API keys?");
    summary.assert_shows("One is left alone: it is revoked already.");
    summary.assert_shows("One of them was used in the last 24 hours:");
    assert_eq!(summary.all(".dialog .lines a"), ["one"]);
    assert_eq!(stored(&app), before, "a summary changes nothing");

    let done = does(&mut ada, &summary, &[("reason", "leaked"), ("typed", "2")]).await;
    assert_eq!(app.code(&gateway, &made[0].secret).await, "REVOKED", "before the answer");
    assert_eq!(app.code(&gateway, &made[3].secret).await, "VALID");
    done.assert_leads_to("/keys");
    let list = ada.get("/keys").await;
    list.assert_shows("2 keys are revoked for good. One is left alone: it is revoked already.");
    for key in &made[..2] {
        assert_eq!(trail(&app, key.public_key()), ["key.created", "key.revoked"]);
        ada.get(&key.page()).await.assert_shows("“leaked”");
    }
    assert_eq!(trail(&app, made[2].public_key()).len(), 2, "nothing happened to it again");
    let again = does(&mut ada, &summary, &[]).await;
    again.assert_leads_to("/keys");
    ada.get("/keys").await.assert_shows("Nothing was changed.");
}

#[actix_web::test]
async fn all_that_match_are_disabled_across_pages() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    many(&app, (0..60).map(|number| format!("robot {number}")));
    let other = app.key(&ada, "person");
    let mut ada = app.sign_in(&ada).await;
    let list = ada.get("/keys?q=robot").await;
    list.assert_shows("All that match, on every page");
    let summary = ada.submit(&list, "#bulk", &[("all", "matching"), ("act", "disable")]).await;
    summary.assert_status(200).assert_shows("Disable 60 API keys?").assert_shows("and 50 more");
    does(&mut ada, &summary, &[]).await.assert_leads_to("/keys?q=robot");
    ada.get("/keys?q=robot").await.assert_shows("60 keys are disabled.");
    assert_eq!(count(&app, "select count(*) from keys where disabled_at is not null"), 60);
    assert_eq!(count(&app, "select count(*) from audit_events where action = 'key.disabled'"), 60);
    assert_eq!(trail(&app, other.public_key()), ["key.created"]);
}

#[actix_web::test]
async fn what_matches_meanwhile_is_shown_before_it_is_done() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "robot 1");
    let mut browser = app.sign_in(&ada).await;
    let fields = [("all", "matching"), ("act", "revoke"), ("q", "robot")];
    let summary = browser.post("/keys/bulk/preview", &fields).await;
    summary.assert_shows("Revoke 1 API key?");
    let late = app.key(&ada, "robot 2");
    let before = stored(&app);
    let stale = does(&mut browser, &summary, &[("reason", "leaked")]).await;
    stale.assert_status(409).assert_is_page().assert_shows("Other keys match now");
    stale.assert_shows("Revoke 2 API keys?");
    assert_eq!(stale.attribute("#bulk-reason", "value"), "leaked");
    assert_eq!(stored(&app), before);
    does(&mut browser, &stale, &[]).await.assert_leads_to("/keys?q=robot");
    assert_eq!(trail(&app, late.public_key()), ["key.created", "key.revoked"]);
}

#[actix_web::test]
async fn a_mode_is_part_of_what_matches() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let sandbox = app.environment("sandbox");
    let live = app.key(&ada, "robot 1");
    let test = app.key_with(Some(&ada), "robot 2", |new| new.environment_id = sandbox);
    let mut ada = app.sign_in(&ada).await;
    ada.post("/account/mode", &[("mode", "test"), ("next", "/keys")]).await.assert_status(303);
    let fields = [("all", "matching"), ("act", "disable")];
    let summary = ada.post("/keys/bulk/preview", &fields).await;
    summary.assert_shows("Disable 1 API key?");
    does(&mut ada, &summary, &[]).await.assert_leads_to("/keys");
    assert_eq!(trail(&app, test.public_key()), ["key.created", "key.disabled"]);
    assert_eq!(trail(&app, live.public_key()), ["key.created"]);
}

#[actix_web::test]
async fn one_foreign_key_among_many_changes_nothing() {
    let app = TestApp::start();
    let (ada, marek) = (app.administrator("Ada"), app.manager_with_access("Marek"));
    let own: Vec<MadeKey> = (0..49).map(|n| app.key(&marek, &format!("own {n}"))).collect();
    let foreign = app.key(&ada, "deploy bot");
    let mut marek = app.sign_in(&marek).await;
    let before = stored(&app);
    for stranger in [foreign.public_key(), NOBODYS, "prod_pk_", "x", &foreign.secret] {
        let mut keys = public_keys(&own);
        keys.push(stranger);
        asks(&mut marek, "disable", &keys).await.assert_status(404);
        let fields: Vec<_> = keys.iter().map(|key| ("key", *key)).collect();
        marek.post("/keys/bulk/disable", &fields).await.assert_status(404);
    }
    assert_eq!(stored(&app), before);
    let all = marek.post("/keys/bulk/preview", &[("all", "matching"), ("act", "disable")]).await;
    all.assert_shows("Disable 49 API keys?").assert_hides("deploy bot");
}

#[actix_web::test]
async fn managers_revoke_only_where_the_policy_lets_them() {
    let app = TestApp::start();
    let marek = app.manager_with_access("Marek");
    let own = app.key(&marek, "own");
    let policy = |managers_may_revoke| {
        let policies = Policies {
            managers_may_revoke,
            managers_may_regenerate: true,
            new_key_all_permissions: false,
            default_lifetime_days: 90,
        };
        app.operator(|conn, operator| {
            latchkey::settings::update_policies(conn, operator, policies)
        });
    };
    policy(false);
    let mut marek = app.sign_in(&marek).await;
    marek.get("/keys").await.assert_shows("Disable selected").assert_hides("Revoke selected");
    asks(&mut marek, "revoke", &[own.public_key()]).await.assert_status(403);
    marek.post("/keys/bulk/revoke", &[("key", own.public_key())]).await.assert_status(403);
    assert_eq!(trail(&app, own.public_key()), ["key.created"]);
    policy(true);
    let summary = asks(&mut marek, "revoke", &[own.public_key()]).await;
    does(&mut marek, &summary, &[]).await.assert_status(303);
    assert_eq!(trail(&app, own.public_key()), ["key.created", "key.revoked"]);
    let mut tom = app.sign_in(&app.manager("Tom")).await;
    asks(&mut tom, "disable", &[own.public_key()]).await.assert_status(404);
}

#[actix_web::test]
async fn odd_selections_are_refused() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let before = stored(&app);
    asks(&mut ada, "disable", &[]).await.assert_status(422).assert_shows("No key is selected");
    for act in ["", "delete", "Revoke", "enable"] {
        asks(&mut ada, act, &[key.public_key()]).await.assert_status(400);
    }
    for fields in [
        [("all", "everything"), ("key", key.public_key())],
        [("all", "matching"), ("status", "sleeping")],
        [("all", "matching"), ("q", key.secret.as_str())],
        [("key", key.public_key()), ("owner_id", "1")],
    ] {
        ada.post("/keys/bulk/disable", &fields).await.assert_status(400);
    }
    let no_summary = ada.post("/keys/bulk/disable", &[("all", "matching")]).await;
    no_summary.assert_status(409).assert_shows("Disable 1 API key?");
    let hidden = [("key", key.public_key()), ("reason", "seen by \u{202e}")];
    let refused = ada.post("/keys/bulk/revoke", &hidden).await;
    refused
        .assert_status(422)
        .assert_is_page()
        .assert_shows("Reason must be at most 200 characters");
    for path in ["/keys/bulk/preview", "/keys/bulk/disable", "/keys/bulk/revoke"] {
        ada.get(path).await.assert_status(405);
    }
    assert_eq!(stored(&app), before);
}

#[actix_web::test]
async fn more_than_ten_thousand_are_refused() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    let ids: Vec<String> = (0..10_001).map(|number| format!("prod_pk_{number:016}")).collect();
    let fields: Vec<_> = ids.iter().map(|id| ("key", id.as_str())).collect();
    let refused = ada.post("/keys/bulk/disable", &fields).await;
    refused.assert_status(422).assert_shows("At most 10 000 keys");
    let fewer = ada.post("/keys/bulk/disable", &fields[..10_000]).await;
    fewer.assert_status(404);
    let flood: Vec<_> = fields.iter().chain(&fields).copied().collect();
    ada.post("/keys/bulk/disable", &flood).await.assert_status(413);

    run(
        &app,
        "insert into keys (public_key, name, name_skeleton, application_id, environment_id)
             select 'prod_pk_' || lpad(n::text, 16, '0'), 'robot ' || n, 'robot ' || n, application_id, environment_id
             from keys, generate_series(1, 10001) n where name = 'deploy bot';
         insert into key_secrets (key_id, hash, masked)
             select id, sha256(public_key::bytea), 'x' from keys where name like 'robot %'",
    );
    let all = [("all", "matching"), ("act", "disable")];
    ada.post("/keys/bulk/preview", &all).await.assert_status(422);

    // One less is done, and heard of in few notifications.
    run(
        &app,
        "delete from key_secrets where masked = 'x' and key_id in (select max(id) from keys);
        update keys set deleted_at = now() where name in ('robot 10001', 'deploy bot')",
    );
    let summary = ada.post("/keys/bulk/preview", &all).await;
    summary.assert_status(200).assert_shows("Disable 10 000 API keys?");
    let job = crate::jobs::led_to_a_job(&does(&mut ada, &summary, &[]).await);
    let done = crate::jobs::shows(&mut ada, job, "Done").await;
    done.assert_shows("10 000 keys are disabled.");
    assert_eq!(count(&app, "select count(*) from keys where disabled_at is not null"), 10_000);
    assert_eq!(
        count(&app, "select count(*) from audit_events where action = 'key.disabled'"),
        10_000
    );
}

#[actix_web::test]
async fn a_full_trail_leaves_every_key_as_it_was() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let made = ["one", "two"].map(|name| app.key(&ada, name));
    let mut ada = app.sign_in(&ada).await;
    break_the_trail(&app);
    let fields: Vec<_> = public_keys(&made).into_iter().map(|key| ("key", key)).collect();
    ada.post("/keys/bulk/revoke", &fields).await.assert_status(500);
    for key in &made {
        assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    }
}

#[actix_web::test]
async fn several_at_once_write_one_event_for_each_key() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let made: Vec<MadeKey> = (0..20).map(|n| app.key(&ada, &format!("robot {n}"))).collect();
    let ada = app.sign_in(&ada).await;
    let mut keys = public_keys(&made);
    let forwards: Vec<_> = keys.iter().map(|key| ("key", *key)).collect();
    keys.reverse();
    let backwards: Vec<_> = keys.iter().map(|key| ("key", *key)).collect();
    let (one, two) = futures_util::future::join(
        ada.post_at_once(3, "/keys/bulk/revoke", &forwards),
        ada.post_at_once(3, "/keys/bulk/revoke", &backwards),
    )
    .await;
    assert_eq!(statuses(&one), [303; 3]);
    assert_eq!(statuses(&two), [303; 3]);
    for key in &made {
        assert_eq!(trail(&app, key.public_key()), ["key.created", "key.revoked"]);
    }
}

#[actix_web::test]
async fn other_processes_hear_of_many_keys_at_once() {
    let app = TestApp::start();
    let gateway = app.gateway("production");
    let ada = app.administrator("Ada");
    let (first, last) = (app.key(&ada, "first"), app.key(&ada, "last"));
    for key in [&first, &last] {
        assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    }
    app.operator(|conn, _| {
        diesel::sql_query(
            "insert into keys (public_key, name, name_skeleton, application_id, environment_id)
             select 'prod_pk_' || number, number, number, application_id, environment_id
             from keys, generate_series(1, 1000) as number where id = $1",
        )
        .bind::<BigInt, _>(first.key.id)
        .execute(conn)?;
        Ok(diesel::sql_query("update keys set revoked_at = now()").execute(conn)?)
    });
    // Sooner than what is remembered would be looked up again anyway.
    let began = Instant::now();
    for key in [&first, &last] {
        while app.code(&gateway, &key.secret).await != "REVOKED" {
            assert!(began.elapsed() < Duration::from_secs(4), "nobody told");
        }
    }
}
