//! What is only kept for a while is removed, some thousand rows a step. Never the audit trail: it only grows.

use diesel::PgConnection;

use super::{Halt, Running, files};
use crate::{
    error::AppResult,
    logs,
    notices::{self, mail, webhooks},
    settings, usage,
};

/// Jobs that have ended are kept for so many days.
pub const JOBS_KEPT_DAYS: i64 = 30;

/// Removes some rows that are too old; says how many.
type Remove = fn(&mut PgConnection) -> AppResult<usize>;

/// What is removed, in words, and by whom. Something new is a line here.
const KEPT_FOR_A_WHILE: [(&str, Remove); 7] = [
    ("files of exports", files::remove_old),
    ("jobs that ended", |conn| files::remove_old_jobs(conn, JOBS_KEPT_DAYS)),
    ("requests of days gone by", |conn| {
        let days = settings::load(conn)?.logs_kept_days;
        Ok(logs::retain(conn, days)?.len())
    }),
    ("callers of old secrets", usage::remove_old_callers),
    ("notices of long ago", notices::remove_old),
    ("e-mails about notices", mail::remove_old),
    ("deliveries to webhooks", webhooks::remove_old),
];

/// Removes until nothing is left. Whoever goes on after an interruption begins anew: what is gone costs nothing.
pub fn run(running: &mut Running<'_>) -> Result<String, Halt> {
    let mut removed = 0;
    for (what, remove) in KEPT_FOR_A_WHILE {
        loop {
            let count = running.step(|conn, progress| {
                let count = remove(conn)?;
                progress.text = what.into();
                progress.done += i64::try_from(count).unwrap_or(0);
                Ok(count)
            })?;
            removed += count;
            if count == 0 {
                break;
            }
        }
    }
    Ok(match removed {
        0 => "Nothing was too old.".into(),
        1 => "One row was too old and is gone.".into(),
        many => format!("{} rows were too old and are gone.", crate::keys::spaced(many as i64)),
    })
}
