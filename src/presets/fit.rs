//! What of a preset or a file does not fit the environments that are here: their slugs, and sentences about them.

use diesel::PgConnection;

use super::{model::Preset, usage};
use crate::{
    environments::{self as places, Environment},
    error::AppResult,
};

/// Environments that would get another prefix or mode although keys were made with those they have.
pub fn fixed_places(conn: &mut PgConnection, preset: &Preset) -> AppResult<Vec<(String, String)>> {
    let free = usage::without_keys(conn)?;
    let known = places::list(conn)?;
    let known = |slug: &str| known.iter().find(|place| place.slug == slug && !free.contains(slug));
    Ok(preset
        .environments
        .iter()
        .filter_map(|wanted| {
            let place = known(&wanted.slug)?;
            let stays = (&wanted.prefix, wanted.mode) == (&place.prefix, place.mode);
            (!stays).then(|| {
                let sentence = format!(
                    "Keys have been made in {}, so its prefix and mode are fixed: prefix = \"{}\", mode = \"{}\".",
                    place.slug,
                    place.prefix,
                    place.mode.slug()
                );
                (wanted.slug.clone(), sentence)
            })
        })
        .collect())
}

/// What a wanted prefix means for an environment whose prefix is fixed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Fixed {
    /// Nothing: it keeps the one it has.
    Stays,
    /// It is wrong already.
    IsWrong,
}

/// Prefixes that belong to another environment, which stays.
pub fn taken_prefixes(
    conn: &mut PgConnection,
    preset: &Preset,
    fixed: Fixed,
) -> AppResult<Vec<(String, String)>> {
    let (free, used) = (usage::without_keys(conn)?, usage::environments(conn)?);
    let known = places::list(conn)?;
    let stays = |place: &Environment| {
        used.contains(&place.slug)
            || preset.environments.iter().any(|wanted| wanted.slug == place.slug)
    };
    Ok(preset
        .environments
        .iter()
        .filter(|wanted| {
            let is_fixed =
                known.iter().any(|place| place.slug == wanted.slug) && !free.contains(&wanted.slug);
            !(is_fixed && fixed == Fixed::Stays)
        })
        .filter_map(|wanted| {
            let owner = known.iter().find(|place| {
                place.prefix == wanted.prefix && place.slug != wanted.slug && stays(place)
            })?;
            let sentence = format!(
                "The prefix {} of {} belongs to the environment {}, which stays. Give one of them another prefix first.",
                wanted.prefix, wanted.slug, owner.slug
            );
            Some((wanted.slug.clone(), sentence))
        })
        .collect())
}
