//! Processes on one Postgres, and the keys they are asked about.

use std::time::{Duration, Instant};

use actix_web::rt;
use diesel::{PgConnection, connection::SimpleConnection, prelude::*};
use latchkey::{
    applications,
    credentials::{Secret, public_key},
    gateways, presets,
    schema::{environments, key_secrets, keys},
    users::Viewer,
};
use serde_json::{Value, json};

use crate::{
    support::{Program, database::SpecDatabase},
    verify::world::Answer,
};

/// A database with the affiliate preset and a gateway in production.
pub struct Fleet {
    pub database: SpecDatabase,
    pub token: String,
    application: i64,
    production: i64,
}

pub struct Key {
    pub id: i64,
    pub public_key: String,
    pub secret: Secret,
}

impl Fleet {
    pub fn gather() -> Self {
        let database = SpecDatabase::create();
        let (mut conn, operator) = (database.connect(), Viewer::operator());
        presets::apply(&mut conn, &operator, "affiliate").unwrap();
        let (application, _) = applications::create(&mut conn, &operator, "Rentmy").unwrap();
        let production = environments::table
            .filter(environments::slug.eq("production"))
            .select(environments::id)
            .first(&mut conn)
            .unwrap();
        let (_, token) = gateways::create(&mut conn, &operator, "edge", production).unwrap();
        let token = token.reveal().to_owned();
        Self { database, token, application: application.id, production }
    }

    pub fn conn(&self) -> PgConnection {
        self.database.connect()
    }

    pub fn keys(&self, count: usize) -> Vec<Key> {
        let made: Vec<(String, Secret)> =
            (0..count).map(|_| (public_key("prod"), Secret::for_key("prod"))).collect();
        let rows: Vec<_> = made
            .iter()
            .map(|(public_key, _)| {
                (
                    keys::public_key.eq(public_key),
                    keys::name.eq(public_key),
                    keys::name_skeleton.eq(public_key),
                    keys::application_id.eq(self.application),
                    keys::environment_id.eq(self.production),
                )
            })
            .collect();
        let conn = &mut self.conn();
        diesel::insert_into(keys::table).values(rows).execute(conn).unwrap();
        let found: Vec<Key> = made
            .into_iter()
            .map(|(public_key, secret)| {
                let found = keys::table.filter(keys::public_key.eq(&public_key));
                let id = found.select(keys::id).first(conn).unwrap();
                Key { id, public_key, secret }
            })
            .collect();
        let secrets: Vec<_> = found
            .iter()
            .map(|key| {
                (
                    key_secrets::key_id.eq(key.id),
                    key_secrets::hash.eq(key.secret.hash().as_bytes().to_vec()),
                    key_secrets::masked.eq(key.secret.masked()),
                )
            })
            .collect();
        diesel::insert_into(key_secrets::table).values(secrets).execute(conn).unwrap();
        found
    }

    pub fn key(&self) -> Key {
        self.keys(1).remove(0)
    }

    /// Revokes a key as somebody in psql does it.
    pub fn revoke_by_hand(&self, key: &Key) {
        self.run(&format!("update keys set revoked_at = now() where id = {}", key.id));
    }

    pub fn run(&self, sql: &str) {
        self.conn().batch_execute(sql).unwrap();
    }

    /// What a node says of a key, without a second try.
    pub async fn ask(&self, client: &reqwest::Client, node: &Program, key: &Key) -> Answer {
        let address = format!("http://{}/v1/verify", node.address);
        let question = json!({ "key": key.secret.reveal() });
        Answer::at_once(client.post(address).bearer_auth(&self.token).json(&question)).await
    }

    /// As a gateway does: what cannot be known now is asked again.
    pub async fn code(&self, client: &reqwest::Client, node: &Program, key: &Key) -> String {
        let address = format!("http://{}/v1/verify", node.address);
        let question = json!({ "key": key.secret.reveal() });
        Answer::to(client.post(address).bearer_auth(&self.token).json(&question)).await.code()
    }

    /// What a node says about where the last change of a key is in force.
    pub async fn changes(&self, node: &Program, key: &Key) -> Value {
        let address = format!("http://{}/v1/changes/{}", node.address, key.public_key);
        Answer::to(reqwest::Client::new().get(address).bearer_auth(&self.token)).await.json()
    }

    /// Likewise, as soon as it is as expected.
    pub async fn eventually(&self, node: &Program, key: &Key, is_so: fn(&Value) -> bool) -> Value {
        let began = Instant::now();
        loop {
            let told = self.changes(node, key).await;
            if is_so(&told) {
                return told;
            }
            assert!(began.elapsed() < Duration::from_secs(10), "it stays {told}");
            rt::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// How long a node takes to refuse a key that was just revoked.
    pub async fn refused_after(&self, node: &Program, key: &Key) -> Duration {
        let (began, client) = (Instant::now(), reqwest::Client::new());
        while self.code(&client, node, key).await != "REVOKED" {
            assert!(began.elapsed() < Duration::from_secs(10), "it never does");
            rt::time::sleep(Duration::from_millis(5)).await;
        }
        began.elapsed()
    }

    /// Waits until so many nodes have said that they are there.
    pub async fn are_there(&self, nodes: i64) {
        use latchkey::schema::nodes::dsl;
        let (began, conn) = (Instant::now(), &mut self.conn());
        while dsl::nodes.count().get_result::<i64>(conn).unwrap() != nodes {
            assert!(began.elapsed() < Duration::from_secs(10), "they never are");
            rt::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
