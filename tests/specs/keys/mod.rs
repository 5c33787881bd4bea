//! Keys, from the wizard to the grave.

mod bulk;
pub mod creating;
mod deleting;
mod disabling;
mod duplicating;
mod editing;
mod enabling;
mod explaining;
mod eye;
mod filtering;
mod hammering;
mod history;
mod listing;
mod many_keys;
mod overlap;
mod paging;
mod policies;
mod regenerating;
mod restricting;
mod revealing;
mod revoking;
mod searching;
mod transferring;
mod who_breaks;

use diesel::{RunQueryDsl, connection::SimpleConnection, sql_types::Text};
use latchkey::{audit, keys};

use crate::support::{Page, TestApp};

/// The actions in a key's trail, oldest first.
fn trail(app: &TestApp, public_key: &str) -> Vec<String> {
    let events = app.db(|conn| audit::recent_for(conn, public_key, 1_000)).unwrap();
    events.into_iter().rev().map(|event| event.action).collect()
}

/// Does something to the database behind everybody's back.
fn run(app: &TestApp, sql: &str) {
    app.db(|conn| conn.batch_execute(sql)).unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// Everything that is stored of keys, as text: the same before and after means that nothing changed.
fn stored(app: &TestApp) -> String {
    #[derive(diesel::QueryableByName)]
    struct Stored {
        #[diesel(sql_type = Text)]
        rows: String,
    }
    let tables = [
        "keys",
        "key_secrets",
        "key_sections",
        "key_permissions",
        "key_limits",
        "key_customers",
        "audit_events",
    ];
    let rows: Vec<String> = tables
        .iter()
        .map(|table| {
            format!("(select string_agg(t::text, E'\\n' order by t::text) from {table} t)")
        })
        .collect();
    let ask = format!("select concat_ws(E'\\n--\\n', {}) as rows", rows.join(", "));
    app.db(|conn| diesel::sql_query(ask).get_result::<Stored>(conn)).unwrap().rows
}

/// From now on nothing can be written to the trail.
fn break_the_trail(app: &TestApp) {
    run(
        app,
        "create function refuse_event() returns trigger language plpgsql as
             $$ begin raise exception 'the trail is full'; end $$;
         create trigger audit_events_full before insert on audit_events
             for each statement execute function refuse_event();",
    );
}

/// Moves the end of a key's life into the past.
fn expire(app: &TestApp, public_key: &str) {
    run(
        app,
        &format!(
            "update keys set expires_at = now() - interval '1 minute' where public_key = '{public_key}'"
        ),
    );
}

/// Somebody else's key and none at all look the same: status and every byte but the request's own id.
#[track_caller]
fn assert_same_answer(one: &Page, other: &Page) {
    let bare = |page: &Page| page.body().replace(page.header("x-request-id"), "");
    assert_eq!(one.status(), other.status());
    assert_eq!(bare(one), bare(other));
}

/// The statuses of several answers, sorted.
fn statuses(pages: &[Page]) -> Vec<u16> {
    let mut statuses: Vec<u16> = pages.iter().map(Page::status).collect();
    statuses.sort_unstable();
    statuses
}

/// A public key that is spelled right and belongs to nobody.
const NOBODYS: &str = "prod_pk_0123456789abcdef";

/// That many keys of nobody's, named by number; made in one go.
fn many(app: &TestApp, names: impl IntoIterator<Item = String>) -> Vec<String> {
    let template = app.key_with(None, "template", |_| {});
    app.operator(|conn, operator| {
        keys::commands::revoke(conn, operator, template.public_key(), None)
    });
    app.operator(|conn, operator| keys::commands::delete(conn, operator, template.public_key()));
    app.operator(|conn, operator| {
        let catalogue = latchkey::scopes::catalogue(conn)?;
        names
            .into_iter()
            .map(|name| {
                let new = keys::NewKey {
                    name,
                    note: String::new(),
                    application_id: template.key.application_id,
                    environment_id: template.key.environment_id,
                    owner_id: None,
                    permissions: keys::Permissions {
                        permissions: vec![catalogue[0].permissions[0].id],
                        ..keys::Permissions::default()
                    },
                    limits: Vec::new(),
                    expires_at: None,
                    customers: Vec::new(),
                    allowed_ips: Vec::new(),
                    excluded_ips: Vec::new(),
                    allowed_origins: Vec::new(),
                };
                Ok(keys::commands::create(conn, operator, &new)?.0.public_key)
            })
            .collect()
    })
}
