//! The world of a spec: a server with a database of its own, and the people and things in it.
//! Things are made by the commands the pages use, so that a fixture cannot break a rule.

use std::{
    net::SocketAddr,
    sync::{Mutex, PoisonError},
};

use diesel::{PgConnection, r2d2::R2D2Connection};
use latchkey::{
    access, applications,
    changes::Change,
    error::AppResult,
    gateways,
    keys::{self, Key, Limit, NewKey, Permissions},
    presets, scopes,
    users::{self, NewUser, Role, User, Viewer},
};
use serde_json::Value;

use super::{Browser, Served, database::SpecDatabase};

/// Everybody's password.
pub const PASSWORD: &str = "correct horse battery staple";

/// A server that really listens, on a Postgres that really stores.
pub struct TestApp {
    pub address: SocketAddr,
    /// Where Prometheus asks, with `LATCHKEY_METRICS_LISTEN`.
    pub metrics_address: Option<SocketAddr>,
    /// Before the database, which goes when nobody needs it any more.
    served: Served,
    pub database: SpecDatabase,
    /// For the next question: a new connection costs Postgres more than most of them.
    kept: Mutex<Option<PgConnection>>,
}

/// A key with its secret, as its owner got it.
pub struct MadeKey {
    pub key: Key,
    pub secret: String,
}

impl MadeKey {
    pub fn public_key(&self) -> &str {
        &self.key.public_key
    }

    /// The address of its page.
    pub fn page(&self) -> String {
        format!("/keys/{}", self.key.public_key)
    }
}

impl TestApp {
    /// With the marketplace preset and one application, Storefront.
    pub fn start() -> Self {
        let app = Self::start_blank();
        app.preset("marketplace");
        app.application("Storefront");
        app
    }

    /// Freshly migrated, nobody in it.
    pub fn start_blank() -> Self {
        Self::start_with(&[])
    }

    /// With settings as the environment would give them.
    pub fn start_with(settings: &[(&str, &str)]) -> Self {
        Self::on(SpecDatabase::create(), settings)
    }

    /// On a database that is there already.
    pub fn on(database: SpecDatabase, settings: &[(&str, &str)]) -> Self {
        let url = settings.iter().find(|(name, _)| *name == "DATABASE_URL");
        let url = url.map_or(database.url.as_str(), |(_, url)| url);
        let served = Served::start(url, settings);
        let (address, metrics_address) = (served.address, served.metrics_address);
        Self { address, metrics_address, served, database, kept: Mutex::default() }
    }

    /// The address of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Does something as the operator on the command line does it: in a transaction, behind the server's back.
    #[track_caller]
    pub fn operator<T>(&self, act: impl FnOnce(&mut PgConnection, &Viewer) -> AppResult<T>) -> T {
        use diesel::Connection;
        self.db(|conn| conn.transaction(|conn| act(conn, &Viewer::operator())))
            .expect("the operator may do this")
    }

    /// Asks the database itself.
    pub fn db<T>(&self, ask: impl FnOnce(&mut PgConnection) -> T) -> T {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner).take();
        let mut conn = kept
            .and_then(|mut conn| conn.ping().is_ok().then_some(conn))
            .unwrap_or_else(|| self.database.connect());
        let told = ask(&mut conn);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(conn);
        told
    }

    pub fn preset(&self, name: &str) {
        self.operator(|conn, operator| presets::apply(conn, operator, name));
        self.forget(Change::Catalogue);
    }

    /// An application's App ID.
    pub fn application(&self, name: &str) -> String {
        self.operator(|conn, operator| Ok(applications::create(conn, operator, name)?.0.app_id))
    }

    pub fn administrator(&self, name: &str) -> User {
        self.person(name, Role::Administrator, false)
    }

    /// A marketplace manager without API access.
    pub fn manager(&self, name: &str) -> User {
        self.person(name, Role::Manager, false)
    }

    /// A marketplace manager with API access.
    pub fn manager_with_access(&self, name: &str) -> User {
        self.person(name, Role::Manager, true)
    }

    fn person(&self, name: &str, role: Role, api_access: bool) -> User {
        let email = format!("{}@example.com", name.to_lowercase().replace(' ', "."));
        let new = NewUser { email, name: name.into(), role, api_access };
        self.operator(|conn, operator| {
            let user = users::commands::add(conn, operator, &new)?;
            users::commands::set_password(conn, operator, user.id, &password_hash())?;
            Ok(user)
        })
    }

    /// Gives a manager API access.
    pub fn grant(&self, user: &User) {
        self.operator(|conn, operator| access::grant(conn, operator, user.id));
    }

    /// Gives a manager API access to these environments and permissions only, or changes it into that.
    pub fn grant_only(&self, user: &User, environments: &[&str], permissions: Permissions) {
        let ids = environments.iter().map(|slug| self.environment(slug)).collect();
        let grant = access::Grant::of(Some(ids), permissions);
        self.operator(|conn, operator| access::set(conn, operator, user.id, &grant));
    }

    /// Takes API access back from a manager.
    pub fn withdraw(&self, user: &User) {
        self.operator(|conn, operator| access::withdraw(conn, operator, user.id));
    }

    /// Somebody at a browser, not signed in.
    pub fn visitor(&self) -> Browser {
        Browser::at(self.address)
    }

    /// Somebody at a browser, signed in through the form.
    pub async fn sign_in(&self, user: &User) -> Browser {
        let mut browser = self.visitor();
        let answer = browser
            .post("/sign-in", &[("email", &user.email), ("password", PASSWORD), ("next", "/keys")])
            .await;
        assert_eq!(answer.status(), 303, "{} cannot sign in:\n{}", user.name, answer.body());
        browser
    }

    /// A key of that owner in production, allowed to read reports, without a limit.
    #[track_caller]
    pub fn key(&self, owner: &User, name: &str) -> MadeKey {
        self.key_with(Some(owner), name, |_| {})
    }

    /// A key like [`TestApp::key`], changed before it is made.
    #[track_caller]
    pub fn key_with(
        &self,
        owner: Option<&User>,
        name: &str,
        change: impl FnOnce(&mut NewKey),
    ) -> MadeKey {
        self.operator(|conn, operator| {
            let applications = applications::list(conn, operator)?;
            let environments = latchkey::environments::list(conn)?;
            let catalogue = scopes::catalogue(conn)?;
            let mut new = NewKey {
                name: name.into(),
                note: String::new(),
                application_id: applications[0].id,
                environment_id: environments[0].id,
                owner_id: owner.map(|owner| owner.id),
                permissions: Permissions {
                    permissions: vec![catalogue[0].permissions[0].id],
                    ..Permissions::default()
                },
                limits: Vec::new(),
                expires_at: None,
                customers: Vec::new(),
                allowed_ips: Vec::new(),
                excluded_ips: Vec::new(),
                allowed_origins: Vec::new(),
            };
            change(&mut new);
            let (key, secret) = keys::commands::create(conn, operator, &new)?;
            Ok(MadeKey { key, secret: secret.reveal().to_owned() })
        })
    }

    /// The ids of these permissions, for [`TestApp::key_with`].
    pub fn permissions(&self, slugs: &[&str]) -> Permissions {
        let find = |conn: &mut PgConnection, slug: &str| {
            scopes::find(conn, slug).unwrap().expect("the catalogue has it").id
        };
        let permissions = self.db(|conn| slugs.iter().map(|slug| find(conn, slug)).collect());
        Permissions { permissions, ..Permissions::default() }
    }

    /// The whole section of that slug, for [`TestApp::key_with`].
    pub fn section(&self, slug: &str) -> Permissions {
        let id = self.db(|conn| scopes::find_section(conn, slug)).unwrap();
        Permissions { sections: vec![id.expect("the catalogue has it")], ..Permissions::default() }
    }

    /// The id of an environment.
    pub fn environment(&self, slug: &str) -> i64 {
        self.db(|conn| latchkey::environments::find_by_slug(conn, slug))
            .unwrap()
            .expect("the preset has it")
            .id
    }

    /// At most so many requests in so many seconds.
    pub fn limit(requests: i32, per_seconds: i32) -> Vec<Limit> {
        vec![Limit { requests, per_seconds }]
    }

    /// The token of a new gateway in that environment.
    #[track_caller]
    pub fn gateway(&self, environment: &str) -> String {
        let environment_id = self.environment(environment);
        static COUNT: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(1);
        let name = format!("gateway {}", COUNT.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        self.operator(|conn, operator| {
            Ok(gateways::create(conn, operator, &name, environment_id)?.1.reveal().to_owned())
        })
    }

    /// What the engine says to a gateway's question. On a busy machine it may say “ask again”, as a gateway then does.
    pub async fn verify(&self, token: &str, question: Value) -> Value {
        let began = std::time::Instant::now();
        loop {
            let answer = reqwest::Client::new()
                .post(self.url("/v1/verify"))
                .bearer_auth(token)
                .json(&question)
                .send()
                .await
                .expect("the engine answers");
            if answer.status() == 503 && began.elapsed() < std::time::Duration::from_secs(5) {
                continue;
            }
            assert_eq!(answer.status(), 200);
            return answer.json().await.expect("a verdict is JSON");
        }
    }

    /// The code of the verdict about a key, in one word.
    pub async fn code(&self, token: &str, key: &str) -> String {
        let verdict = self.verify(token, serde_json::json!({ "key": key })).await;
        verdict["code"].as_str().expect("a verdict has a code").to_owned()
    }

    /// Makes the server forget, as a change on one of its pages does.
    pub fn forget(&self, change: Change) {
        self.served.stop.app().forget(change);
    }

    /// Where answers are noted.
    pub fn log(&self) -> &latchkey::logs::Log {
        self.served.stop.app().engine.log()
    }

    /// Writes now what is counted and what is to be logged.
    pub fn flush(&self) {
        self.served.stop.recorder().flush();
        self.log().flush();
    }
}

/// Hashing is slow on purpose; once is enough for everybody.
fn password_hash() -> String {
    static HASH: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        users::passwords::hash(PASSWORD).expect("a password can be hashed")
    });
    HASH.clone()
}
