//! The switch at the top of every page: which mode somebody looks at, remembered with the person.

use actix_web::{HttpResponse, web::Data};
use diesel::{PgConnection, prelude::*};
use serde::Deserialize;

use crate::{
    app::App,
    environments::Mode,
    error::{AppError, AppResult},
    schema::users,
    users::Viewer,
    web::{Fields, next::safe_next, see_other},
};

/// The switch.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Switch {
    /// `all`, `live` or `test`
    #[serde(default)]
    mode: String,
    /// Where one was.
    #[serde(default)]
    next: String,
}

/// `POST /account/mode`: back to where one was, in that mode.
pub async fn choose(
    app: Data<App>,
    viewer: Viewer,
    fields: Fields<Switch>,
) -> AppResult<HttpResponse> {
    let Switch { mode, next } = fields.into_inner();
    let mode = match (mode.as_str(), Mode::parse(&mode)) {
        ("all", _) => None,
        (_, Some(mode)) => Some(mode),
        _ => {
            return Err(AppError::BadRequest(
                "There is no such mode. Choose All, Live or Test at the top of the page.".into(),
            ));
        }
    };
    app.db.write(move |conn| remember(conn, &viewer, mode)).await?;
    Ok(see_other(&from_the_first_page(&safe_next(Some(&next)))))
}

fn remember(conn: &mut PgConnection, viewer: &Viewer, mode: Option<Mode>) -> AppResult<()> {
    let Some(id) = viewer.id else { return Ok(()) };
    diesel::update(users::table.find(id))
        .set(users::mode.eq(mode.map(Mode::slug)))
        .execute(conn)?;
    Ok(())
}

/// A place in the middle of a list is no place in another mode's list.
fn from_the_first_page(address: &str) -> String {
    let Some((path, query)) = address.split_once('?') else { return address.to_owned() };
    let is_place = |field: &&str| field.starts_with("after=") || field.starts_with("before=");
    let kept: Vec<&str> = query.split('&').filter(|field| !is_place(field)).collect();
    if kept.is_empty() { path.to_owned() } else { format!("{path}?{}", kept.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_begins_again_in_another_mode() {
        for (address, back) in [
            ("/keys", "/keys"),
            ("/keys?after=abc", "/keys"),
            ("/keys?status=active&before=abc&sort=name", "/keys?status=active&sort=name"),
            ("/keys?q=after%3Dnoon", "/keys?q=after%3Dnoon"),
        ] {
            assert_eq!(from_the_first_page(address), back);
        }
    }
}
