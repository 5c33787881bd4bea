//! Explaining a key: a gateway's question asked by a person, every check in its order, and the exact answer. It spends
//! nothing and counts nothing.

mod fixes;
mod form;

use actix_web::{
    HttpRequest, HttpResponse,
    http::{StatusCode, header},
    web::{Data, Path},
};
use chrono::Utc;
use diesel::PgConnection;

use self::form::Meant;
pub use self::{
    fixes::{Advice, Counsel},
    form::QuestionForm,
};
use super::{
    commands, overlap, queries,
    routes::parse_key,
    views::{self, Row},
};
use crate::{
    app::App,
    environments::{self, Environment},
    error::AppResult,
    scopes::{self, Section},
    users::Viewer,
    verify::{self, Asked, With},
    web::{Hx, Layout, Problems, with_status},
};

/// `GET /keys/{public key}/explain`
pub async fn explain(
    app: Data<App>,
    layout: Layout,
    hx: Hx,
    path: Path<String>,
    req: HttpRequest,
) -> AppResult<HttpResponse> {
    let layout = layout.with_api_access()?;
    let (viewer, public_key) = (layout.viewer.clone(), parse_key(&path)?);
    let form = QuestionForm::read(req.query_string())?;
    let (form, opened) = app
        .db
        .read(move |conn| {
            let opened = open(conn, &viewer, &public_key, &form)?;
            Ok((form, opened))
        })
        .await?;
    let Opened { row, environments, catalogue, customers, has_old, question } = opened;
    let now = Utc::now();
    let (explained, problems) = match question {
        Err(problems) => (None, problems),
        Ok((meant, known)) => {
            let asked = Asked {
                with: meant.with,
                environment_id: meant.environment.id,
                environment: &meant.environment.slug,
                scopes: form.scope.iter().map(Into::into).collect(),
                // What a template leaves blank is nobody, as in a gateway's question.
                customer: given(&form.customer).map(Into::into),
                ip: meant.ip,
                origin: given(&form.origin).map(Into::into),
            };
            let explanation = app.engine.explain(known, asked, meant.at.unwrap_or(now)).await;
            let counsel = Counsel {
                row: &row,
                form: &form,
                with: meant.with,
                catalogue: &catalogue,
                viewer: &layout.viewer,
            };
            let explained = views::Explained::new(explanation, &counsel, meant.at);
            (Some(explained), Problems::default())
        }
    };
    let address = form.address(&row.key.public_key);
    let status = match explained {
        Some(_) => StatusCode::OK,
        None => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let view = views::Explain {
        layout,
        row,
        form,
        problems,
        environments,
        catalogue,
        customers,
        has_old,
        explained,
    };
    if !hx.wants_fragment() {
        return with_status(status, &view);
    }
    let mut response = with_status(status, &view.as_explanation())?;
    response.headers_mut().insert(
        header::HeaderName::from_static("hx-push-url"),
        header::HeaderValue::from_str(&address).map_err(anyhow::Error::from)?,
    );
    Ok(response)
}

/// A key, with all that the page needs to be drawn, and the question if it was understood.
struct Opened {
    row: Row,
    environments: Vec<Environment>,
    catalogue: Vec<Section>,
    /// Those that the key is restricted to, as suggestions.
    customers: Vec<String>,
    /// Whether a secret of it was ever replaced.
    has_old: bool,
    question: Result<(Meant, verify::Known), Problems>,
}

fn open(
    conn: &mut PgConnection,
    viewer: &Viewer,
    public_key: &str,
    form: &QuestionForm,
) -> AppResult<Opened> {
    let key = queries::find(conn, viewer, public_key)?;
    let environments = environments::list(conn)?;
    let has_old = overlap::has_old_secrets(conn, key.id)?;
    let question = match form.parse(&environments, key.environment_id, viewer.zone) {
        Ok(Meant { with: With::OldSecret, .. }) if !has_old => {
            Err(Problems::one("with", "No secret of this key was replaced yet."))
        }
        Ok(meant) => {
            let known = verify::learn(conn, key.id, public_key, meant.with)?;
            Ok((meant, known))
        }
        Err(problems) => Err(problems),
    };
    let held = queries::holdings_of(conn, &key)?;
    let customers = queries::restrictions_of(conn, &key)?.customers;
    let may = commands::may(conn, viewer)?;
    Ok(Opened {
        row: Row::new(key, held, viewer, may, Utc::now()),
        environments,
        catalogue: scopes::catalogue(conn)?,
        customers,
        has_old,
        question,
    })
}

fn given(typed: &str) -> Option<&str> {
    Some(typed).filter(|typed| !typed.is_empty())
}
