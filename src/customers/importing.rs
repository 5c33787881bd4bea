//! The job that imports a long list: all of it or nothing, in one transaction, as with a short one.

use serde::{Deserialize, Serialize};

use super::{commands, sheet::Sheet};
use crate::{
    error::AppError,
    jobs::{Halt, Running},
    keys::spaced,
};

/// More customers than that are imported by a job.
pub const AT_ONCE: usize = 2_000;

/// The list, as it was understood when it was asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Import {
    /// As CSV.
    pub rows: String,
    pub count: i64,
}

impl Import {
    pub fn of(sheet: &Sheet) -> Self {
        Self { rows: sheet.to_csv(), count: i64::try_from(sheet.rows.len()).unwrap_or(i64::MAX) }
    }

    /// Its name on the page of jobs.
    pub fn title(&self) -> String {
        format!("Import {} customers", spaced(self.count))
    }
}

/// Does it; what was done is in the same transaction, so that nobody does it again.
pub fn run(import: Import, running: &mut Running<'_>) -> Result<String, Halt> {
    if let Some(said) = running.resume::<String>()? {
        return Ok(said);
    }
    let sheet = Sheet::parse(import.rows.as_bytes()).map_err(|_| {
        AppError::Unprocessable("The list is not understood any more. Import it again.".into())
    })?;
    let viewer = running.viewer()?;
    running.step(|conn, progress| {
        progress.total = Some(import.count);
        let said = commands::import(conn, &viewer, &sheet, |done| {
            progress.is_at(i64::try_from(done).unwrap_or(i64::MAX))
        })?
        .said();
        progress.go_on_at(&said)?;
        Ok(said)
    })
}
