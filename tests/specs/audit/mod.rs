//! The trail: one chain, which nobody changes without being found out, and its page.

mod acting;
mod chain;
mod every_act;
mod exporting;
mod guarding;
mod listing;
mod tampering;
mod walking;

use diesel::{PgConnection, connection::SimpleConnection};
use latchkey::audit::verify::{self, Report};

use crate::support::TestApp;

/// What the program finds out about the trail.
pub fn verify(app: &TestApp) -> Report {
    app.db(|conn| verify::verify(conn, None)).unwrap()
}

/// What the owner of the database can do who means ill.
pub fn tamper(conn: &mut PgConnection, statement: &str) {
    conn.batch_execute(&format!(
        "alter table audit_events disable trigger audit_events_only_grow;
         {statement};
         alter table audit_events enable always trigger audit_events_only_grow"
    ))
    .unwrap();
}
