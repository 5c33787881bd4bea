//! The job that writes the file. Each step writes the next keys, in the order in which they were made, and where to go
//! on; what has changed meanwhile is as it was at that step.

use chrono::Utc;
use serde::{Deserialize, Serialize};

use super::columns;
use crate::{
    environments::Mode,
    error::AppError,
    jobs::{Finished, Halt, Running, add_part, finish},
    keys::{filter::FilterForm, queries, spaced},
    users::Viewer,
    web::{Signer, download::Format},
};

/// Keys in a step, and in a part of the file.
const AT_ONCE: i64 = 1_000;

/// Which keys, and how they are written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Export {
    /// As it stands in the list’s address.
    pub filter: FilterForm,
    /// The mode that the list was in.
    pub mode: Option<Mode>,
    /// `csv` or `jsonl`.
    pub format: String,
}

/// Where the next step goes on.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Place {
    /// The id of the last key that is written.
    after: i64,
    parts: i32,
    rows: i64,
    bytes: i64,
    is_finished: bool,
}

impl Export {
    /// Its name on the page of jobs.
    pub fn title(&self) -> String {
        let format = if self.format == "csv" { "CSV" } else { "JSON lines" };
        let mode = self.mode.map(|mode| format!("{} mode", mode.label()));
        let chosen = self.filter.chosen();
        let chosen = chosen.iter().map(|(name, value)| format!("{name} {value}"));
        let narrowed: Vec<String> = mode.into_iter().chain(chosen).collect();
        if narrowed.is_empty() {
            format!("Export all API keys as {format}")
        } else {
            format!("Export API keys as {format}: {}", narrowed.join(", "))
        }
    }
}

/// Writes the file. Who asked sees the keys they see now, not those they saw then.
pub fn run(export: Export, running: &mut Running<'_>) -> Result<String, Halt> {
    let format = Format::parse(&export.format)
        .ok_or_else(|| AppError::Unprocessable("Nobody knows this kind of file.".into()))?;
    let mut place: Place = running.resume()?.unwrap_or_default();
    while !place.is_finished {
        let viewer = Viewer { mode: export.mode, ..running.viewer()? };
        // There is no cursor in it, so nothing is signed.
        let filter = export.filter.parse(&Signer { key: &[], viewer: &viewer })?;
        let id = running.id();
        place = running.step(|conn, progress| {
            let now = Utc::now();
            if progress.total.is_none() {
                progress.total = Some(queries::count_matching(conn, &viewer, &filter, now)?);
            }
            let keys = queries::after(conn, &viewer, &filter, place.after, AT_ONCE, now)?;
            let mut sheet = columns::sheet(format, place.parts == 0);
            for key in &keys {
                columns::write(&mut sheet, format, key, now);
            }
            let content = sheet.take();
            let read = i64::try_from(keys.len()).unwrap_or(AT_ONCE);
            let next = Place {
                after: keys.last().map_or(place.after, |(key, ..)| key.id),
                parts: place.parts + 1,
                rows: place.rows + read,
                bytes: place.bytes + i64::try_from(content.len()).unwrap_or(0),
                is_finished: read < AT_ONCE,
            };
            add_part(conn, id, place.parts, content)?;
            if next.is_finished {
                let day = now.format("%Y-%m-%d");
                let finished = Finished {
                    name: format!("api-keys-{day}.{}", format.extension()),
                    media_type: format.content_type().into(),
                    bytes: next.bytes,
                    rows: next.rows,
                    for_administrators: viewer.is_administrator(),
                };
                finish(conn, id, &finished)?;
                progress.total = Some(next.rows);
            }
            progress.done = next.rows;
            progress.go_on_at(&next)?;
            Ok(next)
        })?;
    }
    Ok(match place.rows {
        0 => "No key matched: the file has no rows.".into(),
        1 => "One key is in the file.".into(),
        rows => format!("{} keys are in the file.", spaced(rows)),
    })
}
