//! Environments: added, edited, moved, retired and brought back.

use std::{sync::Barrier, thread};

use chrono::{TimeDelta, Utc};
use diesel::prelude::*;
use futures_util::join;
use latchkey::{
    environments::{self, Changes, Mode, NewEnvironment},
    error::AppError,
    keys::{self, NewKey, Permissions},
    schema::{environments as places, keys as rows},
    users::Viewer,
};
use serde_json::json;

use super::trail;
use crate::support::TestApp;

const LIST: &str = "/settings/environments";
const STAGING: [(&str, &str); 6] = [
    ("name", "Staging"),
    ("slug", "staging"),
    ("prefix", "stag"),
    ("mode", "test"),
    ("longest_days", "90"),
    ("allows_never", ""),
];

/// A form like another one, with some answers changed; what is empty is left out.
fn with<'a>(
    form: &[(&'a str, &'a str)],
    changed: &[(&'a str, &'a str)],
) -> Vec<(&'a str, &'a str)> {
    let mut fields: Vec<_> = form
        .iter()
        .filter(|(name, _)| !changed.iter().any(|(other, _)| other == name))
        .chain(changed)
        .copied()
        .collect();
    fields.retain(|(name, value)| !(*name == "allows_never" && value.is_empty()));
    fields
}

#[actix_web::test]
async fn an_environment_is_added_and_its_keys_are_accepted_there() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut adas = app.sign_in(&ada).await;
    adas.get("/settings/environments/new").await.assert_status(200).assert_is_page();
    adas.post(LIST, &with(&STAGING, &[])).await.assert_leads_to(LIST);
    let page = adas.get(LIST).await;
    page.assert_is_page().assert_shows("Staging is added.").assert_shows("At most 90 days");
    assert_eq!(page.all("th .tag--code"), ["production", "sandbox", "staging"]);

    let staging = app.environment("staging");
    let key = app.key_with(Some(&ada), "deploy bot", |new| {
        new.environment_id = staging;
        new.expires_at = Some(Utc::now() + TimeDelta::days(90));
    });
    assert!(key.secret.starts_with("stag_sk_"));
    let gateway = app.gateway("staging");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");
    let said = trail(&app, "environment:staging");
    assert_eq!(said[0].0, "environment.created");
    assert_eq!(said[0].1["prefix"], "stag");
    let page = adas.get(LIST).await;
    assert_eq!(page.text("#environment-3 [data-label='Keys'] a"), "1 keys of Staging");
}

#[actix_web::test]
async fn what_is_wrong_with_an_environment_is_said_at_its_field() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    for (field, typed) in [
        ("name", ""),
        ("name", "a\u{202e}"),
        ("slug", ""),
        ("slug", "Staging"),
        ("slug", "1st"),
        ("slug", "a b"),
        ("slug", "production"),
        ("prefix", "p"),
        ("prefix", "Prod"),
        ("prefix", "ninechars"),
        ("prefix", "prod_"),
        ("prefix", "prod"),
        ("mode", "real"),
        ("longest_days", "0"),
        ("longest_days", "-1"),
        ("longest_days", "3651"),
        ("longest_days", "1e3"),
        ("longest_days", "99999999999999999999"),
        ("allows_never", "yes"),
    ] {
        let page = ada.post(LIST, &with(&STAGING, &[(field, typed)])).await;
        page.assert_status(422).assert_is_page();
        assert_eq!(page.attribute(&format!("#{field}"), "aria-invalid"), "true", "{field} {typed}");
        if field != "name" {
            assert_eq!(page.attribute("#name", "value"), "Staging", "the rest of the form is kept");
        }
    }
    ada.post(LIST, &with(&STAGING, &[("position", "1")])).await.assert_status(400);
    assert_eq!(ada.get(LIST).await.all("th .tag--code"), ["production", "sandbox"]);
}

#[actix_web::test]
async fn of_two_environments_with_one_prefix_at_once_one_is_added() {
    let app = TestApp::start();
    let ada = app.sign_in(&app.administrator("Ada")).await;
    for round in 0..4 {
        let prefix = ["qa", "qb", "qc", "qd"][round];
        let (one, other) = (format!("one-{round}"), format!("other-{round}"));
        let first = with(&STAGING, &[("slug", &one), ("prefix", prefix)]);
        let second = with(&STAGING, &[("slug", &other), ("prefix", prefix)]);
        let (mut here, mut there) = (ada.clone(), ada.clone());
        let (first, second) = join!(here.post(LIST, &first), there.post(LIST, &second));
        let mut statuses = [first.status(), second.status()];
        statuses.sort_unstable();
        assert_eq!(statuses, [303, 422]);
    }
}

#[actix_web::test]
async fn prefix_and_mode_can_change_until_the_first_key_is_made() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let mut adas = app.sign_in(&ada).await;
    let page = adas.get("/settings/environments/2/edit").await;
    page.assert_is_page();
    let form = "form.form";
    adas.submit(&page, form, &[("prefix", "sand"), ("mode", "live")]).await.assert_leads_to(LIST);
    assert_eq!(
        trail(&app, "environment:sandbox"),
        [(
            "environment.updated".to_owned(),
            json!({ "prefix": ["sbx", "sand"], "mode": ["test", "live"] })
        )]
    );
    let taken = adas.submit(&page, form, &[("prefix", "prod")]).await;
    taken.assert_status(422).assert_shows("Another environment has this prefix");
    let slug = adas.submit(&page, form, &[("slug", "other")]).await;
    slug.assert_status(422).assert_shows("The slug is fixed.");

    let sandbox = app.environment("sandbox");
    let key = app.key_with(Some(&ada), "deploy bot", |new| new.environment_id = sandbox);
    assert!(key.public_key().starts_with("sand_pk_"));
    let fixed = adas.get("/settings/environments/2/edit").await;
    fixed.assert_shows("Both are fixed, because keys have been made with them.");
    assert!(fixed.all("#prefix").is_empty());
    let refused = adas.submit(&page, form, &[("prefix", "sbx")]).await;
    refused.assert_status(422).assert_shows("Prefix and mode are fixed");
    adas.submit(&fixed, form, &[("name", "Sand")]).await.assert_leads_to(LIST);
    adas.get(LIST).await.assert_shows("Sand").assert_shows("sand_");
}

#[test]
fn no_key_ever_has_another_prefix_than_its_environment() {
    let app = TestApp::start();
    let operator = Viewer::operator();
    let template = app.key_with(None, "template", |_| {});
    for round in 0..8_u8 {
        let letter = |offset: u8| char::from(b'a' + round + offset);
        let environment = app.operator(|conn, operator| {
            let new = NewEnvironment {
                slug: format!("round-{round}"),
                name: format!("Round {round}"),
                prefix: format!("one{}", letter(0)),
                mode: Mode::Test,
                longest_days: None,
                allows_never: true,
            };
            environments::create(conn, operator, &new)
        });
        let changes = Changes {
            name: environment.name.clone(),
            prefix_and_mode: Some((format!("two{}", letter(0)), Mode::Test)),
            longest_days: None,
            allows_never: true,
        };
        let new = NewKey {
            name: format!("key {round}"),
            note: String::new(),
            application_id: template.key.application_id,
            environment_id: environment.id,
            owner_id: None,
            permissions: Permissions { all: true, ..Permissions::default() },
            limits: Vec::new(),
            expires_at: None,
            customers: Vec::new(),
            allowed_ips: Vec::new(),
            excluded_ips: Vec::new(),
            allowed_origins: Vec::new(),
        };
        let (start, operator) = (Barrier::new(2), &operator);
        thread::scope(|scope| {
            scope.spawn(|| {
                let conn = &mut app.database.connect();
                start.wait();
                let edited = conn.transaction(|conn| {
                    environments::update(conn, operator, environment.id, &changes)
                });
                assert!(matches!(edited, Ok(_) | Err(AppError::Conflict(_))), "{edited:?}");
            });
            scope.spawn(|| {
                let conn = &mut app.database.connect();
                start.wait();
                conn.transaction(|conn| keys::commands::create(conn, operator, &new)).unwrap();
            });
        });
        let (public_key, prefix): (String, String) = app
            .db(|conn| {
                rows::table
                    .inner_join(places::table)
                    .filter(places::id.eq(environment.id))
                    .select((rows::public_key, places::prefix))
                    .first(conn)
            })
            .unwrap();
        assert!(public_key.starts_with(&format!("{prefix}_pk_")), "{public_key} in {prefix}");
    }
}

#[actix_web::test]
async fn a_retired_environment_takes_nothing_new_and_its_keys_go_on() {
    let app = TestApp::start();
    let ada = app.administrator("Ada");
    let key = app.key(&ada, "deploy bot");
    let gateway = app.gateway("production");
    let mut adas = app.sign_in(&ada).await;
    let question = adas.get("/settings/environments/1/confirm/retire").await;
    question.assert_is_page().assert_shows("Its one key goes on and is accepted as before.");
    adas.get("/settings/environments/1/retire").await.assert_status(405);
    adas.submit(&question, "form.dialog__body", &[]).await.assert_leads_to(LIST);
    let list = adas.get(LIST).await;
    list.assert_shows("Production is retired.").assert_shows("Retired");
    assert_eq!(app.code(&gateway, &key.secret).await, "VALID");

    adas.get("/gateways/new").await.assert_hides("Production").assert_shows("Sandbox");
    let fields = [("name", "Edge"), ("environment", "production")];
    adas.post("/gateways", &fields).await.assert_status(422);
    adas.get("/keys").await.assert_shows("Production");
    adas.get("/keys?environment=production").await.assert_shows("deploy bot");
    adas.get(&format!("{}/edit", key.page())).await.assert_status(200);

    let draft = "018f2b8e-3f4a-4c55-9d1e-0a1b2c3d4e5f";
    let named = [("draft", draft), ("step", "name"), ("name", "second"), ("go", "next")];
    let place = format!("/keys/new?draft={draft}&step=environment");
    adas.post("/keys/new", &named).await.assert_leads_to(&place);
    let offered = adas.get(&place).await;
    assert_eq!(offered.all("#environment .tag--code"), ["sandbox"]);
    let app_id = app.operator(|conn, operator| {
        Ok(latchkey::applications::list(conn, operator)?[0].app_id.clone())
    });
    let placed = [
        ("draft", draft),
        ("step", "environment"),
        ("application", &app_id),
        ("environment", "production"),
        ("go", "next"),
    ];
    let refused = adas.post("/keys/new", &placed).await;
    refused.assert_status(422).assert_shows("Production is retired: it takes no new keys.");

    adas.post("/settings/environments/1/restore", &[]).await.assert_leads_to(LIST);
    adas.post("/keys/new", &placed).await.assert_status(303);
    let actions: Vec<String> =
        trail(&app, "environment:production").into_iter().map(|(action, _)| action).collect();
    assert_eq!(actions, ["environment.retired", "environment.restored"]);
}

#[test]
fn every_way_to_make_a_key_refuses_a_retired_environment() {
    let app = TestApp::start();
    let production = app.environment("production");
    let template = app.key_with(None, "template", |_| {});
    app.operator(|conn, operator| environments::retire(conn, operator, production));
    let conn = &mut app.database.connect();
    let new = NewKey {
        name: "another".into(),
        note: String::new(),
        application_id: template.key.application_id,
        environment_id: production,
        owner_id: None,
        permissions: Permissions { all: true, ..Permissions::default() },
        limits: Vec::new(),
        expires_at: None,
        customers: Vec::new(),
        allowed_ips: Vec::new(),
        excluded_ips: Vec::new(),
        allowed_origins: Vec::new(),
    };
    let refused = keys::commands::create(conn, &Viewer::operator(), &new).unwrap_err();
    assert!(refused.to_string().starts_with("Production is retired"), "{refused}");
    let refused = latchkey::gateways::create(conn, &Viewer::operator(), "Edge", production);
    assert!(refused.unwrap_err().to_string().starts_with("Production is retired"));
}

#[actix_web::test]
async fn environments_change_places_and_the_button_stays_where_it_is() {
    let app = TestApp::start();
    let mut ada = app.sign_in(&app.administrator("Ada")).await;
    ada.post("/settings/environments/2/move", &[("to", "up")]).await.assert_leads_to(LIST);
    let order = ["sandbox", "production"];
    assert_eq!(ada.get(LIST).await.all("th .tag--code"), order);
    ada.post("/settings/environments/2/move", &[("to", "up")]).await.assert_leads_to(LIST);
    assert_eq!(ada.get(LIST).await.all("th .tag--code"), order);

    let mut htmx = ada.with_htmx(LIST);
    let list = htmx.post("/settings/environments/2/move", &[("to", "down")]).await;
    list.assert_status(200).assert_is_fragment().assert_shows("Sandbox is number 2 of 2.");
    assert_eq!(list.all("#environment-2-down").len(), 1);
    assert_eq!(list.all("th .tag--code"), ["production", "sandbox"]);
    for wrong in [&[("to", "left")][..], &[], &[("to", "up"), ("to", "up")]] {
        ada.post("/settings/environments/2/move", wrong).await.assert_status(400);
    }
    assert_eq!(trail(&app, "environment:sandbox").len(), 2);
}

#[actix_web::test]
async fn the_settings_of_environments_and_catalogue_are_for_administrators() {
    let app = TestApp::start();
    let mia = app.manager_with_access("Mia");
    let mut mias = app.sign_in(&mia).await;
    for (path, methods, _) in
        crate::routes::pages().filter(|(path, ..)| path.starts_with("/settings"))
    {
        for method in methods {
            if path.contains("/import") && *method == "POST" {
                continue; // told in settings/toml: it is another kind of form
            }
            let answer = match *method {
                "GET" => mias.get(&path).await,
                _ if path.ends_with("/move") => mias.post(&path, &[("to", "up")]).await,
                _ => mias.post(&path, &[]).await,
            };
            assert!([400, 404].contains(&answer.status()), "{method} {path}: {}", answer.status());
            answer.assert_hides("Sandbox");
        }
    }
    let conn = &mut app.database.connect();
    let viewer = Viewer::load(conn, mia.id, latchkey::users::Origin::default()).unwrap();
    assert!(matches!(environments::retire(conn, &viewer, 1), Err(AppError::Forbidden)));
}
