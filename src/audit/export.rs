//! The trail as a file, newest first, a piece at a time. That somebody took it along is an event itself: it holds where
//! people come from.

use chrono::SecondsFormat;
use diesel::PgConnection;
use serde_json::json;

use super::{
    Action, Subject,
    filter::{Cursor, Filter, FilterForm},
    queries, record,
};
use crate::{
    error::AppResult,
    users::Viewer,
    web::download::{Cell, Format, Sheet},
};

/// Events read at once.
const PIECE: i64 = 2_000;

/// The columns of the file.
pub const COLUMNS: &[&str] = &[
    "number",
    "at",
    "actor_id",
    "actor",
    "ip",
    "request_id",
    "action",
    "subject",
    "subject_name",
    "details",
    "previous_hash",
    "hash",
];

/// What the command line exports: all there is.
#[derive(Debug, Clone, Default)]
pub struct Everything(Filter);

impl Everything {
    /// Writes into the trail that all of it is about to be taken along.
    ///
    /// # Errors
    /// [`crate::error::AppError::Forbidden`] unless an administrator asks.
    pub fn begin(conn: &mut PgConnection, viewer: &Viewer, format: Format) -> AppResult<Self> {
        begin(conn, viewer, format, &FilterForm::default())?;
        Ok(Self::default())
    }
}

/// Writes into the trail who takes what of it along.
///
/// # Errors
/// [`crate::error::AppError::Forbidden`] unless an administrator asks.
pub(super) fn begin(
    conn: &mut PgConnection,
    viewer: &Viewer,
    format: Format,
    form: &FilterForm,
) -> AppResult<()> {
    let viewer = viewer.confirm_administrator(conn)?;
    let chosen: serde_json::Map<_, _> =
        form.chosen().into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    let details = json!({ "format": format.extension(), "filter": chosen });
    let subject = Subject { id: "audit", name: "Audit trail" };
    record(conn, &viewer, Action::AuditExported, subject, details)
}

/// Adds the next events to a sheet of [`COLUMNS`]; answers from where to go on.
///
/// # Errors
/// [`crate::error::AppError::NotFound`] unless an administrator asks.
pub fn write_piece(
    conn: &mut PgConnection,
    viewer: &Viewer,
    of: &Everything,
    mut sheet: Sheet,
    from: Option<Cursor>,
) -> AppResult<(Sheet, Option<Cursor>)> {
    let next = write_some(conn, viewer, &of.0, &mut sheet, from)?;
    Ok((sheet, next))
}

/// As [`write_piece`], of what a filter lets through.
pub(super) fn write_some(
    conn: &mut PgConnection,
    viewer: &Viewer,
    filter: &Filter,
    sheet: &mut Sheet,
    from: Option<Cursor>,
) -> AppResult<Option<Cursor>> {
    let filter = Filter { cursor: from, ..filter.clone() };
    let entries = queries::some(conn, viewer, &filter, PIECE)?;
    for entry in &entries {
        // Exactly as it was hashed.
        let at = entry.at.to_rfc3339_opts(SecondsFormat::Micros, true);
        let ip = entry.ip.map(|ip| ip.addr().to_string());
        let request_id = entry.request_id.map(|id| id.to_string());
        sheet.row(&[
            Cell::Number(entry.id),
            Cell::Text(&at),
            entry.actor_id.map_or(Cell::Empty, Cell::Number),
            Cell::Text(&entry.actor),
            ip.as_deref().into(),
            request_id.as_deref().into(),
            Cell::Text(&entry.action),
            Cell::Text(&entry.subject),
            Cell::Text(&entry.subject_name),
            Cell::Json(&entry.details),
            Cell::Text(&hex::encode(&entry.previous_hash)),
            Cell::Text(&hex::encode(&entry.hash)),
        ]);
    }
    let is_all = entries.len() < PIECE as usize;
    Ok(entries.last().filter(|_| !is_all).map(|entry| queries::place(entry, false)))
}
