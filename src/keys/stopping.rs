//! The job that disables or revokes more keys than a request should: all of them or none, in one transaction, as with
//! fewer. Nothing is committed before the last of them, so a node that is killed or a person who cancels has changed
//! nothing; what is seen meanwhile is how far it would be.

use serde::{Deserialize, Serialize};

use super::{commands, selection::BulkAct, spaced};
use crate::{
    changes::Change,
    jobs::{Halt, Running},
};

/// Which keys, and what happens to them: those that the summary was about, whatever matches by then.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Bulk {
    pub act: BulkAct,
    /// Ascending.
    pub ids: Vec<i64>,
    pub reason: Option<String>,
}

impl Bulk {
    /// Its name on the page of jobs.
    pub fn title(&self) -> String {
        let act = if self.act.is_revoke() { "Revoke" } else { "Disable" };
        format!("{act} {} API keys", spaced(self.count()))
    }

    fn count(&self) -> i64 {
        i64::try_from(self.ids.len()).unwrap_or(i64::MAX)
    }
}

/// Does it; what was done is in the same transaction, so that nobody does it again.
pub fn run(bulk: Bulk, running: &mut Running<'_>) -> Result<String, Halt> {
    if let Some(said) = running.resume::<String>()? {
        return Ok(said);
    }
    let viewer = running.viewer()?;
    let (said, changed) = running.step(|conn, progress| {
        progress.total = Some(bulk.count());
        let plan = commands::stop_these(conn, &viewer, &bulk, |done| {
            progress.is_at(i64::try_from(done).unwrap_or(i64::MAX))
        })?;
        let said = plan.done(bulk.act);
        progress.go_on_at(&said)?;
        Ok((said, plan.changing.iter().map(|key| key.id).collect()))
    })?;
    running.forget(Change::Keys(changed));
    Ok(said)
}
