//! Notices on their way: by e-mail, and to other programs.

mod mail;
mod mail_server;
// On macOS nothing can stand in for who knows names.
#[cfg(target_os = "linux")]
mod moving_names;
mod private_addresses;
pub mod receiver;
mod walking;
mod webhook_pages;
mod webhook_secrets;
mod webhook_tls;
pub mod webhooks;

use std::time::{Duration, Instant};

use diesel::{
    PgConnection, QueryableByName, RunQueryDsl, connection::SimpleConnection, sql_query,
    sql_types::Text,
};
use latchkey::{notices, users};

use crate::support::{Browser, MadeKey, PASSWORD, Program};

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    text: String,
}

/// The answers to a question with one column, `text`.
fn ask(conn: &mut PgConnection, sql: &str) -> Vec<String> {
    let lines: Vec<Line> =
        sql_query(sql).load(conn).unwrap_or_else(|error| panic!("{sql}: {error}"));
    lines.into_iter().map(|line| line.text).collect()
}

fn run(conn: &mut PgConnection, sql: &str) {
    conn.batch_execute(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Waits until that is so.
#[track_caller]
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let began = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it never came to this: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Adds an administrator where no spec's own server is.
fn add_ada(conn: &mut PgConnection) {
    let operator = users::Viewer::operator();
    let new = users::NewUser {
        email: "ada@example.com".into(),
        name: "Ada".into(),
        role: users::Role::Administrator,
        api_access: false,
    };
    let ada = users::commands::add(conn, &operator, &new).unwrap();
    let hash = users::passwords::hash(PASSWORD).unwrap();
    users::commands::set_password(conn, &operator, ada.id, &hash).unwrap();
}

/// Ada, signed in there.
async fn sign_in(program: &Program) -> Browser {
    let mut ada = program.visitor();
    let fields = [("email", "ada@example.com"), ("password", PASSWORD)];
    ada.post("/sign-in", &fields).await.assert_status(303);
    ada
}

/// Something has happened to these keys, and whoever should hears of it.
fn happens(conn: &mut PgConnection, kind: &str, occasion: &str, details: &str, keys: &[&MadeKey]) {
    let ids: Vec<String> = keys.iter().map(|made| made.key.id.to_string()).collect();
    run(
        conn,
        &format!(
            "insert into notices (kind, key_id, owner_id, occasion, details) \
             select '{kind}', id, owner_id, '{occasion}', '{details}' from keys where id in ({})",
            ids.join(", ")
        ),
    );
    notices::deliver_soon(conn).unwrap();
}
