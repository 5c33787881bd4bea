//! A new key with the same permissions.

use super::{NOBODYS, assert_same_answer, run, stored};
use crate::support::{Browser, MadeKey, Page, TestApp};

/// Begins a key like this one and looks at the first step.
async fn duplicates(person: &mut Browser, key: &MadeKey) -> Page {
    let begun = person.get(&format!("/keys/new?like={}", key.public_key())).await;
    let first = person.follow(begun).await;
    first.assert_status(200).assert_is_page().assert_shows("A copy of");
    first
}

/// Continues until that step.
async fn continues(person: &mut Browser, mut page: Page, steps: usize) -> Page {
    for _ in 0..steps {
        let next = person.submit(&page, "#wizard", &[("go", "next")]).await;
        page = person.follow(next).await;
    }
    page
}

#[actix_web::test]
async fn a_copy_has_everything_but_the_secret_and_waits_to_be_created() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let permissions = app.permissions(&["orders:read", "reporting:read"]);
    let key = app.key_with(Some(&ada), "deploy bot", |new| {
        new.note = "runs at night".into();
        new.permissions = permissions;
        new.limits = TestApp::limit(7, 60);
        new.expires_at = Some(latchkey::keys::end_in_days(chrono::Utc::now(), 30));
    });
    let mut ada = app.sign_in(&ada).await;
    let before = stored(&app);
    let first = duplicates(&mut ada, &key).await;
    assert_eq!(first.attribute("#name", "value"), "deploy bot (copy)");
    first.assert_shows("runs at night");
    let place = continues(&mut ada, first, 1).await;
    assert_eq!(place.attribute("#environment [checked]", "value"), "production");
    let permissions = continues(&mut ada, place, 1).await;
    for slug in ["orders:read", "reporting:read"] {
        permissions.attribute(&format!("[name=permission][value=\"{slug}\"][checked]"), "value");
    }
    let limits = continues(&mut ada, permissions, 1).await;
    assert_eq!(limits.attribute("#limit_minute", "value"), "7");
    assert_eq!(limits.attribute("[name=expires][checked]", "value"), "30");
    let summary = continues(&mut ada, limits, 1).await;
    assert_eq!(stored(&app), before, "nothing is made before the last step");
    let reveal = ada.submit(&summary, "#wizard", &[("go", "create")]).await;
    reveal.assert_status(200).assert_shows("deploy bot (copy) is ready").assert_hides(&key.secret);
    let second = duplicates(&mut ada, &key).await;
    assert_eq!(second.attribute("#name", "value"), "deploy bot (copy 2)");
}

#[actix_web::test]
async fn a_revoked_key_has_a_replacement() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let mut ada = app.sign_in(&ada).await;
    ada.get("/keys").await.assert_shows("Duplicate");
    let question = ada.get(&format!("{}/confirm/revoke", key.page())).await;
    question.assert_shows("duplicate it first");
    let mut htmx = ada.with_htmx("/keys");
    let done = htmx.post(&format!("{}/revoke", key.page()), &[]).await;
    done.assert_shows("Create a replacement");
    let shown = ada.get(&key.page()).await;
    shown.assert_shows("Create a replacement with the same permissions");
    let address = shown.attribute("a[href*=like]", "href");
    assert_eq!(address, format!("/keys/new?like={}", key.public_key()));
    duplicates(&mut ada, &key).await.assert_status(200);
}

#[actix_web::test]
async fn somebody_elses_key_is_not_there_to_be_copied() {
    let app = TestApp::start();
    let (ada, marek) = (app.administrator("Ada"), app.manager_with_access("Marek"));
    let (adas, own) = (app.key(&ada, "deploy bot"), app.key(&marek, "own"));
    let mut marek = app.sign_in(&marek).await;
    let foreign = marek.get(&format!("/keys/new?like={}", adas.public_key())).await;
    foreign.assert_status(404);
    let none = marek.get(&format!("/keys/new?like={NOBODYS}")).await;
    assert_same_answer(&foreign, &none);
    for odd in ["", "x", "prod_pk_", &adas.secret] {
        marek.get(&format!("/keys/new?like={odd}")).await.assert_status(404);
    }
    duplicates(&mut marek, &own).await.assert_status(200);
    let mut tom = app.sign_in(&app.manager("Tom")).await;
    tom.get(&format!("/keys/new?like={}", own.public_key())).await.assert_status(404);
}

#[actix_web::test]
async fn what_cannot_be_had_any_more_is_left_out_and_named() {
    let app = TestApp::start();
    let marek = app.manager_with_access("Marek");
    let permissions = app.permissions(&["orders:read", "orders:write", "reporting:read"]);
    let key = app.key_with(Some(&marek), "deploy bot", |new| new.permissions = permissions);
    run(
        &app,
        "update permissions set retired_at = now() where slug = 'orders:write';
         update api_access set all_permissions = false, all_environments = false;
         insert into api_access_permissions select api_access.id, permissions.id
             from api_access, permissions where slug <> 'reporting:read';
         insert into api_access_environments select api_access.id, environments.id
             from api_access, environments where environments.slug = 'sandbox'",
    );
    let mut marek = app.sign_in(&marek).await;
    let first = duplicates(&mut marek, &key).await;
    first.assert_shows("orders:write (retired)");
    first.assert_shows("reporting:read (not in your API access)");
    first.assert_shows("the environment Production (not in your API access)");
    first.assert_hides("orders:read (");
    let place = continues(&mut marek, first, 1).await;
    assert!(place.all("#environment [checked]").is_empty(), "it has to be chosen again");
}
