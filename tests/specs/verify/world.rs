//! A platform with gateways that ask, over HTTP, an engine on a Postgres.

use std::{net::SocketAddr, thread, time::Duration};

use actix_web::rt;
use chrono::{DateTime, Utc};
use diesel::{PgConnection, prelude::*};
use latchkey::{
    applications,
    changes::Change,
    credentials::{Secret, public_key},
    error::AppResult,
    gateways, presets,
    schema::{environments, keys, permissions},
    usage::Recorder,
    users::Viewer,
    verify::Engine,
};
use reqwest::{Client, Method, RequestBuilder};
use serde_json::{Value, json};

use super::proxy::Proxy;
use crate::support::{Served, database::SpecDatabase};

/// The affiliate preset, one application, and a node that answers.
pub struct World {
    pub node: Node,
    pub application: String,
    pub app_secret: Secret,
    pub production: String,
    pub proxy: Proxy,
    application_id: i64,
    pub database: SpecDatabase,
}

/// A server, whole.
pub struct Node {
    pub address: SocketAddr,
    pub engine: Engine,
    pub recorder: Recorder,
    pub client: Client,
    _served: Served,
}

/// A key as its owner knows it.
pub struct Key {
    pub id: i64,
    pub public_key: String,
    pub secret: Secret,
}

/// What a new key can and may.
#[derive(Default)]
pub struct Wanted<'a> {
    pub environment: Option<&'a str>,
    pub scopes: &'a [&'a str],
    pub all_permissions: bool,
    pub expires_at: Option<DateTime<Utc>>,
    pub customers: &'a [&'a str],
    pub allowed_ips: &'a [&'a str],
    /// Requests and seconds.
    pub limits: &'a [(i32, i32)],
}

/// An answer, read to its end.
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub text: String,
}

impl World {
    pub async fn start() -> Self {
        Self::on(SpecDatabase::create()).await
    }

    /// On a database that is there already.
    pub async fn on(database: SpecDatabase) -> Self {
        let proxy = Proxy::before(&database.url);
        let mut conn = database.connect();
        let operator = Viewer::operator();
        presets::apply(&mut conn, &operator, "affiliate").unwrap();
        let (application, app_secret) =
            applications::create(&mut conn, &operator, "Rentmy").unwrap();
        let production = environment_id(&mut conn, "production");
        let (_, token) = gateways::create(&mut conn, &operator, "edge", production).unwrap();
        Self {
            // After everything that is announced, so that nothing of it arrives in the middle of a spec.
            node: Node::start(&proxy.url),
            application: application.app_id,
            app_secret,
            production: token.reveal().to_owned(),
            proxy,
            application_id: application.id,
            database,
        }
    }

    pub fn conn(&self) -> PgConnection {
        self.database.connect()
    }

    /// Another process on the same database.
    pub fn another_node(&self) -> Node {
        Node::start(&self.database.url)
    }

    /// Another process on the same database, with settings of its own.
    pub fn another_node_with(&self, settings: &[(&str, &str)]) -> Node {
        Node::start_with(&self.database.url, settings)
    }

    pub fn gateway(&self, name: &str, environment: &str) -> (i64, Secret) {
        let mut conn = self.conn();
        let environment = environment_id(&mut conn, environment);
        let (gateway, token) =
            gateways::create(&mut conn, &Viewer::operator(), name, environment).unwrap();
        (gateway.id, token)
    }

    /// A key, row by row: also such as no command would leave behind.
    pub fn key(&self, wanted: Wanted) -> Key {
        let conn = &mut self.conn();
        let slug = wanted.environment.unwrap_or("production");
        let environment = environment_id(conn, slug);
        let prefix: String =
            environments::table.find(environment).select(environments::prefix).first(conn).unwrap();
        let (secret, public_key) = (Secret::for_key(&prefix), public_key(&prefix));
        let id: i64 = diesel::insert_into(keys::table)
            .values((
                keys::public_key.eq(&public_key),
                keys::name.eq("Größe & Co"),
                keys::name_skeleton.eq(&public_key),
                keys::application_id.eq(self.application_id),
                keys::environment_id.eq(environment),
                keys::all_permissions.eq(wanted.all_permissions),
                keys::expires_at.eq(wanted.expires_at),
            ))
            .returning(keys::id)
            .get_result(conn)
            .unwrap();
        add_secret(conn, id, &secret);
        for scope in wanted.scopes {
            let permission: i64 = permissions::table
                .filter(permissions::slug.eq(scope))
                .select(permissions::id)
                .first(conn)
                .unwrap();
            run(conn, &format!("insert into key_permissions values ({id}, {permission})"));
        }
        for customer in wanted.customers {
            run(
                conn,
                &format!(
                    "with customer as (insert into customers (external_id) values ('{customer}') \
                     on conflict (external_id) do update set external_id = excluded.external_id returning id) \
                     insert into key_customers select {id}, id from customer"
                ),
            );
        }
        for range in wanted.allowed_ips {
            run(
                conn,
                &format!(
                    "update keys set allowed_ips = allowed_ips || cidr '{range}' where id = {id}"
                ),
            );
        }
        for (requests, seconds) in wanted.limits {
            run(conn, &format!("insert into key_limits values ({id}, {seconds}, {requests})"));
        }
        Key { id, public_key, secret }
    }

    /// A change as this node makes it: committed, announced, forgotten before anyone is told.
    pub fn change(&self, key: &Key, sql: &str) {
        self.change_elsewhere(key, sql);
        self.node.engine.forget(Change::Key(key.id));
    }

    /// A change as another process makes it: `NOTIFY` is all this node hears of it.
    pub fn change_elsewhere(&self, key: &Key, sql: &str) {
        let sql = sql.replace("$key", &key.id.to_string());
        run(&mut self.conn(), &sql);
    }

    /// A change by the operator's command line: a process of its own, which cannot tell this one but by `NOTIFY`.
    pub fn operator<T>(&self, act: impl FnOnce(&mut PgConnection, &Viewer) -> AppResult<T>) -> T {
        self.conn().transaction(|conn| act(conn, &Viewer::operator())).unwrap()
    }

    /// A new secret; the old one ends now.
    pub fn regenerate(&self, key: &Key) -> Secret {
        let secret = Secret::for_key("prod");
        let conn = &mut self.conn();
        run(
            conn,
            &format!(
                "update key_secrets set ends_at = now() where key_id = {} and ends_at is null",
                key.id
            ),
        );
        add_secret(conn, key.id, &secret);
        self.node.engine.forget(Change::Key(key.id));
        secret
    }

    /// Asks through the production gateway.
    pub async fn verify(&self, question: Value) -> Answer {
        Answer::to(self.node.question(&self.production, &question)).await
    }

    /// Asks, and is content with not being answered.
    pub async fn try_to_verify(&self, key: &Key) -> Answer {
        let question = json!({ "key": key.secret.reveal() });
        Answer::at_once(self.node.question(&self.production, &question)).await
    }

    /// Asks about a key's secret alone.
    pub async fn verify_key(&self, key: &Key) -> Answer {
        self.verify(json!({ "key": key.secret.reveal() })).await
    }

    /// A forward-auth question of the production gateway.
    pub fn authorize(&self, query: &str) -> RequestBuilder {
        self.node
            .request(Method::GET, &format!("/v1/authorize{query}"))
            .header("X-Gateway-Token", &self.production)
    }
}

impl Node {
    pub fn start(database_url: &str) -> Self {
        Self::start_with(database_url, &[])
    }

    /// With settings as the environment would give them.
    pub fn start_with(database_url: &str, settings: &[(&str, &str)]) -> Self {
        let proxies = [("LATCHKEY_TRUSTED_PROXIES", "10.0.0.0/8")];
        let served = Served::start(database_url, &[&proxies, settings].concat());
        let (engine, recorder) = (served.stop.app().engine.clone(), served.stop.recorder().clone());
        while !(engine.hears_changes() && engine.can_look_up()) {
            thread::sleep(Duration::from_millis(2));
        }
        Self { address: served.address, engine, recorder, client: Client::new(), _served: served }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("http://{}{path}", self.address))
    }

    pub async fn verify(&self, gateway: &str, question: Value) -> Answer {
        Answer::to(self.question(gateway, &question)).await
    }

    pub fn question(&self, gateway: &str, question: &Value) -> RequestBuilder {
        self.request(Method::POST, "/v1/verify").bearer_auth(gateway).json(question)
    }
}

impl Answer {
    /// As a gateway does: what cannot be known now is asked again. A machine that runs many specs at once is at times
    /// slower than the engine's patience.
    pub async fn to(request: RequestBuilder) -> Self {
        for _ in 0..5 {
            let answer = Self::at_once(request.try_clone().unwrap()).await;
            if answer.status != 503 {
                return answer;
            }
            rt::time::sleep(Duration::from_millis(300)).await;
        }
        Self::at_once(request).await
    }

    /// What the first try gets.
    pub async fn at_once(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("every request is answered");
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Self { status, headers, text: response.text().await.unwrap() }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("not JSON: {}", self.text))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// 200 with this verdict, of which the status is said to be that.
    #[track_caller]
    pub fn assert_verdict(&self, code: &str, status: u16) -> &Self {
        let json = self.json();
        assert_eq!(self.status, 200, "{json}");
        assert_eq!(json["code"], code, "{json}");
        assert_eq!(json["status"], status, "{json}");
        assert_eq!(json["valid"], code == "VALID", "{json}");
        self
    }

    /// A problem with this status, that nothing of what was sent is in.
    #[track_caller]
    pub fn assert_problem(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("content-type"), Some("application/problem+json"));
        assert_eq!(self.header("cache-control"), Some("no-store"));
        assert_eq!(self.json()["status"], status);
        self
    }

    /// The status and the code of a forward-auth answer.
    #[track_caller]
    pub fn assert_authorizes(&self, status: u16, code: &str) -> &Self {
        assert_eq!(self.status, status, "{}", self.text);
        assert_eq!(self.header("x-verify-code"), Some(code));
        self
    }
}

fn environment_id(conn: &mut PgConnection, slug: &str) -> i64 {
    environments::table
        .filter(environments::slug.eq(slug))
        .select(environments::id)
        .first(conn)
        .unwrap()
}

fn add_secret(conn: &mut PgConnection, key: i64, secret: &Secret) {
    use latchkey::schema::key_secrets;
    diesel::insert_into(key_secrets::table)
        .values((
            key_secrets::key_id.eq(key),
            key_secrets::hash.eq(secret.hash().as_bytes()),
            key_secrets::masked.eq(secret.masked()),
        ))
        .execute(conn)
        .unwrap();
}

pub fn run(conn: &mut PgConnection, sql: &str) {
    diesel::sql_query(sql).execute(conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
}
