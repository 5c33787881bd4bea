//! What is said and written down when somebody reaches beyond their grant.

use std::fmt;

use actix_web::{
    Error,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
    http::Method,
    middleware::Next,
    web::Data,
};
use diesel::{PgConnection, prelude::*};
use serde_json::{Value, json};

use crate::{
    app::App,
    audit::{self, Action, Subject},
    error::{AppError, AppResult},
    keys::Permissions,
    schema::{environments, permissions, sections},
    users::Viewer,
};

/// How many permissions a sentence names.
const NAMED: usize = 3;

/// An act that was refused because it reaches beyond the actor's grant.
#[derive(Debug, Clone)]
pub struct Refusal {
    viewer: Viewer,
    sentence: String,
    details: Value,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl Refusal {
    /// Says which part of such a key the viewer's grant does not cover.
    ///
    /// # Errors
    /// When Postgres cannot be asked.
    pub fn of(
        conn: &mut PgConnection,
        viewer: &Viewer,
        environment_id: i64,
        wanted: &Permissions,
    ) -> AppResult<Self> {
        let (slug, name): (String, String) = environments::table
            .find(environment_id)
            .select((environments::slug, environments::name))
            .first(conn)?;
        let is_covered =
            viewer.grant.as_ref().is_some_and(|grant| grant.covers_environment(environment_id));
        let lacks =
            viewer.grant.as_ref().map_or_else(|| wanted.clone(), |grant| grant.lacks(wanted));
        let whole: Vec<(String, String)> = sections::table
            .filter(sections::id.eq_any(&lacks.sections))
            .order((sections::position, sections::id))
            .select((sections::slug, sections::name))
            .load(conn)?;
        let single: Vec<String> = permissions::table
            .filter(permissions::id.eq_any(&lacks.permissions))
            .order((permissions::position, permissions::id))
            .select(permissions::slug)
            .load(conn)?;
        let mut outside = Vec::new();
        if !is_covered {
            outside.push(name);
        } else if lacks.all {
            outside.push("“All permissions”".into());
        } else {
            outside.extend(whole.iter().map(|(_, name)| format!("the whole section {name}")));
            outside.extend(single.iter().cloned());
        }
        let details = json!({
            "environment": (!is_covered).then_some(slug),
            "all_permissions": lacks.all,
            "sections": whole.into_iter().map(|(slug, _)| slug).collect::<Vec<_>>(),
            "permissions": single,
        });
        let sentence = format!(
            "Your API access doesn’t cover {}. Nothing was changed; ask an administrator.",
            list(&outside)
        );
        Ok(Self { viewer: viewer.clone(), sentence, details })
    }

    fn record(mut self, conn: &mut PgConnection, act: String) -> AppResult<()> {
        self.details["act"] = act.into();
        let id = self.viewer.id.map_or_else(|| "operator".to_owned(), |id| format!("user:{id}"));
        let subject = Subject { id: &id, name: &self.viewer.name };
        audit::record(conn, &self.viewer, Action::AccessRefused, subject, self.details)
    }
}

/// “a”, “a and b”, “a, b, c and 4 more”
fn list(words: &[String]) -> String {
    match words {
        [] => "this key".into(),
        [one] => one.clone(),
        [most @ .., last] if words.len() <= NAMED => format!("{} and {last}", most.join(", ")),
        _ => format!("{} and {} more", words[..NAMED].join(", "), words.len() - NAMED),
    }
}

/// Writes refused acts into the trail. It is done here, around every page, because the transaction that was refused
/// is undone, and so that no act can forget it.
///
/// # Errors
/// None of its own: a refusal that cannot be written down is a refusal all the same.
pub async fn record_refusals(
    req: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let response = next.call(req).await?;
    let refusal = match response.response().error().and_then(Error::as_error::<AppError>) {
        Some(AppError::BeyondGrant(refusal)) => (**refusal).clone(),
        _ => return Ok(response),
    };
    let request = response.request();
    if request.method() == Method::POST
        && let Some(app) = request.app_data::<Data<App>>().cloned()
    {
        let act = format!("{} {}", request.method(), request.path());
        if let Err(error) = app.db.write(move |conn| refusal.record(conn, act)).await {
            tracing::error!(%error, "a refusal cannot be written into the trail");
        }
    }
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::list;

    #[test]
    fn a_sentence_names_a_few_and_counts_the_rest() {
        let words: Vec<String> = ["a", "b", "c", "d", "e"].map(Into::into).into();
        assert_eq!(list(&words[..1]), "a");
        assert_eq!(list(&words[..3]), "a, b and c");
        assert_eq!(list(&words), "a, b, c and 2 more");
    }
}
