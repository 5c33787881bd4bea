//! Every act there is, done through the front door, is in the trail: whoever adds an action adds a line here.

use chrono::{TimeDelta, Utc};
use diesel::{
    QueryableByName, RunQueryDsl, sql_query,
    sql_types::{BigInt, Text},
};
use latchkey::{
    jobs::{self, NewJob, Work},
    users::{User, links},
};

use crate::{
    customers::send,
    leaks::{Scanner, look},
    support::{Browser, MadeKey, PASSWORD, Page, TestApp},
};

/// How an administrator comes to do it.
enum How {
    /// A form, sent to an address.
    Post(&'static str, &'static [(&'static str, &'static str)]),
    /// The form on a page that a selector finds, with these fields filled in.
    Form(&'static str, &'static str, &'static [(&'static str, &'static str)]),
    /// Otherwise: see [`World::otherwise`].
    Otherwise,
}
use How::{Form, Otherwise, Post};

const DIALOG: &str = ".dialog form";
const FORM: &str = "main form[method='post']";
const VAULT: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

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

struct World {
    app: TestApp,
    user: User,
    tom: User,
    key: MadeKey,
    gateway: String,
    scanner: Scanner,
    ada: Browser,
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

impl World {
    async fn begin() -> Self {
        let app = TestApp::start_with(&[("LATCHKEY_VAULT_KEY", VAULT)]);
        app.preset("marketplace");
        app.application("Storefront");
        let (user, tom) = (app.administrator("Ada"), app.manager("Tom"));
        let key = app.key(&user, "Order sync");
        let (gateway, scanner) = (app.gateway("production"), Scanner::new("key-1"));
        let ada = app.sign_in(&user).await;
        Self { app, user, tom, key, gateway, scanner, ada }
    }

    /// With what varies filled in: the newest row of a table by its id.
    fn address(&self, path: &str) -> String {
        let mut path = path
            .replace("{key}", &self.key.page())
            .replace("{app}", &format!("/applications/{}", self.key.key.application.app_id))
            .replace("{tom}", &self.tom.id.to_string());
        for table in ["gateways", "customers", "environments", "sections", "permissions", "jobs", "leak_partners"] {
            let place = format!("{{{table}}}");
            if path.contains(&place) {
                let newest = self.number(&format!("select max(id) from {table}"));
                path = path.replace(&place, &newest.to_string());
            }
        }
        if path.contains("{depot}") {
            let newest = self.texts("select app_id as told from applications order by id desc");
            path = path.replace("{depot}", &format!("/applications/{}", newest[0]));
        }
        path
    }

    async fn otherwise(&mut self, action: &str) {
        let app = &self.app;
        match action {
            "installation.set_up" => set_up().await,
            "session.signed_in" => drop(app.sign_in(&self.user).await),
            "session.refused" => {
                let wrong = [("email", "eve@example.com"), ("password", "x"), ("next", "")];
                let _ = app.visitor().post("/sign-in", &wrong).await;
            }
            "session.others_ended" => {
                drop(app.sign_in(&self.user).await);
                self.ada.post("/account/sessions/end", &[]).await.assert_done(action);
            }
            "leaks.triaged" | "key.leak_found" => {
                let text = format!("{} {}", self.key.secret, self.gateway);
                look(&mut self.ada, &text, false).await.assert_done(action);
            }
            "leak_partner.added" => self.scanner.is_added(&mut self.ada, "Code host", "notify").await,
            "leaks.reported" => {
                let body = format!(r#"[{{"token":"{}","type":"key"}}]"#, self.key.secret);
                assert_eq!(self.scanner.report(app, &body).await.0, 200);
            }
            "key.created" => {
                let like = format!("/keys/new?like={}", self.key.public_key());
                let draft = self.ada.get(&like).await.location().unwrap();
                let draft = draft.split_once("draft=").unwrap().1.split('&').next().unwrap();
                let fields = [("draft", draft), ("go", "create")];
                self.ada.post("/keys", &fields).await.assert_done(action);
            }
            "access.refused" => {
                let mia = app.manager("Mia");
                app.grant_only(&mia, &["production"], app.permissions(&["orders:read"]));
                let key = app.key(&mia, "beyond");
                let mut mia = app.sign_in(&mia).await;
                let fields = [("version", "1"), ("name", "new"), ("permission", "reporting:read"), ("expires", "never")];
                mia.post(&format!("{}/edit", key.page()), &fields).await.assert_status(403);
            }
            "customers.imported" => {
                let preview =
                    send(&mut self.ada, "/customers/import/preview", "file", b"id,name\ncus_7,Seven\n").await;
                let (path, fields) = preview.form("form[action='/customers/import']", &[]);
                let (name, value) = &fields[0];
                send(&mut self.ada, &path, name, value.as_bytes()).await.assert_done(action);
            }
            "catalogue.imported" => {
                let file = self.ada.get("/settings/catalogue/export").await;
                let file = file.body().replace("Do much more", "Do the most");
                let path = "/settings/catalogue/import/apply";
                send(&mut self.ada, path, "text", file.as_bytes()).await.assert_done(action);
            }
            "job.cancelled" => {
                let id = app.operator(|conn, operator| {
                    let work = Work::Sweep;
                    let later = Utc::now() + TimeDelta::hours(1);
                    jobs::start(conn, operator, NewJob::of(operator, work).not_before(later))
                });
                let path = format!("/jobs/{}/cancel", id.id);
                self.ada.post(&path, &[]).await.assert_done(action);
            }
            other => panic!("{other} is not done in any way"),
        }
    }

    fn number(&self, ask: &str) -> i64 {
        #[derive(QueryableByName)]
        struct Number {
            #[diesel(sql_type = BigInt)]
            number: i64,
        }
        let ask = format!("select ({ask})::bigint as number");
        self.app.db(|conn| sql_query(ask).get_result::<Number>(conn)).unwrap().number
    }

    fn texts(&self, ask: &str) -> Vec<String> {
        texts(&self.app, ask)
    }

    fn events_after(&self, id: i64) -> Vec<String> {
        self.texts(&format!("select action as told from audit_events where id > {id} order by id"))
    }
}

fn texts(app: &TestApp, ask: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Line {
        #[diesel(sql_type = Text)]
        told: String,
    }
    let lines: Vec<Line> = app.db(|conn| sql_query(ask).load(conn)).unwrap();
    lines.into_iter().map(|line| line.told).collect()
}

/// Somebody opens the first link of another installation.
async fn set_up() {
    let app = TestApp::start_blank();
    let link = app.operator(|conn, _| {
        Ok(links::setup_path(&links::create(conn, links::Purpose::Setup)?))
    });
    let mut browser = app.visitor();
    let page = browser.get(&link).await;
    let fields =
        [("name", "Ada"), ("email", "ada@example.com"), ("password", PASSWORD), ("again", PASSWORD)];
    browser.submit(&page, "form", &fields).await.assert_leads_to("/");
    let told = texts(&app, "select action as told from audit_events order by id");
    assert!(told.iter().any(|action| action == "installation.set_up"), "{told:?}");
    browser.get("/audit?action=installation.set_up").await.assert_shows("set up Latchkey");
}

trait Done {
    fn assert_done(&self, action: &str);
}

impl Done for Page {
    #[track_caller]
    fn assert_done(&self, action: &str) {
        assert!([200, 303].contains(&self.status()), "{action}: {} {}", self.status(), self.body());
    }
}
