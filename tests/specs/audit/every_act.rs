//! Every act there is, done through the front door, is in the trail: whoever adds an action adds a line here.

use super::acting::{Done, World};
use crate::support::PASSWORD;

/// How an administrator comes to do it.
enum How {
    /// A form, sent to an address.
    Post(&'static str, &'static [(&'static str, &'static str)]),
    /// The form on a page that a selector finds, with these fields filled in.
    Form(&'static str, &'static str, &'static [(&'static str, &'static str)]),
    /// Otherwise: see `acting.rs`.
    Otherwise,
}
use How::{Form, Otherwise, Post};

const DIALOG: &str = ".dialog form";
const FORM: &str = "main form[method='post']";

/// In this order, each leads to the next.
#[rustfmt::skip]
const TABLE: &[(&str, How)] = &[
    ("installation.set_up", Otherwise),
    ("session.signed_in", Otherwise),
    ("session.refused", Otherwise),
    ("key.updated", Form("{key}/edit", FORM, &[("name", "Order sync 2")])),
    ("key.disabled", Post("{key}/disable", &[])),
    ("key.enabled", Post("{key}/enable", &[])),
    ("application.secrets_kept", Form("{app}/confirm/keep-secrets", DIALOG, &[])),
    ("key.regenerated", Form("{key}/confirm/regenerate", DIALOG, &[("overlap", "24h")])),
    ("key.overlap_extended", Post("{key}/extend", &[("version", "3"), ("overlap", "7d")])),
    ("key.overlap_finished", Post("{key}/finish", &[("version", "3")])),
    ("key.revealed", Post("{key}/reveal", &[("password", PASSWORD)])),
    ("application.secrets_erased", Post("{app}/erase-secrets", &[])),
    ("key.transferred", Post("{key}/transfer", &[("owner", "")])),
    ("leaks.triaged", Otherwise),
    ("key.leak_found", Otherwise),
    ("key.leak_dismissed", Post("{key}/leaks/dismiss", &[])),
    ("leaks.dismissed", Form("/leaks", "form[action^='/leaks/'][action$='/dismiss']", &[])),
    ("leak_partner.added", Otherwise),
    ("leaks.reported", Otherwise),
    ("leak_partner.updated", Form("/settings/leak-partners/{leak_partners}/edit", FORM, &[("policy", "revoke")])),
    ("leak_partner.removed", Post("/settings/leak-partners/{leak_partners}/remove", &[])),
    ("key.created", Otherwise),
    ("application.keys_reset", Form("{app}/confirm/reset?environment=production", FORM, &[("password", PASSWORD)])),
    ("key.revoked", Post("{key}/revoke", &[("reason", "over")])),
    ("key.deleted", Post("{key}/delete", &[])),
    ("application.created", Post("/applications", &[("name", "Warehouse")])),
    ("application.renamed", Form("{depot}/edit", FORM, &[("name", "Depot")])),
    ("application.secret_rotated", Form("{depot}/confirm/rotate", DIALOG, &[])),
    ("application.keys_permitted", Post("{depot}/permit-keys", &[])),
    ("application.keys_forbidden", Post("{depot}/forbid-keys", &[])),
    ("application.archived", Post("{depot}/archive", &[])),
    ("application.restored", Post("{depot}/restore", &[])),
    ("gateway.created", Post("/gateways", &[("name", "Edge"), ("environment", "production")])),
    ("gateway.renamed", Post("/gateways/{gateways}/rename", &[("name", "Edge 2")])),
    ("gateway.revoked", Form("/gateways/{gateways}/confirm/revoke", DIALOG, &[])),
    ("customer.added", Post("/customers", &[("id", "cus_1"), ("name", "Acme")])),
    ("customer.renamed", Post("/customers/{customers}/rename", &[("name", "Acme 2")])),
    ("customer.removed", Form("/customers/{customers}/confirm/remove", DIALOG, &[])),
    ("customers.imported", Otherwise),
    ("user.created", Post("/team", &[("name", "Zoe"), ("email", "zoe@example.com"), ("role", "manager")])),
    ("user.link_created", Post("/team/{tom}/link", &[])),
    ("access.granted", Post("/team/{tom}/grant", &[])),
    ("access.changed", Post("/team/{tom}/grant", &[("environments", "some"), ("environment", "production"), ("permissions", "all")])),
    ("access.withdrawn", Post("/team/{tom}/withdraw", &[])),
    ("access.refused", Otherwise),
    ("user.disabled", Post("/team/{tom}/disable", &[])),
    ("user.enabled", Post("/team/{tom}/enable", &[])),
    ("user.role_changed", Post("/team/{tom}/role", &[("role", "administrator")])),
    ("session.others_ended", Otherwise),
    ("user.renamed", Post("/account/name", &[("name", "Ada Osei")])),
    ("user.password_changed", Post("/account/password", &[("current", PASSWORD), ("password", "a better horse battery staple"), ("again", "a better horse battery staple")])),
    ("environment.created", Post("/settings/environments", &[("name", "Staging"), ("slug", "staging"), ("prefix", "stag"), ("mode", "test"), ("allows_never", "yes")])),
    ("environment.updated", Form("/settings/environments/{environments}/edit", FORM, &[("name", "Staging 2")])),
    ("environment.retired", Form("/settings/environments/{environments}/confirm/retire", DIALOG, &[])),
    ("environment.restored", Post("/settings/environments/{environments}/restore", &[])),
    ("section.created", Post("/settings/catalogue/sections", &[("name", "Extras"), ("slug", "extras")])),
    ("section.updated", Form("/settings/catalogue/sections/{sections}/edit", FORM, &[("name", "Extra")])),
    ("permission.created", Form("/settings/catalogue/permissions/new?section=extras", FORM, &[("label", "Do more"), ("slug", "extras:more"), ("access", "READ")])),
    ("permission.updated", Form("/settings/catalogue/permissions/{permissions}/edit", FORM, &[("label", "Do much more")])),
    ("permission.published", Form("/settings/catalogue/permissions/{permissions}/confirm/publish", DIALOG, &[])),
    ("permission.withheld", Form("/settings/catalogue/permissions/{permissions}/confirm/withhold", DIALOG, &[])),
    ("permission.retired", Form("/settings/catalogue/permissions/{permissions}/confirm/retire", DIALOG, &[])),
    ("permission.restored", Post("/settings/catalogue/permissions/{permissions}/restore", &[])),
    ("section.retired", Form("/settings/catalogue/sections/{sections}/confirm/retire", DIALOG, &[])),
    ("section.restored", Post("/settings/catalogue/sections/{sections}/restore", &[])),
    ("catalogue.imported", Otherwise),
    ("settings.updated", Post("/settings/logs", &[("logs_accepted", "yes"), ("logs_per_second", "60"), ("logs_kept_days", "30")])),
    ("preset.applied", Form("/settings/confirm/preset?preset=licensing", FORM, &[])),
    ("job.started", Post("/keys/export", &[("format", "csv")])),
    ("job.cancelled", Otherwise),
    ("job.retried", Post("/jobs/{jobs}/retry", &[])),
    ("webhook.added", Otherwise),
    ("webhook.updated", Form("/settings/webhooks/{webhooks}/edit", FORM, &[("kind", "leak_reported")])),
    ("webhook.secret_rotated", Form("/settings/webhooks/{webhooks}/confirm/rotate", DIALOG, &[])),
    ("webhook.tested", Otherwise),
    ("webhook.repeated", Post("/settings/webhooks/deliveries/{webhook_deliveries}/repeat", &[])),
    ("webhook.switched_off", Otherwise),
    ("webhook.removed", Form("/settings/webhooks/{webhooks}/confirm/remove", DIALOG, &[])),
    ("mail.tested", Post("/settings/mail/test", &[])),
    ("audit.exported", Post("/audit/export", &[("format", "csv")])),
];

/// As the source spells them.
fn actions() -> Vec<&'static str> {
    let spelled = include_str!("../../../src/audit/mod.rs").lines().map(str::trim);
    spelled
        .filter(|line| line.starts_with("Self::"))
        .filter_map(|line| line.split_once("=> \"")?.1.strip_suffix("\","))
        .collect()
}

#[actix_web::test]
async fn every_act_is_in_the_trail_in_words_and_without_a_secret() {
    let mut told: Vec<&str> = TABLE.iter().map(|(action, _)| *action).collect();
    let mut spelled = actions();
    told.sort_unstable();
    spelled.sort_unstable();
    assert_eq!(told, spelled, "each has a line, once");

    let mut world = World::begin().await;
    let mut bea = world.app.sign_in(&world.app.administrator("Bea")).await;
    for (action, how) in TABLE {
        let before = world.number("select coalesce(max(id), 0) from audit_events");
        match how {
            Post(path, fields) => {
                let path = world.address(path);
                world.ada.post(&path, fields).await.assert_done(action);
            }
            Form(page, form, fields) => {
                let page = world.address(page);
                let page = world.ada.get(&page).await;
                world.ada.submit(&page, form, fields).await.assert_done(action);
            }
            Otherwise => world.otherwise(action).await,
        }
        if *action == "installation.set_up" {
            continue;
        }
        let events = world.events_after(before);
        assert!(events.iter().any(|event| event == action), "{action}: {events:?}");
        let page = bea.get(&format!("/audit?action={action}")).await;
        let sentences = page.all(".event__what > p");
        assert!(!sentences.is_empty(), "{action} is told");
        assert!(sentences.iter().all(|told| !told.contains(action)), "{action}: {sentences:?}");
        page.assert_hides(&world.key.secret).assert_hides(&world.gateway);
    }
    // What happened to jobs leads to them; a partner that was removed leads nowhere.
    let job = bea.get("/audit?action=job.cancelled").await;
    assert!(job.attribute(".event__what a.table__name", "href").starts_with("/jobs/"));
    let removed = bea.get("/audit?action=leak_partner.added").await;
    assert!(removed.all(".event__what a.table__name").is_empty());
    world.scanner.is_added(&mut bea, "Another host", "notify").await;
    let added = bea.get("/audit?action=leak_partner.added&q=Another").await;
    let address = added.attribute(".event__what a.table__name", "href");
    bea.get(&address).await.assert_status(200).assert_shows("Another host");
}
