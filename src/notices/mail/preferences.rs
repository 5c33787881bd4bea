//! Which kinds of notices somebody wants by e-mail: on the page of their account.

use diesel::{PgConnection, prelude::*};
use serde::Deserialize;

use crate::{
    error::{AppError, AppResult},
    notices::Kind,
    schema::users,
    users::Viewer,
    web::Problems,
};

/// The kinds that are ticked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Preferences {
    kind: Vec<String>,
}

impl Preferences {
    /// # Errors
    /// When one of them is none.
    pub fn parse(&self) -> Result<Vec<Kind>, Problems> {
        let parsed: Option<Vec<Kind>> = self.kind.iter().map(|slug| Kind::parse(slug)).collect();
        parsed.ok_or_else(|| Problems::one("kind", "Choose among the kinds in the list."))
    }
}

/// Each kind, and whether the viewer wants it by e-mail.
///
/// # Errors
/// When Postgres cannot be asked.
pub fn wanted(conn: &mut PgConnection, viewer: &Viewer) -> AppResult<Vec<(Kind, bool)>> {
    let Some(id) = viewer.id else { return Ok(Vec::new()) };
    let unwanted: Vec<String> =
        users::table.find(id).select(users::kinds_not_mailed).first(conn)?;
    let is_wanted = |kind: Kind| !unwanted.iter().any(|slug| slug == kind.slug());
    Ok(Kind::ALL.into_iter().map(|(kind, ..)| (kind, is_wanted(kind))).collect())
}

/// Wants these and no others from then on. A taste, not an act: the trail does not tell it. What a newer version has
/// stored of its own kinds stays.
///
/// # Errors
/// [`AppError::Forbidden`] for the operator.
pub fn choose(conn: &mut PgConnection, viewer: &Viewer, wanted: &[Kind]) -> AppResult<()> {
    let id = viewer.id.ok_or(AppError::Forbidden)?;
    let before: Vec<String> =
        users::table.find(id).select(users::kinds_not_mailed).for_update().first(conn)?;
    let mut unwanted: Vec<String> =
        before.into_iter().filter(|slug| Kind::parse(slug).is_none()).collect();
    let left_out = Kind::ALL.iter().filter(|(kind, ..)| !wanted.contains(kind));
    unwanted.extend(left_out.map(|(_, slug, ..)| (*slug).to_owned()));
    diesel::update(users::table.find(id))
        .set(users::kinds_not_mailed.eq(unwanted))
        .execute(conn)?;
    Ok(())
}
