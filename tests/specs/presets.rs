//! Presets: what each brings, and what stays when another is applied.

use diesel::prelude::*;
use latchkey::{
    environments,
    error::AppError,
    presets,
    schema::audit_events,
    scopes, settings,
    users::{NewUser, Origin, Role, Viewer, commands as people},
};

use crate::support::{database::SpecDatabase, terminal::Terminal};

#[test]
fn a_preset_brings_exactly_its_catalogue_environments_and_wording() {
    for preset in presets::list() {
        let database = SpecDatabase::create();
        let conn = &mut database.connect();
        let applied = presets::apply(conn, &Viewer::operator(), &preset.slug).unwrap();
        assert!(applied.permissions.removed.is_empty() && applied.permissions.kept.is_empty());

        let catalogue: Vec<(String, Vec<(String, bool)>)> = scopes::catalogue(conn)
            .unwrap()
            .into_iter()
            .map(|section| {
                let held = section.permissions.into_iter();
                (section.slug, held.map(|row| (row.slug, row.publishable)).collect())
            })
            .collect();
        let wanted: Vec<(String, Vec<(String, bool)>)> = preset
            .sections
            .iter()
            .map(|section| {
                let held = section.permissions.iter();
                (
                    section.slug.clone(),
                    held.map(|row| (row.slug.clone(), row.publishable)).collect(),
                )
            })
            .collect();
        assert_eq!(catalogue, wanted);

        let slugs: Vec<String> =
            environments::list(conn).unwrap().into_iter().map(|row| row.slug).collect();
        let wanted: Vec<&String> = preset.environments.iter().map(|row| &row.slug).collect();
        assert_eq!(slugs.iter().collect::<Vec<_>>(), wanted);

        let settings = settings::load(conn).unwrap();
        assert_eq!(settings.preset.as_ref(), Some(&preset.slug));
        assert_eq!(settings.keys_title, preset.wording.keys_title);
        assert_eq!(settings.managers_may_revoke, preset.policy.managers_may_revoke);
        assert_eq!(Some(settings.managers_may_regenerate), preset.policy.managers_may_regenerate);
        assert_eq!(settings.new_key_all_permissions, preset.policy.new_key_all_permissions);
    }
}

#[test]
fn every_preset_can_follow_every_other() {
    let terminal = Terminal::open();
    let slugs = [
        "affiliate",
        "loyalty",
        "payments",
        "licensing",
        "marketplace",
        "licensing",
        "affiliate",
        "payments",
    ];
    for slug in slugs {
        terminal
            .run(&["preset", "apply", slug])
            .succeeds()
            .says(&format!("The preset {slug} is in force."));
    }
    let left: Vec<String> = environments::list(&mut terminal.connect())
        .unwrap()
        .into_iter()
        .map(|row| row.slug)
        .collect();
    assert_eq!(left, ["live", "test"]);
}

#[test]
fn applying_a_preset_twice_changes_nothing() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    presets::apply(conn, &Viewer::operator(), "loyalty").unwrap();
    let before = (scopes::catalogue(conn).unwrap(), environments::list(conn).unwrap());
    let again = presets::apply(conn, &Viewer::operator(), "loyalty").unwrap();
    assert_eq!(again.permissions, presets::Outcome::default());
    assert_eq!((scopes::catalogue(conn).unwrap(), environments::list(conn).unwrap()), before);
}

#[test]
fn what_keys_and_gateways_use_stays_and_is_said_to() {
    let terminal = Terminal::open();
    terminal.run(&["preset", "apply", "marketplace"]).succeeds();
    terminal.add_application("Store");
    terminal.create_key("Sections", "--section reporting").succeeds();
    terminal.create_key("Scopes", "--scope orders:read").succeeds();
    terminal.type_in("gateway add --name Edge --environment sandbox").succeeds();

    terminal
        .run(&["preset", "apply", "affiliate"])
        .succeeds()
        .says("Environments kept, because they are in use: sandbox")
        .says("Sections kept, because they are in use: reporting, orders")
        .says("Permissions kept, because they are in use: reporting:read, reporting:export, orders:read")
        .says("Permissions removed: catalogue:read")
        .says("Permissions added: affiliates:read");

    let conn = &mut terminal.connect();
    let slugs: Vec<String> =
        environments::list(conn).unwrap().into_iter().map(|row| row.slug).collect();
    assert_eq!(slugs, ["production", "development", "sandbox"]);
    let sections: Vec<String> =
        scopes::catalogue(conn).unwrap().into_iter().map(|row| row.slug).collect();
    assert_eq!(sections.last_chunk(), Some(&["reporting".to_owned(), "orders".to_owned()]));
}

#[test]
fn the_first_command_that_needs_a_catalogue_gets_the_default_one() {
    let terminal = Terminal::open();
    terminal.type_in("gateway add --name Edge --environment production").succeeds();
    assert_eq!(
        settings::load(&mut terminal.connect()).unwrap().preset.as_deref(),
        Some("marketplace")
    );

    let chosen = Terminal::open();
    chosen.type_in("preset apply licensing").succeeds();
    chosen.type_in("gateway add --name Edge --environment staging").succeeds();
    assert_eq!(settings::load(&mut chosen.connect()).unwrap().preset.as_deref(), Some("licensing"));
}

#[test]
fn the_list_names_all_five() {
    let listed = Terminal::open().type_in("preset list");
    assert_eq!(listed.succeeds().out.lines().count(), 5);
    Terminal::open()
        .type_in("preset apply nope")
        .fails_with("Choose one of affiliate, loyalty, payments, licensing, marketplace.");
}

#[test]
fn only_administrators_apply_presets_and_change_policies() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let new = NewUser {
        email: "kim@example.com".into(),
        name: "Kim".into(),
        role: Role::Manager,
        api_access: true,
    };
    let kim = people::add(conn, &Viewer::operator(), &new).unwrap();
    let kim = Viewer::load(conn, kim.id, Origin::default()).unwrap();
    assert!(matches!(presets::apply(conn, &kim, "loyalty"), Err(AppError::Forbidden)));
    let policies = settings::Policies {
        new_key_all_permissions: true,
        managers_may_revoke: true,
        managers_may_regenerate: true,
        default_lifetime_days: 90,
    };
    assert!(matches!(settings::update_policies(conn, &kim, policies), Err(AppError::Forbidden)));
}

#[test]
fn a_policy_that_changes_is_in_the_trail_once() {
    let database = SpecDatabase::create();
    let conn = &mut database.connect();
    let policies = settings::Policies {
        new_key_all_permissions: false,
        managers_may_revoke: true,
        managers_may_regenerate: true,
        default_lifetime_days: 90,
    };
    for _ in 0..2 {
        let settings = settings::update_policies(conn, &Viewer::operator(), policies).unwrap();
        assert!(settings.managers_may_revoke);
    }
    let details: Vec<serde_json::Value> =
        audit_events::table.select(audit_events::details).load(conn).unwrap();
    assert_eq!(details, [serde_json::json!({ "managers_may_revoke": [false, true] })]);
}
