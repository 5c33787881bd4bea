//! Somebody who does everything there is to do, once.

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
    sending::{
        receiver::{Receiver, Says},
        until,
    },
    support::{Browser, MadeKey, PASSWORD, Page, TestApp},
};

const VAULT: &str = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";

pub struct World {
    pub app: TestApp,
    user: User,
    tom: User,
    pub key: MadeKey,
    pub gateway: String,
    pub scanner: Scanner,
    receiver: Receiver,
    pub ada: Browser,
}

impl World {
    pub async fn begin() -> Self {
        let app = TestApp::start_with(&[
            ("LATCHKEY_VAULT_KEY", VAULT),
            ("LATCHKEY_WEBHOOKS_MAY_CALL_PRIVATE", "yes"),
            // Nobody answers there; trying is an act as well.
            ("SMTP_URL", "smtp://127.0.0.1:1"),
        ]);
        app.preset("marketplace");
        app.application("Storefront");
        let (user, tom) = (app.administrator("Ada"), app.manager("Tom"));
        let key = app.key(&user, "Order sync");
        let (gateway, scanner) = (app.gateway("production"), Scanner::new("key-1"));
        let ada = app.sign_in(&user).await;
        let receiver = Receiver::start();
        Self { app, user, tom, key, gateway, scanner, receiver, ada }
    }

    /// With what varies filled in: the newest row of a table by its id.
    pub fn address(&self, path: &str) -> String {
        let mut path = path
            .replace("{key}", &self.key.page())
            .replace("{app}", &format!("/applications/{}", self.key.key.application.app_id))
            .replace("{tom}", &self.tom.id.to_string());
        for table in [
            "gateways",
            "customers",
            "environments",
            "sections",
            "permissions",
            "jobs",
            "leak_partners",
            "webhooks",
            "webhook_deliveries",
        ] {
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

    pub async fn otherwise(&mut self, action: &str) {
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
            "leak_partner.added" => {
                self.scanner.is_added(&mut self.ada, "Code host", "notify").await
            }
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
                let fields = [
                    ("version", "1"),
                    ("name", "new"),
                    ("permission", "reporting:read"),
                    ("expires", "never"),
                ];
                mia.post(&format!("{}/edit", key.page()), &fields).await.assert_status(403);
            }
            "customers.imported" => {
                let preview = send(
                    &mut self.ada,
                    "/customers/import/preview",
                    "file",
                    b"id,name\ncus_7,Seven\n",
                )
                .await;
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
            "webhook.added" => {
                let url = self.receiver.url();
                let fields = [("url", &*url), ("kind", "key_expires"), ("enabled", "yes")];
                self.ada.post("/settings/webhooks", &fields).await.assert_done(action);
            }
            "webhook.tested" => {
                self.tests_the_webhook().await;
                self.webhook_has_answered(1);
            }
            "webhook.switched_off" => {
                let off = "select count(*) from webhooks where disabled_why = 'gone'";
                // What was repeated comes first.
                self.webhook_has_answered(2);
                self.receiver.will_say(&[Says::status(410)]);
                self.tests_the_webhook().await;
                until("it is switched off", || (self.number(off) == 1).then_some(()));
            }
            other => panic!("{other} is not done in any way"),
        }
    }

    /// So many attempts are over, and none is under way.
    fn webhook_has_answered(&self, times: i64) {
        let over = "select count(*) from webhook_attempts \
            where not exists (select from webhook_deliveries where outcome is null)";
        until("the webhook has answered", || (self.number(over) == times).then_some(()));
    }

    async fn tests_the_webhook(&mut self) {
        let path = self.address("/settings/webhooks/{webhooks}/test");
        self.ada.post(&path, &[]).await.assert_done("webhook.tested");
    }

    pub fn number(&self, ask: &str) -> i64 {
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

    pub fn events_after(&self, id: i64) -> Vec<String> {
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
    let link =
        app.operator(|conn, _| Ok(links::setup_path(&links::create(conn, links::Purpose::Setup)?)));
    let mut browser = app.visitor();
    let page = browser.get(&link).await;
    let fields = [
        ("name", "Ada"),
        ("email", "ada@example.com"),
        ("password", PASSWORD),
        ("again", PASSWORD),
    ];
    browser.submit(&page, "form", &fields).await.assert_leads_to("/");
    let told = texts(&app, "select action as told from audit_events order by id");
    assert!(told.iter().any(|action| action == "installation.set_up"), "{told:?}");
    browser.get("/audit?action=installation.set_up").await.assert_shows("set up Latchkey");
}

pub trait Done {
    fn assert_done(&self, action: &str);
}

impl Done for Page {
    #[track_caller]
    fn assert_done(&self, action: &str) {
        assert!([200, 303].contains(&self.status()), "{action}: {} {}", self.status(), self.body());
    }
}
