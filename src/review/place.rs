//! The address of the page: which group, and from where on.

use chrono::{DateTime, Utc};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::Group;
use crate::{
    error::{AppError, AppResult},
    web::Signer,
};

/// The query of the address, as typed. Empty values count as absent.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct PlaceForm {
    pub group: String,
    pub after: String,
}

/// How far a walk through a group has come: what it is ordered by, and the key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub at: DateTime<Utc>,
    pub id: i64,
}

impl Place {
    /// Before everything.
    pub const BEGINNING: Self = Self { at: DateTime::UNIX_EPOCH, id: 0 };

    /// The address of what comes after it.
    pub fn address(self, group: Group, signer: &Signer<'_>) -> String {
        let place = format!("{} {}", self.at.timestamp_micros(), self.id);
        let spelled = signer.spell(&group.address(), &place);
        format!("{}&after={}", group.address(), utf8_percent_encode(&spelled, NON_ALPHANUMERIC))
    }

    fn parse(typed: &str, group: Group, signer: &Signer<'_>) -> Option<Self> {
        let place = signer.parse(&group.address(), typed)?;
        let (at, id) = place.split_once(' ')?;
        Some(Self { at: DateTime::from_timestamp_micros(at.parse().ok()?)?, id: id.parse().ok()? })
    }
}

impl PlaceForm {
    /// Understands the address.
    ///
    /// # Errors
    /// [`AppError::BadRequest`] for what no page of ours offers.
    pub fn parse(&self, signer: &Signer<'_>) -> AppResult<(Group, Place)> {
        let group = match self.group.as_str() {
            "" => Group::Permissions,
            slug => parse_group(slug)?,
        };
        let place = match self.after.as_str() {
            "" => Place::BEGINNING,
            typed => Place::parse(typed, group, signer).ok_or_else(|| {
                AppError::BadRequest(
                    "This is a bad page address: it belongs to another list. Go back to the first page.".into(),
                )
            })?,
        };
        Ok((group, place))
    }
}

/// # Errors
/// [`AppError::BadRequest`] for a group that there is not.
pub fn parse_group(slug: &str) -> AppResult<Group> {
    Group::parse(slug).ok_or_else(|| {
        AppError::BadRequest(
            "The address has a group that doesn’t exist. Go back to the list and choose again."
                .into(),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::users::Viewer;

    #[test]
    fn a_place_belongs_to_its_group() {
        let viewer = Viewer::operator();
        let signer = Signer { key: b"0123456789abcdef", viewer: &viewer };
        let place = Place { at: DateTime::from_timestamp_micros(1_234_567).unwrap(), id: 42 };
        let address = place.address(Group::Unused, &signer);
        let after = address.split_once("after=").unwrap().1.replace("%2D", "-").replace("%5F", "_");
        let form = |group: &str| PlaceForm { group: group.into(), after: after.clone() };
        assert_eq!(form("unused").parse(&signer).unwrap(), (Group::Unused, place));
        for wrong in ["", "never", "everything"] {
            assert!(matches!(form(wrong).parse(&signer), Err(AppError::BadRequest(_))), "{wrong}");
        }
    }
}
